"""The steps that tools are made of. Each can be done again, as after a restart in its middle; what it returns is the
job's result."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from device.errors import HoldfastError, Refused
from device.jobs import Progress
from device.raid.driver import RaidDriver
from device.raid.errors import DriverFault
from device.raid.order import Order, Passwords, Tool
from device.raid.state import Kind, Role, Status, status

LOOK = 1.0  #: seconds between looks at a rebuild


class Memory(Protocol):
    """Where the password is kept sealed, so that the array is open after a power cut."""

    def password(self) -> str | None:
        """The password; None: not known, as after a factory default."""

    def remember(self, password: str | None) -> None:
        """Keep it, or forget it."""


@dataclass(frozen=True, slots=True)
class Run:
    """One order that is carried out."""

    driver: RaidDriver
    memory: Memory
    order: Order
    passwords: Passwords
    progress: Progress
    read_only: bool

    async def unmount(self) -> str | None:
        files = (await self.driver.read()).files
        if files is not None and files.mounted:
            await self.driver.unmount()
        return None

    async def dissolve(self) -> str | None:
        if (await self.driver.read()).array is not None:
            await self.driver.dissolve()
        return None

    async def create(self) -> str | None:
        assert self.order.level is not None
        await self.dissolve()  # what a restart left of this very step
        await self.driver.create(self.order.level, self.order.bays, self.order.spares)
        self.memory.remember(None)
        return "RAID configured"

    async def lock(self) -> str | None:
        if self.order.tool is Tool.ENCRYPT or self.order.encrypt:
            password = _known(self.passwords.now)
            await self.driver.lock(password)
            self.memory.remember(password)
        return None

    async def clear(self) -> str | None:
        await self.driver.clear()
        self.memory.remember(None)
        return None

    async def make(self) -> str | None:
        await self.driver.make(self.order.files or Kind.XFS)
        return None

    async def mount(self) -> str | None:
        reading = await self.driver.read()
        if reading.lock is not None and not reading.lock.open:
            await self.open()
        await self.driver.mount(self.read_only)
        return None

    async def mount_again(self) -> None:
        """After a step that failed, so that recording goes on where it can; else the array's state tells."""
        with contextlib.suppress(HoldfastError):
            await self.mount()

    async def assemble(self) -> str | None:
        if (await self.driver.read()).array is None:
            await self.driver.assemble()
        return None

    async def open(self) -> str | None:
        lock = (await self.driver.read()).lock
        if lock is not None and not lock.open:
            password = _known(self.passwords.now or self.memory.password())
            await self.driver.open(password)
            self.memory.remember(password)
        return None

    async def close(self) -> str | None:
        lock = (await self.driver.read()).lock
        if lock is not None and lock.open:
            await self.driver.close()
        return None

    async def password(self) -> str | None:
        new = _known(self.passwords.new)
        await self.driver.change_password(_known(self.passwords.now), new)
        self.memory.remember(new)
        return None

    async def check(self) -> str | None:
        verdict = await self.driver.check(repair=False)
        if not verdict.clean:
            raise DriverFault(f"The file system has errors: {verdict.report}. The tool repair may save it.")
        return verdict.report

    async def repair(self) -> str | None:
        verdict = await self.driver.check(repair=True)
        if not verdict.clean:
            raise DriverFault(f"The file system could not be repaired: {verdict.report}.")
        return verdict.report

    async def remove(self) -> str | None:
        await self.driver.remove(self.order.bay)
        return None

    async def add(self) -> str | None:
        drive = (await self.driver.read()).drive(self.order.bay)
        if drive is not None and drive.role not in (Role.MEMBER, Role.REBUILDING, Role.SPARE):
            await self.driver.add(self.order.bay)
        return None

    async def rebuild(self) -> str | None:
        await self._follow(SAID[Run.rebuild], syncs=True)
        array = (await self.driver.read()).array
        if array is None or status(array) is Status.FAILED:
            raise DriverFault("The array failed while it was rebuilt.")
        return f"The array is {status(array).value}."

    async def scrub(self) -> str | None:
        await self.driver.scrub(on=True)
        await self._follow(SAID[Run.scrub], syncs=False)
        array = (await self.driver.read()).array
        return f"{array.mismatches} sectors disagree." if array is not None else None

    async def _follow(self, phase: str, *, syncs: bool) -> None:
        """Until the array's own work of that kind has ended."""
        total = -1
        while True:
            array = (await self.driver.read()).array
            if array is None or status(array) is Status.FAILED:
                return
            work = array.work
            if work is None or work.activity.syncs != syncs:
                return
            if work.total != total:
                total = work.total
                self.progress.phase(phase, total=total, unit="bytes")
            self.progress.step(work.done)
            await asyncio.sleep(LOOK)

    async def protect(self) -> str | None:
        await self.driver.mount(read_only=True)
        return None

    async def unprotect(self) -> str | None:
        await self.driver.mount(read_only=False)
        return None


def _known(password: str | None) -> str:
    if password is None:
        raise Refused(
            "The recorder was restarted before the password was used. Begin again with the password."
        )
    return password


Step = Callable[[Run], Awaitable[str | None]]

#: What a person reads while a step is done.
SAID: dict[Step, str] = {
    Run.unmount: "unmounting",
    Run.dissolve: "taking the old array apart",
    Run.create: "making the array",
    Run.lock: "encrypting",
    Run.clear: "erasing",
    Run.make: "making the file system",
    Run.mount: "mounting",
    Run.password: "changing the password",
    Run.check: "checking the file system",
    Run.repair: "repairing the file system",
    Run.assemble: "putting the array together",
    Run.open: "opening the encrypted array",
    Run.close: "closing the encrypted array",
    Run.remove: "taking the old drive out of the array",
    Run.add: "adding the new drive",
    Run.rebuild: "rebuilding",
    Run.scrub: "comparing the drives",
    Run.protect: "protecting against writing",
    Run.unprotect: "allowing to write",
}
