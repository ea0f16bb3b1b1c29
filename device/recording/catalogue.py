"""The catalogue as everybody else reads it: recordings, segments, gaps, timelines. Any process, any number at
once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from device.errors import BadValue, Fault, NotFound
from device.media import Track, Utc
from device.recording import spans
from device.recording.afar import Far
from device.recording.database import open_reader, undescribe
from device.recording.filled import FilledRow, filled
from device.recording.index import FragmentRow, Fragments
from device.recording.presence import BOUNDS, present
from device.recording.retention import LockRow, locks
from device.recording.segments import Flag, State, file_of
from device.recording.spans import Completeness, GapRow, TimelineRow

__all__ = [
    "CatalogueReader",
    "Completeness",
    "FilledRow",
    "FragmentRow",
    "GapRow",
    "Holding",
    "RecordingRow",
    "SegmentRow",
    "TimelineRow",
]


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """One recording. `first` and `last` are None where it has no video yet."""

    id: int
    token: str
    camera: str
    stream: str
    created: Utc
    first: Utc | None  #: of the oldest segment
    last: Utc | None  #: end of the newest, as far as it is acknowledged
    bytes: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What there is of a recording."""

    row: RecordingRow
    oldest: tuple[Track, ...]  #: its tracks where it begins; empty where it has no video yet
    newest: tuple[Track, ...]  #: and where it ends


_End = tuple[int, int, int, str]  #: epoch, beginning and length of a segment, and its tracks


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One file. `utc` and `duration` are the ledger's: they tile exactly with the gaps."""

    id: int
    run: int
    epoch: int  #: one more each time that the wall clock was set back
    path: Path
    utc: Utc
    duration: int  #: microseconds, gaps inside included
    missing: int  #: microseconds of gaps inside
    tracks: tuple[Track, ...]
    bytes: int
    fragments: Sequence[FragmentRow]  #: from the catalogue: `Fragments`
    open: bool  #: it still grows
    damaged: bool  #: holds samples after a loss
    volume: str = ""  #: uuid of where it lies
    archive: str = ""  #: identity of the archive that it was moved to; empty: `path` is where it lies
    far: Far | None = field(default=None, compare=False, repr=False)  #: who can read it there

    @property
    def end(self) -> Utc:
        """End of its span."""
        return Utc(self.utc + self.duration)


#: What covers `start` in an epoch: nothing overlaps within one, so it is the last that begins before. Open segments,
#: at most two a recording, are in an index of their own.
_FROM = (
    "SELECT t0 FROM segment INDEXED BY segment_cover WHERE recording = ? AND epoch = ? AND state = 1"
    " AND dur > 0 AND t0 <= ? ORDER BY t0 DESC LIMIT 1"
)

