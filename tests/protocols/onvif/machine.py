"""A machine whose network and clock can be asked for, and set where its settings say so."""

from __future__ import annotations

from datetime import tzinfo
from ipaddress import IPv4Address, IPv6Address

from device.clock.driver import ClockDriver, SystemClockKeeper
from device.clock.simulated import SimulatedClock as SetClock
from device.clock.zone import posix, read_zone
from device.media import Utc
from device.network.simulated import INTERFACE, SimulatedNetwork
from device.network.state import Address, Interface, NetworkState
from device.settings.clock import ClockKeeper, DateAndTime
from device.settings.network import Network, NetworkKeeper
from device.settings.section import validate
from protocols.onvif.services.network import Values
from tests.device.clock.simulated import SimulatedClock

LAN = (
    Address(IPv4Address("192.0.2.7"), 24, "dhcp"),
    Address(IPv4Address("198.51.100.7"), 24, "manual"),
    Address(IPv6Address("fe80::1"), 64, "linklayer"),
    Address(IPv6Address("2001:db8::7"), 64, "manual"),
)
FOUND = NetworkState(
    "recorder",
    (
        Interface("eth0", "02:00:00:00:00:01", 1500, True, 1000, True, LAN),
        Interface("eth1", "02:00:00:00:00:02", 1500, False, None, True, ()),
    ),
    (IPv4Address("192.0.2.53"), IPv6Address("2001:db8::53")),
    ("example.org",),
    (IPv6Address("fe80::9"), IPv4Address("192.0.2.1")),
)


class Setup:
    """`protocols.onvif.services.network.Setup`: kept by the system, or simulated."""

    def __init__(self, keeper: NetworkKeeper) -> None:
        self.driver = SimulatedNetwork()
        self.settings = Network(keeper=keeper)
        self.servers = {"HTTP": (80, True), "HTTPS": (443, True), "RTSP": (554, True)}

    def wanted(self) -> Network:
        return self.settings

    async def state(self) -> NetworkState:
        return FOUND if self.settings.keeper is NetworkKeeper.SYSTEM else await self.driver.read()

    async def interface(self) -> str:
        return INTERFACE

    async def change(self, values: Values, *, by: str) -> None:
        assert by
        self.settings = validate(Network, "", self.settings.model_dump(mode="json") | values)
        await self.driver.apply(self.settings)

    def served(self) -> tuple[tuple[str, int, bool], ...]:
        return tuple((name, *each) for name, each in self.servers.items())

    async def serve(self, name: str, on: bool, *, by: str) -> bool:
        assert by
        if name == "RTSP":
            self.servers[name] = (self.servers[name][0], on)
        return name == "RTSP"


class Timekeeper:
    """`protocols.onvif.services.clock.Timekeeper`: kept by the system, or simulated."""

    def __init__(self, keeper: ClockKeeper) -> None:
        self.clock = SimulatedClock()
        self.settings = DateAndTime(keeper=keeper, zone="Europe/Stockholm")
        system = keeper is ClockKeeper.SYSTEM
        self.driver: ClockDriver = (
            SystemClockKeeper() if system else SetClock(self.clock, lambda: ("192.0.2.1",))
        )

    def wanted(self) -> DateAndTime:
        return self.settings

    def zone(self) -> tuple[str, tzinfo]:
        return posix(self.settings.zone), read_zone(self.settings.zone)

    async def now(self) -> Utc:
        return Utc(self.clock.utc() + (await self.driver.read()).offset)

    async def leased(self) -> tuple[str, ...]:
        return ("192.0.2.1", "time.example.org")

    async def change(self, values: Values, *, by: str) -> None:
        assert by
        self.settings = validate(DateAndTime, "", self.settings.model_dump(mode="json") | values)
        await self.driver.apply(self.settings)

    async def set(self, utc: Utc, *, by: str) -> None:
        assert by
        await self.driver.set(utc)
