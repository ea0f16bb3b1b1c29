"""What the recorder needs of its box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from device.chassis.buttons import Button, Edge
from device.chassis.lights import Led, Light
from device.errors import Fault


class ChassisUnavailable(Fault):
    """The box's sensors or lights do not answer."""

    transient = True


@dataclass(frozen=True, slots=True)
class Temperature:
    """One sensor. Degrees Celsius."""

    name: str
    celsius: float | None  #: None: the sensor is broken
    high: float | None  #: from here on too warm; None: nobody says
    critical: float | None  #: from here on damage is near


@dataclass(frozen=True, slots=True)
class Fan:
    """One fan."""

    name: str
    rpm: int | None  #: None: it does not tell
    ok: bool


@dataclass(frozen=True, slots=True)
class Supply:
    """One power supply."""

    name: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Network:
    """One of the recorder's own network connectors, at the rear."""

    name: str  #: as printed on the box: LAN, AUX, SFP
    link: int  #: Mbit/s; 0: no link


@dataclass(frozen=True, slots=True)
class ChassisReading:
    """What the box tells, all at one time."""

    temperatures: tuple[Temperature, ...]
    fans: tuple[Fan, ...]
    supplies: tuple[Supply, ...]
    held: frozenset[Button]  #: the buttons that are down
    edges: tuple[Edge, ...]  #: presses and releases since the last reading, oldest first
    networks: tuple[Network, ...] = ()  #: in the order of their lights; none where nobody says which they are


class ChassisDriver(Protocol):
    """The box. Every method may raise ChassisUnavailable."""

    interval: float
    """Seconds from one `read` to the next."""

    async def read(self) -> ChassisReading:
        """How it is."""

    async def show(self, lights: Mapping[Led, Light]) -> None:
        """Let these lights be so, as far as the box has them; the others stay."""

    async def sound(self, on: bool) -> None:
        """Switch the buzzer."""

    async def close(self) -> None:
        """Let go of the box. Its lights stay as they are."""
