"""BER as SNMP has it (RFC 3417 s8), read strictly: what a device writes otherwise is a failure of the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.case import Failed

Oid = tuple[int, ...]

INTEGER, OCTETS, NULL, NAME, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
IP_ADDRESS, COUNTER32, GAUGE32, TIMETICKS, OPAQUE, COUNTER64 = 0x40, 0x41, 0x42, 0x43, 0x44, 0x46
NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_VIEW = 0x80, 0x81, 0x82

WORDS = {
    INTEGER: "INTEGER",
    OCTETS: "OCTET STRING",
    NULL: "NULL",
    NAME: "OBJECT IDENTIFIER",
    IP_ADDRESS: "IpAddress",
    COUNTER32: "Counter32",
    GAUGE32: "Gauge32",
    TIMETICKS: "TimeTicks",
    OPAQUE: "Opaque",
    COUNTER64: "Counter64",
    NO_SUCH_OBJECT: "noSuchObject",
    NO_SUCH_INSTANCE: "noSuchInstance",
    END_OF_VIEW: "endOfMibView",
}  #: tag of a value -> what it is called
_NUMBERS = {
    INTEGER: (-(1 << 31), (1 << 31) - 1),
    COUNTER32: (0, (1 << 32) - 1),
    GAUGE32: (0, (1 << 32) - 1),
    TIMETICKS: (0, (1 << 32) - 1),
    COUNTER64: (0, (1 << 64) - 1),
}


# ------------------------------------------------------------------------------------------------ writing


def tlv(tag: int, body: bytes) -> bytes:
    """One element, its length as short as it can be."""
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + body


def integer(value: int, tag: int = INTEGER) -> bytes:
    """A number."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return tlv(tag, value.to_bytes(size, "big", signed=True))


def octets(body: bytes) -> bytes:
    """An OCTET STRING."""
    return tlv(OCTETS, body)


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE."""
    return tlv(SEQUENCE, b"".join(parts))


def name_body(oid: Oid) -> bytes:
    """The content of an OBJECT IDENTIFIER of two sub-identifiers or more."""
    out = bytearray()
    for value in (oid[0] * 40 + oid[1], *oid[2:]):
        out += bytes([value & 0x7F])
        at = len(out) - 1
        while value := value >> 7:
            out.insert(at, 0x80 | value & 0x7F)
    return bytes(out)


def name(oid: Oid) -> bytes:
    """An OBJECT IDENTIFIER."""
    return tlv(NAME, name_body(oid))


def oid(text: str) -> Oid:
    """`1.3.6.1` or `.1.3.6.1`. Raises ValueError."""
    return tuple(int(part) for part in text.strip(".").split("."))


def dotted(of: Oid) -> str:
    """As people write it."""
    return ".".join(map(str, of))


# ------------------------------------------------------------------------------------------------ reading


@dataclass(frozen=True, slots=True)
class Element:
    """One element as it came."""

    tag: int
    body: bytes

    def parts(self, count: int | None = None) -> list[Element]:
        """What is in it; `count`: how many there must be. Raises Failed."""
        found = elements(self.body)
        if count is not None and len(found) != count:
            raise Failed(f"{len(found)} elements where {count} must be")
        return found

    def number(self, tag: int = INTEGER) -> int:
        """Its value. Raises Failed: another type, not written as short as it can be, outside its type."""
        if self.tag != tag:
            raise Failed(f"tag {self.tag:#04x} where {WORDS[tag]} must be")
        if not self.body or (len(self.body) > 1 and self.body[0] in (0, 0xFF) and self._padded()):
            raise Failed(f"{WORDS[tag]} of the octets {self.body.hex() or 'none'}")
        value = int.from_bytes(self.body, "big", signed=True)
        low, high = _NUMBERS[tag]
        if not low <= value <= high:
            raise Failed(f"{WORDS[tag]} of {value}")
        return value

    def _padded(self) -> bool:
        return (self.body[0] == 0) == (self.body[1] < 0x80)

    def octets(self) -> bytes:
        """An OCTET STRING's value. Raises Failed."""
        if self.tag != OCTETS:
            raise Failed(f"tag {self.tag:#04x} where OCTET STRING must be")
        return self.body

    def name(self) -> Oid:
        """An OBJECT IDENTIFIER's value. Raises Failed."""
        if self.tag != NAME:
            raise Failed(f"tag {self.tag:#04x} where OBJECT IDENTIFIER must be")
        out: list[int] = []
        value, begins = 0, True
        for octet in self.body:
            if begins and octet == 0x80:
                raise Failed("a sub-identifier that begins with 0x80")
            value, begins = value << 7 | octet & 0x7F, False
            if octet < 0x80:
                out.append(value)
                value, begins = 0, True
        if not out or not begins or max(out) > 0xFFFFFFFF or len(out) > 127:
            raise Failed(f"no OBJECT IDENTIFIER: {self.body.hex()}")
        first = min(out[0] // 40, 2)
        return (first, out[0] - 40 * first, *out[1:])


def elements(body: bytes) -> list[Element]:
    """The elements that fill these octets. Raises Failed: cut, indefinite, or of several octets of tag."""
    found, at = [], 0
    while at < len(body):
        tag = body[at]
        if tag & 0x1F == 0x1F or at + 2 > len(body):
            raise Failed("a tag of several octets, or an element without its length")
        size, at = body[at + 1], at + 2
        if size >= 0x80:
            count = size & 0x7F
            if not 0 < count <= 4:
                raise Failed("an indefinite length, or one of more than four octets")
            size, at = int.from_bytes(body[at : at + count], "big"), at + count
        if at + size > len(body):
            raise Failed("an element that reaches beyond its end")
        found.append(Element(tag, body[at : at + size]))
        at += size
    return found


def only(data: bytes, tag: int) -> Element:
    """The one element that these octets are. Raises Failed."""
    found = elements(data)
    if len(found) != 1 or found[0].tag != tag:
        raise Failed(f"not one element with tag {tag:#04x}")
    return found[0]


def joined(parts: Sequence[bytes]) -> bytes:
    """One after the other."""
    return b"".join(parts)
