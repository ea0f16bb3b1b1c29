"""Buttons, buzzer, limits and supplies: what follows from the readings of a box."""

from __future__ import annotations

import pytest

from device.chassis.box import Box, BoxStep, Buzzer, poe_limit
from device.chassis.buttons import Action, Button, Buttons, Edge
from device.chassis.driver import ChassisReading, Fan, Supply, Temperature
from device.chassis.lights import Flash, Led, Phase, Place, Scene
from device.events.hardware import (
    FanFailed,
    FanOk,
    SupplyFailed,
    SupplyOk,
    TemperatureCritical,
    TemperatureHigh,
    TemperatureNormal,
)
from device.poe.power import watts

SCENE = Scene(Phase.RUNNING, False, False, [], False, {}, (), Flash.NONE)


def held(button: Button, seconds: float, *, from_start: bool = False) -> tuple[list[Action], Flash]:
    """What holding a button for so long asks for, and what the light said just before it was let go."""
    buttons = Buttons()
    buttons.started(frozenset({button}) if from_start else frozenset(), 100.0)
    asked = [] if from_start else [buttons.edge(Edge(button, True, 100.0))]
    flash = Flash.NONE
    for tenth in range(round(seconds * 10)):
        now = 100.0 + tenth / 10
        asked.append(buttons.tick(now))
        flash = buttons.flash(now)
    asked.append(buttons.edge(Edge(button, False, 100.0 + seconds)))
    return [action for action in asked if action is not None], flash


# --- the power button ---


@pytest.mark.proves("M-426", "M-449")
@pytest.mark.parametrize("seconds", [0.05, 0.5, 2.0, 3.9])
def test_a_short_press_of_the_power_button_silences_the_buzzer(seconds: float) -> None:
    assert held(Button.POWER, seconds)[0] == [Action.SILENCE]


@pytest.mark.proves("M-448")
@pytest.mark.parametrize("seconds", [4.1, 4.5, 5.0, 60.0])
def test_a_long_press_of_the_power_button_shuts_down_once(seconds: float) -> None:
    assert held(Button.POWER, seconds)[0] == [Action.SHUT_DOWN]


@pytest.mark.proves("M-448")
def test_the_long_press_is_answered_with_a_brief_beep_while_it_is_still_held() -> None:
    box = Box(power_on=True)
    step = look(box, reading(edges=(Edge(Button.POWER, True, 100.0),)), now=100.0)
    assert not step.sound
    assert not look(box, reading(), now=103.9).sound
    step = look(box, reading(), now=104.0)
    assert (step.sound, step.actions) == (True, (Action.SHUT_DOWN,))
    assert "chassis.shutdown-requested" in [event.name for event in step.events]
    assert not look(box, reading(), now=105.0).sound


# --- the control button ---


@pytest.mark.proves("M-425")
@pytest.mark.parametrize(
    ("seconds", "asked"),
    [(0.2, []), (2.9, []), (3.1, [Action.CONNECT]), (9.9, [Action.CONNECT]), (11.0, []), (20.0, [])],
)
def test_the_control_button_held_for_three_seconds_connects(seconds: float, asked: list[Action]) -> None:
    actions, flash = held(Button.CONTROL, seconds)
    assert actions == asked
    assert flash is (Flash.CONNECT if asked else Flash.NONE)


@pytest.mark.parametrize(
    ("seconds", "asked"),
    [(3.5, []), (14.9, []), (15.1, [Action.RESET]), (29.9, [Action.RESET]), (30.5, []), (600.0, [])],
)
def test_the_control_button_held_from_power_on_resets_between_15_and_30_seconds(
    seconds: float, asked: list[Action]
) -> None:
    actions, flash = held(Button.CONTROL, seconds, from_start=True)
    assert actions == asked
    assert flash is (Flash.RESET if asked else Flash.NONE)


def test_a_running_recorder_is_never_reset_by_its_button() -> None:
    for seconds in (15, 20, 30, 3600):
        assert Action.RESET not in held(Button.CONTROL, seconds)[0]


def test_a_release_without_a_press_asks_for_nothing() -> None:
    buttons = Buttons()
    assert buttons.edge(Edge(Button.POWER, False, 5.0)) is None
    assert buttons.edge(Edge(Button.CONTROL, False, 5.0)) is None


# --- the buzzer ---


@pytest.mark.proves("M-450")
def test_a_silenced_buzzer_stays_silent_until_something_new_fails() -> None:
    buzzer = Buzzer()
    assert buzzer.faults(frozenset({"fan 1"}))
    assert buzzer.sounds
    assert buzzer.silence()
    assert not buzzer.faults(frozenset({"fan 1"}))
    assert not buzzer.sounds
    assert buzzer.faults(frozenset({"fan 1", "supply 2"}))
    assert buzzer.sounds


