"""Network settings (ONVIF Core s8.2). What was there is set again afterwards; what is wrong must be refused. Getters
are judged of every device; setters only where the device does not declare that it has none."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from conformance.case import expect, provided
from conformance.onvif import needs
from conformance.onvif.cases.addresses import as_it_is
from conformance.onvif.client import Element
from conformance.onvif.device import Device
from conformance.onvif.suite import official
from conformance.onvif.values import every, maybe, only, text


async def _hostname(device: Device) -> Element:
    return only(await device.call("tds:GetHostname"), "tds:HostnameInformation")


@official("DEVICE-2-1-1")
async def get_hostname(device: Device) -> str:
    told = await _hostname(device)
    expect(text(told, "tt:FromDHCP") in ("true", "false", "0", "1"), "FromDHCP is not said")
    return maybe(told, "tt:Name") or "no name"


@official("DEVICE-2-1-32", needs.network)
async def set_hostname(device: Device) -> str:
    told = await _hostname(device)
    before = maybe(told, "tt:Name") or ""
    if text(told, "tt:FromDHCP") in ("true", "1"):
        device.later("tds:SetHostnameFromDHCP", "<tds:FromDHCP>true</tds:FromDHCP>")
    else:
        device.later("tds:SetHostname", f"<tds:Name>{before}</tds:Name>")
    await device.call("tds:SetHostname", "<tds:Name>onvif-test1</tds:Name>")
    after = maybe(await _hostname(device), "tt:Name")
    expect(after == "onvif-test1", f"the name is {after}")
    return f"{before} became {after}"


@official("DEVICE-2-1-3", needs.network)
async def bad_hostname(device: Device) -> str:
    return (
        await device.refused("tds:SetHostname", "<tds:Name>Onvif_Test_1!</tds:Name>", "InvalidHostname")
    ).said


def _hosts(parent: Element, short: str) -> list[str]:
    """The addresses of tt:IPAddress or tt:NetworkHost elements."""
    found = []
    for each in every(parent, short):
        kind = text(each, "tt:Type")
        told = maybe(each, f"tt:{kind}Address") or maybe(each, "tt:DNSname")
        expect(bool(told), f"{short} of the type {kind} has no address")
        if kind in ("IPv4", "IPv6"):
            expect(f"IPv{ip_address(told or '').version}" == kind, f"{told} is said to be {kind}")
        found.append(told or "")
    return found


async def _dns(device: Device) -> Element:
    return only(await device.call("tds:GetDNS"), "tds:DNSInformation")


@official("DEVICE-2-1-4")
async def get_dns(device: Device) -> str:
    told = await _dns(device)
    servers = _hosts(told, "tt:DNSFromDHCP") + _hosts(told, "tt:DNSManual")
    return ", ".join(servers) or "no server"


@official("DEVICE-2-1-5", needs.network)
async def search_domain(device: Device) -> str:
    device.later("tds:SetDNS", as_it_is(await _dns(device), "DNS"))
    named = "<tds:FromDHCP>false</tds:FromDHCP><tds:SearchDomain>domain.name</tds:SearchDomain>"
    await device.call("tds:SetDNS", named)
    after = [each.text for each in every(await _dns(device), "tt:SearchDomain")]
    expect(after == ["domain.name"], f"the search domains are {after}")
    return "domain.name"


def _manual(service: str, kind: str, address: str) -> str:
    return (
        f"<tds:FromDHCP>false</tds:FromDHCP><tds:{service}Manual><tt:Type>{kind}</tt:Type>"
        f"<tt:{kind}Address>{address}</tt:{kind}Address></tds:{service}Manual>"
    )


#: test -> operation, its getter's element, and what is set by hand
_BY_HAND: Mapping[str, tuple[str, str, str]] = {
    "DEVICE-2-1-6": ("DNS", "IPv4", "10.1.1.1"),
    "DEVICE-2-1-7": ("DNS", "IPv6", "2001:1:1:1:1:1:1:1"),
    "DEVICE-2-1-12": ("NTP", "IPv4", "10.1.1.1"),
    "DEVICE-2-1-13": ("NTP", "IPv6", "2001:1:1:1:1:1:1:1"),
}
_WRONG: Mapping[str, tuple[str, str, str]] = {
    "DEVICE-2-1-9": ("DNS", "IPv4", "10.1.1"),
    "DEVICE-2-1-10": ("DNS", "IPv6", "FF02:1"),
    "DEVICE-2-1-15": ("NTP", "IPv4", "10.1.1"),
    "DEVICE-2-1-16": ("NTP", "IPv6", "FF02:1"),
}


def _by_hand(name: str, which: str, kind: str, address: str) -> None:
    @official(name, needs.network)
    async def check(device: Device) -> str:
        before = only(await device.call(f"tds:Get{which}"), f"tds:{which}Information")
        device.later(f"tds:Set{which}", as_it_is(before, which))
        await device.call(f"tds:Set{which}", _manual(which, kind, address))
        told = only(await device.call(f"tds:Get{which}"), f"tds:{which}Information")
        found = [ip_address(each) for each in _hosts(told, f"tt:{which}Manual")]
        expect(ip_address(address) in found, f"{address} was set, {found} is told")
        return address


def _wrong(name: str, which: str, kind: str, address: str) -> None:
    @official(name, needs.network)
    async def check(device: Device) -> str:
        fault = await device.refused(
            f"tds:Set{which}", _manual(which, kind, address), f"Invalid{kind}Address"
        )
        return fault.said


for _name, _row in _BY_HAND.items():
    _by_hand(_name, *_row)
for _name, _row in _WRONG.items():
    _wrong(_name, *_row)


@official("DEVICE-2-1-11")
async def get_ntp(device: Device) -> str:
    told = only(await device.call("tds:GetNTP"), "tds:NTPInformation")
    return ", ".join(_hosts(told, "tt:NTPFromDHCP") + _hosts(told, "tt:NTPManual")) or "no server"


async def _interfaces(device: Device) -> list[Element]:
    found = every(await device.call("tds:GetNetworkInterfaces"), "tds:NetworkInterfaces")
    expect(bool(found), "there is no interface")
    return found


@official("DEVICE-2-1-17")
async def get_interfaces(device: Device) -> str:
    found = await _interfaces(device)
    tokens = [each.get("token") for each in found]
    expect(len(set(tokens)) == len(tokens), f"tokens are there twice: {tokens}")
    for each in found:
        for version in ("IPv4", "IPv6"):
            for address in every(each, f"tt:{version}/tt:Config/tt:Manual"):
                ip_address(text(address, "tt:Address"))
    return ", ".join(filter(None, tokens))


def _bad_interface(name: str, version: str, address: str) -> None:
    @official(name, needs.network)
    async def check(device: Device) -> str:
        token = (await _interfaces(device))[0].get("token")
        dhcp = "<tt:DHCP>false</tt:DHCP>" if version == "IPv4" else "<tt:DHCP>Off</tt:DHCP>"
        fault = await device.refused(
            "tds:SetNetworkInterfaces",
            f"<tds:InterfaceToken>{token}</tds:InterfaceToken><tds:NetworkInterface><tt:{version}>"
            f"<tt:Enabled>true</tt:Enabled><tt:Manual><tt:Address>{address}</tt:Address>"
            f"<tt:PrefixLength>8</tt:PrefixLength></tt:Manual>{dhcp}</tt:{version}></tds:NetworkInterface>",
            f"Invalid{version}Address",
        )
        return fault.said


_bad_interface("DEVICE-2-1-20", "IPv4", "10.1.1")
_bad_interface("DEVICE-2-1-21", "IPv6", "FF02:1")


@official("DEVICE-2-1-33")
async def get_protocols(device: Device) -> str:
    found = every(await device.call("tds:GetNetworkProtocols"), "tds:NetworkProtocols")
    names = {text(each, "tt:Name"): [port.text for port in every(each, "tt:Port")] for each in found}
    expect({"HTTP", "RTSP"} <= set(names), f"HTTP and RTSP are demanded, {', '.join(names)} is told")
    return ", ".join(f"{name} {'/'.join(filter(None, ports))}" for name, ports in names.items())


@official("DEVICE-2-1-35", needs.network)
async def unsupported_protocol(device: Device) -> str:
    found = every(await device.call("tds:GetNetworkProtocols"), "tds:NetworkProtocols")
    names = {text(each, "tt:Name") for each in found}
    lacking = next((each for each in ("HTTPS", "RTSP", "HTTP") if each not in names), None)
    if lacking is None:  # it has all that the standard knows
        lacking = "FTP"
    inner = (
        f"<tds:NetworkProtocols><tt:Name>{lacking}</tt:Name><tt:Enabled>true</tt:Enabled><tt:Port>10</tt:Port>"
        "</tds:NetworkProtocols>"
    )
    codes = ("ServiceNotSupported",) if lacking != "FTP" else ()
    return (await device.refused("tds:SetNetworkProtocols", inner, *codes)).said


async def _gateways(device: Device) -> list[str]:
    told = only(await device.call("tds:GetNetworkDefaultGateway"), "tds:NetworkGateway")
    found = []
    for version in (4, 6):
        for each in every(told, f"tt:IPv{version}Address"):
            address = ip_address((each.text or "").strip())
            expect(address.version == version, f"{address} is said to be IPv{version}")
            found.append(str(address))
    return found


@official("DEVICE-2-1-25")
async def get_gateway(device: Device) -> str:
    return ", ".join(await _gateways(device)) or "no gateway"


def _bad_gateway(name: str, version: int, address: str) -> None:
    @official(name, needs.network)
    async def check(device: Device) -> str:
        inner = f"<tds:IPv{version}Address>{address}</tds:IPv{version}Address>"
        return (await device.refused("tds:SetNetworkDefaultGateway", inner, "InvalidGatewayAddress")).said


def _gateway(name: str, version: int) -> None:
    @official(name, needs.network)
    async def check(device: Device) -> str:
        now = [each for each in await _gateways(device) if ip_address(each).version == version]
        provided(bool(now), f"it has no gateway of IPv{version} that could be set again")
        inner = "".join(f"<tds:IPv{version}Address>{each}</tds:IPv{version}Address>" for each in now)
        await device.call("tds:SetNetworkDefaultGateway", inner)
        expect(set(now) <= set(await _gateways(device)), "another one is told afterwards")
        return ", ".join(now)


_bad_gateway("DEVICE-2-1-28", 4, "10.1.1")
_bad_gateway("DEVICE-2-1-29", 6, "FF02:1")
_gateway("DEVICE-2-1-30", 4)
_gateway("DEVICE-2-1-31", 6)
