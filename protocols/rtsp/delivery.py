"""What happens between PLAY and TEARDOWN: a session's share of a broadcast, or its own playback of a
recording."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from device.clock import Clock
from device.errors import BadValue, HoldfastError
from device.media import MICROSECONDS, Sample, Utc
from protocols.rtsp.ahead import Ahead
from protocols.rtsp.broadcast import Broadcast, Listener
from protocols.rtsp.describe import Opened
from protocols.rtsp.effects import Play, Started
from protocols.rtsp.library import Break, Edge, Passage, Stored
from protocols.rtsp.manner import Manner
from protocols.rtsp.outlet import Outlet
from protocols.rtsp.playout import Due, Ended, playout
from protocols.rtsp.range import Now
from protocols.rtsp.registry import Phase, Session
from protocols.rtsp.sender import Sender
from protocols.rtsp.stamps import Mark, Stamp

EDGE = 10 * MICROSECONDS  #: the present, as seen by who asks for what is being recorded


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
        return Started(None, None, Manner(), self._broadcast.info())

    def flow(self) -> None:
        """Send from the next key frame on."""
        if self._listener is None:
            self._listener = self._broadcast.join(self.outlet)

    def pause(self, _at: Utc | None) -> None:
        """Send nothing."""
        if self._listener is not None:
            self._broadcast.leave(self._listener)
            self._listener = None

    def close(self) -> None:
        """Leave for good."""
        self.pause(None)
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
        opened: Opened,
        outlet: Outlet,
        sender: Sender,
        lead: float,
        clock: Clock,
        session: Session,
    ) -> None:
        assert isinstance(opened.media, Stored)
        self.outlet = outlet
        self._opened = opened
        self._media = opened.media
        self._sender = sender
        self._lead = lead
        self._clock = clock
        self._session = session
        self._manner = Manner()
        self._playout = playout(sender, self._manner, lead)
        self._items: AsyncIterator[Sample | Break | Edge] | None = None
        self._ahead: Ahead | None = None  #: of a client that is told where it stands
        self._end: Utc | None = None
        self._next: Due | None = None
        self._mark = Mark()  #: of the next
        self._cseq = 0
        self._standing: Utc | None = None  #: of the next sample; while that is waited for, of the one before
        self._begin = Utc(0)  #: where what follows the last break is played from
        self._stop_at: Utc | None = None
        self._flowing = asyncio.Event()
        self._drained = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        outlet.ready = self._drained.set

    async def begin(self, play: Play) -> Started:
        """Read the first sample, from which the answer to PLAY is made; to go on after a pause, it is at
        hand."""
        self._stop_at = None
        self._cseq = play.cseq
        start, again = play.start, play.manner is None or play.manner == self._manner
        at_hand = self._next is not None or self._task is not None
        if self._standing is not None and at_hand and start is None and play.end is None and again:
            begin = self._standing
        else:
            standing = self._standing if at_hand else None
            await self._stop()
            if play.manner is not None:
                self._manner = play.manner
            passage = self._passage(await self._from(start, standing), play.end)
            self._playout = playout(self._sender, self._manner, self._lead)
            self._items, self._end = self._media.store.read(passage), play.end
            self._ahead = Ahead(self._manner.reverse) if self._session.stamped else None
            await self._advance()
            if self._next is None:
                raise BadValue("Range", "nothing is recorded there")
            begin = self._begin
        sender = self._sender
        info = {n: (sender.next_packet(n)[0], sender.rtp_time(n, begin)) for n in range(len(sender.tracks))}
        return Started(begin, self._end, self._manner, info)

    async def _from(self, start: Utc | Now | None, standing: Utc | None) -> Utc:
        """Where to begin. Raises BadValue where that is not in the recording, as far as it goes now."""
        if isinstance(start, int) and not self._manner.reverse and start < self._opened.last:
            return start  # it was there when it was described; reading tells if it went
        first, last = await self._media.store.span()
        edge = Utc(last - 1)
        if isinstance(start, Now):
            return edge
        if start is None:
            default = self._opened.last if self._manner.reverse else self._opened.origin
            return standing if standing is not None else default
        if self._manner.reverse:
            if start < first:
                raise BadValue("Range", "before the beginning of the recording")
        elif start >= last:
            # The newest is on the disk about a second after it was: who asks for the present gets that.
            if not last <= start <= self._clock.utc() + EDGE or self._clock.utc() - last > EDGE:
                raise BadValue("Range", "behind the end of the recording")
            return edge
        return start

    def _passage(self, start: Utc, end: Utc | None) -> Passage:
        manner, media = self._manner, self._media
        follow = self._session.required and not manner.reverse
        if end is None:
            end = media.start if manner.reverse else media.end
        if end is not None and not manner.reverse:
            # A range includes its end: players ask for exactly the length that they were told.
            end = Utc(end + 1)
        return Passage(start, end, manner.reverse, manner.keys, manner.every, follow)

    def flow(self) -> None:
        """Send from where it stands."""
        if self._next is None and self._task is None:
            return
        if self._next is not None and not self._flowing.is_set():
            self._playout.restart(self._next.position, self._clock.monotonic())
        self._flowing.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._pump())

    def pause(self, at: Utc | None) -> None:
        """Send nothing, from now on or from a point on that play comes to; what is due next stays so."""
        if at is None or self._reached(at):
            self._flowing.clear()
            self._session.phase = Phase.READY
        else:
            self._stop_at = at

    def close(self) -> None:
        """Stop for good."""
        self._flowing.clear()
        self.outlet.close()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def stalled(self, _now: float) -> bool:
        """A player that is paused takes nothing for as long as its session lasts."""
        return False

    def _reached(self, at: Utc) -> bool:
        if self._next is None:
            return False
        utc = self._next.sample.utc
        return utc <= at if self._manner.reverse else utc >= at

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
                if self._stop_at is not None and self._reached(self._stop_at):
                    self._stop_at = None
                    self.pause(None)
                await self._flowing.wait()
                now = self._clock.monotonic()
                delay = self._playout.at(self._next, now) - now
                if delay > 0:
                    await asyncio.sleep(delay)
                elif self.outlet.blocked:
                    self._drained.clear()
                    await self._drained.wait()
                else:
                    packets = self._sender.packets(self._next.sample, now, self._stamp())
                    if packets is not None:
                        self.outlet.send([packets])
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
        while self._next is None and (item := await self._item()) is not None:
            self._next = self._playout.take(item)
            if isinstance(item, Break):
                self._begin = item.utc
        if self._next is not None:
            self._standing = self._next.sample.utc

    async def _item(self) -> Sample | Break | None:
        """The next item whose mark is known; without marks, the next."""
        assert self._items is not None
        ahead = self._ahead
        if ahead is None:
            async for given in self._items:
                if not isinstance(given, Edge):
                    return given
            return None
        while (found := ahead.take()) is None and not ahead.over:
            following = await anext(self._items, None)
            if following is None:
                ahead.close()
            else:
                ahead.put(following)
        if found is None:
            return None
        item, self._mark = found
        return item

    def _stamp(self) -> Stamp | None:
        return Stamp(self._mark, self._cseq, self._clock.utc()) if self._ahead is not None else None


Delivery = LiveDelivery | StoredDelivery
