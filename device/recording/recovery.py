"""After a power cut: what was being written is looked at again, and the catalogue and the files are made to
agree.

Only the segments that the catalogue calls open are touched, at most two a stream. What lies beyond the last
acknowledged fragment is taken in where it is whole, and cut off where it is not.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from device.cameras.source import Cause
from device.media import Utc
from device.recording import index, stored
from device.recording.commits import gap_op
from device.recording.ledger import JITTER, Gap
from device.recording.retention import enter_joined
from device.recording.scan import Found, head_of, scan
from device.recording.segment import BadSegment
from device.recording.segments import Flag, State
from device.recording.stored import Stored

_EARLY = 20_000_000  #: microseconds that a segment may begin before the guess in its row


@dataclass(slots=True)
class Recovered:
    """What was done."""

    segments: int = 0  #: that had been open
    fragments: int = 0  #: taken in though they had not been acknowledged
    octets: int = 0  #: cut off
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frontier:
    """Where the ledger of a recording ends."""

    epoch: int
    utc: Utc
    gap: Gap | None  #: that it ends with


def recover(
    c: sqlite3.Connection, volumes: Mapping[int, Path], ids: Callable[[], int], alive: Utc
) -> Recovered:
    """Close what is open. `volumes`: those that are there. Reads files, writes the catalogue in the caller's
    transaction; raises OSError only where truncating fails for want of a working disk."""
    done = Recovered()
    loose = stored.loose(c)
    for segment in loose:
        root = volumes.get(segment.volume)
        if root is None:
            _close_unseen(c, segment)
        else:
            done.segments += 1
            _close(c, segment, root / segment.file, done, ids)
    c.execute("UPDATE gap SET t1 = max(t0, ?) WHERE t1 IS NULL", (alive,))
    c.execute(
        "UPDATE run SET t1 = max(t0, ?), reason = ? WHERE t1 IS NULL", (alive, Cause.RECORDER_DOWN.value)
    )
    earliest: dict[tuple[int, int], int] = {}
    for segment in loose:
        place = segment.recording, segment.epoch
        earliest[place] = min(segment.t0, earliest.get(place, segment.t0))
    for (recording, epoch), since in earliest.items():
        mend(c, recording, epoch, since, Cause.RECORDER_DOWN, ids)
    return done


def frontier(c: sqlite3.Connection, recording: int) -> Frontier | None:
    """Where the ledger of a recording ends; None where it has no entry yet."""
    segment = c.execute(
        "SELECT epoch, t0 + dur FROM segment INDEXED BY segment_cover WHERE recording = ? AND state = 1"
        " AND dur > 0"
        " ORDER BY epoch DESC, t0 DESC LIMIT 1",
        (recording,),
    ).fetchone()
    gap = c.execute(
        "SELECT epoch, t1, id, t0, cause, lost, detail FROM gap INDEXED BY gap_cover WHERE recording = ?"
        " AND t1 IS NOT NULL AND inside = 0"
        " ORDER BY epoch DESC, t0 DESC LIMIT 1",
        (recording,),
    ).fetchone()
    if gap is not None and (segment is None or (gap[0], gap[1]) >= tuple(segment)):
        epoch, t1, number, t0, cause, lost, detail = gap
        row = Gap(number, recording, epoch, Utc(t0), Utc(t1), Cause(cause), lost=lost, detail=detail)
        return Frontier(epoch, Utc(t1), row)
    return None if segment is None else Frontier(segment[0], Utc(segment[1]), None)


def _close_unseen(c: sqlite3.Connection, segment: Stored) -> None:
    """Its volume is not there: it ends where it was acknowledged."""
    state = State.CLOSED if segment.durable else State.GARBAGE
    c.execute("UPDATE segment SET state = ? WHERE id = ?", (int(state), segment.id))


def _close(
    c: sqlite3.Connection, segment: Stored, path: Path, done: Recovered, ids: Callable[[], int]
) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        if segment.durable:
            done.problems.append(f"{path} is gone; it had {segment.durable} bytes that were acknowledged")
        forget(c, segment, ids)
        return
    if size < segment.durable:
        done.problems.append(f"{path} has {size} bytes; {segment.durable} were acknowledged")
        if not shorten(c, segment, size):
            forget(c, segment, ids)
            return
    done.fragments += _take_in(c, segment, path, ids)
    if not segment.durable:
        c.execute("UPDATE segment SET state = ?, dur = 0 WHERE id = ?", (int(State.GARBAGE), segment.id))
        return
    done.octets += max(0, size - segment.durable)
    with path.open("r+b") as file:
        if size > segment.durable:
            file.truncate(segment.durable)
        os.fsync(file.fileno())
    stored.close(c, segment)


def forget(c: sqlite3.Connection, segment: Stored, ids: Callable[[], int]) -> None:
    """Its file is gone, or nothing in it is whole: its span becomes a gap. What is left of the file stays."""
    durable, dur = c.execute("SELECT durable, dur FROM segment WHERE id = ?", (segment.id,)).fetchone()
    c.execute("DELETE FROM gap WHERE inside = ? AND inside <> 0", (segment.id,))
    c.execute("DELETE FROM segment WHERE id = ?", (segment.id,))
    stored.count(c, segment, -durable)
    begin, end = Utc(segment.t0), Utc(segment.t0 + dur)
    enter_joined(c, segment.recording, segment.epoch, begin, end, Cause.STORAGE, ids)


def cut_back(c: sqlite3.Connection, segment: Stored, size: int, ids: Callable[[], int]) -> None:
    """The file of a closed segment has `size` bytes, fewer than it should: what it no longer has becomes a gap."""
    end = segment.end
    if not shorten(c, segment, size):
        forget(c, segment, ids)
        return
    stored.close(c, segment)
    enter_joined(c, segment.recording, segment.epoch, Utc(segment.end), Utc(end), Cause.STORAGE, ids)


def shorten(c: sqlite3.Connection, segment: Stored, size: int) -> bool:
    """Leave out the fragments beyond `size` bytes of its file; False where none is left."""
    rows = segment.fragments()
    kept = [row for row in rows if row.offset + row.length <= size]
    if not kept:
        return False
    segment.durable = kept[-1].offset + kept[-1].length
    segment.dur = max(0, rows[len(kept)].utc - segment.t0)
    segment.idx = index.pack(kept, Utc(segment.t0))
    c.execute("DELETE FROM gap WHERE inside = ? AND inside <> 0 AND t1 > ?", (segment.id, segment.end))
    segment.missing = stored.missing_inside(c, segment)
    return True


def reclaim(c: sqlite3.Connection, segment: Stored, path: Path, ids: Callable[[], int]) -> int:
    """Take in what stands whole behind the end of a closed segment: a drive that failed had kept it after all. The
    gap STORAGE that stood for it shrinks. Returns how many fragments; 0 where there is no such gap."""
    span = segment.recording, segment.epoch, segment.end
    gap = c.execute(
        "SELECT id FROM gap WHERE recording = ? AND epoch = ? AND t0 = ? AND t1 IS NOT NULL AND inside = 0"
        " AND cause = ?",
        (*span, Cause.STORAGE.value),
    ).fetchone()
    if gap is None:
        return 0
    c.execute("DELETE FROM gap WHERE id = ?", gap)
    taken = _take_in(c, segment, path, ids)
    stored.close(c, segment)
    mend(c, segment.recording, segment.epoch, segment.t0, Cause.STORAGE, ids)
    return taken


def _take_in(c: sqlite3.Connection, segment: Stored, path: Path, ids: Callable[[], int]) -> int:
    """Index what is whole beyond the last acknowledged fragment; how many fragments."""
    start = segment.durable
    if not start:
        try:
            with path.open("rb", buffering=0) as file:
                _, _, start = head_of(file.fileno())
        except (BadSegment, OSError):
            return 0
    found = scan(path, start, verify=True).fragments
    if not found:
        return 0
    recording, epoch = segment.recording, segment.epoch
    if segment.durable:
        last = segment.fragments()[-1].utc
        _, limit = _around(c, recording, epoch, segment.end - 1, segment.id)
    else:
        # Its gap was still open when the power went; it ended with this segment.
        # Where it says a time long before its row, the clock was set back and nobody had noticed yet.
        first = found[0].utc if found[0].utc > segment.t0 - _EARLY else Utc(segment.t0)
        c.execute(
            "UPDATE gap SET t1 = max(t0, ?) WHERE recording = ? AND t1 IS NULL AND t0 <= ?",
            (first, recording, first),
        )
        begin, limit = _around(c, recording, epoch, first, segment.id)
        segment.t0 = last = Utc(max(first, begin or 0))
        segment.idx = index.begin(start)
    taken = 0
    for each in found:
        if limit is not None and each.utc_end > limit + JITTER:
            break
        _append(c, segment, each, last, limit, ids)
        last = each.utc
        taken += 1
    return taken


def _append(
    c: sqlite3.Connection, segment: Stored, found: Found, last: Utc, limit: int | None, ids: Callable[[], int]
) -> None:
    end = segment.end
    if found.lead and found.utc - end > JITTER:
        recording, epoch, inside = segment.recording, segment.epoch, segment.id
        gap = Gap(ids(), recording, epoch, Utc(end), found.utc, Cause.PACKET_LOSS, inside=inside)
        sql, values = gap_op(gap)
        c.execute(sql, values)
        segment.missing += found.utc - end
    segment.idx += index.entry(found.utc - last, found.length, found.key, found.damaged)
    segment.durable = found.offset + found.length
    if found.lead:
        upto = found.utc_end if limit is None else min(found.utc_end, limit)
        segment.dur = max(end, upto) - segment.t0
    if found.damaged:
        segment.flags |= Flag.DAMAGED


_ENDS_BEFORE = (
    (
        "SELECT t0 + dur FROM segment INDEXED BY segment_cover WHERE recording = ? AND epoch = ? AND t0 <= ?"
        " AND id <> ? AND state = 1 AND dur > 0 ORDER BY t0 DESC LIMIT 1"
    ),
    (
        "SELECT t0 + dur FROM segment INDEXED BY segment_loose WHERE recording = ? AND epoch = ? AND t0 <= ?"
        " AND id <> ? AND state = 0 AND state <> 1 AND dur > 0"
    ),
    (
        "SELECT coalesce(t1, t0) FROM gap INDEXED BY gap_cover WHERE recording = ? AND epoch = ? AND t0 <= ?"
        " AND inside <> ? ORDER BY t0 DESC LIMIT 1"
    ),
)
_BEGINS_AFTER = (
    (
        "SELECT t0 FROM segment INDEXED BY segment_cover WHERE recording = ? AND epoch = ? AND t0 > ?"
        " AND id <> ? AND state = 1 AND dur > 0 ORDER BY t0 LIMIT 1"
    ),
    (
        "SELECT t0 FROM segment INDEXED BY segment_loose WHERE recording = ? AND epoch = ? AND t0 > ?"
        " AND id <> ? AND state = 0 AND state <> 1 AND dur > 0"
    ),
    (
        "SELECT t0 FROM gap INDEXED BY gap_cover WHERE recording = ? AND epoch = ? AND t0 > ?"
        " AND inside <> ? ORDER BY t0 LIMIT 1"
    ),
)


def _around(
    c: sqlite3.Connection, recording: int, epoch: int, utc: int, but: int
) -> tuple[int | None, int | None]:
    """The end of the last entry of the ledger that begins at or before `utc`, and the beginning of the next
    one.

    The segment `but` and its inner gaps do not count; a gap that lasts counts as nothing but its beginning.
    """
    of = recording, epoch, utc, but
    ends = [end for sql in _ENDS_BEFORE for (end,) in c.execute(sql, of)]
    begins = [begin for sql in _BEGINS_AFTER for (begin,) in c.execute(sql, of)]
    return max(ends, default=None), min(begins, default=None)


def mend(
    c: sqlite3.Connection, recording: int, epoch: int, since: int, cause: Cause, ids: Callable[[], int]
) -> int:
    """Where entries of the ledger from the one at `since` on do not touch, a gap fills the hole.

    Returns how many holes there were.
    """
    holes = 0
    end, following = _around(c, recording, epoch, since, -1)
    while following is not None:
        if end is not None and following > end:
            enter_joined(c, recording, epoch, Utc(end), Utc(following), cause, ids)
            holes += 1
        end, following = _around(c, recording, epoch, following, -1)
    return holes