@pytest.mark.proves("M-450")
def test_the_buzzer_ends_with_the_last_fault_and_sounds_again_with_the_next() -> None:
    buzzer = Buzzer()
    buzzer.faults(frozenset({"fan 1", "fan 2"}))
    buzzer.faults(frozenset({"fan 2"}))
    assert buzzer.sounds
    buzzer.faults(frozenset())
    assert not buzzer.sounds
    assert not buzzer.silence()
    assert buzzer.faults(frozenset({"fan 2"}))


@pytest.mark.proves("M-449", "M-450")
def test_the_power_button_silences_what_a_failed_fan_began() -> None:
    box = Box(power_on=True)
    broken = Fan("1", 0, False)
    assert look(box, reading(fans=(broken,)), now=1.0).sound
    edges = (Edge(Button.POWER, True, 2.0), Edge(Button.POWER, False, 2.2))
    step = look(box, reading(fans=(broken,), edges=edges), now=2.3)
    assert not step.sound
    assert "chassis.buzzer-silenced" in [event.name for event in step.events]
    assert step.lights[Led(Place.PRODUCT.value, 1)].color is not None


def test_a_buzzer_that_is_switched_off_makes_no_sound() -> None:
    box = Box(power_on=True)
    assert not look(box, reading(fans=(Fan("1", 0, False),)), now=1.0, audible=False).sound


# --- sensors and parts ---


def reading(
    *,
    temperatures: tuple[Temperature, ...] = (),
    fans: tuple[Fan, ...] = (),
    supplies: tuple[Supply, ...] = (),
    edges: tuple[Edge, ...] = (),
) -> ChassisReading:
    """A box in which all is well, but for what is said."""
    return ChassisReading(temperatures, fans, supplies, frozenset(), edges)


def look(box: Box, what: ChassisReading, *, now: float, audible: bool = True) -> BoxStep:
    """One reading."""
    return box.observe(what, SCENE, frozenset(), audible=audible, now=now)


def said(box: Box, what: ChassisReading) -> list[object]:
    """The events of one reading, without those of the buzzer."""
    return [event for event in look(box, what, now=1.0).events if "buzzer" not in event.name]


def warm(celsius: float | None) -> ChassisReading:
    """A sensor with limits at 60 and 70 degrees."""
    return reading(temperatures=(Temperature("board", celsius, 60.0, 70.0),))


def test_temperatures_are_said_when_they_pass_a_limit_and_not_at_every_tremble() -> None:
    box = Box(power_on=True)
    assert said(box, warm(40)) == [TemperatureNormal("board", 40)]
    assert said(box, warm(60)) == [TemperatureHigh("board", 60, 60)]
    assert said(box, warm(59)) == []
    assert said(box, warm(61)) == []
    assert said(box, warm(70)) == [TemperatureCritical("board", 70, 70)]
    assert said(box, warm(68)) == []
    assert said(box, warm(65)) == []
    assert said(box, warm(None)) == []
    assert said(box, warm(50)) == [TemperatureNormal("board", 50)]


def test_a_sensor_without_limits_is_never_too_warm() -> None:
    what = reading(temperatures=(Temperature("x", 150.0, None, None),))
    assert said(Box(power_on=True), what) == [TemperatureNormal("x", 150.0)]


def test_fans_and_supplies_are_said_when_they_fail_and_when_they_are_back() -> None:
    box = Box(power_on=True)
    well = reading(fans=(Fan("1", 2000, True),), supplies=(Supply("A", True),))
    ill = reading(fans=(Fan("1", 0, False),), supplies=(Supply("A", False),))
    assert said(box, well) == [FanOk("1"), SupplyOk("A")]
    assert said(box, well) == []
    assert said(box, ill) == [FanFailed("1", 0), SupplyFailed("A")]
    assert said(box, ill) == []
    assert said(box, well) == [FanOk("1"), SupplyOk("A")]


# --- supplies and the PoE budget ---


@pytest.mark.parametrize(
    ("working", "supplies", "spare", "limit"),
    [
        (0, 0, 0, None),
        (1, 1, 0, None),
        (2, 2, 0, None),
        (1, 2, 0, watts(152.5)),
        (1, 2, 1, None),
        (0, 2, 1, 0),
        (2, 4, 1, watts(305 * 2 / 3)),
        (1, 1, 5, None),
    ],
)
def test_a_lost_supply_lowers_the_budget_by_its_share(
    working: int, supplies: int, spare: int, limit: int | None
) -> None:
    parts = tuple(Supply(str(number), number < working) for number in range(supplies))
    found = poe_limit(watts(305), parts, spare)
    assert found == limit or (found is not None and limit is not None and abs(found - limit) <= 1)
