"""Block devices whose power can be cut: file systems on images, copied all at one instant.

The images lie on an XFS of their own (itself an image), because XFS copies a file by reference: atomically,
in milliseconds, while it is being written. The copy is what a disk holds at that instant. Mounting it replays
the journal, as the next start of the machine would. Loop devices pass `O_DIRECT` and flushes through, so that
a sync inside an image costs what it costs on the disk below.

A drive's own volatile cache is not part of it: what was written but not flushed is on the copy, which is
kinder to a recorder that never syncs than a real power cut.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from bench.programs import BenchError, run

_MAKE = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"),
    "xfs": ("mkfs.xfs", "-q", "-f", "-s", "size=4096"),
}
_SECTOR = "4096"  # what the XFS below asks of direct writes to a file that it has copied by reference
_MOUNT = {"ext4": "defaults", "xfs": "nouuid"}  # a copy carries the identity of its original


@dataclass(frozen=True, slots=True)
class Disk:
    """A mounted file system on an image."""

    name: str
    system: str  #: ext4 | xfs
    image: Path
    folder: Path  #: where it is mounted


class Stage:
    """Holds the images. `with Stage(...) as stage:` leaves no mount, no loop device and no file behind."""

    def __init__(self, folder: Path, size: int) -> None:
        """`size` is what all images and their copies may hold together, bytes; taken as it is used.

        Raises:
            BenchError: not root, or without loop devices or XFS.
        """
        missing = why_not()
        if missing:
            raise BenchError(missing)
        self._folder = folder
        self._size = size
        self._undo = contextlib.ExitStack()
        self._disks: list[Disk] = []
        self._cuts = 0

    def __enter__(self) -> Stage:
        with contextlib.ExitStack() as undo:
            self._folder.mkdir()
            undo.callback(shutil.rmtree, self._folder, ignore_errors=True)
            image = self._folder / "stage.img"
            _sparse(image, self._size)
            run(*_MAKE["xfs"], "-m", "reflink=1", image)
            undo.enter_context(mounted(image, "xfs", self._folder / "stage"))
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def disk(self, name: str, system: str, size: int) -> Disk:
        """Make a file system on a new image and mount it."""
        disk = Disk(name, system, self._folder / "stage" / f"{name}.img", self._folder / name)
        formatted(disk.image, system, size)
        self._undo.enter_context(mounted(disk.image, system, disk.folder))
        self._disks.append(disk)
        return disk

    def cut(self) -> dict[str, Path]:
        """Copy every disk as it is now: name of the disk to its copy. Who writes must be held still."""
        self._cuts += 1
        copies = {}
        for disk in self._disks:
            copies[disk.name] = disk.image.with_name(f"{disk.name}.cut{self._cuts}.img")
            run("cp", "--reflink=always", disk.image, copies[disk.name])
        return copies

    @contextlib.contextmanager
    def after(self, cut: dict[str, Path], names: Sequence[str]) -> Iterator[dict[str, Path]]:
        """The machine has power again: mount copies, which replays their journals. Deleted afterwards."""
        systems = {disk.name: disk.system for disk in self._disks}
        with contextlib.ExitStack() as undo:
            folders = {}
            for name in names:
                undo.callback(cut[name].unlink)
                folder = self._folder / f"after-{name}"
                undo.enter_context(mounted(cut[name], systems[name], folder))
                folders[name] = folder
            yield folders


def formatted(image: Path, system: str, size: int) -> None:
    """Make an image of so many bytes with an empty file system. Raises BenchError."""
    _sparse(image, size)
    run(*_MAKE[system], image)


def why_not() -> str:
    """What keeps this machine from making block devices, for a person; empty where nothing does."""
    if os.geteuid() != 0:
        return "the power-cut bench mounts file systems, and so must run as root"
    if not Path("/dev/loop-control").exists():
        return "the power-cut bench needs loop devices (/dev/loop-control), which this machine does not have"
    absent = [tool for tool in ("losetup", "mkfs.xfs", "mkfs.ext4") if shutil.which(tool) is None]
    return f"the power-cut bench needs {', '.join(absent)}" if absent else ""


@contextlib.contextmanager
def mounted(image: Path, system: str, folder: Path) -> Iterator[Path]:
    """Attach the image to a loop device and mount it; undone on every way out."""
    device = attach(image)
    try:
        folder.mkdir(exist_ok=True)
        mount(device, system, folder)
        try:
            yield folder
        finally:
            _unmount(folder)
    finally:
        run("losetup", "-d", device)


def mount(device: str, system: str, folder: Path) -> None:
    """Mount a block device. Raises BenchError."""
    run("mount", "-t", system, "-o", _MOUNT[system], device, folder)


def attach(image: Path) -> str:
    """A loop device on an image; its path. Raises BenchError."""
    losetup = ("losetup", "-f", "--show", "--sector-size", _SECTOR)
    try:
        return run(*losetup, "--direct-io=on", image).strip()
    except BenchError:  # the file system below knows no O_DIRECT; the bench runs, its syncs cost more
        return run(*losetup, image).strip()


def _unmount(folder: Path) -> None:
    for _ in range(20):
        try:
            run("umount", folder)
        except BenchError:
            time.sleep(0.25)  # a program that was killed may still be letting go
        else:
            return
    run("umount", "--lazy", folder)


def _sparse(path: Path, size: int) -> None:
    with path.open("xb") as file:
        file.truncate(size)
