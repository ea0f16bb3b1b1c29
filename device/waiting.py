"""Waiting for something to happen, and not for ever."""

from __future__ import annotations

import asyncio
import contextlib


async def woken(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait until an event is set, at most so many seconds (None: however long); whether it is.

    A task that is cancelled here ends. With `asyncio.wait_for` it might not, on Python 3.11: where the event was set a
    turn of the loop before the cancel, that returned as if nobody had cancelled, and a loop around it went on for ever
    (python/cpython#86296). So nothing in the house calls that one; what is not an event waits in `asyncio.timeout`.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
