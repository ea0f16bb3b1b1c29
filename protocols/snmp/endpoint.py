"""The sockets: one for each address that is listened at, and one of each family for notifications.

What is decided, is decided in `agent` and `notify`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import struct
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from protocols.snmp.agent import Agent
from protocols.snmp.notify import Address, Notification, Outbox

BATCH = 32  #: datagrams of one socket before others have their turn
RECEIVE_BUFFER = 1 << 20  #: octets asked of the kernel; it may give less
DATAGRAM_LIMIT = 65535
_IP_PKTINFO = 8  # ip(7); Python 3.11 has no name for it
_ANCILLARY = socket.CMSG_SPACE(20)


class Endpoint:
    """An agent on the network: `async with Endpoint(...) as endpoint:` answers until the block ends."""

    def __init__(
        self,
        agent: Agent,
        outbox: Outbox,
        listen: Sequence[Address],
        clock: Callable[[], float],
        heard: Callable[[], None],
    ) -> None:
        """`clock`: monotonic seconds. `heard` is called after each batch of datagrams."""
        self.agent = agent
        self.outbox = outbox
        self._listen = tuple(listen)
        self._clock = clock
        self._heard = heard
        self._sockets: list[socket.socket] = []
        self._notifying: dict[int, socket.socket] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def addresses(self) -> list[Address]:
        """Where it listens, with the ports that it was given."""
        return [(sock.getsockname()[0], sock.getsockname()[1]) for sock in self._sockets]

    async def __aenter__(self) -> Self:
        """Raises OSError."""
        loop = asyncio.get_running_loop()
        try:
            for host, port in self._listen:
                sock, family = _bound(host, port)
                self._sockets.append(sock)
                read = self._wildcard if ipaddress.ip_address(host).is_unspecified else self._plain
                loop.add_reader(sock, read, sock, family)
        except OSError:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Answer no more."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        for sock in (*self._sockets, *self._notifying.values()):
            loop.remove_reader(sock)
            sock.close()
        self._sockets.clear()
        self._notifying.clear()

    # --------------------------------------------------------------------------------------- requests

    def _plain(self, sock: socket.socket, family: int) -> None:  # noqa: ARG002 - as _wildcard
        """Of a socket with an address of its own, from which its answers leave."""
        handle, now = self.agent.handle, self._clock()
        with contextlib.suppress(OSError):  # nothing more; or what the kernel says of an answer that was lost
            for _ in range(BATCH):
                data, peer = sock.recvfrom(DATAGRAM_LIMIT)
                reply = handle(data, peer[0], now)
                if reply is not None:
                    sock.sendto(reply, peer)
        self._heard()

    def _wildcard(self, sock: socket.socket, family: int) -> None:
        """Of a socket that has all addresses: the answer leaves from the one that was asked."""
        handle, now = self.agent.handle, self._clock()
        level, kind = (
            (socket.IPPROTO_IP, _IP_PKTINFO)
            if family == socket.AF_INET
            else (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)
        )
        with contextlib.suppress(OSError):
            for _ in range(BATCH):
                data, ancillary, _, peer = sock.recvmsg(DATAGRAM_LIMIT, _ANCILLARY)
                reply = handle(data, peer[0], now)
                if reply is not None:
                    about = ancillary[0][2]
                    if family == socket.AF_INET:  # struct in_pktinfo: no interface, our address, nothing
                        about = bytes(4) + about[4:8] + bytes(4)
                    sock.sendmsg((reply,), [(level, kind, about)], 0, peer)
        self._heard()

    # ---------------------------------------------------------------------------------- notifications

    def notify(self, what: Notification) -> None:
        """Tell everybody who is to be told."""
        self._send(self.outbox.send(what, self._clock()))

    def _send(self, datagrams: Sequence[tuple[Address, bytes]]) -> None:
        for address, datagram in datagrams:
            with contextlib.suppress(OSError):  # no route now: an inform is repeated, a trap is not
                self._notifier(address).sendto(datagram, address)
        self._wake()

    def _notifier(self, address: Address) -> socket.socket:
        family = _family(address[0])
        sock = self._notifying.get(family)
        if sock is None:
            sock = self._notifying[family] = socket.socket(family, socket.SOCK_DGRAM)
            sock.setblocking(False)
            asyncio.get_running_loop().add_reader(sock, self._acknowledged, sock)
        return sock

    def _acknowledged(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for _ in range(BATCH):
                data, peer = sock.recvfrom(DATAGRAM_LIMIT)
                self._send(self.outbox.receive(data, (peer[0], peer[1]), self._clock()))
        self._wake()

    def _wake(self) -> None:
        """One timer, for the inform that is due first."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.outbox.due()
        if due is not None:
            delay = max(0.0, due - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._repeat)

    def _repeat(self) -> None:
        self._timer = None
        self._send(self.outbox.tick(self._clock()))


def _family(host: str) -> int:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _bound(host: str, port: int) -> tuple[socket.socket, int]:
    family = _family(host)
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock, family


def address_towards(host: str) -> bytes:
    """Our IPv4 address as a host sees it, four octets; 0.0.0.0 where there is no way to it over IPv4."""
    if _family(host) != socket.AF_INET:
        return bytes(4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((host, 9))
        except OSError:
            return bytes(4)
        return struct.pack("!I", int(ipaddress.IPv4Address(sock.getsockname()[0])))
