"""Whoever is cancelled while he waits ends, whatever else happens in that moment."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable

import pytest

from device.waiting import woken

Wait = Callable[[asyncio.Event], Awaitable[object]]
LONG = 60.0
TURNS = range(5)  #: of the loop, between the event and the cancel


async def outlived(wait: Wait, turns: int) -> bool:
    """Whether a task that waits again and again goes on although it was cancelled, so many turns of the loop after it
    was woken."""
    event = asyncio.Event()

    async def work() -> None:
        while True:
            await wait(event)
            event.clear()

    task = asyncio.create_task(work())
    for _ in range(10):  # it waits
        await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    if task.done():
        return False
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return True


@pytest.mark.parametrize("seconds", [LONG, None])
@pytest.mark.parametrize("turns", TURNS)
async def test_a_cancel_ends_who_is_woken_at_the_same_time(turns: int, seconds: float | None) -> None:
    assert not await outlived(lambda event: woken(event, seconds), turns)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="wait_for was mended there")
async def test_the_way_that_the_linter_forbids_loses_a_cancel() -> None:
    assert any([await outlived(lambda event: asyncio.wait_for(event.wait(), LONG), turns) for turns in TURNS])


async def test_it_tells_whether_the_event_was_set() -> None:
    event = asyncio.Event()
    assert not await woken(event, 0)
    assert not await woken(event, 0.001)
    waiting = asyncio.create_task(woken(event, LONG))
    await asyncio.sleep(0)
    event.set()
    assert await waiting
    assert await woken(event, 0)
