"""RTP over UDP: pairs of ports (RFC 3550 s11), read in batches into the buffer that a TCP session uses.

A datagram gets the four octets in front that it would have had in the stream, so that all that follows is
one and the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

from device.cameras.source import Cause, SessionEnded
from device.errors import PeerFault
from protocols.rtsp.interleaved import FRAME_HEAD, Interleaved
from protocols.rtsp.message import DOLLAR

RECEIVE_BUFFER = 4 * 1024 * 1024  #: octets asked of the kernel for RTP; it may give less
DATAGRAM_LIMIT = 65535
PAIRS_TRIED = 50
_FRAME = struct.Struct(">BBH")


class PortPair:
    """Two UDP sockets with neighbouring ports, the first even, for one track."""

    def __init__(self, family: socket.AddressFamily, address: str, peer: str) -> None:
        """Binds to `address`, the one over which the camera is reached; takes datagrams of `peer` only.
        Raises SessionEnded.
        """
        self._peer = peer
        self._channels = (0, 0)
        self._stream: Interleaved | None = None
        self._failed: Callable[[str], None] = _ignore
        for _ in range(PAIRS_TRIED):
            pair = _pair(family, address)
            if pair is not None:
                self._sockets = pair
                self.ports = (pair[0].getsockname()[1], pair[1].getsockname()[1])
                return
        raise SessionEnded(Cause.UNREACHABLE, "no pair of UDP ports is free")

    def play(
        self,
        ports: tuple[int, int] | None,
        stream: Interleaved,
        channels: tuple[int, int],
        failed: Callable[[str], None],
    ) -> None:
        """Read from now on into `stream`, as frames of these channels. `ports` are the camera's, None where
        it did not tell: then they are those of the first datagram.
        """
        self._stream = stream
        self._channels = channels
        self._failed = failed
        loop = asyncio.get_running_loop()
        for number, sock in enumerate(self._sockets):
            if ports is not None:
                with contextlib.suppress(OSError):
                    sock.connect((self._peer, ports[number]))
                loop.add_reader(sock, self._readable, sock, channels[number])
            else:
                loop.add_reader(sock, self._latch, sock, channels[number])

    def send(self, data: bytes) -> None:
        """An RTCP packet to the camera."""
        with contextlib.suppress(OSError):
            self._sockets[1].send(data)

    def close(self) -> None:
        """Give the ports back."""
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            loop.remove_reader(sock)
            sock.close()

    def _readable(self, sock: socket.socket, channel: int) -> None:
        stream = self._stream
        assert stream is not None
        vacant = stream.vacant()
        last = len(vacant) - DATAGRAM_LIMIT - FRAME_HEAD
        at = 0
        receive = sock.recv_into
        try:
            while at < last:
                size = receive(vacant[at + FRAME_HEAD :])
                # RTP and RTCP are version 2; nothing else can be for us.
                if size > FRAME_HEAD and vacant[at + FRAME_HEAD] >> 6 == 2:
                    _FRAME.pack_into(vacant, at, DOLLAR, channel, size)
                    at += size + FRAME_HEAD
        except OSError:
            pass  # nothing more, or an ICMP error: silence is noticed elsewhere
        if at:
            try:
                stream.received(at)
            except PeerFault as error:
                self._failed(str(error))

    def _latch(self, sock: socket.socket, channel: int) -> None:
        """The first datagram from the camera's address tells its port."""
        try:
            _, sender = sock.recvfrom(DATAGRAM_LIMIT, socket.MSG_PEEK)
            if sender[0] != self._peer:
                sock.recv(1)
                return
            sock.connect(sender)
        except OSError:
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(sock, self._readable, sock, channel)


def _pair(family: socket.AddressFamily, address: str) -> tuple[socket.socket, socket.socket] | None:
    first = socket.socket(family, socket.SOCK_DGRAM)
    second = socket.socket(family, socket.SOCK_DGRAM)
    try:
        first.bind((address, 0))
        port = first.getsockname()[1]
        if port % 2 == 0:
            second.bind((address, port + 1))
            for sock in (first, second):
                sock.setblocking(False)
            first.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            return first, second
    except OSError:
        pass
    first.close()
    second.close()
    return None


def _ignore(detail: str) -> None:
    """Nobody listens yet."""
