"""The network rows of the Device service (ONVIF Core s8.2): what the machine has. What a request would change there
is checked and then refused: the machine's network is its system's to keep."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from protocols.onvif.faults import UNKNOWN_ACTION, Kind, Refusal, invalid
from protocols.onvif.names import TDS, TT
from protocols.onvif.operations import Access, Call, Operation
from protocols.onvif.xml import Element, content, need, sub, texts

Ip = IPv4Address | IPv6Address

BAD_HOSTNAME = invalid("InvalidHostname", "The host name is not one")
BAD_IPV4 = invalid("InvalidIPv4Address", "The IPv4 address is not one")
BAD_IPV6 = invalid("InvalidIPv6Address", "The IPv6 address is not one")
BAD_GATEWAY = invalid("InvalidGatewayAddress", "The gateway address is not one")
NO_INTERFACE = invalid("InvalidNetworkInterface", "There is no such network interface")
NO_PROTOCOL = invalid("ServiceNotSupported", "The protocol is not served")

_HOSTNAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*", re.ASCII)
_ETHERNET = 6  #: IANA ifType
_MOST_MBIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface of the machine."""

    name: str
    mac: str  #: with colons
    mtu: int
    up: bool
    mbit: int | None  #: its speed; None: not known
    full_duplex: bool
    addresses: tuple[
        tuple[Ip, int, str], ...
    ]  #: address, length of the prefix, origin: manual, dhcp, linklayer, random


@dataclass(frozen=True, slots=True)
class Network:
    """What the machine's network is now."""

    hostname: str
    interfaces: tuple[Interface, ...]
    dns: tuple[Ip, ...]
    search: tuple[str, ...]
    ntp: tuple[str, ...]
    gateways: tuple[Ip, ...]
    ports: tuple[tuple[str, int], ...]  #: HTTP, HTTPS and RTSP, where they are served


