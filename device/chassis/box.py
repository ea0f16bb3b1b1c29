"""The box as a whole: readings go in; lights, the buzzer, events and what the buttons ask for come out. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from device.chassis.buttons import Action, Buttons
from device.chassis.driver import ChassisReading, Supply, Temperature
from device.chassis.lights import Led, Light, Scene, lights
from device.events.event import Event
from device.events.hardware import (
    BuzzerSilenced,
    BuzzerStarted,
    ConnectRequested,
    FanFailed,
    FanOk,
    ResetRequested,
    ShutdownRequested,
    SupplyFailed,
    SupplyOk,
    TemperatureCritical,
    TemperatureHigh,
    TemperatureNormal,
)
from device.poe.power import Milliwatts

BEEP_SECONDS = 0.3  #: of the beep that says that the power button was held long enough
COOLER = 3.0  #: degrees below a limit until it counts as kept again

ASKED = {Action.SHUT_DOWN: ShutdownRequested, Action.CONNECT: ConnectRequested, Action.RESET: ResetRequested}


@dataclass(frozen=True, slots=True)
class BoxStep:
    """What follows from a reading."""

    lights: dict[Led, Light]
    sound: bool
    events: tuple[Event, ...]
    actions: tuple[Action, ...]


class Buzzer:
    """An alarm that one can silence, and that a new fault wakes again."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self.sounds = False

    def faults(self, faults: frozenset[str]) -> bool:
        """These hold now. Whether it began to sound."""
        new = bool(faults - self._known)
        began = new and not self.sounds
        self.sounds = bool(faults) and (self.sounds or new)
        self._known = faults
        return began

    def silence(self) -> bool:
        """Whether it was sounding. What is wrong goes on being wrong."""
        sounded, self.sounds = self.sounds, False
        return sounded


class Box:
    """The box. `observe` is called with every reading."""

    def __init__(self, *, power_on: bool) -> None:
        """`power_on`: the box was switched on a moment ago. A control button that is down then may mean a reset."""
        self._buzzer = Buzzer()
        self._buttons = Buttons()
        self._levels: dict[str, int] = {}  #: of each sensor: 0 normal, 1 high, 2 critical
        self._broken: dict[str, bool] = {}  #: of each fan and supply
        self._started = not power_on
        self._beep_until = 0.0

    @property
    def sounds(self) -> bool:
        """Whether the buzzer is an alarm now."""
        return self._buzzer.sounds

    def silence(self, by: str) -> BuzzerSilenced | None:
        """Silence the buzzer; None where it was silent."""
        return BuzzerSilenced(by) if self._buzzer.silence() else None

    def observe(
        self, reading: ChassisReading, scene: Scene, faults: frozenset[str], *, audible: bool, now: float
    ) -> BoxStep:
        """What follows. `scene` is without what the reading tells (`alarm` of others, no `networks`, no `flash`).
        `faults`: names of what else is wrong and shall be heard, such as a failed drive. `audible`: the buzzer may
        sound."""
        if not self._started:
            self._started = True
            self._buttons.started(reading.held, now)
        events = [
            *self._temperatures(reading.temperatures),
            *self._parts(reading),
        ]
        actions = [action for edge in reading.edges if (action := self._buttons.edge(edge)) is not None]
        if (held := self._buttons.tick(now)) is not None:
            actions.append(held)
        wrong = faults | {name for name, level in self._levels.items() if level}
        wrong |= {name for name, broken in self._broken.items() if broken}
        if self._buzzer.faults(wrong):
            events.append(BuzzerStarted(", ".join(sorted(wrong))))
        for action in actions:
            if action is Action.SILENCE:
                events += [silenced] if (silenced := self.silence("power button")) is not None else []
            else:
                events.append(ASKED[action]())
            if action is Action.SHUT_DOWN:
                self._beep_until = now + BEEP_SECONDS
        shown = replace(
            scene,
            alarm=scene.alarm or bool(wrong - faults),
            networks=[each.link for each in reading.networks],
            flash=self._buttons.flash(now),
        )
        sound = audible and (self._buzzer.sounds or now < self._beep_until)
        return BoxStep(lights(shown), sound, tuple(events), tuple(actions))

    def _temperatures(self, sensors: tuple[Temperature, ...]) -> Iterator[Event]:
        for sensor in sensors:
            if sensor.celsius is None:
                continue
            before = self._levels.get(sensor.name)
            level = _level(sensor, before or 0)
            self._levels[sensor.name] = level
            if level == before:
                continue
            if level == 2 and sensor.critical is not None:
                yield TemperatureCritical(sensor.name, sensor.celsius, sensor.critical)
            elif level == 1 and before != 2 and sensor.high is not None:
                yield TemperatureHigh(sensor.name, sensor.celsius, sensor.high)
            elif level == 0:
                yield TemperatureNormal(sensor.name, sensor.celsius)

    def _parts(self, reading: ChassisReading) -> Iterator[Event]:
        for fan in reading.fans:
            if self._changed(f"fan {fan.name}", not fan.ok):
                yield FanOk(fan.name) if fan.ok else FanFailed(fan.name, fan.rpm or 0)
        for supply in reading.supplies:
            if self._changed(f"supply {supply.name}", not supply.ok):
                yield SupplyOk(supply.name) if supply.ok else SupplyFailed(supply.name)

    def _changed(self, name: str, broken: bool) -> bool:
        """Whether it is news. At first sight being well is news too: it may end what a journal knows from before."""
        before = self._broken.get(name)
        self._broken[name] = broken
        return before is not broken


def _level(sensor: Temperature, before: int) -> int:
    """0 normal, 1 high, 2 critical. Who was above a limit is above it until it is `COOLER` below."""
    assert sensor.celsius is not None
    for level, limit in ((2, sensor.critical), (1, sensor.high)):
        if limit is not None and sensor.celsius >= limit - (COOLER if before >= level else 0):
            return level
    return 0


def poe_limit(full: Milliwatts, supplies: tuple[Supply, ...], spare: int) -> Milliwatts | None:
    """What is left of a PoE budget while supplies have failed; None: all of it.

    Supplies that work side by side each carry an equal share. `spare`: how many may fail without any loss.
    """
    working = sum(supply.ok for supply in supplies)
    needed = max(len(supplies) - spare, 1)
    if not supplies or working >= needed:
        return None
    return Milliwatts(full * working // needed)
