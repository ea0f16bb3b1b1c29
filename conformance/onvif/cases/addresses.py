"""Addresses and where they come from (ONVIF Core s8.2), set by the first interface that is on and set back afterwards.

What a network has to offer, a router or a DHCP server, the suite does not bring along: where there is none, a row says
so. A device whose address changes is still spoken to at the one that it was given.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from conformance.case import NotJudged, expect
from conformance.onvif import needs
from conformance.onvif.cases.management import set_date
from conformance.onvif.client import Element
from conformance.onvif.device import Device
from conformance.onvif.names import name
from conformance.onvif.points import Message, Point, subscribe, topic_filter
from conformance.onvif.suite import official
from conformance.onvif.values import every, maybe, moment, only, text

_LEASE_SECONDS = 30.0  #: for DHCP, router advertisements, and addresses that are tried first (RFC 3927 s2.2)
_SYNC_SECONDS = 35.0  #: for a time server
_CLOCK = "Monitoring/OperatingTime/LastClockSynchronization"


async def _interfaces(device: Device) -> list[Element]:
    return every(await device.call("tds:GetNetworkInterfaces"), "tds:NetworkInterfaces")


async def _interface(device: Device, token: str = "") -> Element:
    """The one of that token, or the first that is on."""
    for each in await _interfaces(device):
        if each.get("token") == token or (not token and text(each, "tt:Enabled") in ("true", "1")):
            return each
    raise NotJudged("no interface is on")


def _inner(token: str, inside: str) -> str:
    return f"<tds:InterfaceToken>{token}</tds:InterfaceToken><tds:NetworkInterface>{inside}</tds:NetworkInterface>"


def _as_it_is(interface: Element, version: str) -> str:
    """What sets one version to what it is now."""
    part = interface.find(name(f"tt:{version}"))
    if part is None:
        return f"<tt:{version}><tt:Enabled>false</tt:Enabled></tt:{version}>"
    on = text(part, "tt:Enabled")
    advert = maybe(part, "tt:Config/tt:AcceptRouterAdvert") if version == "IPv6" else None
    accept = f"<tt:AcceptRouterAdvert>{advert}</tt:AcceptRouterAdvert>" if advert else ""
    manual = "".join(
        f"<tt:Manual><tt:Address>{text(each, 'tt:Address')}</tt:Address>"
        f"<tt:PrefixLength>{text(each, 'tt:PrefixLength')}</tt:PrefixLength></tt:Manual>"
        for each in every(part, "tt:Config/tt:Manual")
    )
    dhcp = maybe(part, "tt:Config/tt:DHCP")
    told = f"<tt:DHCP>{dhcp}</tt:DHCP>" if dhcp else ""
    return f"<tt:{version}><tt:Enabled>{on}</tt:Enabled>{accept}{manual}{told}</tt:{version}>"


async def _set(device: Device, inside: str) -> str:
    """Set the interface, and set it back when the case has ended; its token."""
    before = await _interface(device)
    token = before.get("token") or ""
    version = "IPv4" if inside.startswith("<tt:IPv4>") else "IPv6"
    device.later("tds:SetNetworkInterfaces", _inner(token, _as_it_is(before, version)))
    told = await device.call("tds:SetNetworkInterfaces", _inner(token, inside))
    if text(told, "tds:RebootNeeded") in ("true", "1"):
        raise NotJudged("it must be restarted for that")
    return token


async def _until(device: Device, token: str, place: str, so: Callable[[list[str]], bool]) -> list[str]:
    """The addresses at a place of the interface, when they are so, or at last."""
    deadline = time.monotonic() + _LEASE_SECONDS
    while True:
        found = [text(each, "tt:Address") for each in every(await _interface(device, token), place)]
        if so(found) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.5)


@official("IPCONFIG-1-1-3", needs.network)
async def dhcp(device: Device) -> str:
    token = await _set(device, "<tt:IPv4><tt:Enabled>true</tt:Enabled><tt:DHCP>true</tt:DHCP></tt:IPv4>")
    config = "tt:IPv4/tt:Config"
    found = await _until(device, token, f"{config}/tt:FromDHCP", bool)
    on = text(await _interface(device, token), f"{config}/tt:DHCP")
    expect(on in ("true", "1"), f"DHCP was set, {on} is told")
    local = await _until(device, token, f"{config}/tt:LinkLocal", bool) if not found else []
    expect(bool(found or local), "neither an address of DHCP is told nor a link-local one")
    return ", ".join(found) or f"nobody answers there: {', '.join(local)}"


@official("IPCONFIG-1-1-5", needs.network)
async def link_local(device: Device) -> str:
    zero = only(await device.call("tds:GetZeroConfiguration"), "tds:ZeroConfiguration")
    named, on = text(zero, "tt:InterfaceToken"), text(zero, "tt:Enabled")

    def enabled(word: str) -> str:
        return f"<tds:InterfaceToken>{named}</tds:InterfaceToken><tds:Enabled>{word}</tds:Enabled>"

    device.later("tds:SetZeroConfiguration", enabled(on))
    manual = "<tt:Manual><tt:Address>10.1.1.7</tt:Address><tt:PrefixLength>24</tt:PrefixLength></tt:Manual>"
    await _set(device, f"<tt:IPv4><tt:Enabled>true</tt:Enabled>{manual}<tt:DHCP>false</tt:DHCP></tt:IPv4>")
    await device.call("tds:SetZeroConfiguration", enabled("true"))
    deadline = time.monotonic() + _LEASE_SECONDS
    found: list[str] = []
    while not found and time.monotonic() < deadline:
        zero = only(await device.call("tds:GetZeroConfiguration"), "tds:ZeroConfiguration")
        expect(text(zero, "tt:Enabled") in ("true", "1"), "it was switched on, and is told as off")
        found = [(each.text or "").strip() for each in every(zero, "tt:Addresses")]
    expect(bool(found), "no link-local address is told")
    wrong = [each for each in found if not each.startswith("169.254.")]
    expect(not wrong, f"{', '.join(wrong)} is not of 169.254.0.0/16")
    return ", ".join(found)


#: test -> tt:IPv6DHCPConfiguration, whether advertisements are accepted, where the address stands, who must be there
_SIX: Mapping[str, tuple[str, str, str, str]] = {
    "IPCONFIG-2-1-2": ("Off", "true", "FromRA", "router"),
    "IPCONFIG-2-1-3": ("Off", "false", "LinkLocal", ""),
    "IPCONFIG-2-1-4": ("Stateful", "true", "FromDHCP", "DHCP server"),
}


def _six(name: str, mode: str, accept: str, place: str, who: str) -> None:
    @official(name, needs.network)
    async def check(device: Device) -> str:
        token = await _set(
            device,
            f"<tt:IPv6><tt:Enabled>true</tt:Enabled><tt:AcceptRouterAdvert>{accept}</tt:AcceptRouterAdvert>"
            f"<tt:DHCP>{mode}</tt:DHCP></tt:IPv6>",
        )
        found = await _until(device, token, f"tt:IPv6/tt:Config/tt:{place}", bool)
        told = text(await _interface(device, token), "tt:IPv6/tt:Config/tt:DHCP")
        expect(told == mode, f"{mode} was set, {told} is told")
        if not found and who:
            raise NotJudged(f"no {who} answers in its network")
        expect(bool(found), f"no address is told as {place}")
        wrong = [each for each in found if ip_address(each).version != 6]
        expect(not wrong, f"{', '.join(wrong)} is no IPv6 address")
        return ", ".join(found)


for _name, _row in _SIX.items():
    _six(_name, *_row)

#: test -> version, address, and what switches DHCP off
_ADDRESS: Mapping[str, tuple[str, str, str]] = {
    "DEVICE-2-1-18": ("IPv4", "10.1.1.7", "false"),
    "DEVICE-2-1-19": ("IPv6", "2001:1:1:1:1:1:1:1", "Off"),
}


def _address(name: str, version: str, address: str, off: str) -> None:
    @official(name, needs.network)
    async def check(device: Device) -> str:
        token = await _set(
            device,
            f"<tt:{version}><tt:Enabled>true</tt:Enabled><tt:Manual><tt:Address>{address}</tt:Address>"
            f"<tt:PrefixLength>24</tt:PrefixLength></tt:Manual><tt:DHCP>{off}</tt:DHCP></tt:{version}>",
        )

        def there(found: list[str]) -> bool:
            return ip_address(address) in map(ip_address, found)

        found = await _until(device, token, f"tt:{version}/tt:Config/tt:Manual", there)
        expect(there(found), f"{address} was set, {', '.join(found) or 'none'} is told")
        told = text(await _interface(device, token), f"tt:{version}/tt:Config/tt:DHCP")
        expect(told in (off, "0"), f"DHCP was switched off, {told} is told")
        return address


for _name, _hand in _ADDRESS.items():
    _address(_name, *_hand)


def _from_dhcp(name: str, which: str) -> None:
    @official(name, needs.network)
    async def check(device: Device) -> str:
        before = only(await device.call(f"tds:Get{which}"), f"tds:{which}Information")
        device.later(f"tds:Set{which}", as_it_is(before, which))
        await device.call(f"tds:Set{which}", "<tds:FromDHCP>true</tds:FromDHCP>")
        told = only(await device.call(f"tds:Get{which}"), f"tds:{which}Information")
        expect(text(told, "tt:FromDHCP") in ("true", "1"), "it is not told as coming from DHCP")
        expect(not every(told, f"tt:{which}Manual"), "servers are told as set by hand")
        found = [
            maybe(each, f"tt:{text(each, 'tt:Type')}Address") for each in every(told, f"tt:{which}FromDHCP")
        ]
        return ", ".join(filter(None, found)) or "DHCP names none"


def as_it_is(told: Element, which: str) -> str:
    """What sets name or time servers to what they are now."""
    domains = "".join(
        f"<tds:SearchDomain>{each.text}</tds:SearchDomain>" for each in every(told, "tt:SearchDomain")
    )
    if text(told, "tt:FromDHCP") in ("true", "1"):
        return "<tds:FromDHCP>true</tds:FromDHCP>"
    hosts = ""
    for each in every(told, f"tt:{which}Manual"):
        kind = text(each, "tt:Type")
        place = "DNSname" if kind == "DNS" else f"{kind}Address"
        hosts += (
            f"<tds:{which}Manual><tt:Type>{kind}</tt:Type><tt:{place}>{maybe(each, f'tt:{place}')}</tt:{place}>"
            f"</tds:{which}Manual>"
        )
    return f"<tds:FromDHCP>false</tds:FromDHCP>{domains}{hosts}"


_from_dhcp("DEVICE-2-1-8", "DNS")
_from_dhcp("DEVICE-2-1-14", "NTP")


@official("DEVICE-2-1-34", needs.network)
async def protocols(device: Device) -> str:
    async def now() -> dict[str, tuple[str, str]]:
        found = every(await device.call("tds:GetNetworkProtocols"), "tds:NetworkProtocols")
        return {text(each, "tt:Name"): (text(each, "tt:Enabled"), text(each, "tt:Port")) for each in found}

    def setting(name: str, on: str, port: str) -> str:
        return (
            f"<tds:NetworkProtocols><tt:Name>{name}</tt:Name><tt:Enabled>{on}</tt:Enabled><tt:Port>{port}</tt:Port>"
            "</tds:NetworkProtocols>"
        )

    before = await now()
    whole = "".join(setting(name, *each) for name, each in before.items())
    device.later("tds:SetNetworkProtocols", whole)
    await device.call("tds:SetNetworkProtocols", whole)
    expect(await now() == before, "what was set as it was is another afterwards")
    _, port = before["RTSP"]
    for on in ("false", "true"):
        await device.call("tds:SetNetworkProtocols", setting("RTSP", on, port))
        told = (await now())["RTSP"][0]
        expect(told in (on, {"false": "0", "true": "1"}[on]), f"RTSP was set to {on}, {told} is told")
    return "RTSP off, and on again"


# --------------------------------------------------------------------------------------- the clock's event


async def _listening(device: Device) -> Point:
    """A subscription to the event; what stands already was told."""
    point = await subscribe(device, topic_filter(_CLOCK))
    point.path = _CLOCK
    await point.everything()
    return point


async def _by_hand(device: Device, when: datetime) -> None:
    """Set the clock by hand, and let it follow again afterwards where it did."""
    told = only(await device.call("tds:GetSystemDateAndTime"), "tds:SystemDateAndTime")
    zone = text(told, "tt:TimeZone/tt:TZ")
    if text(told, "tt:DateTimeType") == "NTP":
        device.later("tds:SetSystemDateAndTime", set_date(zone, None, kind="NTP"))
    await device.call("tds:SetSystemDateAndTime", set_date(zone, when))


def _status(told: Message) -> str:
    status = moment(told.data.get("Status", ""))
    away = abs((status - datetime.now(UTC)).total_seconds())
    expect(away < timedelta(minutes=2).total_seconds(), f"Status is {away:.0f} s from now")
    return told.data["Status"]


@official("DEVICE-9-1-6", needs.topic(_CLOCK))
async def set_by_hand_is_told(device: Device) -> str:
    point = await _listening(device)
    await _by_hand(device, datetime.now(UTC))
    return _status(
        await point.until(lambda told: told.operation == "Changed", _SYNC_SECONDS, "of the clock came")
    )


@official("DEVICE-9-1-7", needs.topic(_CLOCK))
async def synchronized_is_told(device: Device) -> str:
    before = only(await device.call("tds:GetNTP"), "tds:NTPInformation")
    if not every(before, "tt:NTPFromDHCP") and not every(before, "tt:NTPManual"):
        raise NotJudged("it has no time server that could answer")
    await _by_hand(device, datetime.now(UTC))
    point = await _listening(device)
    device.later("tds:SetNTP", as_it_is(before, "NTP"))
    await device.call("tds:SetNTP", as_it_is(before, "NTP"))
    zone = text(
        only(await device.call("tds:GetSystemDateAndTime"), "tds:SystemDateAndTime"), "tt:TimeZone/tt:TZ"
    )
    await device.call("tds:SetSystemDateAndTime", set_date(zone, None, kind="NTP"))
    return _status(
        await point.until(lambda told: told.operation == "Changed", _SYNC_SECONDS, "of the clock came")
    )
