"""The recorder's side: the demo's hardware as drivers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from device.chassis.driver import ChassisReading, ChassisUnavailable
from device.chassis.lights import Led, Light
from device.errors import PeerFault
from device.planes.link import Client
from device.planes.wire import Request
from device.poe.driver import PoeUnavailable
from device.poe.port import Reading
from integration.virtual_box.messages import (
    ReadChassis,
    ReadPorts,
    ShowLights,
    SoundBuzzer,
    SwitchEthernet,
    SwitchPower,
)

T = TypeVar("T")

BOX = "box"  #: name of the socket in the data folder; there is one where a demo runs
ANSWER_SECONDS = 2.0


class BoxPse:
    """The demo's ports. Implements `PoeDriver`."""

    autonomous = False
    interval = 0.25

    def __init__(self, socket: Path) -> None:
        self._client = Client(socket, within=ANSWER_SECONDS)

    async def read(self) -> Reading:
        """PoeDriver."""
        try:
            return (await self._client.call(ReadPorts())).reading
        except PeerFault as error:
            raise PoeUnavailable(f"The demo's hardware does not answer: {error}") from None

    async def set_power(self, port: int, on: bool) -> None:
        """PoeDriver."""
        await self._order(SwitchPower(port, on))

    async def set_ethernet(self, port: int, on: bool) -> None:
        """PoeDriver."""
        await self._order(SwitchEthernet(port, on))

    async def close(self) -> None:
        """PoeDriver."""
        self._client.close()

    async def _order(self, request: Request[object]) -> None:
        try:
            await self._client.call(request)
        except PeerFault as error:
            raise PoeUnavailable(f"The demo's hardware does not answer: {error}") from None


class BoxChassis:
    """The rest of the demo's box. Implements `ChassisDriver`."""

    interval = 0.25

    def __init__(self, socket: Path) -> None:
        self._client = Client(socket, within=ANSWER_SECONDS)
        self._shown: dict[Led, Light] = {}

    async def read(self) -> ChassisReading:
        """ChassisDriver."""
        return (await self._ask(ReadChassis())).reading

    async def show(self, lights: Mapping[Led, Light]) -> None:
        """ChassisDriver."""
        changed = tuple((led, light) for led, light in lights.items() if self._shown.get(led) != light)
        if changed:
            await self._ask(ShowLights(changed))
            self._shown |= changed

    async def sound(self, on: bool) -> None:
        """ChassisDriver."""
        await self._ask(SoundBuzzer(on))

    async def close(self) -> None:
        """ChassisDriver."""
        self._client.close()

    async def _ask(self, request: Request[T]) -> T:
        try:
            return await self._client.call(request)
        except PeerFault as error:
            raise ChassisUnavailable(f"The demo's hardware does not answer: {error}") from None
