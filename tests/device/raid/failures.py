"""From a drive's failure to its event on the bus: `python -m tests.device.raid.failures`.

The recorder's own watch of drives, on the simulated ones and on md in a guest. There every look goes over a serial
line, and everything is emulated: a look takes 0.1 to 0.2 s, and on a real machine a hundredth of that.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.table import Table, say
from device.clock import SystemClock
from device.events.drives import DriveBroken, DriveRemoved, RaidOnline
from device.events.event import Event
from device.jobs import Jobs
from device.raid.driver import RaidDriver
from device.raid.level import Level
from device.raid.raid import Raid
from device.raid.simulated import Disk, SimulatedRaid
from device.raid.state import Status
from tests.device.raid import contract
from tests.device.raid.rig import RULES, Kept, Recorder
from tests.device.raid.test_guest import Box
from tests.guest import machine
from tests.guest.machine import Guest

SIMULATED, IN_THE_GUEST = 20, 2  #: rounds
SMALL = 64 << 20  #: bytes of a guest's drive: one that is pulled is first flushed, to a file of this machine
SETTLE = 10.0  #: seconds in which a new drive has told of itself: a guest's line answers one at a time
PATIENCE = 300.0  #: seconds
BAY = 2
THROWN_OUT, PULLED = "thrown out by its array", "pulled"

Do = Callable[[], Awaitable[None]]


@dataclass
class TimedHands:
    """Implements `contract.Hands` for simulated drives, in real time."""

    drives: SimulatedRaid

    async def pull(self, bay: int) -> None:
        self.drives.pull(bay)

    async def insert(self, bay: int) -> None:
        self.drives.insert(bay, Disk(f"S{time.monotonic_ns()}", 10**12))

    async def work(self) -> None:
        await asyncio.sleep(0.01)

    async def write(self, path: str, text: str) -> None:
        """Nothing is written here."""

    async def text(self, path: str) -> str | None:
        """Nor read."""


class Watch:
    """The recorder's watch, and when it told what."""

    def __init__(self, driver: RaidDriver, folder: Path) -> None:
        self.driver = driver
        self._told: list[tuple[float, Event]] = []
        self._something = asyncio.Event()
        clock = SystemClock()
        rules = replace(RULES, replace=False)
        self.jobs = Jobs(folder / "jobs.db", clock, self._hear)
        self._raid = Raid(driver, self.jobs, Recorder(), Kept(), lambda: rules, clock, self._hear)

    def _hear(self, event: Event) -> None:
        self._told.append((time.monotonic(), event))
        self._something.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Watch]:
        """While the block lasts."""
        task = asyncio.create_task(self._raid.run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.jobs.close()

    async def time(self, do: Do, wanted: type[Event]) -> float:
        """Seconds from the beginning of `do` to such an event."""
        self._told.clear()
        began = time.monotonic()
        await do()
        async with asyncio.timeout(PATIENCE):
            while not (found := [at for at, event in self._told if isinstance(event, wanted)]):
                self._something.clear()
                await self._something.wait()
        return found[0] - began


async def simulated(folder: Path) -> dict[str, list[float]]:
    """Drives that fail when they are told to."""
    drives = SimulatedRaid(folder / "drives", 4, SystemClock(), rebuild=0.2)
    for bay in range(1, 5):
        drives.insert(bay, Disk(f"S{bay}", 10**12))
    await drives.create(Level.RAID1, (1, 2), ())

    async def fail() -> None:
        drives.fail(BAY)

    return await measured(drives, TimedHands(drives), fail, SIMULATED, 0.0, folder)


async def guest(folder: Path) -> dict[str, list[float]]:
    """md's drives: thrown out as the kernel does it after an error, and taken out of the guest."""
    names = {bay: f"bay{bay}" for bay in range(1, 5)}
    box = Box(
        Guest(folder, [machine.Disk(name, SMALL) for name in names.values()], bus="scsi", memory=1024), names
    )
    box.start()
    try:
        driver = box.driver()
        await driver.create(Level.RAID1, (1, 2), ())

        async def fail() -> None:
            (device,) = await box.machine.find(f"/sys/bus/scsi/devices/0:0:{BAY - 1}:0/block/*")
            name = device.rpartition("/")[2]
            await box.machine.write(f"/sys/block/md127/md/dev-{name}/state", "faulty")

        return await measured(driver, box, fail, IN_THE_GUEST, SETTLE, folder)
    finally:
        box.guest.cut()


async def measured(
    driver: RaidDriver, hands: contract.Hands, fail: Do, rounds: int, settle: float, folder: Path
) -> dict[str, list[float]]:
    """Seconds, by what happened."""
    watch = Watch(driver, folder)

    async def pull() -> None:
        await hands.pull(BAY)

    async def replaced() -> None:
        await hands.insert(BAY)
        await contract.until(driver, hands, lambda now: now.drive(BAY) is not None, "there is a new drive")
        await driver.remove(BAY)
        await driver.add(BAY)

    found: dict[str, list[float]] = {THROWN_OUT: [], PULLED: []}
    await contract.until(driver, hands, contract.is_(Status.ONLINE), "whole")
    await asyncio.sleep(settle)
    async with watch.running():
        for number in range(1, rounds + 1):
            found[THROWN_OUT].append(await watch.time(fail, DriveBroken))
            await watch.time(pull, DriveRemoved)
            await watch.time(replaced, RaidOnline)
            await asyncio.sleep(settle)
            found[PULLED].append(await watch.time(pull, DriveRemoved))
            await watch.time(replaced, RaidOnline)
            await asyncio.sleep(settle)
            print(f"{driver.name}: {number} of {rounds}", flush=True)
    return found


async def main() -> None:
    """Measure, and print a table."""
    rows = []
    for name, measure in (("simulated", simulated), ("Linux, in a guest", guest)):
        with tempfile.TemporaryDirectory() as folder:
            for what, seconds in (await measure(Path(folder))).items():
                rows.append((f"{name}: {what}", say(statistics.median(seconds), 2), say(max(seconds), 2)))
    print()
    print(Table("Seconds from a drive's failure to its event", ("", "median", "most"), rows).text())


if __name__ == "__main__":
    asyncio.run(main())
