"""Every line of the manual's tables of lights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device.chassis.lights import (
    AMBER,
    BLINKS_AMBER,
    BLINKS_GREEN,
    DRIVES,
    GREEN,
    OFF,
    RED,
    Flash,
    Led,
    Light,
    Phase,
    Place,
    PortView,
    Scene,
    lights,
)
from device.poe.port import State
from device.raid.level import Level
from device.raid.state import (
    Activity,
    Array,
    Condition,
    Drive,
    Health,
    Reading,
    Role,
    Work,
    condition,
)

WELL = Scene(
    Phase.RUNNING,
    poe_exceeded=False,
    alarm=False,
    bays=[Condition.ONLINE] * 4,
    array_failed=False,
    ports={},
    networks=(),
    flash=Flash.NONE,
)


def light(scene: Scene, place: Place, number: int = 1) -> Light:
    """One light of a scene."""
    return lights(scene)[Led(place.value, number)]


def drives(array: Array | None, *found: Drive) -> list[Light]:
    """The drives' lights, for what the drives tell."""
    reading = Reading(4, found, array, None)
    scene = replace(WELL, bays=[condition(reading, bay) for bay in range(1, 5)])
    return [light(scene, Place.DRIVE, bay) for bay in range(1, 5)]


def port(place: Place, state: State, link: int | None) -> Light:
    """One light of a PoE port."""
    return light(replace(WELL, ports={7: PortView(state, link)}), place, 7)


# --- product status ---


@pytest.mark.proves("M-416", "M-427")
def test_green_the_recorder_is_on_and_well() -> None:
    assert light(WELL, Place.PRODUCT) == GREEN


@pytest.mark.proves("M-428")
@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.UPGRADING])
def test_amber_the_recorder_starts_or_is_upgraded(phase: Phase) -> None:
    assert light(replace(WELL, phase=phase), Place.PRODUCT) == AMBER


@pytest.mark.proves("M-429")
def test_red_the_poe_budget_is_exceeded() -> None:
    assert light(replace(WELL, poe_exceeded=True), Place.PRODUCT) == RED


def test_red_something_else_is_wrong() -> None:
    assert light(replace(WELL, alarm=True), Place.PRODUCT) == RED
    assert light(replace(WELL, array_failed=True), Place.PRODUCT) == RED


@pytest.mark.parametrize(("flash", "shown"), [(Flash.CONNECT, BLINKS_GREEN), (Flash.RESET, BLINKS_AMBER)])
def test_a_button_that_is_held_speaks_before_all_else(flash: Flash, shown: Light) -> None:
    scene = replace(WELL, phase=Phase.STARTING, poe_exceeded=True, flash=flash)
    assert light(scene, Place.PRODUCT) == shown


# --- hard drives ---


def drive(bay: int, role: Role = Role.MEMBER) -> Drive:
    """A healthy drive."""
    return Drive(bay, f"S{bay}", "Model", 8 * 10**12, role, Health.PASSED, 35.0, 100, 0, free=False)


def raid5(in_sync: int, *, broken: bool = False, work: Work | None = None) -> Array:
    """An array of four drives, of which so many are in sync."""
    return Array("uuid", Level.RAID5, 4, in_sync, broken, 24 * 10**12, 0, work)


FOUR = [drive(bay) for bay in range(1, 5)]


@pytest.mark.proves("M-417", "M-430")
def test_green_the_drive_is_online() -> None:
    assert drives(raid5(4), *FOUR) == [GREEN] * 4


@pytest.mark.proves("M-056", "M-431", "M-432")
def test_amber_this_drive_is_online_but_another_is_broken() -> None:
    found = drives(raid5(3), drive(1), drive(2, Role.FAULTY), drive(3), drive(4))
    assert found == [AMBER, RED, AMBER, AMBER]


