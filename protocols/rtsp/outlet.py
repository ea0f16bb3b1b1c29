"""The sockets' side of a listener: interleaved with its connection, or UDP (RFC 2326 s10.12, s12.39)."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping

from protocols.rtsp.sender import Packets, Run

Target = tuple[str, int]  #: address and port
UDP_SEGMENT = 103  #: of linux/udp.h
_SIZE = struct.Struct("=H")
#: Packets to one listener without a breath: receivers hold about a hundred. No fewer than a stream of 4 Mbit/s
#: brings a crowd at a time, or each would need a timer for its rest.
DATAGRAM_BURST = 48
BREATH = 0.0015  #: seconds


class Interleaved:
    """Into the connection's own stream. `blocked` while the connection's buffer is not empty."""

    settle = 0.0  #: seconds to wait before a BYE

    def __init__(
        self,
        transport: asyncio.Transport,
        channels: Mapping[int, tuple[int, int]],
        finished: Callable[[], None],
    ) -> None:
        self.transport = transport
        self.channels = channels  #: of each track that was set up
        self.blocked = False
        self.ready: Callable[[], None] = lambda: None  #: called when it no longer is
        self.finished = finished

    def send(self, batch: list[Packets]) -> bool:
        """One write for the batch, so one system call while the peer keeps up."""
        parts = [
            packets.on_channels(*self.channels[packets.track])
            for packets in batch
            if packets.track in self.channels
        ]
        if parts:
            self.transport.write(parts[0] if len(parts) == 1 else b"".join(parts))
        return not self.blocked

    def close(self) -> None:
        """Nothing is held."""


class Datagrams:
    """To the ports that the client named, at the address that its connection comes from; or to a group. Never
    blocks for long: what the socket does not take is lost, as is the way of UDP."""

    #: Seconds to wait before a BYE: it travels to another port, and must not overtake the last frame, not even at
    #: a player that gets no processor for a while (GStreamer's reads no more once it has heard it).
    settle = 1.0

    def __init__(
        self,
        sockets: tuple[socket.socket, socket.socket],
        targets: Mapping[int, tuple[Target, Target]],
        finished: Callable[[], None],
    ) -> None:
        self.sockets = sockets  #: RTP, RTCP
        self.targets = targets  #: of each track: where RTP goes, where RTCP goes
        self.ready: Callable[[], None] = lambda: None
        self.finished = finished
        self.blocked = False
        self.lost = 0  #: packets that the socket did not take
        self._queue: deque[tuple[Target, Run]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def send(self, batch: list[Packets]) -> bool:
        """All of it, a burst at a time."""
        for packets in batch:
            targets = self.targets.get(packets.track)
            if targets is not None:
                self._queue.extend((targets[run.control], run) for run in packets.runs())
        if self._timer is None:
            self._burst()
        self.blocked = self._timer is not None
        return not self.blocked

    def close(self) -> None:
        """Send no more."""
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _burst(self) -> None:
        sent = 0
        while self._queue and (not sent or sent + self._queue[0][1].packets <= DATAGRAM_BURST):
            target, run = self._queue.popleft()
            sent += run.packets
            try:
                _send(self.sockets[run.control], target, run)
            except OSError:
                self.lost += run.packets
        self._timer = self._loop.call_later(BREATH, self._next) if self._queue else None

    def _next(self) -> None:
        self._burst()
        if self._timer is None and self.blocked:
            self.blocked = False
            self.ready()


def _send(sock: socket.socket, target: Target, run: Run) -> None:
    """A run in one system call, cut into packets behind the socket. Raises OSError."""
    if run.packets == 1:
        sock.sendto(run.octets, target)
        return
    try:
        sock.sendmsg((run.octets,), [(socket.SOL_UDP, UDP_SEGMENT, _SIZE.pack(run.size))], 0, target)
    except OSError as error:
        if error.errno not in (errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.ENOPROTOOPT):
            raise
        # A device without checksum offload, or with a smaller MTU than the packets have.
        for octets in run.split():
            sock.sendto(octets, target)


Outlet = Interleaved | Datagrams
