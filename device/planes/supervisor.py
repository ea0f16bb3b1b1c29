"""Starts the planes as independent processes and keeps each of them running. Imports little: it stays small.

Any plane may die, hang or be killed, and the others do not notice but by their conversations. See `leash`
for the line between a plane and its supervisor.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from device.planes.backoff import Backoff, Patience
from device.planes.leash import LINE, MAX_SAID

LOOK = 0.5  #: seconds between looks at whether a plane hangs
HELD_UP = 1.0  #: seconds by which a timer of ours is late when it was not the machine's load


@dataclass(frozen=True, slots=True)
class Plane:
    """One process to keep."""

    name: str
    argv: Sequence[str]  #: the program as a path, and its arguments
    patience: Patience  #: how its restarts are spaced
    silence: float  #: seconds without a sign of life after which it counts as hung
    grace: float  #: seconds from SIGTERM to SIGKILL
    startup: float = (
        90.0  #: seconds until it must have said that it is ready: a cold disk and a busy machine take long
    )
    environment: Mapping[str, str] = field(default_factory=dict)  #: added to ours


@dataclass(frozen=True, slots=True)
class Ended:
    """A plane ended that should not have, and is started again."""

    plane: str
    reason: str  #: "signal 9", "exit 1", "silent"
    restarts: int  #: of this plane since the supervisor began
    wait: float  #: seconds until it is started


class Supervisor:
    """Keeps planes running for as long as the context lasts; stops them in the reverse of their order.

    async with Supervisor([recording, streaming, control], inherit=(lock.fd,), on_end=report) as supervisor:
        details = await supervisor.ready()          # {"recording": {...}, ...}
        await stop_asked.wait()
    """

    def __init__(
        self, planes: Sequence[Plane], *, inherit: Sequence[int], on_end: Callable[[Ended], None]
    ) -> None:
        """`inherit`: file descriptors that every plane keeps open, such as the data folder's lock, so that
        it stays taken until the last of them is gone. `on_end` is called in the loop for each unexpected
        end."""
        self._kept = [_Kept(plane, tuple(inherit), on_end) for plane in planes]

    async def __aenter__(self) -> Supervisor:
        for kept in self._kept:
            kept.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for kept in reversed(self._kept):
            await kept.stop()

    async def ready(self) -> dict[str, dict[str, str]]:
        """Wait until every plane has said that it is ready; what each of them said with it."""
        for kept in self._kept:
            await kept.is_ready.wait()
        return {kept.plane.name: kept.details for kept in self._kept}

    def pids(self) -> dict[str, int]:
        """The process of each plane that runs now."""
        return {kept.plane.name: kept.process.pid for kept in self._kept if kept.process is not None}

    async def restart(self, name: str) -> None:
        """End one plane in good order and start it again, for an upgrade; returns when its successor is
        ready."""
        kept = next(kept for kept in self._kept if kept.plane.name == name)
        await kept.replace()


class _Kept:
    """One plane, its process of the moment, and the task that follows it."""

    def __init__(self, plane: Plane, inherit: tuple[int, ...], on_end: Callable[[Ended], None]) -> None:
        self.plane = plane
        self.process: asyncio.subprocess.Process | None = None
        self.is_ready = asyncio.Event()
        self.details: dict[str, str] = {}
        self._inherit = inherit
        self._on_end = on_end
        self._task: asyncio.Task[None] | None = None
        self._restarts = 0
        self._stopping = False
        self._replacing = False
        self._hung = False
        self._heard = 0.0  # monotonic seconds of the last sign of life
        self._was_ready = 0.0  # monotonic seconds, 0 before it is

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep(), name=f"keep {self.plane.name}")

    async def stop(self) -> None:
        self._stopping = True
        await self._end()
        if self._task is not None:
            if self.process is None:
                self._task.cancel()  # it waits for its next attempt
            await asyncio.gather(self._task, return_exceptions=True)

    async def replace(self) -> None:
        self._replacing = True
        self.is_ready.clear()
        await self._end()
        await self.is_ready.wait()

    async def _end(self) -> None:
        """SIGTERM, and SIGKILL to what does not heed it."""
        process = self.process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(self.plane.grace):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    async def _keep(self) -> None:
        backoff = Backoff(self.plane.patience, random.random)
        reason = ""
        while not self._stopping:
            try:
                reason = await self._run(reason)
            except OSError as error:  # no memory or no process to be had, or the program is not there
                reason = f"not started: {error.strerror}"
            if self._stopping:
                return
            self._restarts += 1
            if self._replacing:
                self._replacing = False
                continue
            lived = time.monotonic() - self._was_ready if self._was_ready else 0.0
            wait = backoff.ended(lived)
            self._on_end(Ended(self.plane.name, reason, self._restarts, wait))
            await asyncio.sleep(wait)

    async def _run(self, reason: str) -> str:
        """One process from its start to its end. Returns how it ended."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._was_ready = 0.0
        self._hung = False
        self.is_ready.clear()
        try:
            told = {
                "fd": theirs.fileno(),
                "grace": self.plane.grace,
                "restarts": self._restarts,
                "reason": reason,
            }
            self.process = await asyncio.create_subprocess_exec(
                *self.plane.argv,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), *self._inherit),
                env={**os.environ, **self.plane.environment, LINE: json.dumps(told)},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._heard = time.monotonic()
        listening = asyncio.create_task(self._listen(ours))
        watching = asyncio.create_task(self._watch(self.process))
        try:
            if self._stopping:  # it was asked while the process was being made
                await self._end()
            code = await self.process.wait()
        finally:
            listening.cancel()
            watching.cancel()
            await asyncio.gather(listening, watching, return_exceptions=True)
            ours.close()
            self.process = None
        return "silent" if self._hung else f"signal {-code}" if code < 0 else f"exit {code}"

    async def _listen(self, line: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while said := await loop.sock_recv(line, MAX_SAID):
            self._heard = time.monotonic()
            if isinstance(ready := json.loads(said).get("ready"), dict):
                self._was_ready = self._heard
                self.details = ready
                self.is_ready.set()

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Return when the plane hangs, having killed it: first so that it says where, then for good."""
        left = LOOK
        while left > 0:
            before = time.monotonic()
            await asyncio.sleep(min(left, LOOK))
            now = time.monotonic()
            if now - before > LOOK + HELD_UP:  # we were stopped, and so perhaps was the plane
                self._heard = now
            left = self._heard + (self.plane.silence if self._was_ready else self.plane.startup) - now
        self._hung = True
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGABRT)
            await asyncio.sleep(0.5)
            process.kill()
