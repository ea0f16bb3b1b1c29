"""The types of objects (RFC 2578 s7), and the limits that textual conventions put on them.

A syntax writes a Python value as BER, and reads one that a manager wants to set. A value that does not fit
its type wraps where the type wraps (counters, ticks) and stays at the limit where it does not (gauges).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from device.media import MICROSECONDS, Utc
from protocols.snmp import ber
from protocols.snmp.ber import Oid, integer, tlv

Value = int | bytes | Oid
_INT_LOW, _INT_HIGH = -(1 << 31), (1 << 31) - 1
_U32, _U64 = (1 << 32) - 1, (1 << 64) - 1


class WrongValue(Exception):
    """A value may not be set. `status`: wrongType, wrongLength or wrongValue (RFC 3416 s4.2.5)."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Syntax:
    """One type."""

    base: (
        str  #: INTEGER, OCTET STRING, OBJECT IDENTIFIER, IpAddress, Counter32, Gauge32, TimeTicks, Counter64
    )
    tag: int
    encode: Callable[[object], bytes]
    low: int = 0  #: of a number its least value, of a string its least length
    high: int = 0
    names: Mapping[int, str] | None = None  #: of an enumeration

    def decode(self, tag: int, body: bytes) -> Value:
        """The value in these octets. Raises WrongValue, and Malformed where they are of no value at all."""
        if tag != self.tag:
            raise WrongValue("wrongType")
        if tag == ber.OCTETS or tag == ber.IP_ADDRESS:
            if not self.low <= len(body) <= self.high:
                raise WrongValue("wrongLength")
            return body
        if tag == ber.NAME:
            return ber.read_name(body)
        if tag == ber.INTEGER:
            value, _ = ber.read_integer(tlv(ber.INTEGER, body), 0, len(body) + 2) if len(body) < 5 else (0, 0)
            if len(body) > 4:
                raise WrongValue("wrongLength")
        else:
            value = ber.read_number(body, 0, len(body), 64 if tag == ber.COUNTER64 else 32)
        if not self.low <= value <= self.high or (self.names is not None and value not in self.names):
            raise WrongValue("wrongValue")
        return value


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _encode_integer(value: object) -> bytes:
    return integer(min(max(_number(value), _INT_LOW), _INT_HIGH))


def _encode_octets(value: object) -> bytes:
    if isinstance(value, str):
        return tlv(ber.OCTETS, value.encode("utf-8", "replace")[:255])
    assert isinstance(value, bytes)
    return tlv(ber.OCTETS, value)


def _encode_name(value: object) -> bytes:
    assert isinstance(value, tuple)
    return ber.name(value)


def _encode_address(value: object) -> bytes:
    return tlv(ber.IP_ADDRESS, ipaddress.IPv4Address(str(value)).packed)


def _wrapping(tag: int, most: int) -> Callable[[object], bytes]:
    """`integer` for what is never negative: the most frequent values of all."""
    heads = [bytes((tag, size)) for size in range(10)]

    def encode(value: object) -> bytes:
        assert isinstance(value, int)
        value &= most
        size = (value.bit_length() >> 3) + 1
        return heads[size] + value.to_bytes(size, "big")

    return encode


def _encode_gauge(value: object) -> bytes:
    return integer(min(max(_number(value), 0), _U32), ber.GAUGE32)


def _encode_wide(value: object) -> bytes:
    return integer(min(max(_number(value), 0), _U64), ber.COUNTER64)


def _encode_truth(value: object) -> bytes:
    return integer(1 if value else 2)


def date_and_time(utc: Utc) -> bytes:
    """DateAndTime (RFC 2579), in UTC; eight zero octets where the instant is not known (0)."""
    if not utc:
        return bytes(8)
    at = datetime.fromtimestamp(utc / MICROSECONDS, UTC)
    tenths = at.microsecond // 100_000
    return at.year.to_bytes(2, "big") + bytes(
        (at.month, at.day, at.hour, at.minute, at.second, tenths, 0x2B, 0, 0)
    )


def _encode_date(value: object) -> bytes:
    return tlv(ber.OCTETS, date_and_time(Utc(_number(value))))


def whole(low: int = _INT_LOW, high: int = _INT_HIGH) -> Syntax:
    """Integer32 with limits."""
    return Syntax("INTEGER", ber.INTEGER, _encode_integer, low, high)


def enumeration(*names: str, start: int = 1) -> Syntax:
    """An INTEGER with named numbers, from `start` on. A value is given as its number."""
    known = dict(enumerate(names, start))
    return Syntax("INTEGER", ber.INTEGER, _encode_integer, start, start + len(names) - 1, known)


def named(names: Mapping[int, str]) -> Syntax:
    """An INTEGER with these named numbers."""
    return Syntax("INTEGER", ber.INTEGER, _encode_integer, min(names), max(names), names)


def octets(low: int, high: int) -> Syntax:
    """An OCTET STRING of so many octets; a value may be text, which goes out as UTF-8."""
    return Syntax("OCTET STRING", ber.OCTETS, _encode_octets, low, high)


INTEGER32 = whole()
TEXT = octets(0, 255)  #: SnmpAdminString, DisplayString
MAC = octets(0, 6)  #: PhysAddress
NAME = Syntax("OBJECT IDENTIFIER", ber.NAME, _encode_name)
ADDRESS = Syntax("IpAddress", ber.IP_ADDRESS, _encode_address, 4, 4)
COUNTER = Syntax("Counter32", ber.COUNTER32, _wrapping(ber.COUNTER32, _U32), 0, _U32)
GAUGE = Syntax("Gauge32", ber.GAUGE32, _encode_gauge, 0, _U32)
TICKS = Syntax("TimeTicks", ber.TIMETICKS, _wrapping(ber.TIMETICKS, _U32), 0, _U32)
COUNTER64 = Syntax("Counter64", ber.COUNTER64, _wrapping(ber.COUNTER64, _U64), 0, _U64)
GAUGE64 = Syntax("Counter64", ber.COUNTER64, _encode_wide, 0, _U64)  #: CounterBasedGauge64 (RFC 2856)
DATE = Syntax("OCTET STRING", ber.OCTETS, _encode_date, 8, 11)
TRUTH = Syntax("INTEGER", ber.INTEGER, _encode_truth, 1, 2, {1: "true", 2: "false"})
