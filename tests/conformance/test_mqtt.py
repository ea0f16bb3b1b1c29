"""The MQTT suite: what is right passes, and each fault fails its own case."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.case import Result
from conformance.mqtt import SUITE
from conformance.mqtt.cases import acting
from conformance.mqtt.client import Message
from conformance.mqtt.device import Device, Facts, Options, contact
from conformance.mqtt.reading import long
from conformance.suite import Unreachable, run
from tests.conformance.small_publisher import BASE, CONFIG, NAME, SmallDevice, config
from tests.protocols.mqtt.broker import Broker

EVENT = {"id": "r:1", "utc": "2026-11-28T12:00:00.5Z", "severity": "notice"}
ONVIF = {"UtcTime": "2026-11-28T12:00:00Z", "Source": {"Fan": "1"}, "Data": {"Failed": True}}
FAN = f"{BASE}/onvif-ej/Device/HardwareFailure/FanFailure/&1"


def good() -> tuple[dict[str, bytes], list[Message]]:
    """What is retained, and what is sent, of a device that does everything right."""
    stored = {
        f"{BASE}/status": b"online",
        f"{BASE}/available/port": b"online",
        f"{BASE}/state/port/power": b"ON",
        f"{BASE}/state/port/drawn": b"4.5",
        CONFIG: packed(full()),
    }
    live = [
        Message(f"{BASE}/state/port/power", b"ON", True, 1),
        Message(f"{BASE}/event/a/1", packed(EVENT), False, 1),
        Message(f"{BASE}/event/a/1", packed({**EVENT, "id": "r:2"}), False, 1),
        Message(FAN, packed(ONVIF), True, 1),
    ]
    return stored, live


def full() -> dict[str, Any]:
    said = config()
    said["device"]["via_device"] = "small_7"
    said["availability"].append({"topic": f"{BASE}/available/port"})
    said["components"]["drawn"] = {
        "platform": "sensor",
        "unique_id": "small_7_drawn",
        "state_topic": f"{BASE}/state/port/drawn",
        "unit_of_measurement": "W",
    }
    return said


def packed(said: object) -> bytes:
    return json.dumps(said).encode()


async def judged(stored: dict[str, bytes], live: list[Message]) -> dict[str, Result]:
    """How each case came out that applies."""
    kept = {topic: Message(topic, payload, True, 1) for topic, payload in stored.items()}
    device = Device(Facts(BASE, "homeassistant", kept, live), Options(), None)
    outcomes = await run(SUITE.cases, device, 1, lambda outcome: None)  # noqa: ARG005 - nobody is told
    return {each.id: each.result for each in outcomes if each.result is not Result.NOT_APPLICABLE}


async def test_what_is_right_passes_everything() -> None:
    found = await judged(*good())
    assert set(found.values()) == {Result.PASS}
    assert len(found) == len(SUITE.cases) - 7  # those for which something must be done


def config_with(*path: str, value: object) -> dict[str, bytes]:
    """The discovery message with one thing that is another; None: without it."""
    said = full()
    at = said
    for key in path[:-1]:
        at = at[key]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return {CONFIG: packed(said)}


POWER = ("components", "power")


@pytest.mark.parametrize(
    ("stored", "case"),
    [
        ({f"{BASE}/other/x": b"1"}, "topic.documented"),
        ({f"{BASE}/state//x": b"1"}, "topic.levels"),
        ({f"{BASE}/status": b"offline"}, "status.retained"),
        ({f"{BASE}/available/port": b"yes"}, "status.available"),
        ({f"{BASE}/state/port/name": b"\xff"}, "state.value"),
        ({f"{BASE}/event/a/1": b"{}"}, "event.not-retained"),
        ({f"{BASE}/happened/port": b"{}"}, "event.not-retained"),
        ({f"{BASE}/set/port/power": b"ON"}, "command.not-retained"),
        ({f"{CONFIG[:-6]}x/config": b"no JSON"}, "discovery.json"),
        ({"homeassistant/device/a b/config": packed({**full(), "components": {}})}, "discovery.topic"),
        (config_with("device", "name", value=None), "discovery.device"),
        (config_with("origin", value=None), "discovery.origin"),
        (config_with("surprise", value=1), "discovery.keys"),
        (config_with("device", "serial", value="7"), "discovery.keys"),
        (config_with(*POWER, "platform", value="toaster"), "discovery.platform"),
        (config_with(*POWER, "command_topic", value=None), "discovery.demanded"),
        (config_with("components", "drawn", "unique_id", value=None), "discovery.unique"),
        (config_with("availability", value={"topic": f"{BASE}/available/none"}), "discovery.available"),
        (config_with(*POWER, "state_topic", value=f"{BASE}/state/none/none"), "discovery.states"),
        (config_with(*POWER, "payload_on", value="on"), "discovery.values"),
        ({f"{BASE}/state/port/drawn": b"4,5"}, "discovery.values"),
        (config_with("device", "via_device", value="nobody"), "discovery.parent"),
    ],
)
async def test_each_fault_of_what_is_retained_fails_its_case_and_no_other(
    stored: dict[str, bytes], case: str
) -> None:
    kept, live = good()
    found = await judged({**kept, **stored}, live)
    assert [name for name, result in found.items() if result is Result.FAIL] == [case]


def event(**more: object) -> Message:
    return Message(f"{BASE}/event/a/1", packed({**EVENT, "id": "r:3", **more}), False, 1)


@pytest.mark.parametrize(
    ("message", "case"),
    [
        (Message(f"{BASE}/state/port/power", b"ON", False, 1), "state.retained"),
        (Message(f"{BASE}/state/port/unkept", b"ON", True, 1), "state.retained"),
        (Message(f"{BASE}/event/a/1", packed({**EVENT, "id": "r:3"}), True, 1), "event.not-retained"),
        (Message(f"{BASE}/event/a/1", packed({**EVENT, "id": "r:3"}), False, 0), "event.quality"),
        (Message(f"{BASE}/event/a/1", b"[1]", False, 1), "event.json"),
        (event(utc="2026-11-28 12:00"), "event.time"),
        (event(severity="bad"), "event.severity"),
        (event(id="r:1"), "event.order"),
        (Message(FAN, packed({**ONVIF, "More": 1}), True, 1), "onvif.json"),
        (Message(FAN, packed({**ONVIF, "UtcTime": "2026-11-28T12:00:00+01:00"}), True, 1), "onvif.time"),
        (Message(FAN.replace("/Device/", "/tns1:Device/"), packed(ONVIF), True, 1), "onvif.topic"),
        (Message(FAN.removesuffix("/&1"), packed(ONVIF), True, 1), "onvif.source"),
    ],
)
async def test_each_fault_of_what_is_sent_fails_its_case_and_no_other(message: Message, case: str) -> None:
    kept, live = good()
    found = await judged(kept, [*live, message])
    assert [name for name, result in found.items() if result is Result.FAIL] == [case]


def test_short_words_are_written_out() -> None:
    said = {"~": "a/b", "cmps": {"x": {"p": "switch", "cmd_t": "~/set", "stat_t": "~/state", "pl_on": "~"}}}
    assert long(said) == {
        "components": {
            "x": {
                "platform": "switch",
                "command_topic": "a/b/set",
                "state_topic": "a/b/state",
                "payload_on": "~",
            }
        }
    }


# --------------------------------------------------------------------------------------- at a real broker


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("conformance-mqtt")) as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What must not change is not watched for long."""
    monkeypatch.setattr(acting, "SETTLE", 0.5)


