"""What may be deleted, what must be, and the first half of how: the row becomes garbage and its span a gap,
at once.

Then the keeper unlinks the file and syncs its folder, and only then the row goes. Whatever stops in between,
a garbage row says that a file may still be there; no folder is ever listed.

Order of mercy: locked spans are never deleted, nor is anything younger than its minimum retention. Where a
volume is full of such, recording stops instead.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from device.cameras.source import Cause
from device.errors import BadValue, NotFound, Refused
from device.media import MICROSECONDS, Utc
from device.recording.commits import Op, gap_op
from device.recording.ledger import Gap
from device.recording.segments import Flag, State, file_of

BATCH = 256  #: segments that one transaction makes garbage
_PAGE = 64
_LATE = 30 * MICROSECONDS  #: how late the news of an event may be and still find its pre-roll


class LockedSpan(Refused):
    """Something in the span is evidence under lock."""

    hint = "Take the lock off first, if you may."


@dataclass(frozen=True, slots=True)
class Rule:
    """What a person decided on one recording's age and size."""

    recording: int
    keep_from: int | None  #: microseconds of age below which nothing is deleted
    keep_until: int | None  #: microseconds of age from which everything is
    quota: int | None  #: bytes
    pre_event: int  #: microseconds that a provisional segment is kept for an event to come


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a volume has to get rid of."""

    volume: int
    octets: int
    spool: bool = False  #: what is on it lies nowhere else yet, and was to go to a share


@dataclass(frozen=True, slots=True)
class Age:
    """How old what lies on a volume may become."""

    volume: int
    keep: int  #: microseconds


@dataclass(frozen=True, slots=True)
class Lost:
    """What a spool had to give up."""

    segments: int
    octets: int


@dataclass(frozen=True, slots=True)
class Garbage:
    """A file to unlink."""

    segment: int
    volume: int
    file: PurePosixPath
    octets: int


@dataclass(slots=True)
class Sweep:
    """What a sweep found."""

    garbage: list[Garbage] = field(
        default_factory=list
    )  #: all that there is, of this sweep and of earlier ones
    short: dict[int, tuple[int, bool]] = field(
        default_factory=dict
    )  #: volume: bytes that cannot be freed, locks seen
    lost: dict[int, Lost] = field(default_factory=dict)  #: by volume: a spool's
    held: dict[int, int] = field(default_factory=dict)  #: bytes of the files on each volume, garbage included
    more: bool = False  #: the batch was full: sweep again


@dataclass(frozen=True, slots=True)
class LockRow:
    """An evidence lock."""

    id: int
    token: str
    start: Utc
    end: Utc
    until: Utc | None
    who: str
    why: str
    created: Utc


@dataclass(frozen=True, slots=True)
class _Piece:
    """A segment that could go."""

    id: int
    recording: int
    volume: int
    epoch: int
    t0: int
    dur: int
    octets: int

    @property
    def end(self) -> int:
        return self.t0 + self.dur


_ON_VOLUME = (
    "SELECT id, recording, volume, epoch, t0, dur, durable FROM segment INDEXED BY segment_shelf"
    " WHERE volume = ? AND recording = ? AND state = 1 AND (epoch, t0) > (?, ?) ORDER BY epoch, t0 LIMIT ?"
)
_OF_RECORDING = (
    "SELECT id, recording, volume, epoch, t0, dur, durable FROM segment INDEXED BY segment_cover"
    " WHERE recording = ? AND (epoch, t0) > (?, ?) AND state = 1 ORDER BY epoch, t0 LIMIT ?"
)
_PROVISIONAL = (
    "SELECT id, recording, volume, epoch, t0, dur, durable FROM segment INDEXED BY segment_provisional"
    " WHERE recording = ? AND (epoch, t0) > (?, ?) AND state = 1 AND flags & 1 ORDER BY epoch, t0 LIMIT ?"
)


class Retention:
    """The rules at one instant, over one transaction."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        epoch: int,
        now: Utc,
        ids: Callable[[], int],
    ) -> None:
        """`epoch` and `now`: the present."""
        self._c = connection
        self._ids = ids
        self._rules = {
            row[0]: Rule(*row)
            for row in connection.execute("SELECT id, keep_from, keep_until, quota, pre_event FROM recording")
        }
        self._before: dict[int, int] = {}
        total = 0
        for number, back in connection.execute("SELECT id, back FROM epoch ORDER BY id"):
            total += back
            self._before[number] = total
        self._now = now + self._before.get(epoch, 0)
        self._locks: dict[int, list[tuple[int, int]]] = {}
        for recording, t0, t1 in connection.execute(
            "SELECT recording, t0, t1 FROM lock WHERE until IS NULL OR until > ? ORDER BY recording, t0",
            (now,),
        ):
            spans = self._locks.setdefault(recording, [])
            if spans and t0 <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(t1, spans[-1][1]))
            else:
                spans.append((t0, t1))
        self._met_lock = False
        self._left = BATCH

    def sweep(self, needs: Sequence[Need], ages: Sequence[Age] = ()) -> Sweep:
        """Apply every rule; returns all garbage there is."""
        sweep = Sweep()
        for rule in self._rules.values():
            self._expire_provisional(rule)
            self._expire_old(rule)
            self._keep_to_quota(rule)
        for age in ages:
            for rule in self._rules.values():
                self._expire(_ON_VOLUME, (age.volume, rule.recording), rule.recording, age.keep)
        for need in needs:
            self._met_lock = False
            before = self._left
            missing = self._free(need)
            if need.spool and before > self._left:
                sweep.lost[need.volume] = Lost(before - self._left, need.octets - missing)
            if missing > 0 and self._left:
                sweep.short[need.volume] = (missing, self._met_lock)
        sweep.more = not self._left
        sweep.garbage = garbage(self._c)
        sweep.held = dict(self._c.execute("SELECT id, bytes FROM volume"))
        for each in sweep.garbage:
            sweep.held[each.volume] += each.octets
        return sweep

    def _true(self, epoch: int, instant: int) -> int:
        return instant + self._before.get(epoch, 0)

    def _age(self, piece: _Piece) -> int:
        return self._now - self._true(piece.epoch, piece.end)

    def _expire_provisional(self, rule: Rule) -> None:
        for piece in self._pieces(_PROVISIONAL, (rule.recording,), rule.recording):
            if self._age(piece) <= rule.pre_event + _LATE or not self._left:
                return
            self._discard(piece, Cause.NOT_SCHEDULED)

    def _expire_old(self, rule: Rule) -> None:
        if rule.keep_until is not None:
            self._expire(_OF_RECORDING, (rule.recording,), rule.recording, rule.keep_until)

    def _expire(self, sql: str, where: tuple[int, ...], recording: int, keep: int) -> None:
        for piece in self._pieces(sql, where, recording):
            if self._age(piece) < keep or not self._left:
                return
            self._discard(piece, Cause.EXPIRED)

    def _keep_to_quota(self, rule: Rule) -> None:
        if rule.quota is None:
            return
        row = self._c.execute("SELECT bytes FROM recording WHERE id = ?", (rule.recording,)).fetchone()
        excess = row[0] - rule.quota
        if excess <= 0:
            return
        for piece in self._pieces(_OF_RECORDING, (rule.recording,), rule.recording):
            if excess <= 0 or self._kept(piece) or not self._left:
                return
            self._discard(piece, Cause.EXPIRED)
            excess -= piece.octets

    def _free(self, need: Need) -> int:
        """Delete the oldest there are on a volume; returns the bytes that are still missing."""
        missing = need.octets
        sources = []
        for recording in self._rules:
            pieces = self._pieces(_ON_VOLUME, (need.volume, recording), recording)
            piece = next(pieces, None)
            if piece is not None and not self._kept(piece):
                sources.append((self._true(piece.epoch, piece.t0), piece.id, piece, pieces))
        heapq.heapify(sources)
        while missing > 0 and sources and self._left:
            _, _, piece, pieces = heapq.heappop(sources)
            # What never came to where it was to be kept is a loss, and counts as one.
            self._discard(piece, Cause.STORAGE if need.spool else Cause.EXPIRED)
            missing -= piece.octets
            following = next(pieces, None)
            if following is not None and not self._kept(following):
                heapq.heappush(
                    sources, (self._true(following.epoch, following.t0), following.id, following, pieces)
                )
        return missing

    def _kept(self, piece: _Piece) -> bool:
        """Younger than its minimum retention."""
        keep_from = self._rules[piece.recording].keep_from
        return keep_from is not None and self._age(piece) < keep_from

    def _pieces(self, sql: str, where: tuple[int, ...], recording: int) -> Iterator[_Piece]:
        """Closed segments that are not locked, oldest first; a lock is stepped over in one query."""
        after = (-1, -1)
        while True:
            rows = [_Piece(*row) for row in self._c.execute(sql, (*where, *after, _PAGE)).fetchall()]
            for piece in rows:
                lock = self._lock_over(recording, piece)
                after = (piece.epoch, piece.t0)
                if lock is not None:
                    self._met_lock = True
                    after = (piece.epoch, max(piece.t0, lock[1] - 1))
                    break
                yield piece
            else:
                if len(rows) < _PAGE:
                    return

    def _lock_over(self, recording: int, piece: _Piece) -> tuple[int, int] | None:
        for t0, t1 in self._locks.get(recording, ()):
            if t0 < piece.end and t1 > piece.t0:
                return t0, t1
        return None

    def _discard(self, piece: _Piece, cause: Cause) -> None:
        self._left -= 1
        discard(self._c, piece.id, cause, self._ids)


