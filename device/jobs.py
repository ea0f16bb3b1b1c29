"""Long works: seen while they run, stopped by who may, and still there after a restart.

    jobs.run("export", work, by="anna", resource="export")      # async def work(progress: Progress) -> str

A job is one typed record in a database of its own. Works on one resource run one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from device.clock import Clock
from device.database import open_database, transaction
from device.errors import HoldfastError, NotFound, Refused
from device.events.catalogue import JobFailed, JobFinished, JobId, JobStarted
from device.events.event import Event
from device.media import Utc
from device.records import BadRecord, from_json, record, to_json

KEPT = 200  #: ended jobs that are remembered
SAVE = 2.0  #: seconds between two writes of a job's progress

SCHEMA = (
    """
    CREATE TABLE job(
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL);
    """,
)


class State(Enum):
    """Where a job is."""

    WAITING = "waiting"  #: for another one on the same resource
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  #: the recorder was stopped meanwhile

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self not in (State.WAITING, State.RUNNING)


@record
@dataclass(frozen=True, slots=True)
class Job:
    """One long work, as it is now."""

    id: str
    kind: str  #: export, format, upgrade ...
    resource: str  #: what only one job may work on
    by: str  #: account
    state: State
    created: Utc
    arguments: str = ""  #: what a resumer needs to go on, as JSON
    cancellable: bool = True
    phase: str = ""  #: what it does now, for a person
    done: int = 0  #: of `total`
    total: int = 0  #: 0: not known
    unit: str = ""  #: what `done` counts
    started: Utc | None = None
    ended: Utc | None = None
    eta: float | None = None  #: seconds that are left; None: not known
    result: str = ""  #: of a job that is done
    error: str = ""  #: of one that failed


class Progress:
    """What a work tells of itself."""

    def __init__(self, job: Job, clock: Clock, changed: Callable[[Job], None]) -> None:
        self.job = job
        self._clock = clock
        self._changed = changed
        self._phase_began = clock.monotonic()
        self._phase_done = job.done

    def phase(self, name: str, *, total: int, unit: str) -> None:
        """A new part of the work begins, of `total` units; 0: not known how many."""
        self._phase_began = self._clock.monotonic()
        self._phase_done = 0
        self._update(phase=name, done=0, total=total, unit=unit, eta=None)

    def step(self, done: int) -> None:
        """So many units of the phase are done, in all. The time that is left is told from the phase's own
        speed."""
        took = self._clock.monotonic() - self._phase_began
        made = done - self._phase_done
        eta = None
        if self.job.total and made > 0 and took > 0:
            eta = max(self.job.total - done, 0) * took / made
        self._update(done=done, eta=eta)

    def _update(self, **fields: object) -> None:
        self.job = dataclasses.replace(self.job, **fields)  # type: ignore[arg-type]  # names and types as above
        self._changed(self.job)


Work = Callable[[Progress], Awaitable[str]]  #: gives the job's result
Resumer = Callable[[Job], Work]  #: the work that goes on with a job that a restart cut


class Jobs:
    """The jobs of one data folder. For the loop's thread."""

    def __init__(self, path: Path, clock: Clock, publish: Callable[[Event], object]) -> None:
        """Raises DatabaseFault."""
        self._clock = clock
        self._publish = publish
        self._database = open_database(path, SCHEMA)
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._cancelled: set[str] = set()
        self._saved: dict[str, float] = {}
        self._listeners: list[Callable[[Job], None]] = []
        for (text,) in self._database.execute("SELECT json FROM job ORDER BY number"):
            with contextlib.suppress(BadRecord):
                job = from_json(Job, text)
                self._jobs[job.id] = job

    def list(self) -> list[Job]:
        """All jobs that are remembered, newest first."""
        return list(reversed(self._jobs.values()))

    def get(self, id_: str) -> Job:
        """Raises NotFound."""
        if id_ not in self._jobs:
            raise NotFound("job", id_)
        return self._jobs[id_]

    def subscribe(self, listener: Callable[[Job], None]) -> Callable[[], None]:
        """Call `listener` with a job whenever it changes; returns what ends it. It must not raise."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def run(
        self, kind: str, work: Work, *, by: str, resource: str, arguments: str = "", cancellable: bool = True
    ) -> Job:
        """Begin a work, or let it wait for the one on the same resource. Returns at once."""
        job = Job(
            "j-" + secrets.token_hex(5),
            kind,
            resource,
            by,
            State.WAITING,
            self._clock.utc(),
            arguments,
            cancellable,
        )
        self._begin(job, work)
        return job

    def resume(self, resumers: dict[str, Resumer]) -> None:
        """Once after start: go on with what a restart cut, where its kind has a resumer; the rest was
        interrupted."""
        for job in list(self._jobs.values()):
            if job.state.ended or job.id in self._tasks:
                continue
            if job.kind in resumers:
                self._begin(dataclasses.replace(job, state=State.WAITING), resumers[job.kind](job))
            else:
                self._end(job, State.INTERRUPTED, error="The recorder was stopped meanwhile.")

    async def cancel(self, id_: str) -> Job:
        """Stop a job, and wait until it has. Raises NotFound, Refused."""
        job = self.get(id_)
        if job.state.ended:
            raise Refused(f"The job {id_} has ended.")
        if not job.cancellable:
            raise Refused(f"A job of kind {job.kind!r} cannot be stopped.")
        self._cancelled.add(id_)
        await self._stop(id_)
        return self.get(id_)

    async def wait(self, id_: str) -> Job:
        """Wait until a job has ended. Raises NotFound, also where it was forgotten meanwhile."""
        self.get(id_)
        if task := self._tasks.get(id_):
            await asyncio.wait([task])
        return self.get(id_)

    async def close(self) -> None:
        """Stop every work, as a restart does: it is resumed or interrupted at the next start."""
        for id_ in list(self._tasks):
            await self._stop(id_)
        self._database.close()

    # ------------------------------------------------------------------------------------------ within

    async def _stop(self, id_: str) -> None:
        if task := self._tasks.get(id_):
            task.cancel()
            await asyncio.wait([task])

    def _begin(self, job: Job, work: Work) -> None:
        self._keep(job, durable=True)
        task = asyncio.get_running_loop().create_task(
            self._follow(job, work), name=f"job {job.kind} {job.id}"
        )
        self._tasks[job.id] = task
        task.add_done_callback(lambda _: self._forget(job.id))

    def _forget(self, id_: str) -> None:
        self._tasks.pop(id_, None)
        self._saved.pop(id_, None)
        job = self._jobs.get(id_)
        if (
            job and id_ in self._cancelled and not job.state.ended
        ):  # before its first step, which it never made
            self._end(job, State.CANCELLED)
        self._cancelled.discard(id_)

    async def _follow(self, job: Job, work: Work) -> None:
        lock = self._locks.setdefault(job.resource, asyncio.Lock())
        progress = Progress(job, self._clock, self._keep)
        try:
            async with lock:
                began = self._clock.monotonic()
                progress.job = dataclasses.replace(job, state=State.RUNNING, started=self._clock.utc())
                self._keep(progress.job, durable=True)
                self._publish(JobStarted(JobId(job.id), job.kind, job.by))
                result = await work(progress)
            self._end(progress.job, State.DONE, result=result)
            self._publish(JobFinished(JobId(job.id), job.kind, self._clock.monotonic() - began))
        except asyncio.CancelledError:
            if job.id in self._cancelled:
                self._end(progress.job, State.CANCELLED)
            else:
                self._keep(progress.job, durable=True)
        except Exception as error:  # noqa: BLE001 - whatever ends a work, its job says so
            self._failed(progress.job, error)

    def _failed(self, job: Job, error: Exception) -> None:
        text = str(error) if isinstance(error, HoldfastError) else f"{type(error).__name__}: {error}"
        self._end(job, State.FAILED, error=text)
        share = 100.0 * job.done / job.total if job.total else 0.0
        self._publish(JobFailed(JobId(job.id), job.kind, share, text))
        if not isinstance(error, HoldfastError):
            what = {"message": f"job {job.kind} failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(what)

    def _end(self, job: Job, state: State, *, result: str = "", error: str = "") -> None:
        ended = dataclasses.replace(
            job, state=state, ended=self._clock.utc(), eta=None, result=result, error=error
        )
        self._keep(ended, durable=True)

    def _keep(self, job: Job, *, durable: bool = False) -> None:
        """Remember a job as it is now; progress goes to the disk only now and then."""
        self._jobs[job.id] = job
        now = self._clock.monotonic()
        if durable or now - self._saved.get(job.id, 0.0) >= SAVE:
            self._saved[job.id] = now
            self._save(job)
        for listener in list(self._listeners):
            listener(job)

    def _save(self, job: Job) -> None:
        with transaction(self._database):
            self._database.execute(
                "INSERT INTO job(id, json) VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET json = excluded.json",
                (job.id, to_json(job).decode()),
            )
            ended = [other.id for other in self._jobs.values() if other.state.ended]
            for id_ in ended[: max(len(ended) - KEPT, 0)]:
                self._database.execute("DELETE FROM job WHERE id = ?", (id_,))
                del self._jobs[id_]
