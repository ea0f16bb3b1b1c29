"""WS-Discovery's sockets, as one who looks: a Probe on every interface, and what comes back within some seconds."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Sequence
from typing import Any

from protocols.onvif.announcer import Interface, Ip
from protocols.onvif.client.probe import TYPES, Match, matches, probe
from protocols.onvif.discovery import GROUP4, GROUP6, PORT

MOST = 1024  #: devices that are listed
AGAIN = 0.25  #: seconds from one probe to the next: multicast gets lost


async def discover(interfaces: Sequence[Interface], seconds: float) -> list[Match]:
    """Who answers, in the order of addresses. Raises OSError: no interface takes multicast."""
    heard: dict[str, Match] = {}
    loop = asyncio.get_running_loop()
    problem: OSError | None = None
    async with contextlib.AsyncExitStack() as stack:
        opened: list[tuple[asyncio.DatagramTransport, tuple[Any, ...]]] = []
        for interface in interfaces:
            for version in (4, 6):
                ip = next((each for each in interface.addresses if each.version == version), None)
                if ip is None:
                    continue
                try:
                    sock = _socket(interface, ip)
                    transport, _ = await loop.create_datagram_endpoint(lambda: _Listener(heard), sock=sock)
                except OSError as error:
                    problem = error
                    continue
                stack.callback(transport.close)
                group = (GROUP4, PORT) if version == 4 else (GROUP6, PORT, 0, interface.number)
                opened.append((transport, group))
        if not opened and problem is not None:
            raise problem
        for kind in TYPES * 2:
            for transport, group in opened:
                transport.sendto(probe(kind), group)
            await asyncio.sleep(AGAIN)
        await asyncio.sleep(max(0.0, seconds - AGAIN * len(TYPES) * 2))
    return sorted(heard.values(), key=lambda each: each.addresses)


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, heard: dict[str, Match]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:  # noqa: ARG002 - what counts is told
        for match in matches(data):
            if len(self._heard) < MOST:
                self._heard.setdefault(match.id, match)

    def error_received(self, exc: Exception) -> None:
        """One interface less that answers."""


def _socket(interface: Interface, ip: Ip) -> socket.socket:
    """Sends to the group over one interface; answers come to it alone."""
    sock = socket.socket(socket.AF_INET if ip.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if ip.version == 4:
            sock.bind((str(ip), 0))
            member = struct.pack("=4s4si", b"\0\0\0\0", ip.packed, interface.number)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, member)
        else:
            sock.bind((str(ip), 0, 0, interface.number))
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, interface.number)
    except BaseException:
        sock.close()
        raise
    return sock
