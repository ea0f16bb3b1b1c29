"""State as it changes, over one WebSocket: what a page shows without asking again and again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web
from pydantic import TypeAdapter

from device.accounts.role import Role
from device.errors import HoldfastError
from device.waiting import woken
from protocols.http.api import cameras, events, hardware
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.table import Table

TABLE = Table("Live state")

EVERY = 1.0  #: seconds between two looks
EVENTS_WAITING = 200
EVENT = "event"

#: What a topic's data are: as its GET answers.
TOPICS: dict[str, Callable[[House, Caller], Awaitable[Any]]] = {
    "cameras": cameras.cameras_shown,
    "storages": lambda house, _: hardware.storages(house),
    "jobs": events.jobs,
    "active": events.active,
    "poe": lambda house, _: hardware.poe(house),
    "raid": lambda house, _: hardware.raid(house),
    "chassis": lambda house, _: hardware.chassis(house),
}
_ANY: TypeAdapter[Any] = TypeAdapter(Any)


@TABLE.websocket("/api/live", role=Role.VIEWER)
async def live(house: House, caller: Caller, request: web.Request, socket: web.WebSocketResponse) -> None:
    """Each topic as its GET answers, whole, when it has changed; events at once. A client that sends
    `{"topics": [...]}` gets these alone; with none it gets all."""
    wanted = set(TOPICS) | {EVENT}
    anew = asyncio.Event()

    async def topics() -> None:
        sent: dict[str, bytes] = {}
        while True:
            anew.clear()
            now = await house.caller(request, use=False)  # with the rights that it has now
            for topic, look in TOPICS.items():
                if topic not in wanted:
                    sent.pop(topic, None)
                    continue
                try:
                    data = _ANY.dump_json(await look(house, now), by_alias=True)
                except HoldfastError:
                    continue  # it does not answer now: what was said stays, and is asked for again
                if sent.get(topic) != data:
                    sent[topic] = data
                    await socket.send_str(f'{{"topic": "{topic}", "data": {data.decode()}}}')
            await woken(anew, EVERY)

    async def happened() -> None:
        with house.bus.listen(EVENTS_WAITING) as coming:
            async for entry in coming:
                if EVENT in wanted and events.sees(caller, entry):
                    data = events.event_shown(entry).model_dump_json()
                    await socket.send_str(f'{{"topic": "{EVENT}", "data": {data}}}')
                    anew.set()  # most of what happens shows in a topic

    async def hear() -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            asked = _topics(message.data)
            if asked is not None:
                wanted.clear()
                wanted.update(asked)
                anew.set()

    tasks = [asyncio.create_task(each()) for each in (hear, topics, happened)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _topics(text: str) -> set[str] | None:
    """What a client wants; None where it is not understood, and nothing changes."""
    try:
        asked = json.loads(text)["topics"]
        known = {each for each in asked if each in TOPICS or each == EVENT}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return known or set(TOPICS) | {EVENT}
