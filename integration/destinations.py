"""Destinations that the settings name: each is served as long as it stands there, undisturbed by changes of others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from device.outbox.outbox import Outbox
from device.settings.section import Section
from device.settings.store import Changed, Store

S = TypeVar("S", bound=Section)


async def serve_each(
    store: Store,
    outbox: Outbox,
    kind: type[S],
    prefix: str,
    wanted: Callable[[S], bool],
    serve: Callable[[str, S], Coroutine[Any, Any, None]],
) -> None:
    """For ever: do `serve(key, entry)` for each wanted entry of a collection, anew after each change of it. What waits
    in the outbox for one that is not wanted any more is forgotten; its box is called prefix and key. Raises what
    `serve` raises."""
    again = asyncio.Event()
    touched: set[str] = set()

    def changed(change: Changed) -> None:
        if change.section == kind.about.section:
            touched.add(change.key)
            again.set()

    serving: dict[str, asyncio.Task[None]] = {}
    end = store.subscribe(changed)
    try:
        while True:
            again.clear()
            gone = touched & serving.keys()
            touched.clear()
            await _cancelled([serving.pop(key) for key in gone])
            entries = {key: each for key, each in store.entries(kind).items() if wanted(each)}
            for name in outbox.known():
                if name.startswith(prefix) and name.removeprefix(prefix) not in entries:
                    outbox.forget(name)
            for key, entry in entries.items():
                if key not in serving:
                    serving[key] = asyncio.create_task(serve(key, entry), name=f"{prefix}{key}")
            waiting: asyncio.Task[Any] = asyncio.create_task(again.wait())
            tasks = [waiting, *serving.values()]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            for task in done:
                task.result()  # one that delivers for ever and ended is a defect
    finally:
        end()
        await _cancelled(list(serving.values()))


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
