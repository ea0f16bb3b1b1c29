"""A virtual camera's ONVIF: services, pictures, events and discovery, at a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import sys
from collections.abc import Collection, Coroutine
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from device.accounts.lockout import Lockout
from device.clock import Clock
from device.errors import NotFound
from integration.onvif_readings import where
from integration.virtual_camera.camera import Camera
from integration.virtual_camera.onvif.alarms import TOPICS, NoHistory, Watch
from integration.virtual_camera.onvif.device import CameraClock, People, VirtualDevice
from integration.virtual_camera.onvif.kept import KeptClock, KeptNetwork
from integration.virtual_camera.onvif.place import PATH, url_of
from integration.virtual_camera.onvif.quirks import TIGHT_SKEW, HungUp, Quirky
from protocols.onvif.announcer import Announcer, Ip
from protocols.onvif.credentials import Door
from protocols.onvif.discovery import Discovery, Target
from protocols.onvif.endpoint import Bell, Endpoint
from protocols.onvif.operations import Service, Table
from protocols.onvif.pullpoints import PullPoints
from protocols.onvif.services.device import Device
from protocols.onvif.services.deviceio import DeviceIo
from protocols.onvif.services.event import Events
from protocols.onvif.services.media import Media, Stream
from protocols.onvif.services.ptz import Ptz
from protocols.onvif.snapshots import PREFIX as PICTURES
from protocols.onvif.snapshots import Snapshots, path_of
from protocols.onvif.topics import Topics

SKEW = 300.0  #: seconds that a token may be off
LOOK = 0.2  #: seconds between two looks at what the camera sees
DOWN = 1.0  #: seconds that a restart takes
LEAVE = 0.2  #: seconds until it begins: the reply leaves first


class Face:
    """`async with Face(camera, reserve("127.0.0.1"), SystemClock(), (), announce=False): ...`"""

    def __init__(
        self, camera: Camera, sock: socket.socket, clock: Clock, quirks: Collection[str], *, announce: bool
    ) -> None:
        """`sock`: of `place.reserve`; it is closed with the face. `quirks`: of `quirks.QUIRKS`; raises NotFound.
        `announce`: let WS-Discovery find it."""
        self.camera = camera
        self.url = url_of(sock)
        self._socket = sock
        self._clock = CameraClock(clock, camera)
        self._announce = announce
        self._quirks = frozenset(quirks)
        self._device = VirtualDevice(camera, self._restart)
        self._works: set[asyncio.Task[None]] = set()
        self._restarts: list[asyncio.Task[None]] = []
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        self._boot()

    @property
    def id(self) -> str:
        """UUID, as discovery tells it."""
        return str(self._device.id)

    @property
    def subscriptions(self) -> int:
        """Pull points that there are."""
        return len(self._points)

    async def restarted(self) -> None:
        """Wait until it is back, if it was told to restart."""
        await asyncio.gather(*self._restarts)

    def _boot(self) -> None:
        """As it is after its start: nobody has subscribed."""
        self._points = PullPoints(Topics(TOPICS, catalogue=False), NoHistory(), Bell)
        self._watch = Watch(self.camera, self._points)
        self._watch.look(self._clock.utc())
        skew = TIGHT_SKEW if "tight-clock" in self._quirks else SKEW
        door = Door(People(self.camera), secrets.token_bytes(32), skew, Lockout(), lambda *_: None)
        services: list[Service] = []
        streams = self._device.streams
        services += [
            Device(
                self._device.about,
                self._device,
                KeptNetwork(self.camera, self._device.mac),
                KeptClock(self._clock),
                None,
                services,
            ).service(),
            Media(streams, lambda: self.camera.address[1], lambda: False, _picture_path).service(),
            Events(self._points, self._clock).service(),
            DeviceIo(streams).service(),
        ]
        if self.camera.spec.ptz:
            services.append(Ptz(streams, lambda _: self.camera.head).service())
        self._snapshots = Snapshots(door, self._picture, self._clock)
        responder = Quirky(Table(services), door, _complain, self._quirks)
        self._endpoint = Endpoint(responder, self._clock)

    async def __aenter__(self) -> Face:
        """Raises OSError."""
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()
        self._begin(self._look())
        if self._announce:
            self._begin(self._be_found())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for work in self._works:
            work.cancel()
        await asyncio.gather(*self._works, return_exceptions=True)
        await self._runner.cleanup()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        return task

    async def _look(self) -> None:
        while True:
            self._watch.look(self._clock.utc())
            await asyncio.sleep(LOOK)

    async def _be_found(self) -> None:
        """Tell others that it is there. A network that takes no multicast is passed over."""
        host = self.camera.address[0]
        target = Target(self.id, self._device.fixed_scopes(), 1)
        discovery = Discovery(target, self._clock.utc() // 1_000_000)
        with contextlib.suppress(OSError):
            places = await asyncio.to_thread(where, host)
            async with Announcer(discovery, places, self._urls, alone=False):
                await asyncio.Event().wait()

    def _urls(self, ip: Ip) -> list[str]:
        port = urlsplit(self.url).port
        return [f"http://[{ip}]:{port}{PATH}" if ip.version == 6 else f"http://{ip}:{port}{PATH}"]

    def _restart(self) -> None:
        self._restarts.append(self._begin(self._go_off()))

    async def _go_off(self) -> None:
        await asyncio.sleep(LEAVE)
        await self.camera.power(False)
        self._points.close()
        await asyncio.sleep(DOWN)
        self._boot()
        await self.camera.power(True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if not self.camera.answers:
            return _cut(request)
        if request.path.startswith(PICTURES):
            wrong = request.query  # of the quirk `snapshot-query`
            return self._snapshots.challenge() if wrong else await self._snapshots.handle(request)
        try:
            answer = await self._endpoint.handle(request)
        except HungUp:
            return _cut(request)
        if not self.camera.answers:  # it went off while somebody waited
            return _cut(request)
        if "closes" in self._quirks and request.transport is not None:
            asyncio.get_running_loop().call_soon(request.transport.close)  # once the answer is written
        return answer

    async def _picture(self, profile: str) -> bytes:
        stream = self.camera.streams.get("/" + profile)
        if stream is None:
            raise NotFound("profile", profile)
        return await stream.picture()


def _picture_path(stream: Stream) -> str:
    return path_of(stream.token)


def _cut(request: web.Request) -> web.StreamResponse:
    """As if the cable had been pulled."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


def _complain(operation: str, error: Exception) -> None:
    sys.stderr.write(f"virtual camera, ONVIF {operation}: {error!r}\n")
