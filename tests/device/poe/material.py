"""Rules, and hardware with devices, for the tests of the ports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from device.events.event import Event
from device.poe.budget import Priority
from device.poe.port import Order, PortRules, PortStatus, Rules, State, Verb
from device.poe.ports import Ports
from device.poe.power import CLASSES, Milliwatts, watts
from device.poe.simulated import Device, SimulatedPse

RULES = Rules(watts(305), preempt=False, lldp=True, off_seconds=5, cycle_seconds=60, usage_percent=90)


def rules(budget: float = 305, **ports: PortRules) -> Rules:
    """Rules with that budget; `p3=PortRules(...)` are those of port 3."""
    return replace(RULES, budget=watts(budget), ports={int(name[1:]): each for name, each in ports.items()})


def device(power_class: int, name: str = "", draw: float | None = None) -> Device:
    """A device that draws half of what its class reserves, unless told otherwise."""
    half = Milliwatts(CLASSES[power_class].reserved // 2)
    return Device(name or f"class {power_class}", power_class, half if draw is None else watts(draw))


def nobody(port: int, powered: bool, linked: bool) -> None:
    """Nothing hangs on the port."""


@dataclass
class Bench:
    """Simulated hardware, the core that governs it, and a clock."""

    rules: Rules = RULES
    count: int = 16
    autonomous: bool = False
    limit: Milliwatts | None = None
    now: float = 1000.0
    events: list[Event] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    powered: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hardware = SimulatedPse(self.count, autonomous=self.autonomous, changed=self._changed)
        self.core = Ports(self.rules, autonomous=self.autonomous)

    def _changed(self, port: int, powered: bool, linked: bool) -> None:
        assert powered or not linked
        if self.powered.get(port) is not powered:
            self.powered[port] = powered

    async def look(self, seconds: float = 1.0) -> list[Event]:
        """One reading and what follows from it, `seconds` later; the events."""
        self.now += seconds
        step = self.core.observe(await self.hardware.read(), self.limit, self.now)
        self.orders = list(step.orders)
        for order in step.orders:
            if order.verb is Verb.POWER:
                await self.hardware.set_power(order.port, order.on)
            else:
                await self.hardware.set_ethernet(order.port, order.on)
        self.events += step.events
        return list(step.events)

    async def settle(self) -> None:
        """As many readings as it takes until nothing is ordered any more."""
        for _ in range(10):
            await self.look()
            if not self.orders:
                return
        raise AssertionError(f"the core never comes to rest: {self.orders}")

    def port(self, number: int) -> PortStatus:
        """A port, now."""
        return next(each for each in self.core.status(self.now).ports if each.port == number)

    def states(self, numbers: Iterable[int]) -> list[State]:
        """What ports are doing."""
        return [self.port(number).state for number in numbers]

    def kinds(self) -> list[str]:
        """The names of the events so far that say something about a problem or a change, and forget them."""
        quiet = {"poe.port-admitted", "poe.port-recovered", "poe.usage-normal"}
        names = [event.name for event in self.events if event.name not in quiet]
        self.events.clear()
        return names


CRITICAL, HIGH, LOW = Priority.CRITICAL, Priority.HIGH, Priority.LOW
