"""Writes the file of a reserved segment, in a process that is not the catalogue's."""

from __future__ import annotations

import os
from mmap import mmap
from pathlib import PurePosixPath

from device.errors import StorageFault
from device.recording.volume import Volume
from device.recording.writer import write_all


class Scribe:
    """One file. Every method may block; they raise StorageFault, NotAVolume where the volume is not there."""

    def __init__(self, volume: Volume, file: PurePosixPath) -> None:
        """The volume is the scribe's own. Makes the file."""
        self._volume = volume
        self._file = file
        self._end = 0
        volume.open()
        try:
            self._fd = volume.create(file)
        except OSError as error:
            volume.close()
            raise StorageFault(f"{file} cannot be made: {error.strerror}.") from error

    def write(self, data: mmap) -> None:
        """Behind what is there: whole blocks of 4096 bytes."""
        try:
            with memoryview(data) as whole:
                write_all(self._fd, whole, self._end)
            self._end += len(data)
        except OSError as error:
            raise StorageFault(f"{self._file} cannot be written: {error.strerror}.") from error

    def finish(self) -> None:
        """All of it is on the disk, and its folders are."""
        try:
            self._volume.sync()
        except OSError as error:
            raise StorageFault(f"{self._file} cannot be synced: {error.strerror}.") from error
        finally:
            self._close()

    def discard(self) -> None:
        """It is not wanted after all."""
        try:
            self._volume.discard(self._file)
        except OSError as error:
            raise StorageFault(f"{self._file} cannot be removed: {error.strerror}.") from error
        finally:
            self._close()

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._volume.close()


def aligned(data: bytes | memoryview) -> mmap:
    """In memory from which a file can be written past the page cache."""
    memory = mmap(-1, len(data))
    memory[:] = data
    return memory
