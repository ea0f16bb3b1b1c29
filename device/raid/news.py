"""From one reading to the next: what is to be told. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from device.events.drives import (
    DriveBroken,
    DriveCool,
    DriveHot,
    DriveInserted,
    DriveRemoved,
    DriveWell,
    RaidDegraded,
    RaidFailed,
    RaidLocked,
    RaidMismatch,
    RaidOnline,
    RaidUnlocked,
    RebuildEnded,
    RebuildStarted,
)
from device.events.event import Event
from device.raid.state import Array, Condition, Drive, Health, Reading, Role, Status, condition, status

COOLER = 3.0  #: degrees below the limit, so that a drive is not hot and cool in turns

_RANK = {Status.ONLINE: 0, Status.SYNCING: 1, Status.DEGRADED: 1, Status.FAILED: 2}


@dataclass(slots=True)
class News:
    """Remembers what was told. `hot`: degrees Celsius from which on a drive is too warm."""

    hot: float
    _before: Reading | None = None
    _broken: set[int] = field(default_factory=set)
    _hot: set[int] = field(default_factory=set)
    _told: int | None = None  #: rank of the array's status
    _rebuild: float | None = None  #: monotonic seconds when it began
    _locked: bool | None = None

    def of(self, reading: Reading, now: float) -> list[Event]:
        """The events that lead to this reading. The first one tells how everything is: what is well may end what a
        journal knows from before a restart."""
        events = [*self._drives(reading), *self._array(reading, now), *self._lock(reading)]
        self._before = reading
        return events

    def _drives(self, reading: Reading) -> Iterator[Event]:
        for bay in range(1, reading.bays + 1):
            drive = reading.drive(bay)
            if self._before is not None:
                yield from _moved(bay, self._before.drive(bay), drive)
            broken = condition(reading, bay) is Condition.BROKEN
            if broken and bay not in self._broken and drive is not None:
                self._broken.add(bay)
                yield DriveBroken(bay, drive.serial, _why(reading, drive))
            elif not broken and (bay in self._broken or self._before is None):
                self._broken.discard(bay)
                yield DriveWell(bay)
            yield from self._warmth(bay, drive)

    def _warmth(self, bay: int, drive: Drive | None) -> Iterator[Event]:
        degrees = drive.temperature if drive is not None else None
        if degrees is not None and degrees >= self.hot and bay not in self._hot:
            self._hot.add(bay)
            yield DriveHot(bay, degrees, self.hot)
        elif self._before is None and bay not in self._hot:
            yield DriveCool(bay)
        elif bay in self._hot and (degrees is None or degrees <= self.hot - COOLER):
            self._hot.remove(bay)
            yield DriveCool(bay)

    def _array(self, reading: Reading, now: float) -> Iterator[Event]:
        array = reading.array
        if array is None:
            return
        state = status(array)
        missing = array.drives - array.in_sync
        rank = _RANK[state] if missing or state is Status.FAILED else 0
        told = self._told or 0
        if rank > told:
            yield RaidFailed(array.level, missing) if rank == 2 else RaidDegraded(array.level, missing)
        elif rank == 0 and self._told != 0:
            yield RaidOnline(array.level)
        elif rank < told:
            yield RaidOnline(array.level)
            yield RaidDegraded(array.level, missing)
        self._told = rank
        if state is Status.SYNCING and self._rebuild is None:
            self._rebuild = now
            yield RebuildStarted(array.level)
        elif state is not Status.SYNCING and self._rebuild is not None:
            yield RebuildEnded(round(now - self._rebuild, 3), state is Status.ONLINE)
            self._rebuild = None
        if self._scrubbed(array) and array.mismatches:
            yield RaidMismatch(array.mismatches)

    def _scrubbed(self, array: Array) -> bool:
        """Whether a scrub has just ended."""
        before = self._before.array if self._before is not None else None
        return (
            before is not None
            and before.work is not None
            and not before.work.activity.syncs
            and (array.work is None or array.work.activity.syncs)
        )

    def _lock(self, reading: Reading) -> Iterator[Event]:
        locked = reading.lock is not None and not reading.lock.open
        if locked and not self._locked:
            yield RaidLocked()
        elif self._locked is not False and not locked and reading.array is not None:
            yield RaidUnlocked()
        if reading.array is not None:
            self._locked = locked


def _moved(bay: int, before: Drive | None, after: Drive | None) -> Iterator[Event]:
    if before is not None and (after is None or after.serial != before.serial):
        yield DriveRemoved(bay, before.serial)
    if after is not None and (before is None or after.serial != before.serial):
        yield DriveInserted(bay, after.serial, after.size)


def _why(reading: Reading, drive: Drive) -> str:
    if drive.role is Role.FAULTY:
        return "the array has thrown it out"
    if drive.health is Health.FAILING:
        return "its own test says that it fails"
    assert reading.array is not None
    return f"RAID {reading.array.level.value} has failed"
