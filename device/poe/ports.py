"""The ports as a whole: readings of the hardware go in, orders to it and events come out.

Pure: the clock is an argument. What is wanted is worked out anew from every reading, and an order is given where the
hardware is not so. Therefore an order that got lost is given again, and a restart of this program changes nothing at
the ports: what has power when it is first seen keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from device.errors import NotFound
from device.events.event import Event
from device.events.hardware import (
    BudgetChanged,
    LinkDown,
    LinkUp,
    PortAdmitted,
    PortCycled,
    PortDenied,
    PortFault,
    PortPowered,
    PortRecovered,
    PortUnpowered,
    UsageHigh,
    UsageNormal,
)
from device.poe.budget import Allocation, Demand, Denied, Priority, allocate
from device.poe.errors import NothingToCycle, PortProtected, TooSoon
from device.poe.port import (
    Counters,
    Detection,
    Mode,
    Order,
    PortReading,
    PortRules,
    PortStatus,
    Reading,
    Rules,
    State,
    Status,
    Trouble,
    Verb,
)
from device.poe.power import Milliwatts, reservation

NOTHING = Milliwatts(0)
START_SECONDS = (
    10.0  #: that hardware may take from the order to the power, detection and classification included
)
RETRY_FIRST, RETRY_LAST = 5.0, 300.0  #: seconds until a port is tried again after a fault, doubling
STEADY_SECONDS = 60.0  #: of power after which a port's faults are forgotten


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from a reading."""

    orders: tuple[Order, ...]
    events: tuple[Event, ...]


@dataclass(slots=True)
class _Port:
    """What is remembered of a port."""

    reading: PortReading
    state: State
    since: float
    counters: Counters = field(default_factory=Counters)
    holds: Milliwatts = NOTHING
    asks: Milliwatts = NOTHING  #: last known; of a port that is off because it was denied
    denied: Denied | None = None
    start_by: float = 0.0  #: until then a port that was told to give power keeps its reservation
    cycle_until: float | None = None
    cycled: float | None = None
    told_denied: bool | None = None  #: what was said last; None: nothing yet
    told_fault: bool | None = None
    retry_at: float = 0.0
    retry_wait: float = RETRY_FIRST