@pytest.mark.proves("M-431", "M-434")
def test_amber_and_off_a_drive_was_taken_out() -> None:
    assert drives(raid5(3), drive(1), drive(3), drive(4)) == [AMBER, OFF, AMBER, AMBER]


@pytest.mark.proves("M-433")
def test_all_red_the_array_has_failed() -> None:
    faulty = [drive(1), drive(2, Role.FAULTY), drive(3, Role.FAULTY), drive(4)]
    assert drives(raid5(2), *faulty) == [RED] * 4
    assert drives(raid5(4, broken=True), *FOUR) == [RED] * 4


@pytest.mark.proves("M-434")
def test_off_no_drive() -> None:
    assert drives(None) == [OFF] * 4


@pytest.mark.proves("M-058")
def test_a_new_drive_is_amber_until_it_is_rebuilt_and_then_green() -> None:
    rebuild = Work(Activity.REBUILD, 1, 100, 10.0)
    found = drives(raid5(3, work=rebuild), drive(1), drive(2, Role.REBUILDING), drive(3), drive(4))
    assert found == [AMBER] * 4
    assert drives(raid5(4), *FOUR) == [GREEN] * 4


def test_every_condition_of_a_bay_has_its_light() -> None:
    assert DRIVES.keys() == set(Condition)


# --- PoE ports, front ---


@pytest.mark.proves("M-418", "M-435")
@pytest.mark.parametrize("state", [State.POWERED, State.EMPTY])
def test_green_a_device_is_connected(state: State) -> None:
    assert port(Place.PORT, state, 100) == GREEN


@pytest.mark.proves("M-436")
def test_amber_power_but_no_network() -> None:
    assert port(Place.PORT, State.POWERED, 0) == AMBER


@pytest.mark.proves("M-437")
@pytest.mark.parametrize("state", [State.DENIED, State.FAULT])
def test_red_the_device_cannot_start_or_the_budget_is_exceeded_or_poe_failed(state: State) -> None:
    assert port(Place.PORT, state, 0) == RED


@pytest.mark.proves("M-438")
@pytest.mark.parametrize("state", [State.EMPTY, State.OFF])
def test_off_the_port_is_not_in_use_or_disabled(state: State) -> None:
    assert port(Place.PORT, state, 0) == OFF


# --- network ports, rear ---


@pytest.mark.proves("M-439", "M-440", "M-441")
@pytest.mark.parametrize(
    ("speed", "shown"), [(2500, BLINKS_GREEN), (1000, BLINKS_AMBER), (0, OFF), (None, OFF)]
)
def test_a_network_port_blinks_by_its_speed(speed: int | None, shown: Light) -> None:
    assert light(replace(WELL, networks=(0, speed)), Place.NETWORK, 2) == shown


# --- PoE ports, rear ---


@pytest.mark.proves("M-442", "M-443", "M-444")
@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (State.POWERED, GREEN),
        (State.FAULT, RED),
        (State.DENIED, RED),
        (State.EMPTY, OFF),
        (State.OFF, OFF),
        (State.CYCLING, OFF),
    ],
)
def test_the_left_light_tells_of_power(state: State, shown: Light) -> None:
    assert port(Place.PORT_LEFT, state, 100) == shown


@pytest.mark.proves("M-445", "M-446", "M-447")
@pytest.mark.parametrize(
    ("link", "shown"), [(1000, BLINKS_GREEN), (100, BLINKS_AMBER), (0, OFF), (None, OFF)]
)
def test_the_right_light_blinks_by_its_speed(link: int | None, shown: Light) -> None:
    assert port(Place.PORT_RIGHT, State.POWERED, link) == shown


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("link", [None, 0, 10, 100, 1000, 2500, 10_000])
def test_every_state_of_a_port_has_its_lights(state: State, link: int | None) -> None:
    scene = replace(WELL, ports={n: PortView(state, link) for n in range(1, 17)})
    assert len(lights(scene)) == 1 + 4 + 3 * 16
