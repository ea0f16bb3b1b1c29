"""What is asked of the control plane about the box."""

from __future__ import annotations

from dataclasses import dataclass

from device.chassis.driver import Fan, Network, Supply, Temperature
from device.planes.messages import Done
from device.planes.wire import Request, message


@dataclass(frozen=True, slots=True)
class LightShown:
    """One light."""

    place: str  #: device.chassis.lights.Place
    number: int
    color: str  #: green | amber | red; empty: off
    blinks: bool


@message
class ChassisShown:
    """The box."""

    hardware: str  #: device.settings.chassis.ChassisHardware
    answers: bool
    detail: str  #: why it does not
    temperatures: tuple[Temperature, ...]
    fans: tuple[Fan, ...]
    supplies: tuple[Supply, ...]
    lights: tuple[LightShown, ...]
    buzzer: bool  #: it is an alarm now
    networks: tuple[Network, ...] = ()


@message
class AskChassis(Request[ChassisShown]):
    """How is the box?"""


@message
class SilenceBuzzer(Request[Done]):
    """Silence the buzzer. A new fault wakes it again."""

    by: str
