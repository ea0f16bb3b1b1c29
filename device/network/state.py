"""How the machine's network is now, as the kernel and the resolver say."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from device.linux.host import addresses, interfaces

Ip = IPv4Address | IPv6Address
_LOOPBACK = 772  #: ARPHRD_LOOPBACK


@dataclass(frozen=True, slots=True)
class Address:
    """An address of an interface."""

    ip: Ip
    prefix: int  #: its length in bits
    origin: str  #: manual | dhcp | ra | linklayer | random


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface."""

    name: str
    mac: str  #: with colons; empty: it has none
    mtu: int
    up: bool
    mbit: int | None  #: its speed; None: not known
    full_duplex: bool
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Lease:
    """What DHCP told besides addresses."""

    hostname: str = ""
    dns: tuple[Ip, ...] = ()
    search: tuple[str, ...] = ()
    ntp: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkState:
    """All of it."""

    hostname: str
    interfaces: tuple[Interface, ...]
    dns: tuple[Ip, ...]  #: that are asked
    search: tuple[str, ...]
    gateways: tuple[Ip, ...]
    lease: Lease = Lease()


def read_state(resolver: Path = Path("/etc/resolv.conf")) -> NetworkState:
    """As it is now. In a thread: a network card may take its time. Raises OSError."""
    found = {one.number: one for one in interfaces()}
    by_interface: dict[int, list[Address]] = {number: [] for number in found}
    for each in addresses():
        by_interface.setdefault(each.interface, []).append(
            Address(each.ip, each.prefix, _origin(each.ip, each.origin))
        )
    shown = [
        Interface(
            one.name,
            one.mac.hex(":"),
            one.mtu,
            one.up,
            None if one.speed is None else one.speed // 1_000_000,
            one.full_duplex is not False,
            tuple(by_interface[one.number]),
        )
        for one in found.values()
        if one.physical or (by_interface[one.number] and one.kind != _LOOPBACK) or len(found) == 1
    ]
    servers, search = _resolver(resolver)
    return NetworkState(os.uname().nodename, tuple(shown), servers, search, _gateways())


def _origin(ip: Ip, told: str) -> str:
    return "linklayer" if ip.is_link_local else told


def _resolver(path: Path) -> tuple[tuple[Ip, ...], tuple[str, ...]]:
    """resolv.conf(5): name servers and search domains."""
    servers: list[Ip] = []
    search: tuple[str, ...] = ()
    with contextlib.suppress(OSError):
        for line in path.read_text(errors="replace").splitlines():
            words = line.split()
            if words[:1] == ["nameserver"] and len(words) > 1:
                with contextlib.suppress(ValueError):
                    servers.append(ipaddress.ip_address(words[1].partition("%")[0]))
            elif words[:1] in (["search"], ["domain"]):
                search = tuple(words[1:])
    return tuple(servers), search


def _gateways() -> tuple[Ip, ...]:
    """The routers of default routes, from /proc/net: little-endian hexadecimal for IPv4, plain for IPv6."""
    found: list[Ip] = []
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/net/route").read_text().splitlines()[1:]:
            words = line.split()
            if words[1] == "00000000" and words[2] != "00000000":
                found.append(IPv4Address(bytes.fromhex(words[2])[::-1]))
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/net/ipv6_route").read_text().splitlines():
            words = line.split()
            if set(words[0]) == {"0"} and words[1] == "00" and set(words[4]) != {"0"}:
                found.append(IPv6Address(bytes.fromhex(words[4])))
    return tuple(dict.fromkeys(found))


def link_local4(mac: str) -> IPv4Address:
    """The address of RFC 3927 s2.1 that a card tries first: the same each time."""
    seed = int.from_bytes(bytes.fromhex(mac.replace(":", "")))
    return IPv4Address("169.254.1.0") + seed % (254 * 256)


def link_local6(mac: str) -> IPv6Address:
    """RFC 4291 appendix A."""
    octets = bytearray.fromhex(mac.replace(":", ""))
    octets[0] ^= 2
    return IPv6Address(bytes((0xFE, 0x80, *(6 * [0]), *octets[:3], 0xFF, 0xFE, *octets[3:])))
