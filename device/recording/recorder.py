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
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from device.cameras.source import ROUND, Cause
from device.clock import Clock
from device.errors import BadValue, Fault, NotFound
from device.media import MICROSECONDS, Track, Utc
from device.recording import retention
from device.recording.commits import Beat, Committed, Enter, Failed, GroupCommit, gap_op
from device.recording.database import Ownership, describe, open_writer
from device.recording.epochs import Epochs
from device.recording.exchange import SYNC, exchange, number_of, require_once, wait_while
from device.recording.filling import Filling
from device.recording.forget import InUse, forget
from device.recording.fragment import Pool
from device.recording.intake import Counters, StreamIntake
from device.recording.lane import STEP
from device.recording.ledger import Gap, Ledger
from device.recording.modes import Policy
from device.recording.moving import Proven, archive, erased
from device.recording.notices import (
    CatalogueFault,
    ClockStepped,
    GapClosed,
    Notice,
    VolumeState,
)
from device.recording.opening import Known, opened
from device.recording.rebuild import Rebuilt
from device.recording.recovery import Frontier, Recovered
from device.recording.retention import LockRow
from device.recording.segments import Flag, Ids
from device.recording.shelf import Shelf, VolumeSettings
from device.recording.shelves import Report, Shelves, VolumeStatus
from device.recording.volume import Room
from device.recording.writer import Synced

_TOKEN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_SHARE = 0.701  #: of the durability, for the beat: writing and syncing take the rest
_HASTE = ROUND / 2  #: seconds from beat to beat while a camera has still time to send its first picture
_BEHIND = 0.002  #: seconds from a round to its beat
_PATIENCE = 30.0  #: seconds that `close` and `settle` wait for a disk

T = TypeVar("T")

