"""One feed to many listeners: each sample is made into packets once, and each listener is handed the same
bytes. Pure.

A listener who does not keep up is dropped to the next key frame, and cut when it took nothing for ten
seconds; nobody else notices.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from device.media import Sample
from protocols.rtsp.library import Break, Feed
from protocols.rtsp.sender import Packets, Sender, merged, shape

QUEUE_OCTETS = 4 * 1024 * 1024  #: waiting for one listener
QUEUE_SECONDS = 3.0  #: age of the oldest packet that waits
STALL_SECONDS = 10.0  #: without taking anything, then the listener is cut
CROWD = 8  #: from so many listeners on, what comes is taken several samples at a time, for all planes wake less often
PATIENCE = 0.1  #: seconds: at most so much later for it


class Outlet(Protocol):
    """Where the packets of one session go: the socket's side of a listener."""

    def send(self, batch: list[Packets]) -> bool:
        """Take all of it, at once. False: hand over no more until the listener is told `ready`."""

    def finished(self) -> None:
        """No more will come: the stream ended, or became another."""


class Tamper(Protocol):
    """Faults on demand, for cameras that are not real. A server without it never asks."""

    def status(self, method: str, path: str) -> int | None:
        """A status to answer a request with instead of doing it (401 carries challenges); None lets it
        pass."""

    def packets(self, path: str, packets: Packets) -> Packets | None:
        """What to send to the listeners of `path` in place of `packets`; None for nothing."""


class State(Enum):
    """Of a listener."""

    WAITING = "waiting"  #: for a key frame
    FLOWING = "flowing"
    LEFT = "left"


@dataclass(slots=True)
class Counters:
    """Of one endpoint or one feed."""

    samples: int = 0
    packets: int = 0
    octets: int = 0
    dropped_to_key: int = 0  #: times a listener fell behind and was taken to the next key frame
    cut: int = 0  #: listeners cut off for taking nothing


@dataclass(slots=True, eq=False)
class Listener:
    """The queue between the broadcast and one session."""

    outlet: Outlet
    counters: Counters
    state: State = State.WAITING
    blocked: float | None = None  #: since when the outlet takes nothing
    _queue: deque[tuple[float, Packets]] = field(default_factory=deque)
    _waiting: int = 0  #: octets in the queue

    def offer(self, batch: list[Packets], now: float) -> None:
        """Hand over, or queue, or drop to the next key frame."""
        if self.blocked is None:
            if not self.outlet.send(batch):
                self.blocked = now
            return
        late = self._queue and now - self._queue[0][0] > QUEUE_SECONDS
        size = sum(len(packets.data) for packets in batch)
        if late or self._waiting + size > QUEUE_OCTETS:
            self._queue.clear()
            self._waiting = 0
            self.state = State.WAITING
            self.counters.dropped_to_key += 1
            return
        self._queue += [(now, packets) for packets in batch]
        self._waiting += size

    def ready(self, now: float) -> None:
        """The outlet took everything: give it what waits."""
        self.blocked = None
        batch = [packets for _, packets in self._queue]
        self._queue.clear()
        self._waiting = 0
        if batch and not self.outlet.send(batch):
            self.blocked = now

    def stalled(self, now: float) -> bool:
        """Whether it is time to cut this listener."""
        return self.blocked is not None and now - self.blocked > STALL_SECONDS


@dataclass(slots=True, eq=False, weakref_slot=True)
class Broadcast:
    """Subscribed to its feed while anybody listens; kept, with its sequence numbers, while any session refers
    to it."""

    path: str
    feed: Feed
    sender: Sender
    now: Callable[[], float]
    tamper: Tamper | None
    counters: Counters
    over: bool = False  #: the tracks became others: the next listener begins a new broadcast
    _listeners: list[Listener] = field(default_factory=list)
    _unsubscribe: Callable[[], None] | None = None
    _batch: list[Packets] = field(default_factory=list)  #: made, and not handed over yet
    _starts: bool = False  #: the batch begins with a key frame

    @property
    def watched(self) -> bool:
        """Somebody listens."""
        return bool(self._listeners)

    def join(self, outlet: Outlet) -> Listener:
        """Listen from the next key frame on."""
        listener = Listener(outlet, self.counters)
        self._listeners.append(listener)
        if self._unsubscribe is None:
            self.sender.interrupted()
            self._unsubscribe = self.feed.subscribe(self.take)
        self._settle()
        return listener

    def leave(self, listener: Listener) -> None:
        """Hand over no more. Harmless when called again."""
        if listener.state is State.LEFT:
            return
        listener.state = State.LEFT
        self._listeners.remove(listener)
        if self._listeners:
            self._settle()
        else:
            self._close()

    def _settle(self) -> None:
        self.feed.patient(self.take, PATIENCE if len(self._listeners) >= CROWD else 0)

    def take(self, items: Sequence[Sample | Break]) -> None:
        """What comes next from the feed."""
        now = self.now()
        for item in items:
            if not self.over:
                self._take(item, now)
        self._flush(now)

    def _take(self, item: Sample | Break, now: float) -> None:
        if isinstance(item, Break):
            # Who comes later is described the new tracks: nothing may be left out of them, or moved.
            if shape(item.tracks) != shape(self.sender.tracks) or not self.sender.broke(item):
                self._end("the stream became another")
            return
        starts = item.key and self.sender.video in (None, item.track)
        if not starts and all(listener.state is State.WAITING for listener in self._listeners):
            return  # not made, so that the numbers begin with what the first listener is sent
        packets: Packets | None = self.sender.packets(item, now)
        if packets is not None and self.tamper is not None:
            packets = self.tamper.packets(self.path, packets)
        if packets is None:
            return
        self.counters.samples += 1
        self.counters.packets += len(packets.starts)
        self.counters.octets += len(packets.data)
        if starts:
            self._flush(now)
        if not self._batch:
            self._starts = starts
        self._batch.append(packets)

    def _flush(self, now: float) -> None:
        batch, self._batch = merged(self._batch), []
        if not batch:
            return
        for listener in tuple(self._listeners):
            if listener.state is State.WAITING:
                if not self._starts:
                    continue
                listener.state = State.FLOWING
                listener.offer(self.sender.reports(), now)
            if listener.state is State.FLOWING:
                listener.offer(batch, now)

    def info(self) -> Mapping[int, tuple[int | None, int]]:
        """For each track the sequence number of a new listener's first packet, None where that depends on when the
        next key frame comes, and the RTP time now (RFC 2326 s12.33)."""
        fresh = self._unsubscribe is None and not self.sender.begun
        numbers = {n: self.sender.next_packet(n) for n in range(len(self.sender.tracks))}
        return {n: (sequence if fresh else None, time) for n, (sequence, time) in numbers.items()}

    def _end(self, reason: str) -> None:
        self._flush(self.now())
        farewell = self.sender.goodbye(reason)
        for listener in tuple(self._listeners):
            listener.state = State.LEFT
            listener.outlet.send(farewell)
            listener.outlet.finished()
        self._listeners.clear()
        self.over = True
        self._close()

    def _close(self) -> None:
        self._batch.clear()
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
