"""Namespaces, and the prefixes by which cases write and read them: `tds:Name` is `{http://...}Name`."""

from __future__ import annotations

PREFIXES = {
    "env": "http://www.w3.org/2003/05/soap-envelope",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "wsse": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "wsu": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
    "xs": "http://www.w3.org/2001/XMLSchema",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "tt": "http://www.onvif.org/ver10/schema",
    "ter": "http://www.onvif.org/ver10/error",
    "tns1": "http://www.onvif.org/ver10/topics",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "trc": "http://www.onvif.org/ver10/recording/wsdl",
    "tse": "http://www.onvif.org/ver10/search/wsdl",
    "trp": "http://www.onvif.org/ver10/replay/wsdl",
    "trv": "http://www.onvif.org/ver10/receiver/wsdl",
    "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "timg": "http://www.onvif.org/ver20/imaging/wsdl",
    "tan": "http://www.onvif.org/ver20/analytics/wsdl",
    "tac": "http://www.onvif.org/ver10/accesscontrol/wsdl",
    "tdc": "http://www.onvif.org/ver10/doorcontrol/wsdl",
    "tas": "http://www.onvif.org/ver10/advancedsecurity/wsdl",
    "tar": "http://www.onvif.org/ver10/accessrules/wsdl",
    "tcr": "http://www.onvif.org/ver10/credential/wsdl",
    "tsc": "http://www.onvif.org/ver10/schedule/wsdl",
}
#: Of WS-Discovery alone: it has an older addressing than everything else.
DISCOVERY = {
    "env": PREFIXES["env"],
    "wsa4": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "wsd": "http://schemas.xmlsoap.org/ws/2005/04/discovery",
    "dn": "http://www.onvif.org/ver10/network/wsdl",
    "tds": PREFIXES["tds"],
}
CONCRETE_SET = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
ITEM_FILTER = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
SEARCH_FILTER = "http://www.onvif.org/ver10/tse/searchFilter"
RECEIVER_TYPE = "http://www.onvif.org/ver10/schema/Receiver"


def name(short: str) -> str:
    """`tds:Name` -> `{http://www.onvif.org/ver10/device/wsdl}Name`."""
    prefix, _, local = short.partition(":")
    return f"{{{PREFIXES[prefix]}}}{local}"
