"""The thread that writes the catalogue: one transaction for the whole recorder at each beat.

A beat's transaction waits for the volumes that were asked to sync at that beat; if the next beat comes first,
a volume is late, and the others no longer wait for it. A new segment's row and what a person asked for (a
lock, a deletion) are committed at once. Where a transaction fails, nothing is acknowledged and all of it is
tried again with the next.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty
from typing import Generic, TypeVar

from device.cameras.source import Cause
from device.errors import Fault
from device.media import MICROSECONDS, Utc
from device.recording.ledger import Gap
from device.recording.segments import Ids, OpenSegment, State
from device.recording.worker import Halt, Worker
from device.recording.writer import Synced

T = TypeVar("T")
Value = int | str | bytes | None
Op = tuple[str, tuple[Value, ...]]  #: one statement; all are such that doing them twice does no harm

_ALIVE = 10 * MICROSECONDS  #: how often the catalogue is told that the recorder lives, where nothing else is


@dataclass(frozen=True, slots=True)
class Enter:
    """Statements for the next transaction, or for one at once."""

    ops: list[Op]
    opened: list[OpenSegment] = field(default_factory=list)  #: their rows are among `ops`
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat began; these volumes were asked to sync."""

    number: int
    volumes: frozenset[int]
    utc: Utc


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """Something to do in a transaction of its own. `answer` is set when it is committed."""

    work: Callable[[sqlite3.Connection], T]
    answer: Future[T]

    def run(self, connection: sqlite3.Connection) -> Callable[[], None]:
        """Do it; returns how to tell, once committed. Raises what `work` raises."""
        result = self.work(connection)
        return lambda: self.answer.set_result(result)


@dataclass(frozen=True, slots=True)
class Committed:
    """A transaction is durable: these recordings are acknowledged up to these (epoch, instants)."""

    acknowledged: dict[int, tuple[int, Utc]]
    beats: list[Synced]


@dataclass(frozen=True, slots=True)
class Failed:
    """A transaction failed and will be tried again."""

    detail: str


_ENTER_GAP = (
    "INSERT OR REPLACE INTO gap(id, recording, epoch, t0, t1, cause, inside, lost, detail)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ENTER_SEGMENT = (
    "INSERT OR REPLACE INTO segment(id, recording, run, volume, tracks, epoch, t0, dur, missing, bytes,"
    " durable, hour, flags, state, idx) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, ?, 0, x'')"
)
_GROW_SEGMENT = (
    "UPDATE segment SET t0 = ?, dur = ?, missing = ?, bytes = ?, durable = ?, flags = ?, state = ?, idx = ?"
    " WHERE id = ?"
)


def gap_op(gap: Gap) -> Op:
    """Enter, change, end or take back a gap."""
    if gap.t1 == gap.t0:
        return "DELETE FROM gap WHERE id = ?", (gap.id,)
    return (
        _ENTER_GAP,
        (gap.id, gap.recording, gap.epoch, gap.t0, gap.t1, gap.cause.value, gap.inside, gap.lost, gap.detail),
    )


def open_op(segment: OpenSegment) -> Op:
    """Enter a segment before its file is made."""
    return (
        _ENTER_SEGMENT,
        (
            segment.id,
            segment.recording,
            segment.run,
            segment.volume,
            segment.tracks_id,
            segment.epoch,
            segment.t0,
            segment.hour,
            int(segment.flags),
        ),
    )


