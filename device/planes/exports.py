"""Exports between the planes: the streaming plane does the work, in a thread; the control plane keeps the job. The
recording plane has no part in it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from device.errors import BadValue, Refused, member
from device.events.catalogue import ExportFinished, Token
from device.events.event import Event
from device.jobs import Jobs, Progress, Work
from device.planes.link import Client, Outlet, Server
from device.planes.messages import ExportDone, ExportSpan, ExportStart, ExportStep, JobStarted
from device.recording.catalogue import CatalogueReader
from device.recording.export.planner import Form
from device.recording.export.writing import About, Exported, Order, Target, export
from device.signature import Signer

_TELL = 0.25  #: seconds between two steps that are told
_SUFFIXES = {Form.MP4: ".mp4", Form.MATROSKA: ".mkv"}


class ExportStopped(Refused):
    """Nobody waits for the export any more."""


def order_of(request: ExportSpan | ExportStart) -> tuple[Order, Target]:
    """What is asked for. Raises BadValue."""
    form = member(Form, "form", request.form)
    path = Path(request.path)
    if not path.is_absolute():
        raise BadValue("path", "must be absolute")
    if request.largest is not None and request.largest < 1:
        raise BadValue("largest", "must be at least 1")
    folder = path.suffix.lower() != _SUFFIXES.get(form)
    order = Order(request.tokens, request.start, request.end, form, request.largest)
    return order, Target(path, folder, force=False)


class _Watch:
    """Hands progress from the working thread to the loop, and the wish to stop from the loop to the thread."""

    def __init__(self, tell: Callable[[ExportStep], None]) -> None:
        self.stopped = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._tell = tell
        self._phase, self._total, self._told = "", 0, 0.0

    def phase(self, name: str, *, total: int, unit: str) -> None:  # noqa: ARG002 - bytes, always
        """`device.recording.export.writing.Watch`."""
        if name != self._phase:
            self._phase, self._total, self._told = name, total, 0.0

    def step(self, done: int) -> None:
        """See there. Raises ExportStopped."""
        if self.stopped.is_set():
            raise ExportStopped("The export was stopped.")
        now = self._loop.time()
        if now - self._told >= _TELL:
            self._told = now
            self._loop.call_soon_threadsafe(self._tell, ExportStep(self._phase, done, self._total))


def serve_exports(
    server: Server,
    catalogue: Callable[[], CatalogueReader],
    signer: Signer,
    about: Callable[[str], About],
    publish: Callable[[Event], object],
) -> None:
    """Let `server` write exports. `catalogue` opens it; `about`: what a manifest says of who exports, made of
    an account."""

    async def serve(request: ExportSpan, outlet: Outlet) -> None:
        order, target = order_of(request)
        watch = _Watch(outlet.put)

        def write() -> Exported:
            # A reader of its own: the thread may outlive whoever listens by a moment.
            with catalogue() as reader:
                return export(reader, order, target, signer, about(request.by), watch)

        work = asyncio.ensure_future(asyncio.to_thread(write))
        try:
            made = await asyncio.shield(work)
        except asyncio.CancelledError:
            watch.stopped.set()
            await asyncio.wait([work])  # until nothing is left
            work.exception()
            raise
        _publish(made, request, publish)
        await outlet.send(_done(made))

    server.on_stream(ExportSpan, serve)


def _publish(made: Exported, request: ExportSpan, publish: Callable[[Event], object]) -> None:
    for path, file in zip(made.files, made.manifest.files, strict=True):
        publish(
            ExportFinished(
                Token(file.recording),
                request.start,
                request.end,
                str(path),
                file.size,
                file.sha256,
                request.by,
            )
        )


def _done(made: Exported) -> ExportDone:
    said = made.manifest
    return ExportDone(
        str(made.path),
        tuple(str(path) for path in made.files),
        sum(file.size for file in said.files),
        sum(file.frames for file in said.files),
        sum(len(each.gaps) for each in said.recordings),
        made.fingerprint,
    )


def export_work(streaming: Client, span: ExportSpan) -> Work:
    """The work of a job that exports: the streaming plane does it. Raises BadValue: what is wrong is said now, not by
    a job that failed."""
    order_of(span)

    async def work(progress: Progress) -> str:
        phase = ""
        async with streaming.stream(span) as steps:
            async for step in steps:
                if isinstance(step, ExportDone):
                    return json.dumps(asdict(step))
                if step.phase != phase:
                    phase = step.phase
                    progress.phase(phase, total=step.total, unit="bytes")
                progress.step(step.done)
        raise ExportStopped("The streaming plane ended the export without a word.")

    return work


def serve_export_jobs(server: Server, jobs: Jobs, streaming: Client) -> None:
    """Let `server` begin exports as jobs, one at a time; the streaming plane does them."""

    async def start(request: ExportStart) -> JobStarted:
        work = export_work(streaming, ExportSpan(**asdict(request)))
        arguments = json.dumps(asdict(request))
        return JobStarted(jobs.run("export", work, by=request.by, resource="export", arguments=arguments).id)

    server.on(ExportStart, start)
