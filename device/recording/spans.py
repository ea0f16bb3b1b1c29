"""The ledger read as spans: what is recorded and what is not, of which run and for which cause.

What costs is the gaps and runs of a span, however many segments there are: what is no gap is recorded, for they tile
the time.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from device.cameras.source import Cause
from device.media import Utc


class GapRow(NamedTuple):
    """A span without video. `end` None: it lasts. A tuple, because a year of a bad cable has thousands."""

    epoch: int
    start: Utc
    end: Utc | None
    cause: Cause
    lost: int  #: packets
    detail: str
    inside: int  #: id of the segment in whose span it lies, or 0


class TimelineRow(NamedTuple):
    """A span of a timeline: recorded (`cause` None) or not. A tuple likewise."""

    start: Utc
    end: Utc
    cause: Cause | None
    damaged: bool
    run: int  #: 0 for a gap


@dataclass(frozen=True, slots=True)
class Completeness:
    """Microseconds of a span: recorded, missing though due, and not due."""

    recorded: int
    missing: int
    idle: int

    @property
    def share(self) -> float:
        """recorded / due; 1.0 where nothing was due."""
        due = self.recorded + self.missing
        return self.recorded / due if due else 1.0


#: Event mode: what nobody is shown.
_HIDDEN_FROM = (
    "SELECT t0 FROM segment INDEXED BY segment_provisional WHERE recording = ? AND epoch = ? AND flags & 1"
    " AND state < 2 AND dur > 0 AND t0 <= ? ORDER BY t0 DESC LIMIT 1"
)
_HIDDEN = (
    "SELECT t0, dur, id FROM segment INDEXED BY segment_provisional WHERE recording = ? AND epoch = ?"
    " AND flags & 1 AND state < 2 AND dur > 0 AND t0 >= ? AND t0 < ? ORDER BY t0"
)

_DAMAGED_FROM = (
    "SELECT t0 FROM segment INDEXED BY segment_damaged WHERE recording = ? AND epoch = ? AND flags & 2"
    " AND state < 2 AND dur > 0 AND t0 <= ? ORDER BY t0 DESC LIMIT 1"
)
_DAMAGED = (
    "SELECT t0, dur FROM segment INDEXED BY segment_damaged WHERE recording = ? AND epoch = ? AND flags & 2"
    " AND state < 2 AND t0 >= ? AND t0 < ? ORDER BY t0"
)

_RUN_FROM = "SELECT t0 FROM run WHERE recording = ? AND epoch = ? AND t0 <= ? ORDER BY t0 DESC LIMIT 1"
_RUNS = "SELECT t0, id FROM run WHERE recording = ? AND epoch = ? AND t0 >= ? AND t0 < ? ORDER BY t0, id"

_GAPS_FROM = "SELECT t0 FROM gap WHERE recording = ? AND epoch = ? AND t0 <= ? ORDER BY t0 DESC LIMIT 1"

_GAPS = (
    "SELECT epoch, t0, t1, cause, lost, detail, inside FROM gap"
    " WHERE recording = ? AND epoch = ? AND t0 >= ? AND t0 < ? ORDER BY t0, id"
)

_CAUSES = {cause.value: cause for cause in Cause}

Covered = Sequence[tuple[int, Utc, Utc]]  #: epochs, with the span of each that is meant


def gaps(c: sqlite3.Connection, recording: int, epoch: int, start: Utc, end: Utc) -> list[GapRow]:
    """Those of an epoch that overlap the span, in the order of the ledger; what event mode hides is NOT_SCHEDULED."""
    before = c.execute(_HIDDEN_FROM, (recording, epoch, start)).fetchone()
    begin = before[0] if before is not None else start
    hidden = [
        (Utc(t0), Utc(t0 + dur), i)
        for t0, dur, i in c.execute(_HIDDEN, (recording, epoch, begin, end))
        if t0 + dur > start
    ]
    within = {i for _, _, i in hidden}
    first = c.execute(_GAPS_FROM, (recording, epoch, start)).fetchone()
    begin = min(first[0] if first is not None else start, start)
    rows = [
        GapRow(epoch, Utc(t0), None if t1 is None else Utc(t1), _CAUSES[cause], lost, detail, inside)
        for _, t0, t1, cause, lost, detail, inside in c.execute(_GAPS, (recording, epoch, begin, end))
        if (t1 is None or t1 > start) and inside not in within
    ]
    rows += [GapRow(epoch, t0, t1, Cause.NOT_SCHEDULED, 0, "", 0) for t0, t1, _ in hidden]
    rows.sort(key=lambda gap: gap.start)
    return rows


def timeline(c: sqlite3.Connection, recording: int, covered: Covered) -> list[TimelineRow]:
    """What is covered, as runs and gaps, cut to it, in the order of the ledger."""
    rows: list[TimelineRow] = []
    for epoch, low, high in covered:
        at, pieces = low, deque(_runs(c, recording, epoch, low, high))
        for gap in gaps(c, recording, epoch, low, high):
            if gap.inside:
                continue
            begin, upto = max(gap.start, low), high if gap.end is None else min(gap.end, high)
            rows += _cut(pieces, at, begin)
            last = rows[-1] if rows else None
            if last and (last.end, last.cause) == (begin, gap.cause):
                rows[-1] = TimelineRow(last.start, upto, gap.cause, False, 0)
            elif upto > begin:
                rows.append(TimelineRow(begin, upto, gap.cause, False, 0))
            at = max(at, upto)
        rows += _cut(pieces, at, high)
    return rows


def completeness(c: sqlite3.Connection, recording: int, covered: Covered) -> Completeness:
    """How much of what is covered is there."""
    recorded = missing = idle = 0
    for epoch, low, high in covered:
        recorded += max(0, high - low)
        for gap in gaps(c, recording, epoch, low, high):
            span = (high if gap.end is None else min(gap.end, high)) - max(gap.start, low)
            recorded -= span
            if gap.cause.due:
                missing += span
            else:
                idle += span
    return Completeness(recorded, missing, idle)


def _runs(c: sqlite3.Connection, recording: int, epoch: int, start: Utc, end: Utc) -> list[TimelineRow]:
    """A span as if it had no gap, cut where a run begins, and where damage does and ends."""
    if end <= start:
        return []
    of = recording, epoch, start
    first = c.execute(_RUN_FROM, of).fetchone()
    runs = c.execute(_RUNS, (recording, epoch, first[0] if first is not None else start, end)).fetchall()
    before = c.execute(_DAMAGED_FROM, of).fetchone()
    begin = before[0] if before is not None else start
    damaged = [
        (max(t0, start), min(t0 + dur, end))
        for t0, dur in c.execute(_DAMAGED, (recording, epoch, begin, end))
        if t0 + dur > start
    ]
    edges = {start, end, *(t0 for t0, _ in runs if start < t0 < end)}
    edges.update(edge for span in damaged for edge in span)
    rows: list[TimelineRow] = []
    run, later, spans = 0, deque(runs), deque(damaged)
    for t0, t1 in pairwise(sorted(edges)):
        while later and later[0][0] <= t0:
            run = later.popleft()[1]
        while spans and spans[0][1] <= t0:
            spans.popleft()
        broken = bool(spans) and spans[0][0] <= t0
        last = rows[-1] if rows else None
        if last and (last.run, last.damaged) == (run, broken):
            rows[-1] = TimelineRow(last.start, Utc(t1), None, broken, run)
        else:
            rows.append(TimelineRow(Utc(t0), Utc(t1), None, broken, run))
    return rows


def _cut(pieces: deque[TimelineRow], start: Utc, end: Utc) -> Iterator[TimelineRow]:
    """What of them lies in [start, end). Those before its end are taken away: they are asked for in order."""
    while start < end and pieces and pieces[0].start < end:
        piece = pieces[0]
        if piece.end > start:
            yield TimelineRow(max(piece.start, start), min(piece.end, end), None, piece.damaged, piece.run)
        if piece.end > end:
            return
        pieces.popleft()
