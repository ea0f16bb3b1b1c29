"""The hardware's side: serves the box to the recorder and to hands, and lets a camera go when its port has no power."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from device.chassis.buttons import Button
from device.chassis.simulated import SimulatedChassis
from device.clock import Clock
from device.errors import BadValue
from device.planes.link import Server
from device.planes.messages import Done
from device.poe.power import CLASSES, Milliwatts
from device.poe.simulated import Device, SimulatedPse
from integration.virtual_box.messages import (
    Ail,
    BoxChassisRead,
    BoxPorts,
    BreakPart,
    Draw,
    HeatSensor,
    Negotiate,
    Plug,
    Plugged,
    PressButton,
    ReadChassis,
    ReadPorts,
    ReleaseButton,
    ShowLights,
    SoundBuzzer,
    SwitchEthernet,
    SwitchPower,
    Unplug,
)

PORTS = 16
CAMERA_CLASSES = (3, 4)  #: of the first camera, the second, the third as the first ...


class Powered(Protocol):
    """A virtual camera, as far as its cable goes."""

    @property
    def name(self) -> str:
        """How it calls itself."""

    async def power(self, on: bool) -> None:
        """Take its power away, or give it back."""


class Outlets:
    """The ports, and the cameras that live from them: camera 1 is at port 1. What is over stays without a port."""

    def __init__(self, cameras: Sequence[Powered]) -> None:
        self._cameras = dict(enumerate(cameras[:PORTS], 1))
        self._drawer: dict[int, Device] = {}  #: what was unplugged, by its port
        self._wishes: asyncio.Queue[tuple[int, bool]] = asyncio.Queue()
        self.pse = SimulatedPse(PORTS, autonomous=False, changed=self._changed)

    async def warm(self) -> None:
        """Plug the cameras in, as powered as they are already."""
        for number, camera in self._cameras.items():
            power_class = CAMERA_CLASSES[(number - 1) % len(CAMERA_CLASSES)]
            self.pse.plug(number, _device(camera.name, power_class, None))
            await self.pse.set_power(number, True)
        while not self._wishes.empty():
            self._wishes.get_nowait()

    def _changed(self, port: int, powered: bool, linked: bool) -> None:
        """A camera without power is gone; one without network is gone as far as anybody can tell."""
        if port in self._cameras:
            self._wishes.put_nowait((port, powered and linked))

    async def follow(self) -> None:
        """Let the cameras do what the power at their ports says, one after the other, for ever."""
        while True:
            port, on = await self._wishes.get()
            await self._cameras[port].power(on)

    # --- hands ---

    def plug(self, request: Plug) -> Plugged:
        """See `Plug`."""
        before = self._drawer.get(request.port)
        power_class = request.power_class
        if power_class is None:
            power_class = 3 if before is None else before.power_class
        if not 0 <= power_class < len(CLASSES):
            raise BadValue("class", f"must be 0 to {len(CLASSES) - 1}")
        name = f"Device {request.port}" if before is None else before.name
        self.pse.plug(request.port, _device(name, power_class, request.draw))
        self._drawer.pop(request.port, None)
        return Plugged(name)

    def unplug(self, port: int) -> Plugged:
        """See `Unplug`."""
        device = self._drawer[port] = self.pse.unplug(port)
        return Plugged(device.name)


def _device(name: str, power_class: int, draw: int | None) -> Device:
    """The manual's example draws half of what it reserves, or about so; its class 3 device 7.5 W."""
    known = {3: 7500, 4: 15_000}
    usual = known.get(power_class, CLASSES[power_class].reserved // 2)
    return Device(name, power_class, Milliwatts(usual if draw is None else draw), speed=100)


def answer(server: Server, outlets: Outlets) -> None:
    """Let `server` answer for the ports."""
    pse = outlets.pse

    async def read(request: ReadPorts) -> BoxPorts:
        del request
        return BoxPorts(await pse.read())

    async def power(request: SwitchPower) -> Done:
        await pse.set_power(request.port, request.on)
        return Done()

    async def ethernet(request: SwitchEthernet) -> Done:
        await pse.set_ethernet(request.port, request.on)
        return Done()

    async def plug(request: Plug) -> Plugged:
        return outlets.plug(request)

    async def unplug(request: Unplug) -> Plugged:
        return outlets.unplug(request.port)

    async def draw(request: Draw) -> Done:
        pse.draw(request.port, Milliwatts(request.draw))
        return Done()

    async def ail(request: Ail) -> Done:
        pse.ail(request.port, request.ailment)
        return Done()

    async def negotiate(request: Negotiate) -> Done:
        pse.request(request.port, None if request.requested is None else Milliwatts(request.requested))
        return Done()

    server.on(ReadPorts, read)
    server.on(SwitchPower, power)
    server.on(SwitchEthernet, ethernet)
    server.on(Plug, plug)
    server.on(Unplug, unplug)
    server.on(Draw, draw)
    server.on(Ail, ail)
    server.on(Negotiate, negotiate)


def answer_chassis(server: Server, chassis: SimulatedChassis, hands: set[asyncio.Task[None]]) -> None:
    """Let `server` answer for the rest of the box. `hands`: those that hold a button."""

    async def read(request: ReadChassis) -> BoxChassisRead:
        del request
        return BoxChassisRead(await chassis.read())

    async def show(request: ShowLights) -> Done:
        await chassis.show(dict(request.lights))
        return Done()

    async def sound(request: SoundBuzzer) -> Done:
        await chassis.sound(request.on)
        return Done()

    async def heat(request: HeatSensor) -> Done:
        chassis.heat(request.sensor, request.celsius)
        return Done()

    async def break_part(request: BreakPart) -> Done:
        (chassis.supply if request.part == "supply" else chassis.fan)(request.name, request.ok)
        return Done()

    async def hold(button: Button, seconds: float) -> None:
        chassis.press(button, True)
        await asyncio.sleep(seconds)
        chassis.press(button, False)

    async def release(request: ReleaseButton) -> Done:
        chassis.press(request.button, False)
        return Done()

    async def press(request: PressButton) -> Done:
        task = asyncio.create_task(hold(request.button, request.seconds))
        hands.add(task)
        task.add_done_callback(hands.discard)
        return Done()

    server.on(ReadChassis, read)
    server.on(ShowLights, show)
    server.on(SoundBuzzer, sound)
    server.on(HeatSensor, heat)
    server.on(BreakPart, break_part)
    server.on(PressButton, press)
    server.on(ReleaseButton, release)


@contextlib.asynccontextmanager
async def virtual_box(
    socket: Path, cameras: Sequence[Powered], clock: Clock, hold_control: bool
) -> AsyncIterator[None]:
    """Serve the box at a Unix socket until the context ends. `hold_control`: with its control button held."""
    outlets = Outlets(cameras)
    await outlets.warm()
    async with Server(socket) as server:
        answer(server, outlets)
        hands: set[asyncio.Task[None]] = set()
        chassis = SimulatedChassis(clock)
        chassis.press(Button.CONTROL, hold_control)
        answer_chassis(server, chassis, hands)
        following = asyncio.create_task(outlets.follow())
        try:
            yield
        finally:
            for task in (following, *hands):
                task.cancel()
            await asyncio.gather(following, *hands, return_exceptions=True)
