"""Several virtual cameras in one process, what is done to them, and a socket to do it from outside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from device.clock import Clock
from device.errors import HoldfastError, NotFound
from device.media import MICROSECONDS, Utc
from integration.virtual_camera.camera import Camera, Login, Spec
from integration.virtual_camera.faults import Fault, fault
from integration.virtual_camera.journal import Journal
from integration.virtual_camera.programme import Step

LINE_LIMIT = 64 * 1024  #: octets of a request to the control socket


class VirtualCameras:
    """`async with VirtualCameras(demo(4), "127.0.0.1", 0, Login("u", "p"), SystemClock()) as farm:
    farm.cameras[0].url`

    Each camera listens at a port of its own: the next one after `port`, or any free one for 0. Frame n of a
    stream has the time `epoch` + n / fps; the epoch is this start's full second unless one is given.
    """

    def __init__(
        self,
        specs: Sequence[Spec],
        host: str,
        port: int,
        login: Login,
        clock: Clock,
        epoch: Utc | None = None,
        journal: Path | None = None,
    ) -> None:
        self._host, self._port = host, port
        self.epoch = epoch if epoch is not None else Utc(clock.utc() // MICROSECONDS * MICROSECONDS)
        self.journal = Journal(clock, journal)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="camera")
        self.cameras = tuple(
            Camera(number, spec, login, clock, self.epoch, self._pool, self.journal)
            for number, spec in enumerate(specs, 1)
        )
        self._ailing: set[asyncio.Task[None]] = set()
        self._control: asyncio.Server | None = None

    async def __aenter__(self) -> VirtualCameras:
        for index, camera in enumerate(self.cameras):
            await camera.start(self._host, self._port + index if self._port else 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._control is not None:
            self._control.close()
        for task in self._ailing:
            task.cancel()
        await asyncio.gather(*self._ailing, return_exceptions=True)
        for camera in self.cameras:
            await camera.stop()
        self._pool.shutdown()
        self.journal.close()

    def camera(self, number: int) -> Camera:
        """By its number, from 1. Raises NotFound."""
        if not 1 <= number <= len(self.cameras):
            raise NotFound("camera", str(number))
        return self.cameras[number - 1]

    def inflict(self, number: int, what: Fault) -> asyncio.Task[None]:
        """Let a fault of a camera begin now; the task ends with it, or with BadValue if another is in its
        way.
        """
        task = asyncio.get_running_loop().create_task(self.camera(number).inflict(what), name=what.name)
        self._ailing.add(task)
        task.add_done_callback(self._ailing.discard)
        return task

    async def follow(self, programme: Sequence[Step]) -> None:
        """Do all that a programme says; returns when the last fault is over."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        tasks = []
        for step in sorted(programme, key=lambda step: step.at):
            await asyncio.sleep(begun + step.at - loop.time())
            tasks.append(self.inflict(step.camera, step.fault))
        await asyncio.gather(*tasks)

    # The control socket: one JSON object a line, one answer a line

    async def control(self, path: Path) -> None:
        """Listen at a Unix socket, which must not exist yet. Requests:

        {"do": "fault", "camera": 1, "fault": "freeze", "seconds": 3, ...parameters}   answers when it has
        begun
        {"do": "journal", "from": 0}      entries from an index on
        {"do": "moving", "camera": 1, "utc": microseconds}
        Answers have "ok", and "error" where it is false.
        """
        self._control = await asyncio.start_unix_server(self._converse, path, limit=LINE_LIMIT)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                writer.write(json.dumps(await self._obey(line)).encode() + b"\n")
                await writer.drain()
        writer.close()

    async def _obey(self, line: bytes) -> dict[str, object]:
        try:
            given = json.loads(line)
            match given.pop("do"):
                case "fault":
                    number, name = int(given.pop("camera")), str(given.pop("fault"))
                    task = self.inflict(number, fault(name, given.pop("seconds", None), **given))
                    await asyncio.sleep(0)
                    if task.done():
                        task.result()
                    return {"ok": True}
                case "journal":
                    return {"ok": True, "entries": self.journal.entries[int(given["from"]) :]}
                case "moving":
                    camera = self.camera(int(given["camera"]))
                    return {"ok": True, "moving": camera.moving(Utc(int(given["utc"])))}
                case other:
                    return {"ok": False, "error": f"cannot do {other!r}"}
        except HoldfastError as error:
            return {"ok": False, "error": str(error)}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return {"ok": False, "error": f"not a request: {error!r}"}
