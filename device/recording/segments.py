"""A segment while it is being written, as the three threads that work on it see it.

The loop makes it and hands it on; from then on each field belongs to the thread named beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, IntFlag
from pathlib import PurePosixPath

from device.media import MICROSECONDS, Track, Utc
from device.recording import index
from device.recording.ledger import Gap, Span


class State(IntEnum):
    """Of a row of the catalogue's table `segment`."""

    OPEN = 0  #: being written, or was at the last power cut
    CLOSED = 1
    GARBAGE = 2  #: its file is about to be, or already, unlinked


class Flag(IntFlag):
    """Of a row of the catalogue's table `segment`."""

    PROVISIONAL = 1  #: event mode: nobody has asked for it yet
    DAMAGED = 2  #: holds samples after a loss


NOTHING, EVER = Flag(0), Utc(0)


class Ids:
    """The one sequence that runs, segments and gaps take their ids from. Any thread may call it."""

    def __init__(self, last: int) -> None:
        self.last = last
        self._turn = threading.Lock()

    def __call__(self) -> int:
        with self._turn:
            self.last += 1
            return self.last


def hour_of(utc: Utc) -> int:
    """YYYYMMDDHH of an instant, UTC; at least 1970010100."""
    return int(datetime.fromtimestamp(max(utc, 0) / MICROSECONDS, UTC).strftime("%Y%m%d%H"))


def file_of(token: str, hour: int, segment: int) -> PurePosixPath:
    """Where a segment lies within its volume."""
    return PurePosixPath("video", token, str(hour), f"{segment}.mp4")


@dataclass(slots=True, eq=False)
class OpenSegment:
    """One file being written."""

    id: int
    recording: int
    token: str
    run: int
    volume: int  #: the catalogue's id of the volume
    tracks: Sequence[Track]
    tracks_id: int
    epoch: int
    t0: Utc  #: where its first claim begins (a guess until it has one)
    hour: int
    head: bytes  #: its first bytes: ftyp, moov, identity
    #: set by the catalogue once the row is durable: only then may the file be created
    registered: threading.Event = field(default_factory=threading.Event)

    # the loop's
    claimed: int = 0  #: bytes handed to the writer

    # the writer's
    fd: int = -1
    end: int = 0  #: bytes written
    broken: str = ""  #: why nothing more is written to it

    # the catalogue's
    flags: Flag = NOTHING
    duration: int = 0
    missing: int = 0
    durable: int = 0
    last_utc: Utc = EVER
    idx: bytearray = field(default_factory=bytearray)
    counted: int = 0  #: bytes that the sums of its recording and volume already hold

    @property
    def file(self) -> PurePosixPath:
        """Within the volume."""
        return file_of(self.token, self.hour, self.id)

    def grow(self, claim: Claim) -> None:
        """A fragment of it is durable. The catalogue's thread calls this."""
        if not self.idx:
            self.t0 = claim.span.t0
            self.last_utc = self.t0
            self.idx += index.begin(len(self.head))
            self.durable = len(self.head)
        self.idx += index.entry(claim.utc - self.last_utc, claim.length, claim.key, claim.damaged)
        self.last_utc = claim.utc
        self.durable += claim.length
        self.duration = claim.span.t1 - self.t0
        if claim.damaged:
            self.flags |= Flag.DAMAGED
        if claim.inner is not None and claim.inner.t1 is not None:
            self.missing += claim.inner.t1 - claim.inner.t0


@dataclass(frozen=True, slots=True)
class Claim:
    """A fragment on its way to the disk, and the time that it claims once it is there."""

    segment: OpenSegment
    span: Span
    inner: Gap | None  #: the loss before it, inside its segment
    utc: Utc  #: of its first sample
    length: int  #: bytes
    key: bool
    damaged: bool

    def forfeited(self) -> tuple[int, Utc, Utc]:
        """The epoch and span that are missing if it does not get to the disk."""
        return self.span.epoch, self.inner.t0 if self.inner is not None else self.span.t0, self.span.t1
