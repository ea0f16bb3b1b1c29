"""Topics and discovery: what every event and every thing becomes."""

from __future__ import annotations

import json

import pytest

from device.cameras.source import Cause
from device.entities import Category, Command, Entity, Permission, Platform, Thing
from device.events.catalogue import CameraId, CameraOffline
from device.events.event import events
from device.events.journal import Entry
from device.media import Utc
from protocols.mqtt import discovery
from protocols.mqtt.onvif import Value, onvif_draft
from protocols.mqtt.topics import Topics, event_payload, example, happened_payload, level, state_payload

TOPICS = Topics("holdfast", "S1")
OFFLINE = CameraOffline(CameraId("c-1"), "main", Cause.UNREACHABLE, "no route")
ENTRY = Entry(12, Utc(1_790_000_000_000_001), "recording:ab", 3, 0, OFFLINE)


def test_every_event_has_a_topic_of_its_own() -> None:
    topics = [example(kind) for kind in events().values()]
    assert len(set(topics)) == len(events())
    assert all(topic.count("+") == topic.count("#") == 0 for topic in topics)


def test_an_event_names_whom_it_is_about_and_is_the_same_whenever_it_is_sent_again() -> None:
    assert TOPICS.event(OFFLINE) == "holdfast/S1/event/camera/offline/c-1/main"
    said = json.loads(event_payload(ENTRY))
    assert said["id"] == "recording:ab:3"
    assert said["utc"] == "2026-09-21T14:13:20.000001Z"
    assert said["state"] == "camera.offline"
    assert (said["event"], said["cause"], said["camera"]) == ("camera.offline", "unreachable", "c-1")
    assert json.loads(happened_payload(ENTRY))["event_type"] == "camera.offline"


@pytest.mark.parametrize(
    ("text", "expected"), [("a/b", "a%2Fb"), ("+#", "%2B%23"), ("", "-"), ("100%", "100%25"), ("é", "é")]
)
def test_a_level_separates_and_selects_nothing(text: str, expected: str) -> None:
    assert level(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, b"ON"),
        (False, b"OFF"),
        (None, b"None"),
        (12.345678, b"12.3457"),
        (3, b"3"),
        ("x" * 300, b"x" * 255),
    ],
)
def test_a_state_is_bare_and_short(value: str | float | bool | None, expected: bytes) -> None:
    assert state_payload(value) == expected


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("holdfast/S1/set/port-3/power", Command("port-3", "power", "ON")),
        ("holdfast/S1/set/port-3", None),
        ("holdfast/S1/set/port-3/power/more", None),
        ("holdfast/S2/set/port-3/power", None),
    ],
)
def test_a_command_is_to_one_entity_of_ours(topic: str, expected: Command | None) -> None:
    assert TOPICS.parse(topic, b"ON") == expected


SWITCH = Entity(
    "power", "Power", Platform.SWITCH, "outlet", category=Category.CONFIG, permission=Permission.POE
)
BUTTON = Entity("cycle", "Cycle", Platform.BUTTON, "restart", permission=Permission.POE)
STATE = Entity("state", "State", Platform.SENSOR, options=("a", "b"))
PORT = Thing("port-1", "Port 1", "PoE port", (SWITCH, BUTTON, STATE), {"power": True}, parent="recorder")


def described(allowed: frozenset[Permission]) -> dict[str, object]:
    message = json.loads(discovery.config(PORT, TOPICS, "S1", "1.0", "Attic", allowed))
    assert set(message) <= {"device", "origin", "availability", "availability_mode", "qos", "components"}
    assert message["device"]["name"] == "Attic Port 1"
    assert message["device"]["via_device"] == "holdfast_S1_recorder"
    return {key.removeprefix("holdfast_S1_port_1_"): each for key, each in message["components"].items()}


def test_what_may_be_commanded_has_a_command_topic() -> None:
    shown = described(frozenset({Permission.POE}))
    power = shown["power"]
    assert isinstance(power, dict)
    assert power["command_topic"] == "holdfast/S1/set/port-1/power"
    assert power["unique_id"] == "holdfast_S1_port_1_power"
    assert "cycle" in shown


def test_what_may_not_be_commanded_is_seen_all_the_same_and_a_button_is_not() -> None:
    shown = described(frozenset())
    power = shown["power"]
    assert isinstance(power, dict)
    assert (power["platform"], power["entity_category"]) == ("binary_sensor", "diagnostic")
    assert "command_topic" not in power
    assert "device_class" not in power
    assert "cycle" not in shown


def test_a_component_that_is_gone_is_marked_and_one_that_stays_is_not() -> None:
    before = discovery.components(
        discovery.config(PORT, TOPICS, "S1", "1.0", "Attic", frozenset({Permission.POE}))
    )
    now = discovery.config(PORT, TOPICS, "S1", "1.0", "Attic", frozenset())
    marked = discovery.removed(before, now)
    assert marked is not None
    assert json.loads(marked)["components"]["holdfast_S1_port_1_cycle"] == {"platform": "button"}
    assert discovery.removed(discovery.components(now), now) is None


def test_onvifs_broker_names_the_topic_and_its_source_and_keeps_properties() -> None:
    source = {"Token": "fan 1", "Kind": "a/b"}
    data: dict[str, Value] = {"Failed": True, "Cause": Cause.UNREACHABLE}
    made = onvif_draft(
        TOPICS.base, "tns1:Device/HardwareFailure/FanFailure", ENTRY.utc, source, data, is_property=True
    )
    head = json.loads(made.head)
    assert head["topic"] == "holdfast/S1/onvif-ej/Device/HardwareFailure/FanFailure/&fan 1/a%2Fb"
    assert head["retain"] is True
    assert json.loads(made.body) == {
        "UtcTime": "2026-09-21T14:13:20.000001Z",
        "Source": {"Token": "fan 1", "Kind": "a/b"},
        "Data": {"Failed": True, "Cause": "unreachable"},
    }
    moment = onvif_draft("site/a", "hf:Rule/Told", ENTRY.utc, {}, {"Text": "x"}, is_property=False)
    assert json.loads(moment.head) == {"topic": "site/a/onvif-ej/hf:Rule/Told"}


def test_a_property_that_is_no_more_is_kept_no_more() -> None:
    job = {"RecordingJobToken": "j-1"}
    gone = onvif_draft(
        "a", "tns1:RecordingConfig/JobState", ENTRY.utc, job, {}, is_property=True, deleted=True
    )
    head = json.loads(gone.head)
    assert head == {"topic": "a/onvif-ej/RecordingConfig/JobState/&j-1", "retain": True}
    assert gone.body == b""
