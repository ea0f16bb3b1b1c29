"""The tools: what each does, what it refuses, and that a refusal changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from device.errors import BadValue, HoldfastError
from device.jobs import State
from device.raid.errors import Busy, NoArray, NotThere, NotWhole, Unconfirmed, Unsuitable, WrongPassword
from device.raid.level import Level
from device.raid.order import NO_PASSWORDS, Order, Passwords, Tool
from device.raid.simulated import Disk
from device.raid.state import Kind, Status, status
from tests.device.raid.rig import TB, Box, plain

SECRET = Passwords("correct horse")


def put(box: Box, text: str) -> Path:
    """Something on the file system."""
    file = box.drives.volume / "evidence"
    file.write_text(text)
    return file


@pytest.mark.proves("M-052", "M-054", "M-350", "M-352", "M-364")
async def test_an_array_is_made_formatted_and_mounted(box: Box) -> None:
    job = await box.make(Level.RAID5)
    assert (job.state, job.result) == (State.DONE, "RAID configured")
    reading = await box.look()
    assert reading.array is not None
    assert reading.array.size == 12 * TB
    assert reading.files is not None
    assert (reading.files.kind, reading.files.mounted) == (Kind.XFS, True)
    assert reading.files.free
    assert box.recorder.told[-1] == ("admit", "volume", "writable")


@pytest.mark.proves("M-051", "M-059")
async def test_another_level_erases_everything_and_only_when_that_is_confirmed(box: Box) -> None:
    await box.make(Level.RAID5)
    file = put(box, "evidence")
    order = Order(Tool.CREATE, Level.RAID6, (1, 2, 3, 4), files=Kind.EXT4)
    with pytest.raises(Unconfirmed):
        await box.raid.tools.begin(order, NO_PASSWORDS, confirmed=False, by="anna")
    assert file.read_text() == "evidence"
    await box.do(order)
    reading = await box.look()
    assert reading.array is not None
    assert reading.array.level is Level.RAID6
    assert not file.exists()


@pytest.mark.proves("M-053", "M-353", "M-361", "M-362")
async def test_encryption_is_set_with_the_level_taken_off_and_put_on_again(box: Box) -> None:
    await box.make(Level.RAID5, password="correct horse")
    lock = (await box.look()).lock
    assert lock is not None
    assert lock.open
    file = put(box, "evidence")
    await box.do(Order(Tool.DECRYPT))
    assert (await box.look()).lock is None
    assert not file.exists()
    assert box.memory.kept is None
    await box.do(Order(Tool.ENCRYPT), SECRET)
    assert (await box.look()).lock is not None
    assert box.memory.kept == "correct horse"


@pytest.mark.proves("M-360")
async def test_format_erases_and_makes_the_file_system_that_was_chosen(box: Box) -> None:
    await box.make(Level.RAID1, (1, 2))
    file = put(box, "evidence")
    await box.do(Order(Tool.FORMAT, files=Kind.EXT4))
    files = (await box.look()).files
    assert files is not None
    assert files.kind is Kind.EXT4
    assert not file.exists()
    assert box.recorder.told[-2:] == [("release", "volume"), ("admit", "volume", "writable")]


@pytest.mark.proves("M-363")
async def test_the_password_is_changed_while_recording_goes_on(box: Box) -> None:
    await box.make(Level.RAID5, password="correct horse")
    told = list(box.recorder.told)
    ended = await box.do(Order(Tool.PASSWORD), Passwords("correct horse", "battery staple"))
    assert ended.state is State.DONE
    assert box.recorder.told == told, "nobody was asked to let go"
    assert box.memory.kept == "battery staple"
    await box.do(Order(Tool.UNMOUNT))
    ended = await box.do(Order(Tool.MOUNT), SECRET)
    assert ended.state is State.FAILED
    ended = await box.do(Order(Tool.MOUNT), Passwords("battery staple"))
    assert ended.state is State.DONE


@pytest.mark.proves("M-069")
async def test_a_wrong_password_leaves_everything_as_it_was(box: Box) -> None:
    await box.make(Level.RAID5, password="correct horse")
    file = put(box, "evidence")
    await box.do(Order(Tool.UNMOUNT))
    before = plain(await box.look())
    ended = await box.do(Order(Tool.MOUNT), Passwords("wrong"))
    assert (ended.state, ended.error) == (State.FAILED, str(WrongPassword()))
    assert plain(await box.look()) == before
    await box.do(Order(Tool.MOUNT), SECRET)
    assert file.read_text() == "evidence"


@pytest.mark.proves("M-358", "M-359")
async def test_errors_are_found_by_check_and_mended_by_repair(box: Box) -> None:
    await box.make(Level.RAID5)
    ended = await box.do(Order(Tool.CHECK))
    assert (ended.state, ended.result) == (State.DONE, "no errors")
    box.drives.damage()
    ended = await box.do(Order(Tool.CHECK))
    assert ended.state is State.FAILED
    assert "repair" in ended.error
    ended = await box.do(Order(Tool.REPAIR))
    assert ended.state is State.DONE
    files = (await box.look()).files
    assert files is not None
    assert files.mounted
    assert box.recorder.told[-1] == ("admit", "volume", "writable")


@pytest.mark.proves("M-367")
async def test_what_is_protected_is_mounted_read_only_and_stays_so(box: Box) -> None:
    await box.make(Level.RAID5)
    box.set(read_only=True)
    await box.do(Order(Tool.PROTECT))
    assert box.recorder.told[-1] == ("admit", "volume", "read-only")
    box.drives.reboot()
    await box.do(Order(Tool.MOUNT))
    assert box.recorder.told[-1] == ("admit", "volume", "read-only")
    box.set(read_only=False)
    await box.do(Order(Tool.UNPROTECT))
    assert box.recorder.told[-1] == ("admit", "volume", "writable")


@pytest.mark.proves("M-365")
async def test_a_tool_goes_on_after_a_restart_with_the_step_it_was_at(box: Box) -> None:
    await box.make(Level.RAID5)
    box.drives.pull(2)
    await box.look()
    box.drives.insert(2, Disk("NEW", 4 * TB, data=True))
    job = await box.raid.tools.begin(Order(Tool.REPLACE, bay=2), NO_PASSWORDS, confirmed=True, by="anna")
    await asyncio.sleep(0.02)
    assert box.jobs.get(job.id).phase == "rebuilding"
    box = await box.restarted()
    await box.rebuilt()
    ended = await box.jobs.wait(job.id)
    assert (ended.state, ended.result) == (State.DONE, "The array is Online.")
    await box.jobs.close()


async def test_a_tool_whose_password_a_restart_took_says_so(box: Box) -> None:
    await box.make(Level.RAID5)
    tools, jobs = box.raid.tools, box.jobs
    job = await tools.begin(Order(Tool.ENCRYPT), SECRET, confirmed=True, by="anna")
    box = await box.restarted()
    ended = await box.jobs.wait(job.id)
    assert ended.state is State.FAILED
    assert "Begin again with the password" in ended.error
    assert "correct horse" not in str(ended)
    assert jobs is not box.jobs
    await box.jobs.close()


@pytest.mark.parametrize(
    ("order", "passwords", "why"),
    [
        (Order(Tool.CREATE, None, (1,)), NO_PASSWORDS, BadValue),
        (Order(Tool.CREATE, Level.RAID5, (1, 2)), NO_PASSWORDS, BadValue),
        (Order(Tool.CREATE, Level.RAID1, (1, 1)), NO_PASSWORDS, BadValue),
        (Order(Tool.CREATE, Level.RAID1, (1, 9)), NO_PASSWORDS, BadValue),
        (Order(Tool.CREATE, Level.RAID0, (1, 2), (3,)), NO_PASSWORDS, BadValue),
        (Order(Tool.CREATE, Level.RAID1, (1, 2), encrypt=True), NO_PASSWORDS, BadValue),
        (Order(Tool.CREATE, Level.RAID1, (1, 2), encrypt=True), Passwords("x" * 513), BadValue),
        (Order(Tool.FORMAT), NO_PASSWORDS, NoArray),
        (Order(Tool.PASSWORD), SECRET, NotThere),
        (Order(Tool.REPLACE, bay=1), NO_PASSWORDS, NoArray),
        (Order(Tool.SCRUB), NO_PASSWORDS, NoArray),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_done(
    box: Box, order: Order, passwords: Passwords, why: type[HoldfastError]
) -> None:
    before = plain(await box.look())
    with pytest.raises(why):
        await box.raid.tools.begin(order, passwords, confirmed=True, by="anna")
    assert plain(await box.look()) == before
    assert not box.jobs.list()


async def test_a_drive_that_is_empty_broken_small_or_in_use_is_refused(box: Box) -> None:
    tools = box.raid.tools
    await box.make(Level.RAID5, (1, 2, 3))
    with pytest.raises(Busy, match="bay 1"):
        await tools.begin(Order(Tool.REPLACE, bay=1), NO_PASSWORDS, confirmed=True, by="anna")
    box.drives.pull(4)
    with pytest.raises(NotThere, match="bay 4"):
        await tools.begin(Order(Tool.REPLACE, bay=4), NO_PASSWORDS, confirmed=True, by="anna")
    box.drives.insert(4, Disk("SMALL", 3 * TB, data=True))
    with pytest.raises(Unsuitable, match="too small"):
        await tools.begin(Order(Tool.REPLACE, bay=4), NO_PASSWORDS, confirmed=True, by="anna")
    box.drives.fail(4)
    with pytest.raises(Unsuitable, match="broken"):
        await tools.begin(Order(Tool.REPLACE, bay=4), NO_PASSWORDS, confirmed=True, by="anna")
    with pytest.raises(Unsuitable, match="broken"):
        await tools.begin(Order(Tool.CREATE, Level.RAID1, (1, 4)), NO_PASSWORDS, confirmed=True, by="anna")


async def test_a_failed_array_can_only_be_made_anew(box: Box) -> None:
    await box.make(Level.RAID0)
    box.drives.fail(2)
    for tool in (Tool.FORMAT, Tool.CHECK, Tool.MOUNT, Tool.SCRUB):
        with pytest.raises(NotWhole, match="replace the broken drives"):
            await box.raid.tools.begin(Order(tool), NO_PASSWORDS, confirmed=True, by="anna")
    box.drives.pull(2)
    box.drives.insert(2, Disk("NEW", 4 * TB))
    job = await box.make(Level.RAID5)
    assert job.state is State.DONE
    reading = await box.look()
    assert reading.array is not None
    assert status(reading.array) is Status.ONLINE


async def test_one_tool_at_a_time(box: Box) -> None:
    await box.make(Level.RAID5)
    scrub = await box.raid.tools.begin(Order(Tool.SCRUB), NO_PASSWORDS, confirmed=False, by="anna")
    with pytest.raises(Busy, match=r"raid\.scrub"):
        await box.raid.tools.begin(Order(Tool.CHECK), NO_PASSWORDS, confirmed=True, by="bert")
    await box.rebuilt()
    await box.jobs.wait(scrub.id)


async def test_where_the_drives_go_silent_during_a_tool_its_job_says_so(box: Box) -> None:
    await box.make(Level.RAID5)
    job = await box.raid.tools.begin(Order(Tool.SCRUB), NO_PASSWORDS, confirmed=False, by="anna")
    await asyncio.sleep(0.01)
    box.drives.silent = True
    ended = await box.jobs.wait(job.id)
    assert (ended.state, ended.error) == (State.FAILED, "The simulated drives do not answer.")