def given(broker: Broker, **more: object) -> argparse.Namespace:
    values = {
        "host": "127.0.0.1",
        "port": broker.port,
        "tls": False,
        "ca": None,
        "user": "",
        "password": None,
    }
    values |= {"device": BASE, "discovery": "homeassistant", "wait": 0.5, "patience": 30.0, "act": True}
    values |= {"switch": "port/power", "refused": "lamp/power", "client": "", "unplug": 0.0}
    return argparse.Namespace(**values | more)


async def acted(broker: Broker, pattern: str, **more: object) -> dict[str, Result]:
    device = await contact(given(broker, **more))
    outcomes = await run(SUITE.chosen([pattern]), device, 1, lambda outcome: None)  # noqa: ARG005 - nobody is told
    return {each.id: each.result for each in outcomes if each.result is not Result.NOT_APPLICABLE}


async def test_a_good_device_obeys_and_says_all_of_it_again(broker: Broker) -> None:
    with SmallDevice(broker.port):
        found = await acted(broker, "*", device="")  # it is found by its status
    assert {name for name, result in found.items() if result is Result.FAIL} == set()
    assert {"command.switch", "command.refused", "command.nonsense", "command.unknown"} <= found.keys()
    assert {"discovery.birth", "event.json", "state.value"} <= found.keys()


