"""All volumes of a recorder: which one takes a new segment, what state each is in, and the sweeps of retention.

Runs on the loop's thread; the volumes' own threads answer through `Core.post`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from device.clock import Clock
from device.recording.behind import dues
from device.recording.commits import Enter
from device.recording.keeper import Erased, Inspected, Keeper, inspect
from device.recording.modes import Policy
from device.recording.notices import (
    Notice,
    RetentionBelowMinimum,
    RetentionKept,
    SpoolOverrun,
    StorageFull,
    StorageLow,
    VolumeChanged,
    VolumeState,
)
from device.recording.retention import Need, Retention, Sweep, unlinked_ops
from device.recording.shelf import FLOOR, HUNG, HUNG_ALONE, Shelf, VolumeSettings
from device.recording.spared import Spared
from device.recording.volume import Room, Volume
from device.recording.writer import Synced, Trouble, VolumeWriter

SWEEP = 10.0  #: seconds between two sweeps of retention

T = TypeVar("T")

Report = Synced | Trouble | Inspected | Erased | Sweep  #: what a volume's threads, or a sweep, have to say


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


class Core(Protocol):
    """What the volumes need of the recorder."""

    clock: Clock
    recorder: str

    @property
    def epoch(self) -> int:
        """Of the wall clock, now."""

    def next_id(self) -> int:
        """An id for a gap. Any thread may call it."""

    def tell(self, notice: Notice) -> None:
        """To whoever wants to know."""

    def enter(self, message: Enter) -> None:
        """To the catalogue."""

    def ask(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """In a transaction of the catalogue."""

    def post(self, report: Report) -> None:
        """From any thread: to be delivered in the loop."""

    def written(self, report: Synced) -> None:
        """From a writer's thread: to the catalogue, and to be delivered in the loop."""

    def leave(self, shelf: Shelf, detail: str) -> None:
        """The volume takes nothing any more: its streams go elsewhere."""