def discard(c: sqlite3.Connection, segment: int, cause: Cause, ids: Callable[[], int]) -> None:
    """Make a segment garbage, and its span a gap, joined to its neighbours of the same cause."""
    recording, volume, epoch, t0, dur, octets = c.execute(
        "SELECT recording, volume, epoch, t0, dur, durable FROM segment WHERE id = ?", (segment,)
    ).fetchone()
    c.execute("UPDATE segment SET state = ? WHERE id = ?", (int(State.GARBAGE), segment))
    c.execute("UPDATE recording SET bytes = bytes - ? WHERE id = ?", (octets, recording))
    c.execute("UPDATE volume SET bytes = bytes - ? WHERE id = ?", (octets, volume))
    c.execute("DELETE FROM gap WHERE inside = ? AND inside <> 0", (segment,))
    enter_joined(c, recording, epoch, Utc(t0), Utc(t0 + dur), cause, ids)


def enter_joined(
    c: sqlite3.Connection, recording: int, epoch: int, t0: Utc, t1: Utc, cause: Cause, ids: Callable[[], int]
) -> None:
    """Enter a finished gap; where one of the same cause touches it, that one grows instead."""
    if t1 <= t0:
        return
    before = c.execute(
        "SELECT id, t0, t1, cause, inside FROM gap WHERE recording = ? AND epoch = ? AND t0 < ?"
        " ORDER BY t0 DESC LIMIT 1",
        (recording, epoch, t0),
    ).fetchone()
    after = c.execute(
        "SELECT id, t1, cause, inside FROM gap WHERE recording = ? AND epoch = ? AND t0 = ? AND t1 IS"
        " NOT NULL",
        (recording, epoch, t1),
    ).fetchone()
    if after is not None and after[2] == cause.value and not after[3]:
        c.execute("DELETE FROM gap WHERE id = ?", (after[0],))
        t1 = Utc(after[1])
    if before is not None and before[2] == t0 and before[3] == cause.value and not before[4]:
        c.execute("UPDATE gap SET t1 = ? WHERE id = ?", (t1, before[0]))
    else:
        sql, values = gap_op(Gap(ids(), recording, epoch, t0, t1, cause))
        c.execute(sql, values)


