"""Video that comes later than it was taken: a gap of the past is filled by segments that somebody else wrote.

    reserve  ->  its row stands among the garbage, and nobody erases it
             ->  another process writes the file and syncs it
    adopt    ->  what the file really holds is read; then one transaction takes the row from the garbage, shortens the
                 gap, and notes in `filled` what it was

Whatever stops in between, the row is garbage, and the next start erases the file. What is adopted lies wholly in gaps:
of video that is there, only the last group of pictures before the gap gives way, to the same pictures once more.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from device.cameras.source import Cause
from device.clock import Clock
from device.errors import Refused
from device.media import Track, Utc
from device.recording import index, stored
from device.recording.commits import gap_op
from device.recording.index import FragmentRow
from device.recording.ledger import FILLABLE, Gap
from device.recording.modes import Policy
from device.recording.recovery import shorten
from device.recording.retention import locked, recording_id
from device.recording.scan import Found, head_of, scan
from device.recording.segment import BadSegment, Identity
from device.recording.segments import Flag, State, file_of, hour_of
from device.recording.shelf import VolumeSettings
from device.recording.shelves import Shelves

REASON = "filled"  #: why a run ended that is no session of ours
SLIVER = 100_000  #: microseconds beside what was brought that are no gap: how long a picture lasts is not known better
SAME = 1_000  #: microseconds by which two copies of one picture may differ

T = TypeVar("T")


class NotFilled(Refused):
    """What was brought does not fit into the ledger any more, or is not what it was to be."""

    hint = "Nothing was changed. What is still missing is asked for again."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a segment is to be written."""

    segment: int
    run: int
    hour: int
    volume: VolumeSettings


@dataclass(frozen=True, slots=True)
class Brought:
    """What a file of a reserved segment holds."""

    identity: Identity
    tracks: tuple[Track, ...]
    found: tuple[Found, ...]
    octets: int


@dataclass(frozen=True, slots=True)
class Joint:
    """The last group of pictures of the segment before the gap stands in what was brought, too: there it gives way."""

    segment: int
    offset: int  #: of the fragment in its file that begins with the group's key frame


@dataclass(frozen=True, slots=True)
class Filled:
    """A span that is recorded after all."""

    start: Utc
    end: Utc
    octets: int
    cut: Path | None = None  #: the file of the segment before is longer than it has to be
    keep: int = 0  #: bytes of it that are needed


def reserve(
    c: sqlite3.Connection, token: str, segment: int, run: int, epoch: int, volume: int, hour: int
) -> None:
    """Enter a segment of which there is nothing yet. Raises NotFound."""
    c.execute(
        "INSERT INTO segment(id, recording, run, volume, tracks, epoch, t0, dur, missing, bytes, durable, hour, flags,"
        " state, idx) VALUES (?, ?, ?, ?, 0, ?, 0, 0, 0, 0, 0, ?, 0, ?, x'')",
        (segment, recording_id(c, token), run, volume, epoch, hour, int(State.GARBAGE)),
    )


def read(path: Path) -> Brought:
    """What a file holds, every byte of it. Raises NotFilled."""
    try:
        with path.open("rb", buffering=0) as file:
            tracks, identity, start = head_of(file.fileno())
        found = scan(path, start, verify=True)
    except (OSError, BadSegment) as error:
        raise NotFilled(f"{path}: {error}") from error
    if found.problem or not found.fragments or not found.fragments[0].key or not found.fragments[0].lead:
        raise NotFilled(f"{path}: {found.problem or 'does not begin with a key frame'}")
    return Brought(identity, tracks, found.fragments, found.good_end)


@dataclass(frozen=True, slots=True)
class _Row:
    """A gap that is over."""

    id: int
    t0: int
    t1: int
    cause: Cause
    lost: int
    detail: str


