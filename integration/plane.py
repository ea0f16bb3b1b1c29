"""What the three planes have in common: the data folder, the identity, the settings, a journal, a socket, the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from device.clock import Clock, SystemClock
from device.events.bus import Bus
from device.events.catalogue import PlaneName, PlaneRestarted
from device.events.journal import Entry, Journal
from device.folder import DataFolder
from device.identity import Identity, identity
from device.media import Utc
from device.planes.leash import Leash
from device.planes.link import Server
from device.planes.messages import Done, Ping, Pong, Shutdown, SubscribeEvents
from device.planes.relay import serve_events
from device.settings.section import Section
from device.settings.store import Store
from device.vault import Vault
from integration.zone import local_zone

JOURNAL_ENTRIES = 100_000  #: kept of each plane
FOLLOW_SECONDS = 0.25  #: between looks for changed settings


@dataclass(frozen=True, slots=True)
class Plane:
    """What a plane works with."""

    name: str
    folder: DataFolder
    clock: Clock
    identity: Identity
    settings: Store
    bus: Bus
    leash: Leash
    server: Server
    stop: asyncio.Event  #: set when the plane is to end
    since: Utc


@contextlib.asynccontextmanager
async def plane(
    name: str, data: Path, leash: Leash, sections: Sequence[type[Section]]
) -> AsyncIterator[Plane]:
    """Open what a plane needs, and answer what every plane answers. The control plane alone writes settings.

    `sections`: those of the settings that it reads; that of the zone is among them.
    """
    folder = DataFolder(data)
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        vault = Vault.at(folder.key)
        store = Store(folder.settings, vault, sections, clock, readonly=name != "control")
        stack.callback(store.close)
        local_zone().follow(store)
        journal = Journal(folder.journal(name), name, clock, keep=JOURNAL_ENTRIES)
        stack.callback(journal.close)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        server = await stack.enter_async_context(Server(folder.socket(name)))
        made = Plane(
            name,
            folder,
            clock,
            identity(folder.identity),
            store,
            Bus(journal, _complain),
            leash,
            server,
            stop,
            clock.utc(),
        )
        _answer(made)
        if leash.restart is not None:
            made.bus.publish(PlaneRestarted(PlaneName(name), leash.restart.reason, leash.restart.count))
        yield made


def _complain(entry: Entry, error: Exception) -> None:
    """A listener failed: a defect of ours, for the system's log."""
    sys.stderr.write(f"{entry.event.name}: a listener failed: {error!r}\n")


def _answer(own: Plane) -> None:
    async def ping(request: Ping) -> Pong:  # noqa: ARG001 - carries nothing
        return Pong(own.name, os.getpid(), own.since)

    async def shutdown(request: Shutdown) -> Done:  # noqa: ARG001 - carries nothing
        own.stop.set()
        return Done()

    own.server.on(Ping, ping)
    own.server.on(Shutdown, shutdown)
    own.server.on_stream(SubscribeEvents, serve_events(own.bus))


async def until(stop: asyncio.Event, *tasks: asyncio.Task[None]) -> None:
    """Wait until the plane is told to stop. A task that ends before is a defect, and ends the plane."""
    waiting = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {waiting}:
            task.result()
    finally:
        for task in (waiting, *tasks):
            task.cancel()
        await asyncio.gather(waiting, *tasks, return_exceptions=True)
