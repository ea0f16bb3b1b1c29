"""Events into a box: each exactly once, through any restart.

The box keeps, in one commit with the letters, which event they were made of. At the next start the journal is read from
there on, so that what was said and had not become a letter when the power went does so now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from device.errors import HoldfastError
from device.events.bus import Bus
from device.events.journal import Entry
from device.outbox.outbox import Box, Draft

_BATCH = 500  # entries read at once
_PAUSE = 1.0  # seconds after the journal could not be written

Write = Callable[
    [Entry], Sequence[Draft]
]  #: what leaves on account of an event; nothing, where it is no matter


def judged(bus: Bus, box: Box) -> None:
    """All that was said until now has been judged: whoever feeds the box next, by other rules, begins behind it."""
    box.put((), mark=f"{bus.journal.origin}:{bus.journal.last}")


async def feed(bus: Bus, box: Box, write: Write) -> Callable[[], None]:
    """Turn events into letters from now on, and those first that the box has missed; returns what ends it.

    A box that is new begins with the next event. So does one whose journal was made anew meanwhile.
    """
    journal = bus.journal
    held: list[Entry] = []
    caught_up = False

    def enter(entry: Entry) -> None:
        if drafts := write(entry):
            box.put(drafts, mark=mark(entry.seq))

    def mark(seq: int) -> str:
        return f"{journal.origin}:{seq}"

    def heard(entry: Entry) -> None:
        if caught_up:
            enter(entry)
        else:
            held.append(entry)

    origin, _, known = box.mark.rpartition(":")
    after = int(known) if origin == journal.origin else journal.last
    if origin != journal.origin:
        box.put((), mark=mark(after))
    end = bus.subscribe(heard)
    try:
        while journal.durable < journal.last or after < journal.durable:
            try:
                await asyncio.wrap_future(journal.flush())
            except HoldfastError:
                await asyncio.sleep(_PAUSE)
                continue
            entries = journal.since(after, _BATCH)
            for entry in entries:
                enter(entry)
            after = entries[-1].seq if entries else journal.durable
            await asyncio.sleep(0)  # a long outage leaves much to read: others go on meanwhile
    except BaseException:
        end()
        raise
    for entry in held:
        if entry.seq > after:
            enter(entry)
    caught_up = True
    return end
