"""The thread that looks after one volume beside its writer: is it still there, how much room, and unlinking.

Apart from the writer, because unlinking large files takes as long as it takes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from device.recording.notices import VolumeState
from device.recording.volume import NotAVolume, Room, Volume
from device.recording.worker import Halt, Worker

_PROBE = PurePosixPath("holdfast-probe")


@dataclass(frozen=True, slots=True)
class Inspected:
    """How a volume was found: MISSING, READ_ONLY, FAILED; OK, and then there is `room`."""

    volume: int
    state: VolumeState
    room: Room | None
    detail: str


@dataclass(frozen=True, slots=True)
class Erased:
    """Files are gone, durably; or not, and then `detail` says why."""

    volume: int
    segments: list[int]
    detail: str


@dataclass(frozen=True, slots=True)
class _Inspect:
    probe: bool
    hold: bool


@dataclass(frozen=True, slots=True)
class _Erase:
    files: list[tuple[int, PurePosixPath]]


class Keeper(Worker[_Inspect | _Erase]):
    """All methods but the thread's return at once."""

    def __init__(
        self,
        volume: Volume,
        number: int,
        *,
        inspected: Callable[[Inspected], None],
        erased: Callable[[Erased], None],
    ) -> None:
        """`volume` is for this thread alone. The callbacks are called from it."""
        super().__init__(f"keeper-{number}")
        self.number = number
        self._volume = volume
        self._inspected = inspected
        self._erased = erased

    def inspect(self, *, probe: bool, hold: bool) -> None:
        """Report how the volume is; `probe`: write to it and sync, as it failed before. Unless `hold`, let go of it
        afterwards, so that a person can unmount and mend it."""
        self._queue.put(_Inspect(probe, hold))

    def erase(self, files: list[tuple[int, PurePosixPath]]) -> None:
        """Unlink these segments' files."""
        self._queue.put(_Erase(files))

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            match item:
                case _Inspect():
                    found = inspect(self._volume, self.number, item.probe)
                    if not item.hold:
                        self._volume.close()
                    self._inspected(found)
                case _Erase():
                    self._erase(item.files)
                case Halt():
                    self._volume.close()
                    return

    def _erase(self, files: list[tuple[int, PurePosixPath]]) -> None:
        segments = [segment for segment, _ in files]
        try:
            if self._volume.root < 0:
                self._volume.open()
            self._volume.check()
            self._volume.erase([file for _, file in files])
        except (OSError, NotAVolume) as error:
            self._erased(Erased(self.number, [], str(error)))
        else:
            self._erased(Erased(self.number, segments, ""))


def inspect(volume: Volume, number: int, probe: bool) -> Inspected:
    """Find out how a volume is. A statvfs that fails is a fault, not endless room. Blocks; raises nothing."""
    try:
        if volume.root < 0:
            volume.open()
        else:
            volume.check()
    except NotAVolume as error:
        volume.close()
        return Inspected(number, VolumeState.MISSING, None, str(error))
    try:
        room = volume.room()
        if os.fstatvfs(volume.root).f_flag & os.ST_RDONLY:
            return Inspected(number, VolumeState.READ_ONLY, room, "mounted read-only")
        if probe:
            fd = volume.create(_PROBE)
            os.close(fd)
            volume.discard(_PROBE)
            volume.sync()
    except OSError as error:
        return Inspected(number, VolumeState.FAILED, None, error.strerror or str(error))
    return Inspected(number, VolumeState.OK, room, "")
