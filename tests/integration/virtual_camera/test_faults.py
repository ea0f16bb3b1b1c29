"""The table of faults, and programmes made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from device.errors import BadValue, NotFound
from integration.virtual_camera import programme
from integration.virtual_camera.faults import KINDS, LONGEST, Condition, begin, end, fault


@pytest.mark.parametrize("name", KINDS)
def test_a_fault_changes_the_condition_and_its_end_restores_health(name: str) -> None:
    condition = Condition()
    begin(fault(name), condition)
    assert (condition != Condition()) == bool(KINDS[name].lasts), "all but `cut` change something"
    end(fault(name), condition)
    assert condition == Condition()


@pytest.mark.parametrize(
    ("name", "values", "field"),
    [
        ("loss", {"loss": 1.5}, "loss"),
        ("loss", {"loss": "much"}, "loss"),
        ("loss", {"share": 0.5}, "share"),
        ("resolution", {"width": 321}, "width"),
        ("resolution", {"height": 5000}, "height"),
        ("codec", {"codec": "VP9"}, "codec"),
        ("freeze", {"seconds": -1}, "seconds"),
        ("freeze", {"seconds": LONGEST + 1}, "seconds"),
    ],
)
def test_a_parameter_beyond_its_limits_is_named(name: str, values: dict[str, float], field: str) -> None:
    with pytest.raises(BadValue) as caught:
        fault(name, **values)
    assert caught.value.field == field


def test_an_unknown_fault_is_not_found() -> None:
    with pytest.raises(NotFound):
        fault("gremlins")


def test_two_faults_that_want_the_same_field_cannot_overlap() -> None:
    condition = Condition()
    begin(fault("stuck"), condition)
    with pytest.raises(BadValue):
        begin(fault("backward"), condition)
    begin(fault("freeze"), condition)
    assert (condition.timestamps, condition.frozen) == ("stuck", True)


def test_a_soak_is_the_same_for_the_same_seed_and_goes_through_every_fault() -> None:
    steps = programme.soak(3, 7, 1800)
    assert steps == programme.soak(3, 7, 1800)
    assert steps != programme.soak(3, 8, 1800)
    assert {step.fault.name for step in steps} == set(KINDS) - {"credentials", *programme.TOLD}
    assert {step.camera for step in steps} == {3}


@pytest.mark.parametrize("seconds", [60, 600, 1800])
def test_a_soak_has_healthy_time_between_faults_and_ends_healthy(seconds: float) -> None:
    steps = programme.soak(1, 5, seconds)
    ends = [step.at + step.fault.seconds for step in steps]
    assert all(later.at - over >= 8 for over, later in zip(ends, steps[1:], strict=False))
    assert programme.length(steps) <= seconds - 10


def test_programmes_are_read_by_name_and_from_a_file(tmp_path: Path) -> None:
    assert programme.read("soak:9", 2, 300) == programme.soak(2, 9, 300)
    assert {step.fault.name for step in programme.read("soak:9:stuck,cut", 2, 300)} == {"stuck", "cut"}
    with pytest.raises(NotFound):
        programme.read("soak:9:stuck,hiccups", 2, 300)
    assert [step.fault.name for step in programme.read("each", 1, 0)] == list(KINDS)
    assert all(step.fault.name == "refuse" for step in programme.read("flaky", 4, 3600))
    file = tmp_path / "steps"
    lines = [
        {"at": 9, "camera": 2, "fault": "loss", "seconds": 2, "loss": 0.5},
        {"at": 1, "camera": 1, "fault": "cut"},
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    first, second = programme.read(str(file), 1, 0)
    assert (first.at, first.fault) == (1.0, fault("cut"))
    assert (second.camera, second.fault) == (2, fault("loss", 2, loss=0.5))


@pytest.mark.parametrize("line", ["", "{}", "[1]", '{"at": "x", "camera": 1, "fault": "cut"}'])
def test_a_bad_step_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "steps"
    file.write_text(line + "\n")
    with pytest.raises(BadValue):
        programme.read(str(file), 1, 0)
    with pytest.raises(BadValue):
        programme.read(str(tmp_path / "none"), 1, 0)
