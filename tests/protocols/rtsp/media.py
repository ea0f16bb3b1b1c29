"""Encoded clips, and feeds and stores made of them, for the tests of the RTSP server: real bitstreams,
nothing faked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from device.errors import NotFound
from device.media import MICROSECONDS, Codec, Sample, Track, Utc
from protocols.rtsp.library import Break, Edge, Listener, Live, Passage, Stored

T0 = Utc(1_700_000_000 * MICROSECONDS)  #: 2023-11-14T22:13:20Z, where every clip begins
RATE = 90_000
_NAMES = {Codec.H264: "libx264", Codec.H265: "libx265", Codec.MJPEG: "mjpeg"}


@dataclass(frozen=True, slots=True)
class Clip:
    """Samples of one or more tracks in decoding order, and what a decoder makes of the pictures."""

    tracks: tuple[Track, ...]
    samples: tuple[Sample, ...]
    pictures: int

    @property
    def seconds(self) -> float:
        """From the first sample to the last."""
        return (self.samples[-1].utc - self.samples[0].utc) / MICROSECONDS

    def shifted(self, seconds: float) -> tuple[Sample, ...]:
        """The same samples at another wall time, their media time beginning anew as a new run's does."""
        return tuple(replace(s, utc=Utc(s.utc + int(seconds * MICROSECONDS))) for s in self.samples)


def nal_units(annex_b: bytes) -> list[bytes]:
    """Split at start codes."""
    parts = annex_b.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [part for part in parts if part]


