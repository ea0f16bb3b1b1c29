"""The network rows of the Device service (ONVIF Core s8.2): what the machine has, and what it shall have where the
recorder sets its network up. Where the system does, what is asked is checked and then refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Protocol

from device.network.state import Address, Interface, Ip, NetworkState
from device.settings.network import LABEL, Ipv4, Ipv6, Network, NetworkKeeper
from device.settings.section import InvalidSettings
from protocols.onvif.faults import BAD_ARGUMENT, UNKNOWN_ACTION, Kind, Refusal, invalid
from protocols.onvif.names import TDS, TT
from protocols.onvif.operations import Access, Call, Operation
from protocols.onvif.xml import Element, content, find, flag, need, sub, text, texts, whole

BAD_HOSTNAME = invalid("InvalidHostname", "The host name is not one")
BAD_IPV4 = invalid("InvalidIPv4Address", "The IPv4 address is not one")
BAD_IPV6 = invalid("InvalidIPv6Address", "The IPv6 address is not one")
BAD_GATEWAY = invalid("InvalidGatewayAddress", "The gateway address is not one")
BAD_MTU = invalid("InvalidMtuValue", "The MTU is not one that can be set")
BAD_SPEED = invalid("InvalidInterfaceSpeed", "The speed cannot be set")
NO_INTERFACE = invalid("InvalidNetworkInterface", "There is no such network interface")
NO_PROTOCOL = invalid("ServiceNotSupported", "The protocol is not served")

Values = dict[str, object]  #: fields of the settings `network`, and what they shall be

_ETHERNET = 6  #: IANA ifType
_MOST_MBIT = 1 << 20
#: tt:IPv6DHCPConfiguration, and whether router advertisements are accepted, of each way to come to addresses.
_SIX: Mapping[Ipv6, tuple[str, bool]] = {
    Ipv6.AUTOMATIC: ("Auto", True),
    Ipv6.STATEFUL: ("Stateful", True),
    Ipv6.STATELESS: ("Stateless", True),
    Ipv6.ADVERTISED: ("Off", True),
    Ipv6.MANUAL: ("Off", False),
}
#: What a field of the settings that is outside its limits is told as.
_FAULTS: Mapping[str, Kind] = {
    "network.hostname": BAD_HOSTNAME,
    "network.ipv4_address": BAD_IPV4,
    "network.ipv6_address": BAD_IPV6,
    "network.ipv4_router": BAD_GATEWAY,
    "network.ipv6_router": BAD_GATEWAY,
}


class Setup(Protocol):
    """What the rows need of whoever sets the machine's network up."""

    def wanted(self) -> Network:
        """How it shall be."""

    async def state(self) -> NetworkState:
        """How it is."""

    async def interface(self) -> str:
        """The one that is set up; empty: there is none."""

    async def change(self, values: Values, *, by: str) -> None:
        """Let it be otherwise. Raises InvalidSettings, Fault."""

    def served(self) -> tuple[tuple[str, int, bool], ...]:
        """HTTP, HTTPS and RTSP, where there are such servers: their ports, and whether they answer."""

    async def serve(self, name: str, on: bool, *, by: str) -> bool:
        """Let a server answer, or not; whether that can be done."""


