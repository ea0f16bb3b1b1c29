"""What goes wrong with drives and tools: each a typed error that says what to do, and nothing is changed or erased."""

from __future__ import annotations

import pytest

from device.errors import HoldfastError
from device.events.drives import DriveInserted, DriveRemoved
from device.jobs import State
from device.raid.errors import NoArray, NotThere, Unconfirmed
from device.raid.level import Level
from device.raid.order import NO_PASSWORDS, Order, Tool
from device.raid.simulated import Disk
from device.raid.state import Condition, Status, condition, status
from tests.device.raid.rig import REBUILD, TB, Box, plain


async def foreign(box: Box, bay: int) -> None:
    """Put a drive into a bay that carries an array of somebody else."""
    box.drives.pull(bay)
    await box.look()
    box.drives.insert(bay, Disk(f"F{bay}", 4 * TB, array="0badcafe-0000-4000-8000-000000000000"))
    await box.look()


async def refused(box: Box, order: Order, why: type[HoldfastError], words: str) -> None:
    """It is, without anybody's word; and nothing has changed."""
    before = await box.look()
    jobs = len(box.jobs.list())
    with pytest.raises(why, match=words) as caught:
        await box.raid.tools.begin(order, NO_PASSWORDS, confirmed=False, by="anna")
    assert caught.value.hint
    after = await box.look()
    assert plain(after) == plain(before)
    assert len(box.jobs.list()) == jobs


async def test_a_foreign_array_is_shown_and_left_alone_until_somebody_says_so(box: Box) -> None:
    await box.make(Level.RAID5)
    await foreign(box, 2)
    reading = await box.look()
    assert condition(reading, 2) is Condition.FOREIGN
    assert reading.array is not None
    assert status(reading.array) is Status.DEGRADED, (
        "it does not take the place of the one that is missing by itself"
    )
    await refused(
        box,
        Order(Tool.REPLACE, bay=2),
        Unconfirmed,
        r"an array of another recorder on the drive in bay 2 \(F2\)",
    )
    await refused(
        box, Order(Tool.CREATE, Level.RAID1, (1, 2)), Unconfirmed, r"and an array of another recorder"
    )
    job = await box.raid.tools.begin(Order(Tool.REPLACE, bay=2), NO_PASSWORDS, confirmed=True, by="anna")
    await box.look()
    box.clock.run(REBUILD * 2)
    assert (await box.jobs.wait(job.id)).result == "The array is Online."


async def test_an_array_of_foreign_drives_alone_is_none_of_ours(box: Box) -> None:
    for bay in range(1, 5):
        await foreign(box, bay)
    await box.raid._start()
    reading = await box.look()
    assert reading.array is None
    assert [condition(reading, bay) for bay in range(1, 5)] == [Condition.FOREIGN] * 4
    assert not box.recorder.told
    await refused(box, Order(Tool.FORMAT), NoArray, "no array")


async def test_a_drive_with_data_is_erased_only_when_that_is_confirmed(box: Box) -> None:
    await box.make(Level.RAID5)
    box.drives.pull(2)
    await box.look()
    box.drives.insert(2, Disk("USED", 4 * TB, data=True))
    await refused(
        box,
        Order(Tool.REPLACE, bay=2),
        Unconfirmed,
        r"what somebody else has written on the drive in bay 2 \(USED\)",
    )


async def test_a_bay_that_is_pulled_twice_is_told_twice_and_rebuilt_once(box: Box) -> None:
    await box.make(Level.RAID5)
    box.events.clear()
    box.drives.pull(2)
    await box.look()
    with pytest.raises(NotThere, match="bay 2"):
        box.drives.pull(2)
    box.drives.insert(2, Disk("NEW1", 4 * TB))
    await box.look()
    box.drives.pull(2)  # while it is rebuilt
    reading = await box.look()
    assert reading.array is not None
    assert status(reading.array) is Status.DEGRADED
    box.drives.insert(2, Disk("NEW2", 4 * TB))
    for _ in range(20):
        box.clock.run(REBUILD)
        reading = await box.look()
    assert reading.array is not None
    assert status(reading.array) is Status.ONLINE
    assert box.told(DriveRemoved, DriveInserted) == [
        DriveRemoved(2, "S2"),
        DriveInserted(2, "NEW1", 4 * TB),
        DriveRemoved(2, "NEW1"),
        DriveInserted(2, "NEW2", 4 * TB),
    ]


async def test_where_the_array_fails_during_a_rebuild_its_job_says_so(box: Box) -> None:
    await box.make(Level.RAID5)
    box.drives.pull(2)
    await box.look()
    box.drives.insert(2, Disk("NEW", 4 * TB))
    await box.look()
    (job,) = [each for each in box.jobs.list() if each.kind == "raid.replace"]
    assert job.state is State.RUNNING
    box.drives.fail(1)
    ended = await box.jobs.wait(job.id)
    assert (ended.state, ended.error) == (State.FAILED, "The array failed while it was rebuilt.")
    await box.look()
    assert box.recorder.told[-1] == ("release", "volume")


async def test_where_the_array_vanishes_during_a_tool_its_job_says_so_and_nothing_is_erased(
    box: Box,
) -> None:
    await box.make(Level.RAID5)
    (box.drives.volume / "evidence").write_text("evidence")
    job = await box.raid.tools.begin(Order(Tool.FORMAT), NO_PASSWORDS, confirmed=True, by="anna")
    box.drives.reboot()  # somebody stops it behind our back
    ended = await box.jobs.wait(job.id)
    assert ended.state is State.FAILED
    assert "no array" in ended.error
    await box.do(Order(Tool.MOUNT))
    assert (box.drives.volume / "evidence").read_text() == "evidence"
