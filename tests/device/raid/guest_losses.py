"""In a guest, at length: recording goes on while drives of each level fail, are pulled and are replaced, and is
there after the power was cut in the middle of it.

Takes many minutes on a machine without virtualisation, so that it is not among what every change has to pass:

    ./holdfast test tests/device/raid/guest_losses.py
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from device.linux.run import ProgramFailed
from device.raid.errors import WrongPassword
from device.raid.level import Level
from device.raid.linux.driver import DIRTY, LinuxRaid
from device.raid.state import Condition, Kind, Reading, Status, condition, status
from tests.crash.live import CAMERAS
from tests.device.raid import contract
from tests.device.raid.test_guest import ROOT, SIZE, VIDEO, Box, box
from tests.guest import machine

__all__ = ["box"]  # a fixture

SECRET = "correct horse"
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
        await made(driver, loss.level, loss.bays, encrypted=False)
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
        await compared_and_taken_apart(driver)
    tape.order("end")


@dataclass(frozen=True)
class Cut:
    """An array that has lost the drive of bay 2 when its power goes."""

    level: Level
    bays: tuple[int, ...]
    encrypted: bool = False
    old: bool = False  #: made before arrays had a log of partial parity
    returned: bool = (
        False  #: the drive that was missing is back when the power is; what is on it is out of date
    )


CUTS = (
    Cut(Level.RAID5, (1, 2, 3), returned=True),
    Cut(Level.RAID5, (1, 2, 3), old=True, returned=True),
    Cut(Level.RAID6, (1, 2, 3, 4), encrypted=True, returned=True),
    Cut(Level.RAID10, (1, 2, 3, 4)),
)


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: f"{cut.level.name}{'-old' * cut.old}")
async def test_an_array_whose_power_goes_while_a_drive_is_missing_starts_again_without_it(
    box: Box, cut: Cut
) -> None:
    driver = box.driver()
    uuid = await made(driver, cut.level, cut.bays, encrypted=cut.encrypted)
    if cut.old:
        (md,) = await box.machine.find("/sys/block/md*/md")
        await box.machine.write(f"{md}/consistency_policy", "resync")
    tape = Tape(box)
    tape.order("record", VIDEO / "store", 0)
    await tape.recorded()
    away = box.names[2]
    await box.pull(2)
    await reads(driver, contract.is_(Status.DEGRADED), "degraded")
    await tape.recorded()
    box.guest.cut()
    told = tape.told.rpartition("\n")[0]

    box.start()
    if cut.returned:
        box.guest.plug(machine.Disk(away, SIZE), 1)
        await reads(box.driver(), with_drive(2), "it is back")
    await some_program_begins_to_put_it_together(box, cut.bays)
    driver = box.driver()
    await driver.assemble()
    reading = await driver.read()
    assert reading.array is not None
    assert (reading.array.uuid, status(reading.array)) == (uuid, Status.DEGRADED)
    assert condition(reading, 2) is (Condition.UNUSED if cut.returned else Condition.EMPTY)
    assert await box.text(DIRTY) == "0\n", "other arrays of the machine are not started dirty"
    await opened(driver, encrypted=cut.encrypted)
    await nothing_acknowledged_is_lost(box, told)

    if not cut.returned:
        await box.insert(2)
        await reads(driver, with_drive(2), "there is a new drive")
    await driver.add(2)
    await reads(driver, contract.is_(Status.ONLINE), "whole again")
    await nothing_acknowledged_is_lost(box, told)
    await compared_and_taken_apart(driver)


@pytest.mark.proves("M-068", "M-069")
async def test_a_rebuild_whose_power_is_cut_goes_on_and_what_was_recorded_meanwhile_is_there(
    box: Box,
) -> None:
    driver = box.driver()
    uuid = await made(driver, Level.RAID5, (1, 2, 3, 4), encrypted=True)
    tape = Tape(box)
    tape.order("record", VIDEO / "store", 0)
    await tape.recorded()
    await box.pull(2)
    await reads(driver, without(2), "the bay is empty")
    await box.insert(2)
    await reads(driver, with_drive(2), "there is a new drive")
    for limit in ("min", "max"):
        await box.machine.write(f"/proc/sys/dev/raid/speed_limit_{limit}", "2000")
    await driver.remove(2)
    await driver.add(2)

    def in_the_middle(now: Reading) -> bool:
        work = now.array.work if now.array is not None else None
        return work is not None and 0 < work.done < work.total

    await reads(driver, in_the_middle, "in the middle of the rebuild")
    await tape.recorded()
    assert in_the_middle(await driver.read())
    box.guest.cut()
    told = tape.told.rpartition("\n")[0]

    box.start()
    driver = box.driver()
    assert (await driver.read()).array is None
    await driver.assemble()
    reading = await driver.read()
    assert reading.array is not None
    assert (reading.array.uuid, status(reading.array)) == (uuid, Status.SYNCING)
    assert condition(reading, 2) is Condition.REBUILDING
    assert reading.lock is not None
    assert not reading.lock.open, "it waits for somebody who knows the password"
    with pytest.raises(WrongPassword):
        await driver.open("battery staple")
    await opened(driver, encrypted=True)
    await reads(driver, contract.is_(Status.ONLINE), "whole again")
    await nothing_acknowledged_is_lost(box, told)
    await compared_and_taken_apart(driver)


async def made(driver: LinuxRaid, level: Level, bays: tuple[int, ...], *, encrypted: bool) -> str:
    """A new array that is whole, with its file system mounted; its UUID."""
    uuid = await driver.create(level, bays, ())
    if encrypted:
        await driver.lock(SECRET)
    await driver.make(Kind.EXT4)
    await driver.mount(read_only=False)
    await reads(driver, contract.is_(Status.ONLINE), "whole")
    return uuid


async def some_program_begins_to_put_it_together(box: Box, bays: tuple[int, ...]) -> None:
    """As udev does on the way up, drive by drive; a dirty and degraded array does not run then."""
    for bay in bays:
        for device in await box.machine.find(f"/sys/bus/scsi/devices/0:0:{bay - 1}:0/block/*"):
            with contextlib.suppress(ProgramFailed):  # what is out of date is refused
                await box.machine.run(("mdadm", "-I", f"/dev/{device.split('/')[-1]}"), within=60)


async def opened(driver: LinuxRaid, *, encrypted: bool) -> None:
    """Mounted, after a start."""
    if encrypted:
        await driver.open(SECRET)
    await driver.mount(read_only=False)


async def nothing_acknowledged_is_lost(box: Box, told: str) -> None:
    """Judge the store by what it had promised until the power went: byte by byte, nothing out of the page cache."""
    await box.machine.write("/proc/sys/vm/drop_caches", "3")
    (box.guest.folder / "exchange" / "told").write_text(told + "\n")
    tape = Tape(box)
    tape.order("judge", VIDEO / "store", "/exchange/told")
    verdict = await tape.judged()
    tape.order("end")
    assert verdict["problems"] == []
    assert verdict["units"] > 0


async def compared_and_taken_apart(driver: LinuxRaid) -> None:
    """All drives agree; then the guest is without an array."""
    await driver.scrub(on=True)
    compared = await reads(driver, lambda now: now.array is not None and now.array.work is None, "compared")
    assert compared.array is not None
    assert compared.array.mismatches == 0
    await driver.unmount()
    await driver.dissolve()
