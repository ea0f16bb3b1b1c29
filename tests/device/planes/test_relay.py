"""Events on their way from one plane to another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device.events.bus import Bus
from device.events.catalogue import ClockStepped
from device.events.journal import Journal
from device.planes import relay
from device.planes.link import Client, Server
from device.planes.messages import SubscribeEvents
from device.planes.relay import adopt_events, serve_events
from tests.device.clock.simulated import SimulatedClock


def bus(path: Path, plane: str) -> Bus:
    return Bus(Journal(path, plane, SimulatedClock(), keep=10_000), lambda _, error: pytest.fail(str(error)))


@asynccontextmanager
async def serving(socket: Path, bus: Bus) -> AsyncIterator[None]:
    async with Server(socket) as server:
        server.on_stream(SubscribeEvents, serve_events(bus))
        yield


async def reach(bus: Bus, last: int) -> None:
    async with asyncio.timeout(20):
        while bus.journal.last < last:  # noqa: ASYNC110 - what is looked at is a number
            await asyncio.sleep(0.01)


async def test_every_event_arrives_once_through_restarts_of_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_PAUSE", 0.02)
    socket = tmp_path / "r.sock"
    recording, control = bus(tmp_path / "r.db", "recording"), bus(tmp_path / "c.db", "control")
    said = 0

    def say(count: int) -> None:
        nonlocal said
        for _ in range(count):
            recording.publish(ClockStepped(float(said)))
            said += 1

    say(700)  # more than one batch, before anybody listens
    adopting = asyncio.create_task(adopt_events("recording", Client(socket, within=5.0), control))
    async with serving(socket, recording):
        await reach(control, 700)
        say(3)
        await reach(control, 703)
    say(5)  # while the link is down
    async with serving(socket, recording):
        await reach(control, 708)
        adopting.cancel()
        control.journal.close()
        say(4)  # while the control plane is down
        control = bus(tmp_path / "c.db", "control")
        adopting = asyncio.create_task(adopt_events("recording", Client(socket, within=5.0), control))
        await reach(control, 712)
        adopting.cancel()
    await asyncio.wrap_future(control.journal.flush())
    steps = [
        entry.event.step for entry in control.journal.since(0, 9999) if isinstance(entry.event, ClockStepped)
    ]
    assert steps == [float(n) for n in range(712)]
    recording.journal.close()
    control.journal.close()


async def test_a_journal_that_was_made_anew_is_adopted_from_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_PAUSE", 0.02)
    socket = tmp_path / "r.sock"
    control = bus(tmp_path / "c.db", "control")
    adopting = asyncio.create_task(adopt_events("recording", Client(socket, within=5.0), control))
    for n in (5, 3):
        recording = bus(tmp_path / f"r{n}.db", "recording")
        for _ in range(n):
            recording.publish(ClockStepped(1.0))
        before = control.journal.last
        async with serving(socket, recording):
            await reach(control, before + n)
        recording.journal.close()
    adopting.cancel()
    assert control.journal.last == 8
    control.journal.close()
