"""In a guest, at length: recording goes on while drives of each level fail, are pulled and are replaced.

Takes many minutes on a machine without virtualisation, so that it is not among what every change has to pass:

    ./holdfast test tests/device/raid/guest_losses.py
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from device.raid.level import Level
from device.raid.linux.driver import LinuxRaid
from device.raid.state import Condition, Kind, Reading, Status, condition
from tests.crash.live import CAMERAS
from tests.device.raid import contract
from tests.device.raid.test_guest import ROOT, VIDEO, Box, box

__all__ = ["box"]  # a fixture

PATIENCE = 240.0  #: seconds for anything in a guest on a busy machine
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


class Tape:
    """The program of `tape`, in the guest."""

    def __init__(self, box: Box) -> None:
        box.tapes += 1
        self._guest, self._name = box.guest, f"orders-{box.tapes}"
        self._seen = len(self._guest.told)
        box.guest.leave(
            sys.executable, "-m", "tests.device.raid.tape", f"/exchange/{self._name}", folder=ROOT
        )

    def order(self, *words: object) -> None:
        with (self._guest.folder / "exchange" / self._name).open("a") as file:
            file.write(" ".join(map(str, words)) + "\n")

    @property
    def told(self) -> str:
        """Since the last `judged`, or the start."""
        return self._guest.told[self._seen :]

    def safe(self) -> int:
        """How often something was acknowledged."""
        return self.told.count("safe ")

    async def recorded(self) -> None:
        """Until some more is acknowledged that is recorded from now on."""
        before = self.safe()
        await until(lambda: self.safe() >= before + 6, "it records", lambda: self.told[-2000:])

    async def judged(self) -> Any:
        """The verdict."""
        await until(lambda: "judged " in self.told, "it is judged", lambda: self.told[-2000:])
        verdict = json.loads(self.told.partition("judged ")[2].splitlines()[0])
        self._seen = len(self._guest.told)
        return verdict


async def until(holds: Callable[[], bool], what: str, said: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < limit, f"still not: {what}; {said()}"
        await asyncio.sleep(0.2)


async def reads(driver: LinuxRaid, holds: Callable[[Reading], bool], what: str) -> Reading:
    """The first reading of which it holds."""
    limit = time.monotonic() + PATIENCE
    while True:
        reading = await driver.read()
        if holds(reading):
            return reading
        assert time.monotonic() < limit, f"still not: {what}; {reading}"


def without(bay: int) -> Callable[[Reading], bool]:
    """Whether a bay is empty."""
    return lambda reading: reading.drive(bay) is None


def with_drive(bay: int) -> Callable[[Reading], bool]:
    """Whether there is a drive in a bay."""
    return lambda reading: reading.drive(bay) is not None


@dataclass(frozen=True)
class Loss:
    """What is done to an array while it is recorded on."""

    level: Level
    bays: tuple[int, ...]
    faulty: int  #: bay whose drive is thrown out; 0: none
    pulled: int  #: bay whose drive is pulled; 0: none


LOSSES = (
    Loss(Level.RAID1, (1, 2), faulty=2, pulled=0),
    Loss(Level.RAID5, (1, 2, 3), faulty=0, pulled=1),
    Loss(Level.RAID6, (1, 2, 3, 4), faulty=3, pulled=4),
    Loss(Level.RAID10, (1, 2, 3, 4), faulty=0, pulled=2),
)


async def test_no_second_is_lost_and_no_byte_is_wrong_while_drives_fail_are_pulled_and_replaced(
    box: Box,
) -> None:
    tape = Tape(box)
    for number, loss in enumerate(LOSSES):
        driver = box.driver()
        await driver.create(loss.level, loss.bays, ())
        await driver.make(Kind.EXT4)
        await driver.mount(read_only=False)
        tape.order("record", VIDEO / "store", number * 10_000)
        await tape.recorded()
        if loss.faulty:
            await box.throw_out(loss.faulty)
        if loss.pulled:
            await box.pull(loss.pulled)
        await reads(driver, contract.is_(Status.DEGRADED), "degraded")
        await tape.recorded()
        for bay in filter(None, (loss.faulty, loss.pulled)):
            if bay == loss.faulty:
                await driver.remove(bay)
                await box.pull(bay)
            await reads(driver, without(bay), "the bay is empty")
            await box.insert(bay)
            await reads(driver, with_drive(bay), "there is a new drive")
            await driver.remove(bay)
            await driver.add(bay)
        whole = await reads(driver, contract.is_(Status.ONLINE), "whole again")
        assert [condition(whole, bay) for bay in loss.bays] == [Condition.ONLINE] * len(loss.bays)
        await tape.recorded()
        tape.order("stop")
        verdict = await tape.judged()
        assert (verdict["problems"], verdict["lost"], verdict["storage_gaps"]) == ([], 0, 0), loss
        # The last one of each camera is there, as nothing is lost; how long it lasts nobody knows.
        assert verdict["units"] >= verdict["sent"] - len(CAMERAS) > 0
        await driver.scrub(on=True)
        compared = await reads(
            driver, lambda now: now.array is not None and now.array.work is None, "compared"
        )
        assert compared.array is not None
        assert compared.array.mismatches == 0
        await driver.unmount()
        await driver.dissolve()
    tape.order("end")
