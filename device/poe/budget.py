"""Who gets power: a pure function from what the ports ask for to what is done about it.

A port that has power keeps it. It loses it for two causes only, and is told which: the budget became smaller than what
is given, or (where pre-emption is allowed) a port of higher priority needs it. Everything else waits for what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    queue = sorted(ports, key=_order)
    granted: dict[int, Milliwatts] = {}
    denied: dict[int, Denied] = {}
    left = budget
    running, waiting, lost = [], [], []
    for one in queue:
        if not one.holds:
            waiting.append(one)
            continue
        keeps = one.holds if one.holds < one.asks else one.asks
        if keeps > left:
            denied[one.port] = Denied(Cause.SHED, one.asks, left)
            lost.append(one)
            continue
        granted[one.port] = keeps
        left = Milliwatts(left - keeps)
        running.append(one)
    for one in waiting:
        if preempt and one.asks > left:
            for victim in _victims(running, granted, one, left):
                running.remove(victim)
                lost.append(victim)
                left = Milliwatts(left + granted.pop(victim.port))
                denied[victim.port] = Denied(Cause.PREEMPTED, victim.asks, Milliwatts(0), one.port)
        if one.asks > left:
            denied[one.port] = Denied(Cause.BUDGET, one.asks, left)
            continue
        granted[one.port] = one.asks
        left = Milliwatts(left - one.asks)
    for one in sorted(lost, key=_order):  # what was taken for one port may be more than it needed
        keeps = min(one.holds, one.asks)
        if keeps <= left:
            granted[one.port] = keeps
            left = Milliwatts(left - keeps)
            del denied[one.port]
    for one in queue:
        if one.holds and one.asks > one.holds and one.port in granted and one.asks - one.holds <= left:
            left = Milliwatts(left - one.asks + one.holds)
            granted[one.port] = one.asks
    return Allocation(granted, denied, Milliwatts(budget - left))


def _victims(
    running: Sequence[Demand], granted: Mapping[int, Milliwatts], one: Demand, left: Milliwatts
) -> list[Demand]:
    """Whom to take power from so that `one` fits: the least important first, nobody in vain, nobody of its own
    priority. Empty where it would not fit even so."""
    free = int(left)
    taken: list[Demand] = []
    for other in reversed(running):
        if other.priority <= one.priority or free >= one.asks:
            break
        taken.append(other)
        free += granted[other.port]
    if free < one.asks:
        return []
    for other in reversed(taken[:]):  # the most important of them first: perhaps the others are enough
        if free - granted[other.port] >= one.asks:
            free -= granted[other.port]
            taken.remove(other)
    return taken
