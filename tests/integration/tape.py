"""Recordings whose every picture says its number, made in a moment, and a player that reads the numbers back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import av

from device.accounts.rights import ALL
from device.cameras.source import Cause, Intake, Lane
from device.clock import Clock
from device.media import Codec, Utc
from device.planes.link import Client
from integration.library import RecorderLibrary
from integration.virtual_camera import encode, stamp
from integration.virtual_camera.draw import Planes
from integration.virtual_camera.encode import Format, VideoEncoder
from protocols.rtsp import rtcp, rtp
from protocols.rtsp.endpoint import Endpoint, Listen
from protocols.rtsp.message import Frame
from tests.device.recording.store import Store
from tests.protocols.rtsp.wire import Player

WIDTH, HEIGHT = 320, 176
FPS, GOP = 10, 10
HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Picture:
    """One recorded picture."""

    number: int
    utc: Utc
    key: bool


@dataclass
class Camera:
    """Encodes pictures with their numbers, in the clock's time; remembers what it sent."""

    clock: Clock
    intake: Intake
    codec: Codec = Codec.H264
    number: int = 0  #: of the next picture
    sent: list[Picture] = field(default_factory=list)
    _lane: Lane | None = None
    _encoder: VideoEncoder | None = None
    _time: int = 90_000
    _first: int = 0

    def connect(self, codec: Codec) -> None:
        """A session, as after a restart."""
        self.codec = codec
        form = Format(codec, WIDTH, HEIGHT, FPS, 300_000)
        self._encoder, self._first = VideoEncoder(form), self.number
        self._lane = self.intake.opened([encode.track(form)])

    def disconnect(self) -> None:
        """The session ends."""
        self.intake.closed(Cause.LINK_LOST)
        self._lane = None

    def picture(self) -> None:
        """One picture, now."""
        lane, encoder = self._lane, self._encoder
        assert lane is not None
        assert encoder is not None
        canvas, utc = Planes(WIDTH, HEIGHT), self.clock.utc()
        canvas.y[:] = 40 + self.number * 3 % 150
        stamp.draw(stamp.Stamp(1, self.number, utc), canvas)
        key = (self.number - self._first) % GOP == 0
        data = encoder.encode(canvas, key)
        if lane.limit - lane.fill < len(data):
            assert lane.grow(lane.fill, len(data))
        end = lane.fill + len(data)
        lane.memory[lane.fill : end] = data
        lane.written = end
        lane.commit(end, self._time, utc, key, False)
        self.sent.append(Picture(self.number, utc, key))
        self.number += 1
        self._time += 90_000 // FPS


def roll(store: Store, camera: Camera, pictures: int) -> None:
    """Let a camera send, with the recorder's beats."""
    for count in range(1, pictures + 1):
        camera.picture()
        store.clock.advance(1 / FPS)
        if count % FPS == 0 or count == pictures:
            store.beat()


@dataclass(frozen=True, slots=True)
class Mixed:
    """The wall clock of a store, and monotonic time as it goes by."""

    store: Store

    def utc(self) -> Utc:
        return self.store.clock.utc()

    def monotonic(self) -> float:
        return time.monotonic()