class NetworkRows:
    """Rows of the Device service."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        reads, writes = Access.READ_SYSTEM, Access.WRITE_SYSTEM
        self.operations = (
            Operation("GetHostname", Access.PRE_AUTH, self.get_hostname),
            Operation("SetHostname", writes, self.set_hostname),
            Operation("SetHostnameFromDHCP", writes, self.set_hostname_dhcp),
            Operation("GetDNS", reads, self.get_dns),
            Operation("SetDNS", writes, self.set_dns),
            Operation("GetNetworkInterfaces", reads, self.get_interfaces),
            Operation("SetNetworkInterfaces", writes, self.set_interfaces),
            Operation("GetZeroConfiguration", reads, self.get_zero),
            Operation("SetZeroConfiguration", writes, self.set_zero),
            Operation("GetNetworkProtocols", reads, self.get_protocols),
            Operation("SetNetworkProtocols", writes, self.set_protocols),
            Operation("GetNetworkDefaultGateway", reads, self.get_gateway),
            Operation("SetNetworkDefaultGateway", writes, self.set_gateway),
        )

    @property
    def settable(self) -> bool:
        """Whether the recorder sets the network up."""
        return self._setup.wanted().keeper is not NetworkKeeper.SYSTEM

    async def _change(self, values: Values, call: Call) -> None:
        if not self.settable:
            raise Refusal(UNKNOWN_ACTION, "The machine's network is configured in its system, not here.")
        try:
            await self._setup.change(values, by=call.account)
        except InvalidSettings as error:
            raise Refusal(_FAULTS.get(error.field, BAD_ARGUMENT), str(error)) from None

    # ------------------------------------------------------------------------------------ names

    async def get_hostname(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetHostname."""
        told = sub(reply, TDS.HostnameInformation)
        sub(told, TT.FromDHCP, self.settable and self._setup.wanted().hostname_automatic)
        sub(told, TT.Name, (await self._setup.state()).hostname)

    async def set_hostname(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetHostname."""
        name = need(call.body, TDS.Name)
        if not LABEL.fullmatch(name):
            raise Refusal(BAD_HOSTNAME, f"{name[:80]!r} is no host name (RFC 1123 s2.1).")
        if self.settable or name != (await self._setup.state()).hostname:
            await self._change({"hostname": name, "hostname_automatic": False}, call)

    async def set_hostname_dhcp(self, call: Call, reply: Element) -> None:
        """SetHostnameFromDHCP."""
        await self._change({"hostname_automatic": bool(_flag(call.body, TDS.FromDHCP))}, call)
        sub(reply, TDS.RebootNeeded, False)

    async def get_dns(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetDNS."""
        now, automatic = await self._setup.state(), self.settable and self._setup.wanted().dns_automatic
        told = sub(reply, TDS.DNSInformation)
        sub(told, TT.FromDHCP, automatic)
        for domain in now.search:
            sub(told, TT.SearchDomain, domain)
        for server in now.dns:
            host(sub(told, TT.DNSFromDHCP if automatic else TT.DNSManual), server)

    async def set_dns(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetDNS."""
        check_addresses(call.body)
        values: Values = {"dns_automatic": _flag(call.body, TDS.FromDHCP)}
        servers = [address_of(each) for each in call.body.iterfind(TDS.DNSManual)]
        domains = texts(call.body, TDS.SearchDomain)
        if servers or not values["dns_automatic"]:
            values["dns_servers"] = servers
        if domains or not values["dns_automatic"]:
            values["search_domains"] = domains
        await self._change(values, call)

    # ------------------------------------------------------------------------------------ interfaces

    async def get_interfaces(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetNetworkInterfaces."""
        kept = await self._setup.interface() if self.settable else ""
        for interface in (await self._setup.state()).interfaces:
            told = sub(reply, TDS.NetworkInterfaces, token=interface.name)
            _interface(told, interface, self._setup.wanted() if interface.name == kept else None)

    async def set_interfaces(self, call: Call, reply: Element) -> None:
        """SetNetworkInterfaces. What is not named stays as it was."""
        interface = await self._interface(call)
        given = find(call.body, TDS.NetworkInterface)
        if flag(given, TT.Enabled) is False:
            raise Refusal(
                BAD_ARGUMENT, "The interface cannot be switched off: nobody would reach the recorder."
            )
        if whole(given, TT.MTU) not in (None, interface.mtu):
            raise Refusal(BAD_MTU, f"The MTU is {interface.mtu}, and cannot be set.")
        link = given.find(TT.Link)
        if link is not None and flag(link, TT.AutoNegotiation) is False:
            raise Refusal(BAD_SPEED, "The speed is negotiated, and cannot be set.")
        values: Values = {}
        for version, name, kind in ((4, TT.IPv4, BAD_IPV4), (6, TT.IPv6, BAD_IPV6)):
            part = given.find(name)
            if part is not None:
                manual = [_check(need(each, TT.Address), kind) for each in part.iterfind(TT.Manual)]
                if len(manual) > 1:
                    raise Refusal(BAD_ARGUMENT, f"There is room for one IPv{version} address by hand.")
                values |= (
                    _four(part, self._setup.wanted()) if version == 4 else _six(part, self._setup.wanted())
                )
        await self._change(values, call)
        sub(reply, TDS.RebootNeeded, False)

    async def _interface(self, call: Call) -> Interface:
        """The interface that a request names. Raises Refusal."""
        name = need(call.body, TDS.InterfaceToken)
        found = next((each for each in (await self._setup.state()).interfaces if each.name == name), None)
        if found is None or (self.settable and name != await self._setup.interface()):
            why = "is not set up by the recorder" if found else "is not there"
            raise Refusal(NO_INTERFACE, f"The network interface {name[:80]!r} {why}.")
        return found

    async def get_zero(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetZeroConfiguration."""
        state = await self._setup.state()
        name = (
            await self._setup.interface()
            if self.settable
            else next((each.name for each in state.interfaces), "")
        )
        told = sub(reply, TDS.ZeroConfiguration)
        sub(told, TT.InterfaceToken, name)
        sub(told, TT.Enabled, self.settable and self._setup.wanted().link_local)
        for interface in state.interfaces:
            for each in interface.addresses if interface.name == name else ():
                if each.ip.version == 4 and each.origin == "linklayer":
                    sub(told, TT.Addresses, str(each.ip))

    async def set_zero(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetZeroConfiguration."""
        await self._interface(call)
        await self._change({"link_local": _flag(call.body, TDS.Enabled)}, call)

    # ------------------------------------------------------------------------------------ servers, routers

    async def get_protocols(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetNetworkProtocols."""
        for name, port, on in self._setup.served():
            told = sub(reply, TDS.NetworkProtocols)
            sub(told, TT.Name, name)
            sub(told, TT.Enabled, on)
            sub(told, TT.Port, port)

    async def set_protocols(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetNetworkProtocols: ports stay as they are, and so does what the client came by."""
        now = {name: (port, on) for name, port, on in self._setup.served()}
        wanted = {}
        for given in call.body.iterfind(TDS.NetworkProtocols):
            name, on = need(given, TT.Name), _flag(given, TT.Enabled)
            if name not in now:
                raise Refusal(NO_PROTOCOL, f"{name[:80]!r} is not served.")
            if texts(given, TT.Port) not in ([], [str(now[name][0])]):
                raise Refusal(
                    UNKNOWN_ACTION, f"The port of {name} stands in the recorder's configuration file."
                )
            if on != now[name][1]:
                wanted[name] = on
        for name, on in wanted.items():
            if not await self._setup.serve(name, on, by=call.account):
                raise Refusal(UNKNOWN_ACTION, f"{name} cannot be switched off: the recorder is set up by it.")

    async def get_gateway(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - carries nothing
        """GetNetworkDefaultGateway."""
        told = sub(reply, TDS.NetworkGateway)
        for ip in sorted((await self._setup.state()).gateways, key=lambda each: each.version):
            sub(told, TT.IPv4Address if ip.version == 4 else TT.IPv6Address, str(ip))

    async def set_gateway(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetNetworkDefaultGateway. The version that is not named stays as it was; where neither is, both are again as
        DHCP and advertisements say."""
        named = len(call.body) > 0
        values: Values = {} if named else {"ipv4_router": "", "ipv6_router": ""}
        for name, version in ((TDS.IPv4Address, 4), (TDS.IPv6Address, 6)):
            given = texts(call.body, name)
            if len(given) > 1:
                raise Refusal(BAD_GATEWAY, f"There is room for one IPv{version} gateway.")
            for each in given:
                ip = ip_of(each)
                if ip is None or ip.version != version:
                    raise Refusal(BAD_GATEWAY, f"{each[:80]!r} is no IPv{version} address.")
                values[f"ipv{version}_router"] = each
        await self._change(values, call)


# ------------------------------------------------------------------------------------------ reading


def _flag(parent: Element, name: str) -> bool:
    """xs:boolean that must be there. Raises Refusal."""
    find(parent, name)
    return bool(flag(parent, name))


def _manual(part: Element, version: int) -> Values:
    """The address that is named, if one is."""
    found = part.find(TT.Manual)
    if found is None:
        return {}
    prefix = whole(found, TT.PrefixLength)
    return {f"ipv{version}_address": need(found, TT.Address), f"ipv{version}_prefix": prefix}


def _four(part: Element, now: Network) -> Values:
    """tt:IPv4NetworkInterfaceSetConfiguration."""
    values = _manual(part, 4)
    dhcp = flag(part, TT.DHCP)
    if flag(part, TT.Enabled) is False:
        return values | {"ipv4": Ipv4.NONE.value}
    if dhcp or (dhcp is None and now.ipv4 is Ipv4.AUTOMATIC and not values):
        return values | {"ipv4": Ipv4.AUTOMATIC.value}
    by_hand = bool(values.get("ipv4_address") or now.ipv4_address)
    return values | {"ipv4": (Ipv4.MANUAL if by_hand else Ipv4.NONE).value}


def _six(part: Element, now: Network) -> Values:
    """tt:IPv6NetworkInterfaceSetConfiguration."""
    if flag(part, TT.Enabled) is False:
        return {"ipv6": Ipv6.OFF.value}
    before = _SIX.get(now.ipv6, ("Auto", True))
    dhcp, accept = text(part, TT.DHCP) or before[0], flag(part, TT.AcceptRouterAdvert)
    if dhcp not in {each for each, _ in _SIX.values()}:
        raise Refusal(BAD_ARGUMENT, f"{dhcp[:40]!r} is not Auto, Stateful, Stateless or Off.")
    if accept is None:
        accept = before[1] if text(part, TT.DHCP) is None else False
    if dhcp != "Off":
        accept = True  # all three begin with what a router advertises
    mode = next(mode for mode, told in _SIX.items() if told == (dhcp, accept))
    by_hand: Values = {"ipv6_address": ""} if text(part, TT.DHCP) else {}
    return {**by_hand, **_manual(part, 6), "ipv6": mode.value}


def ip_of(given: str) -> Ip | None:
    """An address; None: it is not one."""
    for kind in (IPv4Address, IPv6Address):
        try:
            return kind(given)
        except AddressValueError:
            continue
    return None


def address_of(given: Element) -> str:
    """tt:IPAddress, and tt:NetworkHost with an address; its address is checked before. Raises Refusal."""
    return need(given, TT.name(f"{need(given, TT.Type)}Address"))


def _check(given: str, kind: Kind) -> str:
    ip = ip_of(given)
    if ip is None or ip.version != (4 if kind is BAD_IPV4 else 6):
        raise Refusal(kind, f"{given[:80]!r} is not one.")
    return given


def check_addresses(body: Element) -> None:
    """The addresses of name or time servers. Raises Refusal."""
    for name, kind in ((TT.IPv4Address, BAD_IPV4), (TT.IPv6Address, BAD_IPV6)):
        for given in body.iter(name):
            _check(content(given), kind)


# ------------------------------------------------------------------------------------------ telling


def _interface(told: Element, interface: Interface, wanted: Network | None) -> None:
    """tt:NetworkInterface. `wanted`: how it shall be, where the recorder sets it up."""
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
    four = [each for each in interface.addresses if each.ip.version == 4]
    six = [each for each in interface.addresses if each.ip.version == 6]
    if four or wanted is not None:
        shown = sub(told, TT.IPv4)
        sub(shown, TT.Enabled, bool(four) or (wanted is not None and wanted.ipv4 is not Ipv4.NONE))
        config = sub(shown, TT.Config)
        _addresses(config, four, ("Manual", "LinkLocal", "FromDHCP"))
        dhcp = (
            any(each.origin == "dhcp" for each in four) if wanted is None else wanted.ipv4 is Ipv4.AUTOMATIC
        )
        sub(config, TT.DHCP, dhcp)
    if six or wanted is not None:
        shown = sub(told, TT.IPv6)
        on = wanted is None or wanted.ipv6 is not Ipv6.OFF
        sub(shown, TT.Enabled, on)
        if on:
            config = sub(shown, TT.Config)
            dhcp6, accept = ("Auto", True) if wanted is None else _SIX[wanted.ipv6]
            sub(config, TT.AcceptRouterAdvert, accept)
            sub(config, TT.DHCP, dhcp6)
            _addresses(config, six, ("Manual", "LinkLocal", "FromDHCP", "FromRA"))


#: Where an address of each origin stands.
_ORIGINS: Mapping[str, tuple[str, ...]] = {
    "Manual": ("manual", "random"),
    "LinkLocal": ("linklayer",),
    "FromDHCP": ("dhcp",),
    "FromRA": ("ra",),
}


def _addresses(config: Element, addresses: list[Address], places: tuple[str, ...]) -> None:
    """In the order of the schema; of LinkLocal and FromDHCP IPv4 has room for one."""
    for place in places:
        several = place == "Manual" or "FromRA" in places
        for each in _fitting(addresses, place, several):
            shown = sub(config, TT.name(place))
            sub(shown, TT.Address, str(each.ip))
            sub(shown, TT.PrefixLength, each.prefix)


def _fitting(addresses: list[Address], place: str, several: bool) -> Iterator[Address]:
    for each in addresses:
        if each.origin in _ORIGINS[place]:
            yield each
            if not several:
                return


def host(parent: Element, ip: Ip) -> None:
    """Fill in tt:IPAddress, or tt:NetworkHost with an address."""
    sub(parent, TT.Type, f"IPv{ip.version}")
    sub(parent, TT.IPv4Address if ip.version == 4 else TT.IPv6Address, str(ip))
