"""The sessions of an RTSP server, and what each peer may have of it (RFC 2326 s3.4, appendix A.2). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network
from itertools import islice
from typing import Protocol

from device.accounts.lockout import Lockout
from device.digest import Guard
from protocols.rtsp.describe import Opened
from protocols.rtsp.library import Live
from protocols.rtsp.transport import Transport


@dataclass(frozen=True, slots=True)
class Limits:
    """What all peers together, and each of them, may use."""

    connections: int = 1024
    connections_per_address: int = 256  #: a video management system comes for every camera from one address
    sessions: int = 1024
    sessions_per_connection: int = 16
    idle_seconds: float = 30.0  #: a connection without a session, since its last request
    half_open_seconds: float = 10.0  #: an HTTP tunnel whose other half does not come
    session_seconds: float = 60.0  #: told in the Session header (RFC 2326 s12.37)
    attempts: int = 8  #: wrong credentials on one connection, then it is closed


@dataclass(frozen=True, slots=True)
class Groups:
    """Where live streams are sent for all who listen: one address each, track n at `port + 2 n`."""

    network: IPv4Network
    port: int  #: even
    ttl: int  #: hops


class End(Enum):
    """Why a session ended."""

    TEARDOWN = "teardown"
    DISCONNECTED = "disconnected"
    TIMED_OUT = "timed out"
    TOO_SLOW = "too slow"
    STOPPED = "stopped"  #: the server, or the stream
    REVOKED = "revoked"  #: its account is gone, has another password, or may not have the stream any more


class Phase(Enum):
    """RFC 2326 appendix A.2. Init is to have no session."""

    READY = "ready"
    PLAYING = "playing"


@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One connection, as the sessions know it."""

    host: str  #: address of the other end
    local: str  #: our address, as the other end sees it
    secure: bool  #: TLS: then media does not leave by UDP in the clear


@dataclass(frozen=True, slots=True)
class Leg:
    """One track on its way."""

    transport: Transport  #: as agreed: channels or ports are there
    url: str  #: of the track, as the client wrote it


@dataclass(slots=True, eq=False)
class Session:
    """What one client set up of one presentation."""

    id: str
    account: str
    peer: Peer  #: that made it; with interleaved transport it lives and dies with it
    path: str
    query: Mapping[str, str]
    opened: Opened
    deadline: float
    since: float
    phase: Phase = Phase.READY
    stamped: bool = False  #: units carry ONVIF's header extension (Streaming s6.3)
    required: bool = (
        False  #: the client asked for ONVIF's replay by name: at the end it waits for more (s6.9)
    )
    proof: str | None = None  #: what its account proved itself by
    legs: dict[int, Leg] = field(default_factory=dict)  #: by track

    @property
    def tcp(self) -> bool:
        """Media is interleaved with the connection. All legs of a session are of one kind."""
        return any(leg.transport.tcp for leg in self.legs.values())

    @property
    def group(self) -> str | None:
        """The multicast address; None where media is sent to this session alone."""
        return next(
            (leg.transport.destination for leg in self.legs.values() if not leg.transport.unicast), None
        )


class Observer(Protocol):
    """Who wants to know what comes and goes."""

    def opened(self, session: Session) -> None:
        """A session was made."""

    def closed(self, session: Session, why: End, seconds: float) -> None:
        """It ended, so long after it was made."""

    def refused(self, account: str, peer: Peer) -> None:
        """Somebody gave a wrong name or password. `account` is as it was given."""