def garbage(c: sqlite3.Connection) -> list[Garbage]:
    """All files that are to be unlinked: of segments that are deleted, and of those that were moved to the archive."""
    deleted = [
        Garbage(i, volume, file_of(token, hour, i), octets)
        for i, volume, hour, octets, token in c.execute(
            "SELECT s.id, s.volume, s.hour, s.durable, r.token FROM segment AS s INDEXED BY segment_loose"
            " JOIN recording AS r ON r.id = s.recording WHERE s.state = 2 AND s.state <> 1"
        )
    ]
    moved = c.execute("SELECT segment, volume, token, hour, octets FROM leftover")
    return deleted + [
        Garbage(i, volume, file_of(token, hour, i), octets) for i, volume, token, hour, octets in moved
    ]


def unlinked_ops(segment: int, volume: int) -> list[Op]:
    """The file of a segment on a volume is gone, durably. A row that says another volume by now stays."""
    values = segment, volume
    return [
        ("DELETE FROM segment WHERE id = ? AND volume = ? AND state = 2", values),
        ("DELETE FROM leftover WHERE segment = ? AND volume = ?", values),
    ]


def recording_id(c: sqlite3.Connection, token: str) -> int:
    """Raises NotFound."""
    row = c.execute("SELECT id FROM recording WHERE token = ?", (token,)).fetchone()
    if row is None:
        raise NotFound("recording", token)
    return int(row[0])


