"""Other volumes while recording goes on: what comes is taken on, what goes is let go of, the rest is not touched.

A stream on a volume that goes is moved at its next key frame, so that it loses nothing where another volume takes it.
What was written before it moved is synced and in the catalogue before the volume is let go of.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Protocol, TypeVar

from device.errors import BadValue
from device.recording.notices import VolumeState
from device.recording.shelf import Shelf, VolumeSettings
from device.recording.shelves import Shelves

MOVE = 10.0  #: seconds that a stream has to come to its next key frame
SYNC = 10.0  #: seconds that a volume which works has to sync what it was given
END = 2.0  #: seconds that each of its threads has to end; one that hangs is left behind
_LOOK = 0.02  #: seconds between looks

T = TypeVar("T")


class Core(Protocol):
    """What an exchange needs of the recorder."""

    def ask(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Do something in the catalogue."""

    def beat(self) -> None:
        """Hand over what came until now."""

    def move(self, shelf: Shelf) -> bool:
        """Have the streams on it go elsewhere from their next key frame on; whether there are any."""

    def leave(self, shelf: Shelf, detail: str) -> None:
        """Have the streams on it leave it now."""


def number_of(c: sqlite3.Connection, settings: VolumeSettings) -> int:
    """The catalogue's id of a volume, which may be new to it."""
    row = settings.uuid, str(settings.path)
    c.execute(
        "INSERT INTO volume(uuid, path) VALUES (?, ?) ON CONFLICT(uuid) DO UPDATE SET path = excluded.path",
        row,
    )
    (number,) = c.execute("SELECT id FROM volume WHERE uuid = ?", (settings.uuid,)).fetchone()
    return int(number)


def require_once(volumes: Sequence[VolumeSettings]) -> None:
    """Raises BadValue where a volume is named twice."""
    if len({each.uuid for each in volumes}) != len(volumes):
        raise BadValue("volumes", "each volume once")


async def exchange(core: Core, shelves: Shelves, volumes: Sequence[VolumeSettings]) -> None:
    """Use these volumes from now on. Returns when those that are not among them are let go of. One exchange at a time.

    Raises BadValue; Fault where the catalogue cannot be written.
    """
    require_once(volumes)
    wanted = {each.uuid: each for each in volumes}
    there = {shelf.settings.uuid for shelf in shelves}
    # What comes first, so that there is somewhere to go to.
    await _take_on(core, shelves, [each for each in volumes if each.uuid not in there])
    going = []
    for shelf in shelves:
        new = wanted.get(shelf.settings.uuid)
        if new is None or new.path != shelf.settings.path:
            going.append(shelf)
        else:
            shelf.settings = new
    for shelf in going:
        await _let_go(core, shelves, shelf)
    there = {shelf.settings.uuid for shelf in shelves}
    await _take_on(core, shelves, [each for each in volumes if each.uuid not in there])


async def _take_on(core: Core, shelves: Shelves, volumes: Sequence[VolumeSettings]) -> None:
    for settings in volumes:
        number = await asyncio.wrap_future(core.ask(partial(number_of, settings=settings)))
        shelves.begin(await asyncio.to_thread(shelves.make, number, settings))


async def _let_go(core: Core, shelves: Shelves, shelf: Shelf) -> None:
    shelf.leaving = True
    if shelves.some_take:
        await wait_while(MOVE, lambda: core.move(shelf))
    core.beat()
    core.leave(shelf, "the storage was taken away")
    # The beats sync it. One that works no more has forfeited what it had.
    await wait_while(SYNC, lambda: shelf.state is VolumeState.OK and (shelf.dirty or shelf.busy))
    shelf.over = True
    await asyncio.to_thread(shelf.end, END)
    shelves.forget(shelf)


async def wait_while(seconds: float, holds: Callable[[], bool]) -> None:
    """Until it holds no more, or that many seconds are over."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + seconds
    while holds() and loop.time() < limit:  # noqa: ASYNC110 - the beats and other threads make an end of it
        await asyncio.sleep(_LOOK)
