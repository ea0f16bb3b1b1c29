"""Who says something publishes it here; who wants to know subscribes here. One bus in each plane."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from device.events.event import Event
from device.events.journal import Entry, Journal
from device.media import Utc


class Bus:
    """Enters what is published into the journal and hands it on, in the loop's thread, in order.

    From another thread: `loop.call_soon_threadsafe(bus.publish, event)`.
    """

    def __init__(self, journal: Journal, on_fault: Callable[[Entry, Exception], None]) -> None:
        """`on_fault` is told when a listener raises; nobody else notices."""
        self.journal = journal
        self._on_fault = on_fault
        self._listeners: list[Callable[[Entry], None]] = []
        self._waiting: deque[Entry] = deque()
        self._busy = False

    def publish(self, event: Event) -> Entry | None:
        """Say something, now. None where it says nothing new (see `Journal.append`)."""
        entry = self.journal.append(event)
        if entry is not None:
            self._hand_on(entry)
        return entry

    def adopt(self, utc: Utc, origin: str, origin_seq: int, event: Event) -> Entry | None:
        """Say what another plane has said, at its time. None where that was said before."""
        entry = self.journal.adopt(utc, origin, origin_seq, event)
        if entry is not None:
            self._hand_on(entry)
        return entry

    def _hand_on(self, entry: Entry) -> None:
        self._waiting.append(entry)
        if (
            self._busy
        ):  # a listener publishes: the others get its event after the one that they are being told
            return
        self._busy = True
        try:
            while self._waiting:
                entry = self._waiting.popleft()
                for listener in list(self._listeners):
                    try:
                        listener(entry)
                    except Exception as error:  # noqa: BLE001 - one who listens must not break the one who speaks
                        self._on_fault(entry, error)
        finally:
            self._busy = False

    def subscribe(self, listener: Callable[[Entry], None]) -> Callable[[], None]:
        """Call `listener` with every entry from now on; returns what ends it."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    @contextmanager
    def listen(self, room: int) -> Iterator[Subscription]:
        """Entries from now on as an asynchronous iterator, of which at most `room` wait."""
        subscription = Subscription(room)
        end = self.subscribe(subscription._take)
        try:
            yield subscription
        finally:
            end()


class Subscription:
    """Entries for one who takes his time. When too many wait the oldest is dropped and counted: he may look
    it up in the journal."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._waiting: deque[Entry] = deque()
        self._some = asyncio.Event()
        self.dropped = 0

    def _take(self, entry: Entry) -> None:
        if len(self._waiting) >= self._room:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(entry)
        self._some.set()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Entry:
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        return self._waiting.popleft()
