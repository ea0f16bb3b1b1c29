"""The tools of the manual (M-350 to M-368): each a list of small steps, done by a job.

After a restart in the middle a job goes on with the step it was at. A password is never in a job; a tool that was cut
before the step that needs it says so, and is begun again by whoever knows it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from device.jobs import Job, Jobs, Progress, Resumer, Work
from device.raid.driver import RaidDriver
from device.raid.errors import Busy, Unconfirmed
from device.raid.order import NO_PASSWORDS, Order, Passwords, Tool, refuse
from device.raid.state import Drive, Reading, Role
from device.raid.steps import SAID, Memory, Run, Step
from device.records import from_json, to_json

RESOURCE = "raid"  #: of the jobs: one at a time

Release = Callable[[str], Awaitable[None]]  #: with the path of the file system


@dataclass(frozen=True, slots=True)
class _Traits:
    steps: tuple[Step, ...]
    erases: bool = False
    takes: bool = False  #: the recorder must let go of the file system first


_TRAITS: Mapping[Tool, _Traits] = {
    Tool.CREATE: _Traits(
        (Run.unmount, Run.dissolve, Run.create, Run.lock, Run.make, Run.mount), erases=True, takes=True
    ),
    Tool.FORMAT: _Traits((Run.unmount, Run.make, Run.mount), erases=True, takes=True),
    Tool.ENCRYPT: _Traits((Run.unmount, Run.clear, Run.lock, Run.make, Run.mount), erases=True, takes=True),
    Tool.DECRYPT: _Traits((Run.unmount, Run.clear, Run.make, Run.mount), erases=True, takes=True),
    Tool.PASSWORD: _Traits((Run.password,)),
    Tool.CHECK: _Traits((Run.unmount, Run.check, Run.mount), takes=True),
    Tool.REPAIR: _Traits((Run.unmount, Run.repair, Run.mount), erases=True, takes=True),
    Tool.MOUNT: _Traits((Run.assemble, Run.open, Run.mount)),
    Tool.UNMOUNT: _Traits((Run.unmount, Run.close), takes=True),
    Tool.REPLACE: _Traits((Run.remove, Run.add, Run.rebuild)),
    Tool.SCRUB: _Traits((Run.scrub,)),
    Tool.PROTECT: _Traits((Run.protect,), takes=True),
    Tool.UNPROTECT: _Traits((Run.unprotect,), takes=True),
}


def _erased(order: Order, reading: Reading) -> str:
    """What the tool may erase; empty: nothing that anybody could want."""
    if order.tool is Tool.REPLACE:
        drive = reading.drive(order.bay)
        return "" if drive is None or drive.free else _content(drive)
    if not _TRAITS[order.tool].erases:
        return ""
    strange = [
        drive
        for drive in reading.drives
        if drive.bay in (*order.bays, *order.spares)
        and drive.role in (Role.FOREIGN, Role.UNUSED)
        and not drive.free
    ]
    return ", and ".join(["what is on the drives", *map(_content, strange)])


def _content(drive: Drive) -> str:
    what = "an array of another recorder" if drive.role is Role.FOREIGN else "what somebody else has written"
    return f"{what} on the drive in bay {drive.bay} ({drive.serial})"


class Tools:
    """Begins what is asked for, after everything that can be checked was checked."""

    def __init__(
        self,
        driver: RaidDriver,
        jobs: Jobs,
        release: Release,
        memory: Memory,
        *,
        read_only: Callable[[], bool],
    ) -> None:
        """`release` is called before the file system is taken from the recorder. `read_only`: whether it is to be
        protected against writing."""
        self._driver = driver
        self._jobs = jobs
        self._release = release
        self._memory = memory
        self._read_only = read_only

    async def begin(self, order: Order, passwords: Passwords, *, confirmed: bool, by: str) -> Job:
        """Begin a job. Raises Unconfirmed, Busy, BadValue or what else stands in its way; then nothing has changed."""
        if (job := self.running) is not None:
            raise Busy(f"A tool is at work: {job.kind} ({job.phase or job.state.value}).")
        reading = await self._driver.read()
        refuse(order, passwords, reading)
        if not confirmed and (erased := _erased(order, reading)):
            raise Unconfirmed(f"{order.tool.value} may erase {erased}.")
        return self._jobs.run(
            order.tool.value,
            self._work(order, passwords, 0),
            by=by,
            resource=RESOURCE,
            arguments=to_json(order).decode(),
            cancellable=False,
        )

    @property
    def running(self) -> Job | None:
        """The job of the tool that is at work."""
        return next(
            (job for job in self._jobs.list() if job.resource == RESOURCE and not job.state.ended), None
        )

    def takes(self, job: Job) -> bool:
        """Whether the tool of this job has the file system for itself."""
        return _TRAITS[Tool(job.kind)].takes

    @property
    def resumers(self) -> dict[str, Resumer]:
        """For `Jobs.resume`."""
        return {tool.value: self._resume for tool in Tool}

    def _resume(self, job: Job) -> Work:
        order = from_json(Order, job.arguments.encode())
        said = {SAID[step]: number for number, step in enumerate(_TRAITS[order.tool].steps)}
        return self._work(order, NO_PASSWORDS, said.get(job.phase, 0))

    def _work(self, order: Order, passwords: Passwords, first: int) -> Work:
        traits = _TRAITS[order.tool]

        async def work(progress: Progress) -> str:
            files = (await self._driver.read()).files
            if traits.takes and files is not None:
                await self._release(files.path)
            run = Run(self._driver, self._memory, order, passwords, progress, self._read_only())
            told = ""
            try:
                for step in traits.steps[first:]:
                    progress.phase(SAID[step], total=0, unit="")
                    told = await step(run) or told
            except Exception:
                if files is not None and files.mounted:
                    await run.mount_again()
                raise
            return told

        return work
