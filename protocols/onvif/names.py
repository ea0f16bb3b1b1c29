"""The namespaces of ONVIF, with the prefixes that its specifications use: `TT.Name` is `{http://...}Name`."""

from __future__ import annotations


class Namespace(str):
    """A namespace; its attributes are the qualified names in it, as lxml writes them. Each is made once: a reply of a
    hundred results has thousands of names."""

    def __getattr__(self, name: str) -> str:
        made = self.name(name)
        if not name.startswith("__"):
            self.__dict__[name] = made
        return made

    def name(self, local: str) -> str:
        """The qualified name of a local name that is not known before."""
        return f"{{{self}}}{local}"


ENV = Namespace("http://www.w3.org/2003/05/soap-envelope")  #: SOAP 1.2
ENV11 = Namespace("http://schemas.xmlsoap.org/soap/envelope/")
XSI = Namespace("http://www.w3.org/2001/XMLSchema-instance")
XS = Namespace("http://www.w3.org/2001/XMLSchema")
XML = Namespace("http://www.w3.org/XML/1998/namespace")

WSA = Namespace("http://www.w3.org/2005/08/addressing")  #: of events
WSSE = Namespace("http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd")
WSU = Namespace("http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd")
WSNT = Namespace("http://docs.oasis-open.org/wsn/b-2")
WSTOP = Namespace("http://docs.oasis-open.org/wsn/t-1")
WSRF_R = Namespace("http://docs.oasis-open.org/wsrf/r-2")
WSRF_BF = Namespace("http://docs.oasis-open.org/wsrf/bf-2")

WSD = Namespace("http://schemas.xmlsoap.org/ws/2005/04/discovery")
WSA04 = Namespace("http://schemas.xmlsoap.org/ws/2004/08/addressing")  #: of discovery, and of nothing else
DN = Namespace("http://www.onvif.org/ver10/network/wsdl")

TT = Namespace("http://www.onvif.org/ver10/schema")
TER = Namespace("http://www.onvif.org/ver10/error")
TNS1 = Namespace("http://www.onvif.org/ver10/topics")
TDS = Namespace("http://www.onvif.org/ver10/device/wsdl")
TEV = Namespace("http://www.onvif.org/ver10/events/wsdl")
TRT = Namespace("http://www.onvif.org/ver10/media/wsdl")
TMD = Namespace("http://www.onvif.org/ver10/deviceIO/wsdl")
TRC = Namespace("http://www.onvif.org/ver10/recording/wsdl")
TSE = Namespace("http://www.onvif.org/ver10/search/wsdl")
TRP = Namespace("http://www.onvif.org/ver10/replay/wsdl")
TRV = Namespace("http://www.onvif.org/ver10/receiver/wsdl")
TPTZ = Namespace("http://www.onvif.org/ver20/ptz/wsdl")  #: of cameras
HF = Namespace("urn:holdfast:topics")  #: of the events that ONVIF has no topic for

#: Declared once, on the envelope of every reply: names in texts (topics, types, fault codes) resolve by them.
PREFIXES: dict[str, str] = {
    "env": ENV,
    "xsi": XSI,
    "xs": XS,
    "wsa": WSA,
    "wsnt": WSNT,
    "wstop": WSTOP,
    "tt": TT,
    "ter": TER,
    "tns1": TNS1,
    "hf": HF,
    "tds": TDS,
    "tev": TEV,
    "trt": TRT,
    "tmd": TMD,
    "trc": TRC,
    "tse": TSE,
    "trp": TRP,
    "trv": TRV,
    "tptz": TPTZ,
}
