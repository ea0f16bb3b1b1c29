"""The machine's network and clock in the Device service: told, set, and refused where the system keeps them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from lxml import etree

from device.settings.clock import ClockKeeper, TimeSource
from device.settings.network import Ipv4, Ipv6, NetworkKeeper
from protocols.onvif.names import TDS, TT
from protocols.onvif.operations import Service
from protocols.onvif.services.device import About
from protocols.onvif.services.device import Device as DeviceService
from protocols.onvif.xml import Element, sub
from tests.protocols.onvif.machine import Setup, Timekeeper
from tests.protocols.onvif.rig import Device, element
from tests.protocols.onvif.test_services import Recorder

STOCKHOLM = "CET-1CEST,M3.5.0,M10.5.0/3"


@dataclass
class Machine:
    """A device, and the machine under it."""

    setup: Setup
    keeper: Timekeeper
    device: Device

    async def do(self, operation: str, xml: str = "") -> Element:
        """The reply; there must be one."""
        said = await self.device.ask(_asked(operation, xml))
        assert said.fault == (), said.reason
        return said.body

    async def fault(self, operation: str, xml: str) -> str:
        """The last subcode that it is refused with."""
        return (await self.device.ask(_asked(operation, xml))).fault[-1]


def _asked(operation: str, xml: str) -> Element:
    return etree.fromstring(f'<d:{operation} xmlns:d="{TDS}" xmlns:t="{TT}">{xml}</d:{operation}>')


def _made(network: NetworkKeeper, clock: ClockKeeper) -> Machine:
    setup, keeper = Setup(network), Timekeeper(clock)
    about = About("Holdfast", "NVR", "0.1", "HF1", "box", "9d6b9c3e-0000-4000-8000-000000000000")
    services: list[Service] = []
    services.append(DeviceService(about, Recorder(), setup, keeper, None, services).service())
    return Machine(setup, keeper, Device(services))


@pytest.fixture
def kept() -> Device:
    """A machine that its system keeps."""
    return _made(NetworkKeeper.SYSTEM, ClockKeeper.SYSTEM).device


@pytest.fixture
def machine() -> Machine:
    """One that is set up by the recorder."""
    return _made(NetworkKeeper.SIMULATED, ClockKeeper.SIMULATED)


# ------------------------------------------------------------------------------------ kept by the system


async def test_the_time_is_told_in_utc_and_as_it_is_here(kept: Device) -> None:
    told = (await kept.ask(TDS.GetSystemDateAndTime, None)).body[0]
    assert told.findtext(f"{TT.TimeZone}/{TT.TZ}") == STOCKHOLM
    assert told.findtext(TT.DateTimeType) == "NTP"
    assert told.findtext(f"{TT.UTCDateTime}/{TT.Date}/{TT.Year}") == "2023"
    hours = [
        told.findtext(f"{TT.name(kind)}/{TT.Time}/{TT.Hour}") for kind in ("UTCDateTime", "LocalDateTime")
    ]
    assert hours == ["22", "23"]


def set_time(zone: str | None, date: tuple[int, int, int]) -> Element:
    asked = element(TDS.SetSystemDateAndTime, [(TDS.DateTimeType, "Manual"), (TDS.DaylightSavings, "false")])
    if zone is not None:
        sub(sub(asked, TDS.TimeZone), TT.TZ, zone)
    moment = sub(asked, TDS.UTCDateTime)
    for group, values in (("Time", ("Hour", "Minute", "Second")), ("Date", ("Year", "Month", "Day"))):
        inside = sub(moment, TT.name(group))
        for name, value in zip(values, date if group == "Date" else (1, 2, 3), strict=True):
            sub(inside, TT.name(name), value)
    return asked


@pytest.mark.parametrize(
    ("zone", "date", "fault"),
    [
        ("INVALIDTIMEZONE", (2026, 1, 1), "InvalidTimeZone"),
        ("CET-1", (2026, 13, 45), "InvalidDateTime"),
        (None, (0, 1, 1), "InvalidDateTime"),
        ("<+0330>-3:30", (2026, 1, 1), "ActionNotSupported"),
        ("EST5EDT4,M3.2.0/02:00:00,M11.1.0/02:00:00", (2026, 1, 1), "ActionNotSupported"),
    ],
)
async def test_what_no_clock_can_be_set_to(
    kept: Device, zone: str | None, date: tuple[int, int, int], fault: str
) -> None:
    """DEVICE-3-1-4, DEVICE-3-1-5."""
    assert (await kept.ask(set_time(zone, date))).fault[-1] == fault


def host(version: int, address: str) -> str:
    kind = f"IPv{version}"
    return f"<d:DNSManual><t:Type>{kind}</t:Type><t:{kind}Address>{address}</t:{kind}Address></d:DNSManual>"


def interface(token: str, address: str) -> str:
    manual = f"<t:Manual><t:Address>{address}</t:Address><t:PrefixLength>8</t:PrefixLength></t:Manual>"
    inside = f"<d:NetworkInterface><t:IPv4>{manual}</t:IPv4></d:NetworkInterface>"
    return f"<d:InterfaceToken>{token}</d:InterfaceToken>{inside}"


def protocol(name: str, port: int) -> str:
    inside = f"<t:Name>{name}</t:Name><t:Enabled>true</t:Enabled><t:Port>{port}</t:Port>"
    return f"<d:NetworkProtocols>{inside}</d:NetworkProtocols>"


@pytest.mark.parametrize(
    ("operation", "xml", "fault"),
    [
        ("SetHostname", "<d:Name>under_score</d:Name>", "InvalidHostname"),
        ("SetHostname", "<d:Name>other</d:Name>", "ActionNotSupported"),
        ("SetHostname", "<d:Name>recorder</d:Name>", ""),
        ("SetDNS", host(4, "10.1.1"), "InvalidIPv4Address"),
        ("SetDNS", host(6, "::x"), "InvalidIPv6Address"),
        ("SetDNS", f"<d:FromDHCP>false</d:FromDHCP>{host(6, '::1')}", "ActionNotSupported"),
        ("SetNTP", "<d:FromDHCP>true</d:FromDHCP>", "ActionNotSupported"),
        ("SetNetworkInterfaces", interface("eth7", "10.1.1.1"), "InvalidNetworkInterface"),
        ("SetNetworkInterfaces", interface("eth0", "1.2.3.400"), "InvalidIPv4Address"),
        ("SetNetworkProtocols", protocol("RTSP", 554), ""),
        ("SetNetworkProtocols", protocol("RTSP", 555), "ActionNotSupported"),
        ("SetNetworkProtocols", protocol("FTP", 21), "ServiceNotSupported"),
        ("SetNetworkDefaultGateway", "<d:IPv4Address>10.1</d:IPv4Address>", "InvalidGatewayAddress"),
        ("SetNetworkDefaultGateway", "<d:IPv6Address>10.1.1.1</d:IPv6Address>", "InvalidGatewayAddress"),
        ("SetNetworkDefaultGateway", "<d:IPv4Address>10.1.1.1</d:IPv4Address>", "ActionNotSupported"),
    ],
)
async def test_what_is_wrong_with_a_network_is_said_before_it_is_refused(
    kept: Device, operation: str, xml: str, fault: str
) -> None:
    """DEVICE-2-1-3, 2-1-9, 2-1-10, 2-1-20, 2-1-28, 2-1-35."""
    asked = etree.fromstring(f'<d:{operation} xmlns:d="{TDS}" xmlns:t="{TT}">{xml}</d:{operation}>')
    said = await kept.ask(asked)
    assert said.fault[-1:] == ((fault,) if fault else ())


# ------------------------------------------------------------------------------------ set up by the recorder


async def test_what_can_be_set_is_declared(machine: Machine, kept: Device) -> None:
    told = (await machine.do("GetServiceCapabilities"))[0]
    network, system = told.find(TDS.Network), told.find(TDS.System)
    assert network is not None
    assert system is not None
    assert (network.get("NTP"), network.get("ZeroConfiguration")) == ("2", "true")
    assert system.get("NetworkConfigNotSupported") == "false"
    before = (await kept.ask(TDS.GetServiceCapabilities, None)).body[0]
    assert [each.get("NTP") for each in before.iter(TDS.Network)] == ["0"]
    assert [each.get("NetworkConfigNotSupported") for each in before.iter(TDS.System)] == ["true"]


async def test_a_host_name_by_hand_and_by_dhcp(machine: Machine) -> None:
    """DEVICE-2-1-32."""
    await machine.do("SetHostname", "<d:Name>recorder-1</d:Name>")
    told = (await machine.do("GetHostname"))[0]
    assert (told.findtext(TT.FromDHCP), told.findtext(TT.Name)) == ("false", "recorder-1")
    reply = await machine.do("SetHostnameFromDHCP", "<d:FromDHCP>true</d:FromDHCP>")
    assert reply.findtext(TDS.RebootNeeded) == "false"
    told = (await machine.do("GetHostname"))[0]
    assert (told.findtext(TT.FromDHCP), told.findtext(TT.Name)) == ("true", "holdfast")


async def test_name_servers_by_hand_and_by_dhcp(machine: Machine) -> None:
    """DEVICE-2-1-5 to 2-1-8."""
    by_hand = "<d:FromDHCP>false</d:FromDHCP><d:SearchDomain>example.com</d:SearchDomain>" + host(
        4, "10.1.1.1"
    )
    await machine.do("SetDNS", by_hand + host(6, "2001:db8::53"))
    told = (await machine.do("GetDNS"))[0]
    assert [each.findtext(TT.Type) for each in told.iterfind(TT.DNSManual)] == ["IPv4", "IPv6"]
    assert told.findtext(TT.SearchDomain) == "example.com"
    await machine.do("SetDNS", "<d:FromDHCP>true</d:FromDHCP>")
    told = (await machine.do("GetDNS"))[0]
    assert told.findtext(f"{TT.DNSFromDHCP}/{TT.IPv4Address}") == "192.0.2.1"
    assert told.find(TT.DNSManual) is None
    assert machine.setup.settings.dns_servers == ("10.1.1.1", "2001:db8::53"), (
        "kept for when they are wanted again"
    )


async def test_addresses_by_hand_and_by_dhcp(machine: Machine) -> None:
    """DEVICE-2-1-18, DEVICE-2-1-19, IPCONFIG-1-1-3."""
    four = manual("IPv4", "10.1.1.7", "<t:DHCP>false</t:DHCP>")
    assert (await machine.do("SetNetworkInterfaces", four)).findtext(TDS.RebootNeeded) == "false"
    assert (machine.setup.settings.ipv4, machine.setup.settings.ipv4_prefix) == (Ipv4.MANUAL, 8)
    await machine.do("SetNetworkInterfaces", manual("IPv6", "2001:db8::9", "<t:DHCP>Off</t:DHCP>"))
    assert machine.setup.settings.ipv6 is Ipv6.MANUAL
    told = (await machine.do("GetNetworkInterfaces"))[0]
    for version, address in (("IPv4", "10.1.1.7"), ("IPv6", "2001:db8::9")):
        assert told.findtext(f"{TT.name(version)}/{TT.Config}/{TT.Manual}/{TT.Address}") == address
    await machine.do("SetNetworkInterfaces", manual("IPv4", "", "<t:DHCP>true</t:DHCP>"))
    told = (await machine.do("GetNetworkInterfaces"))[0]
    assert told.findtext(f"{TT.IPv4}/{TT.Config}/{TT.FromDHCP}/{TT.Address}") == "192.0.2.7"
    assert told.findtext(f"{TT.IPv4}/{TT.Config}/{TT.DHCP}") == "true"
    await machine.do("SetNetworkInterfaces", manual("IPv6", "", "", enabled=False))
    told = (await machine.do("GetNetworkInterfaces"))[0]
    assert told.findtext(f"{TT.IPv6}/{TT.Enabled}") == "false"


@pytest.mark.parametrize(
    ("dhcp", "accept", "mode", "place"),
    [
        ("Auto", None, Ipv6.AUTOMATIC, "FromRA"),
        ("Stateless", True, Ipv6.STATELESS, "FromRA"),
        ("Off", True, Ipv6.ADVERTISED, "FromRA"),
        ("Stateful", None, Ipv6.STATEFUL, "FromDHCP"),
        ("Off", False, Ipv6.MANUAL, "LinkLocal"),
    ],
)
async def test_every_way_to_addresses_of_version_6(
    machine: Machine, dhcp: str, accept: bool | None, mode: Ipv6, place: str
) -> None:
    """IPCONFIG-2-1-2 to 2-1-4."""
    advert = "" if accept is None else f"<t:AcceptRouterAdvert>{str(accept).lower()}</t:AcceptRouterAdvert>"
    inside = f"<t:IPv6><t:Enabled>true</t:Enabled>{advert}<t:DHCP>{dhcp}</t:DHCP></t:IPv6>"
    await machine.do("SetNetworkInterfaces", wrapped(inside))
    assert machine.setup.settings.ipv6 is mode
    config = (await machine.do("GetNetworkInterfaces"))[0].find(f"{TT.IPv6}/{TT.Config}")
    assert config is not None
    assert config.findtext(TT.DHCP) == dhcp
    assert config.find(TT.name(place)) is not None


async def test_a_link_local_address_can_be_had(machine: Machine) -> None:
    """IPCONFIG-1-1-5."""
    await machine.do("SetNetworkInterfaces", manual("IPv4", "", "", enabled=False))
    for on in (False, True):
        asked = f"<d:InterfaceToken>lan0</d:InterfaceToken><d:Enabled>{str(on).lower()}</d:Enabled>"
        await machine.do("SetZeroConfiguration", asked)
        told = (await machine.do("GetZeroConfiguration"))[0]
        assert told.findtext(TT.Enabled) == str(on).lower()
        assert bool((told.findtext(TT.Addresses) or "").startswith("169.254.")) is on


async def test_routers_by_hand(machine: Machine) -> None:
    """DEVICE-2-1-30, 2-1-31."""
    await machine.do("SetNetworkDefaultGateway", "<d:IPv4Address>192.0.2.9</d:IPv4Address>")
    await machine.do("SetNetworkDefaultGateway", "<d:IPv6Address>2001:db8::1</d:IPv6Address>")
    told = (await machine.do("GetNetworkDefaultGateway"))[0]
    assert (told.findtext(TT.IPv4Address), told.findtext(TT.IPv6Address)) == ("192.0.2.9", "2001:db8::1")


async def test_rtsp_can_be_switched_off_and_what_one_came_by_cannot(machine: Machine) -> None:
    """DEVICE-2-1-34."""
    for word in ("false", "true"):
        await machine.do("SetNetworkProtocols", protocol("RTSP", 554).replace("true", word))
        told = {
            each.findtext(TT.Name): each.findtext(TT.Enabled)
            for each in await machine.do("GetNetworkProtocols")
        }
        assert told == {"HTTP": "true", "HTTPS": "true", "RTSP": word}
    assert (
        await machine.fault("SetNetworkProtocols", protocol("HTTP", 80).replace("true", "false"))
        == "ActionNotSupported"
    )


@pytest.mark.parametrize(
    ("operation", "xml", "fault"),
    [
        ("SetDNS", "<d:FromDHCP>false</d:FromDHCP><d:SearchDomain>a b</d:SearchDomain>", "InvalidArgVal"),
        ("SetDNS", "", "InvalidArgVal"),
        ("SetNTP", "<d:FromDHCP>false</d:FromDHCP>", "TimeSyncedToNtp"),
        ("SetNetworkDefaultGateway", "<d:IPv4Address>0.0.0.0</d:IPv4Address>", "InvalidGatewayAddress"),
        ("SetNetworkDefaultGateway", "<d:IPv4Address>10.1.1.1</d:IPv4Address>" * 2, "InvalidGatewayAddress"),
        (
            "SetZeroConfiguration",
            "<d:InterfaceToken>x</d:InterfaceToken><d:Enabled>true</d:Enabled>",
            "InvalidNetworkInterface",
        ),
    ],
)
async def test_what_cannot_be_set_is_refused(machine: Machine, operation: str, xml: str, fault: str) -> None:
    before = machine.setup.settings, machine.keeper.settings
    assert await machine.fault(operation, xml) == fault
    assert (machine.setup.settings, machine.keeper.settings) == before


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        ("<t:Enabled>false</t:Enabled>", "InvalidArgVal"),
        ("<t:MTU>900</t:MTU>", "InvalidMtuValue"),
        ("<t:IPv6><t:DHCP>Sometimes</t:DHCP></t:IPv6>", "InvalidArgVal"),
    ],
)
async def test_what_an_interface_cannot_be(machine: Machine, inside: str, fault: str) -> None:
    assert await machine.fault("SetNetworkInterfaces", wrapped(inside)) == fault


async def test_time_servers_by_hand_and_by_dhcp(machine: Machine) -> None:
    """DEVICE-2-1-12 to 2-1-14."""
    named = "<d:NTPManual><t:Type>DNS</t:Type><t:DNSname>time.example.com</t:DNSname></d:NTPManual>"
    by_hand = host(4, "10.1.1.1").replace("DNSManual", "NTPManual") + named
    await machine.do("SetNTP", f"<d:FromDHCP>false</d:FromDHCP>{by_hand}")
    told = (await machine.do("GetNTP"))[0]
    assert [each.findtext(TT.Type) for each in told.iterfind(TT.NTPManual)] == ["IPv4", "DNS"]
    await machine.do("SetNTP", "<d:FromDHCP>true</d:FromDHCP>")
    told = (await machine.do("GetNTP"))[0]
    assert told.findtext(f"{TT.NTPFromDHCP}/{TT.IPv4Address}") == "192.0.2.1"
    bad = named.replace("time.example.com", "no name")
    assert await machine.fault("SetNTP", f"<d:FromDHCP>false</d:FromDHCP>{bad}") == "InvalidDnsName"


async def test_the_clock_by_hand_and_by_ntp(machine: Machine) -> None:
    """DEVICE-3-1-11, 3-1-12."""
    assert (await machine.device.ask(set_time("XYZ-5:43", (2026, 11, 28)))).fault == ()
    told = (await machine.do("GetSystemDateAndTime"))[0]
    assert (told.findtext(TT.DateTimeType), told.findtext(f"{TT.TimeZone}/{TT.TZ}")) == ("Manual", "XYZ-5:43")
    assert told.findtext(f"{TT.UTCDateTime}/{TT.Date}/{TT.Day}") == "28"
    assert told.findtext(f"{TT.LocalDateTime}/{TT.Time}/{TT.Minute}") == "45"
    asked = element(TDS.SetSystemDateAndTime, [(TDS.DateTimeType, "NTP"), (TDS.DaylightSavings, "false")])
    assert (await machine.device.ask(asked)).fault == ()
    told = (await machine.do("GetSystemDateAndTime"))[0]
    assert (told.findtext(TT.DateTimeType), told.findtext(f"{TT.UTCDateTime}/{TT.Date}/{TT.Year}")) == (
        "NTP",
        "2023",
    )


async def test_ntp_without_a_server_is_refused(machine: Machine) -> None:
    assert (await machine.device.ask(set_time(None, (2026, 11, 28)))).fault == ()
    await machine.do("SetNTP", "<d:FromDHCP>false</d:FromDHCP>")
    assert machine.keeper.settings.source is TimeSource.NTP
    asked = element(TDS.SetSystemDateAndTime, [(TDS.DateTimeType, "NTP"), (TDS.DaylightSavings, "false")])
    assert (await machine.device.ask(asked)).fault[-1] == "NtpServerUndefined"


async def test_a_zone_that_is_told_back_keeps_its_name(machine: Machine) -> None:
    assert (await machine.device.ask(set_time(STOCKHOLM, (2026, 11, 28)))).fault == ()
    assert machine.keeper.settings.zone == "Europe/Stockholm"


def wrapped(inside: str) -> str:
    return f"<d:InterfaceToken>lan0</d:InterfaceToken><d:NetworkInterface>{inside}</d:NetworkInterface>"


def manual(version: str, address: str, more: str, *, enabled: bool = True) -> str:
    named = (
        f"<t:Manual><t:Address>{address}</t:Address><t:PrefixLength>8</t:PrefixLength></t:Manual>"
        if address
        else ""
    )
    on = f"<t:Enabled>{str(enabled).lower()}</t:Enabled>"
    return wrapped(f"<t:{version}>{on}{named}{more}</t:{version}>")
