"""The power cut is a real one: what was synced is there afterwards, what was not is gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.blocks import Stage, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")


@pytest.mark.parametrize("system", ["ext4", "xfs"])
def test_what_was_synced_survives_and_what_was_not_is_gone(tmp_path: Path, system: str) -> None:
    with Stage(tmp_path / "stage", 4 << 30) as stage:
        disk = stage.disk("disk", system, 512 << 20)
        with (disk.folder / "synced").open("wb") as file:
            file.write(b"evidence" * 1000)
            file.flush()
            os.fsync(file.fileno())
        (disk.folder / "written").write_bytes(b"hope" * 1000)
        cut = stage.cut()
        os.sync()  # too late

        with stage.after(cut, ["disk"]) as after:
            assert (after["disk"] / "synced").read_bytes() == b"evidence" * 1000
            late = after["disk"] / "written"
            assert not late.exists() or late.stat().st_size == 0


def test_disks_are_cut_at_one_instant_again_and_again(tmp_path: Path) -> None:
    with Stage(tmp_path / "stage", 4 << 30) as stage:
        disks = [stage.disk(name, "ext4", 256 << 20) for name in ("one", "two")]
        cuts = []
        for number in range(3):
            for disk in disks:
                (disk.folder / "count").write_text(str(number))
            os.sync()
            cuts.append(stage.cut())

        for number, cut in enumerate(cuts):
            with stage.after(cut, ["one", "two"]) as after:
                assert [(folder / "count").read_text() for folder in after.values()] == [str(number)] * 2


def test_nothing_stays_mounted_or_attached_when_a_bench_fails(tmp_path: Path) -> None:
    folder = tmp_path / "stage"

    def interrupted() -> None:
        with Stage(folder, 2 << 30) as stage:
            stage.disk("disk", "ext4", 256 << 20)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert not folder.exists()
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
    backing = [file.read_text() for file in Path("/sys/block").glob("loop*/loop/backing_file")]
    assert not [file for file in backing if str(tmp_path) in file]
