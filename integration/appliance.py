"""The recorder as a whole: three planes under one supervisor, from the first line to the last."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

from device.folder import DataFolder
from device.identity import Identity
from device.planes.backoff import OTHERS, RECORDING
from device.planes.errors import PlaneDown
from device.planes.link import Client
from device.planes.messages import AskRecording, RecordingStatus
from device.planes.supervisor import Ended, Plane, Supervisor
from integration.config import Config

SILENCE = 20.0  #: seconds without a sign of life after which a plane is restarted
GRACE = 10.0  #: seconds that a plane may take to end in good order
FIRST_FRAMES = 20.0  #: seconds that the demo waits for every camera's first frame on the disk
_LOOK = 0.05  #: seconds between looks for them


@dataclass(frozen=True, slots=True)
class Camera:
    """One recorded camera, for those who watch."""

    id: str
    name: str
    live: str  #: URL
    replay: str  #: URL; begins at the oldest frame


@dataclass(frozen=True, slots=True)
class Ready:
    """What answers now. The ready line of `docs/design/contracts.md`."""

    serial: str
    endpoints: dict[str, str]
    cameras: tuple[Camera, ...]
    processes: dict[str, int]
    snmp_v3: dict[str, str] | None = None  #: user and passwords, where they are no secret: in the demo

    def line(self) -> str:
        """One line of JSON."""
        more = {} if self.snmp_v3 is None else {"snmp_v3": self.snmp_v3}
        cameras = [{"id": c.id, "name": c.name, "live": c.live, "replay": c.replay} for c in self.cameras]
        return json.dumps(
            {
                "ready": True,
                "serial": self.serial,
                "endpoints": self.endpoints,
                "cameras": cameras,
                "processes": self.processes,
                **more,
            }
        )


def _planes(config: Config) -> list[Plane]:
    data = str(config.data.absolute())
    listen = config.listen.model_dump_json()

    def argv(module: str, *more: str) -> list[str]:
        return [sys.executable, "-P", "-m", f"integration.{module}", data, *more]

    return [
        Plane("recording", argv("recording"), RECORDING, SILENCE, GRACE),
        Plane("control", argv("control", listen), OTHERS, SILENCE, GRACE),
        Plane("streaming", argv("streaming", listen), OTHERS, SILENCE, GRACE),
    ]


async def serve(
    config: Config,
    identity: Identity,
    lock: int,
    names: dict[str, str],
    *,
    await_frames: bool,
    seconds: float | None,
    ready: Callable[[Ready], None],
) -> None:
    """Run until SIGINT or SIGTERM, or for so many seconds. `lock`: descriptor of the data folder's lock; `names`: of
    the cameras, by key; `ready` is called once, when everything answers."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Supervisor(_planes(config), inherit=(lock,), on_end=_tell) as supervisor:
        starting = asyncio.create_task(_started(config, identity, names, supervisor, await_frames))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                ready(starting.result())
                _notify("READY=1")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), seconds)
            _notify("STOPPING=1")
        finally:
            for task in (starting, stopping):
                task.cancel()
            await asyncio.gather(starting, stopping, return_exceptions=True)


def _tell(ended: Ended) -> None:
    wait = f" in {ended.wait:.1f} s" if ended.wait else ""
    sys.stderr.write(f"The {ended.plane} plane ended ({ended.reason}); it is started again{wait}.\n")


async def _started(
    config: Config, identity: Identity, names: dict[str, str], supervisor: Supervisor, await_frames: bool
) -> Ready:
    told = await supervisor.ready()
    details = told["streaming"]
    if await_frames:
        await _frames(DataFolder(config.data), names)
    host = _reachable(details["address"])
    endpoints = {scheme: f"{scheme}://{host}:{details[scheme]}" for scheme in ("rtsp", "rtsps")}
    if port := told["control"].get("snmp"):
        endpoints["snmp"] = f"udp://{host}:{port}"
    endpoints |= {
        scheme: f"{scheme}://{host}:{port}"
        for scheme in ("https", "http")
        if (port := told["control"].get(scheme))
    }
    cameras = tuple(
        Camera(key, name, f"{endpoints['rtsp']}/live/{key}", f"{endpoints['rtsp']}/replay/{key}")
        for key, name in names.items()
    )
    return Ready(identity.serial, endpoints, cameras, {"supervisor": os.getpid(), **supervisor.pids()})


async def _frames(folder: DataFolder, names: dict[str, str]) -> None:
    """Wait until every camera has frames on the disk, but not for ever: one may be out of order."""
    with contextlib.suppress(TimeoutError, PlaneDown):
        async with (
            asyncio.timeout(FIRST_FRAMES),
            Client(folder.socket("recording"), within=FIRST_FRAMES) as client,
        ):
            while not _all_acknowledged(await client.call(AskRecording()), names):  # noqa: ASYNC110 - another process
                await asyncio.sleep(_LOOK)


def _all_acknowledged(status: RecordingStatus, names: dict[str, str]) -> bool:
    have = {stream.camera for stream in status.streams if stream.well and stream.acknowledged > stream.since}
    return have >= names.keys()


def _reachable(address: str) -> str:
    """The address to put into a URL for somebody on this machine."""
    if address in ("0.0.0.0", "::"):  # noqa: S104 - a comparison
        return "127.0.0.1"
    return f"[{address}]" if ":" in address else address


def _notify(state: str) -> None:
    """Tell systemd, where it asked to be told (sd_notify(3))."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), address)
