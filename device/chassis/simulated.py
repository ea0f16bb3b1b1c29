"""A simulated box: two supplies, two fans, three sensors, buttons, a buzzer, and every light that there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from device.chassis.buttons import Button, Edge
from device.chassis.driver import ChassisReading, ChassisUnavailable, Fan, Network, Supply, Temperature
from device.chassis.lights import Led, Light
from device.clock import Clock
from device.errors import NotFound

T = TypeVar("T")


class SimulatedChassis:
    """Implements `ChassisDriver`, and has what only a simulation has: hands, and eyes to see the lights."""

    interval = 0.25

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._temperatures = {
            "cpu": Temperature("cpu", 52.0, 85.0, 95.0),
            "board": Temperature("board", 38.0, 60.0, 70.0),
            "drives": Temperature("drives", 36.0, 55.0, 60.0),
        }
        self._fans = {name: Fan(name, 2400, True) for name in ("1", "2")}
        self._supplies = {name: Supply(name, True) for name in ("1", "2")}
        self._networks = {name: Network(name, link) for name, link in (("LAN", 2500), ("AUX", 0), ("SFP", 0))}
        self._held: set[Button] = set()
        self._edges: list[Edge] = []
        self.lights: dict[Led, Light] = {}  #: as they are
        self.sounding = False
        self.broken = False  #: does not answer

    # --- the driver ---

    async def read(self) -> ChassisReading:
        """ChassisDriver."""
        self._answer()
        edges, self._edges = tuple(self._edges), []
        return ChassisReading(
            tuple(self._temperatures.values()),
            tuple(self._fans.values()),
            tuple(self._supplies.values()),
            frozenset(self._held),
            edges,
            tuple(self._networks.values()),
        )

    async def show(self, lights: Mapping[Led, Light]) -> None:
        """ChassisDriver."""
        self._answer()
        self.lights |= lights

    async def sound(self, on: bool) -> None:
        """ChassisDriver."""
        self._answer()
        self.sounding = on

    async def close(self) -> None:
        """ChassisDriver."""

    # --- hands ---

    def heat(self, sensor: str, celsius: float | None) -> None:
        """Let a sensor tell so much; None: let it be broken. Raises NotFound."""
        known = _known(self._temperatures, "sensor", sensor)
        self._temperatures[sensor] = replace(known, celsius=celsius)

    def fan(self, name: str, ok: bool) -> None:
        """Let a fan stand still, or turn again. Raises NotFound."""
        _known(self._fans, "fan", name)
        self._fans[name] = Fan(name, 2400 if ok else 0, ok)

    def supply(self, name: str, ok: bool) -> None:
        """Let a supply fail, or work again. Raises NotFound."""
        _known(self._supplies, "supply", name)
        self._supplies[name] = Supply(name, ok)

    def network(self, name: str, link: int) -> None:
        """Plug a cable of so many Mbit/s into a network connector; 0: pull it out. Raises NotFound."""
        _known(self._networks, "network connector", name)
        self._networks[name] = Network(name, link)

    def press(self, button: Button, down: bool) -> None:
        """Press a button, or let it go."""
        if (button in self._held) is not down:
            self._edges.append(Edge(button, down, self._clock.monotonic()))
            self._held.symmetric_difference_update({button})

    def _answer(self) -> None:
        if self.broken:
            raise ChassisUnavailable("The simulated box is told to be broken.")


def _known(parts: Mapping[str, T], kind: str, name: str) -> T:
    if name not in parts:
        raise NotFound(kind, name)
    return parts[name]
