"""The command responder (RFC 3413 s3.2) with its message processing (RFC 3412 s7, RFC 3584 s5) and limits: a
datagram in, a datagram out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from protocols.snmp import ber
from protocols.snmp.ber import OCTETS, SEQUENCE, Malformed, element, integer, length, tlv
from protocols.snmp.message import (
    AUTH,
    GET,
    GETBULK,
    GETNEXT,
    MOST_SIZE,
    PRIV,
    REPORT,
    REPORTABLE,
    SET,
    USM_MODEL,
    V1,
    V2C,
    V3,
    Header,
    Secured,
    TooManyVarbinds,
    pdu,
    read_pdu,
    read_scoped,
    read_v3,
    response,
    scoped_pdu,
)
from protocols.snmp.operations import EMPTY, answer, set_values
from protocols.snmp.status import TOO_BIG, for_version
from protocols.snmp.tree import Index, Tree
from protocols.snmp.usm import (
    MOST_BOOTS,
    NOBODY,
    WINDOW,
    Engine,
    Trouble,
    User,
    is_authentic,
    level_of,
    opened,
)
from protocols.snmp.vacm import NOTHING, Level, Model, Vacm, View

COMMUNITY_SIZE = 1400  #: octets of an answer to a community, unless the request was large itself
FAVOUR = 4  #: times the request's size that an answer to a community may have beyond that
_USM_STATS = (1, 3, 6, 1, 6, 3, 15, 1, 1)
_MPD_STATS = (1, 3, 6, 1, 6, 3, 11, 2, 1)
_VERSIONS = {integer(version): version for version in (V1, V2C, V3)}
_UNKNOWN_HANDLER = (*_MPD_STATS, 3, 0)
_UNKNOWN_CONTEXT = (1, 3, 6, 1, 6, 3, 12, 1, 5, 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one address may ask for."""

    rate: float  #: requests a second, for longer than a moment
    burst: float  #: requests at once
    addresses: int  #: that are remembered


@dataclass(frozen=True, slots=True)
class Access:
    """Who may come in, and what for."""

    communities: Mapping[bytes, str]  #: community -> security name, for v1 and v2c
    versions: frozenset[int]  #: of messages that are taken
    users: tuple[User, ...]
    vacm: Vacm


@dataclass(slots=True)
class Counters:
    """What was counted since the start; the snmp group, snmpMPDStats, usmStats, snmpTarget."""

    received: int = 0
    sent: int = 0
    bad_versions: int = 0
    bad_communities: int = 0
    bad_uses: int = 0
    parse_errors: int = 0
    silent_drops: int = 0
    kinds: list[int] = field(default_factory=lambda: [0] * 9)  #: PDUs that came, by tag - 0xa0
    sent_traps: int = 0
    unknown_models: int = 0
    invalid: int = 0
    unknown_handlers: int = 0
    unknown_contexts: int = 0
    usm: list[int] = field(default_factory=lambda: [0] * 7)  #: by `Trouble`; the first is not used


@dataclass(slots=True)
class _Grant:
    """What somebody may do, ready for use."""

    index: Index
    write: View


