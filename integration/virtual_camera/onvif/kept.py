"""The network and the clock of a virtual camera: they are what they are, and nobody sets them."""

from __future__ import annotations

import ipaddress
from datetime import UTC, tzinfo

from device.clock import Clock
from device.errors import Refused
from device.media import Utc
from device.network.state import Address, Interface, NetworkState
from device.settings.clock import DateAndTime
from device.settings.network import Network
from integration.virtual_camera.camera import Camera
from protocols.onvif.services.network import Values


class KeptNetwork:
    """`protocols.onvif.services.network.Setup`."""

    def __init__(self, camera: Camera, mac: str) -> None:
        self._camera = camera
        self._mac = mac

    def wanted(self) -> Network:
        """Setup."""
        return Network()

    async def state(self) -> NetworkState:
        """Setup."""
        address = Address(ipaddress.ip_address(self._camera.address[0]), 24, "manual")
        card = Interface("eth0", self._mac, 1500, True, 100, True, (address,))
        return NetworkState(self._camera.spec.scene, (card,), (), (), ())

    async def interface(self) -> str:
        """Setup."""
        return ""

    async def change(self, values: Values, *, by: str) -> None:
        """Setup."""
        del values, by
        raise Refused("The camera's network stays as it is.")

    def served(self) -> tuple[tuple[str, int, bool], ...]:
        """Setup."""
        return (("RTSP", self._camera.address[1], True),)

    async def serve(self, name: str, on: bool, *, by: str) -> bool:
        """Setup."""
        del name, on, by
        return False


class KeptClock:
    """`protocols.onvif.services.clock.Timekeeper`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def wanted(self) -> DateAndTime:
        """Timekeeper."""
        return DateAndTime()

    def zone(self) -> tuple[str, tzinfo]:
        """Timekeeper."""
        return "UTC0", UTC

    async def now(self) -> Utc:
        """Timekeeper."""
        return self._clock.utc()

    async def leased(self) -> tuple[str, ...]:
        """Timekeeper."""
        return ()

    async def change(self, values: Values, *, by: str) -> None:
        """Timekeeper."""
        del values, by
        raise Refused("The camera's clock stays as it is.")

    async def set(self, utc: Utc, *, by: str) -> None:
        """Timekeeper."""
        del utc
        await self.change({}, by=by)