class GroupCommit(Worker[Enter | Beat | Synced | Ask[object]]):
    """The catalogue's only writing thread. All methods but the thread's return at once."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        recorder: str,
        *,
        ids: Ids,
        report: Callable[[Committed | Failed], None],
    ) -> None:
        """`ids` gives ids for gaps; `report` is called from the thread."""
        super().__init__("catalogue")
        self._connection = connection
        self._recorder = recorder
        self._ids = ids
        self._report = report
        self._expected: set[tuple[int, int]] = set()
        self._ops: list[Op] = []
        self._opened: list[OpenSegment] = []
        self._dirty: dict[int, OpenSegment] = {}
        self._acknowledged: dict[int, tuple[int, Utc]] = {}
        self._synced: list[Synced] = []
        self._asks: list[Ask[object]] = []
        self._closed: set[int] = set()
        self._now = Utc(0)
        self._told = Utc(0)

    def enter(self, message: Enter) -> None:
        """Statements to commit."""
        self._queue.put(message)

    def beat(self, message: Beat) -> None:
        """A beat began."""
        self._queue.put(message)

    def synced(self, message: Synced) -> None:
        """A volume's report. Called from the writers' threads."""
        self._queue.put(message)

    def ask(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Do `work` in a transaction; the future is set when that is durable. What it raises undoes
        it, and is the future's."""
        answer: Future[T] = Future()
        # A queue of asks cannot name the T of each.
        self._queue.put(Ask(work, answer))  # type: ignore[arg-type]
        return answer

    # --- the thread ---

    def _run(self) -> None:
        halted = False
        while not halted:
            messages = [self._queue.get()]
            try:
                while True:
                    messages.append(self._queue.get_nowait())
            except Empty:
                pass
            due = False
            for message in messages:
                match message:
                    case Halt():
                        halted = due = True
                    case _:
                        due = self._receive(message) or due
            if due:
                self._commit()

    def _receive(self, message: Enter | Beat | Synced | Ask[object]) -> bool:
        """Take a message; True where a transaction is due."""
        match message:
            case Enter():
                self._ops += message.ops
                self._opened += message.opened
                return message.at_once
            case Ask():
                # From here on nobody can withdraw it: who asked may be gone, and a future that was
                # cancelled takes no result.
                if not message.answer.set_running_or_notify_cancel():
                    return False
                self._asks.append(message)
                return True
            case Beat():
                late = bool(self._expected)
                self._expected = {(volume, message.number) for volume in message.volumes}
                self._now = message.utc
                quiet = not (self._ops or self._dirty or self._synced)
                if quiet and 0 <= message.utc - self._told < _ALIVE:
                    return False
                return late or not self._expected
            case Synced():
                self._settle(message)
                self._expected.discard((message.volume, message.beat))
                return not self._expected
        return False

    def _settle(self, report: Synced) -> None:
        self._synced.append(report)
        for claim in report.kept:
            segment = claim.segment
            segment.grow(claim)
            self._dirty[segment.id] = segment
            self._acknowledged[segment.recording] = (claim.span.epoch, claim.span.t1)
            if claim.inner is not None:
                self._ops.append(gap_op(claim.inner))
        for recording, epoch, t0, t1, detail in _joined(report):
            gap = Gap(self._ids(), recording, epoch, t0, t1, Cause.STORAGE, detail=detail)
            self._ops.append(gap_op(gap))
        for segment in report.closed:
            self._closed.add(segment.id)
            self._dirty[segment.id] = segment

    def _commit(self) -> None:
        connection = self._connection
        done: list[Callable[[], None]] = []
        refused: list[tuple[Ask[object], Exception]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for sql, values in self._ops:
                connection.execute(sql, values)
            self._write(self._dirty.values())
            for ask in self._asks:
                connection.execute("SAVEPOINT ask")
                try:
                    done.append(ask.run(connection))
                except Exception as error:  # noqa: BLE001 - the asker's, and no reason to stop recording
                    connection.execute("ROLLBACK TO ask")
                    refused.append((ask, error))
                connection.execute("RELEASE ask")
            connection.execute(
                "UPDATE recorder SET alive = CASE WHEN ?1 THEN ?1 ELSE alive END, last_id = ?2 WHERE id = ?3",
                (self._now, self._ids.last, self._recorder),
            )
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            asks, self._asks = self._asks, []
            for ask in asks:
                ask.answer.set_exception(Fault(f"The catalogue could not be written: {error}"))
            self._report(Failed(str(error)))
            return
        self._after(done, refused)

    def _after(
        self, done: Iterable[Callable[[], None]], refused: list[tuple[Ask[object], Exception]]
    ) -> None:
        for segment in self._dirty.values():
            segment.counted = segment.durable
        for segment in self._opened:
            segment.registered.set()
        self._report(Committed(self._acknowledged, self._synced))
        self._told = self._now
        self._ops, self._opened, self._dirty, self._closed = [], [], {}, set()
        self._acknowledged, self._synced, self._asks = {}, [], []
        for tell in done:
            tell()
        for ask, error in refused:
            ask.answer.set_exception(error)

    def _write(self, segments: Collection[OpenSegment]) -> None:
        """Bring the rows of segments, and the sums that they enter, up to what is durable of them."""
        self._connection.executemany(_GROW_SEGMENT, map(self._row, segments))
        recordings, volumes = Counter[int](), Counter[int]()
        for segment in segments:
            more = segment.durable - segment.counted
            recordings[segment.recording] += more
            volumes[segment.volume] += more
        for table, sums in (("recording", recordings), ("volume", volumes)):
            rows = [(more, number) for number, more in sums.items() if more]
            self._connection.executemany(f"UPDATE {table} SET bytes = bytes + ? WHERE id = ?", rows)  # noqa: S608 - two words of ours

    def _row(self, segment: OpenSegment) -> tuple[Value, ...]:
        state = State.OPEN
        if segment.id in self._closed:
            # A file without one durable fragment is nothing that anyone could want.
            state = State.CLOSED if segment.durable else State.GARBAGE
        return (
            segment.t0,
            segment.duration,
            segment.missing,
            segment.durable,
            segment.durable,
            int(segment.flags),
            int(state),
            bytes(segment.idx),
            segment.id,
        )


def _joined(report: Synced) -> list[tuple[int, int, Utc, Utc, str]]:
    """The spans that were forfeited, neighbours made one: recording, epoch, t0, t1, why."""
    spans: dict[tuple[int, int], list[tuple[int, int, Utc, Utc, str]]] = {}
    for claim in report.forfeited:
        epoch, t0, t1 = claim.forfeited()
        recording, detail = claim.segment.recording, claim.segment.broken
        row = spans.setdefault((recording, epoch), [])
        if row and row[-1][3] == t0:
            row[-1] = (recording, epoch, row[-1][2], t1, detail)
        elif t1 > t0:
            row.append((recording, epoch, t0, t1, detail))
    return [span for row in spans.values() for span in row]
