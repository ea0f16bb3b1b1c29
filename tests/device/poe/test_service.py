"""The ports at work: hardware that goes and comes back, and orders in an order that keeps the budget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from device.events.event import Event
from device.events.hardware import PoeBack, PoeLost
from device.poe.errors import TooSoon
from device.poe.port import State
from device.poe.power import Milliwatts, watts
from device.poe.service import PoeService, shown
from device.poe.simulated import SimulatedPse
from tests.device.clock.simulated import SimulatedClock
from tests.device.poe.material import device, nobody, rules


@dataclass
class Work:
    """A service at work on simulated ports."""

    hardware: SimulatedPse
    service: PoeService
    said: list[Event]
    limit: Milliwatts | None = None

    async def until(self, port: int, state: State) -> None:
        """Wait until a port is in a state."""
        await self.true(lambda: self.state(port) is state)

    async def true(self, what: Callable[[], bool]) -> None:
        """Wait until it is."""
        async with asyncio.timeout(30):
            while not what():  # noqa: ASYNC110 - hardware has no event
                await asyncio.sleep(0.01)

    def state(self, port: int) -> State | None:
        """What a port is doing; None before the first reading."""
        ports = self.service.status().ports
        return ports[port - 1].state if ports else None


@pytest.fixture
async def work() -> AsyncIterator[Work]:
    hardware = SimulatedPse(16, autonomous=False, changed=nobody)
    hardware.interval = 0.01
    said: list[Event] = []
    made = Work(
        hardware,
        PoeService("simulated", hardware, rules(60), SimulatedClock(), said.append, lambda: made.limit),
        said,
    )
    running = asyncio.create_task(made.service.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_is_plugged_in_is_powered(work: Work) -> None:
    work.hardware.plug(1, device(4))
    await work.until(1, State.POWERED)


async def test_hardware_that_does_not_answer_is_said_once_and_so_is_its_return(work: Work) -> None:
    work.hardware.plug(1, device(4))
    await work.until(1, State.POWERED)
    work.hardware.broken = True
    await work.true(lambda: bool(work.service.fault))
    told = shown("simulated", work.service)
    assert (told.answers, told.ports[0].state) == (False, "powered")
    assert "broken" in told.detail
    work.hardware.broken = False

    def names() -> list[type[Event]]:
        return [type(each) for each in work.said if isinstance(each, PoeLost | PoeBack)]

    await work.true(lambda: len(names()) == 3)
    assert shown("simulated", work.service).answers
    assert names() == [PoeBack, PoeLost, PoeBack]


async def test_other_rules_count_at_once(work: Work) -> None:
    for port in (1, 2, 3):
        work.hardware.plug(port, device(4))
    await work.until(3, State.DENIED)
    work.service.follow(rules(90))
    await work.until(3, State.POWERED)


async def test_a_smaller_supply_is_followed_without_being_told(work: Work) -> None:
    for port in (1, 2):
        work.hardware.plug(port, device(4))
    await work.until(2, State.POWERED)
    work.limit = watts(31)
    await work.until(2, State.DENIED)
    assert work.state(1) is State.POWERED


async def test_a_cycle_is_said_and_a_second_one_refused(work: Work) -> None:
    work.hardware.plug(1, device(4))
    await work.until(1, State.POWERED)
    work.service.cycle(1, "anna")
    await work.until(1, State.CYCLING)
    assert [each.name for each in work.said].count("poe.port-cycled") == 1
    with pytest.raises(TooSoon):
        work.service.cycle(1, "anna")


async def test_without_hardware_nothing_is_shown() -> None:
    told = shown("none", None)
    assert (told.hardware, told.ports, told.budget) == ("none", (), 0)
