"""A volume: a folder, usually a mount point, that carries our identity file. Without it, it is not a volume.

Everything is done relative to one descriptor of the volume's root, so that a file system that is unmounted
under our feet can never make us write into the empty mount point.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from device.errors import BadValue, Refused, StorageFault

IDENTITY = "holdfast-volume.json"

_libc = ctypes.CDLL(None, use_errno=True)


class ForeignVolume(Refused):
    """The volume belongs to another recorder."""

    hint = (
        "Its recordings can be read there. To use it here, erase it or remove its identity file on purpose."
    )


class NotAVolume(StorageFault):
    """There is no identity file, or another one: the file system is not mounted, or another one is."""

    hint = "Mount the file system that belongs there, or adopt the folder as a new volume."
    transient = True


@dataclass(frozen=True, slots=True)
class Mark:
    """What the identity file says."""

    volume: str  #: uuid
    recorder: str


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of a volume's file system, as statvfs tells them for an ordinary user."""

    size: int
    free: int


def read_mark(path: Path) -> Mark:
    """The identity of the volume at `path`. Raises NotAVolume."""
    try:
        with (path / IDENTITY).open("rb") as file:
            raw = json.loads(file.read(4096))
        return Mark(str(raw["volume"]), str(raw["recorder"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotAVolume(f"{path} carries no {IDENTITY}: {error}") from error


def marked(path: Path) -> bool:
    """Whether somebody has made the folder a volume, be it ours or not."""
    return (path / IDENTITY).exists()


def adopt(path: Path, recorder: str) -> Mark:
    """Make the folder `path` a volume of `recorder`; durable when it returns. A volume of ours stays what it
    is.

    Raises ForeignVolume, StorageFault; BadValue where there is no such folder.
    """
    if not path.is_dir():
        raise BadValue("path", f"{path} is not a folder")
    fresh = path / (IDENTITY + ".new")
    try:
        present = read_mark(path)
    except NotAVolume:
        if marked(path):
            raise
        if any(each.name not in (fresh.name, "lost+found") for each in path.iterdir()):
            raise BadValue("path", f"{path} is neither empty nor one of our volumes") from None
    else:
        if present.recorder != recorder:
            raise ForeignVolume(f"{path} is a volume of the recorder {present.recorder}.")
        return present
    mark = Mark(str(uuid.uuid4()), recorder)
    try:
        with fresh.open("wb") as file:
            file.write(json.dumps({"volume": mark.volume, "recorder": recorder}, indent=1).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path / IDENTITY)
        sync_folder(path)
    except OSError as error:
        raise StorageFault(f"{path} cannot be made a volume: {error}") from error
    return mark


def sync_folder(path: Path) -> None:
    """fsync of a folder. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Volume:
    """The system calls of one volume. Every method may block, and raises OSError where not said otherwise."""

    def __init__(self, path: Path, identity: str, recorder: str) -> None:
        self.path = path
        self.uuid = identity
        self.recorder = recorder
        self.root = -1  #: descriptor of the folder, or -1 while it is not open
        self._direct = True
        self._folders: set[PurePosixPath] = set()

    def open(self) -> None:
        """Find the volume and hold on to it. Raises NotAVolume."""
        self.close()
        try:
            root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise NotAVolume(f"{self.path}: {error.strerror}") from error
        self.root = root
        try:
            self.check()
        except NotAVolume:
            self.close()
            raise

    def close(self) -> None:
        """Let the file system be unmounted."""
        if self.root >= 0:
            os.close(self.root)
        self.root = -1
        self._folders.clear()

    def check(self) -> None:
        """The folder is still on the device that was opened, and says who it is. Raises NotAVolume."""
        mark = read_mark(self.path)
        if mark.volume != self.uuid:
            raise NotAVolume(f"{self.path} is the volume {mark.volume}, not {self.uuid}.")
        if mark.recorder != self.recorder:
            raise NotAVolume(f"{self.path} belongs to the recorder {mark.recorder}.")
        try:
            here, held = self.path.stat(), os.fstat(self.root)
        except OSError as error:
            raise NotAVolume(f"{self.path}: {error.strerror}") from error
        if (here.st_dev, here.st_ino) != (held.st_dev, held.st_ino):
            raise NotAVolume(f"{self.path} is on another device than before.")

    def room(self) -> Room:
        """How much there is, and how much of it is free."""
        fs = os.fstatvfs(self.root)
        return Room(fs.f_blocks * fs.f_frsize, fs.f_bavail * fs.f_frsize)

    def create(self, file: PurePosixPath) -> int:
        """A new file for writing, past the page cache where the file system can; its folders are made."""
        try:
            return self._create(file)
        except FileNotFoundError:
            # The folder was empty for a moment, and another thread removed it.
            self._folders.clear()
            return self._create(file)

    def _create(self, file: PurePosixPath) -> int:
        self._folder(file.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        if self._direct:
            try:
                return os.open(file, flags | os.O_DIRECT, 0o640, dir_fd=self.root)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                self._direct = False
                # Some file systems make the file before they refuse the flag.
                self.discard(file)
        return os.open(file, flags, 0o640, dir_fd=self.root)

    def _folder(self, folder: PurePosixPath) -> None:
        if folder in self._folders or folder == PurePosixPath("."):
            return
        self._folder(folder.parent)
        with suppress(FileExistsError):
            os.mkdir(folder, 0o750, dir_fd=self.root)
        if len(self._folders) > 4096:
            self._folders.clear()
        self._folders.add(folder)

    def discard(self, file: PurePosixPath) -> None:
        """Unlink a file that may not be there."""
        with suppress(FileNotFoundError):
            os.unlink(file, dir_fd=self.root)

    def sync(self) -> None:
        """`syncfs(2)`: every write and every new folder so far is on the medium, or OSError.

        The kernel tells a lost write-back once to each descriptor, so the descriptor stays the same.
        """
        if _libc.syncfs(self.root):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def erase(self, files: list[PurePosixPath]) -> None:
        """Unlink files, then fsync their folders, and remove those that are empty."""
        folders = set()
        for file in files:
            self.discard(file)
            folders.add(file.parent)
        for folder in folders:
            self._folders.discard(folder)
            try:
                os.rmdir(folder, dir_fd=self.root)
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                self._fsync(folder)
            else:
                self._fsync(folder.parent)

    def _fsync(self, folder: PurePosixPath) -> None:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.root)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
