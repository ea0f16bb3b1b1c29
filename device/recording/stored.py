"""A segment as its row in the catalogue says it is: read and written here alone, by recovery and by `check`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from device.media import Utc
from device.recording import index
from device.recording.segments import State, file_of

_PAGE = 1000
_SELECT = (
    "SELECT s.id, s.recording, r.token, s.volume, s.epoch, s.t0, s.dur, s.missing, s.durable, s.hour, s.flags,"
    " s.state, s.idx FROM segment AS s{} JOIN recording AS r ON r.id = s.recording WHERE {} ORDER BY s.id"
)
_LOOSE = _SELECT.format(" INDEXED BY segment_loose", "s.state = 0 AND s.state <> 1")
_ONE = _SELECT.format("", "s.id = ?")
_AFTER = _SELECT.format("", "s.id > ?") + " LIMIT ?"


@dataclass(slots=True)
class Stored:
    """One row, and the token of the recording that it belongs to."""

    id: int
    recording: int
    token: str
    volume: int
    epoch: int
    t0: int  #: microseconds UTC
    dur: int  #: microseconds
    missing: int  #: microseconds
    durable: int  #: bytes
    hour: int
    flags: int
    state: int
    idx: bytes

    @property
    def end(self) -> int:
        """Where its span ends."""
        return self.t0 + self.dur

    @property
    def file(self) -> PurePosixPath:
        """Within its volume."""
        return file_of(self.token, self.hour, self.id)

    def fragments(self) -> tuple[index.FragmentRow, ...]:
        """What its index says. Raises BadIndex."""
        return index.unpack(self.idx, Utc(self.t0))


def loose(c: sqlite3.Connection) -> list[Stored]:
    """Those that are open."""
    return [Stored(*row) for row in c.execute(_LOOSE)]


def one(c: sqlite3.Connection, segment: int) -> Stored | None:
    """That one; None: there is none."""
    row = c.execute(_ONE, (segment,)).fetchone()
    return None if row is None else Stored(*row)


def root(c: sqlite3.Connection, volume: int) -> Path | None:
    """The folder of a volume; None: it is an archive."""
    row = c.execute("SELECT path FROM volume WHERE id = ? AND archive = 0", (volume,)).fetchone()
    return None if row is None else Path(row[0])


def every(c: sqlite3.Connection) -> Iterator[Stored]:
    """All, in the order of their ids; rows may be changed meanwhile."""
    after = -1
    while rows := c.execute(_AFTER, (after, _PAGE)).fetchall():
        yield from (Stored(*row) for row in rows)
        after = rows[-1][0]


def close(c: sqlite3.Connection, segment: Stored) -> None:
    """Write the row as it is now, closed, and count its bytes."""
    (before,) = c.execute("SELECT durable FROM segment WHERE id = ?", (segment.id,)).fetchone()
    c.execute(
        "UPDATE segment SET t0 = ?, dur = ?, missing = ?, bytes = ?, durable = ?, flags = ?, state = ?, idx = ?"
        " WHERE id = ?",
        (
            segment.t0,
            segment.dur,
            segment.missing,
            segment.durable,
            segment.durable,
            segment.flags,
            int(State.CLOSED),
            segment.idx,
            segment.id,
        ),
    )
    count(c, segment, segment.durable - before)


def missing_inside(c: sqlite3.Connection, segment: Stored) -> int:
    """Microseconds of the gaps inside it."""
    (inner,) = c.execute(
        "SELECT coalesce(sum(t1 - t0), 0) FROM gap INDEXED BY gap_inside WHERE inside = ? AND inside <> 0",
        (segment.id,),
    ).fetchone()
    return int(inner)


def count(c: sqlite3.Connection, segment: Stored, more: int) -> None:
    """Its recording and its volume hold so many more bytes."""
    c.execute("UPDATE recording SET bytes = bytes + ? WHERE id = ?", (more, segment.recording))
    c.execute("UPDATE volume SET bytes = bytes + ? WHERE id = ?", (more, segment.volume))
