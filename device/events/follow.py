"""Reading along in a journal, from any of its entries on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from device.errors import HoldfastError
from device.events.bus import Bus
from device.events.journal import Entry

_BATCH = 500  # entries read at once
_PAUSE = 1.0  # seconds after a write failed


async def durable(bus: Bus, after: int) -> AsyncIterator[list[Entry]]:
    """The entries of the bus's journal after a number, some at a time and none of them empty, and then what is added,
    as it becomes durable; for ever."""
    journal = bus.journal
    with bus.listen(1) as news:
        while True:
            said = journal.last
            try:
                await asyncio.wrap_future(journal.flush())
            except HoldfastError:
                await asyncio.sleep(_PAUSE)
                continue
            entries = journal.since(after, _BATCH)
            if entries:
                yield entries
                after = entries[-1].seq
            # Waiting is safe only if nothing was said since the flush: what comes later wakes us.
            if journal.last == said and len(entries) < _BATCH:
                await anext(news)
