"""What the recording core tells about itself. Another room maps these to the recorder's events."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from device.cameras.source import Cause
from device.media import Utc


class VolumeState(Enum):
    """Whether a volume can be written."""

    OK = "ok"
    FULL = "full"  #: no room left, and nothing on it that may be deleted
    READ_ONLY = "read_only"
    MISSING = "missing"  #: nothing there that carries our identity
    FAILED = "failed"  #: a write or a sync failed, or none came back


@dataclass(frozen=True, slots=True)
class VolumeChanged:
    """A volume went from one state to another, or was seen for the first time."""

    utc: Utc
    volume: str  #: uuid
    path: str
    state: VolumeState
    before: VolumeState | None  #: None at first sight: how it was in a former life is not known
    detail: str


@dataclass(frozen=True, slots=True)
class StorageLow:
    """Room is short. `reached`: the reserve itself is touched; else it will be soon, or no longer is
    (`cleared`)."""

    utc: Utc
    volume: str
    free: int  #: bytes
    reserve: int  #: bytes
    reached: bool
    cleared: bool


@dataclass(frozen=True, slots=True)
class StorageFull:
    """A volume takes nothing more, or does again (`cleared`)."""

    utc: Utc
    volume: str
    free: int  #: bytes
    cleared: bool


@dataclass(frozen=True, slots=True)
class RetentionBelowMinimum:
    """A volume is full of what may not be deleted: recording stops rather than break a promise."""

    utc: Utc
    volume: str
    needed: int  #: bytes that could not be freed
    locked: bool  #: evidence locks are among what is in the way


@dataclass(frozen=True, slots=True)
class RetentionKept:
    """On a volume enough may be deleted again."""

    utc: Utc
    volume: str


@dataclass(frozen=True, slots=True)
class SpoolOverrun:
    """A share was away for longer than its spool holds: what was not on it yet is deleted, and a gap."""

    utc: Utc
    volume: str  #: uuid of the spool
    segments: int
    octets: int


@dataclass(frozen=True, slots=True)
class GapOpened:
    """A recording that should be recorded is not."""

    utc: Utc  #: of the first instant that is missing
    token: str
    cause: Cause
    detail: str


@dataclass(frozen=True, slots=True)
class GapClosed:
    """A recording is being recorded again, or need not be any more."""

    utc: Utc  #: of the first instant that is not missing
    token: str
    since: Utc  #: of the first instant that was missing
    cause: Cause  #: why, at first


@dataclass(frozen=True, slots=True)
class CatalogueRebuilt:
    """The catalogue was lost, and was made anew from the segments."""

    utc: Utc
    recordings: int
    segments: int
    skipped: int  #: files that could not be read; they were left


@dataclass(frozen=True, slots=True)
class RecoveryProblem:
    """What the start after a crash found and could not set right."""

    utc: Utc
    detail: str


@dataclass(frozen=True, slots=True)
class OverloadDropped:
    """A volume could not keep up; whole groups of pictures were dropped."""

    utc: Utc
    token: str
    octets: int  #: that were waiting
    volume: str


@dataclass(frozen=True, slots=True)
class CatalogueFault:
    """The catalogue could not be written: nothing is acknowledged until it can."""

    utc: Utc
    detail: str
    cleared: bool


@dataclass(frozen=True, slots=True)
class CodecChanged:
    """A stream's picture is of another codec or size than what was recorded of it last."""

    utc: Utc
    camera: str
    stream: str
    before: str  #: such as H264 1920x1080
    after: str


@dataclass(frozen=True, slots=True)
class ClockStepped:
    """The wall clock was set while recording."""

    utc: Utc  #: after the step
    step: int  #: microseconds; negative: it was set back


Notice = (
    VolumeChanged
    | StorageLow
    | StorageFull
    | RetentionBelowMinimum
    | RetentionKept
    | SpoolOverrun
    | GapOpened
    | GapClosed
    | OverloadDropped
    | CatalogueFault
    | CodecChanged
    | CatalogueRebuilt
    | RecoveryProblem
    | ClockStepped
)
