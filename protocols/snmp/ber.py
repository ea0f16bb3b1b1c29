"""The part of BER that SNMP uses (RFC 3417 s8): definite lengths, primitive strings, tags of one octet."""

from __future__ import annotations

import struct

from device.errors import PeerFault

Oid = tuple[int, ...]

INTEGER, OCTETS, NULL, NAME, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
IP_ADDRESS, COUNTER32, GAUGE32, TIMETICKS, OPAQUE, COUNTER64 = 0x40, 0x41, 0x42, 0x43, 0x44, 0x46

MOST_SUBIDS = 128  #: of one name (RFC 2578 s3.5)
NULL_VALUE = b"\x05\x00"

_LENGTHS = [bytes((n,)) if n < 0x80 else bytes((0x81, n)) for n in range(0x100)]
_SUBIDS = [bytes((n,)) for n in range(0x80)]


class Malformed(PeerFault):
    """Octets that are no SNMP message. The only error that reading raises."""

    transient = False


# ------------------------------------------------------------------------------------------------ writing


def length(size: int) -> bytes:
    """The length octets of a content of `size` octets, at most 2**32 - 1."""
    if size < 0x100:
        return _LENGTHS[size]
    if size < 0x10000:
        return b"\x82" + size.to_bytes(2, "big")
    return b"\x84" + size.to_bytes(4, "big")


def tlv(tag: int, body: bytes) -> bytes:
    """One element."""
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    return bytes((tag,)) + length(size) + body


def integer(value: int, tag: int = INTEGER) -> bytes:
    """An integer of any application type: all of them are written as signed (X.690 s8.3)."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return bytes((tag, size)) + value.to_bytes(size, "big", signed=True)


def name_body(oid: Oid) -> bytes:
    """The content octets of an object identifier of at least two sub-identifiers (X.690 s8.19)."""
    parts = [_subid(oid[0] * 40 + oid[1])]
    parts += map(_subid, oid[2:])
    return b"".join(parts)


def name(oid: Oid) -> bytes:
    """An object identifier."""
    return tlv(NAME, name_body(oid))


def _subid(value: int) -> bytes:
    if value < 0x80:
        return _SUBIDS[value]
    out = [value & 0x7F]
    value >>= 7
    while value:
        out.append(0x80 | (value & 0x7F))
        value >>= 7
    return bytes(reversed(out))


def order(oid: Oid) -> bytes:
    """A key under which names sort as RFC 3416 wants them (s4.2.2); their BER does not."""
    return struct.pack(f">{len(oid)}I", *oid)


# ------------------------------------------------------------------------------------------------ reading


def element(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends. Raises Malformed, also where it has another
    tag or reaches beyond `end`."""
    if at + 2 > end or data[at] != tag:
        raise Malformed("another element is expected here")
    size = data[at + 1]
    at += 2
    if size >= 0x80:
        octets = size & 0x7F
        if not 0 < octets <= 4 or at + octets > end:
            raise Malformed("a length that is indefinite, or too long")
        size = int.from_bytes(data[at : at + octets], "big")
        at += octets
    stop = at + size
    if stop > end:
        raise Malformed("an element reaches beyond its end")
    return at, stop


def any_element(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The same, whatever the tag. Raises Malformed."""
    if at >= end or data[at] & 0x1F == 0x1F:
        raise Malformed("a tag of several octets, or none")
    return element(data, at, end, data[at])


def elements(data: bytes, at: int, end: int, tags: bytes) -> list[tuple[int, int]]:
    """Where the contents begin and end of the elements with these tags, which fill `data` from `at` to `end`.
    Raises Malformed."""
    found = []
    for tag in tags:
        if at + 2 > end or data[at] != tag or data[at + 1] >= 0x80:
            at, stop = element(data, at, end, tag)
        else:
            at, stop = at + 2, at + 2 + data[at + 1]
            if stop > end:
                raise Malformed("an element reaches beyond its end")
        found.append((at, stop))
        at = stop
    if at != end:
        raise Malformed("something follows the last element")
    return found


def read_integer(data: bytes, at: int, end: int) -> tuple[int, int]:
    """An INTEGER of 32 bits, and where it ends. Raises Malformed."""
    start, stop = element(data, at, end, INTEGER)
    return short_integer(data[start:stop]), stop


def short_integer(body: bytes) -> int:
    """The content of an INTEGER of 32 bits. Raises Malformed."""
    if not 1 <= len(body) <= 4:
        raise Malformed("an integer of no 32 bits")
    return int.from_bytes(body, "big", signed=True)


def read_number(data: bytes, start: int, stop: int, bits: int) -> int:
    """The content of an unsigned type of so many bits. Raises Malformed."""
    if not 1 <= stop - start <= bits // 8 + 1:
        raise Malformed("a number of too many octets")
    value = int.from_bytes(data[start:stop], "big", signed=True)
    if not 0 <= value < 1 << bits:
        raise Malformed("a number outside its type")
    return value


def read_name(body: bytes) -> Oid:
    """The object identifier in these content octets. Raises Malformed: empty, padded, cut, a sub-identifier
    above 2**32 - 1, or more than 128 of them."""
    if not body:
        raise Malformed("an empty name")
    out: list[int] = []
    value, begins = 0, True
    for octet in body:
        if begins and octet == 0x80:
            raise Malformed("a padded sub-identifier")
        begins = False
        value = value << 7 | octet & 0x7F
        if value > 0xFFFFFFFF:
            raise Malformed("a sub-identifier of more than 32 bits")
        if octet < 0x80:
            out.append(value)
            value, begins = 0, True
    if not begins:
        raise Malformed("a name is cut")
    if len(out) >= MOST_SUBIDS:
        raise Malformed("a name of too many sub-identifiers")
    first = min(out[0] // 40, 2)
    return (first, out[0] - 40 * first, *out[1:])
