"""Who gets power: a pure function from what the ports ask for to what is done about it.

A port that has power keeps it. It loses it for two causes only, and is told which: the budget became smaller than what
is given, or (where pre-emption is allowed) a port of higher priority needs it. Everything else waits for what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from operator import attrgetter
from typing import NamedTuple

from device.poe.power import Milliwatts


class Priority(IntEnum):
    """Who goes first (RFC 3621, pethPsePortPowerPriority)."""

    CRITICAL = 1
    HIGH = 2
    LOW = 3


class Cause(Enum):
    """Why a port that asks for power has none."""

    BUDGET = "budget"  #: what is left is not enough
    SHED = "shed"  #: the budget became smaller
    PREEMPTED = "preempted"  #: a port of higher priority took it


@dataclass(frozen=True, slots=True)
class Demand:
    """One port with a device that wants power."""

    port: int
    asks: Milliwatts  #: to reserve
    holds: Milliwatts  #: reserved already; 0: it has no power
    priority: Priority
    order: int = field(init=False, compare=False)  #: who goes first among all: by priority, then by number

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", self.priority << 16 | self.port)


class Denied(NamedTuple):
    """A port is left without power, or loses it."""

    cause: Cause
    asked: Milliwatts
    left: Milliwatts  #: of the budget, when it was its turn
    by: int = 0  #: the port that took it, where pre-empted


@dataclass(frozen=True, slots=True)
class Allocation:
    """What is to be done."""

    granted: dict[int, Milliwatts]  #: the ports that have power from now on, and what each reserves
    denied: dict[int, Denied]  #: the ports that have none
    reserved: Milliwatts  #: in all, never more than the budget

    @property
    def powered(self) -> frozenset[int]:
        """The ports that have power from now on."""
        return frozenset(self.granted)


_order = attrgetter("order")


def allocate(ports: Iterable[Demand], budget: Milliwatts, *, preempt: bool) -> Allocation:
    """Decide about all ports at once. The same ports and budget give the same decision, in whatever order they come.

    Ports that have power come first, by priority and then by number: each keeps what it holds, as far as the budget
    goes. What they hold but no longer ask for is free at once. Then the others come, each as a whole or not at all; a
    small one may fit where a larger one did not. Of what is left then, those that have power and ask for more get it
    where it fits, and go on with what they hold where not.
    """
    granted: dict[int, Milliwatts] = {}
    denied: dict[int, Denied] = {}
    left: int = budget
    running: list[Demand] = []
    waiting: list[Demand] = []
    hungry: list[Demand] = []  #: they have power, and ask for more
    lost: list[Demand] = []
    held = [0] * (Priority.LOW + 1)  #: by those that run, of each priority
    for one in sorted(ports, key=_order):
        asks, holds = one.asks, one.holds
        if not holds:
            waiting.append(one)
            continue
        keeps = asks
        if holds < asks:
            keeps = holds
            hungry.append(one)
        if keeps > left:
            denied[one.port] = Denied(Cause.SHED, asks, Milliwatts(left))
            lost.append(one)
            continue
        granted[one.port] = keeps
        left -= keeps
        held[one.priority] += keeps
        running.append(one)
    for one in waiting:
        asks = one.asks
        if asks > left and preempt and asks <= left + sum(held[one.priority + 1 :]):
            for victim in _victims(running, granted, one, left):
                lost.append(victim)
                taken = granted.pop(victim.port)
                left += taken
                held[victim.priority] -= taken
                denied[victim.port] = Denied(Cause.PREEMPTED, victim.asks, Milliwatts(0), one.port)
        if asks > left:
            denied[one.port] = Denied(Cause.BUDGET, asks, Milliwatts(left))
            continue
        granted[one.port] = asks
        left -= asks
    for one in sorted(lost, key=_order):  # what was taken for one port may be more than it needed
        keeps = min(one.holds, one.asks)
        if keeps <= left:
            granted[one.port] = keeps
            left -= keeps
            del denied[one.port]
    for one in hungry:
        if one.asks - one.holds <= left and one.port in granted:
            left -= one.asks - one.holds
            granted[one.port] = one.asks
    return Allocation(granted, denied, Milliwatts(budget - left))


def _victims(
    running: list[Demand], granted: Mapping[int, Milliwatts], one: Demand, left: int
) -> list[Demand]:
    """Whom to take power from so that `one` fits, which it would: the least important first, nobody in vain, nobody of
    its own priority. `running`: those who had power, the most important first; some may have lost it."""
    while running[-1].port not in granted:
        running.pop()
    asks, free = one.asks, left
    taken: list[Demand] = []
    for other in reversed(running):
        if free >= asks:
            break
        if other.port in granted:  # it was not taken for another one
            taken.append(other)
            free += granted[other.port]
    victims: list[Demand] = []
    for other in reversed(taken):  # the most important of them first: perhaps the others are enough
        gives = granted[other.port]
        if free - gives >= asks:
            free -= gives
        else:
            victims.append(other)
    return victims
