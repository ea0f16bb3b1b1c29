"""A recorder's store filled with video in minutes instead of days: the recording core itself, in time that only runs
when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.programs import BenchError
from device.cameras.source import Cause, Lane
from device.folder import DataFolder
from device.media import MICROSECONDS, Codec, Track, Utc
from device.recording.intake import StreamIntake
from device.recording.modes import Mode, Policy
from device.recording.recorder import Recorder
from device.recording.shelf import VolumeSettings
from device.recording.volume import read_mark
from integration.setup import prepare
from integration.virtual_camera.draw import Planes
from integration.virtual_camera.encode import CLOCK_RATE, Format, VideoEncoder, track

FPS = 30
GOP = 60  #: pictures
_BEGIN = Utc(1_780_000_000 * MICROSECONDS)


@dataclass
class Clock:
    """`device.clock.Clock`, standing still until it is moved."""

    wall: int = _BEGIN
    ran: float = 1000.0

    def utc(self) -> Utc:
        """See Clock."""
        return Utc(self.wall)

    def monotonic(self) -> float:
        """See Clock."""
        return self.ran

    def advance(self, microseconds: int) -> None:
        """Let time go by."""
        self.wall += microseconds
        self.ran += microseconds / MICROSECONDS


@dataclass(frozen=True, slots=True)
class Clip:
    """One group of pictures, that a camera sends again and again."""

    track: Track
    units: Sequence[bytes]

    @property
    def mbit(self) -> float:
        """Mbit/s of the clip played over and over."""
        return sum(map(len, self.units)) * 8 / 1e6 * FPS / len(self.units)


def clip(mbit: float) -> Clip:
    """Real H.264, of so many Mbit/s or nearly: noise in 1280 x 720."""
    form = Format(Codec.H264, 1280, 720, FPS, round(mbit * 1e6))
    encoder, draw = VideoEncoder(form), np.random.default_rng(1)
    units = []
    for number in range(GOP):
        picture = Planes(form.width, form.height)
        picture.y[:] = draw.integers(60, 180, picture.y.shape, np.uint8)
        units.append(encoder.encode(picture, number == 0))
    return Clip(track(form), units)


def fill(
    data: Path, tokens: Sequence[str], seconds: float, sent: Clip, progress: Callable[[float], object]
) -> DataFolder:
    """A data folder with `seconds` of the clip in each recording, closed in good order.

    Raises BenchError where it could not be written as fast as it came."""
    clock = Clock()
    with _recorder(data, clock) as (folder, recorder):
        lanes = [_intake(recorder, token).opened([sent.track]) for token in tokens]
        _send(recorder, clock, lanes, seconds, sent, progress)
    return folder


def record(data: Path, pieces: Sequence[tuple[Utc, str]], seconds: float, sent: Clip) -> DataFolder:
    """A data folder with pieces of the clip: when each begins, in order, and in which recording. Raises as `fill`."""
    clock = Clock(pieces[0][0])
    with _recorder(data, clock) as (folder, recorder):
        intakes = {token: _intake(recorder, token) for token in {token for _, token in pieces}}
        for begin, token in pieces:
            clock.advance(begin - clock.utc())
            recorder.beat()
            intake = intakes[token]
            _send(recorder, clock, [intake.opened([sent.track])], seconds, sent, lambda _: None)
            intake.closed(Cause.LINK_LOST)
    return folder


@contextmanager
def _recorder(data: Path, clock: Clock) -> Iterator[tuple[DataFolder, Recorder]]:
    folder = DataFolder(data)
    folder.make()
    own = prepare(folder, [], None)
    volume = VolumeSettings(folder.video, read_mark(folder.video).volume, reserve_bytes=0)
    recorder = Recorder(
        clock,
        folder.catalogue,
        [volume],
        own.id,
        durability=1.0,
        segment_length=60,
        on_event=lambda _: None,
        acknowledged=lambda token, utc: None,  # noqa: ARG005 - nobody asks
    )
    recorder.open()
    yield folder, recorder
    recorder.beat()
    if not recorder.settle() or not recorder.close():
        raise BenchError("the recorder could not be closed")


def _intake(recorder: Recorder, token: str) -> StreamIntake:
    return recorder.intake(token, token, "main", Policy(Mode.CONTINUOUS))


def _send(
    recorder: Recorder,
    clock: Clock,
    lanes: Sequence[Lane | None],
    seconds: float,
    sent: Clip,
    progress: Callable[[float], object],
) -> None:
    for number in range(round(seconds * FPS)):
        unit, key = sent.units[number % GOP], number % GOP == 0
        for lane in lanes:
            assert lane is not None
            if lane.limit - lane.fill < len(unit) and not lane.grow(lane.fill, len(unit)):
                raise BenchError("the disk does not keep up with what is to be recorded")
            end = lane.fill + len(unit)
            lane.memory[lane.fill : end] = unit
            lane.written = end
            lane.commit(end, number * CLOCK_RATE // FPS, clock.utc(), key, False)
        clock.advance(MICROSECONDS // FPS)
        if number % 21 == 20:
            recorder.beat()
            if not recorder.settle():
                raise BenchError("the disk does not keep up with what is to be recorded")
        if number % (10 * FPS) == 0:
            progress(number / FPS)