class Agent:
    """Answers for one recorder. Does no I/O, never blocks, and raises nothing for what a peer sends."""

    def __init__(self, tree: Tree, engine: Engine, started: float, limits: Limits) -> None:
        """`started`: monotonic seconds; snmpEngineTime and sysUpTime count from there."""
        self.tree = tree
        self.engine = engine
        self.started = started
        self.counters = Counters()
        self.limits = limits
        self.now = started
        self.refused: list[str] = []  #: addresses whose credentials were wrong since this was last emptied
        self._access = Access({}, frozenset(), (), Vacm((), ()))
        self._communities: dict[tuple[int, bytes], _Grant | None] = {}
        self._users: dict[bytes, User] = {}
        self._grants: dict[bytes, tuple[_Grant | None, ...]] = {}  #: by level
        self._buckets: dict[str, list[float]] = {}
        self._header: Header | None = None  #: of the last message: who asks in a row says the same in each
        self._context = tlv(OCTETS, engine.identity) + tlv(OCTETS, b"")  # the only one that there is

    @property
    def access(self) -> Access:
        """Who may come in now."""
        return self._access

    def configure(self, access: Access) -> None:
        """From now on these may come in."""
        self._access = access
        self._users = {user.name: user for user in access.users}
        self.tree.keep(view for right in access.vacm.rights for view in (right.read, right.write))
        self._communities = {
            (version, community): self._grant(model, name, Level.NO_AUTH)
            for version, model in ((V1, Model.V1), (V2C, Model.V2C))
            if version in access.versions
            for community, name in access.communities.items()
        }
        self._grants = {
            user.name: (None, *(self._grant(Model.USM, user.name.decode(), level) for level in Level))
            for user in access.users
        }

    def _grant(self, model: Model, name: str, level: Level) -> _Grant | None:
        right = self._access.vacm.right(model, name, level)
        return None if right is None else _Grant(self.tree.index(right.read), right.write)

    # --------------------------------------------------------------------------------------- messages

    def handle(self, data: bytes, address: str, now: float) -> bytes | None:
        """Answer one datagram, or None where the standards, or the limits, say to stay silent.

        `address`: of the peer, without its port; whose limits apply.
        """
        counters = self.counters
        counters.received += 1
        self.now = now
        if not self._admitted(address, now):
            counters.silent_drops += 1
            return None
        try:
            start, end = element(data, 0, len(data), SEQUENCE)
            if end != len(data):
                raise Malformed("something follows the message")
            at = start + 3
            version = _VERSIONS.get(data[start:at])
            if version is None:
                version, at = ber.read_integer(data, start, end)
            if version == V3 and V3 in self._access.versions:
                reply = self._secured(data, at, end, address)
            elif version in self._access.versions:
                reply = self._community(data, start, at, end, version, address)
            else:
                counters.bad_versions += 1
                return None
        except Malformed:
            counters.parse_errors += 1
            return None
        if reply is not None:
            counters.sent += 1
        return reply

    def _admitted(self, address: str, now: float) -> bool:
        """A bucket of tokens for each address."""
        bucket = self._buckets.get(address)
        limits = self.limits
        if bucket is None:
            if len(self._buckets) >= limits.addresses:
                self._buckets.clear()
            self._buckets[address] = [limits.burst - 1, now]
            return True
        tokens = bucket[0] + (now - bucket[1]) * limits.rate
        bucket[1] = now
        if tokens < 1:
            bucket[0] = tokens
            return False
        bucket[0] = (tokens if tokens < limits.burst else limits.burst) - 1
        return True

    def _community(
        self, data: bytes, start: int, at: int, end: int, version: int, address: str
    ) -> bytes | None:
        """SNMPv1 and v2c (RFC 3584 s5.2)."""
        name, stop = element(data, at, end, OCTETS)
        community = data[name:stop]
        key = (version, community)
        if key not in self._communities:
            self.counters.bad_communities += 1
            self._refuse(address)
            return None
        size = COMMUNITY_SIZE
        if len(data) * FAVOUR > size:
            size = min(FAVOUR * len(data), MOST_SIZE)
        head = data[start:stop]
        body = self._do(data, stop, end, version, self._communities[key], size - 40 - len(head))
        if body is None:
            return None
        return b"\x30" + length(len(head) + len(body)) + head + body

    def _refuse(self, address: str) -> None:
        if len(self.refused) < 64:
            self.refused.append(address)

    def _do(
        self, data: bytes, at: int, end: int, version: int, grant: _Grant | None, room: int
    ) -> bytes | None:
        """The Response to the PDU at `at`; None: it is not for an agent. Raises Malformed."""
        try:
            request, asked = read_pdu(data, at, end)
        except TooManyVarbinds:
            start, _ = ber.any_element(data, at, end)
            _, after = ber.read_integer(data, start, end)
            return response(data[start:after], TOO_BIG, 0, EMPTY)
        self.counters.kinds[asked.kind - GET] += 1
        if asked.kind not in (GET, GETNEXT, GETBULK, SET):
            self.counters.unknown_handlers += 1
            return None
        if grant is None:
            status = for_version("authorizationError", version)
            return response(request, status, 0, asked.varbinds)
        if asked.kind == SET:
            if grant.write is NOTHING:
                self.counters.bad_uses += version != V3
            return set_values(request, asked, version, self.tree, grant.write)
        grant.index.compose()
        return answer(request, asked, version, grant.index, room)

    # --------------------------------------------------------------------------------------- SNMPv3

    def engine_time(self, now: float) -> int:
        """snmpEngineTime."""
        return int(now - self.started)

    def _secured(self, data: bytes, at: int, end: int, address: str) -> bytes | None:
        """RFC 3412 s7.2, RFC 3414 s3.2."""
        message = read_v3(data, at, end, self._header)
        header = self._header = message.header
        level = level_of(header.flags)
        if header.model != USM_MODEL:
            self.counters.unknown_models += 1
            return None
        if level is None:
            self.counters.invalid += 1
            return None
        if header.engine != self.engine.identity:
            return self._trouble(message, Trouble.UNKNOWN_ENGINE, NOBODY)
        user = self._users.get(header.user)
        if user is None:
            self._refuse(address)
            return self._trouble(message, Trouble.UNKNOWN_USER, NOBODY)
        if level > user.level:
            return self._trouble(message, Trouble.UNSUPPORTED_LEVEL, NOBODY)
        time = int(self.now - self.started)
        if level is not Level.NO_AUTH:
            if not is_authentic(message, user):
                self._refuse(address)
                return self._trouble(message, Trouble.WRONG_DIGEST, NOBODY)
            boots = self.engine.boots
            if boots == MOST_BOOTS or header.boots != boots or abs(header.time - time) > WINDOW:
                return self._trouble(message, Trouble.NOT_IN_WINDOW, user)
        scoped, start, stop = data, message.scoped, end
        if level is Level.PRIVACY:
            plain = opened(message, user)
            try:
                if plain is None:
                    raise Malformed("cannot be decrypted")
                context_engine, context, start, stop = read_scoped(plain, 0, len(plain))
            except Malformed:
                return self._trouble(message, Trouble.DECRYPTION, NOBODY)
            scoped = plain
        else:
            context_engine, context, start, stop = read_scoped(data, start, end)
            if stop != end:
                raise Malformed("something follows the message")
        if context_engine != self.engine.identity:
            self.counters.unknown_handlers += 1
            return self._report(message, _UNKNOWN_HANDLER, self.counters.unknown_handlers, user, header.flags)
        if context:
            self.counters.unknown_contexts += 1
            return self._report(message, _UNKNOWN_CONTEXT, self.counters.unknown_contexts, user, header.flags)
        size = min(header.max_size, MOST_SIZE)
        room = size - 154 - 2 * len(self.engine.identity) - len(user.name)
        body = self._do(scoped, start, stop, V3, self._grants[user.name][level], room)
        if body is None:
            return None
        flags = header.flags & (AUTH | PRIV)
        answered = tlv(SEQUENCE, self._context + body)
        return self.engine.seal(message.message_id, flags, user, time, MOST_SIZE, answered)

    def _trouble(self, message: Secured, trouble: Trouble, user: User) -> bytes | None:
        """Count it, and tell the asker where it asks to be told."""
        self.counters.usm[trouble.value] += 1
        name = (*_USM_STATS, trouble.value, 0)
        return self._report(message, name, self.counters.usm[trouble.value], user, AUTH if user.mac else 0)

    def _report(self, message: Secured, name: ber.Oid, count: int, user: User, flags: int) -> bytes | None:
        if not message.header.flags & REPORTABLE:
            return None
        varbind = tlv(SEQUENCE, ber.name(name) + integer(count & 0xFFFFFFFF, ber.COUNTER32))
        scoped = scoped_pdu(self.engine.identity, b"", pdu(REPORT, _request_of(message), [varbind]))
        time = self.engine_time(self.now)
        reply_to = user
        if user is NOBODY and message.header.engine == self.engine.identity:
            reply_to = User(replace(NOBODY.secret, name=message.header.user), b"")
        return self.engine.seal(message.message_id, flags & (AUTH | PRIV), reply_to, time, MOST_SIZE, scoped)


def _request_of(message: Secured) -> int:
    """The request-id, where it can be read (RFC 3412 s7.1, step 3b); else 0."""
    if message.header.flags & PRIV:
        return 0
    try:
        _, _, at, end = read_scoped(message.data, message.scoped, message.end)
        start, _ = ber.any_element(message.data, at, end)
        return ber.read_integer(message.data, start, end)[0]
    except Malformed:
        return 0
