"""Who gets power: the manual's example, its borders, and what holds for every set of ports."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.poe.budget import Allocation, Cause, Demand, Denied, Priority, allocate
from device.poe.power import CLASSES, Milliwatts, reservation, sourced, watts
from tests.device.poe.material import CRITICAL, HIGH, LOW

BUDGET = watts(305)


def waits(port: int, power: float, priority: Priority = LOW) -> Demand:
    """A port with a device that has no power yet."""
    return Demand(port, watts(power), Milliwatts(0), priority)


def runs(port: int, power: float, priority: Priority = LOW, *, asks: float | None = None) -> Demand:
    """A port that has power."""
    return Demand(port, watts(power if asks is None else asks), watts(power), priority)


def of_class(port: int, number: int) -> Demand:
    """A port with a device of a class."""
    return Demand(port, reservation(number, None), Milliwatts(0), LOW)


EXAMPLE = [of_class(n, 4) for n in range(1, 10)] + [of_class(n, 3) for n in (10, 11)]

# --- the manual's example ---


@pytest.mark.proves("M-041", "M-046", "M-047", "M-048")
def test_nine_of_class_4_and_two_of_class_3_are_powered_and_reserve_301_watts() -> None:
    decided = allocate(EXAMPLE, BUDGET, preempt=False)
    assert decided.powered == set(range(1, 12))
    assert decided.denied == {}
    assert decided.reserved == watts(301) == 9 * watts(30) + 2 * watts(15.5)


@pytest.mark.proves("M-042", "M-050")
def test_a_tenth_of_class_4_is_refused_and_says_what_is_left() -> None:
    decided = allocate([*EXAMPLE, of_class(12, 4)], BUDGET, preempt=False)
    assert decided.powered == set(range(1, 12))
    assert decided.denied == {12: Denied(Cause.BUDGET, asked=watts(30), left=watts(4))}


@pytest.mark.proves("M-050")
def test_one_of_class_1_fits_exactly() -> None:
    decided = allocate([*EXAMPLE, of_class(12, 1)], BUDGET, preempt=False)
    assert decided.powered == set(range(1, 13))
    assert decided.reserved == BUDGET


def test_a_milliwatt_too_much_is_too_much() -> None:
    assert allocate([waits(1, 305.001)], BUDGET, preempt=False).powered == set()


# --- what each class reserves ---


@pytest.mark.proves("M-044", "M-045")
def test_classes_3_and_4_reserve_what_the_manual_says() -> None:
    assert reservation(3, None) == watts(15.5)
    assert reservation(4, None) == watts(30)


@pytest.mark.parametrize("each", CLASSES, ids=lambda each: f"class {each.number}")
def test_what_a_class_reserves_covers_its_device_behind_the_longest_cable(each: object) -> None:
    """The figures of the standard follow from its equation; class 0 and 3 to the milliwatt, class 2 has 33 mW spare."""
    known = next(one for one in CLASSES if one is each)
    needed = sourced(known.device, known.volts, known.ohms)
    assert known.reserved * 0.95 < needed <= known.reserved + 100


def test_a_request_makes_a_reservation_smaller_and_never_larger() -> None:
    assert reservation(4, watts(10)) == sourced(watts(10), 50, 12.5)
    assert watts(10) < reservation(4, watts(10)) < watts(11)
    assert reservation(4, watts(25.5)) == watts(30)
    assert reservation(3, watts(60)) == watts(15.5)
    assert reservation(4, Milliwatts(0)) == watts(30)


def test_a_class_that_is_not_known_counts_as_class_0() -> None:
    for unknown in (None, -1, 9, 1000):
        assert reservation(unknown, None) == watts(15.4)


# --- running ports ---


def test_a_running_port_keeps_its_power_against_a_more_important_newcomer() -> None:
    decided = allocate([runs(9, 300), waits(1, 30, CRITICAL)], BUDGET, preempt=False)
    assert decided.powered == {9}
    assert decided.denied[1].cause is Cause.BUDGET


def test_a_small_newcomer_fits_where_a_large_one_did_not() -> None:
    decided = allocate([runs(1, 290), waits(2, 30, HIGH), waits(3, 7)], BUDGET, preempt=False)
    assert decided.powered == {1, 3}


def test_among_newcomers_priority_goes_before_number() -> None:
    decided = allocate([waits(1, 30), waits(2, 30, HIGH), waits(3, 30)], watts(60), preempt=False)
    assert decided.powered == {1, 2}


def test_a_running_port_that_asks_for_more_keeps_what_it_has_where_it_does_not_fit() -> None:
    decided = allocate([runs(1, 20, asks=30), runs(2, 280)], BUDGET, preempt=True)
    assert decided.granted == {1: watts(20), 2: watts(280)}
    assert decided.denied == {}


def test_what_a_running_port_no_longer_asks_for_is_free_at_once() -> None:
    decided = allocate([runs(1, 300, asks=270), waits(2, 30)], BUDGET, preempt=False)
    assert decided.granted == {1: watts(270), 2: watts(30)}


# --- a smaller budget ---


def test_a_smaller_budget_sheds_the_least_important_first() -> None:
    ports = [runs(1, 30), runs(2, 30, CRITICAL), runs(3, 30, HIGH), runs(4, 30)]
    decided = allocate(ports, watts(95), preempt=False)
    assert decided.powered == {1, 2, 3}
    assert decided.denied == {4: Denied(Cause.SHED, watts(30), watts(5))}


def test_shedding_a_large_port_lets_a_small_one_of_lower_priority_go_on() -> None:
    decided = allocate([runs(1, 30, CRITICAL), runs(2, 30, HIGH), runs(3, 4)], watts(35), preempt=False)
    assert decided.powered == {1, 3}


def test_without_any_budget_nothing_is_powered() -> None:
    assert allocate([runs(1, 4, CRITICAL)], Milliwatts(0), preempt=True).powered == set()


# --- pre-emption ---


def test_a_more_important_newcomer_takes_power_where_that_is_allowed() -> None:
    ports = [runs(1, 30), runs(2, 30, HIGH), runs(3, 30), waits(4, 15, CRITICAL)]
    decided = allocate(ports, watts(90), preempt=True)
    assert decided.powered == {1, 2, 4}
    assert decided.denied == {3: Denied(Cause.PREEMPTED, watts(30), Milliwatts(0), by=4)}


def test_nobody_is_preempted_by_his_equal() -> None:
    decided = allocate([runs(2, 30, HIGH), waits(1, 30, HIGH)], watts(30), preempt=True)
    assert decided.powered == {2}


def test_nobody_is_preempted_in_vain() -> None:
    decided = allocate([runs(1, 30), runs(2, 30, HIGH), waits(3, 45, HIGH)], watts(60), preempt=True)
    assert decided.powered == {1, 2}


def test_who_was_preempted_for_a_small_one_comes_back_when_a_larger_one_had_to_go() -> None:
    ports = [runs(1, 30), runs(2, 4), waits(3, 4, CRITICAL), waits(4, 10, HIGH)]
    decided = allocate(ports, watts(34), preempt=True)
    assert decided.powered == {2, 3, 4}


def test_of_those_that_could_be_preempted_no_more_than_needed() -> None:
    ports = [runs(1, 30), runs(2, 4), runs(3, 4), waits(4, 30, HIGH)]
    decided = allocate(ports, watts(38), preempt=True)
    assert decided.powered == {2, 3, 4}


# --- what holds for every set of ports ---

POWER = st.sampled_from([each.reserved for each in CLASSES]) | st.integers(1, 90_000).map(Milliwatts)


@st.composite
def demands(draw: st.DrawFn) -> list[Demand]:
    """Up to 48 ports, running and waiting, in any order. The running ones may hold more than any budget."""
    numbers = draw(st.lists(st.integers(1, 48), unique=True, max_size=48))
    return [
        Demand(
            number,
            draw(POWER),
            draw(st.just(Milliwatts(0)) | POWER),
            draw(st.sampled_from(list(Priority))),
        )
        for number in numbers
    ]


BUDGETS = st.integers(0, 2_000_000).map(Milliwatts)


def again(ports: list[Demand], decided: Allocation) -> list[Demand]:
    """The same ports after the decision was carried out."""
    return [
        Demand(one.port, one.asks, decided.granted.get(one.port, Milliwatts(0)), one.priority)
        for one in ports
    ]


@given(demands(), BUDGETS, st.booleans())
def test_the_budget_is_never_exceeded(ports: list[Demand], budget: Milliwatts, preempt: bool) -> None:
    decided = allocate(ports, budget, preempt=preempt)
    assert sum(decided.granted.values()) == decided.reserved <= budget


@given(demands(), BUDGETS, st.booleans())
def test_every_port_is_decided_once(ports: list[Demand], budget: Milliwatts, preempt: bool) -> None:
    decided = allocate(ports, budget, preempt=preempt)
    assert decided.powered | decided.denied.keys() == {one.port for one in ports}
    assert not decided.powered & decided.denied.keys()


@given(demands(), BUDGETS, st.booleans(), st.randoms(use_true_random=False))
def test_the_same_ports_in_another_order_give_the_same_decision(
    ports: list[Demand], budget: Milliwatts, preempt: bool, rng: random.Random
) -> None:
    shuffled = ports[:]
    rng.shuffle(shuffled)
    assert allocate(shuffled, budget, preempt=preempt) == allocate(ports, budget, preempt=preempt)


@given(demands(), BUDGETS, st.booleans())
def test_a_decision_that_was_carried_out_stands(
    ports: list[Demand], budget: Milliwatts, preempt: bool
) -> None:
    decided = allocate(ports, budget, preempt=preempt)
    once_more = allocate(again(ports, decided), budget, preempt=preempt)
    assert once_more.granted == decided.granted


@given(demands(), BUDGETS, st.booleans())
def test_nothing_that_is_powered_is_dropped_without_cause(
    ports: list[Demand], budget: Milliwatts, preempt: bool
) -> None:
    decided = allocate(ports, budget, preempt=preempt)
    held = sum(min(one.holds, one.asks) for one in ports)
    known = {one.port: one for one in ports}
    for one in ports:
        if not one.holds:
            continue
        if one.port in decided.granted:
            assert decided.granted[one.port] >= min(one.holds, one.asks)
            continue
        denied = decided.denied[one.port]
        match denied.cause:
            case Cause.SHED:
                assert held > budget
                assert decided.reserved + min(one.holds, one.asks) > budget
            case Cause.PREEMPTED:
                assert preempt
                assert denied.by in decided.granted
                assert known[denied.by].priority < one.priority
                assert decided.reserved + min(one.holds, one.asks) > budget
            case Cause.BUDGET:
                raise AssertionError("a port that has power is not told that it does not fit")


@given(demands(), BUDGETS)
def test_while_the_budget_holds_and_nobody_may_preempt_every_running_port_runs_on(
    ports: list[Demand], budget: Milliwatts
) -> None:
    held = sum(min(one.holds, one.asks) for one in ports)
    running = {one.port for one in ports if one.holds}
    if held <= budget:
        assert running <= allocate(ports, budget, preempt=False).powered


@given(demands(), BUDGETS, st.booleans())
def test_what_is_refused_would_not_have_fitted(
    ports: list[Demand], budget: Milliwatts, preempt: bool
) -> None:
    decided = allocate(ports, budget, preempt=preempt)
    for one in ports:
        if one.port in decided.denied and not one.holds:
            assert decided.reserved + one.asks > budget
