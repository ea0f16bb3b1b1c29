"""Exports as jobs: asked of one plane, done by another, followed, stopped without a trace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from device.errors import BadValue, HoldfastError
from device.events.bus import Bus
from device.events.catalogue import ExportFinished
from device.events.event import Event
from device.events.journal import Journal
from device.jobs import Jobs, State
from device.media import Utc
from device.planes.control import serve_jobs
from device.planes.exports import serve_export_jobs, serve_exports
from device.planes.link import Client, Server
from device.planes.messages import ExportDone, ExportSpan, ExportStart, ExportStep, JobCancel
from device.recording.export.verify import verify
from device.recording.export.writing import LATEST
from tests.device.clock.simulated import SimulatedClock
from tests.device.recording.export.test_writing import ABOUT, SIGNER, nobody
from tests.device.recording.store import make


@dataclass
class Planes:
    """A streaming and a control plane, as far as exports go."""

    control: Client
    streaming: Client
    jobs: Jobs
    said: list[Event]
    out: Path

    async def start(self, name: str, form: str = "mp4", token: str = "CAM1") -> str:
        path = str(self.out / name)
        request = ExportStart((token,), Utc(0), LATEST, form, path, None, "anna")
        return (await self.control.call(request)).id


@pytest.fixture
async def planes(tmp_path: Path) -> AsyncIterator[Planes]:
    store = make(tmp_path / "recorder", durability=5, segment_length=10)
    store.run(60, store.camera(size=20_000))
    clock = SimulatedClock()
    journal = Journal(tmp_path / "e.db", "control", clock, keep=100)
    bus = Bus(journal, lambda _, error: pytest.fail(str(error)))
    said: list[Event] = []
    bus.subscribe(lambda entry: said.append(entry.event))
    jobs = Jobs(tmp_path / "j.db", clock, bus.publish)
    out = tmp_path / "out"
    out.mkdir()
    async with (
        Server(tmp_path / "s.sock") as streams,
        Server(tmp_path / "c.sock") as controls,
        Client(tmp_path / "s.sock", within=10) as streaming,
        Client(tmp_path / "c.sock", within=10) as control,
    ):
        serve_exports(streams, store.reader, SIGNER, lambda _by: ABOUT, bus.publish)
        serve_export_jobs(controls, jobs, streaming)
        serve_jobs(controls, jobs)
        yield Planes(control, streaming, jobs, said, out)
        await jobs.close()
    journal.close()
    store.close()


async def test_a_job_writes_a_signed_export_and_tells_of_it(planes: Planes) -> None:
    job = await planes.jobs.wait(await planes.start("x.mp4"))
    assert (job.state, job.kind, job.by, job.error) == (State.DONE, "export", "anna", "")
    told = json.loads(job.result)
    assert (told["files"], told["frames"]) == ([str(planes.out / "x.mp4")], 600)
    assert verify(Path(told["manifest"]), frozenset({told["fingerprint"]}), nobody).intact
    (finished,) = [event for event in planes.said if isinstance(event, ExportFinished)]
    assert (finished.recording, finished.file, finished.by) == ("CAM1", str(planes.out / "x.mp4"), "anna")
    assert finished.sha256


async def test_progress_comes_while_it_is_written(planes: Planes) -> None:
    span = ExportSpan(("CAM1",), Utc(0), LATEST, "mkv", str(planes.out / "x.mkv"), None, "anna")
    steps: list[ExportStep] = []
    async with planes.streaming.stream(span) as items:
        async for item in items:
            if isinstance(item, ExportDone):
                break
            steps.append(item)
    assert {step.phase for step in steps} <= {"reading CAM1", "writing CAM1"}
    assert steps
    assert all(0 <= step.done <= step.total for step in steps)


async def test_a_job_that_is_stopped_leaves_nothing(planes: Planes) -> None:
    job = await planes.start("x.mp4")
    await asyncio.sleep(0.02)
    await planes.control.call(JobCancel(job, "anna"))
    assert planes.jobs.get(job).state is State.CANCELLED
    for _ in range(200):
        if not any(planes.out.iterdir()):
            break
        await asyncio.sleep(0.02)
    assert list(planes.out.iterdir()) == []


@pytest.mark.parametrize(
    ("form", "path", "complaint"),
    [("avi", "/x.avi", "form: must be one of mp4"), ("mp4", "x.mp4", "path: must be abs")],
)
async def test_what_is_wrong_is_said_at_once(planes: Planes, form: str, path: str, complaint: str) -> None:
    with pytest.raises(BadValue, match=complaint):
        await planes.control.call(ExportStart(("CAM1",), Utc(0), LATEST, form, path, None, "anna"))
    assert planes.jobs.list() == []


async def test_what_cannot_be_done_is_said_by_the_job(planes: Planes) -> None:
    job = await planes.jobs.wait(await planes.start("x.mp4", token="CAM9"))
    assert (job.state, job.error) == (State.FAILED, "There is no recording 'CAM9'.")
    job = await planes.jobs.wait(await planes.start("none/x.mp4"))
    assert job.error.endswith("x.mp4: No such file or directory.")


async def test_a_listener_that_goes_away_ends_the_work(planes: Planes) -> None:
    span = ExportSpan(("CAM1",), Utc(0), LATEST, "mp4", str(planes.out / "x.mp4"), None, "anna")
    async with planes.streaming.stream(span) as items:
        first = await anext(aiter(items))
    assert isinstance(first, ExportStep)
    for _ in range(200):
        if not any(planes.out.iterdir()):
            break
        await asyncio.sleep(0.02)
    assert list(planes.out.iterdir()) == []
    with pytest.raises(HoldfastError):
        await anext(aiter(items))
