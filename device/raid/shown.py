"""A reading as it is told to whoever asks."""

from __future__ import annotations

from device.raid.messages import ArrayShown, BayShown, FilesShown, RaidShown
from device.raid.state import Array, Files, Reading, condition, status


def shown(hardware: str, reading: Reading | None) -> RaidShown:
    """`hardware`: as the settings name it; `reading`: None where it does not answer, or there is none."""
    if reading is None:
        return RaidShown(hardware, False, False, False, (), None, None)
    return RaidShown(
        hardware,
        True,
        reading.lock is not None,
        reading.lock is not None and not reading.lock.open,
        tuple(_bay(reading, bay) for bay in range(1, reading.bays + 1)),
        _array(reading.array) if reading.array is not None else None,
        _files(reading.files) if reading.files is not None else None,
    )


def _bay(reading: Reading, bay: int) -> BayShown:
    state = condition(reading, bay).value
    drive = reading.drive(bay)
    if drive is None:
        return BayShown(bay, state, "", "", 0, "", None, None, 0)
    return BayShown(
        bay,
        state,
        drive.serial,
        drive.model,
        drive.size,
        drive.health.value,
        drive.temperature,
        drive.hours,
        drive.errors,
    )


def _array(array: Array) -> ArrayShown:
    work = array.work
    return ArrayShown(
        array.uuid,
        array.level.value,
        status(array).value,
        array.drives,
        array.in_sync,
        array.size,
        array.mismatches,
        work.activity.value if work is not None else "",
        work.done if work is not None else 0,
        work.total if work is not None else 0,
        work.eta if work is not None else None,
    )


def _files(files: Files) -> FilesShown:
    return FilesShown(files.kind.value, files.mounted, files.path, files.read_only, files.size, files.free)
