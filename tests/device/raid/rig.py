"""A box with simulated drives, its core, and what stands in for the recorder and the vault."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

from device.events.event import Event, subject
from device.jobs import Job, Jobs
from device.raid.level import Level
from device.raid.order import NO_PASSWORDS, Order, Passwords, Tool
from device.raid.raid import Raid, Rules
from device.raid.simulated import Disk, SimulatedRaid
from device.raid.state import Kind, Reading
from tests.device.clock.simulated import SimulatedClock

TB = 10**12
REBUILD = 100.0  #: seconds
RULES = Rules(hot=55, replace=True, scrub_days=0, read_only=False)


@dataclass
class Recorder:
    """What the recorder was told, in order; implements `Storages`."""

    told: list[tuple[str, ...]] = field(default_factory=list)

    async def release(self, path: str) -> None:
        self.told.append(("release", Path(path).name))

    async def admit(self, path: str, read_only: bool) -> None:
        self.told.append(("admit", Path(path).name, "read-only" if read_only else "writable"))


@dataclass
class Kept:
    """The password that is kept; implements `Memory`."""

    kept: str | None = None

    def password(self) -> str | None:
        return self.kept

    def remember(self, password: str | None) -> None:
        self.kept = password


@dataclass
class Box:
    """Four bays with drives, and everything above them."""

    folder: Path
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    rules: Rules = RULES
    events: list[Event] = field(default_factory=list)
    recorder: Recorder = field(default_factory=Recorder)
    memory: Kept = field(default_factory=Kept)

    def __post_init__(self) -> None:
        self.drives = SimulatedRaid(self.folder / "drives", 4, self.clock, rebuild=REBUILD)
        if not (self.folder / "drives" / "drives.json").exists():
            for bay in range(1, 5):
                self.drives.insert(bay, Disk(f"S{bay}", 4 * TB))
        self.jobs = Jobs(self.folder / "jobs.db", self.clock, self.events.append)
        self.raid = Raid(
            self.drives,
            self.jobs,
            self.recorder,
            self.memory,
            lambda: self.rules,
            self.clock,
            self.publish,
        )

    def publish(self, event: Event) -> None:
        """As a journal: the clear of a state that does not hold says nothing."""
        held: set[tuple[str, str]] = set()
        for each in self.events:
            held |= {(each.raises, subject(each))} if each.raises else set()
            held -= {(state, subject(each)) for state in each.clears}
        if not event.clears or held & {(state, subject(event)) for state in event.clears}:
            self.events.append(event)

    async def restarted(self) -> Box:
        """The control plane anew, over the same drives; what was running is gone on with."""
        await self.jobs.close()
        fresh = Box(self.folder, self.clock, self.rules, self.events, self.recorder, self.memory)
        fresh.jobs.resume(fresh.raid.tools.resumers)
        return fresh

    async def do(self, order: Order, passwords: Passwords = NO_PASSWORDS, *, confirmed: bool = True) -> Job:
        """Carry out an order to its end, then look."""
        job = await self.raid.tools.begin(order, passwords, confirmed=confirmed, by="anna")
        ended = await self.jobs.wait(job.id)
        await self.raid.look()
        return ended

    async def make(
        self,
        level: Level,
        bays: tuple[int, ...] = (1, 2, 3, 4),
        spares: tuple[int, ...] = (),
        password: str = "",
    ) -> Job:
        """An array that is whole, with a file system."""
        order = Order(Tool.CREATE, level, bays, spares, Kind.XFS, encrypt=bool(password))
        job = await self.do(order, Passwords(password or None))
        await self.rebuilt()
        return job

    async def rebuilt(self) -> Reading:
        """When everything that is rebuilt is rebuilt."""
        await self.look()
        self.clock.run(REBUILD)
        return await self.look()

    async def look(self) -> Reading:
        """What follows from what was done, with the jobs that it begins."""
        reading = await self.raid.look()
        assert reading is not None
        await asyncio.sleep(0.01)
        return reading

    def told(self, *kinds: type[Event]) -> list[Event]:
        """The events of these kinds, in order."""
        return [event for event in self.events if isinstance(event, kinds)]

    def set(self, **changes: object) -> None:
        """Change the rules."""
        self.rules = replace(self.rules, **changes)  # type: ignore[arg-type]  # names and types as in Rules


def plain(reading: Reading) -> tuple[object, ...]:
    """A reading without what changes by itself."""
    kinds = [(drive.bay, drive.serial, drive.role) for drive in reading.drives]
    files = reading.files
    return kinds, reading.array, reading.lock, files and (files.kind, files.mounted, files.read_only)
