"""The core of the recording plane: cameras' streams in, segments onto the volumes, one catalogue.

Threads: the loop's (everything here), one writer and one keeper a volume, one for the catalogue. They hand
each other messages and never wait for one another; what the other threads have to say comes in through
`deliver`.

    recorder = Recorder(SystemClock(), ...)
    await recorder.start()
    intake = recorder.intake("CAM1", "CAM1", "main", Policy(Mode.CONTINUOUS))
    ...                                       # a Source writes into it
    await recorder.stop(Cause.RECORDER_DOWN)

With a clock of its own, a test calls `open`, then `beat` and `settle`, then `close`.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from device.cameras.source import Cause
from device.clock import Clock
from device.errors import BadValue, Fault, NotFound
from device.media import MICROSECONDS, Track, Utc
from device.recording import retention
from device.recording.commits import Beat, Committed, Enter, Failed, GroupCommit, gap_op
from device.recording.database import Ownership, describe, open_writer
from device.recording.fragment import Pool
from device.recording.intake import Counters, StreamIntake
from device.recording.keeper import Erased, Inspected, Keeper, inspect
from device.recording.lane import STEP
from device.recording.ledger import Gap, Ledger
from device.recording.modes import Policy
from device.recording.notices import (
    CatalogueFault,
    ClockStepped,
    Notice,
    RetentionBelowMinimum,
    StorageLow,
    VolumeChanged,
    VolumeState,
)
from device.recording.recovery import Frontier, Recovered, frontier, recover
from device.recording.retention import LockRow, Need, Retention, Sweep
from device.recording.segments import Flag, Ids
from device.recording.shelf import Shelf, VolumeSettings
from device.recording.volume import Volume
from device.recording.writer import Synced, Trouble, VolumeWriter

SWEEP = 10.0  #: seconds between two sweeps of retention
FLOOR = 1 << 20  #: bytes below which a volume with nothing to delete is full
_TOKEN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_PATIENCE = 30.0  #: seconds that `close` and `settle` wait for a disk

T = TypeVar("T")

_Report = Synced | Trouble | Inspected | Erased | Committed | Failed | Sweep


@dataclass(frozen=True, slots=True)
class RecordingStatus:
    """One recording, now."""

    token: str
    camera: str
    stream: str
    policy: Policy
    acknowledged: Utc  #: what is before is on the disk and in the catalogue
    segment: int  #: id of the one being written, 0 where none is
    gap: Gap | None  #: the one that lasts
    waiting: int  #: bytes on their way to a disk
    counters: Counters


@dataclass(frozen=True, slots=True)
class VolumeStatus:
    """One volume, now."""

    uuid: str
    path: Path
    state: VolumeState
    detail: str
    size: int  #: bytes
    free: int
    reserve: int
    ingest: float  #: bytes a second


@dataclass(slots=True)
class _Known:
    """A recording of the catalogue."""

    id: int
    frontier: Frontier


class Recorder:
    """See the module. Every method but `open`, `close` and `settle` returns at once, and belongs to the
    loop's thread."""

    def __init__(
        self,
        clock: Clock,
        catalogue: Path,
        volumes: Sequence[VolumeSettings],
        recorder: str,
        *,
        durability: float,
        segment_length: float,
        on_event: Callable[[Notice], None],
        acknowledged: Callable[[str, Utc], None],
    ) -> None:
        """`durability`: seconds that a power cut may cost, 0.5..10; `segment_length`: seconds, 10..600.

        `acknowledged(token, utc)`: what is before `utc` is safe. Raises BadValue.
        """
        self.set_pace(durability=durability, segment_length=segment_length)
        if len({each.uuid for each in volumes}) != len(volumes):
            raise BadValue("volumes", "each volume once")
        self.clock = clock
        self.recorder = recorder
        self.recovered = Recovered()
        self.pool = Pool()
        self._path = catalogue
        self._settings = tuple(volumes)
        self._on_event = on_event
        self._acknowledged = acknowledged
        self._inbox: SimpleQueue[_Report] = SimpleQueue()
        self._wake: Callable[[], object] | None = None
        self._ids = Ids(0)
        self._intakes: dict[str, StreamIntake] = {}
        self._by_id: dict[int, StreamIntake] = {}
        self._known: dict[str, _Known] = {}
        self._shelves: dict[int, Shelf] = {}
        self._tracks: dict[str, int] = {}
        self._entries: Enter = Enter([])
        self._cum: dict[int, int] = {}
        self._epoch = 1
        self._number = 0
        self._pending = 0
        self._erasing: dict[int, int] = {}
        self._sweeping = False
        self._swept = 0.0
        self._fault = ""
        self._started = Utc(0)
        self._why_down = Cause.RECORDER_DOWN
        self._task: asyncio.Task[None] | None = None

    # --- start and stop ---

    def open(self) -> None:
        """Open the catalogue and the volumes, and mend what a power cut left. Blocks.

        Raises NewerCatalogue, CatalogueInUse, CatalogueBroken; BadValue where the catalogue is another
        recorder's.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._ownership = Ownership(self._path)
        try:
            self._connection = open_writer(self._path)
            try:
                self._prepare(self._connection)
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._ownership.release()
            raise
        self._commit = GroupCommit(self._connection, self.recorder, ids=self._ids, report=self._post)
        self._commit.start()
        for shelf in self._shelves.values():
            shelf.writer.start()
            shelf.keeper.start()
            if shelf.state is VolumeState.OK:
                shelf.writer.attach()
        self._utc, self._monotonic = self.clock.utc(), self.clock.monotonic()
        self._swept = self._monotonic

    def _prepare(self, c: sqlite3.Connection) -> None:
        now = self.clock.utc()
        self._started = now
        c.execute("BEGIN IMMEDIATE")
        row = c.execute("SELECT id, alive, stopped, last_id FROM recorder").fetchone()
        if row is None:
            c.execute("INSERT INTO recorder VALUES (?, ?, NULL, 0)", (self.recorder, now))
            c.execute("INSERT INTO epoch(id, t0, back) VALUES (1, ?, 0)", (now,))
            row = (self.recorder, now, None, 0)
        if row[0] != self.recorder:
            c.execute("ROLLBACK")
            raise BadValue("recorder", f"the catalogue belongs to {row[0]}")
        alive = Utc(row[1])
        self._why_down = Cause(row[2]) if row[2] else Cause.RECORDER_DOWN
        (highest,) = c.execute(
            "SELECT max((SELECT coalesce(max(id), 0) FROM segment), (SELECT coalesce(max(id), 0) FROM gap),"
            " (SELECT coalesce(max(id), 0) FROM run))"
        ).fetchone()
        self._ids = Ids(max(row[3], highest))
        self._tracks = {text: i for i, text in c.execute("SELECT id, description FROM tracks")}
        present = {}
        for settings in self._settings:
            shelf = self._make_shelf(c, settings)
            if shelf.state is VolumeState.OK:
                present[shelf.number] = settings.path
        self.recovered = recover(c, present, self.next_id, alive)
        self._know(c, max(alive, Utc(0)), now)
        c.execute("UPDATE recorder SET stopped = NULL, alive = ? WHERE id = ?", (now, self.recorder))
        c.execute("COMMIT")

    def _make_shelf(self, c: sqlite3.Connection, settings: VolumeSettings) -> Shelf:
        c.execute(
            "INSERT OR IGNORE INTO volume(uuid, path) VALUES (?, ?)", (settings.uuid, str(settings.path))
        )
        c.execute("UPDATE volume SET path = ? WHERE uuid = ?", (str(settings.path), settings.uuid))
        (number,) = c.execute("SELECT id FROM volume WHERE uuid = ?", (settings.uuid,)).fetchone()
        here = partial(Volume, settings.path, settings.uuid, self.recorder)
        kept = here()
        writer = VolumeWriter(here(), number, synced=self._synced, trouble=self._post)
        keeper = Keeper(kept, number, inspected=self._post, erased=self._post)
        shelf = Shelf(settings, number, writer, keeper, self.clock.monotonic())
        found = inspect(kept, number, probe=False)
        shelf.state, shelf.detail = found.state, found.detail
        if found.room is not None:
            shelf.room = found.room
        self._shelves[number] = shelf
        return shelf

    def _know(self, c: sqlite3.Connection, alive: Utc, now: Utc) -> None:
        """Learn where each recording's ledger ends; begin an epoch where the clock went back while we were
        down."""
        total = 0
        for number, back in c.execute("SELECT id, back FROM epoch ORDER BY id"):
            total += back
            self._cum[number], self._epoch = total, number
        latest = alive
        for i, token, epoch, created in c.execute(
            "SELECT id, token, epoch, created FROM recording"
        ).fetchall():
            end = frontier(c, i) or Frontier(epoch, Utc(created), None)
            self._known[token] = _Known(i, end)
            latest = max(latest, Utc(end.utc + self._cum[end.epoch] - total))
        if latest > now:
            self._new_epoch(latest - now)
            c.execute("INSERT INTO epoch(id, t0, back) VALUES (?, ?, ?)", (self._epoch, now, latest - now))

    def _new_epoch(self, back: int) -> None:
        before = self._cum[self._epoch]
        self._epoch += 1
        self._cum[self._epoch] = before + back

    def close(self, cause: Cause = Cause.RECORDER_DOWN) -> bool:
        """Make everything durable and stop. Blocks. False where a disk did not answer in time."""
        for intake in self._intakes.values():
            intake.retire(cause)
        well = self.flush()
        self._commit.enter(
            Enter(
                [("UPDATE recorder SET stopped = ? WHERE id = ?", (cause.value, self.recorder))], at_once=True
            )
        )
        for shelf in self._shelves.values():
            well = shelf.writer.stop(_PATIENCE) and shelf.keeper.stop(_PATIENCE) and well
        well = self._commit.stop(_PATIENCE) and well
        if well:
            self._connection.close()
            self._ownership.release()
        return well

    async def start(self) -> None:
        """`open`, then a beat every 0.7 x durability."""
        await asyncio.to_thread(self.open)
        loop = asyncio.get_running_loop()
        self._wake = lambda: loop.call_soon_threadsafe(self.deliver)
        self._task = asyncio.create_task(self._beats(), name="recorder")

    async def _beats(self) -> None:
        due = self.clock.monotonic()
        while True:
            self.beat()
            # A loop that was held up skips beats rather than make them up.
            due = max(due + self.beat_length, self.clock.monotonic())
            await asyncio.sleep(due - self.clock.monotonic())

    async def stop(self, cause: Cause) -> bool:
        """`close`, from the loop. `cause`: RECORDER_DOWN or UPGRADE, for the gap that begins."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._wake = None
        return await asyncio.to_thread(self.close, cause)

    # --- what others call ---

    def intake(self, token: str, camera: str, stream: str, policy: Policy) -> StreamIntake:
        """Where a source writes one stream; the recording `token` is created where it is new. Raises
        BadValue."""
        if not _TOKEN.fullmatch(token):
            raise BadValue("token", "1 to 64 of A-Z a-z 0-9 . _ -, the first no dot")
        if token in self._intakes:
            raise BadValue("token", f"{token} is being recorded already")
        now = self.clock.utc()
        known = self._known.get(token)
        if known is None:
            known = _Known(
                max((each.id for each in self._known.values()), default=0) + 1,
                Frontier(self._epoch, now, None),
            )
            self._known[token] = known
            sql = "INSERT INTO recording(id, token, camera, stream, epoch, created) VALUES (?, ?, ?, ?, ?, ?)"
            self.enter(Enter([(sql, (known.id, token, camera, stream, self._epoch, now))], at_once=True))
        ledger = self._ledger(known, now)
        intake = StreamIntake(self, known.id, token, camera, stream, policy, ledger)
        self._intakes[token] = self._by_id[known.id] = intake
        self._keep(known.id, policy)
        return intake

    def _keep(self, recording: int, policy: Policy) -> None:
        """Retention goes by the catalogue, so that it also knows what nobody records any more."""
        sql = "UPDATE recording SET keep_from = ?, keep_until = ?, quota = ?, pre_event = ? WHERE id = ?"
        pre_event = round(policy.pre_event * MICROSECONDS)
        row = policy.keep_from, policy.keep_until, policy.quota, pre_event, recording
        self.enter(Enter([(sql, row)], at_once=True))

    def _ledger(self, known: _Known, now: Utc) -> Ledger:
        """The ledger of a recording, brought up to now."""
        end = Utc(known.frontier.utc + self._cum[known.frontier.epoch] - self._cum[self._epoch])
        ledger = Ledger(
            known.id,
            self._epoch,
            end,
            ids=self.next_id,
            emit=lambda gap: self.enter(Enter([gap_op(gap)])),
        )
        down = self._started if end < self._started else now
        off = known.frontier.cause is Cause.DISABLED
        ledger.pass_over(down, Cause.DISABLED if off else self._why_down)
        ledger.pass_over(now, Cause.DISABLED)
        return ledger

    def remove(self, token: str) -> None:
        """The camera is gone: stop recording; what there is stays. Raises NotFound."""
        intake = self._find(token)
        intake.retire(Cause.DISABLED)
        del self._intakes[token], self._by_id[intake.recording]
        gap = intake.ledger.gap
        if gap is not None:
            now = max(self.clock.utc(), gap.t0)
            intake.ledger.missing(Cause.DISABLED, now)
            intake.ledger.recorded(now, now, 0)
        self._known[token] = _Known(
            intake.recording, Frontier(intake.ledger.epoch, intake.ledger.end, Cause.DISABLED)
        )

    def set_pace(self, *, durability: float, segment_length: float) -> None:
        """Change both while recording goes on: from the next beat, and the next segment. Raises BadValue."""
        if not 0.5 <= durability <= 10:
            raise BadValue("durability", "0.5 to 10 seconds")
        if not 10 <= segment_length <= 600:
            raise BadValue("segment_length", "10 to 600 seconds")
        self.beat_length = 0.7 * durability
        self.segment_length = segment_length

    def set_policy(self, token: str, policy: Policy) -> None:
        """Apply a person's change at once. Raises NotFound."""
        intake = self._find(token)
        intake.set_policy(policy)
        self._keep(intake.recording, policy)
        self.sweep()

    def trigger(self, token: str, utc: Utc) -> Future[None]:
        """Something happened at `utc`: event mode keeps what was before and will be after. Raises
        NotFound."""
        intake = self._find(token)
        start = Utc(utc - round(intake.policy.pre_event * MICROSECONDS))
        end = Utc(utc + round(intake.policy.post_event * MICROSECONDS))
        kept = intake.wanted(start, end)
        epoch, recording = self._epoch, intake.recording

        def work(c: sqlite3.Connection) -> None:
            for segment in kept:
                segment.flags &= ~Flag.PROVISIONAL
                c.execute(
                    "UPDATE segment SET flags = flags & ? WHERE id = ?", (~int(Flag.PROVISIONAL), segment.id)
                )
            retention.promote(c, recording, epoch, start, end)

        return self._ask(work)

    def lock(self, token: str, start: Utc, end: Utc, *, until: Utc | None, who: str, why: str) -> Future[int]:
        """Keep a span from every deletion. The future is the lock's id, once durable; NotFound, BadValue are
        its."""
        now = self.clock.utc()
        return self._ask(lambda c: retention.lock(c, token, start, end, until, who, why, now))

    def unlock(self, number: int) -> Future[None]:
        """Take a lock off. NotFound is the future's."""
        return self._ask(lambda c: retention.unlock(c, number))

    def locks(self) -> Future[list[LockRow]]:
        """All locks."""
        return self._ask(retention.locks)

    def delete(self, token: str, start: Utc, end: Utc) -> Future[int]:
        """Delete the closed segments that lie wholly in a span; the future is how many. LockedSpan is its."""
        now = self.clock.utc()
        future = self._ask(lambda c: retention.delete(c, token, start, end, now, self.next_id))
        self._swept = float("-inf")
        return future

    def durable_until(self, token: str) -> Utc:
        """What is before is safe. Raises NotFound."""
        return self._find(token).acknowledged

    def status(self) -> list[RecordingStatus]:
        """Every recording with an intake, by token."""
        return [
            RecordingStatus(
                token,
                each.camera,
                each.stream,
                each.policy,
                each.acknowledged,
                each.segment.id if each.segment is not None else 0,
                each.gap,
                each.waiting,
                each.counters,
            )
            for token, each in sorted(self._intakes.items())
        ]

    def volumes(self) -> list[VolumeStatus]:
        """Every volume of the settings."""
        return [
            VolumeStatus(
                shelf.settings.uuid,
                shelf.settings.path,
                shelf.state,
                shelf.detail,
                shelf.room.size,
                shelf.room.free,
                shelf.reserve,
                shelf.ingest,
            )
            for shelf in self._shelves.values()
        ]

    # --- the beat ---

    def beat(self) -> None:
        """Cut every stream's fragment, ask the volumes to sync, and the catalogue to commit. Never blocks.

        Raises Fault where one of the threads has ended: nothing would be kept, and only a restart helps.
        """
        if not (self._commit.alive and all(shelf.writer.alive for shelf in self._shelves.values())):
            raise Fault("A thread of the recorder has ended.")
        self.deliver()
        self.check_clock()
        for intake in self._intakes.values():
            intake.beat()
        self._number += 1
        now = self.clock.monotonic()
        asked = [shelf for shelf in self._shelves.values() if shelf.wants_sync(now)]
        entries, self._entries = self._entries, Enter([])
        if entries.ops or entries.opened:
            self._commit.enter(entries)
        # The catalogue hears of the beat before any volume can report it.
        self._commit.beat(Beat(self._number, frozenset(each.number for each in asked), self.clock.utc()))
        for shelf in asked:
            shelf.sync(self._number, now)
        self._look(now)

    def _look(self, now: float) -> None:
        for shelf in self._shelves.values():
            if not shelf.look(now) and shelf.state is VolumeState.OK:
                self._change(shelf, VolumeState.FAILED, "it does not answer")
        if now - self._swept >= SWEEP:
            self.sweep()

    def check_clock(self) -> None:
        """Desk."""
        utc, monotonic = self.clock.utc(), self.clock.monotonic()
        at = Utc(self._utc + round((monotonic - self._monotonic) * MICROSECONDS))
        self._utc, self._monotonic = utc, monotonic
        step = utc - at
        if abs(step) <= STEP:
            return
        if step < 0:
            self._new_epoch(-step)
            self.enter(
                Enter([("INSERT INTO epoch(id, t0, back) VALUES (?, ?, ?)", (self._epoch, utc, -step))])
            )
        for intake in self._intakes.values():
            intake.stepped(step, self._epoch, at)
        self.tell(ClockStepped(utc, step))

    def sweep(self) -> None:
        """Apply retention, unless that is being done."""
        if self._sweeping:
            return
        self._sweeping = True
        self._swept = self.clock.monotonic()
        now, epoch = self.clock.utc(), self._epoch
        needs = []
        for shelf in self._shelves.values():
            octets = shelf.reserve - shelf.free
            if shelf.pressed:
                octets = max(octets, FLOOR, round(shelf.ingest * SWEEP))
            if octets > 0 and shelf.state in (VolumeState.OK, VolumeState.FULL):
                needs.append(Need(shelf.number, octets))
        future = self._ask(lambda c: Retention(c, epoch, now, self.next_id).sweep(needs))
        future.add_done_callback(self._swept_up)

    def _swept_up(self, future: Future[Sweep]) -> None:
        self._post(Sweep() if future.exception() is not None else future.result())

    # --- what the other threads say ---

    def deliver(self) -> None:
        """Take in what the other threads have said."""
        try:
            while True:
                match self._inbox.get_nowait():
                    case Synced() as report:
                        self._on_synced(report)
                    case Committed() as report:
                        self._on_committed(report)
                    case Failed(detail):
                        if not self._fault:
                            self.tell(CatalogueFault(self.clock.utc(), detail, cleared=False))
                        self._fault = detail
                    case Trouble() as report:
                        self._on_trouble(report)
                    case Inspected() as report:
                        self._on_inspected(report)
                    case Erased() as report:
                        self._on_erased(report)
                    case Sweep() as report:
                        self._on_sweep(report)
        except Empty:
            pass

    def _on_synced(self, report: Synced) -> None:
        shelf = self._shelves[report.volume]
        shelf.synced()
        shelf.pressed = report.waiting
        shelf.dirty = shelf.dirty or report.waiting
        for claim in report.forfeited:
            intake = self._by_id.get(claim.segment.recording)
            if intake is not None:
                intake.forfeited(claim.segment, claim.length)

    def _on_committed(self, report: Committed) -> None:
        if self._fault:
            self._fault = ""
            self.tell(CatalogueFault(self.clock.utc(), "", cleared=True))
        for synced in report.beats:
            for claim in synced.kept:
                intake = self._by_id.get(claim.segment.recording)
                if intake is not None:
                    intake.landed(claim.length)
        for recording, (_, utc) in report.acknowledged.items():
            intake = self._by_id.get(recording)
            if intake is not None:
                intake.acknowledged = utc
                self._acknowledged(intake.token, utc)

    def _on_trouble(self, report: Trouble) -> None:
        shelf = self._shelves[report.volume]
        if report.state is VolumeState.FULL:
            shelf.pressed = True
            shelf.dirty = True
            self.sweep()
        else:
            self._change(shelf, report.state, report.detail)

    def _on_inspected(self, report: Inspected) -> None:
        shelf = self._shelves[report.volume]
        state = shelf.inspected(report, self.clock.monotonic())
        self._change(shelf, state, report.detail)
        if state is not VolumeState.OK:
            return
        low = shelf.free < shelf.reserve * 5 // 4
        if low != shelf.low and (low or shelf.free > shelf.reserve * 3 // 2):
            shelf.low = low
            reached = shelf.free < shelf.reserve
            self.tell(
                StorageLow(self.clock.utc(), shelf.settings.uuid, shelf.free, shelf.reserve, reached, not low)
            )
        if shelf.free < shelf.reserve:
            self.sweep()

    def _on_erased(self, report: Erased) -> None:
        shelf = self._shelves[report.volume]
        if report.detail:
            self._erasing = {i: size for i, size in self._erasing.items() if i not in shelf.erasing}
            shelf.erasing.clear()
            shelf.freeing = 0
            return
        for segment in report.segments:
            shelf.freeing -= self._erasing.pop(segment, 0)
            shelf.erasing.discard(segment)
        self.enter(Enter([("DELETE FROM segment WHERE id = ? AND state = 2", (i,)) for i in report.segments]))
        shelf.keeper.inspect(probe=False)
        if shelf.pressed:
            shelf.dirty = True

    def _on_sweep(self, report: Sweep) -> None:
        self._sweeping = False
        for number, shelf in self._shelves.items():
            files = [
                (each.segment, each.file)
                for each in report.garbage
                if each.volume == number and each.segment not in self._erasing
            ]
            if files and shelf.state in (VolumeState.OK, VolumeState.FULL):
                for each in report.garbage:
                    if each.volume == number and each.segment not in self._erasing:
                        self._erasing[each.segment] = each.octets
                        shelf.erasing.add(each.segment)
                        shelf.freeing += each.octets
                shelf.keeper.erase(files)
            self._judge(shelf, report)
        if report.more:
            self.sweep()

    def _judge(self, shelf: Shelf, report: Sweep) -> None:
        """Where a volume is full of what may not be deleted, stop writing to it."""
        short = report.short.get(shelf.number)
        if short is None or shelf.freeing:
            shelf.short = shelf.short and short is not None
            return
        if not shelf.short:
            shelf.short = True
            self.tell(RetentionBelowMinimum(self.clock.utc(), shelf.settings.uuid, short[0], short[1]))
        if shelf.state is VolumeState.OK and (shelf.pressed or shelf.free < FLOOR):
            self._change(shelf, VolumeState.FULL, "full of what may not be deleted")

    def _change(self, shelf: Shelf, state: VolumeState, detail: str) -> None:
        before = shelf.state
        shelf.detail = detail
        if state is before:
            return
        shelf.state = state
        self.tell(
            VolumeChanged(
                self.clock.utc(), shelf.settings.uuid, str(shelf.settings.path), state, before, detail
            )
        )
        shelf.dirty = True
        if state is VolumeState.OK:
            shelf.pressed = False
            shelf.writer.attach()
            return
        if before is VolumeState.OK:
            shelf.writer.refuse(detail or state.value)
            for intake in self._intakes.values():
                if intake.on(shelf):
                    intake.unshelve(detail or state.value)

    # --- what intakes need: Desk ---

    def next_id(self) -> int:
        """Desk. Any thread may call it."""
        return self._ids()

    def pick(self, policy: Policy) -> Shelf | None:
        """Desk. The preferred volume, else the one with the most room."""
        good = [shelf for shelf in self._shelves.values() if shelf.state is VolumeState.OK]
        preferred = [shelf for shelf in good if shelf.settings.uuid == policy.volume]
        return max(preferred or good, key=lambda shelf: shelf.free, default=None)

    def tracks_id(self, tracks: Sequence[Track]) -> int:
        """Desk."""
        text = describe(tracks)
        number = self._tracks.get(text)
        if number is None:
            number = max(self._tracks.values(), default=0) + 1
            self._tracks[text] = number
            self.enter(Enter([("INSERT INTO tracks(id, description) VALUES (?, ?)", (number, text))]))
        return number

    def enter(self, message: Enter) -> None:
        """Desk. Gathered until the beat, unless it is urgent."""
        self._entries.ops.extend(message.ops)
        self._entries.opened.extend(message.opened)
        if message.at_once:
            entries, self._entries = self._entries, Enter([])
            self._commit.enter(Enter(entries.ops, entries.opened, at_once=True))

    def tell(self, notice: Notice) -> None:
        """Desk."""
        self._on_event(notice)

    # --- for tests and for the end ---

    def flush(self) -> bool:
        """Cut, sync and commit all there is. Blocks; False where a disk did not answer in time."""
        self.beat()
        if not self.settle():
            return False
        # What waited for a sync that was under way needs one more.
        self.beat()
        return self.settle()

    def settle(self) -> bool:
        """Wait until every thread has done what it was asked. Blocks; False where a disk did not answer in
        time."""
        limit = time.monotonic() + _PATIENCE
        while time.monotonic() < limit:
            self.deliver()
            if not any(shelf.busy for shelf in self._shelves.values()) and not self._sweeping:
                asked = self._ask(lambda _: None)
                asked.exception(max(0.0, limit - time.monotonic()))
                self.deliver()
                if not any(shelf.busy for shelf in self._shelves.values()) and not self._sweeping:
                    return True
            time.sleep(0.001)
        return False

    # --- inside ---

    def _find(self, token: str) -> StreamIntake:
        intake = self._intakes.get(token)
        if intake is None:
            raise NotFound("recording", token)
        return intake

    def _ask(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        # What was entered before must be there for it.
        self.enter(Enter([], at_once=True))
        return self._commit.ask(work)

    def _synced(self, report: Synced) -> None:
        """From a writer's thread: the catalogue first, then the loop."""
        self._commit.synced(report)
        self._post(report)

    def _post(self, report: _Report) -> None:
        """From any thread."""
        self._inbox.put(report)
        wake = self._wake
        if wake is not None:
            try:
                wake()
            except RuntimeError:
                # The loop has been closed; `close` takes the rest in by itself.
                self._wake = None
