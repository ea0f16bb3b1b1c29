"""What the recording core notices, as events of the recorder: one row a notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from device.events import catalogue as said
from device.events.event import Event
from device.events.shares import SpoolOverrun
from device.media import MICROSECONDS
from device.recording import notices as seen
from device.recording.notices import Notice, VolumeState

Paths = Callable[[str], str]  #: path of a volume, by its uuid
N = TypeVar("N")


def _volume(notice: seen.VolumeChanged, paths: Paths) -> Event | None:  # noqa: ARG001 - it carries its path
    volume, path = said.VolumeId(notice.volume), notice.path
    match notice.state:
        case VolumeState.OK:
            return said.VolumeBack(volume, path)
        case VolumeState.READ_ONLY:
            return said.VolumeReadOnly(volume, path)
        case VolumeState.MISSING:
            return said.VolumeMissing(volume, path, notice.detail)
        case VolumeState.FAILED:
            return said.VolumeFailed(volume, path, notice.detail)
        case VolumeState.FULL:
            return None  # `StorageFull` says it with figures


def _room(notice: seen.StorageLow, paths: Paths) -> Event:
    volume, path = said.VolumeId(notice.volume), paths(notice.volume)
    if notice.cleared:
        return said.StorageOk(volume, path, notice.free)
    return said.StorageLow(volume, path, notice.free, notice.reserve)


def _full(notice: seen.StorageFull, paths: Paths) -> Event:
    volume, path = said.VolumeId(notice.volume), paths(notice.volume)
    return (said.StorageOk if notice.cleared else said.StorageFull)(volume, path, notice.free)


def _minimum(notice: seen.RetentionBelowMinimum, paths: Paths) -> Event:
    path = paths(notice.volume)
    return said.RetentionBelowMinimum(said.VolumeId(notice.volume), path, notice.needed, notice.locked)


def _kept(notice: seen.RetentionKept, paths: Paths) -> Event:
    return said.RetentionKept(said.VolumeId(notice.volume), paths(notice.volume))


def _overrun(notice: seen.SpoolOverrun, paths: Paths) -> Event:
    return SpoolOverrun(notice.volume, paths(notice.volume), notice.segments, notice.octets)


def _opened(notice: seen.GapOpened, paths: Paths) -> Event:  # noqa: ARG001 - knows no volume
    return said.GapOpened(said.Token(notice.token), notice.utc, notice.cause, notice.detail)


def _closed(notice: seen.GapClosed, paths: Paths) -> Event:  # noqa: ARG001 - knows no volume
    return said.GapClosed(said.Token(notice.token), notice.since, notice.utc, notice.cause)


def _overload(notice: seen.OverloadDropped, paths: Paths) -> Event:  # noqa: ARG001 - it carries its volume
    return said.Overload(said.Token(notice.token), said.VolumeId(notice.volume), notice.octets)


def _codec(notice: seen.CodecChanged, paths: Paths) -> Event:  # noqa: ARG001 - knows no volume
    return said.CodecChanged(said.CameraId(notice.camera), notice.stream, notice.before, notice.after)


def _catalogue(notice: seen.CatalogueFault, paths: Paths) -> Event:  # noqa: ARG001 - knows no volume
    return said.CatalogueBack() if notice.cleared else said.CatalogueFailed(notice.detail)


def _rebuilt(notice: seen.CatalogueRebuilt, paths: Paths) -> Event:  # noqa: ARG001 - knows no volume
    return said.CatalogueRebuilt(notice.recordings, notice.segments, notice.skipped)


def _problem(notice: seen.RecoveryProblem, paths: Paths) -> Event:  # noqa: ARG001 - knows no volume
    return said.RecoveryProblem(notice.detail)


def _stepped(notice: seen.ClockStepped, paths: Paths) -> Event:  # noqa: ARG001 - knows no volume
    return said.ClockStepped(notice.step / MICROSECONDS)


ROWS: dict[type[Notice], Callable[[Notice, Paths], Event | None]] = {}


def _row(kind: type[N], make: Callable[[N, Paths], Event | None]) -> None:
    ROWS[kind] = make  # type: ignore[index, assignment]  # only ever called with a `kind`


_row(seen.VolumeChanged, _volume)
_row(seen.StorageLow, _room)
_row(seen.StorageFull, _full)
_row(seen.RetentionBelowMinimum, _minimum)
_row(seen.RetentionKept, _kept)
_row(seen.SpoolOverrun, _overrun)
_row(seen.GapOpened, _opened)
_row(seen.GapClosed, _closed)
_row(seen.OverloadDropped, _overload)
_row(seen.CatalogueFault, _catalogue)
_row(seen.CodecChanged, _codec)
_row(seen.ClockStepped, _stepped)
_row(seen.CatalogueRebuilt, _rebuilt)
_row(seen.RecoveryProblem, _problem)


def event_of(notice: Notice, paths: Paths) -> Event | None:
    """The event that says a notice to the world; None where others say it already, or nobody needs to know."""
    return ROWS[type(notice)](notice, paths)
