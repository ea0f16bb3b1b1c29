"""A machine in a network that is not there: it has a router and a DHCP server, and nobody is reached through it."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from device.network.state import Address, Interface, Ip, Lease, NetworkState, link_local4, link_local6
from device.settings.network import Ipv4, Ipv6, Network

INTERFACE = "lan0"

#: What the network has; addresses are those of documentation (RFC 5737, RFC 3849).
LEASED = Address(IPv4Address("192.0.2.7"), 24, "dhcp")
ROUTER4 = IPv4Address("192.0.2.1")
LEASED6 = Address(IPv6Address("2001:db8::7"), 128, "dhcp")
ADVERTISED = Address(IPv6Address("2001:db8::211:22ff:fe33:4455"), 64, "ra")
ROUTER6 = IPv6Address("fe80::1")
LEASE = Lease("holdfast", (ROUTER4,), ("example.net",), (str(ROUTER4),))


@dataclass(frozen=True, slots=True)
class Lan:
    """The network that the machine is in."""

    dhcp: bool = True
    router: bool = True  #: there is one, and it advertises itself


class SimulatedNetwork:
    """Does what it is told, at once."""

    def __init__(self, mac: str = "02:11:22:33:44:55") -> None:
        self.lan = Lan()  #: another takes its place at any time
        self._mac = mac
        self._wanted = Network()

    async def read(self) -> NetworkState:
        """NetworkDriver."""
        return state(self._wanted, self.lan, self._mac)

    async def apply(self, wanted: Network) -> None:
        """NetworkDriver."""
        self._wanted = wanted


def state(wanted: Network, lan: Lan, mac: str) -> NetworkState:
    """How a machine with these settings is in that network."""
    lease = LEASE if lan.dhcp and wanted.ipv4 is Ipv4.AUTOMATIC else Lease()
    addresses = (*_addresses4(wanted, lan, mac), *_addresses6(wanted, lan, mac))
    interface = Interface(wanted.interface or INTERFACE, mac, 1500, True, 1000, True, addresses)
    named = lease.hostname if wanted.hostname_automatic else wanted.hostname
    dns, search = (
        (lease.dns, lease.search)
        if wanted.dns_automatic
        else (_ips(wanted.dns_servers), wanted.search_domains)
    )
    return NetworkState(
        named or wanted.hostname or socket.gethostname(),
        (interface,),
        dns,
        search,
        tuple(_gateways(wanted, lan)),
        lease,
    )


def _addresses4(wanted: Network, lan: Lan, mac: str) -> list[Address]:
    match wanted.ipv4:
        case Ipv4.MANUAL:
            found = [Address(IPv4Address(wanted.ipv4_address), wanted.ipv4_prefix, "manual")]
        case Ipv4.AUTOMATIC if lan.dhcp:
            return [LEASED]
        case _:
            found = []
    if wanted.link_local:
        found.append(Address(link_local4(mac), 16, "linklayer"))
    return found


def _addresses6(wanted: Network, lan: Lan, mac: str) -> list[Address]:
    if wanted.ipv6 is Ipv6.OFF:
        return []
    found = [Address(link_local6(mac), 64, "linklayer")]
    if wanted.ipv6_address:
        found.append(Address(IPv6Address(wanted.ipv6_address), wanted.ipv6_prefix, "manual"))
    if lan.router and wanted.ipv6.made:
        found.append(ADVERTISED)
    if lan.dhcp and wanted.ipv6 is Ipv6.STATEFUL:
        found.append(LEASED6)
    return found


def _gateways(wanted: Network, lan: Lan) -> list[Ip]:
    found: list[Ip] = []
    if wanted.ipv4_router:
        found.append(IPv4Address(wanted.ipv4_router))
    elif lan.dhcp and wanted.ipv4 is Ipv4.AUTOMATIC:
        found.append(ROUTER4)
    if wanted.ipv6_router and wanted.ipv6 is not Ipv6.OFF:
        found.append(IPv6Address(wanted.ipv6_router))
    elif lan.router and (wanted.ipv6.made or wanted.ipv6 is Ipv6.STATEFUL):
        found.append(ROUTER6)
    return found


def _ips(texts: tuple[str, ...]) -> tuple[Ip, ...]:
    return tuple(IPv6Address(each) if ":" in each else IPv4Address(each) for each in texts)