ALL = {"command.unknown", "command.switch", "command.nonsense", "command.refused"}


@pytest.mark.parametrize(
    ("fault", "pattern", "patience", "cases"),
    [  # where all that is judged fails, there is no need to be patient
        ("does anything", "command.*", 1.0, ALL),
        ("silent", "command.*", 1.0, ALL),
        ("does nothing", "command.switch", 1.0, {"command.switch"}),
        ("obeys everybody", "command.*", 30.0, {"command.refused"}),
    ],
)
async def test_each_fault_of_obeying_fails_its_cases(
    broker: Broker, fault: str, pattern: str, patience: float, cases: set[str]
) -> None:
    with SmallDevice(broker.port, fault):
        found = await acted(broker, pattern, patience=patience)
    assert {name for name, result in found.items() if result is Result.FAIL} == cases


async def test_a_device_that_does_not_hear_of_a_birth_fails(broker: Broker) -> None:
    with SmallDevice(broker.port, "no birth"):
        assert await acted(broker, "discovery.birth", patience=1.0) == {"discovery.birth": Result.FAIL}


@pytest.mark.parametrize(
    ("fault", "result"), [("", Result.PASS), ("no will", Result.FAIL), ("will not retained", Result.FAIL)]
)
async def test_a_device_that_is_cut_off(broker: Broker, fault: str, result: Result) -> None:
    patience = 1.0 if fault == "no will" else 30.0
    with SmallDevice(broker.port, fault) as small:
        device = await contact(given(broker, act=False, unplug=0.1, patience=patience))
        judging = asyncio.create_task(
            run(SUITE.chosen(["status.will"]), device, 1, lambda outcome: None)  # noqa: ARG005 - nobody is told
        )
        await asyncio.sleep(0.3)
        await asyncio.to_thread(small.cut)
        (outcome,) = await judging
        assert outcome.result is result


@pytest.mark.parametrize(("fault", "result"), [("", Result.PASS), ("no session", Result.FAIL)])
async def test_a_session_that_is_kept(broker: Broker, fault: str, result: Result) -> None:
    with SmallDevice(broker.port, fault) as small:
        device = await contact(given(broker, act=False, client=NAME))
        await asyncio.to_thread(small.cut)
        outcomes = await run(SUITE.chosen(["status.session"]), device, 1, lambda outcome: None)  # noqa: ARG005 - nobody is told
    assert [each.result for each in outcomes] == [result]


async def test_no_broker_and_nobody_there_is_no_verdict(broker: Broker) -> None:
    with pytest.raises(Unreachable, match="there is no broker"):
        await contact(given(broker, port=1))
    with pytest.raises(Unreachable, match="nothing came below nobody/"):
        await contact(given(broker, device="nobody", act=False, wait=0.0))
