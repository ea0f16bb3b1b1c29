"""Factory default (M-061 to M-068): the recorder as it was delivered, by the control button or on somebody's word.

What people have set goes: settings with their history, accounts, what managers have written, the password of the
encrypted array. What is recorded stays, and so does who this recorder is, and what its box is made of. It is done
while the recorder runs, and done again at the next start where the power went in between.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from device import durable
from device.chassis.lights import Phase
from device.errors import HoldfastError
from device.planes.link import Server
from device.planes.messages import Done, FactoryReset
from device.raid.errors import Busy
from device.raid.raid import Raid
from device.settings.section import Scope
from integration.chassis import ChassisPlane
from integration.plane import Plane
from integration.raid import RaidPlane
from integration.setup import first_storage

PLAYING_SECONDS = 30.0  #: that those who watch have to let go of an encrypted array
RETRY_SECONDS = 0.5


class FactoryDefault:
    """Resets the recorder, once at a time."""

    def __init__(
        self, own: Plane, raid: RaidPlane, chassis: ChassisPlane, forget: Sequence[Callable[[], None]]
    ) -> None:
        """`forget`: of the rooms that keep what people have set elsewhere than in the settings. Each can be called
        again."""
        self._own = own
        self._raid = raid
        self._chassis = chassis
        self._forget = forget
        self._task: asyncio.Task[None] | None = None

    def answer(self, server: Server) -> None:
        """Let `server` begin it."""

        async def reset(request: FactoryReset) -> Done:
            self.begin(request.by)
            return Done()

        server.on(FactoryReset, reset)

    def begin(self, by: str) -> None:
        """Begin, unless it is under way."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._reset(by), name="factory default")

    async def finish(self) -> None:
        """Do to its end what the last run of the recorder has begun. Raises OSError, StorageFault."""
        mark = self._own.folder.resetting
        if mark.exists():
            await self._reset(await asyncio.to_thread(mark.read_text))

    async def _reset(self, by: str) -> None:
        """The status light is amber meanwhile, and green when it is done (M-065)."""
        own = self._own
        before, self._chassis.phase = self._chassis.phase, Phase.STARTING
        await asyncio.to_thread(durable.create, own.folder.resetting, by.encode())
        raid = self._raid.raid
        if raid is not None:
            await _lock_up(raid)
        for forget in self._forget:
            forget()
        own.settings.reset(Scope.FACTORY, by=by)
        if raid is None:
            first_storage(own.folder, own.settings, own.identity)
        else:
            with contextlib.suppress(HoldfastError):  # what is wrong with it, its state tells
                await raid.use_anew()
        await asyncio.to_thread(durable.remove, own.folder.resetting)
        self._chassis.phase = before


async def _lock_up(raid: Raid) -> None:
    """A recorder whose array cannot be closed is reset all the same: its password is forgotten."""
    limit = asyncio.get_running_loop().time() + PLAYING_SECONDS
    with contextlib.suppress(HoldfastError):
        while True:
            try:
                await raid.lock_up()
            except Busy:
                if asyncio.get_running_loop().time() > limit:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return
