"""A client's pair of UDP ports."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from dataclasses import dataclass, field

from conformance.case import NotApplicable
from conformance.rtsp.wire import Enough, Packet
from conformance.transcript import Transcript

_TRIES = 64
_BUFFER = 4 << 20  #: octets


@dataclass(slots=True)
class Ports:
    """Two neighbouring ports, the first even (RFC 3550 s11)."""

    rtp: socket.socket
    rtcp: socket.socket
    transcript: Transcript
    packets: deque[Packet] = field(default_factory=deque)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def numbers(self) -> tuple[int, int]:
        """Of RTP and RTCP."""
        return self.rtp.getsockname()[1], self.rtcp.getsockname()[1]

    def open(self) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        for channel, sock in enumerate((self.rtp, self.rtcp)):
            loop.add_reader(sock.fileno(), self._read, sock, channel)

    def close(self) -> None:
        """Listen no more."""
        for sock in (self.rtp, self.rtcp):
            if sock.fileno() >= 0:
                asyncio.get_running_loop().remove_reader(sock.fileno())
                sock.close()

    def send(self, channel: int, data: bytes, to: tuple[str, int]) -> None:
        """A datagram from the RTP port (0) or the RTCP port (1)."""
        self.transcript.packet(f"datagram to {to[0]}:{to[1]}", len(data))
        (self.rtcp if channel else self.rtp).sendto(data, to)

    async def media(self, seconds: float, enough: Enough) -> list[Packet]:
        """Datagrams that come within a time, those kept so far first; ends early when there are enough."""
        deadline = time.monotonic() + seconds
        found: list[Packet] = []
        while True:
            while self.packets:
                found.append(self.packets.popleft())
                if enough(found[-1]):
                    return found
            self._came.clear()
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self._came.wait()
            except TimeoutError:
                return found

    def _read(self, sock: socket.socket, channel: int) -> None:
        try:
            data, source = sock.recvfrom(65536)
        except OSError:
            return
        self.transcript.packet(f"datagram at the {'RTCP' if channel else 'RTP'} port", len(data))
        self.packets.append(Packet(channel, data, time.monotonic(), source[:2]))
        self._came.set()


def bind(host: str, transcript: Transcript) -> Ports:
    """A free pair at the address. Raises NotApplicable where there is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(_TRIES):
        rtp, rtcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
        try:
            for sock in (rtp, rtcp):
                sock.setblocking(False)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            rtp.bind((host, 0))
            port = rtp.getsockname()[1]
            if port % 2 == 0:
                rtcp.bind((host, port + 1))
                return Ports(rtp, rtcp, transcript)
        except OSError:
            pass
        rtp.close()
        rtcp.close()
    raise NotApplicable("no pair of UDP ports is free here")


def join(group: str, port: int, interface: str, transcript: Transcript) -> Ports:
    """Listen to a multicast group. Raises OSError."""
    pair = []
    for number in (port, port + 1):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((group, number))
        membership = socket.inet_aton(group) + socket.inet_aton(interface)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        pair.append(sock)
    return Ports(pair[0], pair[1], transcript)
