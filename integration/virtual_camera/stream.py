"""One encoded stream of a virtual camera: a `Feed` that draws and encodes only while somebody listens.

Its encoder stays when the last listener leaves, as a camera's does: the next one has a key frame at once.
Frame n has the time epoch + n / fps, whoever listens and since when; its number and time are burnt in.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np

from device.cameras.ptz import Vector
from device.clock import Clock
from device.media import MICROSECONDS, Codec, Sample, Track, Utc
from integration.virtual_camera import analytics, audio, encode, font, stamp
from integration.virtual_camera.draw import Planes
from integration.virtual_camera.encode import CLOCK_RATE, Format, VideoEncoder
from integration.virtual_camera.faults import OTHER, Condition
from integration.virtual_camera.head import Lens
from integration.virtual_camera.scene import Scene
from protocols.rtsp.library import Break, Listener

OFF = 2 * MICROSECONDS  #: farther from the clock than this, a stream takes its frame number anew

COVERED = 24  #: luma of a lens that something is held before

Skipped = Callable[[int, int], None]  #: number of the first frame, and how many
MakeScene = Callable[[int, int], Scene]  #: of a width and a height


@dataclass(slots=True)
class _Subscription:
    listener: Listener
    form: Format  #: that it knows of
    started: bool = False  #: has had its key frame


@dataclass(frozen=True, slots=True)
class Setup:
    """What a stream is made of."""

    number: int  #: of the camera, burnt in, 0..255
    title: str  #: burnt in
    form: Format
    gop: int  #: frames from key frame to key frame
    sound: Codec | None
    make_scene: MakeScene
    epoch: Utc  #: time of frame 0
    view: Callable[[Utc], Vector]  #: where the camera looks at an instant
    metadata: bool = False  #: tells what it sees


@dataclass(slots=True)
class _Work:
    """What drawing and encoding need and keep; touched by who has the lock."""

    form: Format
    scene: Scene
    canvas: Planes
    lens: Lens
    encoder: VideoEncoder
    lock: threading.Lock = field(default_factory=threading.Lock)
    held: tuple[Utc, int] | None = None  #: instant and number of the frame that a frozen camera repeats


@dataclass(slots=True)
class _Made:
    """One encoded frame, on its way to the listeners."""

    number: int
    time: int
    utc: Utc
    key: bool
    data: bytes
    form: Format
    condition: Condition  #: of the camera when its making began: it holds until the frame has been handed on
    told: bytes = b""  #: the metadata that goes with it, if any


class Stream:
    """A feed of one video track, one audio track where the camera has a microphone, and one of metadata where it tells
    what it sees."""

    def __init__(
        self, setup: Setup, condition: Condition, clock: Clock, pool: Executor, skipped: Skipped
    ) -> None:
        """`skipped` hears of frames that were never made, because the machine was too busy."""
        self.setup = setup
        self._skipped = skipped
        self._condition, self._clock, self._pool = condition, clock, pool
        sound = [audio.encoder(setup.sound).track] if setup.sound else []
        self._others = (*sound, *([analytics.TRACK] if setup.metadata else []))
        self._known: dict[Format, Track] = {}
        self.tracks = self._tracks_of(setup.form)
        self.sending = -1  #: number of the frame that the listeners are being handed
        self.sent_under = condition  #: what was wrong with the camera when that frame was begun
        self._subscriptions: list[_Subscription] = []
        self._task: asyncio.Task[None] | None = None
        self._next: int | None = None  #: number of the frame whose making begins next; None: nobody listens
        self._work: _Work | None = None  #: for those who listen
        self._still: _Work | None = None  #: for pictures that somebody asks for one by one
        self._anchor: tuple[str, int, int] = (
            "true",
            0,
            0,
        )  #: since which frame timestamps have been wrong, and how

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """See `protocols.rtsp.library.Feed`. The first listener starts the encoder, with a key frame."""
        subscription = _Subscription(listener, self._form_now())
        self._subscriptions.append(subscription)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(
                self._play(), name=f"stream {self.setup.title}"
            )

        def unsubscribe() -> None:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
            if not self._subscriptions:
                self.stop()

        return unsubscribe

    def patient(self, listener: Listener, seconds: float) -> None:
        """Feed. Frames are handed on as they are made, however patient who listens is."""

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._subscriptions)

    @property
    def next_number(self) -> int:
        """The number of the first frame that a change of the condition will be seen in.

        While somebody listens, that is no matter of the clock: a busy machine makes frames late, and all of
        them.
        """
        return self._next if self._next is not None else self._upcoming()

    def time_of(self, number: int) -> Utc:
        """The true time of a frame."""
        return Utc(self.setup.epoch + number * MICROSECONDS // self.setup.form.fps)

    def refresh(self) -> None:
        """Announce what the condition now makes of this stream: to be called when it changed."""
        video, *others = self._tracks_of(self._form_now())
        if not self._condition.sps:
            video = replace(video, parameters=tuple(_cut_short(one) for one in video.parameters))
        self.tracks = (video, *others)

    def stop(self) -> None:
        """Stop drawing. A later listener starts it again."""
        if self._task is not None:
            self._task.cancel()
            self._task = self._next = None

    async def picture(self) -> bytes:
        """What it sees now, as JPEG."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._take_picture)

    def _take_picture(self) -> bytes:
        """Runs in the pool."""
        form = replace(self._form_now(), codec=Codec.MJPEG)
        if self._still is None or self._still.form != form:
            self._still = self._begin(form)
        utc = self._clock.utc()
        condition = self._condition
        offset = int(condition.clock_offset * MICROSECONDS)
        self._draw(self._still, utc, self._number_at(utc), offset, covered=condition.covered)
        return self._still.encoder.encode(self._still.canvas, True)

    def _upcoming(self) -> int:
        """The number of the frame that is due next by the clock."""
        return self._number_at(self._clock.utc()) + 1

    def _number_at(self, utc: Utc) -> int:
        return (utc - self.setup.epoch) * self.setup.form.fps // MICROSECONDS

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        sound = audio.encoder(self.setup.sound) if self.setup.sound else None
        # Before the first frame is due: that one is not to come late.
        if self._work is None:
            self._work = await loop.run_in_executor(self._pool, self._begin, self._form_now())
        fresh = True
        number = self._next = self._upcoming()
        block = self._block_at(sound, self.time_of(number))
        while True:
            ahead = self.time_of(number) - self._clock.utc()
            if abs(ahead) > OFF:
                fresh = True
                due = number
                number = self._next = self._upcoming()
                if number > due:
                    self._skipped(due, number - due)
                block = self._block_at(sound, self.time_of(number))
                continue
            if ahead > 0:
                await asyncio.sleep(ahead / MICROSECONDS)
            self._next = number + 1
            condition = replace(self._condition)
            made = await loop.run_in_executor(self._pool, self._make, number, condition, fresh)
            fresh = False
            self._deliver(made)
            while sound is not None and (block + 1) * sound.block * MICROSECONDS <= (
                (self.time_of(number) - self.setup.epoch) * sound.track.clock_rate
            ):
                self._deliver_sound(sound, block, condition)
                block += 1
            number += 1

    def _block_at(self, sound: audio.AudioEncoder | None, utc: Utc) -> int:
        if sound is None:
            return 0
        return (utc - self.setup.epoch) * sound.track.clock_rate // (sound.block * MICROSECONDS)

    def _form_now(self) -> Format:
        return self._form_under(self._condition)

    def _form_under(self, condition: Condition) -> Format:
        form = self.setup.form
        if condition.codec == OTHER:
            form = replace(form, codec=Codec.H264 if form.codec is not Codec.H264 else Codec.H265)
        elif condition.codec:
            form = replace(form, codec=Codec[condition.codec])
        if condition.width:
            form = replace(form, width=condition.width, height=condition.height)
        return form

    def _tracks_of(self, form: Format) -> tuple[Track, ...]:
        if form not in self._known:
            self._known[form] = encode.track(form)
        return (self._known[form], *self._others)

    def _begin(self, form: Format) -> _Work:
        """Whatever takes long. Runs in the pool."""
        scene = self.setup.make_scene(form.width, form.height)
        canvas, lens = Planes(form.width, form.height), Lens(form.width, form.height)
        return _Work(form, scene, canvas, lens, VideoEncoder(form))

    def _make(self, number: int, condition: Condition, fresh: bool) -> _Made:
        """Draw and encode one frame; a key frame if `fresh`. Runs in the pool."""
        form = self._form_under(condition)
        work = self._work
        if work is None or work.form != form:
            work, fresh = self._begin(form), True
            self._work = work
        with work.lock:  # what was begun for a listener who has left may not have ended yet
            return self._encode(work, number, condition, fresh)

    def _encode(self, work: _Work, number: int, condition: Condition, fresh: bool) -> _Made:
        form = work.form
        utc = self.time_of(number)
        if condition.frozen:
            work.held = work.held or (utc, number)
        else:
            work.held = None
        seen, shown = work.held or (utc, number)
        offset = int(condition.clock_offset * MICROSECONDS)
        self._draw(work, seen, shown, offset, covered=condition.covered)
        key = fresh or (number % self.setup.gop == 0 and not condition.frozen)
        data = work.encoder.encode(work.canvas, key)
        key = key or form.codec is Codec.MJPEG
        if not condition.sps and key:
            data = _scrambled(data, form.codec)
        time = self._media_time(number, condition)
        told = self._tell(work, number, seen, offset, condition, fresh) if self.setup.metadata else b""
        return _Made(number, time, Utc(utc + offset), key, data, form, condition, told)

    def _tell(
        self, work: _Work, number: int, seen: Utc, offset: int, condition: Condition, fresh: bool
    ) -> bytes:
        """The metadata document of a frame; empty where it has none."""
        fps = work.form.fps
        step = max(1, fps // analytics.RATE)
        if number % step and not fresh:
            return b""
        objects = [] if condition.covered else work.lens.find(work.scene.seen(seen), self.setup.view(seen))
        still = condition.frozen
        moves = work.scene.moving(seen) and not still
        changed = not still and moves != work.scene.moving(self.time_of(number - step))
        if not (fresh or changed or objects or number % fps == 0):
            return b""
        motion = analytics.Motion(moves, changed) if changed or fresh else None
        at = Utc(self.time_of(number) + offset)
        return analytics.document(at, (work.form.width, work.form.height), objects, motion)

    def _draw(self, work: _Work, seen: Utc, number: int, offset: int, *, covered: bool) -> None:
        canvas = work.canvas
        work.scene.draw(canvas, seen, number)
        work.lens.look(canvas, self.setup.view(seen))
        if covered:
            canvas.y[:], canvas.u[:], canvas.v[:] = COVERED, 128, 128
        shown = Utc(seen + offset)
        dot = max(1, canvas.width // 320)
        margin = 4 * dot
        text = f"{np.datetime64(shown // 1000, 'ms')!s}Z  #{number:07d}".replace("T", " ")
        font.write(canvas, self.setup.title, margin, margin, dot)
        font.write(canvas, text, canvas.width - len(text) * font.ADVANCE * dot - margin + dot, margin, dot)
        stamp.draw(stamp.Stamp(self.setup.number, number, shown), canvas)

    def _media_time(self, number: int, condition: Condition) -> int:
        """The RTP timestamp of a frame, before the endpoint's random offset, wrong where it should be."""
        fps = self.setup.form.fps
        if self._anchor[0] != condition.timestamps:
            self._anchor = (condition.timestamps, number, number * CLOCK_RATE // fps)
        mode, since, then = self._anchor
        time = number * CLOCK_RATE // fps
        if mode == "stuck":
            time = then
        elif mode == "backward":
            time = then - (number - since) * CLOCK_RATE // fps
        elif mode == "noisy":
            time += int(np.random.default_rng((self.setup.number, number & 0xFFFFFFFF)).integers(-3600, 3601))
        return time + int(condition.media_offset * CLOCK_RATE)

    def _deliver(self, made: _Made) -> None:
        self.sending, self.sent_under = made.number, made.condition
        if made.condition.silent:
            return
        sample = Sample(0, made.time, made.utc, made.key, made.data)
        told = [Sample(len(self._others), made.time, made.utc, True, made.told)] if made.told else []
        for subscription in tuple(self._subscriptions):
            if subscription.form != made.form:
                subscription.form = made.form
                subscription.listener([Break(made.utc, self._tracks_of(made.form))])
            subscription.started = subscription.started or made.key
            # A listener may leave on account of the break.
            if subscription.started and subscription in self._subscriptions:
                subscription.listener([sample, *told])

    def _deliver_sound(self, sound: audio.AudioEncoder, block: int, condition: Condition) -> None:
        offset = int(condition.clock_offset * MICROSECONDS)
        for time, data in sound.encode(block):
            utc = Utc(self.setup.epoch + time * MICROSECONDS // sound.track.clock_rate + offset)
            time += int(condition.media_offset * sound.track.clock_rate)
            if condition.silent:
                continue
            for subscription in tuple(self._subscriptions):
                if subscription.started:
                    subscription.listener([Sample(1, time, utc, True, data)])


def _scrambled(unit: bytes, codec: Codec) -> bytes:
    """Parameter sets of which nothing but the header's first bytes can be trusted. MJPEG: no tables at
    all.
    """
    if codec is Codec.MJPEG:
        return unit[:2] + unit[unit.find(b"\xff\xda") :]
    sets = (7, 8) if codec is Codec.H264 else (32, 33, 34)
    return encode.joined(
        _cut_short(nal) if encode.nal_type(nal, codec) in sets else nal for nal in encode.nals(unit)
    )


def _cut_short(parameter_set: bytes) -> bytes:
    """The header, and half of the rest, scrambled."""
    half = max(3, len(parameter_set) // 2)
    return parameter_set[:2] + bytes(byte ^ 0xA5 for byte in parameter_set[2:half])
