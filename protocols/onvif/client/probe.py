"""Looking for cameras with WS-Discovery (April 2005 s5, ONVIF Core s7): probes out, matches in. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from device.cameras.control import NotUnderstood
from protocols.onvif.client.lenient import descendants, document, text
from protocols.onvif.names import DN, ENV, TDS, WSA04, WSD
from protocols.onvif.xml import sub

_EVERYBODY = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
_SCOPE = "onvif://www.onvif.org/"
#: Asked one after the other: there are cameras that know the one type alone.
TYPES = ("dn:NetworkVideoTransmitter", "tds:Device")


@dataclass(frozen=True, slots=True)
class Match:
    """A device that answered."""

    id: str  #: of its endpoint, such as urn:uuid:...
    addresses: tuple[str, ...]  #: URLs of its device service
    scopes: tuple[str, ...]

    def scope(self, category: str) -> str:
        """The first value of a category such as name or hardware; empty: it tells none."""
        head = f"{_SCOPE}{category}/"
        found = (each[len(head) :] for each in self.scopes if each.startswith(head))
        return unquote(next(found, "")).replace("_", " ").strip()


def probe(kind: str) -> bytes:
    """A Probe for devices of a type of `TYPES`."""
    envelope = etree.Element(ENV.Envelope, nsmap={"env": ENV, "wsa": WSA04, "d": WSD, "dn": DN, "tds": TDS})
    header = sub(envelope, ENV.Header)
    sub(header, WSA04.MessageID, f"urn:uuid:{uuid.uuid4()}")
    sub(header, WSA04.To, _EVERYBODY)
    sub(header, WSA04.Action, f"{WSD}/Probe")
    sub(sub(sub(envelope, ENV.Body), WSD.Probe), WSD.Types, kind)
    return etree.tostring(envelope, encoding="utf-8", xml_declaration=True)


def matches(datagram: bytes) -> Sequence[Match]:
    """What a datagram tells of devices; nothing where it cannot be read."""
    try:
        root = document(datagram)
    except NotUnderstood:
        return ()
    found = []
    for each in descendants(root, "ProbeMatch"):
        id_ = text(next(descendants(each, "EndpointReference"), None), "Address")
        addresses = tuple(address for address in text(each, "XAddrs").split() if address.startswith("http"))
        if addresses:
            found.append(Match(id_ or addresses[0], addresses, tuple(text(each, "Scopes").split())))
    return found
