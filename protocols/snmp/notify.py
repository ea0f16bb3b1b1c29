"""Notifications: traps of all versions and informs as bytes, and the queue of what waits for its answer
(RFC 3413 s3.3, RFC 3584 s3, RFC 3416 s4.2.6, s4.2.7). A state machine: the clock is an argument, datagrams
are returned.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from protocols.snmp import ber
from protocols.snmp.ber import COUNTER64, OCTETS, SEQUENCE, TIMETICKS, Malformed, Oid, element, integer, tlv
from protocols.snmp.message import (
    AUTH,
    GET,
    INFORM,
    MOST_SIZE,
    PRIV,
    REPORT,
    REPORTABLE,
    RESPONSE,
    TRAP,
    V1,
    V3,
    Secured,
    community_message,
    pdu,
    read_pdu,
    read_scoped,
    read_v3,
    scoped_pdu,
    trap_v1,
)
from protocols.snmp.usm import NOBODY, Engine, Secret, User, is_authentic, opened
from protocols.snmp.vacm import Level, View

Address = tuple[str, int]  #: IP address and port
Varbind = tuple[Oid, bytes]  #: name, and the value's BER

MOST_WAITING = 512  #: informs; the oldest is given up for a new one
MOST_PEERS = 64  #: engines of receivers of informs that are remembered
SYS_UPTIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
TRAP_OID = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
TRAP_ENTERPRISE = (1, 3, 6, 1, 6, 3, 1, 1, 4, 3, 0)
STANDARD_TRAPS = (1, 3, 6, 1, 6, 3, 1, 1, 5)
_UNKNOWN_ENGINE = (1, 3, 6, 1, 6, 3, 15, 1, 1, 4, 0)
_NOT_IN_WINDOW = (1, 3, 6, 1, 6, 3, 15, 1, 1, 2, 0)
_FLAGS = {Level.NO_AUTH: 0, Level.AUTH: AUTH, Level.PRIVACY: AUTH | PRIV}


@dataclass(frozen=True, slots=True)
class Notification:
    """What happened, as the MIB calls it."""

    name: Oid  #: the value of snmpTrapOID
    varbinds: tuple[Varbind, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Who is told, and how."""

    name: str
    address: Address
    version: int  #: V1, V2C, V3
    community: bytes  #: of v1 and v2c
    secret: Secret | None  #: of v3
    level: Level
    inform: bool
    timeout: float  #: seconds until an inform is repeated
    retries: int
    view: View  #: what it may be told
    source: bytes  #: our IPv4 address as it sees it, for v1: four octets


@dataclass(slots=True)
class _Remote:
    """The engine of a receiver of informs."""

    engine: Engine
    user: User
    ahead: float  #: its engine time minus our clock

    def time(self, now: float) -> int:
        return max(0, int(now + self.ahead))


@dataclass(slots=True)
class _Inform:
    """One that was not acknowledged yet."""

    target: Target
    body: bytes  #: the InformRequest
    left: int  #: times that it may still be sent
    due: float
    synced: bool = False  #: it was sent again because the receiver told its time


@dataclass(slots=True)
class Tally:
    """What became of notifications since the start."""

    sent: int = 0  #: datagrams, repetitions included
    acknowledged: int = 0
    given_up: int = 0
    passed_over: int = 0  #: that a target may not see, or SNMPv1 cannot say


