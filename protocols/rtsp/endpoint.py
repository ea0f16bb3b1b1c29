"""The RTSP server's sockets: listeners over TCP and TLS, one pair of UDP ports, the timers.

What is decided, is decided elsewhere: `serve` (protocol), `broadcast` (live), `playout` (stored), `registry`
(limits).
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self
from weakref import WeakValueDictionary

from device.accounts.lockout import Lockout
from device.clock import Clock
from device.digest import Credentials, Guard
from device.media import Utc
from protocols.rtsp.broadcast import Broadcast, Counters, Tamper
from protocols.rtsp.delivery import Delivery, LiveDelivery, StoredDelivery
from protocols.rtsp.describe import Opened
from protocols.rtsp.effects import Play, Resolve, Started
from protocols.rtsp.library import Library, Live, Stored
from protocols.rtsp.multicast import Group, GroupDelivery
from protocols.rtsp.outlet import Datagrams, Interleaved, Outlet
from protocols.rtsp.peer import PeerProtocol
from protocols.rtsp.playout import LEAD_TCP, LEAD_UDP
from protocols.rtsp.registry import End, Groups, Limits, Observer, Peer, Phase, Registry, Session
from protocols.rtsp.sender import Sender
from protocols.rtsp.tunnel import Tunnels

TICK_SECONDS = 1.0
RESOLVE_SECONDS = 10.0  #: for the library to answer, then 503
HANDSHAKE_SECONDS = 10.0
UDP_PORT_TRIES = 64


@dataclass(frozen=True, slots=True)
class Listen:
    """An address to listen at. `port` 0 takes a free one. With `tls` it is RTSPS, and media only
    interleaved."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What an endpoint is doing now."""

    connections: int
    sessions: int
    playing: int
    feeds: int  #: that somebody watches
    live: Counters
    refused: int  #: connections beyond the limits


