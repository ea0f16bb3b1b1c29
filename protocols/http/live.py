"""What is watched live, asked for once whoever watches: a stream crosses between the planes once, and goes from here to
all who have it on their page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from device.media import Sample
from device.planes.video import VideoStart, WatchLive
from protocols.http.backlog import Backlog, Group
from protocols.http.planes import Streams

WAITING = 1 << 20  #: octets that may wait between the planes
LINGER = 5.0  #: seconds that a stream goes on when nobody watches any more: who turns a page finds its picture at once


class Spectator:
    """One who watches live. What can be sent at once is; `next` says what comes after that which could not."""

    def __init__(self, send: Callable[[bytes | memoryview], bool]) -> None:
        """`send`: sends a fragment without waiting; False where it cannot."""
        self._send = send
        self._idle = False  #: all was sent
        self._backlog = Backlog()
        self._start: VideoStart | None = None
        self._over = False
        self._error: Exception | None = None
        self._news = asyncio.Event()

    def begin(self, start: VideoStart) -> None:
        """Fragments from here on are something else."""
        self._backlog.clear()
        self._start, self._idle = start, False
        self._news.set()

    def offer(self, fragment: Sample) -> None:
        """One more. Who does not keep up gets the next key frame."""
        if self._idle and self._backlog.passes(fragment) and self._send(fragment.data):
            return
        self._backlog.offer(fragment)
        self._news.set()

    def end(self, error: Exception | None) -> None:
        """Nothing more comes, and why."""
        self._over, self._error = True, error
        self._news.set()

    async def next(self) -> VideoStart | bytes | memoryview | None:
        """What something else begins with, or a fragment; None at the end. Raises what ended the stream."""
        while True:
            if self._start is not None:
                start, self._start = self._start, None
                return start
            if self._backlog:
                return self._backlog.take().data
            if self._over:
                if self._error is not None:
                    raise self._error
                return None
            self._news.clear()
            self._idle = True
            await self._news.wait()
            self._idle = False


class _Show:
    """One stream, and all who watch it. Who joins gets the group of pictures at hand first, in one piece."""

    def __init__(self) -> None:
        self.spectators: set[Spectator] = set()
        self.task: asyncio.Task[None] | None = None
        self.ending: asyncio.TimerHandle | None = None
        self._start: VideoStart | None = None
        self._group = Group()

    def join(self, spectator: Spectator) -> None:
        """From now on."""
        if self._start is not None:
            spectator.begin(self._start)
            if (group := self._group.whole()) is not None:
                spectator.offer(group)
        self.spectators.add(spectator)

    async def run(self, streaming: Streams, wanted: WatchLive) -> None:
        """Until the stream ends."""
        error: Exception | None = None
        try:
            async with streaming.stream(wanted, limit=WAITING) as items:
                async for item in items:
                    if isinstance(item, VideoStart):
                        self._begin(item)
                    else:
                        self._give(item)
        except Exception as raised:  # noqa: BLE001 - it is raised again where somebody watches
            error = raised
        for spectator in self.spectators:
            spectator.end(error)

    def _begin(self, start: VideoStart) -> None:
        self._start = start
        self._group = Group()
        for spectator in self.spectators:
            spectator.begin(start)

    def _give(self, item: Sample) -> None:
        fragment = Sample(item.track, item.time, item.utc, item.key, bytes(item.data), item.damaged)
        self._group.add(fragment)
        for spectator in self.spectators:
            spectator.offer(fragment)


class LiveStreams:
    """The streams that are watched."""

    def __init__(self, streaming: Streams) -> None:
        self._streaming = streaming
        self._shows: dict[WatchLive, _Show] = {}

    @contextlib.contextmanager
    def watch(self, wanted: WatchLive, send: Callable[[bytes | memoryview], bool]) -> Iterator[Spectator]:
        """Watch until the context ends. `send`: as of a Spectator."""
        show = self._shows.get(wanted)
        if show is None:
            show = self._shows[wanted] = _Show()
            show.task = asyncio.create_task(self._run(wanted, show), name=f"live {wanted.camera}")
        elif show.ending is not None:
            show.ending.cancel()
        spectator = Spectator(send)
        show.join(spectator)
        try:
            yield spectator
        finally:
            show.spectators.discard(spectator)
            if not show.spectators:
                show.ending = asyncio.get_running_loop().call_later(LINGER, self._let_go, wanted, show)

    async def _run(self, wanted: WatchLive, show: _Show) -> None:
        await show.run(self._streaming, wanted)
        if self._shows.get(wanted) is show:
            del self._shows[wanted]  # who comes now begins another

    def _let_go(self, wanted: WatchLive, show: _Show) -> None:
        if self._shows.get(wanted) is show and show.task is not None:
            del self._shows[wanted]
            show.task.cancel()

    async def close(self) -> None:
        """End all of them."""
        tasks = [show.task for show in self._shows.values() if show.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
