"""The drives and the array of this box: watched, told of, mounted at the start, mended where that needs nobody."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from device.clock import Clock
from device.errors import HoldfastError
from device.events.drives import RaidAvailable, RaidUnavailable
from device.events.event import Event
from device.jobs import Jobs
from device.media import MICROSECONDS
from device.raid.driver import RaidDriver
from device.raid.errors import NoArray
from device.raid.news import News
from device.raid.order import NO_PASSWORDS, Order, Tool
from device.raid.state import Reading, Role, Status, status
from device.raid.steps import Memory
from device.raid.tools import Tools

INTERVAL = 0.5  #: seconds between looks, where the driver does not hear of a change at once
BY = "recorder"  #: who begins what nobody asked for
_DAY = 86_400 * MICROSECONDS


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person wants."""

    hot: float  #: degrees Celsius from which on a drive is too warm
    replace: bool  #: a new, empty drive takes the place of one that is missing, without being asked
    scrub_days: int  #: from one scrub to the next; 0: never
    read_only: bool  #: protected against writing


class Storages(Protocol):
    """The recorder, as a user of the array's file system."""

    async def release(self, path: str) -> None:
        """Stop recording there, and let go of it. Nothing happens where it is not used. Raises Busy, PlaneDown."""

    async def admit(self, path: str, read_only: bool) -> None:
        """Record there (again); an empty file system becomes a storage. Raises BadValue or ForeignVolume where it is
        neither empty nor ours, StorageFault, PlaneDown."""


class Raid:
    """Reads the driver, tells the bus, and begins by itself what needs no decision."""

    def __init__(
        self,
        driver: RaidDriver,
        jobs: Jobs,
        storages: Storages,
        memory: Memory,
        rules: Callable[[], Rules],
        clock: Clock,
        publish: Callable[[Event], object],
    ) -> None:
        self.reading: Reading | None = (
            None  #: the last one; None: none since the start, or the driver is silent
        )
        self.tools = Tools(driver, jobs, self._release, memory, read_only=lambda: rules().read_only)
        self._driver = driver
        self._jobs = jobs
        self._storages = storages
        self._memory = memory
        self._rules = rules
        self._clock = clock
        self._publish = publish
        self._news = News(rules().hot)
        self._silent: bool | None = None  #: what was told; None: nothing yet
        self._used: tuple[str, bool] | None = None  #: what the recorder was told to use
        self._closing = False  #: the file system is being taken away, and not by a tool
        self._tried: set[str] = set()  #: serials that were given to the array without being asked

    async def run(self) -> None:
        """Put together and mount what is there; then watch, until cancelled."""
        await self._start()
        while True:
            await self.look()
            await self._driver.wait(INTERVAL)

    async def _start(self) -> None:
        """Mount what can be mounted: an array whose password is not known waits for somebody."""
        if self.tools.running is not None:
            return
        try:
            reading = await self._driver.read()
            if reading.array is None:
                await self._driver.assemble()
                reading = await self._driver.read()
            locked = reading.lock is not None and not reading.lock.open
            if locked and self._memory.password() is None:
                return
            if locked or (reading.files is not None and not reading.files.mounted):
                await self.tools.begin(Order(Tool.MOUNT), NO_PASSWORDS, confirmed=False, by=BY)
        except NoArray:
            return  # a box without one
        except HoldfastError as error:
            self._lost(error)

    async def look(self) -> Reading | None:
        """Read once, and do what follows from it."""
        try:
            reading = await self._driver.read()
        except HoldfastError as error:
            self._lost(error)
            return None
        if self._silent is not False:
            self._silent = False
            self._publish(RaidAvailable())
        self._news.hot = self._rules().hot
        for event in self._news.of(reading, self._clock.monotonic()):
            self._publish(event)
        self.reading = reading
        await self._use(reading)
        await self._mend(reading)
        await self._scrub_where_due(reading)
        return reading

    def _lost(self, error: HoldfastError) -> None:
        self.reading = None
        if not self._silent:
            self._silent = True
            self._publish(RaidUnavailable(str(error)))

    async def _use(self, reading: Reading) -> None:
        """The recorder uses what is mounted, unless a tool has it, or the array has failed (M-433)."""
        files, array = reading.files, reading.array
        failed = array is None or status(array) is Status.FAILED
        wanted = (files.path, files.read_only) if files is not None and files.mounted and not failed else None
        with contextlib.suppress(HoldfastError):  # tried again at the next look
            if wanted is None:
                if (used := self._used) is not None:
                    await self._release(used[0])
            elif wanted != self._used and self.tools.running is None and not self._closing:
                await self._storages.admit(*wanted)
                self._used = wanted

    async def lock_up(self) -> None:
        """Close an encrypted array, as a power cut would: it waits for somebody who knows the password (M-068). What is
        not encrypted stays mounted. Raises Busy where somebody holds the file system, DriverFault.

        Done while a drive is rebuilt, too; a tool that has the file system ends first.
        """
        while (job := self.tools.running) is not None and self.tools.takes(job):
            await self._jobs.wait(job.id)
        self._closing = True
        try:
            reading = await self._driver.read()
            if reading.lock is None or not reading.lock.open:
                return
            if reading.files is not None and reading.files.mounted:
                await self._release(reading.files.path)
                await self._driver.unmount()
            await self._driver.close()
        finally:
            self._closing = False

    async def use_anew(self) -> None:
        """The recorder has forgotten its storages: let it use what is mounted, as the rules are now."""
        self._used = None
        reading = await self._driver.read()
        if reading.files is not None and reading.files.mounted and reading.files.read_only:
            await self._begin(Order(Tool.PROTECT if self._rules().read_only else Tool.UNPROTECT))

    async def _release(self, path: str) -> None:
        try:
            await self._storages.release(path)
        finally:
            self._used = None  # it is to be admitted anew, also where this came to nothing

    async def _mend(self, reading: Reading) -> None:
        """M-058: a new drive takes the place of the one that is missing. One that holds something waits for
        somebody to say so."""
        array = reading.array
        if array is None or not self._rules().replace or self.tools.running is not None:
            return
        if status(array) is not Status.DEGRADED or any(drive.role is Role.SPARE for drive in reading.drives):
            return
        self._tried &= {drive.serial for drive in reading.drives}
        new = next(
            (drive for drive in reading.drives if drive.free and drive.serial not in self._tried), None
        )
        if new is not None:
            self._tried.add(new.serial)
            await self._begin(Order(Tool.REPLACE, bay=new.bay))

    async def _scrub_where_due(self, reading: Reading) -> None:
        days, array = self._rules().scrub_days, reading.array
        if not days or array is None or self.tools.running is not None or array.work is not None:
            return
        if not array.level.spares(array.drives) or status(array) is not Status.ONLINE:
            return
        past = [job.ended for job in self._jobs.list() if job.kind in _BEGINS_ANEW and job.ended is not None]
        if past and self._clock.utc() - max(past) >= days * _DAY:
            await self._begin(Order(Tool.SCRUB))

    async def _begin(self, order: Order) -> None:
        """What stands in the way of something that nobody asked for is no news: the state tells."""
        try:
            await self.tools.begin(order, NO_PASSWORDS, confirmed=False, by=BY)
        except HoldfastError:
            return


#: Jobs from whose end on the days until the next scrub are counted.
_BEGINS_ANEW = (Tool.SCRUB.value, Tool.CREATE.value, Tool.MOUNT.value)
