"""Long works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.errors import NotFound, Refused
from device.events.catalogue import JobFailed, JobFinished, JobStarted
from device.events.event import Event
from device.jobs import KEPT, Job, Jobs, Progress, State, Work
from tests.device.clock.simulated import SimulatedClock


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def said() -> list[Event]:
    return []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
async def jobs(path: Path, clock: SimulatedClock, said: list[Event]) -> AsyncIterator[Jobs]:
    jobs = Jobs(path, clock, said.append)
    yield jobs
    await jobs.close()


async def forever(progress: Progress) -> str:
    await asyncio.Event().wait()
    return ""


async def test_a_work_runs_and_its_result_is_kept(
    jobs: Jobs, path: Path, clock: SimulatedClock, said: list[Event]
) -> None:
    async def work(progress: Progress) -> str:
        progress.phase("copy", total=10, unit="B")
        clock.run(2)
        progress.step(10)
        return "/tmp/x.mp4"

    job = jobs.run("export", work, by="anna", resource="export")
    assert job.state is State.WAITING
    ended = await jobs.wait(job.id)
    assert (ended.state, ended.result, ended.done, ended.by) == (State.DONE, "/tmp/x.mp4", 10, "anna")
    assert Jobs(path, clock, said.append).get(job.id) == ended
    assert [type(event) for event in said] == [JobStarted, JobFinished]


async def test_the_time_that_is_left_is_told_from_the_speed_of_the_phase(
    jobs: Jobs, clock: SimulatedClock
) -> None:
    seen: list[float | None] = []

    async def work(progress: Progress) -> str:
        progress.phase("read", total=100, unit="B")
        seen.append(progress.job.eta)
        clock.run(10)
        progress.step(20)
        seen.append(progress.job.eta)
        progress.phase("write", total=0, unit="B")
        clock.run(10)
        progress.step(20)
        seen.append(progress.job.eta)
        return ""

    await jobs.wait(jobs.run("x", work, by="", resource="x").id)
    assert seen == [None, 40.0, None]


async def test_works_on_one_resource_run_one_after_the_other(jobs: Jobs) -> None:
    running: set[str] = set()
    most: dict[str, int] = {"disk": 0, "all": 0}

    def work(resource: str, name: str) -> Work:
        async def run(progress: Progress) -> str:
            running.add(resource + name)
            most["disk"] = max(most["disk"], sum(1 for one in running if one.startswith("disk")))
            most["all"] = max(most["all"], len(running))
            await asyncio.sleep(0.01)
            running.discard(resource + name)
            return ""

        return run

    made = [
        jobs.run("x", work(r, str(n)), by="", resource=r) for n in range(3) for r in ("disk", f"other{n}")
    ]
    for job in made:
        await jobs.wait(job.id)
    assert most["disk"] == 1
    assert most["all"] > 1


async def test_a_work_that_fails_says_why(jobs: Jobs, said: list[Event]) -> None:
    async def work(progress: Progress) -> str:
        progress.phase("copy", total=4, unit="B")
        progress.step(1)
        raise Refused("no room")

    job = await jobs.wait(jobs.run("export", work, by="anna", resource="x").id)
    assert (job.state, job.error) == (State.FAILED, "no room")
    assert (
        JobFailed(said[-1].job, "export", 25.0, "no room") == said[-1]
        if isinstance(said[-1], JobFailed)
        else False
    )


async def test_a_defect_in_a_work_fails_the_job_and_reaches_the_loop(jobs: Jobs) -> None:
    seen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: seen.append(what["exception"]))

    async def work(progress: Progress) -> str:
        raise ZeroDivisionError("oh")

    job = await jobs.wait(jobs.run("x", work, by="", resource="x").id)
    assert (job.state, job.error) == (State.FAILED, "ZeroDivisionError: oh")
    assert [type(error) for error in seen] == [ZeroDivisionError]


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_work_can_be_stopped_also_while_it_waits(jobs: Jobs, at_once: bool) -> None:
    first = jobs.run("x", forever, by="", resource="x")
    second = jobs.run("x", forever, by="", resource="x")
    if not at_once:
        await asyncio.sleep(0.01)
    assert (await jobs.cancel(second.id)).state is State.CANCELLED
    assert (await jobs.cancel(first.id)).state is State.CANCELLED
    with pytest.raises(Refused):
        await jobs.cancel(first.id)
    with pytest.raises(NotFound):
        await jobs.cancel("j-nothing")


async def test_a_work_that_may_not_be_stopped_is_not(jobs: Jobs) -> None:
    job = jobs.run("format", forever, by="", resource="x", cancellable=False)
    await asyncio.sleep(0)
    with pytest.raises(Refused):
        await jobs.cancel(job.id)


async def test_what_a_restart_cut_is_resumed_or_interrupted(
    path: Path, clock: SimulatedClock, said: list[Event]
) -> None:
    async def half(progress: Progress) -> str:
        progress.phase("copy", total=10, unit="B")
        progress.step(5)
        return await forever(progress)

    before = Jobs(path, clock, said.append)
    copy = before.run("copy", half, by="anna", resource="x", arguments='{"to": "nas"}')
    other = before.run("other", forever, by="anna", resource="y")
    await asyncio.sleep(0.01)
    await before.close()

    seen: list[Job] = []

    def resumer(job: Job) -> Work:
        async def work(progress: Progress) -> str:
            seen.append(job)
            return "done"

        return work

    after = Jobs(path, clock, said.append)
    after.resume({"copy": resumer})
    assert (await after.wait(copy.id)).state is State.DONE
    assert (seen[0].arguments, seen[0].done) == ('{"to": "nas"}', 5)
    assert after.get(other.id).state is State.INTERRUPTED
    await after.close()


async def test_only_so_many_ended_jobs_are_remembered(jobs: Jobs, path: Path, clock: SimulatedClock) -> None:
    async def work(progress: Progress) -> str:
        return ""

    for n in range(KEPT + 5):
        await jobs.wait(jobs.run("x", work, by="", resource=str(n)).id)
    assert len(jobs.list()) == KEPT
    assert len(Jobs(path, clock, lambda _: None).list()) == KEPT


async def test_listeners_see_every_step(jobs: Jobs) -> None:
    seen: list[tuple[State, int]] = []
    end = jobs.subscribe(lambda job: seen.append((job.state, job.done)))

    async def work(progress: Progress) -> str:
        progress.phase("copy", total=2, unit="B")
        progress.step(1)
        progress.step(2)
        return ""

    await jobs.wait(jobs.run("x", work, by="", resource="x").id)
    end()
    assert seen == [
        (State.WAITING, 0),
        (State.RUNNING, 0),
        (State.RUNNING, 0),
        (State.RUNNING, 1),
        (State.RUNNING, 2),
        (State.DONE, 2),
    ]
