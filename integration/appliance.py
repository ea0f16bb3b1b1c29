"""The recorder as a whole: three planes under one supervisor, from the first line to the last.

A process that only supervises should cost next to nothing, so `holdfast run` becomes this module (`become`) once it has
prepared everything, and what is imported here is the least that will do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from device.planes.backoff import OTHERS, RECORDING
from device.planes.supervisor import Ended, Plane, Supervisor
from device.waiting import woken

if TYPE_CHECKING:
    from device.planes.messages import RecordingStatus

SILENCE = 20.0  #: seconds without a sign of life after which a plane is restarted
GRACE = 10.0  #: seconds that a plane may take to end in good order
FIRST_FRAMES = 20.0  #: seconds that the demo waits for every camera's first frame on the disk
_LOOK = 0.05  #: seconds between looks for them


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run, prepared and checked."""

    data: str  #: absolute path of the data folder
    lock: int  #: descriptor of its lock
    listen: str  #: JSON of `integration.config.Listen`
    serial: str
    names: dict[str, str]  #: of the cameras, by key
    seconds: float | None  #: how long; None: until it is told to stop
    ready_json: bool  #: to whom it says that it is ready: to a program


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


def become(plan: Plan) -> NoReturn:
    """Go on as a process of this module alone, with the same number."""
    os.set_inheritable(plan.lock, True)
    words = [sys.executable, "-P", "-m", "integration.appliance", json.dumps(asdict(plan))]
    os.execv(sys.executable, words)  # noqa: S606 - ourselves


def _planes(plan: Plan) -> list[Plane]:
    listen = plan.listen

    def argv(name: str, *more: str) -> list[str]:
        return [sys.executable, "-P", "-m", "integration.start", name, plan.data, *more]

    return [
        Plane("recording", argv("recording"), RECORDING, SILENCE, GRACE),
        Plane("control", argv("control", listen), OTHERS, SILENCE, GRACE),
        Plane("streaming", argv("streaming", listen), OTHERS, SILENCE, GRACE),
    ]


async def serve(plan: Plan, ready: Callable[[Ready], None], *, await_frames: bool) -> None:
    """Run until SIGINT or SIGTERM, or for so many seconds. `ready` is called once, when everything answers."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Supervisor(_planes(plan), inherit=(plan.lock,), on_end=_tell) as supervisor:
        starting = asyncio.create_task(_started(plan, supervisor, await_frames))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                ready(starting.result())
                _notify("READY=1")
                await woken(stop, plan.seconds)
            _notify("STOPPING=1")
        finally:
            for task in (starting, stopping):
                task.cancel()
            await asyncio.gather(starting, stopping, return_exceptions=True)


def _tell(ended: Ended) -> None:
    wait = f" in {ended.wait:.1f} s" if ended.wait else ""
    sys.stderr.write(f"The {ended.plane} plane ended ({ended.reason}); it is started again{wait}.\n")


async def _started(plan: Plan, supervisor: Supervisor, await_frames: bool) -> Ready:
    told = await supervisor.ready()
    details = told["streaming"]
    if await_frames:
        await _frames(plan)
    host = _reachable(details["address"])
    endpoints = {scheme: f"{scheme}://{host}:{details[scheme]}" for scheme in ("rtsp", "rtsps")}
    if port := told["control"].get("snmp"):
        endpoints["snmp"] = f"udp://{host}:{port}"
    endpoints |= {
        scheme: f"{scheme}://{host}:{port}"
        for scheme in ("https", "http")
        if (port := told["control"].get(scheme))
    }
    if "http" in endpoints and (path := told["control"].get("onvif")):
        endpoints["onvif"] = endpoints["http"] + path
    cameras = tuple(
        Camera(key, name, f"{endpoints['rtsp']}/live/{key}", f"{endpoints['rtsp']}/replay/{key}")
        for key, name in plan.names.items()
    )
    return Ready(plan.serial, endpoints, cameras, {"supervisor": os.getpid(), **supervisor.pids()})


async def _frames(plan: Plan) -> None:
    """Wait until every camera has frames on the disk, but not for ever: one may be out of order."""
    # Only the demo waits, in a process that has them anyway.
    from device.folder import DataFolder
    from device.planes.errors import PlaneDown
    from device.planes.link import Client
    from device.planes.messages import AskRecording

    recording = DataFolder(Path(plan.data)).socket("recording")
    with contextlib.suppress(TimeoutError, PlaneDown):
        async with (
            asyncio.timeout(FIRST_FRAMES),
            Client(recording, within=FIRST_FRAMES) as client,
        ):
            while not _all_acknowledged(await client.call(AskRecording()), plan.names):  # noqa: ASYNC110 - another process
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


def _announce(ready: Ready) -> None:
    """To a person, in plain lines: they may go to a journal."""
    cameras = [f"  {camera.name}: {camera.live}\n" for camera in ready.cameras]
    sys.stdout.write(f"Holdfast {ready.serial} is recording.\n{''.join(cameras)}")
    sys.stdout.flush()


def _announce_json(ready: Ready) -> None:
    sys.stdout.write(ready.line() + "\n")
    sys.stdout.flush()


def main(plan: str) -> None:
    """The process. `plan`: JSON of a `Plan`."""
    known = Plan(**json.loads(plan))
    asyncio.run(serve(known, _announce_json if known.ready_json else _announce, await_frames=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