def adopt(
    c: sqlite3.Connection,
    brought: Brought,
    tracks: int,
    joint: Joint | None,
    source: str,
    now: Utc,
    ids: Callable[[], int],
) -> Filled:
    """Let a reserved segment be recorded. `tracks`: the catalogue's id of its tracks. Raises NotFilled."""
    who = brought.identity
    row = c.execute(
        "SELECT s.recording, s.run, s.epoch, s.volume FROM segment AS s JOIN recording AS r ON r.id = s.recording"
        " WHERE s.id = ? AND s.state = ? AND s.durable = 0 AND r.token = ?",
        (who.segment, int(State.GARBAGE), who.recording),
    ).fetchone()
    if row is None or row[1] != who.run:
        raise NotFilled(f"No place is kept for segment {who.segment} of {who.recording}.")
    recording, run, epoch, volume = row
    first = brought.found[0].utc
    last = max(each.utc_end for each in brought.found if each.lead)
    cut = None if joint is None else _give_way(c, recording, epoch, joint, first, now)
    gaps = _gaps(c, recording, epoch, first, last)
    if not gaps or first < gaps[0].t0 - SLIVER or last > gaps[-1].t1 + SLIVER:
        raise NotFilled(f"{who.recording} has no gap from {first} to {last} that may be filled.")
    begin = gaps[0].t0 if first <= gaps[0].t0 + SLIVER else first
    end = gaps[-1].t1 if last >= gaps[-1].t1 - SLIVER else last
    for gap in gaps:
        _fill(c, gap, (recording, epoch, run), (begin, end), source, now, ids)
    _enter(c, brought, tracks, begin, end)
    c.execute("UPDATE recording SET bytes = bytes + ? WHERE id = ?", (brought.octets, recording))
    c.execute("UPDATE volume SET bytes = bytes + ? WHERE id = ?", (brought.octets, volume))
    c.execute(
        "INSERT INTO run(id, recording, epoch, t0, t1, reason) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(id) DO UPDATE SET t1 = excluded.t1",
        (run, recording, epoch, begin, end, REASON),
    )
    path, keep = cut or (None, 0)
    return Filled(Utc(begin), Utc(end), brought.octets, path, keep)


def _enter(c: sqlite3.Connection, brought: Brought, tracks: int, begin: int, end: int) -> None:
    rows = [FragmentRow(f.offset, f.length, f.utc, f.key, f.damaged) for f in brought.found]
    flags = Flag.DAMAGED if any(row.damaged for row in rows) else Flag(0)
    c.execute(
        "UPDATE segment SET tracks = ?, t0 = ?, dur = ?, bytes = ?, durable = ?, flags = ?, state = ?, idx = ?"
        " WHERE id = ?",
        (
            tracks,
            begin,
            end - begin,
            brought.octets,
            brought.octets,
            int(flags),
            int(State.CLOSED),
            index.pack(rows, Utc(begin)),
            brought.identity.segment,
        ),
    )


def _gaps(c: sqlite3.Connection, recording: int, epoch: int, begin: int, end: int) -> list[_Row]:
    """Those in which the span lies, one behind the other, and the slivers beside it. Empty where one of them may not be
    filled, or something is between them."""
    rows = [
        _Row(number, t0, t1, Cause(cause), lost, detail)
        for number, t0, t1, cause, lost, detail in c.execute(
            "SELECT id, t0, t1, cause, lost, detail FROM gap INDEXED BY gap_cover WHERE recording = ? AND epoch = ?"
            " AND t0 < ? AND t1 > ? AND inside = 0 ORDER BY t0",
            (recording, epoch, end + SLIVER, begin - SLIVER),
        )
    ]
    chain: list[_Row] = []
    for row in rows:
        if row.cause in FILLABLE and (not chain or row.t0 == chain[-1].t1):
            chain.append(row)
        elif row.t0 >= end:
            break
        elif chain and chain[-1].t1 > begin:
            return []  # within the span is what no card can have, or video
        else:
            chain = [row] if row.cause in FILLABLE else []
    return chain


def _fill(
    c: sqlite3.Connection,
    gap: _Row,
    of: tuple[int, int, int],
    span: tuple[int, int],
    source: str,
    now: Utc,
    ids: Callable[[], int],
) -> None:
    """Leave of a gap what lies outside of a span, and note what does not. `of`: recording, epoch, run."""
    recording, epoch, run = of
    begin, end = max(span[0], gap.t0), min(span[1], gap.t1)
    if end <= begin:
        return
    c.execute("DELETE FROM gap WHERE id = ?", (gap.id,))
    for t0, t1 in ((gap.t0, begin), (end, gap.t1)):
        if t1 > t0:
            rest = Gap(ids(), recording, epoch, Utc(t0), Utc(t1), gap.cause, lost=gap.lost, detail=gap.detail)
            c.execute(*gap_op(rest))
    c.execute(
        "INSERT INTO filled(recording, epoch, t0, t1, cause, run, filled, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (recording, epoch, begin, end, gap.cause.value, run, now, source),
    )