@contextlib.asynccontextmanager
async def served(store: Store, folder: Path) -> AsyncIterator[Endpoint]:
    """What a store holds, as the recorder serves it; the recording plane is not asked."""
    with store.reader() as catalogue:
        clock = Mixed(store)
        library = RecorderLibrary(Client(folder / "none.sock", within=1.0), catalogue, clock, lambda _: ALL)
        async with Endpoint(library, None, (Listen(HERE, 0),), clock) as endpoint:
            yield endpoint
        await library.close()


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture as a player sees it."""

    number: int  #: as burnt in
    time: int  #: RTP
    key: bool


@dataclass
class Viewer:
    """Puts access units together and decodes them, each group of pictures anew."""

    codec: Codec
    seen: list[Seen] = field(default_factory=list)
    over: bool = False  #: a BYE came
    wall: list[tuple[Utc, int]] = field(default_factory=list)  #: of the sender reports
    sequences: list[int] = field(default_factory=list)
    _units: list[bytes] = field(default_factory=list)
    _decoder: av.VideoCodecContext | None = None
    _count: int = 0

    async def watch(
        self, player: Player, enough: Callable[[Viewer], bool] = lambda viewer: viewer.over
    ) -> None:
        """Take what comes until it is enough."""
        while not enough(self):
            got = player.frames.pop(0) if player.frames else await player.message()
            if isinstance(got, Frame):
                self.take(got)

    def take(self, frame: Frame) -> None:
        """One interleaved packet."""
        if frame.channel == 1:
            for report in rtcp.parse(frame.payload):
                if isinstance(report, rtcp.SenderReport):
                    self.wall.append((rtcp.utc_of(report.ntp), report.timestamp))
                self.over = self.over or isinstance(report, rtcp.Goodbye)
            return
        packet = rtp.parse(frame.payload)
        self.sequences.append(packet.sequence)
        self._nal(bytes(packet.payload))
        if packet.marker:
            self._picture(packet.timestamp)

    def _nal(self, payload: bytes) -> None:
        wide = 1 if self.codec is Codec.H264 else 2
        kind = payload[0] & 0x1F if wide == 1 else payload[0] >> 1 & 0x3F
        if kind != (28 if wide == 1 else 49):
            self._units.append(payload)
            return
        flags = payload[wide]
        if flags & 0x80:
            head = (
                bytes((payload[0] & 0xE0 | flags & 0x1F,))
                if wide == 1
                else bytes((payload[0] & 0x81 | (flags & 0x3F) << 1, payload[1]))
            )
            self._units.append(head)
        self._units[-1] += payload[wide + 1 :]

    def _picture(self, time: int) -> None:
        kinds = {unit[0] & 0x1F if self.codec is Codec.H264 else unit[0] >> 1 & 0x3F for unit in self._units}
        key = bool(kinds & ({5} if self.codec is Codec.H264 else {19, 20, 21}))
        if key or self._decoder is None:
            name = "h264" if self.codec is Codec.H264 else "hevc"
            self._decoder = cast(av.VideoCodecContext, av.CodecContext.create(name, "r"))
            self._decoder.thread_count = 1
            self._decoder.flags |= av.codec.context.Flags.low_delay
        packet = av.Packet(b"".join(b"\0\0\0\1" + unit for unit in self._units))
        packet.pts = self._count = self._count + 1
        self._units.clear()
        (picture,) = self._decoder.decode(packet)
        read = stamp.read(picture)
        assert read is not None
        self.seen.append(Seen(read.frame, time, key))


async def replay(
    endpoint: Endpoint, path: str, *fields: tuple[str, str], codec: Codec = Codec.H264
) -> list[int]:
    """The numbers of all pictures from PLAY to BYE."""
    player, viewer = await Player.connect(endpoint.port), Viewer(codec)
    answer = await player.play(path, *fields)
    assert answer.status == 200, answer
    async with asyncio.timeout(30):
        await viewer.watch(player)
    await player.close()
    return [each.number for each in viewer.seen]


@dataclass(frozen=True)
class Tapes:
    """What was recorded, in the order recorded."""

    store: Store
    plain: list[Picture]  #: 12 seconds without a break
    gap: list[Picture]  #: 4 seconds, 30 seconds of nothing, 4 seconds
    codec: list[Picture]  #: 4 seconds of H.264, 4 of H.265
    clock: list[Picture]  #: 4 seconds, the clock set back by 2.5, 4 seconds


def numbers(pictures: list[Picture]) -> list[int]:
    """As burnt in."""
    return [picture.number for picture in pictures]


def record(store: Store) -> Tapes:
    """Four recordings, in the store's own time."""

    def camera(token: str) -> Camera:
        made = Camera(store.clock, store.intake(token))
        made.connect(Codec.H264)
        return made

    plain, gap, codec, clock = (camera(token) for token in ("plain", "gap", "codec", "clock"))
    for each in (gap, codec, clock):
        each.disconnect()
    roll(store, plain, 120)
    plain.disconnect()
    for each, other in ((gap, Codec.H264), (codec, Codec.H265)):
        each.connect(Codec.H264)
        roll(store, each, 40)
        each.disconnect()
        store.clock.advance(30 if each is gap else 1)
        store.beat()
        each.number += 300 if each is gap else 0
        each.connect(other)
        roll(store, each, 40)
        each.disconnect()
    clock.connect(Codec.H264)
    roll(store, clock, 40)
    store.clock.step(-2.5)
    store.beat()
    roll(store, clock, 40)
    clock.disconnect()
    store.beat()
    store.clock.advance(60)  # nothing is being recorded
    return Tapes(store, plain.sent, gap.sent, codec.sent, clock.sent)
