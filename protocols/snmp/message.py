"""Messages and PDUs: SNMPv1 (RFC 1157), SNMPv2c (RFC 1901), SNMPv3 (RFC 3412 s6), RFC 3416 s3."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from protocols.snmp import ber
from protocols.snmp.ber import NAME, OCTETS, SEQUENCE, Malformed, element, integer, length, tlv

V1, V2C, V3 = 0, 1, 3  #: the version field

GET, GETNEXT, RESPONSE, SET, TRAP_V1, GETBULK, INFORM, TRAP, REPORT = range(0xA0, 0xA9)

AUTH, PRIV, REPORTABLE = 1, 2, 4  #: msgFlags
USM_MODEL = 3
MOST_VARBINDS = 1024  #: of one request
LEAST_SIZE = 484  #: msgMaxSize (RFC 3412 s6)
MOST_SIZE = 65507  #: what a UDP datagram over IPv4 takes

NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_VIEW = b"\x80\x00", b"\x81\x00", b"\x82\x00"


class TooManyVarbinds(Malformed):
    """More varbinds than are answered: tooBig."""


@dataclass(slots=True)
class Pdu:
    """A PDU as it came. `first` and `second` are error-status and error-index, or GETBULK's two numbers."""

    kind: int
    request: bytes  #: the request-id, as its element
    first: int
    second: int
    names: list[bytes]  #: content octets of each name
    values: list[tuple[int, int]]  #: where each value begins and ends, with tag and length
    varbinds: bytes  #: the whole list, as its element


def read_pdu(data: bytes, at: int, end: int) -> Pdu:
    """The PDU that fills `data` from `at` to `end`. Raises Malformed."""
    if at >= end:
        raise Malformed("no PDU")
    kind = data[at]
    start, stop = ber.any_element(data, at, end)
    if stop != end:
        raise Malformed("something follows the PDU")
    if not GET <= kind <= REPORT or kind == TRAP_V1:
        raise Malformed("no PDU that is known")
    _, after = ber.read_integer(data, start, end)
    request = data[start:after]
    first, after = ber.read_integer(data, after, end)
    second, after = ber.read_integer(data, after, end)
    listed = after
    at, stop = element(data, listed, end, SEQUENCE)
    if stop != end:
        raise Malformed("something follows the varbinds")
    names: list[bytes] = []
    values: list[tuple[int, int]] = []
    while at < end:
        # Most elements are shorter than 128 octets: then their length is one octet.
        if at + 4 <= end and data[at] == SEQUENCE and data[at + 1] < 0x80:
            start, stop = at + 2, at + 2 + data[at + 1]
            if stop > end:
                raise Malformed("a varbind reaches beyond its end")
        else:
            start, stop = element(data, at, end, SEQUENCE)
        if start + 2 <= stop and data[start] == NAME and data[start + 1] < 0x80:
            begin, after = start + 2, start + 2 + data[start + 1]
            if after > stop:
                raise Malformed("a name reaches beyond its end")
        else:
            begin, after = element(data, start, stop, NAME)
        names.append(data[begin:after])
        if ber.any_element(data, after, stop)[1] != stop:
            raise Malformed("something follows a value")
        values.append((after, stop))
        at = stop
        if len(names) > MOST_VARBINDS:
            raise TooManyVarbinds("too many varbinds")
    return Pdu(kind, request, first, second, names, values, data[listed:end])


def response(request: bytes, status: int, index: int, varbinds: bytes) -> bytes:
    """A Response; `varbinds` is the list as its element."""
    body = request + integer(status) + integer(index) + varbinds
    return b"\xa2" + length(len(body)) + body


def pdu(kind: int, request: int, varbinds: Iterable[bytes]) -> bytes:
    """Any other PDU of the common form, with error-status and error-index 0."""
    listed = tlv(SEQUENCE, b"".join(varbinds))
    return tlv(kind, integer(request) + b"\x02\x01\x00\x02\x01\x00" + listed)


def trap_v1(
    enterprise: bytes, address: bytes, generic: int, specific: int, ticks: bytes, varbinds: Iterable[bytes]
) -> bytes:
    """A Trap-PDU (RFC 1157 s4.1.6). `enterprise` and `ticks` are elements, `address` four octets."""
    body = enterprise + tlv(ber.IP_ADDRESS, address) + integer(generic) + integer(specific) + ticks
    return tlv(TRAP_V1, body + tlv(SEQUENCE, b"".join(varbinds)))


def community_message(version: int, community: bytes, body: bytes) -> bytes:
    """A whole message of v1 or v2c."""
    return tlv(SEQUENCE, integer(version) + tlv(OCTETS, community) + body)


@dataclass(slots=True)
class Secured:
    """An SNMPv3 message, as far as it is open to everybody (RFC 3412 s6, RFC 3414 s2.4)."""

    data: bytes
    message_id: bytes  #: as its element
    max_size: int
    flags: int
    model: int
    engine: bytes
    boots: int
    time: int
    user: bytes
    digest: tuple[int, int]  #: where msgAuthenticationParameters begin and end
    salt: bytes
    scoped: int  #: where msgData begins
    end: int


def read_v3(data: bytes, at: int, end: int) -> Secured:
    """The message whose header begins at `at`. Raises Malformed."""
    head, stop = element(data, at, end, SEQUENCE)
    number, after = ber.read_integer(data, head, stop)
    max_size, then = ber.read_integer(data, after, stop)
    flags_at, flags_end = element(data, then, stop, OCTETS)
    model, last = ber.read_integer(data, flags_end, stop)
    if flags_end - flags_at != 1 or last != stop or number < 0 or max_size < LEAST_SIZE or model < 1:
        raise Malformed("a header outside its limits")
    flags = data[flags_at]
    parameters, scoped = element(data, stop, end, OCTETS)
    inner, inner_end = element(data, parameters, scoped, SEQUENCE)
    engine_at, engine_end = element(data, inner, inner_end, OCTETS)
    boots, at = ber.read_integer(data, engine_end, inner_end)
    time, at = ber.read_integer(data, at, inner_end)
    user_at, user_end = element(data, at, inner_end, OCTETS)
    digest = element(data, user_end, inner_end, OCTETS)
    salt_at, salt_end = element(data, digest[1], inner_end, OCTETS)
    if salt_end != inner_end or inner_end != scoped or boots < 0 or time < 0:
        raise Malformed("security parameters outside their limits")
    if engine_end - engine_at > 32 or user_end - user_at > 32:
        raise Malformed("a name of more than 32 octets")
    return Secured(
        data,
        data[head:after],
        max_size,
        flags,
        model,
        data[engine_at:engine_end],
        boots,
        time,
        data[user_at:user_end],
        digest,
        data[salt_at:salt_end],
        scoped,
        end,
    )


def read_scoped(data: bytes, at: int, end: int) -> tuple[bytes, bytes, int, int]:
    """contextEngineID and contextName of the scoped PDU at `at`, and where its PDU begins and ends. What
    follows it (padding of a block cipher) is passed over. Raises Malformed."""
    start, stop = element(data, at, end, SEQUENCE)
    engine, engine_end = element(data, start, stop, OCTETS)
    name, name_end = element(data, engine_end, stop, OCTETS)
    return data[engine:engine_end], data[name:name_end], name_end, stop


def scoped_pdu(engine: bytes, context: bytes, body: bytes) -> bytes:
    """A scoped PDU."""
    return tlv(SEQUENCE, tlv(OCTETS, engine) + tlv(OCTETS, context) + body)