def picture(number: int, width: int, height: int) -> np.ndarray:
    """A picture that no other number makes, with detail enough for key frames of many packets."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(7).integers(0, 40, (height, width))
    planes = [(x * 2 + 7 * number) % 200 + noise, (y * 3 + 5 * number) % 200 + noise, (x + y + number) % 240]
    return np.stack(planes, axis=-1).astype(np.uint8)


@cache
def video(
    codec: Codec, frames: int = 50, fps: int = 25, gop: int = 10, width: int = 320, height: int = 240
) -> Clip:
    """A clip of one video track; parameter sets stand in the track, not in the samples."""
    context = av.CodecContext.create(_NAMES[codec], "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.time_base = width, height, Fraction(1, fps)
    context.framerate = Fraction(fps)
    context.gop_size, context.max_b_frames = gop, 0
    context.pix_fmt = "yuvj420p" if codec is Codec.MJPEG else "yuv420p"
    context.thread_count = 1
    context.options = {
        Codec.H264: {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "scenecut=0"},
        Codec.H265: {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x265-params": "scenecut=0:log-level=none",
        },
        Codec.MJPEG: {"huffman": "default", "qscale": "4"},
    }[codec]
    packets = []
    for number in range(frames):
        frame = av.VideoFrame.from_ndarray(picture(number, width, height), format="rgb24")
        frame = frame.reformat(format=context.pix_fmt)
        frame.pts = number
        packets += context.encode(frame)
    packets += context.encode(None)
    sets: dict[int, bytes] = {}
    samples = []
    for packet in packets:
        data = bytes(packet)
        if codec is not Codec.MJPEG:
            units = nal_units(data)
            kinds = [unit[0] & 0x1F if codec is Codec.H264 else unit[0] >> 1 & 0x3F for unit in units]
            wanted = (7, 8) if codec is Codec.H264 else (32, 33, 34)
            sets.update({k: u for k, u in zip(kinds, units, strict=True) if k in wanted})
            rest = [u for k, u in zip(kinds, units, strict=True) if k not in wanted]
            data = b"".join(len(unit).to_bytes(4, "big") + unit for unit in rest)
        assert packet.pts is not None
        utc = Utc(T0 + packet.pts * MICROSECONDS // fps)
        samples.append(Sample(0, packet.pts * RATE // fps, utc, packet.is_keyframe, data))
    parameters = tuple(sets[kind] for kind in sorted(sets))
    return Clip((Track(codec, RATE, parameters, width, height),), tuple(samples), len(samples))


@cache
def audio(codec: Codec, seconds: int = 2) -> Clip:
    """A clip of one audio track: a tone."""
    rate = 44_100 if codec is Codec.AAC else 8_000
    names = {Codec.AAC: "aac", Codec.PCMU: "pcm_mulaw", Codec.PCMA: "pcm_alaw"}
    context = av.CodecContext.create(names[codec], "w")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate, context.layout = rate, "mono"
    context.format = "fltp" if codec is Codec.AAC else "s16"
    context.time_base = Fraction(1, rate)
    context.open()
    size = 1024 if codec is Codec.AAC else 160
    samples, media_time = [], 0
    for number in range(seconds * rate // size):
        wave = np.sin(2 * np.pi * 440 * (np.arange(size) + number * size) / rate)
        if codec is Codec.AAC:
            frame = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None, :], "fltp", "mono")
        else:
            frame = av.AudioFrame.from_ndarray((wave * 12000).astype(np.int16)[None, :], "s16", "mono")
        frame.sample_rate, frame.pts = rate, number * size
        for packet in context.encode(frame):
            utc = Utc(T0 + media_time * MICROSECONDS // rate)
            samples.append(Sample(0, media_time, utc, True, bytes(packet)))
            media_time += size
    parameters = (bytes(context.extradata),) if context.extradata else ()
    return Clip((Track(codec, rate, parameters, channels=1),), tuple(samples), 0)


def together(*clips: Clip) -> Clip:
    """Several clips as the tracks of one, by wall time."""
    samples = [replace(s, track=n) for n, clip in enumerate(clips) for s in clip.samples]
    ordered = tuple(sorted(samples, key=lambda s: (s.utc, s.track)))
    return Clip(tuple(clip.tracks[0] for clip in clips), ordered, sum(clip.pictures for clip in clips))


@dataclass(eq=False)
class ClipFeed:
    """A running stream: the clip over and over, in real time, while anybody listens."""

    clip: Clip
    speed: float = 1.0
    tracks: tuple[Track, ...] = ()
    listeners: list[Listener] = field(default_factory=list)
    subscriptions: int = 0
    _task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.tracks = self.clip.tracks

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self.listeners.append(listener)
        self.subscriptions += 1
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

        def unsubscribe() -> None:
            self.listeners.remove(listener)
            if not self.listeners and self._task is not None:
                self._task.cancel()
                self._task = None

        return unsubscribe

    def patient(self, listener: Listener, seconds: float) -> None:
        pass

    def say(self, item: Sample | Break) -> None:
        """To all who listen."""
        for listener in tuple(self.listeners):
            listener([item])

    async def _run(self) -> None:
        begin, wall = time.monotonic(), Utc(time.time_ns() // 1000)
        video = self.clip.tracks[0]
        step = (
            max(1, round(self.clip.seconds * 1.0 * MICROSECONDS * 25 / 24)) if not self.clip.pictures else 0
        )
        period = self.clip.pictures * MICROSECONDS // 25 if self.clip.pictures else step
        turn = 0
        while True:
            for sample in self.clip.samples:
                offset = sample.utc - T0 + turn * period
                await asyncio.sleep(begin + offset / MICROSECONDS / self.speed - time.monotonic())
                rate = self.tracks[sample.track].clock_rate
                ticks = turn * period * rate // MICROSECONDS
                self.say(replace(sample, time=sample.time + ticks, utc=Utc(wall + offset)))
            turn += 1
            assert video is not None


@dataclass
class ListStore:
    """A recording held in memory: runs of samples, a break before each."""

    runs: tuple[tuple[tuple[Track, ...], tuple[Sample, ...]], ...]
    reads: int = 0
    spans: int = 0  #: how often it was asked how far it goes
    tracks: tuple[Track, ...] = ()

    def __post_init__(self) -> None:
        self.tracks = self.runs[0][0]

    async def span(self) -> tuple[Utc, Utc]:
        self.spans += 1
        return self.runs[0][1][0].utc, Utc(self.runs[-1][1][-1].utc + MICROSECONDS // 25)

    async def read(self, passage: Passage) -> AsyncIterator[Sample | Break | Edge]:
        self.reads += 1
        if passage.reverse:
            for item in self._backwards(passage):
                await asyncio.sleep(0)
                yield item
            return
        for tracks, samples in self.runs:
            if samples[-1].utc < passage.start:
                continue
            first = 0
            for number, sample in enumerate(samples):
                if sample.utc <= passage.start and sample.key and sample.track == 0:
                    first = number
            yield Break(samples[first].utc, tracks)
            for sample in samples[first:]:
                if passage.end is not None and sample.utc >= passage.end:
                    return
                await asyncio.sleep(0)
                if not passage.keys or (sample.key and sample.track == 0):
                    yield sample

    def _backwards(self, passage: Passage) -> Iterator[Sample | Break]:
        for tracks, samples in reversed(self.runs):
            before = [s for s in samples if s.utc <= passage.start and s.track == 0]
            groups: list[list[Sample]] = []
            for sample in before:
                if sample.key:
                    groups.append([])
                groups[-1].append(sample)
            for number, group in enumerate(reversed(groups)):
                shown = group[:1] if passage.keys else group
                if not number:
                    yield Break(shown[-1].utc, tracks)
                yield from shown
                if passage.end is not None and group[0].utc <= passage.end:
                    return


@dataclass
class Shelf:
    """A library of named streams."""

    live: Mapping[str, ClipFeed] = field(default_factory=dict)
    stored: Mapping[str, ListStore] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, str], str]] = field(default_factory=list)

    async def open(self, path: str, query: Mapping[str, str], account: str) -> Live | Stored:
        self.asked.append((path, query, account))
        kind, _, name = path.strip("/").partition("/")
        if kind == "live" and name in self.live:
            return Live(self.live[name], name)
        if kind == "replay" and name in self.stored:
            start = Utc(int(query["start"])) if "start" in query else None
            return Stored(self.stored[name], start, None, name)
        raise NotFound("stream", path)