class Ports:
    """All ports of one piece of hardware."""

    def __init__(self, rules: Rules, *, autonomous: bool) -> None:
        """`autonomous`: see `PoeDriver`."""
        self._rules = rules
        self._autonomous = autonomous
        self._ports: dict[int, _Port] = {}
        self._last = 0.0
        self._budget: Milliwatts | None = None
        self._reserved = NOTHING
        self._drawn = NOTHING
        self._told_high: bool | None = None

    def follow(self, rules: Rules) -> None:
        """Take other rules; they count from the next reading on."""
        self._rules = rules

    def cycle(self, port: int, *, by: str, now: float) -> PortCycled:
        """Take the power from a port for a moment. Its reservation stays.

        Raises NotFound, PortProtected, TooSoon, NothingToCycle.
        """
        known = self._known(port)
        if self._wanted(port).protected:
            raise PortProtected(port)
        if known.state not in (State.POWERED, State.STARTING, State.FAULT, State.CYCLING):
            raise NothingToCycle(port, known.state.value)
        if known.cycled is not None and now < known.cycled + self._rules.cycle_seconds:
            raise TooSoon(port, known.cycled + self._rules.cycle_seconds - now)
        known.cycled = now
        known.cycle_until = now + self._rules.off_seconds
        known.counters.cycles += 1
        return PortCycled(port, self._rules.off_seconds, by)

    def observe(self, reading: Reading, limit: Milliwatts | None, now: float) -> Step:
        """What follows from a reading. `limit`: what the box's supplies can give, None: as much as the rules say."""
        events: list[Event] = []
        budget = min(
            self._rules.budget, *(cap for cap in (reading.capacity, limit) if cap is not None), 1 << 40
        )
        if self._budget is not None and budget != self._budget:
            events.append(BudgetChanged(self._budget / 1000, budget / 1000))
        self._budget = Milliwatts(budget)
        demands = [demand for one in reading.ports if (demand := self._demand(one, now)) is not None]
        decided = allocate(demands, self._budget, preempt=self._rules.preempt)
        self._reserved = decided.reserved
        orders: list[Order] = []
        for one in reading.ports:
            events += self._become(one, decided, now)
            orders += self._orders(one, decided)
        self._drawn = Milliwatts(sum(one.drawn or 0 for one in reading.ports))
        events += self._usage()
        self._last = now
        return Step(tuple(orders), tuple(events))

    def status(self, now: float) -> Status:
        """How they are, as of the last reading."""
        ports = tuple(
            PortStatus(
                number,
                self._wanted(number),
                port.state,
                port.reading,
                port.holds,
                port.denied,
                now - port.since,
                port.counters,
            )
            for number, port in sorted(self._ports.items())
        )
        budget = self._rules.budget if self._budget is None else self._budget
        return Status(ports, budget, self._rules.budget, self._reserved, self._drawn)

    # --- what a port asks for ---

    def _known(self, port: int) -> _Port:
        if port not in self._ports:
            raise NotFound("port", str(port))
        return self._ports[port]

    def _wanted(self, port: int) -> PortRules:
        return self._rules.ports.get(port, PortRules())

    def _demand(self, reading: PortReading, now: float) -> Demand | None:
        """What the port asks for, None where nothing. Takes up a port that is seen for the first time."""
        port = self._ports.get(reading.port)
        asks = reservation(reading.power_class, reading.requested if self._rules.lldp else None)
        if port is None:
            powered = reading.detection is Detection.DELIVERING
            state = State.POWERED if powered else State.EMPTY
            port = _Port(replace(reading, trouble=None), state, now, holds=asks if powered else NOTHING)
            self._ports[reading.port] = port
        if port.cycle_until is not None and now >= port.cycle_until:
            port.cycle_until = None
            port.start_by = now + START_SECONDS
        if self._wanted(reading.port).mode is Mode.OFF:
            return None
        if port.cycle_until is not None:
            asks = port.holds
        else:
            match reading.detection:
                case Detection.DETECTED | Detection.DELIVERING:
                    port.asks = asks
                case Detection.DISABLED if port.denied is not None:
                    asks = port.asks  # the hardware cannot tell while it is off: as it was
                case Detection.SEARCHING | Detection.DISABLED if port.holds and now < port.start_by:
                    asks = port.holds
                case Detection.FAULT if self._tries_again(port, reading, now):
                    asks = port.asks or asks
                case _:
                    return None
        if not asks:
            return None
        wanted = self._wanted(reading.port)
        priority = Priority.CRITICAL if wanted.protected else wanted.priority
        return Demand(reading.port, asks, port.holds, priority)

    def _tries_again(self, port: _Port, reading: PortReading, now: float) -> bool:
        """Whether it is time to. Hardware that powers by itself also tries again by itself."""
        hopeless = self._autonomous or reading.trouble is Trouble.SIGNATURE
        return not hopeless and port.state in (State.FAULT, State.DENIED) and now >= port.retry_at

    # --- what becomes of it ---

    def _become(self, reading: PortReading, decided: Allocation, now: float) -> Iterator[Event]:
        """Bring what is remembered of the port up to date, and say what is new about it."""
        number = reading.port
        port, before = self._ports[number], self._ports[number].state
        yield from self._link(port.reading, reading)
        self._count(port, reading, now)
        port.reading = reading
        if reading.detection is Detection.DELIVERING:
            port.start_by = now  # from here on nothing there means that it is gone
        elif not port.holds and number in decided.granted:
            port.start_by = now + START_SECONDS
        port.holds = decided.granted.get(number, NOTHING)
        refused = decided.denied.get(number)
        if refused is None or port.denied is None:
            port.denied = refused
        else:  # the cause of the first day stays, with the figures of today
            port.denied = Denied(port.denied.cause, refused.asked, refused.left, port.denied.by)
        state = self._state(port, reading)
        if state is State.FAULT and before is not State.FAULT:
            port.retry_at = now + port.retry_wait
            port.retry_wait = min(port.retry_wait * 2, RETRY_LAST)
        elif state is State.FAULT and port.holds and reading.detection is Detection.FAULT:
            port.retry_at = now + port.retry_wait  # it is being tried; the next time is later
            port.retry_wait = min(port.retry_wait * 2, RETRY_LAST)
        elif state is State.EMPTY or (state is State.POWERED and now - port.since > STEADY_SECONDS):
            port.retry_wait = RETRY_FIRST
        if state is State.EMPTY:
            port.asks = NOTHING
        if state is not before:
            port.state, port.since = state, now
        yield from self._said(port, before)

    def _state(self, port: _Port, reading: PortReading) -> State:
        if self._wanted(reading.port).mode is Mode.OFF:
            return State.OFF
        if port.cycle_until is not None:
            return State.CYCLING
        if port.denied is not None:
            return State.DENIED
        if reading.detection is Detection.FAULT:
            return State.FAULT
        if port.holds:
            return State.POWERED if reading.detection is Detection.DELIVERING else State.STARTING
        return State.EMPTY

    def _said(self, port: _Port, before: State) -> Iterator[Event]:
        number, state, reading = port.reading.port, port.state, port.reading
        if state is State.POWERED and before is not State.POWERED:
            port.counters.powered += 1
            power_class = -1 if reading.power_class is None else reading.power_class
            yield PortPowered(number, power_class, port.holds / 1000, reading.device)
        if before is State.POWERED and state is not State.POWERED:
            yield PortUnpowered(number, state.value)
        # A journal may know of a problem from before a restart: what is well at first sight is said too.
        denied = port.denied
        if (denied is not None) is not port.told_denied:
            port.told_denied = denied is not None
            if denied is None:
                yield PortAdmitted(number)
            else:
                port.counters.denied += 1
                yield PortDenied(number, denied.cause, denied.asked / 1000, denied.left / 1000, denied.by)
        fault = state is State.FAULT
        if fault is not port.told_fault and state not in (State.STARTING, State.CYCLING):
            port.told_fault = fault
            if fault:
                yield PortFault(number, reading.trouble or Trouble.OTHER, reading.device)
            else:
                yield PortRecovered(number)

    def _link(self, before: PortReading, now: PortReading) -> Iterator[Event]:
        if now.link and not before.link:
            yield LinkUp(now.port, now.link)
        elif before.link and now.link == 0:
            yield LinkDown(now.port)

    def _count(self, port: _Port, reading: PortReading, now: float) -> None:
        if reading.trouble is not None and port.reading.trouble is not reading.trouble:
            port.counters.troubles[reading.trouble] += 1
        drawn = reading.drawn or NOTHING
        port.counters.energy += drawn / 1000 * max(now - self._last, 0.0) if self._last else 0.0
        port.counters.most = max(port.counters.most, drawn)

    def _usage(self) -> Iterator[Event]:
        assert self._budget is not None
        threshold, drawn, budget = self._rules.usage_percent, self._drawn / 1000, self._budget / 1000
        high = drawn * 100 > budget * threshold
        if high is not self._told_high:
            self._told_high = high
            yield UsageHigh(drawn, budget, threshold) if high else UsageNormal(drawn, budget)

    # --- what the hardware is told ---

    def _orders(self, reading: PortReading, decided: Allocation) -> Iterator[Order]:
        port, wanted = self._ports[reading.port], self._wanted(reading.port)
        if wanted.mode is Mode.OFF or port.cycle_until is not None:
            on = False
        elif self._autonomous:
            on = port.denied is None
        else:
            on = reading.port in decided.granted
        if on is not reading.on:
            yield Order(reading.port, Verb.POWER, on)
        network = wanted.mode is Mode.BOTH
        if reading.ethernet is not None and reading.ethernet is not network:
            yield Order(reading.port, Verb.ETHERNET, network)