_CLOSED = (
    "SELECT s.id, s.run, s.epoch, s.t0, s.dur, s.missing, s.durable, s.flags, s.state, s.hour, s.idx, v.path,"
    " v.uuid, v.archive, t.description FROM segment AS s INDEXED BY segment_cover JOIN volume AS v ON v.id = s.volume"
    " JOIN tracks AS t ON t.id = s.tracks WHERE s.recording = ? AND s.epoch = ? AND s.state = 1"
    " AND s.t0 >= ? AND s.t0 < ? ORDER BY s.t0"
)
_OPEN = (
    "SELECT s.id, s.run, s.epoch, s.t0, s.dur, s.missing, s.durable, s.flags, s.state, s.hour, s.idx, v.path,"
    " v.uuid, v.archive, t.description FROM segment AS s INDEXED BY segment_loose JOIN volume AS v ON v.id = s.volume"
    " JOIN tracks AS t ON t.id = s.tracks WHERE s.recording = ? AND s.epoch = ? AND s.state = 0"
    " AND s.state <> 1 AND s.t0 < ? ORDER BY s.t0"
)
_HERE = (
    "SELECT s.id, s.run, s.epoch, s.t0, s.dur, s.missing, s.durable, s.flags, s.state, s.hour, s.idx, v.path,"
    " v.uuid, v.archive, t.description FROM segment AS s INDEXED BY segment_shelf JOIN volume AS v ON v.id = s.volume"
    " JOIN tracks AS t ON t.id = s.tracks WHERE s.volume = ? AND s.recording = ? AND s.state = 1"
    " AND s.flags & 1 = 0 AND s.t0 + s.dur <= ? ORDER BY s.epoch, s.t0"
)
_SPOOLED = (
    "SELECT r.token, s.id, s.run, s.epoch, s.t0, s.dur, s.missing, s.durable, s.flags, s.state, s.hour, s.idx, v.path,"
    " v.uuid, v.archive, t.description FROM segment AS s INDEXED BY segment_shelf JOIN volume AS v ON v.id = s.volume"
    " JOIN tracks AS t ON t.id = s.tracks JOIN recording AS r ON r.id = s.recording"
    " WHERE v.uuid = ? AND s.state = 1 AND s.flags & 1 = 0 ORDER BY s.id LIMIT ?"
)
_SPOOLING = (
    "SELECT r.token, s.id, s.run, s.epoch, s.t0, s.dur, s.missing, s.durable, s.flags, s.state, s.hour, s.idx, v.path,"
    " v.uuid, v.archive, t.description FROM segment AS s INDEXED BY segment_loose JOIN volume AS v ON v.id = s.volume"
    " JOIN tracks AS t ON t.id = s.tracks JOIN recording AS r ON r.id = s.recording"
    " WHERE v.uuid = ? AND s.state = 0 AND s.state <> 1 AND s.flags & 1 = 0 AND s.durable > 0 ORDER BY s.id"
)
_BURIED = (
    "SELECT s.id, r.token, s.t0 FROM segment AS s INDEXED BY segment_loose JOIN volume AS v ON v.id = s.volume"
    " JOIN recording AS r ON r.id = s.recording WHERE s.state = 2 AND s.state <> 1 AND v.archive = 1 AND v.uuid = ?"
)

#: Bytes by volume of the segments that begin in a span, closed and open.
_KEPT = (
    (
        "SELECT v.uuid, sum(s.bytes) FROM segment AS s INDEXED BY segment_cover JOIN volume AS v ON v.id = s.volume"
        " WHERE s.recording = ? AND s.epoch = ? AND s.state = 1 AND s.flags & 1 = 0 AND s.t0 >= ? AND s.t0 < ?"
        " GROUP BY v.uuid"
    ),
    (
        "SELECT v.uuid, sum(s.bytes) FROM segment AS s INDEXED BY segment_loose JOIN volume AS v ON v.id = s.volume"
        " WHERE s.recording = ? AND s.epoch = ? AND s.state = 0 AND s.state <> 1 AND s.flags & 1 = 0"
        " AND s.t0 >= ? AND s.t0 < ? GROUP BY v.uuid"
    ),
)

#: Of the segment that covers an instant, closed or open.
_TRACKS = (
    (
        "SELECT t.description, s.t0 + s.dur FROM segment AS s INDEXED BY segment_cover JOIN tracks AS t"
        " ON t.id = s.tracks WHERE s.recording = ? AND s.epoch = ? AND s.state = 1 AND s.dur > 0 AND s.t0 <= ?"
        " ORDER BY s.t0 DESC LIMIT 1"
    ),
    (
        "SELECT t.description, s.t0 + s.dur FROM segment AS s INDEXED BY segment_loose JOIN tracks AS t"
        " ON t.id = s.tracks WHERE s.recording = ? AND s.epoch = ? AND s.state = 0 AND s.state <> 1"
        " AND s.dur > 0 AND s.t0 <= ?"
    ),
)

#: Each recording with its oldest and its newest closed segment that is shown: both ends of the index.
_HOLDINGS = (
    "SELECT r.id, r.token, r.camera, r.stream, r.created, r.bytes, a.epoch, a.t0, a.dur, ta.description,"
    " b.epoch, b.t0, b.dur, tb.description FROM recording AS r"
    " LEFT JOIN segment AS a ON a.id = (SELECT id FROM segment INDEXED BY segment_cover WHERE recording = r.id"
    " AND state = 1 AND flags & 1 = 0 ORDER BY epoch, t0 LIMIT 1)"
    " LEFT JOIN segment AS b ON b.id = (SELECT id FROM segment INDEXED BY segment_cover WHERE recording = r.id"
    " AND state = 1 AND flags & 1 = 0 ORDER BY epoch DESC, t0 DESC LIMIT 1)"
    " LEFT JOIN tracks AS ta ON ta.id = a.tracks LEFT JOIN tracks AS tb ON tb.id = b.tracks"
)
#: And its open ones, of which there are two at most.
_GROWING = (
    "SELECT s.recording, s.epoch, s.t0, s.dur, t.description FROM segment AS s INDEXED BY segment_loose"
    " JOIN tracks AS t ON t.id = s.tracks WHERE s.state = 0 AND s.state <> 1 AND s.flags & 1 = 0 AND s.durable > 0"
)


