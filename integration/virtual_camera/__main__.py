"""`python -m integration.virtual_camera`: cameras to look at, load for benches, and the list of faults."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

from device.clock import SystemClock
from device.errors import HoldfastError
from device.media import Codec, Utc
from device.waiting import woken
from integration.virtual_box.host import virtual_box
from integration.virtual_camera import clip, programme
from integration.virtual_camera.camera import Login, Spec, demo
from integration.virtual_camera.encode import Format
from integration.virtual_camera.farm import VirtualCameras
from integration.virtual_camera.faults import KINDS
from integration.virtual_camera.load import LoadCameras, write_report
from integration.virtual_camera.onvif.place import reserve, url_of
from integration.virtual_camera.scenes import SCENES

REPORT_SECONDS = 1.0
FOREVER = 7 * 86400.0  #: seconds that a named programme is made for, unless --seconds says


def main() -> int:
    """Run the command line; 0, or 2 for what cannot be done."""
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m integration.virtual_camera", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="cameras with scenes, until SIGTERM or the parent's end")
    load = commands.add_parser("load", help="cameras that replay a clip at a high rate")
    commands.add_parser("faults", help="list what can go wrong")
    for one in (serve, load):
        one.add_argument("--cameras", type=int, default=4)
        one.add_argument("--listen", default="127.0.0.1", metavar="ADDR")
        one.add_argument("--port", type=int, default=0, help="the first one; 0: any")
        one.add_argument("--ready-json", action="store_true", help="print one line of JSON when all answer")
    serve.add_argument("--user", default="")
    serve.add_argument("--password", default="")
    serve.add_argument("--fps", type=int, help="frames a second of the main streams")
    serve.add_argument("--size", metavar="WxH", help="of the main streams")
    serve.add_argument("--gop", type=float, default=1.0, help="seconds from key frame to key frame")
    serve.add_argument("--mjpeg", action="store_true", help="the last camera sends MJPEG")
    serve.add_argument("--epoch", type=int, help="time of frame 0, microseconds UTC")
    serve.add_argument(
        "--faults", metavar="PROGRAMME", help="soak[:SEED[:FAULT,...]], each, flaky[:SEED] or a file of steps"
    )
    serve.add_argument("--faulty", type=int, metavar="CAMERA", help="whom a named programme is for; the last")
    serve.add_argument("--seconds", type=float, default=FOREVER, help="length of a named programme")
    serve.add_argument("--journal", type=Path, help="append to it what was done, as JSON lines")
    serve.add_argument("--control", type=Path, metavar="SOCKET", help="listen for faults at a Unix socket")
    serve.add_argument(
        "--box", type=Path, metavar="SOCKET", help="serve the demo's hardware at a Unix socket"
    )
    serve.add_argument("--onvif", action="store_true", help="each camera is an ONVIF device, too")
    serve.add_argument("--announce", action="store_true", help="let WS-Discovery find them")
    serve.add_argument(
        "--quirk", action="append", default=[], metavar="NAME", help="of a real camera; all have it"
    )
    serve.add_argument("--ptz", action="store_true", help="all of them can be moved")
    serve.add_argument("--hold-control", action="store_true", help="hold the control button of that hardware")
    load.add_argument("--mbit", type=float, default=16.0, help="of each camera")
    load.add_argument("--sub", action="store_true", help="pictures of a sub stream: 640x360")
    load.add_argument("--clips", type=Path, required=True, metavar="FOLDER", help="where clips are kept")
    load.add_argument("--report", type=Path, metavar="FILE", help="write what was sent into it, every second")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "serve":
                asyncio.run(_serve(arguments, parent))
            case "load":
                asyncio.run(_load(arguments, parent))
            case _:
                _list_faults()
    except (HoldfastError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


async def _serve(given: argparse.Namespace, parent: int) -> None:
    specs = [_adapted(spec, given) for spec in demo(given.cameras)]
    if given.mjpeg:
        specs[-1] = replace(specs[-1], main=replace(specs[-1].main, codec=Codec.MJPEG))
    login, clock = Login(given.user, given.password), SystemClock()
    epoch = Utc(given.epoch) if given.epoch is not None else None
    steps = (
        programme.read(given.faults, given.faulty or len(specs), given.seconds)
        if given.faults is not None
        else ()
    )
    async with (
        VirtualCameras(specs, given.listen, given.port, login, clock, epoch, given.journal) as farm,
        AsyncExitStack() as more,
    ):
        for step in steps:
            farm.camera(step.camera)
        if given.control is not None:
            await farm.control(given.control)
        if given.box is not None:
            await more.enter_async_context(virtual_box(given.box, farm.cameras, clock, given.hold_control))
        sockets = [reserve(given.listen) for _ in farm.cameras] if given.onvif else []
        if given.ready_json:
            cameras = [
                {
                    "number": camera.number,
                    "onvif": url_of(sockets[index]) if sockets else None,
                    "name": camera.spec.name,
                    "url": camera.url,
                    "sub": camera.sub_url,
                    "codec": camera.spec.main.codec.name,
                    "width": camera.spec.main.width,
                    "height": camera.spec.main.height,
                    "fps": camera.spec.main.fps,
                    "sound": camera.spec.sound.name if camera.spec.sound else None,
                    "ptz": camera.spec.ptz,
                }
                for index, camera in enumerate(farm.cameras)
            ]
            _say({"ready": True, "epoch": farm.epoch, "cameras": cameras})
        if sockets:
            # Behind the ready line: whoever waits for pictures does not wait for the import of all this.
            onvif = await asyncio.to_thread(importlib.import_module, "integration.virtual_camera.onvif.face")
            for camera, sock in zip(farm.cameras, sockets, strict=True):
                face = onvif.Face(camera, sock, clock, given.quirk, announce=given.announce)
                await more.enter_async_context(face)
        ailing = asyncio.create_task(farm.follow(steps))
        await _told_to_stop(parent)
        ailing.cancel()
        with suppress(asyncio.CancelledError):
            await ailing


def _adapted(spec: Spec, given: argparse.Namespace) -> Spec:
    main = spec.main
    if given.size is not None:
        width, _, height = given.size.partition("x")
        scale = int(width) * int(height) / (main.width * main.height)
        main = Format(main.codec, int(width), int(height), main.fps, int(main.bitrate * scale))
    if given.fps is not None:
        main = replace(main, fps=given.fps)
    return replace(spec, main=main, gop_seconds=given.gop, ptz=spec.ptz or given.ptz)


async def _load(given: argparse.Namespace, parent: int) -> None:
    chosen = clip.load(given.clips, given.mbit, clip.SUB if given.sub else clip.MAIN)
    async with LoadCameras(chosen, given.cameras, given.listen, given.port, SystemClock()) as load:
        if given.ready_json:
            cameras = [{"number": number, "url": url} for number, url in enumerate(load.urls, 1)]
            _say({"ready": True, "mbit": round(chosen.mbit, 3), "cameras": cameras})

        async def report() -> None:
            while given.report is not None:
                write_report(given.report, load)
                await asyncio.sleep(REPORT_SECONDS)

        reporting = asyncio.create_task(report())
        await _told_to_stop(parent)
        reporting.cancel()
        if given.report is not None:
            write_report(given.report, load)


async def _told_to_stop(parent: int) -> None:
    """Wait for SIGINT, SIGTERM, or the end of the process that started this one."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    while os.getppid() == parent and not await woken(stop, 1.0):
        continue


def _list_faults() -> None:
    for name, kind in KINDS.items():
        parameters = "".join(f" {key}={limit.default}" for key, limit in kind.parameters.items())
        sys.stdout.write(f"{name + parameters:52} {kind.lasts:3g} s  {kind.meaning}\n")
    sys.stdout.write(f"scenes: {', '.join(SCENES)}\n")


def _say(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
