"""Programs that are missing, fail or hang: an error that says which, and nothing is wiped before it is known.

The Linux driver over a tree that is laid out as the kernel's, with real processes in the place of its programs.
"""

from __future__ import annotations

import asyncio
import glob
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from device.linux.machine import ThisMachine
from device.raid.errors import DriverFault, NotWhole
from device.raid.level import Level
from device.raid.linux.driver import DIRTY, LinuxRaid, Setup
from device.raid.linux.drives import Place
from device.raid.state import Condition, Health, Kind, Status, condition, status
from tests.device.clock.simulated import SimulatedClock

OWNER, UUID = "abc12345", "0badcafe:00000000:00000000:00000000"
BLKID = f"""case "$4" in
*/sd*) [ -e "$ROOT/made" ] || exit 2; echo TYPE=linux_raid_member; echo LABEL={OWNER}:holdfast; echo UUID={UUID};;
*) exit 2;;
esac"""
WORKS, FAILS, HANGS = "exit 0", "echo out of luck >&2; exit 1", '[ "$1" = --version ] || exec sleep 600'


class Tree:
    """Implements `Machine`: files below a folder, programs of `bin` in it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._own = ThisMachine()
        self.most = 30.0  #: seconds that a program may take

    async def run(self, argv: Sequence[str], *, within: float, stdin: bytes = b"") -> str:
        return await self._own.run(argv, within=min(within, self.most), stdin=stdin)

    async def read(self, path: str) -> bytes | None:
        return await self._own.read(f"{self._root}{path}")

    async def write(self, path: str, text: str) -> None:
        await self._own.write(f"{self._root}{path}", text)

    async def link(self, path: str) -> str | None:
        return await self._own.link(f"{self._root}{path}")

    async def find(self, pattern: str) -> list[str]:
        found = await asyncio.to_thread(glob.glob, f"{self._root}{pattern}")
        return sorted(path.removeprefix(str(self._root)) for path in found)

    async def room(self, path: str) -> tuple[int, int]:
        return await self._own.room(path)


class Box:
    """Two drives, and programs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "bin").mkdir()
        for number, name in enumerate(("sda", "sdb")):
            place = root / "places" / f"0:0:{number}:0"
            place.mkdir(parents=True)
            self.file(f"sys/block/{name}/size", "2048000")
            (root / "sys/block" / name / "device").symlink_to(place)
        for name, does in (("blkid", BLKID), ("wipefs", 'echo wiped >> "$ROOT/wiped"'), ("smartctl", FAILS)):
            self.program(name, does)
        places = (Place("0:0:0:0"), Place("0:0:1:0"))
        self.tree = Tree(root)
        self.driver = LinuxRaid(self.tree, Setup(places, OWNER, "/video"), SimulatedClock())

    def file(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def program(self, name: str, does: str) -> None:
        file = self.root / "bin" / name
        file.write_text(f"#!/bin/sh\n{does}\n")
        file.chmod(0o755)

    def array(self) -> None:
        """There is one, of both drives."""
        self.file("made", "")
        here = "sys/block/md127/md"
        for name, text in (
            ("level", "raid1"),
            ("raid_disks", "2"),
            ("array_state", "clean"),
            ("sync_action", "idle"),
        ):
            self.file(f"{here}/{name}", text)
        for slot, name in enumerate(("sda", "sdb")):
            self.file(f"{here}/dev-{name}/state", "in_sync")
            self.file(f"{here}/dev-{name}/slot", str(slot))
            (self.root / here / f"dev-{name}" / "block").symlink_to(self.root / "sys/block" / name)
        self.file("sys/block/md127/size", "2000000")

    @property
    def said(self) -> list[str]:
        """By programs that say what they do."""
        return (self.root / "said").read_text().splitlines()

    @property
    def wiped(self) -> bool:
        return (self.root / "wiped").exists()


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    """With nothing installed but what every system has."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/nonexistent")
    monkeypatch.setenv("ROOT", str(tmp_path))
    for name in ("sleep", "sh"):
        (tmp_path / "tools").mkdir(exist_ok=True)
        (tmp_path / "tools" / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{tmp_path / 'tools'}")
    assert os.environ["PATH"].startswith(str(tmp_path))
    return Box(tmp_path)


async def test_without_mdadm_no_drive_is_wiped(box: Box) -> None:
    before = await box.driver.read()
    with pytest.raises(DriverFault, match="mdadm is not installed") as caught:
        await box.driver.create(Level.RAID1, (1, 2), ())
    assert caught.value.hint
    assert not box.wiped
    assert await box.driver.read() == before
    assert [drive.free for drive in before.drives] == [True, True]


async def test_without_cryptsetup_no_array_is_wiped(box: Box) -> None:
    box.array()
    before = await box.driver.read()
    assert before.array is not None
    assert (before.array.level, before.array.in_sync) == (Level.RAID1, 2)
    with pytest.raises(DriverFault, match="cryptsetup is not installed"):
        await box.driver.lock("correct horse")
    assert not box.wiped
    assert await box.driver.read() == before


@pytest.mark.parametrize("program", ["mdadm", "cryptsetup", "mkfs.xfs"])
async def test_a_program_that_fails_or_hangs_is_said_and_nothing_waits_for_it(box: Box, program: str) -> None:
    box.program("mdadm", WORKS)
    box.program("cryptsetup", WORKS)
    if program != "mdadm":
        box.array()

    async def use() -> None:
        match program:
            case "mdadm":
                await box.driver.create(Level.RAID1, (1, 2), ())
            case "cryptsetup":
                await box.driver.lock("correct horse")
            case _:
                await box.driver.make(Kind.XFS)

    box.program(program, HANGS)
    box.tree.most = 2.0
    await box.driver.read()  # what is asked once is asked
    with pytest.raises(DriverFault, match=f"{program} was killed: it did not end within"):
        await use()
    box.tree.most = 30.0
    box.program(program, f'[ "$1" = --version ] && exit 0; {FAILS}')
    with pytest.raises(DriverFault, match=f"{program} ended with 1: out of luck"):
        await use()


ASSEMBLES = """case "$1" in
--stop) echo stopped >> "$ROOT/said";;
--assemble) read dirty < "$ROOT/sys/module/md_mod/parameters/start_dirty_degraded"
  echo "$dirty $*" >> "$ROOT/said"; [ "$dirty" = 1 ] || { echo dirty and degraded >&2; exit 1; };;
