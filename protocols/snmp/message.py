"""Messages and PDUs: SNMPv1 (RFC 1157), SNMPv2c (RFC 1901), SNMPv3 (RFC 3412 s6), RFC 3416 s3."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from protocols.snmp import ber
from protocols.snmp.ber import INTEGER, NAME, OCTETS, SEQUENCE, Malformed, element, integer, length, tlv

V1, V2C, V3 = 0, 1, 3  #: the version field

GET, GETNEXT, RESPONSE, SET, TRAP_V1, GETBULK, INFORM, TRAP, REPORT = range(0xA0, 0xA9)

AUTH, PRIV, REPORTABLE = 1, 2, 4  #: msgFlags
USM_MODEL = 3
MOST_VARBINDS = 1024  #: of one request
LEAST_SIZE = 484  #: msgMaxSize (RFC 3412 s6)
MOST_SIZE = 65507  #: what a UDP datagram over IPv4 takes
_TERMS = bytes((INTEGER, OCTETS, INTEGER))  # behind msgID
_PARAMETERS = bytes((OCTETS, INTEGER, INTEGER, OCTETS, OCTETS, OCTETS))  # of RFC 3414 s2.4
_KNOWN = 2048  # PDUs that were read, and are not read again: who polls asks the same each time
_KNOWN_SIZE = 512  # octets of the longest of them

NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_VIEW = b"\x80\x00", b"\x81\x00", b"\x82\x00"


class TooManyVarbinds(Malformed):
    """More varbinds than are answered: tooBig."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """A PDU as it came, but for its request-id. `first` and `second` are error-status and error-index, or
    GETBULK's two numbers."""

    kind: int
    first: int
    second: int
    names: tuple[bytes, ...]  #: content octets of each name
    values: tuple[bytes, ...]  #: each value, as its element
    varbinds: bytes  #: the whole list, as its element


def read_pdu(data: bytes, at: int, end: int) -> tuple[bytes, Pdu]:
    """The PDU that fills `data` from `at` to `end`: its request-id, as its element, and all else. Raises
    Malformed."""
    if at >= end:
        raise Malformed("no PDU")
    kind = data[at]
    if not GET <= kind <= REPORT or kind == TRAP_V1:
        raise Malformed("no PDU that is known")
    start, stop = element(data, at, end, kind)
    if stop != end:
        raise Malformed("something follows the PDU")
    number, after = element(data, start, end, INTEGER)
    if not 1 <= after - number <= 4:
        raise Malformed("a request-id of no 32 bits")
    read = _known if end - after <= _KNOWN_SIZE and kind in (GET, GETNEXT, GETBULK) else _read
    return data[start:after], read(kind, data[after:end])


def _read(kind: int, data: bytes) -> Pdu:
    """What follows the request-id. Raises Malformed."""
    end = len(data)
    first, after = ber.read_integer(data, 0, end)
    second, listed = ber.read_integer(data, after, end)
    at, stop = element(data, listed, end, SEQUENCE)
    if stop != end:
        raise Malformed("something follows the varbinds")
    names: list[bytes] = []
    values: list[bytes] = []
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
        values.append(data[after:stop])
        at = stop
        if len(names) > MOST_VARBINDS:
            raise TooManyVarbinds("too many varbinds")
    return Pdu(kind, first, second, tuple(names), tuple(values), data[listed:])


_known = lru_cache(_KNOWN)(_read)


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


class Header(NamedTuple):
    """What a manager says in all of its messages of one second, and the octets that say it: from msgMaxSize up
    to the digest (RFC 3412 s6, RFC 3414 s2.4)."""

    octets: bytes
    max_size: int
    flags: int
    model: int
    engine: bytes
    boots: int
    time: int
    user: bytes
    terms: int  #: octets of msgMaxSize, msgFlags and msgSecurityModel, which end the first part
    digest: int  #: octets of the digest
    before_salt: bytes  #: tag and length of the salt
    salt: int  #: octets of it; it ends the second part

    def stands(self, data: bytes, at: int, stop: int) -> bool:
        """Whether it is also the header of the message whose first part is read but for `at` to `stop`."""
        return (
            stop - at == self.terms
            and data.startswith(self.octets, at)
            and data.startswith(self.before_salt, at + len(self.octets) + self.digest)
        )


class Secured(NamedTuple):
    """An SNMPv3 message, as far as it is open to everybody."""

    data: bytes
    message_id: bytes  #: as its element
    header: Header
    digest: tuple[int, int]  #: where msgAuthenticationParameters begin and end
    salt: bytes
    scoped: int  #: where msgData begins
    end: int


def read_v3(data: bytes, at: int, end: int, last: Header | None = None) -> Secured:
    """The message whose header begins at `at`. Where it has the octets of `last`, these are not read again.
    Raises Malformed."""
    head, stop = element(data, at, end, SEQUENCE)
    number, after = ber.read_integer(data, head, stop)
    if number < 0:
        raise Malformed("a negative msgID")
    header = last if last and last.stands(data, after, stop) else _read_header(data, after, stop, end)
    digest = after + len(header.octets)
    digest_end = digest + header.digest
    salt = digest_end + len(header.before_salt)
    scoped = salt + header.salt
    if scoped > end:
        raise Malformed("security parameters reach beyond their end")
    return Secured(data, data[head:after], header, (digest, digest_end), data[salt:scoped], scoped, end)


def _read_header(data: bytes, at: int, stop: int, end: int) -> Header:
    """The header whose first part is read but for what is from `at` to `stop`. Raises Malformed."""
    size, flags, model = (data[a:b] for a, b in ber.elements(data, at, stop, _TERMS))
    max_size, security_model = ber.short_integer(size), ber.short_integer(model)
    if len(flags) != 1 or max_size < LEAST_SIZE or security_model < 1:
        raise Malformed("a header outside its limits")
    parameters, scoped = element(data, stop, end, OCTETS)
    inner, inner_end = element(data, parameters, scoped, SEQUENCE)
    if inner_end != scoped:
        raise Malformed("something follows the security parameters")
    found = ber.elements(data, inner, scoped, _PARAMETERS)
    engine, boots, time, user, digest, salt = (data[a:b] for a, b in found)
    boots_told, time_told = ber.short_integer(boots), ber.short_integer(time)
    if len(engine) > 32 or len(user) > 32 or boots_told < 0 or time_told < 0:
        raise Malformed("security parameters outside their limits")
    (digest_at, digest_end), (salt_at, _) = found[4:]
    return Header(
        data[at:digest_at],
        max_size,
        flags[0],
        security_model,
        engine,
        boots_told,
        time_told,
        user,
        stop - at,
        len(digest),
        data[digest_end:salt_at],
        len(salt),
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