_Report = Report | Committed | Failed


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
        above: int = 0,
    ) -> None:
        """`durability`: seconds that a power cut may cost, 0.5..10; `segment_length`: seconds, 10..600.

        `acknowledged(token, utc)`: what is before `utc` is safe. `above`: all new ids are larger. Raises BadValue.
        """
        self.set_pace(durability=durability, segment_length=segment_length)
        require_once(volumes)
        self.clock = clock
        self.recorder = recorder
        self.recovered = Recovered()
        self.rebuilt: Rebuilt | None = None  #: what was found, where the catalogue had been lost
        self._untold: list[Notice] = []  # what `open`, in a thread of its own, leaves for the loop to tell
        self._above = above
        self._shelves = Shelves(self)
        self.filling = Filling(self, self._shelves)
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
        self._known: dict[str, Known] = {}
        self._tracks: dict[str, int] = {}
        self._entries: Enter = Enter([])
        self._epochs = Epochs()
        self._number = 0
        self._pending = 0
        self._fault: str | None = None  #: of the catalogue; None: a former life may have told of one
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
                found = opened(
                    self._connection,
                    self.recorder,
                    self._settings,
                    self._take_on,
                    above=self._above,
                    now=self.clock.utc(),
                )
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._ownership.release()
            raise
        self.recovered, self.rebuilt, self._untold = found.recovered, found.rebuilt, found.notices
        self._ids, self._tracks, self._epochs = found.ids, found.tracks, found.epochs
        self._known, self._why_down = found.known, found.why_down
        self._commit = GroupCommit(self._connection, self.recorder, ids=self._ids, report=self.post)
        self._commit.start()
        self._shelves.start()
        self._utc, self._monotonic = self.clock.utc(), self.clock.monotonic()

    def _take_on(self, c: sqlite3.Connection) -> dict[int, Path]:
        present = {}
        for settings in self._settings:
            shelf = self._shelves.add(number_of(c, settings), settings)
            if shelf.state is VolumeState.OK:
                present[shelf.number] = settings.path
        return present

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
        well = self._shelves.stop(_PATIENCE) and well
        well = self._commit.stop(_PATIENCE) and well
        if well:
            self._connection.close()
            self._ownership.release()
        return well

    async def start(self) -> None:
        """`open`, then a beat about every 0.7 x durability."""
        await asyncio.to_thread(self.open)
        loop = asyncio.get_running_loop()
        self._wake = lambda: loop.call_soon_threadsafe(self.deliver)
        self._task = asyncio.create_task(self._beats(), name="recorder")

    async def _beats(self) -> None:
        while True:
            self.beat()
            # Right behind a round. A loop that was held up skips beats rather than make them up.
            now = self.clock.monotonic()
            # After a crash, and after a camera was plugged in, each moment until its first picture is safe counts.
            length = _HASTE if any(each.waits for each in self._intakes.values()) else self.beat_length
            due = (now // length + 1) * length + _BEHIND
            await asyncio.sleep(due - now)

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
            known = Known(
                max((each.id for each in self._known.values()), default=0) + 1,
                Frontier(self.epoch, now, None),
            )
            self._known[token] = known
            sql = "INSERT INTO recording(id, token, camera, stream, epoch, created) VALUES (?, ?, ?, ?, ?, ?)"
            self.enter(Enter([(sql, (known.id, token, camera, stream, self.epoch, now))], at_once=True))
        ledger, known.ledger = known.ledger or self._ledger(known, now), None
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

    def _ledger(self, known: Known, now: Utc) -> Ledger:
        """The ledger of a recording, brought up to now."""
        end = self._epochs.today(known.frontier.epoch, known.frontier.utc)
        ledger = Ledger(
            known.id,
            self.epoch,
            end,
            ids=self.next_id,
            emit=lambda gap: self.enter(Enter([gap_op(gap)])),
        )
        before = known.frontier.gap
        if before is not None and before.epoch == self.epoch:
            ledger.go_on(before)
        off = before is not None and before.cause is Cause.DISABLED
        if now > end:
            ledger.missing(Cause.DISABLED if off else self._why_down, end)
        return ledger

    def remove(self, token: str) -> None:
        """The camera is gone: stop recording; what there is stays. Raises NotFound."""
        intake = self._find(token)
        intake.retire(Cause.DISABLED)
        del self._intakes[token], self._by_id[intake.recording]
        self._leave(self._known[token], intake.ledger)

    def _leave(self, known: Known, ledger: Ledger) -> None:
        """Nobody records it, until somebody does again."""
        ledger.missing(Cause.DISABLED, self.clock.utc())
        known.ledger = ledger

    def set_pace(self, *, durability: float, segment_length: float) -> None:
        """Change both while recording goes on: from the next beat, and the next segment. Raises BadValue."""
        if not 0.5 <= durability <= 10:
            raise BadValue("durability", "0.5 to 10 seconds")
        if not 10 <= segment_length <= 600:
            raise BadValue("segment_length", "10 to 600 seconds")
        # In whole rounds, so that all that came until a beat goes along with it.
        self.beat_length = ROUND * max(1, int(_SHARE * durability / ROUND))
        self.segment_length = segment_length

    async def set_volumes(self, volumes: Sequence[VolumeSettings]) -> None:
        """Use other volumes from now on: see `exchange`. What is recorded on one that stays is not touched."""
        await exchange(self, self._shelves, volumes)

    def forget(self, path: Path) -> Future[bool]:
        """The file system in this folder is a new one: see `forget`, which is done again while the future is True.
        Raises InUse where a volume is used there."""
        if any(each.path == path for each in self.volumes()):
            raise InUse(f"{path} is a storage that is in use.")
        return self.ask(lambda c: forget(c, path, self.next_id))

    def set_policy(self, token: str, policy: Policy) -> None:
        """Apply a person's change at once. Raises NotFound."""
        intake = self._find(token)
        intake.set_policy(policy)
        self._keep(intake.recording, policy)
        self._shelves.sweep()

    def trigger(self, token: str, utc: Utc) -> Future[None]:
        """Something happened at `utc`: event mode keeps what was before and will be after. Raises
        NotFound."""
        intake = self._find(token)
        start = Utc(utc - round(intake.policy.pre_event * MICROSECONDS))
        end = Utc(utc + round(intake.policy.post_event * MICROSECONDS))
        kept = intake.wanted(start, end)
        epoch, recording = self.epoch, intake.recording

        def work(c: sqlite3.Connection) -> None:
            for segment in kept:
                segment.flags &= ~Flag.PROVISIONAL
                c.execute(
                    "UPDATE segment SET flags = flags & ? WHERE id = ?", (~int(Flag.PROVISIONAL), segment.id)
                )
            retention.promote(c, recording, epoch, start, end)

        return self.ask(work)

    def lock(self, token: str, start: Utc, end: Utc, *, until: Utc | None, who: str, why: str) -> Future[int]:
        """Keep a span from every deletion. The future is the lock's id, once durable; NotFound, BadValue are
        its."""
        now = self.clock.utc()
        return self.ask(lambda c: retention.lock(c, token, start, end, until, who, why, now))

    def unlock(self, number: int) -> Future[None]:
        """Take a lock off. NotFound is the future's."""
        return self.ask(lambda c: retention.unlock(c, number))

    def locks(self) -> Future[list[LockRow]]:
        """All locks."""
        return self.ask(retention.locks)

    def delete(self, token: str, start: Utc, end: Utc) -> Future[list[int]]:
        """Delete the closed segments that lie wholly in a span; the future is the bytes of each. LockedSpan is its."""
        now = self.clock.utc()
        future = self.ask(lambda c: retention.delete(c, token, start, end, now, self.next_id))
        self._shelves.sweep_soon()
        return future

    async def settled(self) -> None:
        """Wait until all that came is durable, and in the catalogue; not for ever for a volume that hangs."""
        self.beat()
        beat = self._number
        await wait_while(SYNC, lambda: not all(shelf.has(beat) for shelf in self._shelves))

    def share_has(self, target: str, room: Room) -> None:
        """How much room a share has behind its spool: retention keeps some of it free."""
        self._shelves.share_has(target, room)

    def archive(
        self, target: str, place: str, proven: Sequence[Proven], *, evidence: bool = False
    ) -> Future[list[int]]:
        """Let segments that are proven to be in an archive lie there: see `moving`. The future is which of them do."""
        now = self.clock.utc()
        future = self.ask(lambda c: archive(c, target, place, proven, now, evidence=evidence))
        self._shelves.sweep_soon()  # which unlinks them
        return future

    def erased(self, segments: Sequence[int]) -> Future[None]:
        """The files of deleted segments in an archive are gone."""
        return self.ask(lambda c: erased(c, segments))

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
        return self._shelves.status()

    def sweep(self) -> None:
        """Apply retention now, unless that is being done."""
        self._shelves.sweep()

    # --- the beat ---

    def beat(self) -> None:
        """Cut every stream's fragment, ask the volumes to sync, and the catalogue to commit. Never blocks.

        Raises Fault where one of the threads has ended: nothing would be kept, and only a restart helps.
        """
        if not (self._commit.alive and self._shelves.alive):
            raise Fault("A thread of the recorder has ended.")
        self.deliver()
        self.check_clock()
        if not self._number:
            # Opening takes a moment: who is to be recorded has been taken up by now.
            for token, known in self._known.items():
                if token not in self._intakes:
                    utc = self.clock.utc()
                    ledger = self._ledger(known, utc)
                    if (gap := ledger.gap) is not None:
                        self.tell(GapClosed(utc, token, gap.t0, gap.cause))
                    self._leave(known, ledger)
        for intake in self._intakes.values():
            intake.beat()
        self._number += 1
        now = self.clock.monotonic()
        asked = [shelf for shelf in self._shelves if shelf.wants_sync(now)]
        entries, self._entries = self._entries, Enter([])
        if entries.ops or entries.opened:
            self._commit.enter(entries)
        # The catalogue hears of the beat before any volume can report it.
        self._commit.beat(Beat(self._number, frozenset(each.number for each in asked), self.clock.utc()))
        for shelf in asked:
            shelf.sync(self._number, now)
        self._shelves.look()

    def check_clock(self) -> None:
        """Desk."""
        utc, monotonic = self.clock.utc(), self.clock.monotonic()
        at = Utc(self._utc + round((monotonic - self._monotonic) * MICROSECONDS))
        self._utc, self._monotonic = utc, monotonic
        step = utc - at
        if abs(step) <= STEP:
            return
        if step < 0:
            self.enter(Enter([self._epochs.begin(utc, -step)]))
        for intake in self._intakes.values():
            intake.stepped(step, self.epoch, at)
        for known in self._known.values():
            if known.ledger is not None:
                known.ledger.stepped(step, self.epoch, at)
        self.tell(ClockStepped(utc, step))

    # --- what the other threads say ---

    def deliver(self) -> None:
        """Take in what the other threads have said."""
        untold, self._untold = self._untold, []
        for notice in untold:
            self.tell(notice)
        try:
            while True:
                match self._inbox.get_nowait():
                    case Synced() as report:
                        self._shelves.deliver(report)
                        self._on_forfeited(report)
                    case Committed() as report:
                        self._on_committed(report)
                    case Failed(detail):
                        if not self._fault:
                            self.tell(CatalogueFault(self.clock.utc(), detail, cleared=False))
                        self._fault = detail
                    case report:
                        self._shelves.deliver(report)
        except Empty:
            pass

    def _on_forfeited(self, report: Synced) -> None:
        for claim in report.forfeited:
            intake = self._by_id.get(claim.segment.recording)
            if intake is not None:
                intake.forfeited(claim.segment, claim.length)

    def _on_committed(self, report: Committed) -> None:
        if self._fault != "":
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

    # --- what intakes and volumes need: Desk, Core ---

    @property
    def epoch(self) -> int:
        """Core."""
        return self._epochs.number

    def next_id(self) -> int:
        """Desk. Any thread may call it."""
        return self._ids()

    def pick(self, policy: Policy) -> Shelf | None:
        """Desk."""
        return self._shelves.pick(policy)

    def leave(self, shelf: Shelf, detail: str) -> None:
        """Core."""
        for intake in self._intakes.values():
            if intake.on(shelf):
                intake.unshelve(detail)

    def move(self, shelf: Shelf) -> bool:
        """Core."""
        on_it = [intake for intake in self._intakes.values() if intake.on(shelf)]
        for intake in on_it:
            intake.fresh = True
        return bool(on_it)

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
            if not self._shelves.busy:
                asked = self.ask(lambda _: None)
                asked.exception(max(0.0, limit - time.monotonic()))
                self.deliver()
                if not self._shelves.busy:
                    return True
            time.sleep(0.001)
        return False

    # --- inside ---

    def _find(self, token: str) -> StreamIntake:
        intake = self._intakes.get(token)
        if intake is None:
            raise NotFound("recording", token)
        return intake

    def ask(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        # What was entered before must be there for it.
        self.enter(Enter([], at_once=True))
        return self._commit.ask(work)

    def written(self, report: Synced) -> None:
        """From a writer's thread: the catalogue first, then the loop."""
        self._commit.synced(report)
        self.post(report)

    def post(self, report: _Report) -> None:
        """From any thread."""
        self._inbox.put(report)
        wake = self._wake
        if wake is not None:
            try:
                wake()
            except RuntimeError:
                # The loop has been closed; `close` takes the rest in by itself.
                self._wake = None
