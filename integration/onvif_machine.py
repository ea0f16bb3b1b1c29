"""The machine's network and clock, as ONVIF's Device service asks for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo

from device.clock import Clock
from device.media import Utc
from device.network.driver import NetworkUnavailable
from device.network.networkd import first_interface
from device.network.state import NetworkState
from device.settings.clock import DateAndTime
from device.settings.network import Network, NetworkKeeper
from device.settings.rtsp import Rtsp
from device.settings.store import Store
from integration.machine import MachinePlane
from integration.zone import local_zone
from protocols.onvif.services.network import Values

Ports = Callable[[], tuple[tuple[str, int], ...]]


class NetworkSetup:
    """`protocols.onvif.services.network.Setup`."""

    def __init__(self, machine: MachinePlane, settings: Store, ports: Ports) -> None:
        """`ports`: of HTTP, HTTPS and RTSP."""
        self._machine = machine
        self._settings = settings
        self._ports = ports

    def wanted(self) -> Network:
        """Setup."""
        return self._machine.network.wanted

    async def state(self) -> NetworkState:
        """Setup."""
        return await self._machine.state()

    async def interface(self) -> str:
        """Setup."""
        wanted = self.wanted()
        if wanted.interface:
            return wanted.interface
        if wanted.keeper is NetworkKeeper.SIMULATED:
            return (await self.state()).interfaces[0].name
        try:
            return first_interface()
        except NetworkUnavailable:
            return ""

    async def change(self, values: Values, *, by: str) -> None:
        """Setup."""
        await self._machine.change_network(values, by=by)

    def served(self) -> tuple[tuple[str, int, bool], ...]:
        """Setup."""
        rtsp = self._settings.get(Rtsp).enabled
        return tuple((name, port, rtsp if name == "RTSP" else True) for name, port in self._ports())

    async def serve(self, name: str, on: bool, *, by: str) -> bool:
        """Setup."""
        if name == "RTSP":
            self._settings.patch(Rtsp, {"enabled": on}, by=by)
        return name == "RTSP"


class Timekeeper:
    """`protocols.onvif.services.clock.Timekeeper`."""

    def __init__(self, machine: MachinePlane, clock: Clock) -> None:
        self._machine = machine
        self._clock = clock

    def wanted(self) -> DateAndTime:
        """Timekeeper."""
        return self._machine.clock.wanted

    def zone(self) -> tuple[str, tzinfo]:
        """Timekeeper."""
        zone = local_zone()
        return zone.posix, zone

    async def now(self) -> Utc:
        """Timekeeper."""
        return Utc(self._clock.utc() + (await self._machine.reading()).offset)

    async def leased(self) -> tuple[str, ...]:
        """Timekeeper."""
        return (await self._machine.state()).lease.ntp

    async def change(self, values: Values, *, by: str) -> None:
        """Timekeeper."""
        await self._machine.change_clock(values, by=by)

    async def set(self, utc: Utc, *, by: str) -> None:
        """Timekeeper."""
        await self._machine.set_time(utc, by=by)