@dataclass(slots=True)
class Outbox:
    """Makes the datagrams, and keeps the informs until they are acknowledged or given up."""

    engine: Engine  #: ours
    started: float
    enterprise: Oid  #: sysObjectID
    request: int  #: the last request-id that was used; begins at random
    targets: tuple[Target, ...] = ()
    tally: Tally = field(default_factory=Tally)
    _waiting: OrderedDict[int, _Inform] = field(default_factory=OrderedDict)
    _remotes: OrderedDict[tuple[Address, bytes], _Remote] = field(default_factory=OrderedDict)
    _users: dict[Secret, User] = field(default_factory=dict)

    def send(self, what: Notification, now: float) -> list[tuple[Address, bytes]]:
        """What goes out at once, and to whom."""
        ticks = integer(int((now - self.started) * 100) & 0xFFFFFFFF, TIMETICKS)
        out = []
        for target in self.targets:
            if not _may_see(target.view, what):
                self.tally.passed_over += 1
                continue
            datagram = self._one(what, target, ticks, now)
            if datagram is None:
                self.tally.passed_over += 1
            else:
                self.tally.sent += 1
                out.append((target.address, datagram))
        return out

    def _one(self, what: Notification, target: Target, ticks: bytes, now: float) -> bytes | None:
        if target.version == V1:
            body = _trap_v1(what, self.enterprise, target.source, ticks)
            return None if body is None else community_message(V1, target.community, body)
        number = self._number()
        varbinds = [
            tlv(SEQUENCE, ber.name(SYS_UPTIME) + ticks),
            tlv(SEQUENCE, ber.name(TRAP_OID) + ber.name(what.name)),
            *(tlv(SEQUENCE, ber.name(name) + value) for name, value in what.varbinds),
            tlv(SEQUENCE, ber.name(TRAP_ENTERPRISE) + ber.name(self.enterprise)),
        ]
        body = pdu(INFORM if target.inform else TRAP, number, varbinds)
        if target.inform:
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.popitem(last=False)
                self.tally.given_up += 1
            inform = _Inform(target, body, target.retries, now + target.timeout)
            self._waiting[number] = inform
            return self._informed(number, inform, now)
        if target.version != V3:
            return community_message(target.version, target.community, body)
        if target.secret is None:
            return None
        user = self._users.get(target.secret)
        if user is None:
            user = self._users[target.secret] = User(target.secret, self.engine.identity)
        return _seal(self.engine, number, _FLAGS[target.level], user, int(now - self.started), body)

    def _number(self) -> int:
        self.request = self.request % 0x7FFFFFFE + 1
        return self.request

    # ---------------------------------------------------------------------------------------- informs

    def _informed(self, number: int, inform: _Inform, now: float) -> bytes:
        """The datagram of an inform; of v3 to a receiver that is not known yet, the question who it is."""
        target = inform.target
        if target.version != V3:
            return community_message(target.version, target.community, inform.body)
        assert target.secret is not None
        remote = self._remotes.get((target.address, target.secret.name))
        if remote is None:
            stranger = Engine(b"", 0, 0)
            return _seal(stranger, number, REPORTABLE, NOBODY, 0, pdu(GET, number, ()))
        flags = _FLAGS[target.level] | REPORTABLE
        return _seal(remote.engine, number, flags, remote.user, remote.time(now), inform.body)

    def due(self) -> float | None:
        """When `tick` must be called next; None: nothing waits."""
        return min((inform.due for inform in self._waiting.values()), default=None)

    def tick(self, now: float) -> list[tuple[Address, bytes]]:
        """Repeat what was not acknowledged in time, and give up what was repeated often enough."""
        out = []
        for number, inform in list(self._waiting.items()):
            if inform.due > now:
                continue
            if inform.left <= 0:
                del self._waiting[number]
                self.tally.given_up += 1
                if inform.target.secret is not None:  # it may have another engine now
                    self._remotes.pop((inform.target.address, inform.target.secret.name), None)
                continue
            inform.left -= 1
            inform.due = now + inform.target.timeout
            self.tally.sent += 1
            out.append((inform.target.address, self._informed(number, inform, now)))
        return out

    def receive(self, data: bytes, address: Address, now: float) -> list[tuple[Address, bytes]]:
        """A datagram that came back; what goes out because of it. What is no answer to us is passed over."""
        try:
            start, end = element(data, 0, len(data), SEQUENCE)
            version, at = ber.read_integer(data, start, end)
            if version == V3:
                return self._received_v3(read_v3(data, at, end), address, now)
            community, stop = element(data, at, end, OCTETS)
            request, answer = read_pdu(data, stop, end)
        except Malformed:
            return []
        number = _number_of(request)
        inform = self._waiting.get(number)
        if (
            inform is not None
            and answer.kind == RESPONSE
            and inform.target.address == address
            and inform.target.community == data[community:stop]
        ):
            self._acknowledge(number)
        return []

    def _acknowledge(self, number: int) -> None:
        del self._waiting[number]
        self.tally.acknowledged += 1

    def _received_v3(self, message: Secured, address: Address, now: float) -> list[tuple[Address, bytes]]:
        number = _number_of(message.message_id)
        inform = self._waiting.get(number)
        if inform is None or inform.target.address != address or inform.target.secret is None:
            return []
        key = (address, inform.target.secret.name)
        remote = self._remotes.get(key)
        if remote is None:
            return self._discovered(message, key, inform, number, now)
        if not message.header.flags & AUTH or not is_authentic(message, remote.user):
            return []
        data, start, end = message.data, message.scoped, message.end
        if message.header.flags & PRIV:
            plain = opened(message, remote.user)
            if plain is None:
                return []
            data, start, end = plain, 0, len(plain)
        _, _, at, stop = read_scoped(data, start, end)
        _, answer = read_pdu(data, at, stop)
        if answer.kind == RESPONSE:
            self._acknowledge(number)
        elif answer.kind == REPORT and answer.names == (ber.name_body(_NOT_IN_WINDOW),) and not inform.synced:
            inform.synced = True
            remote.engine.boots = message.header.boots
            remote.ahead = message.header.time - now
            self.tally.sent += 1
            return [(address, self._informed(number, inform, now))]
        return []

    def _discovered(
        self, message: Secured, key: tuple[Address, bytes], inform: _Inform, number: int, now: float
    ) -> list[tuple[Address, bytes]]:
        """Who the receiver is (RFC 3414 s4): its engine ID, and for a start its time."""
        if message.header.flags & (AUTH | PRIV) or not 5 <= len(message.header.engine) <= 32:
            return []
        _, _, at, stop = read_scoped(message.data, message.scoped, message.end)
        _, answer = read_pdu(message.data, at, stop)
        if answer.kind != REPORT or answer.names != (ber.name_body(_UNKNOWN_ENGINE),):
            return []
        assert inform.target.secret is not None
        if len(self._remotes) >= MOST_PEERS:
            self._remotes.popitem(last=False)
        engine = Engine(message.header.engine, message.header.boots, self.request)
        user = User(inform.target.secret, message.header.engine)
        self._remotes[key] = _Remote(engine, user, message.header.time - now)
        self.tally.sent += 1
        return [(inform.target.address, self._informed(number, inform, now))]


