"""The machine's network and clock in the control plane: settings are carried out, and what is not obeyed is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device.clock.driver import ClockKept
from device.clock.messages import AskClock, SetClock
from device.events.event import Event
from device.events.machine import ClockSet, ClockSynchronized, MachineObeyed, MachineRefused
from device.folder import DataFolder
from device.identity import identity
from device.media import MICROSECONDS, Utc
from device.network.driver import NetworkUnavailable
from device.network.messages import AskNetwork
from device.planes.leash import Leash
from device.planes.link import Client
from device.settings.clock import DateAndTime
from device.settings.network import Network
from device.settings.sections import SECTIONS
from integration.machine import ClockFollows, MachinePlane
from integration.plane import Plane, plane
from integration.zone import local_zone

WHEN = Utc(1_795_888_800 * MICROSECONDS)  #: 2026-11-28 18:00 UTC


@dataclass
class Rig:
    """A control plane with a machine, and nothing else."""

    own: Plane
    machine: MachinePlane
    client: Client
    told: list[Event]

    async def until(self, so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + 60
        while not so():
            assert time.monotonic() < deadline, self.told
            await asyncio.sleep(0.02)

    def said(self, kind: type[Event]) -> int:
        """How many events of that kind were told."""
        return sum(isinstance(each, kind) for each in self.told)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    folder = DataFolder(tmp_path / "data")
    folder.make()
    identity(folder.identity)
    async with plane("control", folder.path, Leash(None, None), SECTIONS) as own:
        machine, told = MachinePlane(own), list[Event]()
        machine.answer(own.server)
        own.bus.subscribe(lambda entry: told.append(entry.event))
        running = asyncio.create_task(machine.run())
        async with Client(folder.socket("control"), within=30.0) as client:
            yield Rig(own, machine, client, told)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        own.settings.patch(DateAndTime, {"zone": ""}, by="test")
        local_zone().follow(own.settings)


async def test_what_the_system_keeps_is_read_and_not_set(rig: Rig) -> None:
    shown = await rig.client.call(AskNetwork())
    assert (shown.keeper, shown.fault) == ("system", "")
    assert shown.hostname
    assert not rig.machine.settable
    with pytest.raises(ClockKept):
        await rig.client.call(SetClock(WHEN, "ada"))
    assert rig.said(ClockSet) == 0


@pytest.mark.proves("M-143")
async def test_the_clock_is_set_by_hand_only_while_no_server_sets_it(rig: Rig) -> None:
    rig.own.settings.patch(Network, {"keeper": "simulated"}, by="ada")
    await rig.machine.change_clock({"keeper": "simulated"}, by="ada")
    await rig.until(lambda: rig.said(ClockSynchronized) > 0)
    with pytest.raises(ClockFollows):
        await rig.client.call(SetClock(WHEN, "ada"))
    await rig.machine.change_clock({"synchronized": False}, by="ada")
    await rig.client.call(SetClock(WHEN, "ada"))
    shown = await rig.client.call(AskClock())
    assert 0 <= shown.now - WHEN < 60 * MICROSECONDS
    assert shown.server == ""
    assert abs(rig.own.clock.utc() - WHEN) > 60 * MICROSECONDS, "recordings go by the machine's own clock"
    assert [each for each in rig.told if isinstance(each, ClockSet)] == [ClockSet(WHEN, "ada")]
    before = rig.said(ClockSynchronized)
    await rig.machine.change_clock({"synchronized": True}, by="ada")
    assert rig.said(ClockSynchronized) == before + 1
    assert (await rig.client.call(AskClock())).server == "192.0.2.1"


async def test_a_machine_that_does_not_obey_is_told_and_asked_again(rig: Rig) -> None:
    with pytest.raises(NetworkUnavailable):
        await rig.machine.change_network({"keeper": "kernel", "interface": "none0"}, by="ada")
    assert "no DHCP" in (await rig.client.call(AskNetwork())).fault
    assert rig.said(MachineRefused) == 1, "once, however often it is asked"
    await rig.machine.change_network({"keeper": "simulated"}, by="ada")
    assert rig.said(MachineObeyed) == 1
    assert (await rig.client.call(AskNetwork())).fault == ""


async def test_a_change_of_the_settings_alone_is_carried_out_too(rig: Rig) -> None:
    rig.own.settings.patch(
        Network, {"keeper": "simulated", "hostname": "nvr-9", "hostname_automatic": False}, by="ada"
    )
    async with asyncio.timeout(60):
        while (shown := await rig.client.call(AskNetwork())).hostname != "nvr-9":  # noqa: ASYNC110 - nothing is told
            await asyncio.sleep(0.02)
    assert shown.ntp == ("192.0.2.1",)


async def test_the_zone_of_the_settings_is_the_recorders_at_once(rig: Rig) -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    zone = local_zone()
    for text, name, rule in (
        ("Asia/Tokyo", "Asia/Tokyo", "JST-9"),
        ("EST5EDT,M3.2.0,M11.1.0", "America/Detroit", "EST5EDT,M3.2.0,M11.1.0"),
    ):
        await rig.machine.change_clock({"zone": text}, by="ada")
        told = await rig.client.call(AskClock())
        assert told.posix == rule
        assert str(zone) == told.zone
        assert noon.astimezone(zone).utcoffset() == noon.astimezone(ZoneInfo(name)).utcoffset()
