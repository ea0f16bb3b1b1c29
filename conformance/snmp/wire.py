"""Messages and PDUs, written as the case wants them and read strictly (RFC 1157, 1901, 3412 s6, 3414 s2.4, 3416 s3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from conformance.case import Failed, expect
from conformance.snmp import ber
from conformance.snmp.ber import (
    INTEGER,
    NAME,
    NULL,
    OCTETS,
    SEQUENCE,
    Element,
    Oid,
    integer,
    octets,
    sequence,
    tlv,
)
from conformance.snmp.usm import Keys

V1, V2C, V3 = 0, 1, 3  #: the version field
VERSIONS = {V1: "v1", V2C: "v2c", V3: "v3"}
GET, GETNEXT, RESPONSE, SET, TRAP_V1, GETBULK, INFORM, TRAP, REPORT = range(0xA0, 0xA9)
KINDS = {GET: "GET", GETNEXT: "GETNEXT", SET: "SET", GETBULK: "GETBULK", RESPONSE: "Response", REPORT: "Report",
         INFORM: "Inform", TRAP: "Trap", TRAP_V1: "v1 Trap"}  # fmt: skip
AUTH, PRIV, REPORTABLE = 1, 2, 4  #: msgFlags
LARGEST = 65507

(NO_ERROR, TOO_BIG, NO_SUCH_NAME, BAD_VALUE, READ_ONLY, GEN_ERR, NO_ACCESS, WRONG_TYPE, WRONG_LENGTH, WRONG_ENCODING,
 WRONG_VALUE, NO_CREATION, INCONSISTENT_VALUE, RESOURCE_UNAVAILABLE, COMMIT_FAILED, UNDO_FAILED, AUTHORIZATION_ERROR,
 NOT_WRITABLE, INCONSISTENT_NAME) = range(19)  # fmt: skip
STATUS = ("noError", "tooBig", "noSuchName", "badValue", "readOnly", "genErr", "noAccess", "wrongType", "wrongLength",
          "wrongEncoding", "wrongValue", "noCreation", "inconsistentValue", "resourceUnavailable", "commitFailed",
          "undoFailed", "authorizationError", "notWritable", "inconsistentName")  # fmt: skip

NOTHING = b"\x05\x00"  #: NULL


@dataclass(frozen=True, slots=True)
class Varbind:
    """A name and its value."""

    name: Oid
    value: Element

    @property
    def exception(self) -> bool:
        """noSuchObject, noSuchInstance or endOfMibView."""
        return self.value.tag in (ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE, ber.END_OF_VIEW)

    @property
    def element(self) -> bytes:
        """The value as an element."""
        return tlv(self.value.tag, self.value.body)

    @property
    def said(self) -> str:
        """For a report."""
        word = ber.WORDS.get(self.value.tag, f"tag {self.value.tag:#04x}")
        return f"{ber.dotted(self.name)} = {word}" + ("" if self.exception else f" {shown(self.value)}")


def shown(value: Element) -> str:
    """A value, for a report."""
    if value.tag == OCTETS and value.body.isascii():
        return repr(value.body.decode())
    if value.tag == NAME:
        return ber.dotted(value.name())
    if value.tag in (INTEGER, 0x41, 0x42, 0x43, 0x46):
        return str(int.from_bytes(value.body, "big", signed=True))
    return value.body.hex()


@dataclass(frozen=True, slots=True)
class Pdu:
    """A PDU as it came."""

    kind: int
    request: int
    status: int
    index: int
    varbinds: tuple[Varbind, ...]

    @property
    def names(self) -> list[Oid]:
        """Of all varbinds."""
        return [varbind.name for varbind in self.varbinds]

    @property
    def said(self) -> str:
        """For a report."""
        status = STATUS[self.status] if 0 <= self.status < len(STATUS) else str(self.status)
        return f"{KINDS.get(self.kind, hex(self.kind))} {status}({self.index}), {len(self.varbinds)} varbinds"

    def only(self) -> Varbind:
        """The one varbind. Raises Failed: an error, or another number of them."""
        expect(self.status == NO_ERROR, f"answered {self.said}")
        expect(len(self.varbinds) == 1, f"{len(self.varbinds)} varbinds where one was asked for")
        return self.varbinds[0]


def varbind(of: Oid, value: bytes = NOTHING) -> bytes:
    """A varbind; `value` is an element."""
    return sequence(ber.name(of), value)


def pdu(kind: int, request: int, varbinds: Sequence[bytes], first: int = 0, second: int = 0) -> bytes:
    """A PDU. `first` and `second`: error-status and error-index, or non-repeaters and max-repetitions."""
    return tlv(kind, integer(request) + integer(first) + integer(second) + sequence(*varbinds))


def message(version: int, community: bytes, body: bytes) -> bytes:
    """A message of v1 or v2c."""
    return sequence(integer(version), octets(community), body)


def read_pdu(element: Element) -> Pdu:
    """Raises Failed."""
    if not GET <= element.tag <= REPORT:
        raise Failed(f"tag {element.tag:#04x} where a PDU must be")
    request, status, index, listed = element.parts(4)
    expect(listed.tag == SEQUENCE, "the varbinds are no SEQUENCE")
    found = []
    for each in listed.parts():
        expect(each.tag == SEQUENCE, "a varbind is no SEQUENCE")
        name, value = each.parts(2)
        _check(value)
        found.append(Varbind(name.name(), value))
    return Pdu(element.tag, request.number(), status.number(), index.number(), tuple(found))


def _check(value: Element) -> None:
    """A value is one of its type."""
    if value.tag in (NULL, ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE, ber.END_OF_VIEW):
        expect(not value.body, f"{ber.WORDS[value.tag]} with content")
    elif value.tag == NAME:
        value.name()
    elif value.tag == ber.IP_ADDRESS:
        expect(len(value.body) == 4, f"IpAddress of {len(value.body)} octets")
    elif value.tag in (OCTETS, ber.OPAQUE):
        pass
    elif value.tag in ber.WORDS:
        value.number(value.tag)
    else:
        raise Failed(f"a value with tag {value.tag:#04x}")


def read_message(data: bytes) -> tuple[int, bytes, Pdu]:
    """Version, community, PDU of a message of v1 or v2c. Raises Failed."""
    version, community, body = ber.only(data, SEQUENCE).parts(3)
    return version.number(), community.octets(), read_pdu(body)


# ------------------------------------------------------------------------------------------------ v3


@dataclass(frozen=True, slots=True)
class Message3:
    """An SNMPv3 message with everything that can be said wrongly. None: as is right."""

    body: bytes  #: the PDU
    message_id: int = 1
    max_size: int = LARGEST
    flags: int = REPORTABLE
    model: int = 3
    engine: bytes = b""
    boots: int = 0
    time: int = 0
    user: bytes = b""
    context_engine: bytes | None = None
    context: bytes = b""
    digest: bytes | None = None
    salt: bytes | None = None
    keys: Keys | None = field(default=None, repr=False)
    sealed: bytes | None = None  #: in place of msgData

    def but(self, **changes: object) -> Message3:
        """The same, but for some fields."""
        return replace(self, **changes)  # type: ignore[arg-type]  # the names and types of fields

    def write(self) -> bytes:
        """The datagram."""
        engine = self.engine if self.context_engine is None else self.context_engine
        scoped = sequence(octets(engine), octets(self.context), self.body)
        salt = b""
        if self.flags & PRIV and self.keys is not None:
            sealed, salt = self.keys.encrypt(scoped, self.boots, self.time)
            scoped = octets(sealed)
        salt = salt if self.salt is None else self.salt
        data = scoped if self.sealed is None else self.sealed
        room = self.keys.digest_size if self.flags & AUTH and self.keys is not None else 0
        blank = self._assemble(bytes(room), salt, data)
        if self.digest is not None:
            return self._assemble(self.digest, salt, data)
        return self._assemble(self.keys.digest(blank), salt, data) if room and self.keys else blank

    def _assemble(self, digest: bytes, salt: bytes, data: bytes) -> bytes:
        head = sequence(
            integer(self.message_id),
            integer(self.max_size),
            octets(bytes((self.flags,))),
            integer(self.model),
        )
        parameters = sequence(
            octets(self.engine),
            integer(self.boots),
            integer(self.time),
            octets(self.user),
            octets(digest),
            octets(salt),
        )
        return sequence(integer(V3), head, octets(parameters), data)


@dataclass(frozen=True, slots=True)
class Answer3:
    """An SNMPv3 message as it came, opened where we have the keys."""

    message_id: int
    max_size: int
    flags: int
    model: int
    engine: bytes
    boots: int
    time: int
    user: bytes
    salt: bytes
    context_engine: bytes
    context: bytes
    pdu: Pdu
    size: int  #: octets of the datagram


def read_v3(data: bytes, keys: Keys | None) -> Answer3:
    """Raises Failed, also where it is not authentic or cannot be decrypted."""
    version, head, security, scoped = ber.only(data, SEQUENCE).parts(4)
    expect(version.number() == V3, f"version {version.number()} in answer to v3")
    number, size, flags, model = head.parts(4)
    expect(len(flags.octets()) == 1, "msgFlags are not one octet")
    engine, boots, time, user, digest, salt = ber.only(security.octets(), SEQUENCE).parts(6)
    flag = flags.octets()[0]
    if flag & AUTH:
        expect(keys is not None, "an authenticated answer to a message that was not")
        assert keys is not None
        expect(len(digest.body) == keys.digest_size, f"a digest of {len(digest.body)} octets")
        at = data.index(security.body) + security.body.rindex(digest.body + tlv(OCTETS, salt.body))
        blank = data[:at] + bytes(len(digest.body)) + data[at + len(digest.body) :]
        expect(keys.digest(blank) == digest.body, "the answer's digest is wrong")
    if flag & PRIV:
        assert keys is not None
        plain = keys.decrypt(scoped.octets(), boots.number(), time.number(), salt.octets())
        scoped = ber.elements(plain[: _whole(plain)])[0]
    expect(scoped.tag == SEQUENCE, "the scoped PDU is no SEQUENCE")
    context_engine, context, body = scoped.parts(3)
    return Answer3(
        number.number(),
        size.number(),
        flag,
        model.number(),
        engine.octets(),
        boots.number(),
        time.number(),
        user.octets(),
        salt.octets(),
        context_engine.octets(),
        context.octets(),
        read_pdu(body),
        len(data),
    )


def _whole(plain: bytes) -> int:
    """Octets of the element at the beginning: what follows is a block cipher's padding."""
    if len(plain) < 2:
        raise Failed("what was decrypted is no scoped PDU")
    size = plain[1]
    if size < 0x80:
        return 2 + size
    count = size & 0x7F
    return 2 + count + int.from_bytes(plain[2 : 2 + count], "big")
