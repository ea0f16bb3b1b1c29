"""An agent with a small recorder behind it, and a manager in a few lines that knows nothing of the agent's code paths
but how to write requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocols.snmp import ber
from protocols.snmp.agent import Access, Agent, Limits
from protocols.snmp.ber import NULL_VALUE, OCTETS, SEQUENCE, Oid, integer, tlv
from protocols.snmp.message import (
    AUTH,
    PRIV,
    REPORTABLE,
    V1,
    V2C,
    V3,
    Pdu,
    Secured,
    community_message,
    pdu,
    read_pdu,
    read_scoped,
    read_v3,
    scoped_pdu,
)
from protocols.snmp.syntax import COUNTER, COUNTER64, GAUGE, INTEGER32, TEXT, TICKS, enumeration, whole
from protocols.snmp.tree import Column, Table, Tree, scalars
from protocols.snmp.usm import Authentication, Engine, Privacy, Secret, User, is_authentic, opened
from protocols.snmp.vacm import NOTHING, Family, Level, Member, Model, Right, Vacm, View

ENGINE = bytes.fromhex("80007ed905") + b"0123456789abcdef"
PASSWORD = "a password"
START = 1000.0
BASE: Oid = (1, 3, 6, 1, 4, 1, 32473, 99)


@dataclass
class Gate:
    """A row of the test's table."""

    index: int
    name: str
    state: int
    passed: int


@dataclass
class House:
    """The test's scalars."""

    name: str
    reads: int = 0

    def count(self) -> int:
        self.reads += 1
        return self.reads


HOUSE: Table[House] = scalars(
    "house",
    (*BASE, 1),
    Column(1, "houseName", TEXT, lambda row: row.name, writable=True),
    Column(2, "houseReads", COUNTER, lambda row: row.count(), live=True),
    Column(3, "houseWide", COUNTER64, lambda _: 1 << 40),
    Column(4, "houseTicks", TICKS, lambda _: 1 << 33),
    Column(5, "houseLevel", whole(-5, 5), lambda _: -3, writable=True),
)
GATES: Table[Gate] = Table(
    "gateEntry",
    (*BASE, 2, 1),
    lambda row: (row.index,),
    (
        Column(1, "gateIndex", INTEGER32, lambda row: row.index),
        Column(2, "gateName", TEXT, lambda row: row.name),
        Column(3, "gateState", enumeration("open", "shut"), lambda row: row.state),
        Column(4, "gatePassed", COUNTER64, lambda row: row.passed),
        Column(5, "gateNote", TEXT, lambda row: row.name if row.state == 1 else None, optional=True),
        Column(6, "gateLoad", GAUGE, lambda row: row.passed),
    ),
)
EMPTY: Table[Gate] = Table(
    "emptyEntry",
    (*BASE, 3, 1),
    lambda row: (row.index,),
    (Column(1, "emptyIndex", INTEGER32, lambda row: row.index),),
)
SECRET: Table[House] = scalars("secret", (*BASE, 4), Column(1, "secretName", TEXT, lambda row: row.name))

ALL = View("all", (Family((1,), True),))
OPEN = View("open", (Family((1,), True), Family((*BASE, 4), False), Family((*BASE, 2, 1, 2, 3), False)))
SYSTEM_ONLY = View("house", (Family((*BASE, 1), True),))


def secret(
    name: str,
    authentication: Authentication | None = Authentication.SHA,
    privacy: Privacy | None = Privacy.AES,
) -> Secret:
    """A user's keys."""
    return Secret.of(name, authentication, PASSWORD, privacy, PASSWORD)


def gates(count: int) -> list[Gate]:
    """Rows."""
    return [Gate(n, f"gate {n}", 1 + n % 2, n * 1000) for n in range(1, count + 1)]


MANY = Limits(1e6, 1e6, 64)


def agent(limits: Limits = MANY, rows: int = 5) -> Agent:
    """An agent for v1, v2c and v3."""
    tree = Tree((GATES, HOUSE, EMPTY, SECRET))
    tree.replace(HOUSE, [House("villa")])
    tree.replace(GATES, gates(rows))
    tree.replace(EMPTY, [])
    tree.replace(SECRET, [House("treasure")])
    made = Agent(tree, Engine(ENGINE, 7, 1), START, limits)
    users = [User(secret("admin"), ENGINE), User(secret("plain", None, None), ENGINE)]
    members = [
        *(
            Member(model, name, name)
            for model in (Model.V1, Model.V2C)
            for name in ("reader", "writer", "nobody")
        ),
        Member(Model.USM, "admin", "admin"),
        Member(Model.USM, "plain", "plain"),
    ]
    rights = (
        Right("reader", Model.ANY, Level.NO_AUTH, OPEN, NOTHING, OPEN),
        Right("writer", Model.ANY, Level.NO_AUTH, OPEN, SYSTEM_ONLY, OPEN),
        Right("admin", Model.USM, Level.AUTH, ALL, ALL, ALL),
        Right("plain", Model.USM, Level.NO_AUTH, SYSTEM_ONLY, NOTHING, NOTHING),
    )
    names = {b"public": "reader", b"write": "writer", b"strange": "nobody"}
    made.configure(Access(names, frozenset({V1, V2C, V3}), tuple(users), Vacm(tuple(members), rights)))
    return made


