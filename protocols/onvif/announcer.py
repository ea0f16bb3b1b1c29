"""WS-Discovery's sockets: multicast on every interface, IPv4 and IPv6."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import random
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, cast

from protocols.onvif.discovery import GROUP4, GROUP6, MOST_DELAY, PORT, Discovery

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
IP_MULTICAST_ALL = 49  #: linux/in.h; Python does not name it
AT_ONCE = 64  #: answers that wait for their random moment; more are dropped


@dataclass(frozen=True, slots=True)
class Interface:
    """Where one listens."""

    number: int  #: the kernel's
    addresses: tuple[Ip, ...]  #: ours there; the first of each version is told


class Announcer:
    """Says Hello, answers, and says Bye.

    async with Announcer(discovery, interfaces, urls): ...
    """

    def __init__(
        self,
        discovery: Discovery,
        interfaces: Sequence[Interface],
        urls: Callable[[Ip], list[str]],
        *,
        alone: bool = True,
    ) -> None:
        """`urls`: of the device service, as one reaches it at one of our addresses. `alone`: no other device has these
        addresses, so that what comes to them by unicast is for us."""
        self.discovery = discovery
        self._interfaces = interfaces
        self._urls = urls
        self._alone = alone
        self._transports: list[tuple[asyncio.DatagramTransport, Interface, Ip]] = []
        self._unicast: list[asyncio.DatagramTransport] = []
        self._answers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Announcer:
        """Raises OSError: there is no interface on which one can listen; then nothing is open."""
        problem: OSError | None = None
        for interface in self._interfaces:
            for version in (4, 6):
                ours = [ip for ip in interface.addresses if ip.version == version]
                if not ours:
                    continue
                try:
                    await self._listen(interface, ours[0])
                except OSError as error:  # an interface without multicast, or one that went
                    problem = error
        if not self._transports and problem is not None:
            raise problem
        self.hello()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._answers:
            task.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)
        self._say(lambda _: self.discovery.bye())
        for open_one in (*self._unicast, *(transport for transport, _, _ in self._transports)):
            open_one.close()

    def hello(self) -> None:
        """Say that we are there, or have changed."""
        self._say(lambda ip: self.discovery.hello(self._urls(ip)))

    def _say(self, what: Callable[[Ip], bytes]) -> None:
        for transport, interface, ip in self._transports:
            group: tuple[Any, ...] = (GROUP4, PORT)
            if ip.version == 6:
                group = (GROUP6, PORT, 0, interface.number)
            transport.sendto(what(ip), group)

    async def _listen(self, interface: Interface, ip: Ip) -> None:
        everybody = await self._open(_multicast(interface, ip), ip, alone=False)
        self._transports.append((everybody, interface, ip))
        if not self._alone:
            return
        with contextlib.suppress(OSError):  # another program has it: multicast goes to each that listens
            self._unicast.append(await self._open(_unicast(interface, ip), ip, alone=True))

    async def _open(self, sock: socket.socket, ip: Ip, *, alone: bool) -> asyncio.DatagramTransport:
        try:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(lambda: _Listener(self, ip, alone), sock=sock)
        except BaseException:
            sock.close()
            raise
        return transport

    def heard(
        self,
        data: bytes,
        peer: tuple[Any, ...],
        transport: asyncio.DatagramTransport,
        ip: Ip,
        *,
        alone: bool,
    ) -> None:
        """A datagram came to an interface of ours; `alone`: to us and nobody else."""
        reply = self.discovery.answer(data, self._urls(ip), alone=alone)
        if reply is None or len(self._answers) >= AT_ONCE:
            return
        task = asyncio.create_task(_later(transport, reply, peer))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)


async def _later(transport: asyncio.DatagramTransport, reply: bytes, peer: tuple[Any, ...]) -> None:
    """Answers of many devices shall not come at one time."""
    await asyncio.sleep(random.uniform(0, MOST_DELAY))  # noqa: S311 - to spread, not to hide
    with contextlib.suppress(OSError):
        transport.sendto(reply, peer)


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, announcer: Announcer, ip: Ip, alone: bool) -> None:
        self._announcer = announcer
        self._ip = ip
        self._alone = alone
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if self._transport is not None:
            self._announcer.heard(data, addr, self._transport, self._ip, alone=self._alone)


def _unicast(interface: Interface, ip: Ip) -> socket.socket:
    """For who sends his Probe to us alone (DISCOVERY-1-1-6)."""
    sock = socket.socket(socket.AF_INET if ip.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a client on this machine binds it, too
        sock.bind((str(ip), PORT) if ip.version == 4 else (str(ip), PORT, 0, interface.number))
    except BaseException:
        sock.close()
        raise
    return sock


def _multicast(interface: Interface, ip: Ip) -> socket.socket:
    """Bound to the group and to one interface, so that each datagram comes to the socket of its interface alone."""
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ip.version == 4:
            sock.bind((GROUP4, PORT))
            member = struct.pack("=4s4si", socket.inet_aton(GROUP4), ip.packed, interface.number)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, member)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            sock.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((GROUP6, PORT, 0, interface.number))
            group = socket.inet_pton(socket.AF_INET6, GROUP6) + struct.pack("=i", interface.number)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, interface.number)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
    except BaseException:
        sock.close()
        raise
    return sock
