"""Video for browsers in the streaming plane: one muxer a stream for all who watch it live, one for each who replays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from device.clock import Clock
from device.errors import BadValue
from device.media import MICROSECONDS, Sample, Utc
from device.planes.link import Outlet, Server
from device.planes.video import Unplayable, VideoStart, WatchLive, WatchStored
from device.planes.wire import Blob
from device.recordings.names import STREAMS, token_of
from integration.library import RecorderLibrary
from protocols.mse.muxer import Muxer, Start
from protocols.rtsp.library import Break, Feed, Passage, Store

WAITING = 1 << 20  #: octets that may wait in the socket of who watches live
GROUP_LIMIT = 4 << 20  #: octets of the group of pictures that is kept for who comes next
FASTEST = 16.0
ALL_FRAMES = 4.0  #: up to this speed all frames are sent, beyond it and backwards key frames
PICTURES = 15  #: key frames in a second, at most
LEAD = 3.0  #: seconds that are sent ahead
PART = 400_000  #: microseconds of a media segment of a recording


def _start(start: Start) -> VideoStart:
    return VideoStart(start.mime, start.codec, start.width, start.height, start.rates, Blob(start.data))


@dataclass(slots=True, eq=False)
class _Viewer:
    """One who watches live."""

    outlet: Outlet
    key_needed: bool = True

    def give(self, fragment: Sample) -> None:
        if self.key_needed and not fragment.key:
            return
        self.key_needed = not self.outlet.offer(fragment, WAITING)


@dataclass(slots=True, eq=False)
class Fan:
    """A live stream, made into media segments once for all who watch it. Who comes gets the group of pictures at hand
    first, so that a picture shows at once."""

    feed: Feed
    muxer: Muxer
    unplayable: Unplayable | None = None
    _viewers: list[_Viewer] = field(default_factory=list)
    _start: VideoStart | None = None
    _group: list[Sample] = field(default_factory=list)
    _octets: int = 0
    _unsubscribe: Callable[[], None] | None = None
    _failed: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self, outlet: Outlet) -> None:
        """Until the listener goes away. Raises Unplayable."""
        viewer = _Viewer(outlet)
        if self._unsubscribe is None:
            self._begin(Utc(0))
            self._unsubscribe = self.feed.subscribe(self._take)
        if self._start is not None:
            await outlet.send(self._start)
            for fragment in self._group:
                viewer.give(fragment)
        self._viewers.append(viewer)
        try:
            gone, failed = (asyncio.ensure_future(each) for each in (outlet.gone(), self._failed.wait()))
            try:
                await asyncio.wait([gone, failed], return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
                failed.cancel()
            if self.unplayable is not None:
                raise self.unplayable
        finally:
            self._viewers.remove(viewer)
            if not self._viewers:
                self._end()

    def _end(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._group.clear()
        self._start = None
        self._failed.clear()

    def _begin(self, utc: Utc) -> None:
        self._group.clear()
        try:
            self._start = _start(self.muxer.begin(self.feed.tracks, utc))
            self.unplayable = None
        except Unplayable as error:
            self.unplayable = error
            self._failed.set()

    def _take(self, item: Sample | Break) -> None:
        if isinstance(item, Break):
            self._begin(item.utc)
            for viewer in self._viewers:
                viewer.key_needed = True
                if self._start is not None:
                    viewer.outlet.put(self._start)
            return
        if not self.muxer.takes(item):
            return
        key = item.key and self.muxer.leads(item)
        if not self._group and not key:
            return
        data = self.muxer.fragment([item])
        if data is None:
            return
        fragment = Sample(0, item.time, item.utc, key, data, item.damaged)
        if key:
            self._group.clear()
            self._octets = 0
        self._octets += len(data)
        if self._octets <= GROUP_LIMIT:
            self._group.append(fragment)
        for viewer in self._viewers:
            viewer.give(fragment)


class BrowserVideo:
    """Answers those who show video in a browser."""

    def __init__(self, library: RecorderLibrary, clock: Clock) -> None:
        self._library = library
        self._clock = clock
        self._fans: dict[tuple[str, bool], Fan] = {}

    def answer(self, server: Server) -> None:
        """Register the answers."""
        server.on_stream(WatchLive, self._live)
        server.on_stream(WatchStored, self._stored)

    async def _live(self, request: WatchLive, outlet: Outlet) -> None:
        token = _token(request.camera, request.stream)
        live = await self._library.live(token)
        fan = self._fans.get((token, request.sound))
        if fan is None:
            fan = self._fans[token, request.sound] = Fan(live.feed, Muxer(sound=request.sound))
        await fan.watch(outlet)

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
