"""The tracer sees what a program does to its files, in order, and does not pretend to see what it cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.crash.trace import (
    Make,
    Name,
    Reader,
    Resize,
    Step,
    Sync,
    Told,
    TraceFault,
    Write,
    existing,
    record,
)


def traced(tmp_path: Path, program: str) -> list[Step]:
    """The steps of a program that runs in a folder of its own."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").write_bytes(b"was there")
    base = existing(folder, [folder])
    record([sys.executable, "-c", program], tmp_path / "log", folder)
    return Reader([folder], list(base), folder).read(tmp_path / "log")[len(base) :]


def test_every_change_is_seen_with_its_bytes(tmp_path: Path) -> None:
    steps = traced(
        tmp_path,
        "import os\n"
        "os.mkdir('sub')\n"
        "fd = os.open('sub/new', os.O_RDWR | os.O_CREAT)\n"
        "os.pwrite(fd, b'abc', 5); os.pwritev(fd, [b'de', b'f'], 9); os.ftruncate(fd, 4); os.fdatasync(fd)\n"
        "os.rename('sub/new', 'newer'); os.unlink('old')\n"
        "here = os.open('.', os.O_RDONLY); os.fsync(here)\n"
        "os.write(os.open('/dev/null', os.O_WRONLY), b'told')\n",
    )
    folder = tmp_path / "folder"
    made = [(step.path.name, step.folder) for step in steps if isinstance(step, Make)]
    assert made == [("sub", True), ("new", False)]
    assert [(step.offset, step.data) for step in steps if isinstance(step, Write)] == [
        (5, b"abc"),
        (9, b"def"),
    ]
    assert [step.size for step in steps if isinstance(step, Resize)] == [4]
    names = [[path.name for path, _ in step.changes] for step in steps if isinstance(step, Name)]
    assert names == [["new", "newer"], ["old"]]
    file, here = (step for step in steps if isinstance(step, Sync))
    assert file.inode is not None
    assert (here.inode, here.path, here.whole) == (None, folder, False)
    assert steps[-1] == Told("told")


def test_a_sync_covers_what_was_answered_before_it_was_asked_for(tmp_path: Path) -> None:
    steps = traced(
        tmp_path, "import os\nfd = os.open('a', os.O_RDWR | os.O_CREAT)\nos.write(fd, b'x')\nos.fsync(fd)\n"
    )
    before = len(existing(tmp_path / "folder", [tmp_path / "folder"])) - 2  # it has written two more since
    sync = steps[-1]
    assert isinstance(sync, Sync)
    assert [type(each) for each in steps] == [Make, Write, Sync]
    assert sync.upto == before + 2


@pytest.mark.parametrize(
    "program",
    [
        "import mmap\nfile = open('old', 'r+b')\nmmap.mmap(file.fileno(), 9)[0:1] = b'x'\n",
        "import os\nfd = os.open('old', os.O_RDWR)\nos.posix_fallocate(fd, 0, 100)\n",
        "import os\nos.symlink('old', 'new')\n",
        "import os\nos.dup(os.open('old', os.O_RDWR))\n",
    ],
)
def test_what_cannot_be_followed_is_an_error(tmp_path: Path, program: str) -> None:
    with pytest.raises(TraceFault):
        traced(tmp_path, program)


def test_a_program_that_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TraceFault, match="ended with 1"):
        traced(tmp_path, "raise SystemExit(1)")
