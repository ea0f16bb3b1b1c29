"""One TCP connection of the RTSP server: octets to the pure connection, its effects to the endpoint. It may turn out
to be one end of an HTTP tunnel, or a WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from typing import TYPE_CHECKING

from device.errors import Fault, HoldfastError
from protocols.rtsp import tunnel
from protocols.rtsp.describe import Opened
from protocols.rtsp.effects import Close, Effect, Pause, Play, Refuse, Release, Resolve, Started, Write
from protocols.rtsp.framed import Framed
from protocols.rtsp.message import MalformedMessage, Response, headers
from protocols.rtsp.registry import Peer
from protocols.rtsp.serve import SERVER, Connection
from protocols.rtsp.websocket import Handshake, accepted

if TYPE_CHECKING:
    from protocols.rtsp.endpoint import Endpoint

REPLY_BACKLOG = 256 * 1024  #: octets of answers that a peer has not taken, then its requests are not read


class PeerProtocol(asyncio.Protocol):
    """A connection from its first octet to its last."""

    def __init__(self, endpoint: Endpoint, secure: bool, received: bytes, whose: Peer | None = None) -> None:
        """`received`: what another read of it before. `whose`: who is at the other end, where the socket does not
        tell."""
        self.endpoint = endpoint
        self.secure = secure
        self._received = received
        self._whose = whose
        self.peer: Peer | None = None
        self.connection: Connection | None = None
        self._since = endpoint.clock.monotonic()
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._beginning: bytearray | None = bytearray()  #: until it is known what this is
        self._cookie = ""  #: of a tunnel whose GET this is
        self._post: PeerProtocol | None = None  #: where its requests come from
        self._get: PeerProtocol | None = None  #: of a POST: where its answers go
        self._base64 = tunnel.Base64()
        self._framed: Framed | None = None  #: of a WebSocket: the transport, as everything but it sees it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer came."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        endpoint = self.endpoint
        peer = self._whose
        if peer is None:
            remote, local = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
            if not remote or not local:
                transport.abort()
                return
            peer = Peer(remote[0], local[0], self.secure)
        if not endpoint.registry.connect(peer):
            endpoint.refused += 1
            transport.write(Response(503, headers((("Server", SERVER),))).encode())
            transport.close()
            return
        self.peer = peer
        sock = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.set_write_buffer_limits(
            high=1, low=0
        )  # any backlog at all is told; TLS takes 0 for "always"
        tamper = endpoint.tamper
        self.connection = Connection(
            endpoint.registry,
            peer,
            lambda: secrets.token_hex(12),
            self._since,
            tamper.status if tamper is not None else None,
        )
        endpoint.peers.add(self)
        if self._received:
            self.data_received(self._received)

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        if self.connection is None or self._transport is None or self._transport.is_closing():
            return
        if self._beginning is None:
            self._take(data)
            return
        self._beginning += data
        try:
            found = tunnel.opening(self._beginning)
        except MalformedMessage as error:
            self._refuse(error.status)
            return
        if found is not None:
            self._beginning = None
            if found.kind is tunnel.Kind.DOWN:
                self._open_down(found.cookie)
            elif found.kind is tunnel.Kind.UP:
                self._open_up(found.cookie)
            elif found.upgrade is not None:
                self._open_websocket(found.upgrade)
            if found.rest:
                self._take(found.rest)

    def pause_writing(self) -> None:
        """The peer takes less than it is sent."""
        if self._transport is not None:
            self.endpoint.writable(self._transport, False)

    def resume_writing(self) -> None:
        """The peer took everything."""
        if self._transport is not None:
            self._reader.resume()
            self.endpoint.writable(self._transport, True)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The peer left, or was cut."""
        self.endpoint.peers.discard(self)
        if self._task is not None:
            self._task.cancel()
        if self.peer is not None and self._cookie:
            self.endpoint.tunnels.gone(self.peer.host, self._cookie)
        if self._post is not None:
            self._post.abort()
        if self._get is not None and self._get._post is self:
            self._get._post = None  # another may come
        if self.connection is not None:
            self._do(self.connection.lost(self.endpoint.clock.monotonic()))

    def abort(self) -> None:
        """Cut, without waiting for what is not written yet."""
        if self._transport is not None:
            self._transport.abort()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def idle(self, now: float) -> bool:
        """Whether the peer has had its time without making a session."""
        if self._get is not None or self.connection is None or self.peer is None:
            return False  # the POST of a tunnel lives and dies with its GET
        half = bool(self._cookie) and self.endpoint.tunnels.half_open(self.peer.host, self._cookie)
        limits = self.endpoint.limits
        return self.connection.idle(now) or (half and now - self._since > limits.half_open_seconds)

    @property
    def _reader(self) -> PeerProtocol:
        """Where the requests come from that are answered here."""
        return self._post if self._post is not None else self

    def _take(self, data: bytes) -> None:
        """Octets of RTSP, or of base64 or frames with RTSP in them."""
        if self._get is not None:
            try:
                data = self._base64.decode(data)
            except MalformedMessage:
                self._get.abort()
                return
            self._get._receive(data)
        elif self._framed is not None:
            came = self._framed.received(data)
            self._receive(came.rtsp)
            if came.farewell is not None:
                self._framed.end(came.farewell)
        elif not self._cookie:
            self._receive(data)
        # What comes up a GET behind its head is of no meaning.

    def _receive(self, data: bytes) -> None:
        transport = self._transport
        if self.connection is None or transport is None or transport.is_closing():
            return
        self._do(self.connection.receive(data, self.endpoint.clock.monotonic()))
        reading = self._reader._transport
        if reading is not None and transport.get_write_buffer_size() > REPLY_BACKLOG:
            reading.pause_reading()

    def _open_down(self, cookie: str) -> None:
        assert self.peer is not None
        assert self._transport is not None
        if not self.endpoint.tunnels.down(self.peer.host, cookie, self):
            self._refuse(503)
            return
        self._cookie = cookie
        self._transport.write(tunnel.accepted())

    def _open_up(self, cookie: str) -> None:
        assert self.peer is not None
        get = self.endpoint.tunnels.up(self.peer.host, cookie)
        if get is None or get.secure != self.secure:
            self._refuse(404)
            return
        if get._post is not None:
            get._post._get = None
            get._post.abort()  # the client began another, as it does when the length it told is used up
        self._get, get._post = get, self

    def _open_websocket(self, upgrade: Handshake) -> None:
        assert self._transport is not None
        if upgrade.foreign and self.endpoint.registry.guard is None:
            # Nobody needs a password, so any page that a browser shows could look through it into our network.
            self._refuse(403)
            return
        self._transport.write(accepted(upgrade.key))
        self._transport = self._framed = Framed(self._transport)

    def _refuse(self, status: int) -> None:
        assert self._transport is not None
        self._transport.write(tunnel.refused(status))
        self._transport.close()

    def _do(self, effects: list[Effect]) -> None:
        transport, endpoint = self._transport, self.endpoint
        assert transport is not None
        for effect in effects:
            if isinstance(effect, Write):
                transport.write(effect.data)
            elif isinstance(effect, Resolve | Play):
                self._task = asyncio.get_running_loop().create_task(self._find(effect))
            elif isinstance(effect, Pause):
                endpoint.pause(effect.session, effect.at)
            elif isinstance(effect, Release):
                endpoint.release(effect.session)
            elif isinstance(effect, Refuse):
                endpoint.tell_refused(effect.account, self.peer)
            elif isinstance(effect, Close):
                transport.close()

    async def _find(self, asked: Resolve | Play) -> None:
        """Answer the connection's question. A failure of ours is answered as one, and told."""
        endpoint, transport = self.endpoint, self._transport
        assert transport is not None
        assert self.connection is not None
        answer: Opened | Started | HoldfastError
        try:
            if isinstance(asked, Resolve):
                answer = await endpoint.resolve(asked)
            else:
                answer = await endpoint.begin(asked, transport)
        except HoldfastError as error:
            answer = error
        except TimeoutError:
            answer = Fault("the library did not answer in time")
        except Exception as error:  # noqa: BLE001 - the peer gets an answer, the loop's handler the traceback
            answer = HoldfastError("internal error")
            context = {"message": "RTSP request failed", "exception": error, "transport": transport}
            asyncio.get_running_loop().call_exception_handler(context)
        self._do(self.connection.found(answer, endpoint.clock.monotonic()))
        if isinstance(asked, Play):
            endpoint.flow(asked.session)