class NetworkRows:
    """Rows of the Device service."""

    def __init__(self, read: Callable[[], Awaitable[Network]]) -> None:
        """`read`: how it is now."""
        self._read = read
        reads, writes = Access.READ_SYSTEM, Access.WRITE_SYSTEM
        self.operations = (
            Operation("GetHostname", Access.PRE_AUTH, self.get_hostname),
            Operation("SetHostname", writes, self.set_hostname),
            Operation("SetHostnameFromDHCP", writes, self.refuse),
            Operation("GetDNS", reads, self.get_dns),
            Operation("SetDNS", writes, self.set_dns),
            Operation("GetNTP", reads, self.get_ntp),
            Operation("SetNTP", writes, self.set_ntp),
            Operation("GetNetworkInterfaces", reads, self.get_interfaces),
            Operation("SetNetworkInterfaces", writes, self.set_interfaces),
            Operation("GetNetworkProtocols", reads, self.get_protocols),
            Operation("SetNetworkProtocols", writes, self.set_protocols),
            Operation("GetNetworkDefaultGateway", reads, self.get_gateway),
            Operation("SetNetworkDefaultGateway", writes, self.set_gateway),
        )

    async def get_hostname(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetHostname."""
        told = sub(reply, TDS.HostnameInformation)
        sub(told, TT.FromDHCP, False)
        sub(told, TT.Name, (await self._read()).hostname)

    async def set_hostname(self, call: Call, reply: Element) -> None:
        """SetHostname."""
        name = need(call.body, TDS.Name)
        if len(name) > 253 or not _HOSTNAME.fullmatch(name):
            raise Refusal(BAD_HOSTNAME, f"{name[:80]!r} is no host name (RFC 1123 s2.1).")
        if name != (await self._read()).hostname:
            await self.refuse(call, reply)

    async def get_dns(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetDNS."""
        now = await self._read()
        told = sub(reply, TDS.DNSInformation)
        sub(told, TT.FromDHCP, False)
        for domain in now.search:
            sub(told, TT.SearchDomain, domain)
        for server in now.dns:
            _host(sub(told, TT.DNSManual), server)

    async def set_dns(self, call: Call, reply: Element) -> None:
        """SetDNS."""
        _check_addresses(call.body)
        await self.refuse(call, reply)

    async def get_ntp(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetNTP."""
        told = sub(reply, TDS.NTPInformation)
        sub(told, TT.FromDHCP, False)
        for server in (await self._read()).ntp:
            host = sub(told, TT.NTPManual)
            ip = _ip(server)
            if ip is not None:
                _host(host, ip)
            else:
                sub(host, TT.Type, "DNS")
                sub(host, TT.DNSname, server)

    async def set_ntp(self, call: Call, reply: Element) -> None:
        """SetNTP."""
        _check_addresses(call.body)
        await self.refuse(call, reply)

    async def get_interfaces(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetNetworkInterfaces."""
        for interface in (await self._read()).interfaces:
            _interface(sub(reply, TDS.NetworkInterfaces, token=interface.name), interface)

    async def set_interfaces(self, call: Call, reply: Element) -> None:
        """SetNetworkInterfaces."""
        name = need(call.body, TDS.InterfaceToken)
        if name not in {interface.name for interface in (await self._read()).interfaces}:
            raise Refusal(NO_INTERFACE, f"There is no network interface {name[:80]!r}.")
        for kind, address in ((BAD_IPV4, "IPv4"), (BAD_IPV6, "IPv6")):
            for given in call.body.iterfind(f".//{TT.name(address)}/{TT.Manual}/{TT.Address}"):
                _check(content(given), kind)
        await self.refuse(call, reply)

    async def get_protocols(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetNetworkProtocols."""
        for name, port in (await self._read()).ports:
            told = sub(reply, TDS.NetworkProtocols)
            sub(told, TT.Name, name)
            sub(told, TT.Enabled, True)
            sub(told, TT.Port, port)

    async def set_protocols(self, call: Call, reply: Element) -> None:
        """SetNetworkProtocols: what is as it was is taken."""
        now = dict((await self._read()).ports)
        same = True
        for given in call.body.iterfind(TDS.NetworkProtocols):
            name = need(given, TT.Name)
            if name not in now:
                raise Refusal(NO_PROTOCOL, f"{name[:80]!r} is not served.")
            ports = texts(given, TT.Port)
            same &= need(given, TT.Enabled) in ("true", "1") and ports in ([], [str(now[name])])
        if not same:
            await self.refuse(call, reply)

    async def get_gateway(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetNetworkDefaultGateway."""
        told = sub(reply, TDS.NetworkGateway)
        for ip in sorted((await self._read()).gateways, key=lambda each: each.version):
            sub(told, TT.IPv4Address if ip.version == 4 else TT.IPv6Address, str(ip))

    async def set_gateway(self, call: Call, reply: Element) -> None:
        """SetNetworkDefaultGateway."""
        for name, version in ((TDS.IPv4Address, 4), (TDS.IPv6Address, 6)):
            for given in texts(call.body, name):
                ip = _ip(given)
                if ip is None or ip.version != version:
                    raise Refusal(BAD_GATEWAY, f"{given[:80]!r} is no IPv{version} address.")
        await self.refuse(call, reply)

    async def refuse(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - whatever is asked
        """What is the system's to change. Raises Refusal."""
        raise Refusal(
            UNKNOWN_ACTION, "The machine's network and clock are configured in its system, not here."
        )


def _interface(told: Element, interface: Interface) -> None:
    sub(told, TT.Enabled, interface.up)
    info = sub(told, TT.Info)
    sub(info, TT.Name, interface.name)
    sub(info, TT.HwAddress, interface.mac)
    sub(info, TT.MTU, interface.mtu)
    if interface.mbit is not None:
        link = sub(told, TT.Link)
        for kind in (TT.AdminSettings, TT.OperSettings):
            settings = sub(link, kind)
            sub(settings, TT.AutoNegotiation, True)
            sub(settings, TT.Speed, min(interface.mbit, _MOST_MBIT))
            sub(settings, TT.Duplex, "Full" if interface.full_duplex else "Half")
        sub(link, TT.InterfaceType, _ETHERNET)
    four = [each for each in interface.addresses if each[0].version == 4]
    six = [each for each in interface.addresses if each[0].version == 6]
    if four:
        shown = sub(told, TT.IPv4)
        sub(shown, TT.Enabled, True)
        config = sub(shown, TT.Config)
        _addresses(config, four)
        sub(config, TT.DHCP, any(origin == "dhcp" for _, _, origin in four))
    if six:
        shown = sub(told, TT.IPv6)
        sub(shown, TT.Enabled, True)
        config = sub(shown, TT.Config)
        sub(config, TT.DHCP, "Auto")
        _addresses(config, six)


#: Where an address of each origin stands, in the order of the schema. Of LinkLocal and FromDHCP IPv4 has room for one.
_PLACES = (("Manual", ("manual", "random")), ("LinkLocal", ("linklayer",)), ("FromDHCP", ("dhcp",)))


def _addresses(config: Element, addresses: list[tuple[Ip, int, str]]) -> None:
    for place, origins in _PLACES:
        several = place == "Manual" or addresses[0][0].version == 6
        fitting = [each for each in addresses if each[2] in origins]
        for ip, prefix, _ in fitting if several else fitting[:1]:
            shown = sub(config, TT.name(place))
            sub(shown, TT.Address, str(ip))
            sub(shown, TT.PrefixLength, prefix)


def _host(parent: Element, ip: Ip) -> None:
    sub(parent, TT.Type, f"IPv{ip.version}")
    sub(parent, TT.IPv4Address if ip.version == 4 else TT.IPv6Address, str(ip))


def _ip(text: str) -> Ip | None:
    for kind in (IPv4Address, IPv6Address):
        try:
            return kind(text)
        except AddressValueError:
            continue
    return None


def _check(text: str, kind: Kind) -> None:
    ip = _ip(text)
    if ip is None or ip.version != (4 if kind is BAD_IPV4 else 6):
        raise Refusal(kind, f"{text[:80]!r} is not one.")


def _check_addresses(body: Element) -> None:
    """The addresses of name or time servers. Raises Refusal."""
    for name, kind in ((TT.IPv4Address, BAD_IPV4), (TT.IPv6Address, BAD_IPV6)):
        for given in body.iter(name):
            _check(content(given), kind)