# ------------------------------------------------------------------------------------------------ the manager


@dataclass
class Answer:
    """A Response or Report."""

    kind: int
    request: int
    status: int
    index: int
    varbinds: list[tuple[Oid, bytes]]  #: the value's BER

    @property
    def names(self) -> list[Oid]:
        return [name for name, _ in self.varbinds]


def varbind(name: Oid, value: bytes = NULL_VALUE) -> bytes:
    return tlv(SEQUENCE, ber.name(name) + value)


def bulk(request: int, non_repeaters: int, repetitions: int, names: Sequence[Oid]) -> bytes:
    listed = tlv(SEQUENCE, b"".join(map(varbind, names)))
    return tlv(0xA5, integer(request) + integer(non_repeaters) + integer(repetitions) + listed)


def ask(
    to: Agent, body: bytes, version: int = V2C, community: bytes = b"public", now: float = START
) -> Answer | None:
    """Send a PDU in a message of v1 or v2c."""
    reply = to.handle(community_message(version, community, body), "192.0.2.1", now)
    return None if reply is None else read_answer(reply)


def get(to: Agent, *names: Oid, kind: int = 0xA0, version: int = V2C, community: bytes = b"public") -> Answer:
    found = ask(to, pdu(kind, 42, map(varbind, names)), version, community)
    assert found is not None
    return found


def set_(to: Agent, *changes: tuple[Oid, bytes], version: int = V2C, community: bytes = b"write") -> Answer:
    found = ask(to, pdu(0xA3, 42, [varbind(*change) for change in changes]), version, community)
    assert found is not None
    return found


def read_answer(message: bytes) -> Answer:
    start, end = ber.element(message, 0, len(message), SEQUENCE)
    assert end == len(message)
    _, at = ber.read_integer(message, start, end)
    _, stop = ber.element(message, at, end, OCTETS)
    return _answer(*read_pdu(message, stop, end))


def _answer(request: bytes, read: Pdu) -> Answer:
    names = [ber.read_name(body) for body in read.names]
    number = int.from_bytes(request[2:], "big", signed=True)
    return Answer(read.kind, number, read.first, read.second, list(zip(names, read.values, strict=True)))


@dataclass
class Manager:
    """A manager of SNMPv3 that believes what it is given to believe."""

    user: User
    boots: int = 7
    time: int = 0
    engine: bytes = ENGINE
    flags: int = AUTH | PRIV | REPORTABLE
    max_size: int = 65507
    context: bytes = b""
    context_engine: bytes | None = None

    def write(self, body: bytes) -> bytes:
        """A whole message."""
        sender = Engine(self.engine, self.boots, 99)
        context_engine = self.engine if self.context_engine is None else self.context_engine
        scoped = scoped_pdu(context_engine, self.context, body)
        return sender.seal(integer(77), self.flags, self.user, self.time, self.max_size, scoped)

    def ask(self, to: Agent, body: bytes, now: float = START) -> tuple[Secured, Answer] | None:
        reply = to.handle(self.write(body), "192.0.2.1", now)
        return None if reply is None else self.read(reply)

    def read(self, reply: bytes) -> tuple[Secured, Answer]:
        start, end = ber.element(reply, 0, len(reply), SEQUENCE)
        version, at = ber.read_integer(reply, start, end)
        assert version == V3
        message = read_v3(reply, at, end)
        data, low, high = reply, message.scoped, end
        if message.header.flags & AUTH:
            assert is_authentic(message, self.user)
        if message.header.flags & PRIV:
            plain = opened(message, self.user)
            assert plain is not None
            data, low, high = plain, 0, len(plain)
        _, _, begin, stop = read_scoped(data, low, high)
        return message, _answer(*read_pdu(data, begin, stop))


def manager(name: str = "admin") -> Manager:
    """Of the user with everything."""
    return Manager(User(secret(name), ENGINE))