@dataclass(slots=True)
class Registry:
    """Of one endpoint, for all its connections."""

    limits: Limits
    guard: Guard | None  #: None: an open server
    udp_ports: tuple[int, int] | None  #: (RTP, RTCP) that all UDP sessions share; None: interleaved only
    groups: Groups | None  #: None: no multicast
    observer: Observer | None  #: is told of sessions and of wrong passwords
    lockout: Lockout | None = None  #: slows down who guesses; None: nobody
    _peers: set[Peer] = field(default_factory=set)
    _hosts: Counter[str] = field(default_factory=Counter)
    _sessions: dict[str, Session] = field(default_factory=dict)

    def connect(self, peer: Peer) -> bool:
        """Let a connection in, or not."""
        full = len(self._peers) >= self.limits.connections
        if full or self._hosts[peer.host] >= self.limits.connections_per_address:
            return False
        self._peers.add(peer)
        self._hosts[peer.host] += 1
        return True

    def disconnect(self, peer: Peer, now: float) -> list[Session]:
        """A connection is gone. Returns the sessions that go with it; those by UDP live on to their
        deadline."""
        if peer in self._peers:
            self._peers.discard(peer)
            self._hosts[peer.host] -= 1
            if not self._hosts[peer.host]:
                del self._hosts[peer.host]
        gone = [s for s in self._sessions.values() if s.peer is peer and (s.tcp or not s.legs)]
        for session in gone:
            self.remove(session, End.DISCONNECTED, now)
        return gone

    def room(self, peer: Peer) -> bool:
        """Whether one more session may be made."""
        own = sum(session.peer is peer for session in self._sessions.values())
        return len(self._sessions) < self.limits.sessions and own < self.limits.sessions_per_connection

    def add(self, session: Session) -> None:
        """A session was made."""
        session.proof = self._proof(session)
        self._sessions[session.id] = session
        if self.observer is not None:
            self.observer.opened(session)

    def stands(self, session: Session) -> bool:
        """Whether who made it would still be let in: his account is there, and its password is the same."""
        return session.proof == self._proof(session)

    def _proof(self, session: Session) -> str | None:
        return None if self.guard is None else self.guard.proof(session.account)

    def remove(self, session: Session, why: End, now: float) -> None:
        """A session ended."""
        if self._sessions.pop(session.id, None) is not None and self.observer is not None:
            self.observer.closed(session, why, now - session.since)

    def find(self, name: str, peer: Peer) -> Session | None:
        """The session that a peer names. Another host never sees it; with interleaved transport no other
        connection."""
        session = self._sessions.get(name)
        if session is None or session.peer.host != peer.host or (session.tcp and session.peer is not peer):
            return None
        return session

    def of(self, peer: Peer) -> list[Session]:
        """The sessions that a connection made."""
        return [session for session in self._sessions.values() if session.peer is peer]

    def channels(self, peer: Peer) -> set[int]:
        """The channels in use on a connection."""
        pairs = (leg.transport.interleaved for s in self.of(peer) for leg in s.legs.values())
        return {channel for pair in pairs if pair is not None for channel in pair}

    def group(self, media: Live) -> str | None:
        """The multicast address of a stream: the one that it has, else a free one; None where all are taken."""
        assert self.groups is not None
        used: dict[int, str] = {}  # by identity of the feed
        for session in self._sessions.values():
            address = session.group
            if address is not None and isinstance(session.opened.media, Live):
                used[id(session.opened.media.feed)] = address
        if id(media.feed) in used:
            return used[id(media.feed)]
        hosts = islice(map(str, self.groups.network.hosts()), len(used) + 1)
        return next((address for address in hosts if address not in used.values()), None)

    def heard(self, peer: Peer, channel: int, now: float) -> None:
        """RTCP came interleaved: the session lives (RFC 2326 s12.37 leaves open what counts, all servers do
        this)."""
        for session in self.of(peer):
            pairs = (leg.transport.interleaved for leg in session.legs.values())
            if any(pair is not None and channel == pair[1] for pair in pairs):
                self.refresh(session, now)

    def heard_from(self, host: str, port: int, now: float) -> None:
        """RTCP came by UDP."""
        for session in self._sessions.values():
            if session.peer.host != host:
                continue
            pairs = (leg.transport.client_port for leg in session.legs.values())
            if any(pair is not None and port == pair[1] for pair in pairs):
                self.refresh(session, now)

    def heard_in(self, group: str, host: str, now: float) -> None:
        """RTCP of a host came to a multicast group."""
        for session in self._sessions.values():
            if session.peer.host == host and session.group == group:
                self.refresh(session, now)

    def refresh(self, session: Session, now: float) -> None:
        """The session lives."""
        session.deadline = now + self.limits.session_seconds

    def expired(self, now: float) -> list[Session]:
        """Remove and return the sessions whose time ran out."""
        gone = [session for session in self._sessions.values() if session.deadline < now]
        for session in gone:
            self.remove(session, End.TIMED_OUT, now)
        return gone

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._sessions.values()))
