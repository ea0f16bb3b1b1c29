"""Rules: what makes one active, what ends it, and when it is not carried out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from device.cameras.source import Cause
from device.errors import BadValue
from device.events.catalogue import CameraId, CameraOffline, RecorderStopped
from device.events.event import Event
from device.rules.engine import Engine, Facts, Step, Verb
from device.settings.rules import Rule
from device.settings.section import validate

Words = Mapping[str, object]

STATE: Words = {"kind": "state", "state": "camera.offline"}
OTHER: Words = {"kind": "state", "state": "poe.port-fault"}
EVENT: Words = {"kind": "event", "event": "recorder.stopped"}
MANUAL: Words = {"kind": "manual", "name": "door"}
SCHEDULE: Words = {"kind": "schedule", "schedule": "night"}
TELL: Words = {"kind": "tell", "text": "hello"}


def offline(camera: str = "c-1") -> tuple[str, Event]:
    return "camera.offline", CameraOffline(CameraId(camera), "main", Cause.UNREACHABLE, "")


def rule(*conditions: Words, **fields: object) -> Rule:
    return validate(Rule, "r", {"name": "R", "conditions": list(conditions), "actions": [TELL], **fields})


class Rig:
    """One rule, and a clock."""

    def __init__(self, *conditions: Words, **fields: object) -> None:
        self.engine = Engine()
        self.now = 100.0
        self.engine.follow({"r": rule(*conditions, **fields)}, self.now)

    def see(self, *states: tuple[str, Event], event: Event | None = None, **more: object) -> str:
        """What a look at these facts makes of the rule: B begins, E ends."""
        steps = self.look(*states, event=event, **more)
        return "".join("B" if step.verb is Verb.BEGIN else "E" for step in steps)

    def look(self, *states: tuple[str, Event], event: Event | None = None, **more: object) -> list[Step]:
        self.now += 1.0
        covered = bool(more.get("covered"))
        pulsed = bool(more.get("pulsed"))
        manual = str(more.get("manual", ""))
        facts = Facts(states, event, manual, lambda _: covered, lambda _: pulsed)
        return self.engine.observe(facts, self.now)


STOPPED = RecorderStopped("asked to")
FAULT: tuple[str, Event] = ("poe.port-fault", STOPPED)  # only its name is looked at


@pytest.mark.proves("M-302")
def test_without_a_trigger_a_rule_is_active_exactly_while_all_conditions_hold() -> None:
    rig = Rig(STATE, OTHER)
    assert [rig.see(offline()), rig.see(offline(), FAULT), rig.see(offline(), FAULT)] == ["", "B", ""]
    assert [rig.see(FAULT), rig.see(offline(), FAULT), rig.see()] == ["E", "B", "E"]


@pytest.mark.proves("M-301")
def test_a_trigger_begins_a_rule_that_lasts_while_the_others_hold_whatever_the_trigger_does() -> None:
    rig = Rig(STATE, OTHER, trigger=True)
    assert rig.see(offline(), FAULT) == "B"
    assert rig.see(FAULT) == ""  # the trigger is over, the others hold
    assert rig.see(offline(), FAULT) == ""  # it comes again: the rule is active already
    assert rig.see(offline()) == "E"
    assert rig.see(offline(), FAULT) == ""  # no new beginning of the trigger
    assert [rig.see(FAULT), rig.see(offline(), FAULT)] == ["", "B"]


@pytest.mark.proves("M-301")
def test_a_trigger_that_begins_while_the_others_do_not_hold_begins_nothing_later() -> None:
    rig = Rig(STATE, OTHER, trigger=True)
    assert [rig.see(offline()), rig.see(offline(), FAULT)] == ["", ""]


def test_a_trigger_alone_is_a_moment() -> None:
    rig = Rig(STATE, trigger=True)
    assert [rig.see(offline()), rig.see(offline()), rig.see(), rig.see(offline())] == ["BE", "", "", "BE"]


@pytest.mark.proves("M-303")
def test_a_condition_can_be_inverted() -> None:
    rig = Rig({**STATE, "invert": True}, {**SCHEDULE, "invert": True})
    assert [rig.see(), rig.see(covered=True), rig.see(), rig.see(offline())] == ["B", "E", "B", "E"]


@pytest.mark.proves("M-300", "M-304")
def test_all_of_several_conditions_must_hold() -> None:
    rig = Rig(STATE, OTHER, SCHEDULE)
    assert rig.see(offline(), FAULT) == ""
    assert rig.see(offline(), covered=True) == ""
    assert rig.see(offline(), FAULT, covered=True) == "B"


def test_a_moment_makes_a_rule_active_for_that_moment_if_the_rest_holds() -> None:
    rig = Rig(STATE, EVENT)
    assert [rig.see(event=STOPPED), rig.see(offline()), rig.see(offline(), event=STOPPED)] == ["", "", "BE"]
    assert rig.see(offline()) == ""
    assert rig.see(offline(), event=STOPPED) == "BE"


@pytest.mark.proves("M-349")
def test_a_manual_trigger_fires_each_time() -> None:
    rig = Rig(MANUAL)
    assert [rig.see(manual="door"), rig.see(manual="door"), rig.see(manual="gate"), rig.see()] == [
        "BE",
        "BE",
        "",
        "",
    ]


@pytest.mark.proves("M-345")
def test_a_schedule_is_a_condition() -> None:
    rig = Rig(SCHEDULE)
    assert [rig.see(), rig.see(covered=True), rig.see(covered=True), rig.see()] == ["", "B", "", "E"]


@pytest.mark.proves("M-346")
def test_a_pulse_is_a_moment() -> None:
    rig = Rig(SCHEDULE)
    assert [rig.see(pulsed=True), rig.see(pulsed=True), rig.see()] == ["BE", "BE", ""]


def test_a_state_is_of_whom_it_is_about() -> None:
    rig = Rig({**STATE, "about": {"camera": "c-2"}})
    assert [rig.see(offline("c-1")), rig.see(offline("c-1"), offline("c-2")), rig.see(offline("c-1"))] == [
        "",
        "B",
        "E",
    ]
    assert Rig({**STATE, "about": {"nothing": "c-2"}}).see(offline("c-2")) == ""


@pytest.mark.proves("M-299")
def test_the_wait_counts_from_what_was_carried_out_and_what_was_not_is_counted() -> None:
    rig = Rig(STATE, wait=10.0)
    assert rig.see(offline()) == "B"  # at 101
    for _ in range(3):  # until 107: each is too early, and moves nothing
        assert [rig.see(), rig.see(offline())] in (["E", ""], ["", ""])
    rig.now = 110.9
    assert rig.see() == ""
    (step,) = rig.look(offline())  # at 112.9: more than 10 s after 101, whatever came between
    assert (step.verb, step.suppressed) == (Verb.BEGIN, 3)
    assert rig.engine.suppressed("r") == 0


def test_what_was_suppressed_is_not_carried_out_when_the_wait_is_over_but_with_its_next_beginning() -> None:
    rig = Rig(STATE, wait=5.0)
    assert [rig.see(offline()), rig.see(), rig.see(offline())] == ["B", "E", ""]
    rig.now += 60
    assert [rig.see(offline()), rig.see(), rig.see(offline())] == ["", "", "B"]


def test_a_rule_that_is_taken_away_or_switched_off_ends() -> None:
    rig = Rig(STATE)
    assert rig.see(offline()) == "B"
    changed = rule(STATE, enabled=False)
    assert [step.verb for step in rig.engine.follow({"r": changed}, rig.now)] == [Verb.END]
    assert rig.see(offline()) == ""
    assert not rig.engine.follow({}, rig.now)


def test_a_rule_that_changes_goes_on_and_waits_as_before() -> None:
    rig = Rig(STATE, wait=100.0)
    assert [rig.see(offline()), rig.see()] == ["B", "E"]
    rig.engine.follow({"r": rule(STATE, OTHER, wait=100.0)}, rig.now)
    assert rig.see(offline(), FAULT) == ""
    assert rig.engine.suppressed("r") == 1


def test_after_a_restart_a_rule_that_was_active_is_not_carried_out_again() -> None:
    rig = Rig(STATE)
    rig.engine.restore("r", rig.now - 50, active=True)
    assert rig.see(offline()) == ""
    (step,) = rig.look()
    assert (step.verb, step.after) == (Verb.END, 52.0)


@pytest.mark.parametrize(
    ("conditions", "fields", "complaint"),
    [
        ([], {}, "at least one condition"),
        ([STATE], {"actions": []}, "at least one action"),
        ([STATE, EVENT], {"trigger": True}, "must be such that last"),
        ([{"kind": "state", "state": "nothing.known"}], {}, "camera.offline"),
        ([{"kind": "state", "state": "rule.active"}], {}, "must be a state"),
        ([{"kind": "event", "event": "rule.told"}], {}, "must be the name of an event"),
        ([STATE], {"wait": 86_400}, "0 to 86399 s"),
        ([STATE], {"actions": [{"kind": "cycle", "port": 49}]}, "48"),
        ([STATE], {"actions": [{"kind": "publish", "topic": "a/#"}]}, "without + and #"),
    ],
)
@pytest.mark.proves("M-300", "M-305")
def test_what_makes_no_rule_is_refused_and_says_why(
    conditions: list[Words], fields: dict[str, object], complaint: str
) -> None:
    values = {"name": "R", "conditions": conditions, "actions": [TELL], **fields}
    with pytest.raises(BadValue) as caught:
        validate(Rule, "r", values)
    assert complaint in str(caught.value)
