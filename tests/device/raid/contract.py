"""What every driver of drives and arrays promises, as one story: a guest takes its time to start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest

from device.raid.driver import RaidDriver
from device.raid.errors import Busy, NoArray, NotThere, Unsuitable, WrongPassword
from device.raid.level import Level
from device.raid.state import Activity, Condition, Kind, Reading, Role, Status, condition, status


class Hands(Protocol):
    """What is done to drives from outside, and a look into the file system."""

    async def pull(self, bay: int) -> None:
        """Take the drive out of a bay."""

    async def insert(self, bay: int) -> None:
        """Put a new, empty drive into it."""

    async def work(self) -> None:
        """Let the array get on with what it does."""

    async def write(self, path: str, text: str) -> None:
        """Make a file, durably."""

    async def text(self, path: str) -> str | None:
        """What is in a file; None: there is none."""


async def until(driver: RaidDriver, hands: Hands, holds: Callable[[Reading], bool], what: str) -> Reading:
    """The first reading of which it holds."""
    for _ in range(600):
        reading = await driver.read()
        if holds(reading):
            return reading
        await hands.work()
    raise AssertionError(f"still not: {what}; {reading}")


def is_(wanted: Status) -> Callable[[Reading], bool]:
    """Whether the array is like that."""
    return lambda reading: reading.array is not None and status(reading.array) is wanted


async def refuses(why: type[Exception], order: Awaitable[object]) -> None:
    """It raises that."""
    with pytest.raises(why):
        await order


async def drives_before_any_array(driver: RaidDriver) -> None:
    """Four empty drives, and nothing to be done without an array."""
    reading = await driver.read()
    assert [drive.bay for drive in reading.drives] == [1, 2, 3, 4]
    assert all(drive.role is Role.UNUSED and drive.free and drive.size for drive in reading.drives)
    assert len({drive.serial for drive in reading.drives}) == 4
    assert (reading.array, reading.lock, reading.files) == (None, None, None)
    for order in (
        driver.assemble(),
        driver.add(1),
        driver.scrub(True),
        driver.make(Kind.XFS),
        driver.dissolve(),
    ):
        await refuses(NoArray, order)


async def every_level(driver: RaidDriver) -> None:
    """Each is made of drives in use before, with its size and spares, and taken apart."""
    for level, bays, spares in (
        (Level.RAID0, (1, 2), ()),
        (Level.RAID0, (3,), ()),
        (Level.RAID1, (1, 2), (3,)),
        (Level.RAID5, (1, 2, 3), (4,)),
        (Level.RAID10, (1, 2, 3, 4), ()),
    ):
        uuid = await driver.create(level, bays, spares)
        reading = await driver.read()
        assert reading.array is not None
        assert (reading.array.uuid, reading.array.level, reading.array.drives) == (uuid, level, len(bays))
        least = level.capacity([drive.size for drive in reading.drives if drive.bay in bays])
        assert 0.9 * least < reading.array.size <= least
        assert [condition(reading, bay) for bay in spares] in ([], [Condition.SPARE], [Condition.REBUILDING])
        await refuses(Busy, driver.create(level, bays, spares))
        if not level.spares(len(bays)):
            await refuses(Unsuitable, driver.scrub(True))
        await driver.dissolve()
        assert all(drive.free for drive in (await driver.read()).drives)


async def a_drive_is_pulled_and_replaced(driver: RaidDriver, hands: Hands) -> None:
    """On a RAID 6, encrypted, with a file on it: nothing of the file is lost at any moment."""
    await driver.create(Level.RAID6, (1, 2, 3, 4), ())
    await refuses(NotThere, driver.open("correct horse"))
    await driver.lock("correct horse")
    await driver.make(Kind.XFS)
    await driver.mount(read_only=False)
    reading = await until(driver, hands, is_(Status.ONLINE), "whole")
    assert reading.lock is not None
    assert reading.files is not None
    assert reading.files.mounted
    assert reading.files.free
    file = f"{reading.files.path}/evidence"
    await hands.write(file, "evidence")

    await hands.pull(2)
    await until(driver, hands, is_(Status.DEGRADED), "degraded")
    reading = await until(driver, hands, lambda now: now.drive(2) is None, "the bay is empty")
    assert condition(reading, 2) is Condition.EMPTY
    assert condition(reading, 1) is Condition.EXPOSED
    assert await hands.text(file) == "evidence"
    await hands.write(file + "-2", "written while degraded")
    await refuses(Busy, driver.remove(1))
    await refuses(Busy, driver.add(1))
    await refuses(NotThere, driver.add(2))

    await hands.insert(2)
    reading = await until(driver, hands, lambda now: now.drive(2) is not None, "there is a new drive")
    assert (new := reading.drive(2)) is not None
    assert (new.role, new.free) == (Role.UNUSED, True)
    await driver.remove(2)
    await driver.add(2)
    reading = await until(driver, hands, is_(Status.SYNCING), "syncing")
    assert condition(reading, 2) is Condition.REBUILDING
    assert reading.array is not None
    assert reading.array.work is not None
    assert reading.array.work.activity is Activity.REBUILD
    reading = await until(driver, hands, is_(Status.ONLINE), "whole again")
    assert [condition(reading, bay) for bay in range(1, 5)] == [Condition.ONLINE] * 4
    assert await hands.text(file + "-2") == "written while degraded"


async def passwords_and_mounts(driver: RaidDriver, hands: Hands) -> None:
    """The password changes while it is mounted; the old one is refused, and changes nothing."""
    await refuses(WrongPassword, driver.change_password("wrong", "battery staple"))
    await driver.change_password("correct horse", "battery staple")
    for order in (
        driver.make(Kind.EXT4),
        driver.check(False),
        driver.lock("x"),
        driver.close(),
        driver.clear(),
    ):
        await refuses(Busy, order)
    await driver.mount(read_only=True)
    files = (await driver.read()).files
    assert files is not None
    assert files.read_only
    await driver.unmount()
    assert (await driver.check(repair=False)).clean
    assert (await driver.check(repair=True)).clean
    await driver.close()
    reading = await driver.read()
    assert reading.lock is not None
    assert not reading.lock.open
    assert reading.files is None
    await refuses(WrongPassword, driver.open("correct horse"))
    await refuses(NotThere, driver.mount(read_only=False))
    await driver.open("battery staple")
    await driver.mount(read_only=False)
    files = (await driver.read()).files
    assert files is not None
    assert await hands.text(f"{files.path}/evidence") == "evidence"


async def scrub_and_end(driver: RaidDriver, hands: Hands) -> None:
    """All drives are compared; then the array is taken off its drives."""
    await driver.scrub(on=True)
    await until(driver, hands, lambda now: now.array is not None and now.array.work is None, "compared")
    array = (await driver.read()).array
    assert array is not None
    assert array.mismatches == 0
    await driver.unmount()
    await driver.clear()
    reading = await driver.read()
    assert (reading.lock, reading.files) == (None, None)
    await driver.make(Kind.EXT4)
    files = (await driver.read()).files
    assert files is not None
    assert (files.kind, files.mounted) == (Kind.EXT4, False)
    await driver.dissolve()
    assert (await driver.read()).array is None


async def whole(driver: RaidDriver, hands: Hands) -> None:
    """All of it."""
    await drives_before_any_array(driver)
    await every_level(driver)
    await a_drive_is_pulled_and_replaced(driver, hands)
    await passwords_and_mounts(driver, hands)
    await scrub_and_end(driver, hands)
