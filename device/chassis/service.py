"""The box at work: reads its sensors and buttons, sets its lights and its buzzer, says its events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from device.chassis.box import Box
from device.chassis.buttons import Action
from device.chassis.driver import ChassisDriver, ChassisReading, ChassisUnavailable, Supply
from device.chassis.lights import Led, Light, Scene
from device.chassis.messages import ChassisShown, LightShown
from device.clock import Clock
from device.events.event import Event
from device.events.hardware import ChassisBack, ChassisLost

NOTHING = ChassisReading((), (), (), frozenset(), ())


class ChassisService:
    """Governs one box, as long as `run` runs."""

    def __init__(
        self,
        driver: ChassisDriver,
        clock: Clock,
        publish: Callable[[Event], object],
        scene: Callable[[], tuple[Scene, frozenset[str]]],
        act: Callable[[Action], None],
        *,
        audible: Callable[[], bool],
        power_on: bool,
    ) -> None:
        """`scene`: what the rest of the recorder shows in lights, and the faults that shall be heard. `act`: does what
        a button asks for. `power_on`: the box was switched on a moment ago."""
        self._driver = driver
        self._clock = clock
        self._publish = publish
        self._scene = scene
        self._act = act
        self._audible = audible
        self._box = Box(power_on=power_on)
        self._told: str | None = None
        self._sounding: bool | None = None
        self._reading = NOTHING
        self._lights: dict[Led, Light] = {}
        self.fault = ""  #: why the box does not answer; empty while it does

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self._step()
                self.fault = ""
            except ChassisUnavailable as error:
                self.fault = str(error)
            if self.fault != self._told:
                self._told = self.fault
                self._publish(ChassisLost(self.fault) if self.fault else ChassisBack())
            await asyncio.sleep(self._driver.interval)

    @property
    def supplies(self) -> tuple[Supply, ...]:
        """The power supplies, as of the last reading."""
        return self._reading.supplies

    def silence(self, by: str) -> None:
        """Silence the buzzer."""
        event = self._box.silence(by)
        if event is not None:
            self._publish(event)

    async def _step(self) -> None:
        self._reading = reading = await self._driver.read()
        scene, faults = self._scene()
        now = self._clock.monotonic()
        step = self._box.observe(reading, scene, faults, audible=self._audible(), now=now)
        for event in step.events:
            self._publish(event)
        for action in step.actions:
            self._act(action)
        self._lights = step.lights
        await self._driver.show(step.lights)
        if step.sound is not self._sounding:
            await self._driver.sound(step.sound)
            self._sounding = step.sound

    def shown(self, hardware: str) -> ChassisShown:
        """The box as the other planes and the command line see it."""
        lights = tuple(
            LightShown(led.place, led.number, light.color.value if light.color else "", light.blinks)
            for led, light in sorted(self._lights.items())
        )
        read = self._reading
        return ChassisShown(
            hardware,
            not self.fault,
            self.fault,
            read.temperatures,
            read.fans,
            read.supplies,
            lights,
            self._box.sounds,
            read.networks,
        )
