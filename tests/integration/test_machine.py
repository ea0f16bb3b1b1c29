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
from device.events.machine import (
    ClockSet,
    ClockSynchronized,
    MachineObeyed,
    MachineRefused,
    NetworkKept,
    NetworkTakenBack,
    NetworkTried,
    Why,
)
from device.folder import DataFolder
from device.identity import identity
from device.media import MICROSECONDS, Utc
from device.network.driver import NetworkUnavailable
from device.network.messages import AskNetwork
from device.network.trial import NothingTried, NotNewer, Phase, Trial
from device.planes.leash import Leash
from device.planes.link import Client
from device.settings.clock import DateAndTime
from device.settings.network import Network
from device.settings.sections import SECTIONS
from device.settings.store import Changed
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
    connections: list[object]  #: those that are open now

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
        connections, told = list[object](), list[Event]()
        machine = MachinePlane(own, lambda: list(connections))
        machine.answer(own.server)
        own.bus.subscribe(lambda entry: told.append(entry.event))
        running = [asyncio.create_task(each) for each in (machine.trial.run(), machine.run())]
        async with Client(folder.socket("control"), within=30.0) as client:
            yield Rig(own, machine, client, told, connections)
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
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


# --------------------------------------------------------------------------------------- what is tried

OLD, NEW = object(), object()  #: connections: one from before a change, and one that came after it
MOVED = {"ipv4": "manual", "ipv4_address": "192.0.2.44"}


def tried(rig: Rig, **values: object) -> Changed:
    """Change the network as the API does."""
    patch = rig.own.settings.patch
    return rig.machine.trial.change(Network, lambda: patch(Network, values, by="ada"))


async def begin(rig: Rig, *, confirm: int, **values: object) -> None:
    """Try another address, over a simulated network; it is applied when this returns."""
    rig.own.settings.patch(Network, {"keeper": "simulated", "confirm": confirm}, by="ada")
    rig.connections[:] = [OLD]
    tried(rig, **(values or MOVED))
    await rig.until(lambda: rig.machine.trial.shown().state is not Phase.TRIED or _applied(rig))


def _applied(rig: Rig) -> bool:
    """Whether a connection from before is refused for that, and no more for being too early."""
    with pytest.raises(NotNewer) as refused:
        rig.machine.trial.keep(OLD, by="ada")
    return "was there before" in str(refused.value)


async def addresses(rig: Rig) -> set[str]:
    """As the machine has them."""
    return {each.ip for each in (await rig.client.call(AskNetwork())).interfaces[0].addresses}


async def test_a_change_that_nobody_confirms_takes_itself_back(rig: Rig) -> None:
    before = rig.own.settings.get(Network).model_dump(exclude={"keeper", "confirm"})
    await begin(rig, confirm=1)
    await rig.until(lambda: rig.machine.trial.shown().state is Phase.TAKEN_BACK)
    assert rig.machine.trial.shown().why is Why.EXPIRED
    assert rig.own.settings.get(Network).model_dump(exclude={"keeper", "confirm"}) == before
    async with asyncio.timeout(60):
        while await addresses(rig) & {"192.0.2.44"}:  # noqa: ASYNC110 - nothing is told
            await asyncio.sleep(0.02)
    assert not rig.own.folder.network_trial.exists()
    assert [type(each) for each in rig.told if each.name.startswith("network.")] == [
        NetworkTried,
        NetworkTakenBack,
    ]


async def test_it_is_confirmed_by_a_connection_that_came_after_it_and_by_no_other(rig: Rig) -> None:
    trial = rig.machine.trial
    with pytest.raises(NothingTried):
        trial.keep(NEW, by="ada")
    await begin(rig, confirm=600)
    assert await addresses(rig) >= {"192.0.2.44"}
    shown = trial.shown()
    assert (shown.addresses, shown.by) == (("192.0.2.44",), "ada")
    assert shown.left is not None
    assert 0 < shown.left <= 600
    with pytest.raises(NotNewer, match="before the change"):
        trial.keep(OLD, by="ada")
    assert trial.keep(NEW, by="bo").state is Phase.KEPT
    assert [each for each in rig.told if isinstance(each, NetworkKept)] == [NetworkKept("bo")]
    assert rig.own.settings.get(Network).ipv4_address == "192.0.2.44"
    assert not rig.own.folder.network_trial.exists()
    with pytest.raises(NothingTried):
        trial.take_back(by="ada")


async def test_what_is_changed_meanwhile_is_taken_back_with_it(rig: Rig) -> None:
    await begin(rig, confirm=600)
    tried(rig, ipv4_address="192.0.2.45", hostname="nvr-7")
    assert rig.machine.trial.shown().addresses == ("192.0.2.45",)
    await rig.until(lambda: _applied(rig))
    assert rig.machine.trial.take_back(by="bo").why is Why.ASKED
    now = rig.own.settings.get(Network)
    assert (now.ipv4.value, now.ipv4_address) == ("automatic", "")
    assert now.hostname == "nvr-7", "a name cuts nobody off"
    await begin(rig, confirm=600)
    tried(rig, ipv4="automatic", ipv4_address=None)
    assert rig.machine.trial.shown().state is Phase.TAKEN_BACK, "it is as it was"


async def test_what_cuts_nobody_off_and_what_does_nothing_holds_at_once(rig: Rig) -> None:
    trial = rig.machine.trial
    tried(rig, **MOVED)
    assert trial.shown().state is Phase.NONE, "somebody else sets the network up"
    rig.own.settings.patch(Network, {"keeper": "simulated"}, by="ada")
    tried(rig, hostname="nvr-8", dns_automatic=False)
    assert trial.shown().state is Phase.NONE
    tried(rig, confirm=0, ipv4_address="192.0.2.46")
    assert trial.shown().state is Phase.NONE
    assert not rig.own.folder.network_trial.exists()


async def test_a_change_by_a_wire_without_a_confirmation_holds_and_what_was_tried_with_it(rig: Rig) -> None:
    await begin(rig, confirm=600)
    await rig.machine.change_network({"ipv4_router": "192.0.2.2"}, by="vms")
    assert (rig.machine.trial.shown().state, rig.machine.trial.shown().by) == (Phase.KEPT, "vms")
    assert rig.own.settings.get(Network).ipv4_address == "192.0.2.44"


async def test_what_the_machine_does_not_take_is_taken_back_at_once(rig: Rig) -> None:
    await begin(rig, confirm=600, keeper="kernel", interface="none0")
    await rig.until(lambda: rig.machine.trial.shown().state is Phase.TAKEN_BACK)
    assert rig.machine.trial.shown().why is Why.REFUSED
    assert rig.own.settings.get(Network).keeper.value == "simulated"
    await rig.until(lambda: rig.said(MachineObeyed) == rig.said(MachineRefused))


async def test_what_was_tried_when_the_recorder_ended_is_taken_back_when_it_starts(rig: Rig) -> None:
    await begin(rig, confirm=600)
    left = rig.own.folder.network_trial.read_bytes()
    rig.machine.trial.keep(NEW, by="ada")
    rig.own.folder.network_trial.write_bytes(left)  # as a recorder leaves it that was killed instead

    async def nothing() -> None:
        pass

    store = rig.own.settings
    trial = Trial(rig.own.folder.network_trial, store, rig.own.bus.publish, nothing, list)
    running = asyncio.create_task(trial.run())
    await rig.until(lambda: trial.shown().state is Phase.TAKEN_BACK)
    assert trial.shown().why is Why.RESTARTED
    assert store.get(Network).ipv4_address == ""
    assert not rig.own.folder.network_trial.exists()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
