"""Drives that fail, are pulled, replaced and rebuilt: what is told, and what the recorder does."""

from __future__ import annotations

import pytest

from device.events.drives import (
    DriveBroken,
    DriveHot,
    DriveInserted,
    DriveRemoved,
    DriveWell,
    RaidDegraded,
    RaidFailed,
    RaidLocked,
    RaidOnline,
    RaidUnavailable,
    RebuildEnded,
    RebuildStarted,
)
from device.raid.level import Level
from device.raid.order import Order, Passwords, Tool
from device.raid.simulated import Disk
from device.raid.state import Condition, Health, Status, condition, status
from tests.device.raid.rig import TB, Box

ANY_REDUNDANT = pytest.mark.parametrize("level", [Level.RAID1, Level.RAID5, Level.RAID6, Level.RAID10])


async def state(box: Box) -> Status:
    reading = await box.look()
    assert reading.array is not None
    return status(reading.array)


async def lights(box: Box) -> list[Condition]:
    reading = await box.look()
    return [condition(reading, bay) for bay in range(1, 5)]


@ANY_REDUNDANT
@pytest.mark.proves("M-055", "M-056", "M-058", "M-357")
async def test_a_drive_fails_is_replaced_and_rebuilt(box: Box, level: Level) -> None:
    await box.make(level)
    assert await state(box) is Status.ONLINE
    assert await lights(box) == [Condition.ONLINE] * 4
    box.events.clear()

    box.drives.fail(2)
    assert await state(box) is Status.DEGRADED
    assert await lights(box) == [Condition.EXPOSED, Condition.BROKEN, Condition.EXPOSED, Condition.EXPOSED]
    assert [type(event) for event in box.events] == [DriveBroken, RaidDegraded]

    box.drives.pull(2)
    assert (await lights(box))[1] is Condition.EMPTY
    box.drives.insert(2, Disk("NEW", 4 * TB))
    await box.look()
    assert await state(box) is Status.SYNCING
    assert (await lights(box))[1] is Condition.REBUILDING

    await box.rebuilt()
    assert await state(box) is Status.ONLINE
    assert await lights(box) == [Condition.ONLINE] * 4
    assert box.told(RaidDegraded, RaidOnline) == [RaidDegraded(level, 1), RaidOnline(level)]
    assert len(box.told(RebuildStarted)) == len(box.told(RebuildEnded)) == 1
    assert box.told(DriveRemoved, DriveInserted) == [DriveRemoved(2, "S2"), DriveInserted(2, "NEW", 4 * TB)]
    assert ("release", "volume") not in box.recorder.told, "recording went on all the time"


@pytest.mark.proves("M-433", "M-057")
async def test_where_too_many_fail_all_are_red_and_nothing_is_recorded(box: Box) -> None:
    await box.make(Level.RAID5)
    box.drives.fail(1)
    await box.look()
    box.drives.fail(3)
    assert await state(box) is Status.FAILED
    assert await lights(box) == [Condition.BROKEN] * 4
    assert box.told(RaidDegraded, RaidFailed) == [RaidDegraded(5, 1), RaidFailed(5, 2)]
    assert box.recorder.told[-1] == ("release", "volume")


async def test_a_raid_10_lives_while_one_of_each_pair_does(box: Box) -> None:
    await box.make(Level.RAID10)
    box.drives.fail(1)
    box.drives.fail(3)
    assert await state(box) is Status.DEGRADED
    box.drives.fail(4)
    assert await state(box) is Status.FAILED


async def test_a_spare_takes_the_place_at_once(box: Box) -> None:
    await box.make(Level.RAID5, (1, 2, 3), (4,))
    assert (await lights(box))[3] is Condition.SPARE
    box.drives.pull(1)
    assert await state(box) is Status.SYNCING
    assert await lights(box) == [
        Condition.EMPTY,
        Condition.EXPOSED,
        Condition.EXPOSED,
        Condition.REBUILDING,
    ]
    await box.rebuilt()
    assert await state(box) is Status.ONLINE


async def test_a_drive_that_fails_during_a_rebuild_leaves_the_array_degraded(box: Box) -> None:
    await box.make(Level.RAID6)
    box.drives.pull(1)
    await box.look()
    box.drives.insert(1, Disk("NEW", 4 * TB))
    await box.look()
    assert await state(box) is Status.SYNCING
    box.drives.fail(1)
    assert await state(box) is Status.DEGRADED


