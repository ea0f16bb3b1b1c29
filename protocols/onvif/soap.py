"""SOAP 1.2 envelopes: what came, a reply to be filled in, a fault. Pure.

WS-Addressing 1.0 headers are read where they are sent, and answered where they were (ONVIF Core s9.9); which operation
is asked is said by the body alone, since clients send actions that are wrong, or none.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from device.media import Utc
from protocols.onvif.faults import BAD_TAG, BAD_VERSION, NOT_UNDERSTOOD, Kind, Refusal
from protocols.onvif.names import ENV, ENV11, PREFIXES, WSA, WSRF_BF, WSSE, XML
from protocols.onvif.xml import Element, local, parse, sub, text, write_instant

FAULT_ACTION = "http://www.w3.org/2005/08/addressing/soap/fault"
MEDIA_TYPE = "application/soap+xml"
_UNDERSTOOD = {WSA, WSSE}


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request."""

    body: Element  #: the element that names the operation
    security: Element | None  #: wsse:Security
    to: str  #: wsa:To
    message: str | None  #: wsa:MessageID; None: the sender does not use WS-Addressing


def read(data: bytes) -> Envelope:
    """Take a request apart. Raises Refusal."""
    root = parse(data)
    if root.tag == ENV11.Envelope:
        raise Refusal(BAD_VERSION)
    if root.tag != ENV.Envelope:
        raise Refusal(BAD_TAG, "The document is not a SOAP envelope.")
    header, body = root.find(ENV.Header), root.find(ENV.Body)
    # Counted before any is looked at: each that is becomes an object, and a body may hold a hundred thousand.
    asked = body[0] if body is not None and len(body) == 1 else None
    if asked is None or not isinstance(asked.tag, str):  # an entity stands as an element without a name
        raise Refusal(BAD_TAG, "The body must hold one element, the operation.")
    if header is None:
        return Envelope(asked, None, "", None)
    for block in header.iterchildren("*"):
        must = block.get(ENV.mustUnderstand, "").strip() in ("1", "true")
        if must and etree.QName(block).namespace not in _UNDERSTOOD:
            raise Refusal(NOT_UNDERSTOOD, f"The header {local(block)} is not understood.")
    return Envelope(
        asked, header.find(WSSE.Security), text(header, WSA.To) or "", text(header, WSA.MessageID)
    )


def reply(name: str) -> Element:
    """An empty reply: the element of that name, in the body of an envelope of its own."""
    envelope = etree.Element(ENV.Envelope, nsmap=PREFIXES)
    sub(envelope, ENV.Header)
    return sub(sub(envelope, ENV.Body), name)


def addressed(answer: Element, action: str, message: str | None, written: bytes | None = None) -> bytes:
    """The octets of the envelope that an answer stands in, addressed as the request was. `written`: the answer's own,
    where they were made before."""
    envelope = answer.getroottree().getroot()
    header = envelope[0]
    if message is None:
        envelope.remove(header)
    else:
        sub(header, WSA.Action, action)
        if message:
            sub(header, WSA.RelatesTo, message)
    octets = etree.tostring(envelope, encoding="utf-8", xml_declaration=True)
    if written is None:
        return octets
    before, body, _ = octets.rpartition(b"<env:Body>")
    return b"".join((before, body, written, b"</env:Body></env:Envelope>"))


def fault(kind: Kind, reason: str, message: str | None, utc: Utc) -> bytes:
    """The envelope of a fault (SOAP 1.2 s5.4). `utc`: now."""
    answer = reply(ENV.Fault)
    code = sub(answer, ENV.Code)
    sub(code, ENV.Value, f"env:{kind.code}")
    for subcode in kind.subcodes:
        code = sub(code, ENV.Subcode)
        sub(code, ENV.Value, f"ter:{subcode}")
    sub(sub(answer, ENV.Reason), ENV.Text, reason).set(XML.lang, "en")
    if kind.detail:  # a WS-BaseFault 1.2 s3
        told = sub(sub(answer, ENV.Detail), kind.detail)
        sub(told, WSRF_BF.Timestamp, write_instant(utc))
        if kind.within is not None:
            name, inside = kind.within
            sub(told, name, inside.format(now=write_instant(utc)))
    return addressed(answer, FAULT_ACTION, message)