def lock(
    c: sqlite3.Connection, token: str, start: Utc, end: Utc, until: Utc | None, who: str, why: str, now: Utc
) -> int:
    """Keep a span from deletion; returns the lock's id. Raises NotFound, BadValue."""
    if end <= start:
        raise BadValue("end", "after start")
    for name, text in (("who", who), ("why", why)):
        if len(text) > 1000:
            raise BadValue(name, "at most 1000 characters")
    if until is not None and until <= now:
        raise BadValue("until", "in the future")
    cursor = c.execute(
        "INSERT INTO lock(recording, t0, t1, until, who, why, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (recording_id(c, token), start, end, until, who, why, now),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def unlock(c: sqlite3.Connection, number: int) -> None:
    """Take a lock off. Raises NotFound."""
    if c.execute("DELETE FROM lock WHERE id = ?", (number,)).rowcount == 0:
        raise NotFound("lock", str(number))


def locked(c: sqlite3.Connection, recording: int, start: int, end: int, now: Utc) -> bool:
    """Whether a lock that is in force covers any of [start, end)."""
    row = c.execute(
        "SELECT 1 FROM lock WHERE recording = ? AND t0 < ? AND t1 > ? AND (until IS NULL OR until > ?)",
        (recording, end, start, now),
    ).fetchone()
    return row is not None


def locks(c: sqlite3.Connection) -> list[LockRow]:
    """All locks, oldest span first."""
    return [
        LockRow(i, token, Utc(t0), Utc(t1), None if until is None else Utc(until), who, why, Utc(created))
        for i, token, t0, t1, until, who, why, created in c.execute(
            "SELECT l.id, r.token, l.t0, l.t1, l.until, l.who, l.why, l.created FROM lock AS l"
            " JOIN recording AS r ON r.id = l.recording ORDER BY l.t0, l.id"
        )
    ]


def delete(
    c: sqlite3.Connection, token: str, start: Utc, end: Utc, now: Utc, ids: Callable[[], int]
) -> list[int]:
    """Delete, on a person's word, the closed segments that lie wholly in [start, end); returns the bytes of each.

    Raises NotFound; LockedSpan where a lock covers any of the span, and then nothing is deleted.
    """
    recording = recording_id(c, token)
    if locked(c, recording, start, end, now):
        raise LockedSpan(f"A part of this span of {token!r} is locked.")
    epochs = [e for (e,) in c.execute("SELECT id FROM epoch")]
    found = [
        row
        for epoch in epochs
        for row in c.execute(
            "SELECT id, bytes FROM segment INDEXED BY segment_cover WHERE recording = ? AND epoch = ? AND t0 >="
            " ? AND t0 < ?"
            " AND t0 + dur <= ? AND state = 1",
            (recording, epoch, start, end, end),
        ).fetchall()
    ]
    for segment, _ in found:
        discard(c, segment, Cause.DELETED, ids)
    return [octets for _, octets in found]


def promote(c: sqlite3.Connection, recording: int, epoch: int, start: Utc, end: Utc) -> None:
    """Event mode: what overlaps [start, end) is part of the recording."""
    c.execute(
        "UPDATE segment SET flags = flags & ? WHERE recording = ? AND epoch = ? AND t0 < ? AND t0 + dur"
        " > ? AND flags & 1",
        (~int(Flag.PROVISIONAL), recording, epoch, end, start),
    )