def _seal(engine: Engine, number: int, flags: int, user: User, time: int, body: bytes) -> bytes:
    scoped = scoped_pdu(engine.identity, b"", body)
    return engine.seal(integer(number), flags, user, time, MOST_SIZE, scoped)


def _number_of(request: bytes) -> int:
    return int.from_bytes(request[2:], "big", signed=True)


def _may_see(view: View, what: Notification) -> bool:
    """RFC 3413 s3.3: a notification goes only where all of it may be seen."""
    return view.contains(what.name) and all(view.contains(name) for name, _ in what.varbinds)


def _trap_v1(what: Notification, enterprise: Oid, source: bytes, ticks: bytes) -> bytes | None:
    """RFC 3584 s3.2; None where a Counter64 is in it, which SNMPv1 cannot say."""
    if any(value[0] == COUNTER64 for _, value in what.varbinds):
        return None
    varbinds: Sequence[bytes] = [tlv(SEQUENCE, ber.name(name) + value) for name, value in what.varbinds]
    if what.name[:-1] == STANDARD_TRAPS:
        return trap_v1(ber.name(enterprise), source, what.name[-1] - 1, 0, ticks, varbinds)
    owner = what.name[:-2] if what.name[-2] == 0 else what.name[:-1]
    return trap_v1(ber.name(owner), source, 6, what.name[-1], ticks, varbinds)
