"""Hardware that the settings name: what governs it runs as long as they do, and is made anew when they name another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

from device.settings.store import Changed, Store

#: The work to do while the context lasts, None: there is no such hardware. Work that ends is begun anew.
Governing = AbstractAsyncContextManager[Coroutine[Any, Any, None] | None]


async def governed(store: Store, renews: Callable[[Changed], bool], begin: Callable[[], Governing]) -> None:
    """For ever: do the work that `begin` gives, and begin again after a change of which `renews` says so.

    Raises what the work raises.
    """
    again = asyncio.Event()

    def changed(change: Changed) -> None:
        if renews(change):
            again.set()

    end = store.subscribe(changed)
    try:
        while True:
            again.clear()
            async with begin() as work:
                tasks: list[asyncio.Task[object]] = [asyncio.create_task(again.wait())]
                if work is not None:
                    tasks.append(asyncio.create_task(work))
                try:
                    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        end()
