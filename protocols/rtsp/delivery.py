"""What happens between PLAY and TEARDOWN: a session's share of a broadcast, or its own playback of a
recording."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from device.clock import Clock
from device.errors import BadValue, HoldfastError
from device.media import Sample, Utc
from protocols.rtsp.broadcast import Broadcast, Listener
from protocols.rtsp.effects import Play, Started
from protocols.rtsp.library import Break, Store
from protocols.rtsp.outlet import Outlet
from protocols.rtsp.playout import Due, Ended, Playout
from protocols.rtsp.sender import Sender


class LiveDelivery:
    """A listener of a broadcast."""

    def __init__(self, find: Callable[[], Broadcast], outlet: Outlet, clock: Clock) -> None:
        self.outlet = outlet
        self._find = find
        self._broadcast = find()
        self._clock = clock
        self._listener: Listener | None = None
        outlet.ready = self._ready

    async def begin(self, _play: Play) -> Started:
        """There is only now."""
        if self._broadcast.over:
            self._listener = None
            self._broadcast = self._find()
        return Started(None, None, self._broadcast.info())

    def flow(self) -> None:
        """Send from the next key frame on."""
        if self._listener is None:
            self._listener = self._broadcast.join(self.outlet)

    def pause(self) -> None:
        """Send nothing."""
        if self._listener is not None:
            self._broadcast.leave(self._listener)
            self._listener = None

    def close(self) -> None:
        """Leave for good."""
        self.pause()
        self.outlet.close()

    def stalled(self, now: float) -> bool:
        """Whether the peer took nothing for so long that it is to be cut."""
        return self._listener is not None and self._listener.stalled(now)

    def _ready(self) -> None:
        if self._listener is not None:
            self._listener.ready(self._clock.monotonic())


class StoredDelivery:
    """A playback: reads ahead of itself by one sample, sends each when it is due and the peer takes it."""

    def __init__(
        self,
        store: Store,
        origin: Utc,
        outlet: Outlet,
        sender: Sender,
        strategy: Callable[[Sender], Playout],
        clock: Clock,
    ) -> None:
        self.outlet = outlet
        self._store = store
        self._origin = origin
        self._sender = sender
        self._strategy = strategy
        self._clock = clock
        self._playout = strategy(sender)
        self._items: AsyncIterator[Sample | Break] | None = None
        self._end: Utc | None = None
        self._next: Due | None = None
        self._next_utc = Utc(0)
        self._flowing = asyncio.Event()
        self._drained = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        outlet.ready = self._drained.set

    async def begin(self, play: Play) -> Started:
        """Read the first sample, from which the answer to PLAY is made; to go on after a pause, it is at
        hand."""
        if play.seek or self._next is None:
            await self._stop()
            start = play.start if play.start is not None else self._origin
            info = {n: self._sender.next_packet(n)[0] for n in range(len(self._sender.tracks))}
            self._playout = self._strategy(self._sender)
            # A range includes its end: players ask for exactly the length that they were told.
            until = Utc(play.end + 1) if play.end is not None else None
            self._items, self._end = self._store.read(start, until), play.end
            await self._advance()
            if self._next is None:
                raise BadValue("Range", "nothing is recorded there")
        else:
            info = {n: self._sender.next_packet(n)[0] for n in range(len(self._sender.tracks))}
            first = self._next.packets
            info[first.track] = first.sequence
        times = {n: (sequence, self._sender.rtp_time(n, self._next_utc)) for n, sequence in info.items()}
        return Started(self._next_utc, self._end, times)

    def flow(self) -> None:
        """Send from where it stands."""
        if self._next is None:
            return
        if not self._flowing.is_set():
            self._playout.restart(self._next.position, self._clock.monotonic())
            self._flowing.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._pump())

    def pause(self) -> None:
        """Send nothing; the sample that is due next stays so."""
        self._flowing.clear()

    def close(self) -> None:
        """Stop for good."""
        self.pause()
        self.outlet.close()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def stalled(self, _now: float) -> bool:
        """A player that is paused takes nothing for as long as its session lasts."""
        return False

    async def _stop(self) -> None:
        self._flowing.clear()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if isinstance(self._items, AsyncGenerator):
            await self._items.aclose()
        self._next = None

    async def _pump(self) -> None:
        reason = "end of range"
        try:
            while self._next is not None:
                await self._flowing.wait()
                now = self._clock.monotonic()
                delay = self._playout.at(self._next, now) - now
                if delay > 0:
                    await asyncio.sleep(delay)
                elif self.outlet.blocked:
                    self._drained.clear()
                    await self._drained.wait()
                else:
                    self.outlet.send([self._next.packets])
                    await self._advance()
        except Ended as ended:
            reason = str(ended)
        except HoldfastError as error:
            reason = str(error)[:200]
        await asyncio.sleep(self.outlet.settle)
        self._next = None
        self._task = None
        self._flowing.clear()
        self.outlet.send(self._sender.goodbye(reason))
        self.outlet.finished()

    async def _advance(self) -> None:
        """Make ready the next sample that is sent; None at the end."""
        self._next = None
        assert self._items is not None
        async for item in self._items:
            due = self._playout.take(item, self._clock.monotonic())
            if due is not None and isinstance(item, Sample):
                self._next, self._next_utc = due, item.utc
                return


Delivery = LiveDelivery | StoredDelivery