async def test_an_empty_bay_is_no_fault(box: Box) -> None:
    await box.make(Level.RAID1, (1, 2))
    box.drives.pull(3)
    box.drives.pull(4)
    box.events.clear()
    assert await state(box) is Status.ONLINE
    assert not box.told(DriveBroken, RaidDegraded)


async def test_a_drive_with_something_on_it_waits_for_a_person(box: Box) -> None:
    await box.make(Level.RAID5)
    box.drives.pull(2)
    await box.look()
    box.drives.insert(2, Disk("USED", 4 * TB, data=True))
    await box.look()
    assert await state(box) is Status.DEGRADED
    assert (await lights(box))[1] is Condition.UNUSED
    job = await box.raid.tools.begin(Order(Tool.REPLACE, bay=2), Passwords(), confirmed=True, by="anna")
    await box.look()
    assert await state(box) is Status.SYNCING
    box.clock.run(1000)
    assert (await box.jobs.wait(job.id)).result == "The array is Online."


async def test_what_was_mended_while_the_recorder_was_down_is_well_at_first_sight(box: Box) -> None:
    await box.make(Level.RAID5)
    box.drives.wear(3, Health.FAILING, 40)
    await box.look()
    box.drives.wear(3, Health.PASSED, 40)
    again = await box.restarted()
    await again.look()
    await again.look()
    assert again.told(DriveBroken, DriveWell) == [
        DriveBroken(3, "S3", "its own test says that it fails"),
        DriveWell(3),
    ]
    await again.jobs.close()


async def test_a_drive_that_says_it_fails_is_red_while_the_array_is_whole(box: Box) -> None:
    await box.make(Level.RAID5)
    box.drives.wear(3, Health.FAILING, 40)
    assert (await lights(box))[2] is Condition.BROKEN
    assert await state(box) is Status.ONLINE
    box.drives.wear(3, Health.PASSED, 40)
    await box.look()
    assert box.told(DriveBroken, DriveWell) == [
        DriveBroken(3, "S3", "its own test says that it fails"),
        DriveWell(3),
    ]


@pytest.mark.proves("M-354")
async def test_a_hot_drive_is_told_once_until_it_is_cool(box: Box) -> None:
    for degrees in (54.0, 55.0, 56.0, 53.0, 55.0, 52.0):
        box.drives.wear(1, Health.PASSED, degrees)
        await box.look()
    assert box.told(DriveHot) == [DriveHot(1, 55.0, 55)]


async def test_drives_that_cannot_be_read_are_told_once(box: Box) -> None:
    box.drives.silent = True
    assert await box.raid.look() is None
    assert await box.raid.look() is None
    assert len(box.told(RaidUnavailable)) == 1
    box.drives.silent = False
    assert await box.raid.look() is not None


@pytest.mark.proves("M-068", "M-351", "M-368")
async def test_an_encrypted_array_opens_by_itself_only_where_its_password_is_known(box: Box) -> None:
    await box.make(Level.RAID5, password="correct horse")
    box.drives.reboot()
    box = await box.restarted()
    await box.raid._start()
    (job,) = [each for each in box.jobs.list() if each.kind == "raid.mount"]
    await box.jobs.wait(job.id)
    reading = await box.look()
    assert reading.files is not None
    assert reading.files.mounted

    box.drives.reboot()
    box.memory.remember(None)  # a factory default
    box = await box.restarted()
    await box.raid._start()
    assert (await box.look()).files is None
    assert len(box.told(RaidLocked)) == 1
    ended = await box.do(Order(Tool.MOUNT), Passwords("correct horse"))
    assert ended.error == ""
    assert box.recorder.told[-1] == ("admit", "volume", "writable")
    await box.jobs.close()


async def test_a_scrub_is_begun_when_it_is_due(box: Box) -> None:
    await box.make(Level.RAID5)
    box.set(scrub_days=7)
    await box.look()
    assert not [job for job in box.jobs.list() if job.kind == "raid.scrub"]
    box.clock.run(8 * 86_400)
    await box.look()
    (job,) = [job for job in box.jobs.list() if job.kind == "raid.scrub"]
    assert await state(box) is Status.ONLINE, "a scrub is Online, with progress"
    box.clock.run(1000)
    assert (await box.jobs.wait(job.id)).result == "0 sectors disagree."
