"""What becomes of a port from reading to reading, on simulated hardware of both kinds."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from device.errors import NotFound
from device.events.hardware import (
    BudgetChanged,
    LinkDown,
    LinkUp,
    PortDenied,
    PortFault,
    PortPowered,
    PortUnpowered,
)
from device.poe.budget import Cause, Priority
from device.poe.errors import NothingToCycle, PortProtected, TooSoon
from device.poe.port import Mode, PortRules, State, Trouble
from device.poe.ports import RETRY_FIRST, Ports
from device.poe.power import sourced, watts
from device.poe.simulated import Ailment
from device.settings.ports import Poe
from tests.device.poe.material import RULES, Bench, device, rules

BOTH_KINDS = pytest.mark.parametrize("autonomous", [False, True], ids=["asks first", "autonomous"])


# --- power by class ---


@pytest.mark.proves("M-040", "M-046")
async def test_a_port_reserves_by_class_however_little_its_device_draws() -> None:
    bench = Bench()
    bench.hardware.plug(3, device(3, draw=0.5))
    await bench.settle()
    port = bench.port(3)
    assert (port.state, port.reserved, port.reading.drawn) == (State.POWERED, watts(15.5), watts(0.5))


@BOTH_KINDS
@pytest.mark.proves("M-041", "M-042", "M-047", "M-048", "M-049")
async def test_the_manuals_example_and_one_device_too_many(autonomous: bool) -> None:
    bench = Bench(autonomous=autonomous)
    for number in range(1, 10):
        bench.hardware.plug(number, device(4, draw=15))
    for number in (10, 11):
        bench.hardware.plug(number, device(3, draw=7.5))
    await bench.settle()
    status = bench.core.status(bench.now)
    assert bench.states(range(1, 12)) == [State.POWERED] * 11
    assert (status.reserved, status.drawn) == (watts(301), watts(150))
    assert not status.exceeded
    bench.kinds()
    bench.hardware.plug(12, device(4))
    await bench.settle()
    assert bench.states(range(1, 13)) == [State.POWERED] * 11 + [State.DENIED]
    assert bench.port(12).reason == "needs 30 W, 4 W left"
    assert bench.core.status(bench.now).exceeded
    assert not bench.powered.get(12, False)
    assert "poe.port-denied" in bench.kinds()


async def test_hardware_that_asks_first_never_powers_what_does_not_fit() -> None:
    bench = Bench(rules(30))
    bench.hardware.plug(1, device(4))
    bench.hardware.plug(2, device(1))
    await bench.settle()
    assert bench.powered == {1: True}


async def test_a_device_that_asks_for_less_by_lldp_leaves_the_rest_to_others() -> None:
    bench = Bench(rules(45))
    bench.hardware.plug(1, device(4))
    bench.hardware.plug(2, device(4))
    await bench.settle()
    assert bench.states((1, 2)) == [State.POWERED, State.DENIED]
    bench.hardware.request(1, watts(12))
    await bench.settle()
    assert bench.port(1).reserved == sourced(watts(12), 50, 12.5)
    assert bench.states((1, 2)) == [State.POWERED, State.POWERED]


async def test_without_negotiation_the_class_alone_counts() -> None:
    bench = Bench(replace(RULES, lldp=False))
    bench.hardware.plug(1, device(4))
    bench.hardware.request(1, watts(12))
    await bench.settle()
    assert bench.port(1).reserved == watts(30)


# --- plugging and unplugging ---


@BOTH_KINDS
async def test_a_device_comes_and_goes_and_its_reservation_with_it(autonomous: bool) -> None:
    bench = Bench(autonomous=autonomous)
    await bench.settle()
    bench.hardware.plug(5, device(3, "Gate"))
    await bench.settle()
    assert PortPowered(5, 3, 15.5, "Gate") in bench.events or autonomous
    assert LinkUp(5, 100) in bench.events
    bench.hardware.unplug(5)
    await bench.settle()
    assert bench.port(5).state is State.EMPTY
    assert bench.core.status(bench.now).reserved == 0
    assert PortUnpowered(5, "empty") in bench.events
    assert LinkDown(5) in bench.events


@BOTH_KINDS
async def test_what_was_denied_is_powered_as_soon_as_there_is_room(autonomous: bool) -> None:
    bench = Bench(rules(40), autonomous=autonomous)
    bench.hardware.plug(1, device(4))
    await bench.settle()
    bench.hardware.plug(2, device(4))
    await bench.settle()
    assert bench.states((1, 2)) == [State.POWERED, State.DENIED]
    bench.hardware.unplug(1)
    await bench.settle()
    await bench.settle()
    assert bench.states((1, 2)) == [State.EMPTY, State.POWERED]
    assert bench.core.status(bench.now).reserved == watts(30)


async def test_a_denied_device_that_is_taken_away_is_denied_no_more() -> None:
    bench = Bench(rules(10))
    bench.hardware.plug(2, device(4))
    await bench.settle()
    bench.hardware.unplug(2)
    await bench.settle()
    assert bench.port(2).state is State.EMPTY
    assert not bench.core.status(bench.now).exceeded


# --- a restart of the recorder ---


@BOTH_KINDS
async def test_a_restart_of_the_recorder_interrupts_no_device(autonomous: bool) -> None:
    bench = Bench(rules(60), autonomous=autonomous)
    for number in (1, 2, 3):
        bench.hardware.plug(number, device(4))
        await bench.settle()
    assert bench.states((1, 2, 3)) == [State.POWERED, State.POWERED, State.DENIED]
    bench.core = Ports(bench.rules, autonomous=autonomous)
    bench.powered.clear()
    events = await bench.look()
    await bench.settle()
    assert not bench.powered.keys() & {1, 2}
    assert [each.name for each in events if each.name in ("poe.port-powered", "port.link-up")] == []
    assert bench.states((1, 2)) == [State.POWERED, State.POWERED]


# --- modes ---


@pytest.mark.proves("M-172")
async def test_power_and_ethernet_gives_both() -> None:
    bench = Bench(rules(p1=PortRules(Mode.BOTH)))
    bench.hardware.plug(1, device(3))
    await bench.settle()
    reading = bench.port(1).reading
    assert (reading.drawn, reading.link, reading.ethernet) == (watts(7.75), 100, True)


@BOTH_KINDS
@pytest.mark.proves("M-173")
async def test_power_only_turns_the_network_off_and_power_stays(autonomous: bool) -> None:
    bench = Bench(autonomous=autonomous)
    bench.hardware.plug(1, device(3))
    await bench.settle()
    bench.powered.clear()
    bench.core.follow(rules(p1=PortRules(Mode.POWER)))
    await bench.settle()
    reading = bench.port(1).reading
    assert (reading.drawn, reading.link, reading.ethernet) == (watts(7.75), 0, False)
    assert bench.powered.get(1) is not False
    bench.core.follow(rules(p1=PortRules(Mode.BOTH)))
    await bench.settle()
    assert bench.port(1).reading.link == 100


@BOTH_KINDS
async def test_a_port_that_is_off_gives_neither_and_reserves_nothing(autonomous: bool) -> None:
    bench = Bench(autonomous=autonomous)
    bench.hardware.plug(1, device(3))
    await bench.settle()
    bench.core.follow(rules(p1=PortRules(Mode.OFF)))
    await bench.settle()
    port = bench.port(1)
    assert (port.state, port.reserved, port.reading.drawn, port.reading.link) == (State.OFF, 0, 0, 0)
    assert PortUnpowered(1, "off") in bench.events
    bench.core.follow(rules())
    await bench.settle()
    assert bench.port(1).state is State.POWERED


# --- faults ---


@pytest.mark.parametrize(
    ("ailment", "trouble"),
    [
        (Ailment.SHORT, Trouble.SHORT),
        (Ailment.LEGACY, Trouble.SIGNATURE),
        (Ailment.DEAD, Trouble.START),
    ],
)
async def test_what_cannot_be_powered_is_a_fault_with_its_reason(ailment: Ailment, trouble: Trouble) -> None:
    bench = Bench()
    bench.hardware.plug(4, device(3))
    bench.hardware.ail(4, ailment)
    await bench.settle()
    port = bench.port(4)
    assert (port.state, port.reading.trouble, port.reserved) == (State.FAULT, trouble, 0)
    assert port.reason
    assert port.counters.troubles[trouble] == 1
    assert "poe.port-fault" in bench.kinds()


@BOTH_KINDS
async def test_who_draws_more_than_his_class_is_cut_off_and_his_power_is_free(autonomous: bool) -> None:
    bench = Bench(autonomous=autonomous)
    bench.hardware.plug(4, device(3, "Greedy"))
    await bench.settle()
    bench.hardware.draw(4, watts(20))
    await bench.look()
    assert bench.powered[4] is False
    assert bench.port(4).state is State.FAULT
    assert any(isinstance(e, PortFault) and e.trouble is Trouble.OVERLOAD for e in bench.events)
    assert bench.core.status(bench.now).reserved == 0


async def test_a_fault_is_tried_again_ever_more_rarely_and_is_over_when_the_cause_is() -> None:
    bench = Bench()
    bench.hardware.plug(4, device(3))
    await bench.settle()
    bench.hardware.ail(4, Ailment.SHORT)
    tries = []
    for _ in range(120):
        await bench.look(1)
        if any(order.on for order in bench.orders):
            tries.append(bench.now)
    waits = [round(after - before) for before, after in pairwise(tries)]
    assert len(waits) >= 2
    assert waits == sorted(waits)
    assert waits[0] >= RETRY_FIRST
    bench.hardware.ail(4, Ailment.NONE)
    bench.kinds()
    for _ in range(320):
        await bench.look(1)
    assert bench.port(4).state is State.POWERED


async def test_a_device_of_no_standard_is_not_tried_again_and_again() -> None:
    bench = Bench()
    bench.hardware.plug(4, device(3))
    bench.hardware.ail(4, Ailment.LEGACY)
    for _ in range(100):
        await bench.look(10)
        assert bench.orders == []


# --- priorities and supplies ---


@BOTH_KINDS
async def test_a_smaller_supply_sheds_by_priority_and_a_larger_one_brings_back(autonomous: bool) -> None:
    bench = Bench(rules(90, p3=PortRules(priority=Priority.CRITICAL)), autonomous=autonomous)
    for number in (1, 2, 3):
        bench.hardware.plug(number, device(4))
    await bench.settle()
    bench.limit = watts(45)
    events = await bench.look()
    assert events[0] == BudgetChanged(90, 45)
    assert sum(isinstance(each, PortDenied) and each.cause is Cause.SHED for each in events) == 2
    await bench.settle()
    assert bench.states((1, 2, 3)) == [State.DENIED, State.DENIED, State.POWERED]
    assert bench.core.status(bench.now).reserved <= watts(45)
    assert "the budget became smaller" in bench.port(1).reason
    bench.limit = None
    await bench.settle()
    await bench.settle()
    assert bench.states((1, 2, 3)) == [State.POWERED] * 3


async def test_hardware_that_has_less_than_the_budget_says_so_and_that_counts() -> None:
    bench = Bench()
    bench.hardware.capacity = watts(20)
    bench.hardware.plug(1, device(4))
    await bench.settle()
    assert bench.port(1).state is State.DENIED
    assert bench.core.status(bench.now).budget == watts(20)


async def test_a_refusal_is_said_once_however_often_it_is_decided() -> None:
    bench = Bench(rules(10))
    bench.hardware.plug(1, device(4))
    for _ in range(50):
        await bench.look()
    assert bench.kinds().count("poe.port-denied") == 1
    assert bench.port(1).counters.denied == 1


async def test_a_warning_is_given_when_nearly_all_is_drawn() -> None:
    bench = Bench(rules(30))
    bench.hardware.plug(1, device(4, draw=28))
    await bench.settle()
    assert "poe.usage-high" in bench.kinds()
    bench.hardware.draw(1, watts(10))
    assert any(each.name == "poe.usage-normal" for each in await bench.look())


# --- power-cycles ---


@BOTH_KINDS
async def test_a_power_cycle_takes_the_power_for_so_long_and_nobody_takes_the_place(autonomous: bool) -> None:
    bench = Bench(rules(30), autonomous=autonomous)
    bench.hardware.plug(1, device(4))
    await bench.settle()
    bench.hardware.plug(2, device(4))
    await bench.settle()
    bench.core.cycle(1, by="anna", now=bench.now)
    await bench.look(1)
    assert bench.powered[1] is False
    assert bench.port(1).state is State.CYCLING
    for _ in range(3):
        await bench.look(1)
        assert bench.states((1, 2)) == [State.CYCLING, State.DENIED]
    await bench.look(1)
    await bench.look(1)
    assert bench.states((1, 2)) == [State.POWERED, State.DENIED]
    assert bench.powered[1] is True
    assert bench.port(1).counters.cycles == 1


async def test_a_port_is_not_cycled_again_at_once() -> None:
    bench = Bench()
    bench.hardware.plug(1, device(4))
    await bench.settle()
    bench.core.cycle(1, by="anna", now=bench.now)
    with pytest.raises(TooSoon, match="again in 50 s") as caught:
        bench.core.cycle(1, by="anna", now=bench.now + 10)
    assert caught.value.transient
    for _ in range(8):
        await bench.look(10)
    bench.core.cycle(1, by="anna", now=bench.now)


async def test_a_port_that_carries_the_uplink_is_never_cycled() -> None:
    bench = Bench(rules(p1=PortRules(protected=True)))
    bench.hardware.plug(1, device(4))
    await bench.settle()
    with pytest.raises(PortProtected):
        bench.core.cycle(1, by="anna", now=bench.now)


async def test_a_port_that_carries_the_uplink_keeps_power_before_all_others() -> None:
    bench = Bench(rules(60, p9=PortRules(protected=True), p1=PortRules(priority=Priority.HIGH)))
    for number in (1, 9):
        bench.hardware.plug(number, device(4))
    await bench.settle()
    bench.limit = watts(30)
    await bench.settle()
    assert bench.states((1, 9)) == [State.DENIED, State.POWERED]


@pytest.mark.parametrize("number", [0, 17, -1, 999_999])
async def test_there_is_no_cycle_of_a_port_that_is_not_there(number: int) -> None:
    bench = Bench()
    await bench.look()
    with pytest.raises(NotFound, match="There is no port"):
        bench.core.cycle(number, by="anna", now=bench.now)


async def test_a_port_without_power_cannot_lose_it() -> None:
    bench = Bench(rules(p2=PortRules(Mode.OFF)))
    bench.hardware.plug(2, device(3))
    await bench.settle()
    for number, state in ((1, "empty"), (2, "off")):
        with pytest.raises(NothingToCycle, match=state):
            bench.core.cycle(number, by="anna", now=bench.now)


async def test_a_device_that_is_unplugged_during_its_cycle_leaves_its_power_to_others() -> None:
    bench = Bench(rules(30))
    bench.hardware.plug(1, device(4))
    await bench.settle()
    bench.core.cycle(1, by="anna", now=bench.now)
    await bench.look()
    bench.hardware.unplug(1)
    bench.hardware.plug(2, device(4))
    for _ in range(20):
        await bench.look()
    assert bench.states((1, 2)) == [State.EMPTY, State.POWERED]


# --- figures ---


async def test_energy_and_the_most_that_was_drawn_are_counted() -> None:
    bench = Bench()
    bench.hardware.plug(1, device(4, draw=20))
    await bench.settle()
    bench.hardware.draw(1, watts(10))
    await bench.look(1)
    before = bench.port(1).counters.energy
    await bench.look(100)
    assert bench.port(1).counters.energy - before == pytest.approx(1000)
    assert bench.port(1).counters.most == watts(20)


@pytest.mark.proves("M-043", "M-420")
def test_by_default_there_are_16_ports_and_305_watts() -> None:
    assert (Poe().ports, watts(Poe().budget)) == (16, watts(305))
    assert RULES.budget == watts(305)