def _give_way(
    c: sqlite3.Connection, recording: int, epoch: int, joint: Joint, first: Utc, now: Utc
) -> tuple[Path, int]:
    """Shorten the segment before the gap by its last group of pictures, and let the gap begin there; returns its file
    and how much of that is needed. Raises NotFilled."""
    before = stored.one(c, joint.segment)
    here = None if before is None else stored.root(c, before.volume)
    if before is None or here is None or (before.recording, before.epoch) != (recording, epoch):
        raise NotFilled(f"Segment {joint.segment} is not the one before the gap.")
    place = next((row for row in before.fragments()[1:] if row.offset == joint.offset), None)
    gap = c.execute(
        "SELECT id, cause FROM gap WHERE recording = ? AND epoch = ? AND t0 = ? AND t1 IS NOT NULL AND inside = 0",
        (recording, epoch, before.end),
    ).fetchone()
    fits = place is not None and place.key and abs(place.utc - first) <= SAME
    if gap is None or not fits or before.state != State.CLOSED or Cause(gap[1]) not in FILLABLE:
        raise NotFilled(f"Segment {joint.segment} does not end with the pictures that were brought.")
    if locked(c, recording, before.t0, before.end, now):
        raise NotFilled(f"Segment {joint.segment} is evidence under lock.")
    shorten(c, before, joint.offset)
    stored.close(c, before)
    c.execute("UPDATE gap SET t0 = ? WHERE id = ?", (before.end, gap[0]))
    return here / before.file, before.durable


class Core(Protocol):
    """What filling needs of the recorder."""

    clock: Clock

    def ask(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Do something in the catalogue."""

    def next_id(self) -> int:
        """An id for a run, a segment or a gap."""

    def tracks_id(self, tracks: Sequence[Track]) -> int:
        """The catalogue's id of a set of tracks."""


class Filling:
    """The recorder's side of it. Every method returns at once, and belongs to the loop's thread."""

    def __init__(self, core: Core, shelves: Shelves) -> None:
        self._core = core
        self._shelves = shelves

    def reserve(self, token: str, policy: Policy, utc: Utc, run: int, epoch: int) -> Future[Place]:
        """A place for a segment that begins at `utc`. `run`: that of the one before it; 0: a new one. NotFound is the
        future's; raises NotFilled where no volume takes it."""
        shelf = self._shelves.pick(policy)
        if shelf is None:
            raise NotFilled("No storage takes it.")
        segment = self._core.next_id()
        place = Place(segment, run or self._core.next_id(), hour_of(utc), shelf.settings)
        self._shelves.spared.keep(segment)

        def work(c: sqlite3.Connection) -> Place:
            reserve(c, token, segment, place.run, epoch, shelf.number, place.hour)
            return place

        return self._core.ask(work)

    def adopt(self, brought: Brought, joint: Joint | None, source: str) -> Future[Filled]:
        """What was written and synced is recorded from now on. NotFilled is the future's."""
        tracks, now = self._core.tracks_id(brought.tracks), self._core.clock.utc()

        def work(c: sqlite3.Connection) -> Filled:
            return adopt(c, brought, tracks, joint, source, now, self._core.next_id)

        return self._core.ask(work)

    def settle(self, segment: int) -> None:
        """Nobody writes it any more. Where it was not adopted it is erased."""
        self._shelves.spared.settle(segment)
        self._shelves.sweep_soon()


def path_of(place: Place, token: str) -> Path:
    """Where its file is to be."""
    return place.volume.path / file_of(token, place.hour, place.segment)


def truncate(filled: Filled) -> None:
    """Take off what gave way: it is in the catalogue that it is not needed. Blocks; raises OSError."""
    if filled.cut is not None:
        os.truncate(filled.cut, filled.keep)
