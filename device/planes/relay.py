"""Events between the planes: a plane serves its journal, and the control plane takes in every entry exactly
once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from device.errors import HoldfastError
from device.events.bus import Bus
from device.events.event import dump, load
from device.events.journal import Entry
from device.planes.link import Client, Outlet
from device.planes.messages import EventItem, SubscribeEvents
from device.records import BadRecord

_BATCH = 500  # entries read at once
_PAUSE = 1.0  # seconds after a stream broke, or a write failed


def serve_events(bus: Bus) -> Callable[[SubscribeEvents, Outlet], Awaitable[None]]:
    """The handler of SubscribeEvents: what is durable in the bus's journal, and then what becomes so."""
    journal = bus.journal

    async def serve(request: SubscribeEvents, outlet: Outlet) -> None:
        after = request.after if request.origin == journal.origin else 0
        with bus.listen(1) as news:
            while True:
                said = journal.last
                try:
                    await asyncio.wrap_future(journal.flush())
                except HoldfastError:
                    await asyncio.sleep(_PAUSE)
                    continue
                entries = journal.since(after, _BATCH)
                for entry in entries:
                    await outlet.send(_item(entry))
                    after = entry.seq
                # Waiting is safe only if nothing was said since the flush: what comes later wakes us.
                if journal.last == said and len(entries) < _BATCH:
                    await anext(news)

    return serve


def _item(entry: Entry) -> EventItem:
    event = dump(entry.event)
    return EventItem(entry.seq, entry.utc, entry.origin, entry.origin_seq, entry.raised, event)


async def adopt_events(plane: str, client: Client, bus: Bus) -> None:
    """Take a plane's events into this bus and its journal, until cancelled, through restarts of either."""
    while True:
        origin, after = bus.journal.adopted(plane)
        with contextlib.suppress(HoldfastError):
            async with client.stream(SubscribeEvents(origin, after)) as items:
                async for item in items:
                    with contextlib.suppress(BadRecord):  # of a newer version than ours
                        bus.adopt(item.utc, item.origin, item.origin_seq, load(item.event))
        await asyncio.sleep(_PAUSE)
