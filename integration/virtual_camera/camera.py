"""A virtual camera: its streams, served over RTSP at an address of its own, well or ill."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np

from device.clock import Clock
from device.digest import secret_of
from device.errors import NotFound
from device.media import Codec, Utc
from integration.virtual_camera import faults
from integration.virtual_camera.encode import Format
from integration.virtual_camera.faults import Condition, Fault
from integration.virtual_camera.head import Motor
from integration.virtual_camera.journal import Journal
from integration.virtual_camera.scene import Scene
from integration.virtual_camera.scenes import SCENES
from integration.virtual_camera.stream import Setup, Stream
from protocols.rtsp.endpoint import Endpoint, Listen
from protocols.rtsp.library import Live
from protocols.rtsp.sender import FRAMING, Packets

REALM = "Virtual camera"


@dataclass(frozen=True, slots=True)
class Spec:
    """What a camera is."""

    name: str
    scene: str  #: of `SCENES`
    main: Format
    sub: Format | None = None
    sound: Codec | None = None  #: AAC, PCMU or PCMA; on the main stream
    gop_seconds: float = 1.0
    seed: int = 1
    ptz: bool = False  #: it tells that it can be moved
    metadata: bool = False  #: the main stream tells what moves


@dataclass(frozen=True, slots=True)
class Login:
    """Who may look. An empty user: everybody."""

    user: str
    password: str


def demo(count: int) -> tuple[Spec, ...]:
    """The cameras of the demo, over and over with other seeds where there are more than the four."""
    scenes = tuple(SCENES)
    sounds = {0: Codec.PCMU, 1: Codec.AAC, 3: Codec.PCMA}
    specs = []
    for number in range(count):
        kind, round_ = number % len(scenes), number // len(scenes)
        scene = scenes[kind]
        codec = Codec.H265 if scene == "yard" else Codec.H264
        rate = {"yard": 500_000, "street": 450_000}.get(scene, 350_000)
        specs.append(
            Spec(
                name=scene.capitalize() + (f" {round_ + 1}" if round_ else ""),
                scene=scene,
                main=Format(codec, 640, 360, 10, rate),
                sub=Format(Codec.H264, 320, 180, 5, 120_000),
                sound=sounds.get(kind),
                metadata=scene in ("yard", "workshop"),
                seed=number + 1,
                ptz=scene == "workshop",
            )
        )
    return tuple(specs)


class Camera:
    """One camera. `number` counts from 1 and is burnt in."""

    def __init__(
        self,
        number: int,
        spec: Spec,
        login: Login,
        clock: Clock,
        epoch: Utc,
        pool: Executor,
        journal: Journal,
    ) -> None:
        self.number, self.spec = number, spec
        self.condition = Condition()
        self.realm = REALM
        self._login, self._journal = login, journal
        self._scene = self.scene(160, 88)
        self.head = Motor(clock)
        self.streams: dict[str, Stream] = {}
        for path, form, sound, metadata in (
            ("/main", spec.main, spec.sound, spec.metadata),
            ("/sub", spec.sub, None, False),
        ):
            if form is not None:
                gop = max(1, round(spec.gop_seconds * form.fps))
                setup = Setup(number, spec.name, form, gop, sound, self.scene, epoch, self.head.at, metadata)
                self.streams[path] = Stream(
                    setup, self.condition, clock, pool, partial(self._skipped, path.strip("/"))
                )
        self._holed: dict[str, int] = {}  #: for each stream the frame that a hole was torn into
        self._clock = clock
        self._endpoint: Endpoint | None = None  #: none while it is not reachable
        self._address = ("", 0)
        self._powered = True

    def scene(self, width: int, height: int) -> Scene:
        """What it looks at, in some resolution."""
        return SCENES[self.spec.scene](width, height, self.spec.seed)

    def moving(self, at: Utc) -> bool:
        """Whether something moves before it. Known for all times, past and to come."""
        return self._scene.moving(at)

    @property
    def answers(self) -> bool:
        """Whether it is on the network."""
        return self._endpoint is not None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of RTSP."""
        return self._address

    @property
    def url(self) -> str:
        """Of the main stream, without credentials."""
        host, port = self._address
        return f"rtsp://[{host}]:{port}/main" if ":" in host else f"rtsp://{host}:{port}/main"

    @property
    def sub_url(self) -> str | None:
        """Of the sub-stream."""
        return self.url.removesuffix("main") + "sub" if "/sub" in self.streams else None

    async def start(self, host: str, port: int) -> None:
        """Open to the network; port 0 takes a free one. Raises OSError."""
        self._address = (host, port)
        await self._open()
        assert self._endpoint is not None
        self._address = (host, self._endpoint.port)

    async def stop(self) -> None:
        """Leave the network, cutting every session."""
        await self._leave()
        for stream in self.streams.values():
            stream.stop()

    @property
    def name(self) -> str:
        """How it calls itself."""
        return self.spec.name

    async def power(self, on: bool) -> None:
        """Take its power away, or give it back: then it begins anew at the address that it had."""
        if on and not self._powered:
            self._powered = True
            await self._follow(cut=False)
        elif not on:
            self._powered = False
            await self.stop()

    def _skipped(self, stream: str, first: int, count: int) -> None:
        self._journal.add(self.number, "behind", "skip", stream=stream, frame=first, count=count)

    async def _open(self) -> None:
        credentials = self if self._login.user else None
        endpoint = Endpoint(self, credentials, [Listen(*self._address)], self._clock, tamper=self)
        self._endpoint = await endpoint.__aenter__()

    async def _leave(self) -> None:
        if self._endpoint is not None:
            endpoint, self._endpoint = self._endpoint, None
            await endpoint.close()

    async def inflict(self, what: Fault) -> None:
        """Let a fault happen; returns when it is over. Raises BadValue where another one is in its way."""
        faults.begin(what, self.condition)
        self._holed.clear()
        self._enter(what, "begin", seconds=what.seconds, **what.values)
        try:
            await self._follow(cut=what.kind.cuts)
            if what.seconds:
                await asyncio.sleep(what.seconds)
        finally:
            faults.end(what, self.condition)
            if what.kind.lasts:
                self._enter(what, "end")
            # A camera whose password is set back forgets the sessions made with the other one.
            await self._follow(cut=what.name == "credentials")

    def _enter(self, what: Fault, phase: str, **details: object) -> None:
        frames = {path[1:]: stream.next_number for path, stream in self.streams.items()}
        self._journal.add(self.number, what.name, phase, frames=frames, **details)

    async def _follow(self, cut: bool) -> None:
        """Make streams and endpoint what the condition says."""
        for stream in self.streams.values():
            stream.refresh()
        if cut and self._endpoint is not None:
            for path in self.streams:
                self._endpoint.cut(path)
        if not self.condition.reachable:
            await self._leave()
        elif self._endpoint is None and self._address[1] and self._powered:
            await self._open()

    # What the endpoint asks (`Library`, `Credentials` and `Tamper` of protocols.rtsp)

    async def open(self, path: str, query: Mapping[str, str], account: str) -> Live:
        """See `Library`: /main or /sub, for everybody whom the endpoint let in."""
        del query, account
        stream = self.streams.get(path.rstrip("/"))
        if stream is None:
            raise NotFound("stream", path)
        return Live(stream, self.spec.name)

    def ha1(self, user: str, algorithm: str) -> str | None:
        """See `Credentials`."""
        password = self.password(user)
        return None if password is None else secret_of(user, self.realm, password, algorithm)

    def password(self, user: str) -> str | None:
        """In the clear; None where there is no such user."""
        return (self.condition.password or self._login.password) if user == self._login.user else None

    def status(self, method: str, path: str) -> int | None:
        """See `Tamper`: no request is answered wrongly."""

    def packets(self, path: str, packets: Packets) -> Packets | None:
        """See `Tamper`: lose packets, lose markers."""
        stream = self.streams[path.rstrip("/")]
        condition = stream.sent_under
        if packets.track or not (condition.loss or condition.doomed[1] or not condition.markers):
            return packets
        media = [n for n, start in enumerate(packets.starts) if not packets.data[start + 1] & 1]
        lost = self._lost(path, stream.sending, condition, len(media))
        if lost:
            self._journal.add(
                self.number, "loss", "hit", stream=path.strip("/"), frame=stream.sending, packets=sorted(lost)
            )
            gone = {media[n] for n in lost}
            packets = packets.only([n for n in range(len(packets.starts)) if n not in gone])
        if not condition.markers:
            data = bytearray(packets.data)
            for start in packets.starts:
                if not data[start + 1] & 1:
                    data[start + FRAMING + 1] &= 0x7F
            packets = Packets(packets.track, packets.key, bytes(data), packets.starts)
        return packets if packets.starts else None

    def _lost(self, path: str, frame: int, condition: Condition, count: int) -> set[int]:
        """Which of a frame's packets are lost: the same for every listener, and in every run of the same
        frame.
        """
        lost: set[int] = set()
        if condition.loss:
            draws = np.random.default_rng((self.number, frame & 0xFFFFFFFF)).random(count)
            lost.update(int(n) for n in np.flatnonzero(draws < condition.loss))
        first, many = condition.doomed
        if many and self._holed.setdefault(path, frame) == frame:
            lost.update(range(first, min(first + many, count)))
        return lost
