"""The ports at work: reads the hardware, lets the core decide, gives its orders, says its events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from device.clock import Clock
from device.events.event import Event
from device.events.hardware import PoeBack, PoeLost
from device.poe.driver import PoeDriver, PoeUnavailable
from device.poe.messages import PoeShown, PortShown
from device.poe.port import Order, PortStatus, Rules, Status, Trouble, Verb
from device.poe.ports import Ports
from device.poe.power import Milliwatts
from device.waiting import woken

SOON = 0.1  #: seconds from an order to the look whether it was followed
JOULES_PER_WATT_HOUR = 3600


class PoeService:
    """Governs the ports of one piece of hardware, as long as `run` runs."""

    def __init__(
        self,
        name: str,
        driver: PoeDriver,
        rules: Rules,
        clock: Clock,
        publish: Callable[[Event], object],
        limit: Callable[[], Milliwatts | None],
    ) -> None:
        """`name`: of the hardware, for events. `limit`: what the box's supplies can give now; None: all."""
        self._name = name
        self._driver = driver
        self._core = Ports(rules, autonomous=driver.autonomous)
        self._clock = clock
        self._publish = publish
        self._limit = limit
        self._wake = asyncio.Event()
        self._told: str | None = None  #: the fault that was said last; None: nothing yet
        self.fault = ""  #: why the hardware does not answer; empty while it does

    async def run(self) -> None:
        """For ever. The hardware may come and go."""
        while True:
            wait = self._driver.interval
            self._wake.clear()
            try:
                if await self._step():
                    wait = min(wait, SOON)
                self.fault = ""
            except PoeUnavailable as error:
                self.fault = str(error)
            if self.fault != self._told:
                self._told = self.fault
                self._publish(PoeLost(self._name, self.fault) if self.fault else PoeBack(self._name))
            await woken(self._wake, wait)

    def follow(self, rules: Rules) -> None:
        """Take other rules, at once."""
        self._core.follow(rules)
        self._wake.set()

    def cycle(self, port: int, by: str) -> None:
        """See `Ports.cycle`. Returns when it is decided, not when it is done."""
        self._publish(self._core.cycle(port, by=by, now=self._clock.monotonic()))
        self._wake.set()

    def status(self) -> Status:
        """How the ports are, as of the last reading."""
        return self._core.status(self._clock.monotonic())

    async def _step(self) -> bool:
        """Read, decide, order; whether anything was ordered. Raises PoeUnavailable."""
        reading = await self._driver.read()
        step = self._core.observe(reading, self._limit(), self._clock.monotonic())
        for event in step.events:
            self._publish(event)
        # What is taken away goes first, so that the hardware never gives more than the budget in between.
        for order in sorted(step.orders, key=lambda order: order.on):
            await self._obey(order)
        return bool(step.orders)

    async def _obey(self, order: Order) -> None:
        if order.verb is Verb.POWER:
            await self._driver.set_power(order.port, order.on)
        else:
            await self._driver.set_ethernet(order.port, order.on)


def shown(hardware: str, service: PoeService | None) -> PoeShown:
    """The ports as the other planes and the command line see them; none where there is no hardware."""
    if service is None:
        return PoeShown(hardware, True, "", 0, 0, 0, 0, ())
    status = service.status()
    return PoeShown(
        hardware,
        not service.fault,
        service.fault,
        status.budget,
        status.full,
        status.reserved,
        status.drawn,
        tuple(_port(each) for each in status.ports),
    )


def _port(port: PortStatus) -> PortShown:
    counters, troubles = port.counters, port.counters.troubles
    return PortShown(
        port.port,
        port.rules.name,
        port.rules.mode.value,
        port.rules.priority.name.lower(),
        port.rules.protected,
        port.state.value,
        port.reason,
        port.reading.power_class,
        port.reserved,
        port.reading.drawn,
        port.reading.link,
        port.reading.device,
        port.since,
        counters.powered,
        counters.cycles,
        counters.denied,
        troubles[Trouble.SIGNATURE],
        troubles[Trouble.SHORT],
        troubles[Trouble.OVERLOAD],
        troubles[Trouble.START] + troubles[Trouble.OTHER],
        counters.energy / JOULES_PER_WATT_HOUR,
        counters.most,
    )
