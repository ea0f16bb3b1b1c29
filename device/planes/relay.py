"""Events between the planes: a plane serves its journal, and the control plane takes in every entry exactly
once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from device.errors import HoldfastError
from device.events.bus import Bus
from device.events.event import dump, load
from device.events.follow import durable
from device.events.journal import Entry
from device.planes.link import Client, Outlet
from device.planes.messages import EventItem, SubscribeEvents
from device.records import BadRecord

_PAUSE = 1.0  # seconds after a stream broke


def serve_events(bus: Bus) -> Callable[[SubscribeEvents, Outlet], Awaitable[None]]:
    """The handler of SubscribeEvents: what is durable in the bus's journal, and then what becomes so."""

    async def serve(request: SubscribeEvents, outlet: Outlet) -> None:
        after = request.after if request.origin == bus.journal.origin else 0
        async for entries in durable(bus, after):
            for entry in entries:
                await outlet.send(_item(entry))

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