class Shelves:
    """See the module."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._shelves: dict[int, Shelf] = {}
        self._octets: dict[int, int] = {}  #: of the segments whose files are being unlinked
        self._sweeping = False
        self._swept = core.clock.monotonic()
        self._rooms: dict[str, Room] = {}  #: of shares, by target
        self.spared = Spared()

    def __iter__(self) -> Iterator[Shelf]:
        return iter(self._shelves.values())

    def __getitem__(self, number: int) -> Shelf:
        return self._shelves[number]

    def add(self, number: int, settings: VolumeSettings) -> Shelf:
        """Take a volume on, and see how it is. Blocks. Its threads start with `start`."""
        shelf = self._shelves[number] = self.make(number, settings)
        self.sweep_soon()  # which says what it holds
        return shelf

    def make(self, number: int, settings: VolumeSettings) -> Shelf:
        """A volume, as it is. Blocks; any thread may call it."""
        core = self._core
        here = partial(Volume, settings.path, settings.uuid, core.recorder)
        kept = here()
        writer = VolumeWriter(here(), number, synced=core.written, trouble=core.post)
        keeper = Keeper(kept, number, inspected=core.post, erased=core.post)
        shelf = Shelf(settings, number, writer, keeper, core.clock.monotonic())
        found = inspect(kept, number, probe=False)
        shelf.state, shelf.detail = found.state, found.detail
        if found.room is not None:
            shelf.room = found.room
        return shelf

    def begin(self, shelf: Shelf) -> None:
        """Take a volume on while the others work."""
        self._shelves[shelf.number] = shelf
        self.sweep_soon()
        shelf.start()

    def forget(self, shelf: Shelf) -> None:
        """A volume whose threads have ended, or hang. What was being unlinked on it stays garbage."""
        del self._shelves[shelf.number]
        for segment in shelf.erasing:
            self._octets.pop(segment, 0)

    def start(self) -> None:
        """Start the threads."""
        for shelf in self:
            shelf.start()

    def stop(self, timeout: float) -> bool:
        """End the threads. Blocks; False where a volume hangs."""
        # A list, so that one that hangs does not keep the others from being stopped.
        stopped = [shelf.end(timeout) for shelf in self]
        return all(stopped)

    @property
    def alive(self) -> bool:
        """Whether all threads run that should."""
        return all(shelf.over or (shelf.writer.alive and shelf.keeper.alive) for shelf in self)

    @property
    def busy(self) -> bool:
        """Whether something that was asked of the threads has not been answered."""
        return self._sweeping or any(shelf.busy for shelf in self)

    def pick(self, policy: Policy) -> Shelf | None:
        """The volume for a new segment: the preferred one, else the one with the most room. The spool of a share is for
        those that prefer it, while there is another."""
        good = self._good()
        preferred = [shelf for shelf in good if shelf.settings.uuid == policy.volume]
        ordinary = [shelf for shelf in good if shelf.settings.behind is None]
        return max(preferred or ordinary or good, key=lambda shelf: shelf.free, default=None)

    def _good(self) -> list[Shelf]:
        return [shelf for shelf in self if shelf.state is VolumeState.OK and not shelf.leaving]

    @property
    def some_take(self) -> bool:
        """Whether there is any volume that takes segments."""
        return bool(self._good())

    def status(self) -> list[VolumeStatus]:
        """Every volume, now."""
        return [
            VolumeStatus(
                shelf.settings.uuid,
                shelf.settings.path,
                shelf.state,
                shelf.detail,
                shelf.bounded.size,
                shelf.bounded.free,
                shelf.reserve,
                shelf.ingest,
            )
            for shelf in self
        ]

    def look(self) -> None:
        """At a beat: inspect and sweep where it is time."""
        now = self._core.clock.monotonic()
        patience = HUNG if len(self._good()) > 1 else HUNG_ALONE
        for shelf in self:
            if shelf.told is None:
                self._tell(shelf)
            if not shelf.look(now, patience) and shelf.state is VolumeState.OK:
                self._change(shelf, VolumeState.FAILED, "it does not answer")
        if now - self._swept >= SWEEP:
            self.sweep()

    def share_has(self, target: str, room: Room) -> None:
        """A share was looked at."""
        self._rooms[target] = room

    def sweep_soon(self) -> None:
        """At the next beat."""
        self._swept = float("-inf")

    def sweep(self) -> None:
        """Apply retention, unless that is being done."""
        if self._sweeping:
            return
        self._sweeping = True
        self.spared.sweep_begins()
        core = self._core
        self._swept = core.clock.monotonic()
        now, epoch = core.clock.utc(), core.epoch
        needs = []
        for shelf in self:
            octets = shelf.reserve - shelf.free
            if shelf.pressed:
                octets = max(octets, FLOOR, round(shelf.ingest * SWEEP))
            if octets > 0 and shelf.state in (VolumeState.OK, VolumeState.FULL):
                needs.append(Need(shelf.number, octets, spool=shelf.settings.behind is not None))
        shares = [shelf.settings.behind for shelf in self if shelf.settings.behind is not None]
        rooms = dict(self._rooms)

        def work(c: sqlite3.Connection) -> Sweep:
            more, ages = dues(c, shares, rooms)
            return Retention(c, epoch, now, core.next_id).sweep([*needs, *more], ages)

        core.ask(work).add_done_callback(self._swept_up)

    def _swept_up(self, future: Future[Sweep]) -> None:
        # In the catalogue's thread.
        self._core.post(Sweep() if future.exception() is not None else future.result())

    def deliver(self, report: Report) -> None:
        """In the loop: take in what the threads said."""
        if not isinstance(report, Sweep) and report.volume not in self._shelves:
            return  # it hung, and was let go of
        match report:
            case Synced():
                shelf = self[report.volume]
                shelf.synced(report.beat)
                shelf.pressed = report.waiting
                shelf.dirty = shelf.dirty or report.waiting
            case Trouble():
                self._on_trouble(report)
            case Inspected():
                self._on_inspected(report)
            case Erased():
                self._on_erased(report)
            case Sweep():
                self._on_sweep(report)

    def _on_trouble(self, report: Trouble) -> None:
        shelf = self[report.volume]
        if report.state is VolumeState.FULL:
            shelf.pressed = shelf.dirty = True
            self.sweep()
        else:
            self._change(shelf, report.state, report.detail)

    def _on_inspected(self, report: Inspected) -> None:
        core, shelf = self._core, self[report.volume]
        state = shelf.inspected(report, core.clock.monotonic())
        self._change(shelf, state, report.detail)
        if state is not VolumeState.OK:
            return
        low = shelf.free < shelf.warning
        if low is not shelf.low and (low or not shelf.low or shelf.free > shelf.warning * 6 // 5):
            shelf.low = low
            reached = shelf.free < shelf.reserve
            uuid = shelf.settings.uuid
            core.tell(StorageLow(core.clock.utc(), uuid, shelf.free, shelf.reserve, reached, not low))
        if shelf.free < shelf.reserve:
            self.sweep()

    def _on_erased(self, report: Erased) -> None:
        shelf = self[report.volume]
        gone = set(report.segments)
        for segment in gone:
            octets = self._octets.pop(segment, 0)
            shelf.erasing.discard(segment)
            shelf.freeing -= octets
            # Until it is inspected again; so that nothing is deleted twice for the same want.
            shelf.room = Room(shelf.room.size, shelf.room.free + octets)
            shelf.held -= octets
        if report.detail:
            # They stay garbage, and are tried again with the next sweep.
            for segment in shelf.erasing:
                self._octets.pop(segment, 0)
            shelf.erasing.clear()
            shelf.freeing = 0
        self._core.enter(Enter([op for segment in gone for op in unlinked_ops(segment, shelf.number)]))
        if shelf.pressed:
            shelf.dirty = True

    def _on_sweep(self, report: Sweep) -> None:
        self._sweeping = False
        for shelf in self:
            shelf.held = report.held.get(shelf.number, shelf.held)
            if lost := report.lost.get(shelf.number):
                now, uuid = self._core.clock.utc(), shelf.settings.uuid
                self._core.tell(SpoolOverrun(now, uuid, lost.segments, lost.octets))
            if shelf.state in (VolumeState.OK, VolumeState.FULL):
                found = [
                    each
                    for each in report.garbage
                    if each.volume == shelf.number
                    and each.segment not in self._octets
                    and each.segment not in self.spared
                ]
                for each in found:
                    self._octets[each.segment] = each.octets
                    shelf.erasing.add(each.segment)
                    shelf.freeing += each.octets
                if found:
                    shelf.keeper.erase([(each.segment, each.file) for each in found])
            self._judge(shelf, report)
        self.spared.sweep_ended()
        if report.more:
            self.sweep()

    def _judge(self, shelf: Shelf, report: Sweep) -> None:
        """Where a volume is full of what may not be deleted, stop writing to it."""
        core = self._core
        if shelf.state not in (VolumeState.OK, VolumeState.FULL):
            return  # the sweep did not ask whether it is short
        short = report.short.get(shelf.number)
        if short is None:
            if shelf.short is not False:
                shelf.short = False
                core.tell(RetentionKept(core.clock.utc(), shelf.settings.uuid))
            return
        if shelf.freeing:
            return
        if not shelf.short:
            shelf.short = True
            core.tell(RetentionBelowMinimum(core.clock.utc(), shelf.settings.uuid, short[0], short[1]))
        if shelf.state is VolumeState.OK and (shelf.pressed or shelf.free < FLOOR):
            self._change(shelf, VolumeState.FULL, "full of what may not be deleted")

    def _change(self, shelf: Shelf, state: VolumeState, detail: str) -> None:
        before = shelf.state
        if state is before:
            # Why it failed is still so where a look at it finds nothing wrong.
            shelf.detail = detail or shelf.detail
            return
        shelf.detail = detail
        shelf.state = state
        self._tell(shelf)
        shelf.dirty = True
        if state is VolumeState.OK:
            shelf.pressed = False
            shelf.writer.attach()
        elif before is VolumeState.OK:
            shelf.writer.refuse(detail or state.value)
            self._core.leave(shelf, detail or state.value)

    def _tell(self, shelf: Shelf) -> None:
        core, before, state = self._core, shelf.told, shelf.state
        now, uuid, path = core.clock.utc(), shelf.settings.uuid, str(shelf.settings.path)
        core.tell(VolumeChanged(now, uuid, path, state, before, shelf.detail))
        full = state is VolumeState.FULL
        if full or before in (None, VolumeState.FULL):
            core.tell(StorageFull(now, uuid, shelf.free, not full))
            shelf.low = None  # that it is full says more, and that it is not takes both back
        shelf.told = state
