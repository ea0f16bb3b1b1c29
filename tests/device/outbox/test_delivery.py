"""Delivery: every letter arrives, in order, whatever its destination does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from device.errors import PeerFault
from device.events.event import Event
from device.events.outbox import DeliveryBack, DeliveryFailing, DeliveryRefused
from device.outbox.delivery import SLOW, Undeliverable, deliver
from device.outbox.outbox import Box, Draft, Letter, Limits, Outbox
from tests.device.clock.simulated import SimulatedClock

LIMITS = Limits(octets=10_000_000, seconds=86_400.0)
WITHIN = 60.0


class Away(PeerFault):
    """The destination is away."""


class Destination:
    """Takes a few letters at a time, and fails as told."""

    window = 5

    def __init__(self) -> None:
        self.took: list[str] = []
        self.faults: list[Exception] = []  #: raised one after the other
        self.some_more = asyncio.Event()

    async def send(self, letters: Sequence[Letter]) -> int:
        if self.faults:
            raise self.faults.pop(0)
        await asyncio.sleep(0)
        took = letters[: max(1, len(letters) - 1)]
        self.took += [letter.body.decode() for letter in took]
        self.some_more.set()
        return len(took)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(WITHIN):
            while len(self.took) < count:
                self.some_more.clear()
                await self.some_more.wait()


class Rig:
    """A box under way."""

    def __init__(self, outbox: Outbox, said: list[Event]) -> None:
        self.box: Box = outbox.box("away", LIMITS)
        self.said = said
        self.destination = Destination()

    def said_of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.said if isinstance(event, kind)]


@contextlib.asynccontextmanager
async def under_way(folder: Path, slow: float = SLOW) -> AsyncIterator[Rig]:
    said: list[Event] = []
    clock = SimulatedClock()
    outbox = Outbox(folder / "outbox.db", clock, said.append)
    rig = Rig(outbox, said)
    work = asyncio.create_task(deliver(rig.box, rig.destination, clock, said.append, lambda: 0.0, slow=slow))
    try:
        yield rig
        assert not work.done()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        outbox.close()


def put(box: Box, *numbers: int) -> None:
    box.put([Draft("t", str(number).encode()) for number in numbers])


async def test_everything_arrives_in_order_where_a_destination_takes_a_part(tmp_path: Path) -> None:
    async with under_way(tmp_path) as rig:
        put(rig.box, *range(50))
        await rig.destination.until(50)
        assert rig.destination.took == [str(number) for number in range(50)]
        assert not rig.said_of(DeliveryFailing)


async def test_a_destination_that_fails_is_told_once_and_tried_until_it_is_back(tmp_path: Path) -> None:
    async with under_way(tmp_path) as rig:
        rig.destination.faults = [Away("no route"), Away("no route"), Away("still none")]
        put(rig.box, *range(10))
        await rig.destination.until(10)
        assert rig.destination.took == [str(number) for number in range(10)]
        (failing,) = rig.said_of(DeliveryFailing)
        assert isinstance(failing, DeliveryFailing)
        assert failing.detail == "no route"
        assert rig.box.fault == ""
        back = rig.said_of(DeliveryBack)[-1]
        assert rig.said.index(back) > rig.said.index(failing)


async def test_a_letter_that_is_never_taken_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async with under_way(tmp_path) as rig:
        rig.destination.faults = [Undeliverable("too large for the broker")]
        put(rig.box, *range(10))
        await rig.destination.until(9)
        assert rig.destination.took == [str(number) for number in range(1, 10)]
        assert rig.said_of(DeliveryRefused)
        assert rig.box.dropped == 1


async def test_a_defect_of_a_sender_is_an_outage_like_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with under_way(tmp_path) as rig:
        rig.destination.faults = [KeyError("defect")]
        put(rig.box, 1)
        await rig.destination.until(1)
        assert rig.said_of(DeliveryFailing)
    assert "KeyError" in capsys.readouterr().err


async def test_a_destination_that_says_nothing_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with under_way(tmp_path, slow=0.05) as rig:
        silent = asyncio.Event()

        async def send(letters: Sequence[Letter]) -> int:
            await silent.wait()
            return len(letters)

        monkeypatch.setattr(rig.destination, "send", send)
        put(rig.box, 1)
        async with asyncio.timeout(WITHIN):
            while not rig.said_of(DeliveryFailing):  # noqa: ASYNC110 - it has no event of its own
                await asyncio.sleep(0.01)
            silent.set()
            while rig.box.waiting:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        assert rig.said_of(DeliveryBack)
