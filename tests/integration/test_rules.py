"""Rules in the control plane: settings in, actions out."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from device.cameras.source import Cause
from device.errors import BadValue, NotFound
from device.events.automation import RuleActionFailed, RuleActive, RuleEnded, RuleTold
from device.events.catalogue import CameraId, CameraOffline, CameraOnline
from device.events.event import Event
from device.folder import DataFolder
from device.identity import identity
from device.media import MICROSECONDS, Utc
from device.planes.leash import Leash
from device.planes.link import Client, Server
from device.planes.messages import Done, TriggerEvent
from device.rules.messages import AskRules, FireTrigger, TryRule
from device.settings.cameras import Camera
from device.settings.rules import MOST_RULES, Clip, Pictures, Publish, Rule, Schedule
from device.settings.sections import SECTIONS
from integration.cli import app
from integration.commands.rules import part, seconds
from integration.mqtt import MqttOff
from integration.plane import Plane, plane
from integration.rules import Reach, RulesPlane

WITHIN = 30.0
OFFLINE = CameraOffline(CameraId("c-gate"), "main", Cause.UNREACHABLE, "")
ONLINE = CameraOnline(CameraId("c-gate"), "main", 1.0)
STATE = {"kind": "state", "state": "camera.offline"}
TELL = {"kind": "tell", "text": "hello"}


class Rig:
    """A control plane with rules, and what they did."""

    def __init__(self, own: Plane, rules: RulesPlane, control: Client, triggered: list[TriggerEvent]) -> None:
        self.own = own
        self.rules = rules
        self.control = control
        self.triggered = triggered
        self.published: list[Publish] = []
        self.sent: list[tuple[str, str, str]] = []
        self.made: list[tuple[Pictures | Clip, str, str]] = []
        self.moved: list[tuple[str, str, str]] = []
        self.said: list[Event] = []

    def rule(self, key: str, *actions: Mapping[str, object], **fields: object) -> None:
        values = {"name": key.title(), "conditions": [STATE], "actions": list(actions), **fields}
        self.own.settings.patch(Rule, values, key=key, by="anna")

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.said if isinstance(event, kind)]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN):
            while not holds():  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(data: Path) -> AsyncIterator[Rig]:
    folder = DataFolder(data)
    folder.make()
    identity(folder.identity)
    triggered: list[TriggerEvent] = []

    async def trigger(request: TriggerEvent) -> Done:
        if request.camera != "c-gate":
            raise NotFound("camera", request.camera)
        triggered.append(request)
        return Done()

    async with (
        plane("control", data, Leash(None, None), SECTIONS) as own,
        Server(folder.socket("recording")) as recording,
        Client(folder.socket("recording"), within=WITHIN) as client,
        Client(folder.socket("control"), within=WITHIN) as control,
    ):
        recording.on(TriggerEvent, trigger)
        rig: Rig

        def publish(what: Publish) -> None:
            if what.topic == "off":
                raise MqttOff("MQTT is off: nothing can be published.")
            rig.published.append(what)

        def send(key: str, subject: str, text: str) -> None:
            rig.sent.append((key, subject, text))

        async def pictures(action: Pictures, subject: str, text: str) -> None:
            rig.made.append((action, subject, text))

        def clip(action: Clip, utc: Utc, subject: str, text: str) -> None:
            assert abs(own.clock.utc() - utc) < 600 * MICROSECONDS
            rig.made.append((action, subject, text))

        async def recall(camera: str, preset: str, by: str) -> None:
            rig.moved.append((camera, preset, by))

        rules = RulesPlane(own, Reach(client, lambda: None, publish, send, pictures, clip, recall))
        rules.answer(own.server)
        rig = Rig(own, rules, control, triggered)
        end = own.bus.subscribe(lambda entry: rig.said.append(entry.event))
        work = asyncio.create_task(rules.run())
        await asyncio.sleep(0)
        try:
            yield rig
            assert not work.done()
        finally:
            end()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


@pytest.mark.proves("M-305")
async def test_actions_are_carried_out_in_their_order_and_one_that_fails_does_not_hold_up_the_others(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as rig:
        rig.rule(
            "gate",
            {"kind": "publish", "topic": "off"},
            {"kind": "cycle", "port": 3},
            {"kind": "publish", "topic": "a/b", "payload": "1"},
            {"kind": "send", "recipient": "anna"},
            {"kind": "preset", "camera": "c-gate", "preset": "Gate"},
            TELL,
        )
        rig.own.bus.publish(OFFLINE)
        await rig.until(lambda: bool(rig.of(RuleTold)))
        assert [each.topic for each in rig.published] == ["a/b"]
        assert rig.sent == [("anna", "Gate", "camera.offline")]
        assert rig.moved == [("c-gate", "Gate", "rule Gate")]
        failed = [event.action for event in rig.of(RuleActionFailed) if isinstance(event, RuleActionFailed)]
        assert failed == ["publish", "cycle"]
        assert len(rig.of(RuleActive)) == 1
        rig.own.bus.publish(ONLINE)
        assert len(rig.of(RuleEnded)) == 1


async def test_a_camera_is_recorded_as_long_as_the_rule_is_active(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.rule("gate", {"kind": "record", "cameras": ["c-gate", "c-gone"]})
        rig.own.bus.publish(OFFLINE)
        await rig.until(lambda: len(rig.triggered) >= 3)
        assert all(b.utc > a.utc for a, b in zip(rig.triggered, rig.triggered[1:], strict=False))
        assert rig.of(RuleActionFailed)
        rig.own.bus.publish(ONLINE)
        await rig.until(lambda: bool(rig.of(RuleEnded)))
        await asyncio.sleep(0.1)  # what was under way
        count = len(rig.triggered)
        await asyncio.sleep(1.5)
        assert len(rig.triggered) == count


async def test_pictures_and_clips_are_asked_for_and_what_they_show_is_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.rule(
            "gate",
            {"kind": "pictures", "recipient": "nas", "cameras": ["c-gate"], "count": 2},
            {"kind": "clip", "recipient": "nas", "cameras": ["c-gate"], "after": 20, "text": "Look"},
        )
        rig.own.bus.publish(OFFLINE)
        await rig.until(lambda: len(rig.triggered) == 2)
        pictures, clip = rig.made
        assert (pictures[0].kind, pictures[1:]) == ("pictures", ("Gate", "camera.offline"))
        assert (clip[0].kind, clip[1:]) == ("clip", ("Gate", "Look"))
        # In event mode, what comes until the end of the clip is kept on its account.
        assert rig.triggered[1].utc - rig.triggered[0].utc == 20 * MICROSECONDS


async def test_why_pictures_and_clips_cannot_be_had_is_said_beforehand(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.own.settings.patch(Camera, {"main": "rtsp://192.0.2.1/"}, key="c-gate", by="anna")
        gate = {"recipient": "nas", "cameras": ["c-gate"]}
        preset = {"kind": "preset", "camera": "c-gate", "preset": "Gate"}
        rig.rule("gate", {"kind": "pictures", **gate}, {"kind": "clip", **gate}, preset)
        told = await rig.control.call(TryRule("gate"))
        assert told.problems == (
            "camera 'c-gate' takes no pictures: it has no ONVIF address",
            "there is no recipient 'nas'",
            "camera 'c-gate' goes to no preset: it has no ONVIF address",
        )
        with pytest.raises(BadValue, match="without #s in the name only one picture"):
            rig.rule("gate", {"kind": "pictures", "count": 2, "name": "latest", **gate})
        with pytest.raises(BadValue, match="'%q', which is none of"):
            rig.rule("gate", {"kind": "clip", "name": "%Y-%q", **gate})


async def test_the_buzzer_sounds_as_long_as_the_rule_is_active(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.rule("gate", {"kind": "buzzer"})
        assert rig.rules.faults() == frozenset()
        rig.own.bus.publish(OFFLINE)
        assert rig.rules.faults() == {"rule Gate"}
        rig.own.bus.publish(ONLINE)
        assert rig.rules.faults() == frozenset()


@pytest.mark.proves("M-349")
async def test_a_manual_trigger_fires_a_rule(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.rule("door", TELL, conditions=[{"kind": "manual", "name": "bell"}])
        assert rig.rules.triggers() == {"bell": "Door"}
        await rig.control.call(FireTrigger("bell", "anna"))
        await rig.until(lambda: bool(rig.of(RuleTold)))
        (active,) = rig.of(RuleActive)
        assert isinstance(active, RuleActive)
        assert active.why == "manual bell, by anna"
        with pytest.raises(NotFound):
            await rig.control.call(FireTrigger("knocker", "anna"))


@pytest.mark.proves("M-346")
async def test_a_pulse_fires_a_rule_again_and_again(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.own.settings.patch(
            Schedule, {"name": "Second", "kind": "pulse", "every": 1}, key="second", by="anna"
        )
        rig.rule("tick", TELL, conditions=[{"kind": "schedule", "schedule": "second"}])
        await rig.until(lambda: len(rig.of(RuleTold)) >= 2)


async def test_a_rule_can_be_tried_dry(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.own.settings.patch(Camera, {"main": "rtsp://192.0.2.1/"}, key="c-gate", by="anna")
        rig.rule(
            "gate",
            {"kind": "record", "cameras": ["c-gate"]},
            {"kind": "cycle", "port": 3},
            conditions=[STATE, {"kind": "schedule", "schedule": "night", "invert": True}],
        )
        told = await rig.control.call(TryRule("gate"))
        assert [(each.text, each.holds) for each in told.conditions] == [
            ("camera.offline", False),
            ("not schedule night", True),
        ]
        assert not told.active
        assert told.actions == ("record cameras=c-gate", "cycle port=3")
        assert [problem.split(":")[0] for problem in told.problems] == [
            "camera 'c-gate' is not in event mode",
            "there is no port 3",
            "there is no schedule 'night'",
        ]
        rig.own.bus.publish(OFFLINE)
        told = await rig.control.call(TryRule("gate"))
        assert told.active
        with pytest.raises(NotFound):
            await rig.control.call(TryRule("none"))


@pytest.mark.proves("M-296", "M-298")
async def test_all_rules_are_shown_with_their_names(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.rule("gate", TELL)
        rig.rule("door", TELL, name="The door", enabled=False)
        rig.own.bus.publish(OFFLINE)
        shown = (await rig.control.call(AskRules())).rules
        assert [(each.key, each.name, each.enabled, each.active) for each in shown] == [
            ("door", "The door", False, False),
            ("gate", "Gate", True, True),
        ]


@pytest.mark.proves("M-297")
async def test_there_are_at_most_256_rules(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        for number in range(MOST_RULES):
            rig.rule(f"r-{number}", TELL)
        with pytest.raises(BadValue, match="at most 256"):
            rig.rule("one-more", TELL)


async def test_a_restart_carries_nothing_out_again_and_forgets_no_wait(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.rule("gate", TELL, wait=3600)
        rig.own.bus.publish(OFFLINE)
        await rig.until(lambda: bool(rig.of(RuleTold)))
    async with running(tmp_path) as rig:
        await rig.until(lambda: rig.rules._engine.active() == {"gate"})
        rig.own.bus.publish(ONLINE)
        assert len(rig.of(RuleEnded)) == 1
        rig.own.bus.publish(OFFLINE)
        assert rig.rules._engine.suppressed("gate") == 1
        assert not rig.of(RuleActive)
        assert not rig.of(RuleTold)


@pytest.mark.proves("M-347", "M-348", "M-304")
def test_rules_and_schedules_by_command(tmp_path: Path) -> None:
    night = ["schedules[night].name=Night", 'schedules[night].spans=[{"start": "22:00", "end": "06:00"}]']
    pulse = ["schedules[hour].name=Hour", "schedules[hour].kind=pulse", "schedules[hour].every=3600"]

    def holdfast(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--data", str(tmp_path / "data")])
        assert done.exit_code == 0, done.output
        return done.output

    holdfast("settings", "set", *night, *pulse)
    when = ["--when", "not state camera.offline camera=c-gate", "--when", "schedule night"]
    added = holdfast("rules", "add", "Gate", *when, "--do", "tell Hello", "--wait", "00:01:30", "--json")
    (rule,) = json.loads(holdfast("rules", "--json"))["rules"]
    assert (rule["key"], rule["name"], rule["wait"]) == (json.loads(added)["key"], "Gate", 90.0)
    assert [each["kind"] for each in rule["conditions"]] == ["state", "schedule"]
    listed = json.loads(holdfast("rules", "schedules", "--json"))["schedules"]
    assert [(each["key"], each["kind"]) for each in listed] == [("hour", "pulse"), ("night", "weekly")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "state camera.offline camera=c-1",
            {"kind": "state", "state": "camera.offline", "about": {"camera": "c-1"}},
        ),
        ("not schedule night", {"kind": "schedule", "schedule": "night", "invert": True}),
        ("record c-1,c-2", {"kind": "record", "cameras": ["c-1", "c-2"]}),
        ("tell It is  late", {"kind": "tell", "text": "It is  late"}),
        ("publish a/b on now", {"kind": "publish", "topic": "a/b", "payload": "on now"}),
        ("buzzer", {"kind": "buzzer"}),
        ("preset c-1 Far end", {"kind": "preset", "camera": "c-1", "preset": "Far end"}),
        (
            "clip nas c-1,c-2 after=20 form=mp4",
            {"kind": "clip", "recipient": "nas", "cameras": ["c-1", "c-2"], "after": "20", "form": "mp4"},
        ),
    ],
)
def test_conditions_and_actions_as_people_type_them(text: str, expected: dict[str, object]) -> None:
    assert part(text, "--when") == expected


@pytest.mark.parametrize("text", ["", "not", "nonsense x", "state", "state camera.offline nonsense"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="--when"):
        part(text, "--when")


@pytest.mark.proves("M-299")
def test_a_wait_is_hours_minutes_and_seconds() -> None:
    assert (seconds("01:02:03"), seconds("2:03"), seconds("7")) == (3723.0, 123.0, 7.0)
    with pytest.raises(BadValue, match="HH:MM:SS"):
        seconds("soon")
