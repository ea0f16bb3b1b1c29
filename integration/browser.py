"""Video for browsers in the streaming plane: one muxer for each stream that is watched live or replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

from device.clock import Clock
from device.errors import BadValue, HoldfastError
from device.media import MICROSECONDS, Kind, Sample, Track, Utc
from device.planes.link import Outlet, Server
from device.planes.video import Unplayable, VideoStart, WatchLive, WatchStored
from device.planes.wire import Blob
from device.recordings.names import STREAMS, token_of
from integration.library import RecorderLibrary
from protocols.mse.muxer import Muxer, Start
from protocols.rtsp.library import Break, Feed, Passage, Store

WAITING = 1 << 20  #: octets that may wait in the socket of who watches live
STILL_AGE = 10 * MICROSECONDS  #: age of a picture from the disk that is shown until one comes from the camera
FASTEST = 16.0
ALL_FRAMES = 4.0  #: up to this speed all frames are sent, beyond it and backwards key frames
PICTURES = 15  #: key frames in a second, at most
LEAD = 3.0  #: seconds that are sent ahead
PART = 400_000  #: microseconds of a media segment of a recording


def _start(start: Start) -> VideoStart:
    return VideoStart(
        start.mime, start.codec, start.sound, start.width, start.height, start.rates, Blob(start.data)
    )


Still = tuple[tuple[Track, ...], Sample]  #: a key frame, and what it is of


@dataclass(slots=True, eq=False)
class LiveShow:
    """A live stream on its way to who watches it, one media segment a picture."""

    feed: Feed
    muxer: Muxer
    outlet: Outlet
    _coming: tuple[Track, ...] | None = None  #: what begins with the next key frame; None once it has begun
    _key_needed: bool = True  #: the listener did not keep up
    _failed: asyncio.Event = field(default_factory=asyncio.Event)
    _unplayable: Unplayable | None = None

    async def run(self, newest: Callable[[], Awaitable[Still | None]]) -> None:
        """Until the listener goes away. What is `newest` on the disk is shown until the camera's next key frame comes.
        Raises Unplayable."""
        self._coming = self.feed.tracks
        self.muxer.begin(self._coming, Utc(0))
        gone, failed = (asyncio.ensure_future(each) for each in (self.outlet.gone(), self._failed.wait()))
        unsubscribe = self.feed.subscribe(self._came)
        try:
            still = await newest()
            if still is not None and self._coming is not None:
                self._begin(still[0], still[1].utc)
                self._give(still[1])
            await asyncio.wait([gone, failed], return_when=asyncio.FIRST_COMPLETED)
        finally:
            unsubscribe()
            gone.cancel()
            failed.cancel()
        if self._unplayable is not None:
            raise self._unplayable

    def _begin(self, tracks: Sequence[Track], utc: Utc) -> None:
        self._key_needed = True
        try:
            self.outlet.put(_start(self.muxer.begin(tracks, utc)))
        except Unplayable as error:
            self._unplayable = error
            self._failed.set()

    def _came(self, items: Sequence[Sample | Break]) -> None:
        for item in items:
            self._take(item)

    def _take(self, item: Sample | Break) -> None:
        if isinstance(item, Break):
            self._coming = item.tracks
            return
        if self._coming is not None:
            if not item.key or self._coming[item.track].kind is not Kind.VIDEO:
                return
            self._begin(self._coming, item.utc)
            self._coming = None
        self._give(item)

    def _give(self, item: Sample) -> None:
        if not self.muxer.takes(item):
            return
        key = item.key and self.muxer.leads(item)
        if self._key_needed and not key:
            return
        data = self.muxer.fragment([item])
        if data is not None:
            fragment = Sample(0, item.time, item.utc, key, data, item.damaged)
            self._key_needed = not self.outlet.offer(fragment, WAITING)


class BrowserVideo:
    """Answers those who show video in a browser."""

    def __init__(self, library: RecorderLibrary, clock: Clock) -> None:
        self._library = library
        self._clock = clock

    def answer(self, server: Server) -> None:
        """Register the answers."""
        server.on_stream(WatchLive, self._live)
        server.on_stream(WatchStored, self._stored)

    async def _live(self, request: WatchLive, outlet: Outlet) -> None:
        token = _token(request.camera, request.stream)
        live = await self._library.live(token)
        await LiveShow(live.feed, Muxer(sound=request.sound), outlet).run(partial(self._newest, token))

    async def _newest(self, token: str) -> Still | None:
        """The newest key frame on the disk, and what it is of; None where there is none of these seconds."""
        now = self._clock.utc()
        tracks: tuple[Track, ...] = ()
        try:
            stored = await self._library.stored(token, Utc(now - STILL_AGE), None)
            passage = Passage(now, Utc(now - STILL_AGE), reverse=True, keys=True, every=0, follow=False)
            async with aclosing(stored.store.read(passage)) as items:  # type: ignore[type-var]  # a generator
                async for item in items:
                    if isinstance(item, Break):
                        tracks = item.tracks
                    elif isinstance(item, Sample):
                        return tracks, item
        except HoldfastError:
            pass  # a picture that moves comes anyway
        return None

    async def _stored(self, request: WatchStored, outlet: Outlet) -> None:
        token = _token(request.camera, request.stream)
        if abs(request.speed) > FASTEST:
            raise BadValue("speed", f"must be -{FASTEST:g} to {FASTEST:g}")
        stored = await self._library.stored(token, request.start, None)
        still = request.speed == 0
        keys = request.speed < 0 or request.speed > ALL_FRAMES
        muxer = Muxer(sound=request.sound and request.speed == 1, speed=request.speed or 1, keys=keys)
        every = round(abs(request.speed) * MICROSECONDS / PICTURES) if keys else 0
        # A span of the ledger may begin a moment before its first picture: that one is meant, then.
        end = Utc(request.start + PART) if still else request.end
        passage = Passage(request.start, end, request.speed < 0, keys, every, follow=False)
        pace = _Pace(self._clock, 1.0 if keys or still else request.speed)
        await _play(stored.store, passage, muxer, pace, outlet, still=still)


async def _play(
    store: Store, passage: Passage, muxer: Muxer, pace: _Pace, outlet: Outlet, *, still: bool
) -> None:
    part: list[Sample] = []

    async def flush(until: int | None = None) -> None:
        if not part:
            return
        data = muxer.fragment(part, until)
        first = part[0]
        part.clear()
        if data is not None:
            await outlet.deliver(Sample(0, first.time, first.utc, first.key, data))

    async with aclosing(store.read(passage)) as items:  # type: ignore[type-var]  # they are generators
        async for item in items:
            if isinstance(item, Break):
                await flush()
                await outlet.send(_start(muxer.begin(item.tracks, item.utc)))
            elif isinstance(item, Sample) and muxer.takes(item):
                at = muxer.position(item)
                if part and passage.keys:
                    await flush(at)
                elif part and muxer.leads(item) and (item.key or item.utc - part[0].utc >= PART):
                    await flush()
                part.append(item)
                if still and muxer.leads(item) and item.utc >= passage.start:
                    break
                await pace.wait(at)
    await flush()


class _Pace:
    """How far ahead of what is shown is sent."""

    def __init__(self, clock: Clock, speed: float) -> None:
        """`speed`: microseconds of the line that pass in one."""
        self._clock = clock
        self._speed = speed
        self._zero: float | None = None

    async def wait(self, position: int) -> None:
        """Until `position` of the line is due."""
        due = position / (MICROSECONDS * self._speed)
        now = self._clock.monotonic()
        if self._zero is None:
            self._zero = now - due
        wait = self._zero + due - LEAD - now
        if wait > 0:
            await asyncio.sleep(wait)


def _token(camera: str, stream: str) -> str:
    if stream not in STREAMS:
        raise BadValue("stream", "must be main or sub")
    return token_of(camera, stream)