class CatalogueReader:
    """Reads the catalogue; safe while it is being written, and from any thread. Close it, or use it in a
    `with`.

    Times given are spans [start, end). Everything that is answered is durable: on the disk, whole.
    """

    def __init__(self, path: Path, far: Far | None = None) -> None:
        """`far` reads segments that were moved to an archive; without, they are listed and cannot be read.

        Raises NewerCatalogue, OlderCatalogue, CatalogueBroken, and Fault where there is none."""
        self._connection = open_reader(path)
        self._far = far
        self._turn = threading.Lock()
        self._tracks: dict[str, tuple[Track, ...]] = {}

    def __enter__(self) -> CatalogueReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, once whoever reads has read. Asked anything after that, it raises Fault."""
        with self._turn:
            self._connection.close()

    def recordings(self) -> list[RecordingRow]:
        """All of them, by token."""
        return [holding.row for holding in self.holdings()]

    def recording(self, token: str) -> RecordingRow:
        """One of them. Raises NotFound."""
        return self.holding(token).row

    def holdings(self) -> list[Holding]:
        """All recordings with the tracks at both ends, by token: two statements, however many there are."""
        with self._reading() as c:
            return self._holdings(c, " ORDER BY r.token", "")

    def holding(self, token: str) -> Holding:
        """One of them. Raises NotFound."""
        with self._reading() as c:
            number = self._id(c, token)
            return self._holdings(c, " WHERE r.id = ?", " AND s.recording = ?", number)[0]

    def _holdings(self, c: sqlite3.Connection, which: str, of: str, *recording: int) -> list[Holding]:
        growing: dict[int, list[_End]] = {}
        for number, *end in c.execute(_GROWING + of, recording):
            growing.setdefault(number, []).append((*end,))
        found = []
        for number, token, camera, stream, created, size, *ends in c.execute(_HOLDINGS + which, recording):
            closed: list[_End] = [(*ends[:4],), (*ends[4:],)] if ends[0] is not None else []
            shown = sorted((*closed, *growing.get(number, ())))
            first, last = (Utc(shown[0][1]), Utc(shown[-1][1] + shown[-1][2])) if shown else (None, None)
            tracks = [self._undescribe(end[3]) for end in (*shown[:1], *shown[-1:])] or [(), ()]
            row = RecordingRow(number, token, camera, stream, Utc(created), first, last, size)
            found.append(Holding(row, *tracks))
        return found

    def segments(self, token: str, start: Utc, end: Utc) -> list[SegmentRow]:
        """Those that overlap the span, in the order recorded. Provisional ones of event mode are not
        shown."""
        _ordered(start, end)
        found = []
        with self._reading() as c:
            recording = self._id(c, token)
            for epoch in self._epochs(c, recording):
                first = c.execute(_FROM, (recording, epoch, start)).fetchone()
                begin = first[0] if first is not None else start
                found += c.execute(_CLOSED, (recording, epoch, begin, end)).fetchall()
                found += c.execute(_OPEN, (recording, epoch, end)).fetchall()
        rows = [self._segment(token, *row) for row in found if not row[7] & Flag.PROVISIONAL]
        return [row for row in rows if row.bytes and row.end > start]

    def here(self, token: str, before: Utc, most: int) -> list[SegmentRow]:
        """Closed segments that ended before an instant, lie on a volume here and are under no lock: the oldest of each
        volume, at most so many. Raises NotFound."""
        found: list[SegmentRow] = []
        with self._reading() as c:
            recording = self._id(c, token)
            locked = [(lock.start, lock.end) for lock in locks(c) if lock.token == token]
            volumes = c.execute("SELECT id FROM volume WHERE archive = 0 ORDER BY id").fetchall()
            for (volume,) in volumes:
                for row in c.execute(_HERE, (volume, recording, before)):
                    segment = self._segment(token, *row)
                    if not any(start < segment.end and end > segment.utc for start, end in locked):
                        found.append(segment)
                    if len(found) >= most:
                        return found
        return found

    def spooled(self, volume: str, most: int) -> list[tuple[str, SegmentRow]]:
        """Tokens and closed segments on a volume, in the order recorded, at most so many. What event mode hides is not
        among them."""
        with self._reading() as c:
            return [(row[0], self._segment(*row)) for row in c.execute(_SPOOLED, (volume, most))]

    def spooling(self, volume: str) -> list[tuple[str, SegmentRow]]:
        """Tokens and open segments on a volume."""
        with self._reading() as c:
            return [(row[0], self._segment(*row)) for row in c.execute(_SPOOLING, (volume,))]

    def lies_on(self, segment: int) -> str | None:
        """Uuid of the volume or archive that a segment is on; None: it is garbage, or gone."""
        with self._reading() as c:
            row = c.execute(
                "SELECT v.uuid FROM segment AS s JOIN volume AS v ON v.id = s.volume WHERE s.id = ? AND s.state <> 2",
                (segment,),
            ).fetchone()
            return None if row is None else str(row[0])

    def octets(self, volume: str) -> int:
        """Of the segments on a volume or in an archive, garbage excepted."""
        with self._reading() as c:
            row = c.execute("SELECT bytes FROM volume WHERE uuid = ?", (volume,)).fetchone()
            return 0 if row is None else int(row[0])

    def buried(self, target: str) -> list[tuple[int, str, Utc]]:
        """Segments that retention or a person deleted and whose files are still in an archive: id, recording, time."""
        with self._reading() as c:
            return [(number, token, Utc(t0)) for number, token, t0 in c.execute(_BURIED, (target,))]

    def _segment(
        self,
        token: str,
        number: int,
        run: int,
        epoch: int,
        t0: int,
        dur: int,
        missing: int,
        durable: int,
        flags: int,
        state: int,
        hour: int,
        idx: bytes,
        volume: str,
        uuid: str,
        archive: int,
        described: str,
    ) -> SegmentRow:
        return SegmentRow(
            id=number,
            run=run,
            epoch=epoch,
            path=Path(volume) / file_of(token, hour, number),
            utc=Utc(t0),
            duration=dur,
            missing=missing,
            tracks=self._undescribe(described),
            bytes=durable,
            fragments=Fragments(idx, Utc(t0)),
            open=state == State.OPEN,
            damaged=bool(flags & Flag.DAMAGED),
            volume=uuid,
            archive=uuid if archive else "",
            far=self._far,
        )

    def tracks(self, token: str, at: Utc) -> tuple[Track, ...]:
        """The tracks of what is recorded at an instant; empty where nothing is. Raises NotFound."""
        with self._reading() as c:
            recording = self._id(c, token)
            for epoch in reversed(self._epochs(c, recording)):
                for sql in _TRACKS:
                    for described, end in c.execute(sql, (recording, epoch, at)):
                        if end > at:
                            return self._undescribe(described)
        return ()

    def gaps(self, token: str, start: Utc, end: Utc) -> list[GapRow]:
        """Those that overlap the span, in the order of the ledger; what event mode hides is NOT_SCHEDULED."""
        _ordered(start, end)
        with self._reading() as c:
            recording = self._id(c, token)
            return [
                gap
                for epoch in self._epochs(c, recording)
                for gap in spans.gaps(c, recording, epoch, start, end)
            ]

    def filled(self, token: str, start: Utc, end: Utc) -> list[FilledRow]:
        """What was a gap and is recorded after all, in the order of the ledger. Raises NotFound."""
        with self._reading() as c:
            recording = self._id(c, token)
            return [
                row for each in self._epochs(c, recording) for row in filled(c, recording, each, start, end)
            ]

    def epoch(self, token: str) -> int:
        """The one that lasts. Raises NotFound."""
        with self._reading() as c:
            return self._epochs(c, self._id(c, token))[-1]

    def timeline(self, token: str, start: Utc, end: Utc) -> list[TimelineRow]:
        """The span, cut to it, as runs and gaps, in the order of the ledger. Its cost is that of the gaps and
        runs, however many segments there are: what is no gap is recorded, for they tile the time."""
        _ordered(start, end)
        with self._reading() as c:
            recording = self._id(c, token)
            return spans.timeline(c, recording, self._covered(c, recording, start, end))

    def present(self, token: str, start: Utc, end: Utc, *, back: bool = False) -> Iterator[tuple[Utc, Utc]]:
        """The spans of [start, end) in which there is something, whatever run or epoch it is of, cut to it; backwards
        the last one first. Read as it is asked for, each page of the instant when it was read; its cost is that of the
        gaps that were read."""
        _ordered(start, end)
        with self._reading() as c:
            recording = self._id(c, token)
            covered = self._covered(c, recording, start, end)
        return present(self._ask, recording, covered, back=back)

    def completeness(self, token: str, start: Utc, end: Utc) -> Completeness:
        """What share of the span is there. What lies before the recording's creation, or ahead, does not
        count."""
        _ordered(start, end)
        with self._reading() as c:
            recording = self._id(c, token)
            return spans.completeness(c, recording, self._covered(c, recording, start, end))

    def kept(self, token: str, start: Utc, end: Utc) -> dict[str, int]:
        """Where the segments lie that begin in the span: bytes by the uuid of the volume or archive."""
        found: dict[str, int] = {}
        with self._reading() as c:
            recording = self._id(c, token)
            for epoch in self._epochs(c, recording):
                for sql in _KEPT:
                    for uuid, octets in c.execute(sql, (recording, epoch, start, end)):
                        found[uuid] = found.get(uuid, 0) + octets
        return found

    def locks(self) -> list[LockRow]:
        """All evidence locks, also those whose time is over, oldest span first."""
        with self._reading() as c:
            return locks(c)

    # --- inside ---

    def _ask(self, sql: str, of: tuple[int, ...]) -> list[tuple[int, int]]:
        """One statement, which is of one instant by itself."""
        with self._turn:
            try:
                return self._connection.execute(sql, of).fetchall()
            except sqlite3.ProgrammingError:
                raise Fault(_CLOSED_FILE) from None

    def _reading(self) -> _Reading:
        return _Reading(self._connection, self._turn)

    def _id(self, c: sqlite3.Connection, token: str) -> int:
        row = c.execute("SELECT id FROM recording WHERE token = ?", (token,)).fetchone()
        if row is None:
            raise NotFound("recording", token)
        return int(row[0])

    def _epochs(self, c: sqlite3.Connection, recording: int) -> list[int]:
        rows = c.execute(
            "SELECT id FROM epoch WHERE id >= (SELECT epoch FROM recording WHERE id = ?) ORDER BY id",
            (recording,),
        )
        return [epoch for (epoch,) in rows]

    def _undescribe(self, text: str) -> tuple[Track, ...]:
        if text not in self._tracks:
            self._tracks[text] = undescribe(text)
        return self._tracks[text]

    def _covered(
        self, c: sqlite3.Connection, recording: int, start: Utc, end: Utc
    ) -> list[tuple[int, Utc, Utc]]:
        """Each epoch of a recording with what of [start, end) its ledger covers; empty where that is nothing."""
        found = []
        for epoch in self._epochs(c, recording):
            bounds = c.execute(BOUNDS, (recording, epoch) * 6).fetchone()
            begins, ends = ([at for at in side if at is not None] for side in (bounds[:3], bounds[3:]))
            low = max(start, min(begins, default=end))
            found.append((epoch, low, max(low, min(end, max(ends, default=low)))))
        return found


_CLOSED_FILE = "The catalogue was closed."


class _Reading:
    """One read transaction: every answer is of one instant of the catalogue."""

    def __init__(self, connection: sqlite3.Connection, turn: threading.Lock) -> None:
        self._connection = connection
        self._turn = turn

    def __enter__(self) -> sqlite3.Connection:
        self._turn.acquire()
        try:
            self._connection.execute("BEGIN")
        except sqlite3.ProgrammingError:
            self._turn.release()
            raise Fault(_CLOSED_FILE) from None
        except BaseException:
            self._turn.release()
            raise
        return self._connection

    def __exit__(self, *_: object) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        finally:
            self._turn.release()


def _ordered(start: Utc, end: Utc) -> None:
    if end < start:
        raise BadValue("end", "not before start")