esac"""


async def test_what_is_dirty_and_degraded_is_started_and_what_is_out_of_date_is_not_forced_in(
    box: Box,
) -> None:
    box.file("made", "")
    box.file("sys/module/md_mod/parameters/start_dirty_degraded", "0")
    box.program("mdadm", ASSEMBLES)
    await box.driver.assemble()
    assert box.said == [
        "0 --assemble --run --quiet /dev/md127 /dev/sda /dev/sdb",
        "stopped",
        "1 --assemble --run --quiet /dev/md127 /dev/sda /dev/sdb",
    ]
    assert await box.tree.read(DIRTY) == b"0", "it is not for the machine's other arrays"
    box.program("mdadm", FAILS)
    with pytest.raises(NotWhole, match="out of luck"):
        await box.driver.assemble()
    assert await box.tree.read(DIRTY) == b"0"


async def test_an_array_that_something_else_put_together_and_could_not_start_is_put_together_anew(
    box: Box,
) -> None:
    box.array()
    box.file("sys/block/md127/md/array_state", "inactive")
    box.file("sys/module/md_mod/parameters/start_dirty_degraded", "1")
    box.program("mdadm", ASSEMBLES)
    assert (await box.driver.read()).array is None
    await box.driver.assemble()
    assert box.said[0] == "stopped"
    assert len(box.said) == 2


async def test_a_drive_that_does_not_answer_about_itself_holds_up_nothing(box: Box) -> None:
    box.program("mdadm", WORKS)
    box.array()
    answer = '{"smart_status": {"passed": false}}'
    box.program("smartctl", f"until [ -e \"$ROOT/answer\" ]; do sleep 0.05; done; echo '{answer}'")
    before = await box.driver.read()
    assert [drive.health for drive in before.drives] == [Health.UNKNOWN] * 2
    box.file("sys/block/md127/md/dev-sdb/state", "faulty")
    now = await box.driver.read()
    assert now.array is not None
    assert (status(now.array), condition(now, 2)) == (Status.DEGRADED, Condition.BROKEN)
    box.file("answer", "")
    for _ in range(1200):
        if {drive.health for drive in (await box.driver.read()).drives} == {Health.FAILING}:
            return
        await asyncio.sleep(0.05)
    pytest.fail("still not heard")