class Endpoint:
    """An RTSP server: `async with Endpoint(...) as endpoint:` serves until the block ends.

    `credentials` None is an open server. `udp_ports` (RTP, RTCP) serve all UDP sessions, (0, 0) takes a free
    pair, None offers interleaved transport only. `tamper` makes faults on demand. `groups` None: no multicast.
    `holds`: whether a session's account may still have its path; asked every second, None: it may.
    """

    def __init__(
        self,
        library: Library,
        credentials: Credentials | None,
        listen: Sequence[Listen],
        clock: Clock,
        udp_ports: tuple[int, int] | None = (0, 0),
        limits: Limits = Limits(),  # noqa: B008 - frozen
        tamper: Tamper | None = None,
        groups: Groups | None = None,
        observer: Observer | None = None,
        lockout: Lockout | None = None,
        holds: Callable[[Session], bool] | None = None,
    ) -> None:
        self.library = library
        self.clock = clock
        self.limits = limits
        self.tamper = tamper
        guard = Guard(credentials, secrets.token_bytes(32)) if credentials is not None else None
        self.registry = Registry(limits, guard, None, groups, observer, lockout)
        self.tunnels: Tunnels[PeerProtocol] = Tunnels()
        self.counters = Counters()
        self.peers: set[PeerProtocol] = set()
        self.refused = 0
        self._holds = holds
        self._listen = tuple(listen)
        self._udp_wanted = udp_ports
        self._udp: dict[socket.AddressFamily, tuple[socket.socket, socket.socket]] = {}
        self._servers: list[asyncio.Server] = []
        #: by identity of the feed
        self._broadcasts: WeakValueDictionary[int, Broadcast] = WeakValueDictionary()
        self._deliveries: dict[str, Delivery | GroupDelivery] = {}
        self._groups: dict[str, Group] = {}  #: by address
        self._cname = secrets.token_hex(8)
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        try:
            for listen in self._listen:
                self._servers.append(
                    await loop.create_server(
                        lambda secure=listen.tls is not None: PeerProtocol(self, secure, b""),
                        listen.host,
                        listen.port,
                        ssl=listen.tls,
                        ssl_handshake_timeout=HANDSHAKE_SECONDS if listen.tls else None,
                        backlog=256,
                    )
                )
            if self._udp_wanted is not None:
                self._open_udp(self._udp_wanted)
        except BaseException:
            await self.close()
            raise
        self._timer = loop.call_later(TICK_SECONDS, self._tick)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each listener, in the order of `listen`."""
        return [server.sockets[0].getsockname()[:2] for server in self._servers]

    @property
    def port(self) -> int:
        """Of the first listener."""
        return self.addresses[0][1]

    def status(self) -> Status:
        """Now."""
        playing = sum(session.phase is Phase.PLAYING for session in self.registry)
        watched = sum(broadcast.watched for broadcast in self._broadcasts.values())
        counters = replace(self.counters)
        return Status(len(self.peers), len(self.registry), playing, watched, counters, self.refused)

    def cut(self, path: str) -> int:
        """Cut every connection that has a session of `path`, as a broken cable would. Returns how many."""
        sessions = [session for session in self.registry if session.path == path]
        doomed = [each for each in self.peers if any(session.peer is each.peer for session in sessions)]
        for each in doomed:
            each.abort()
        for session in sessions:
            self.registry.remove(session, End.STOPPED, self.clock.monotonic())
            self.release(session)
        return len(doomed)

    async def adopt(self, sock: socket.socket, received: bytes, whose: Peer | None = None) -> None:
        """Take over a connection that an HTTP server accepted, with the octets that it had read of it: the
        head of a tunnel's GET or POST, or of a WebSocket's opening handshake. `whose`: who is at the other end of
        the socket, where something is between; None: the socket tells, and there is no TLS."""
        secure = whose is not None and whose.secure
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(lambda: PeerProtocol(self, secure, received, whose), sock)

    def tell_refused(self, account: str, peer: Peer | None) -> None:
        """Somebody gave a wrong name or password."""
        if self.registry.observer is not None and peer is not None:
            self.registry.observer.refused(account, peer)

    async def close(self) -> None:
        """Stop listening, cut what is connected, free the ports."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for server in self._servers:
            server.close()
        for session in self.registry:
            self.registry.remove(session, End.STOPPED, self.clock.monotonic())
            self.release(session)
        for each in tuple(self.peers):
            each.abort()
        for pair in self._udp.values():
            asyncio.get_running_loop().remove_reader(pair[1].fileno())
            asyncio.get_running_loop().remove_reader(pair[0].fileno())
            for sock in pair:
                sock.close()
        self._udp.clear()
        await asyncio.sleep(0)  # the connections' tasks see that they are cancelled

    # -- what connections ask
    # -----------------------------------------------------------------------------------

    async def resolve(self, asked: Resolve) -> Opened:
        """Ask the library."""
        async with asyncio.timeout(RESOLVE_SECONDS):
            media = await self.library.open(asked.path, asked.query, asked.account)
            return Opened(media, await media.store.span() if isinstance(media, Stored) else None)

    async def begin(self, play: Play, transport: asyncio.Transport) -> Started:
        """Make the session's delivery, or find it, and learn where it begins."""
        session = play.session
        delivery = self._deliveries.get(session.id)
        if delivery is None:
            delivery = self._deliveries[session.id] = self._delivery(session, transport)
        return await delivery.begin(play)

    def flow(self, session: Session) -> None:
        """The answer to PLAY is written: media follows."""
        delivery = self._deliveries.get(session.id)
        if delivery is not None and session.phase is Phase.PLAYING:
            delivery.flow()

    def pause(self, session: Session, at: Utc | None) -> None:
        """Hold the media, now or when play comes to a point."""
        delivery = self._deliveries.get(session.id)
        if delivery is not None:
            delivery.pause(at)

    def release(self, session: Session) -> None:
        """Free what the session holds."""
        delivery = self._deliveries.pop(session.id, None)
        if delivery is None:
            return
        delivery.close()
        if isinstance(delivery, GroupDelivery) and not delivery.group.used:
            delivery.group.close()
            del self._groups[delivery.group.address]

    def writable(self, transport: asyncio.Transport, writable: bool) -> None:
        """The buffer of a connection was emptied, or is no longer empty."""
        for delivery in tuple(self._deliveries.values()):
            outlet = delivery.outlet
            if isinstance(outlet, Interleaved) and outlet.transport is transport:
                outlet.blocked = not writable
                if writable:
                    outlet.ready()

    # -- inside
    # -------------------------------------------------------------------------------------------------

    def _delivery(self, session: Session, transport: asyncio.Transport) -> Delivery | GroupDelivery:
        media = session.opened.media
        if session.group is not None and isinstance(media, Live):
            return self._group_delivery(session, session.group, media)
        outlet = self._outlet(session, transport)
        if isinstance(media, Live):
            return LiveDelivery(lambda: self._broadcast(session.path, media), outlet, self.clock)
        lead = LEAD_TCP if session.tcp else LEAD_UDP
        sender = self._sender(media, closes_gaps=True)
        return StoredDelivery(session.opened, outlet, sender, lead, self.clock, session)

    def _group_delivery(self, session: Session, address: str, media: Live) -> GroupDelivery:
        group = self._groups.get(address)
        if group is None:
            assert self.registry.groups is not None

            def heard(host: str) -> None:
                self.registry.heard_in(address, host, self.clock.monotonic())

            own, tracks = session.peer.local, len(media.feed.tracks)
            group = Group(address, own, self.registry.groups, tracks, heard)
            group.live = LiveDelivery(lambda: self._broadcast(session.path, media), group.outlet, self.clock)
            self._groups[address] = group

        def finished() -> None:
            session.phase = Phase.READY

        return GroupDelivery(group, finished)

    def _outlet(self, session: Session, transport: asyncio.Transport) -> Outlet:
        def finished() -> None:
            session.phase = Phase.READY

        if session.tcp:
            pairs = {n: leg.transport.interleaved for n, leg in session.legs.items()}
            return Interleaved(
                transport, {n: pair for n, pair in pairs.items() if pair is not None}, finished
            )
        host = session.peer.host
        ports = {n: leg.transport.client_port for n, leg in session.legs.items()}
        targets = {n: ((host, pair[0]), (host, pair[1])) for n, pair in ports.items() if pair is not None}
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return Datagrams(self._udp[family], targets, finished)

    def _broadcast(self, path: str, media: Live) -> Broadcast:
        key = id(media.feed)
        broadcast = self._broadcasts.get(key)
        if broadcast is None or broadcast.over:
            sender = self._sender(media, closes_gaps=False)
            now = self.clock.monotonic
            broadcast = Broadcast(path, media.feed, sender, now, self.tamper, self.counters)
            self._broadcasts[key] = broadcast
        return broadcast

    def _sender(self, media: Live | Stored, closes_gaps: bool) -> Sender:
        tracks = media.feed.tracks if isinstance(media, Live) else media.store.tracks
        return Sender(tracks, self._cname, secrets.token_bytes(10 * len(tracks)), closes_gaps)

    def _open_udp(self, wanted: tuple[int, int]) -> None:
        names = [sock.getsockname()[0] for server in self._servers for sock in server.sockets]
        hosts = {host: socket.AF_INET6 if ":" in host else socket.AF_INET for host in names}
        families = set(hosts.values())
        for attempt in range(UDP_PORT_TRIES):
            try:
                for family in families:
                    host = next(host for host, of in hosts.items() if of is family)
                    alone = sum(of is family for of in hosts.values()) == 1
                    self._udp[family] = _pair(family, host if alone else "", wanted)
                    wanted = tuple(s.getsockname()[1] for s in self._udp[family])
                break
            except OSError:
                for pair in self._udp.values():
                    for sock in pair:
                        sock.close()
                self._udp.clear()
                if attempt == UDP_PORT_TRIES - 1 or self._udp_wanted != (0, 0):
                    raise
                wanted = (0, 0)
        self.registry.udp_ports = wanted
        loop = asyncio.get_running_loop()
        for rtp, rtcp in self._udp.values():
            loop.add_reader(rtp.fileno(), _discard, rtp)
            loop.add_reader(rtcp.fileno(), self._reports, rtcp)

    def _reports(self, sock: socket.socket) -> None:
        """RTCP from the players: a sign of life."""
        now = self.clock.monotonic()
        for _ in range(64):
            try:
                _, source = sock.recvfrom(2048)
            except OSError:
                return
            self.registry.heard_from(source[0], source[1], now)

    def _end(self, session: Session, why: End) -> list[PeerProtocol]:
        """End a session of our own accord; the connections to cut, by which alone its player learns of it."""
        self.registry.remove(session, why, self.clock.monotonic())
        self.release(session)
        return [each for each in self.peers if each.peer is session.peer]

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)
        now = self.clock.monotonic()
        doomed: list[PeerProtocol] = []
        for session in self.registry:
            allowed = self._holds is None or self._holds(session)
            if not (allowed and self.registry.stands(session)):
                doomed += self._end(session, End.REVOKED)
                continue
            delivery = self._deliveries.get(session.id)
            if delivery is None:
                continue
            if session.tcp and session.phase is Phase.PLAYING and not delivery.outlet.blocked:
                self.registry.refresh(session, now)  # who takes the media lives
            if delivery.stalled(now):
                cut = self._end(session, End.TOO_SLOW)
                self.counters.cut += len(cut)
                doomed += cut
        for each in doomed:
            each.abort()
        for session in self.registry.expired(now):
            self.release(session)
        for each in tuple(self.peers):
            if each.idle(now):
                each.abort()


def _pair(
    family: socket.AddressFamily, host: str, wanted: tuple[int, int]
) -> tuple[socket.socket, socket.socket]:
    """Two neighbouring UDP ports, the first even (RFC 3550 s11). Raises OSError."""
    rtp = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    rtcp = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        for sock in (rtp, rtcp):
            if family is socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        rtp.bind((host, wanted[0]))
        port = rtp.getsockname()[1]
        if wanted[0] == 0 and port % 2:
            raise OSError("an odd port")
        rtcp.bind((host, wanted[1] or port + 1))
    except OSError:
        rtp.close()
        rtcp.close()
        raise
    return rtp, rtcp


def _discard(sock: socket.socket) -> None:
    """What comes to the RTP port is there to open firewalls, no more."""
    for _ in range(64):
        try:
            sock.recv(2048)
        except OSError:
            return
