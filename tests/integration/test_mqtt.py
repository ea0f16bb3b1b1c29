"""A recorder and a real broker: what its other clients see of it, and what they can do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from device.events.catalogue import CameraId, VideoResumed
from device.events.event import events
from integration.entities.subjects import THINGS, happening, subject
from tests.integration.rig import Recorder, Said, demo, free_offset, wait_until
from tests.protocols.mqtt.broker import Broker, Listener, publish
from tests.protocols.syslog.authority import Authority

SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Rig:
    """A demo of two cameras, its broker, and somebody who listens to all of it."""

    recorder: Recorder
    broker: Broker
    listener: Listener

    @property
    def base(self) -> str:
        return f"holdfast/{self.recorder.told['serial']}"

    def wait(self, topic: str, payload: str) -> None:
        """Until it is the last on that topic."""
        full = f"{self.base}/{topic}"
        wait_until(f"{topic} is {payload}", lambda: self.listener.last(full) == payload, SECONDS)

    def command(self, topic: str, payload: str, *, retain: bool = False) -> None:
        publish(self.broker, f"{self.base}/set/{topic}", payload, retain=retain)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Those that were told, of one kind."""
        head = f"{self.base}/event/{name.replace('.', '/')}"
        return [json.loads(text) for _, topic, text in self.listener.lines() if topic.startswith(head)]

    def configs(self) -> dict[str, Any]:
        """The devices that Home Assistant would know, by the thing's key."""
        head = f"homeassistant/device/holdfast_{self.recorder.told['serial']}_"
        found: dict[str, Any] = {}
        for _, topic, text in self.listener.lines():
            if topic.startswith(head):
                found[topic.removeprefix(head).removesuffix("/config")] = json.loads(text) if text else None
        return {key: each for key, each in found.items() if each is not None}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("mqtt")
    with Broker(folder) as broker, Listener(broker) as listener:
        settings = ("enabled=true", "host=127.0.0.1", f"port={broker.port}", "allow_poe=true", "onvif=true")
        words = [word for setting in settings for word in ("--set", f"mqtt.{setting}")]
        with demo(folder / "data", free_offset(), "--cameras", "2", *words) as recorder:
            yield Rig(recorder, broker, listener)


def test_everything_is_told_and_home_assistant_finds_a_device_for_each_thing(rig: Rig) -> None:
    rig.wait("status", "online")
    rig.wait("state/c-demo1/connection", "ON")
    rig.wait("state/port-1/state", "powered")
    configs = rig.configs()
    things = {"recorder", "chassis", "array", "c_demo1", "c_demo2", "port_1", "port_16", "drive_1"}
    assert things <= configs.keys()
    ids = [each["unique_id"] for config in configs.values() for each in config["components"].values()]
    assert len(set(ids)) == len(ids)
    components = [each for config in configs.values() for each in config["components"].values()]
    stated = {each["state_topic"] for each in components if each["platform"] not in ("event", "button")}
    wait_until(
        "every state is told", lambda: stated <= {topic for _, topic, _ in rig.listener.lines()}, SECONDS
    )


def test_a_command_is_obeyed_and_the_state_follows(rig: Rig) -> None:
    rig.wait("state/port-2/power", "ON")
    rig.command("port-2/power", "OFF")
    rig.wait("state/port-2/power", "OFF")
    rig.wait("state/port-2/state", "off")
    rig.wait("state/c-demo2/connection", "OFF")
    rig.command("port-2/power", "ON")
    rig.wait("state/port-2/state", "powered")
    rig.wait("state/c-demo2/connection", "ON")
    told = [(each["entity"], each["value"], each["result"]) for each in rig.events("command.received")]
    assert ("power", "OFF", "done") in told
    assert ("power", "ON", "done") in told


def test_a_command_that_is_not_allowed_or_makes_no_sense_changes_nothing_and_is_told(rig: Rig) -> None:
    before = len(rig.events("command.received"))
    rig.command("c-demo1/enabled", "OFF")
    rig.command("port-1/power", "maybe")
    rig.command("port-99/power", "OFF")
    rig.command("nothing/at-all", "ON")
    wait_until("all are told", lambda: len(rig.events("command.received")) == before + 4, SECONDS)
    results = [each["result"] for each in rig.events("command.received")[before:]]
    assert "not allowed" in results[0]
    assert "must be ON or OFF" in results[1]
    assert "There is no port" in results[2]
    assert "There is no command" in results[3]
    assert rig.listener.last(f"{rig.base}/state/c-demo1/enabled") == "ON"


def test_onvifs_view_tells_the_same_events(rig: Rig) -> None:
    def told() -> list[Any]:
        head = f"{rig.base}/onvif-ej/hf:"
        return [json.loads(text) for _, topic, text in rig.listener.lines() if topic.startswith(head)]

    wait_until("something is told", lambda: bool(told()), SECONDS)
    assert all(each.keys() == {"UtcTime", "Source", "Data"} for each in told())


def test_events_are_never_retained_and_states_are(rig: Rig) -> None:
    with Listener(rig.broker) as later:
        wait_until("what is retained is there", lambda: len(later.lines()) > 100, SECONDS)
        wait_until("the status too", lambda: later.last(f"{rig.base}/status") == "online", SECONDS)
        retained = [topic for kept, topic, _ in later.lines() if kept]
    assert not [topic for topic in retained if "/event/" in topic or "/happened/" in topic]
    assert f"{rig.base}/state/port-1/power" in retained


def test_the_conformance_suite_finds_nothing(rig: Rig, tmp_path: Path) -> None:
    rig.wait("state/port-5/power", "ON")
    report = tmp_path / "report.json"
    said = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "conformance",
                "mqtt",
                "--host",
                "127.0.0.1",
                "--port",
                str(rig.broker.port),
            ),
            *(
                "--wait",
                "2",
                "--patience",
                "60",
                "--act",
                "--switch",
                "port-5/power",
                "--refused",
                "c-demo1/enabled",
            ),
            *("--json", str(report)),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    cases = json.loads(report.read_text())["cases"]
    assert {case["id"]: case["detail"] for case in cases if case["result"] == "fail"} == {}
    done = {case["id"] for case in cases if case["result"] == "pass"}
    assert {"command.switch", "command.refused", "discovery.birth", "discovery.values", "event.order"} <= done


def test_home_assistants_birth_makes_us_say_everything_again(rig: Rig) -> None:
    topic = f"{rig.base}/state/array/level"

    def told() -> int:
        return len([1 for _, name, _ in rig.listener.lines() if name == topic])

    wait_until("a first time", lambda: told() > 0, SECONDS)
    before = told()
    publish(rig.broker, "homeassistant/status", "online")
    wait_until("once more", lambda: told() > before, SECONDS)


def test_a_retained_command_is_not_obeyed(rig: Rig) -> None:
    """It would be carried out again at every connection."""
    rig.command("port-1/power", "OFF", retain=True)
    pid = rig.recorder.plane("control")
    assert pid is not None
    wait_until(
        "it came while we listened", lambda: rig.listener.last(f"{rig.base}/set/port-1/power") == "OFF"
    )
    rig.wait("state/port-1/power", "OFF")  # to who listens already it is a command like any other
    rig.command("port-1/power", "ON")
    rig.wait("state/port-1/power", "ON")
    started = len(rig.events("recorder.plane-restarted"))
    os.kill(pid, signal.SIGKILL)
    wait_until("it runs again", lambda: len(rig.events("recorder.plane-restarted")) > started, SECONDS)
    rig.wait("status", "online")
    rig.wait("state/port-1/state", "powered")
    assert rig.listener.last(f"{rig.base}/state/port-1/power") == "ON"
    rig.command("port-1/power", "", retain=True)


@pytest.mark.proves("M-217")
def test_certificates_are_chosen_for_a_broker_that_asks_who_comes(rig: Rig, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    server = authority.server
    lines = [f"cafile {authority.certificate}", f"certfile {server.certificate}", f"keyfile {server.key}"]

    def add(name: str, *files: str | Path) -> str:
        said = rig.recorder.command("certificates", "add", name, *files)
        assert said.code == 0, said.err
        return said.out.strip()

    def set_(*words: str) -> Said:
        return rig.recorder.command("settings", "set", *(f"mqtt.{word}" for word in words))

    trusted = add("An authority", authority.certificate)
    pairs = {name: authority.pair(name) for name in ("first", "second")}
    ids = {name: add(name, pair.certificate, "--key", pair.key) for name, pair in pairs.items()}
    with Broker(tmp_path, *lines, "require_certificate true", "use_identity_as_username true") as broker:
        chosen = (f'authorities=["{trusted}"]', f"certificate={ids['first']}")
        assert set_(f"port={broker.port}", "tls=true", *chosen).code == 0
        wait_until("it comes as the first", lambda: "u'first'" in broker.said(), SECONDS)
        assert set_(f"certificate={ids['second']}").code == 0
        wait_until("it comes as the second", lambda: "u'second'" in broker.said(), SECONDS)
        refused = rig.recorder.command("certificates", "remove", ids["second"])
        assert (refused.code, "used by mqtt.certificate" in refused.err) == (2, True)
        unknown = set_("certificate=crt-0000000000")
        assert (unknown.code, "there is no certificate" in unknown.err) == (2, True)
        assert set_(f"port={rig.broker.port}", "tls=false", "authorities=[]", "certificate=").code == 0
    for id_ in (trusted, *ids.values()):
        assert rig.recorder.command("certificates", "remove", id_).code == 0
    rig.wait("status", "online")


def test_an_outage_loses_nothing_a_wiped_broker_is_told_everything_again_and_who_is_killed_is_offline(
    tmp_path: Path,
) -> None:
    with Broker(tmp_path) as broker:
        words = [
            "--set",
            "mqtt.enabled=true",
            "--set",
            "mqtt.host=127.0.0.1",
            "--set",
            f"mqtt.port={broker.port}",
        ]
        with demo(tmp_path / "data", free_offset(), "--cameras", "1", *words) as recorder:
            serial = recorder.told["serial"]
            base, client = f"holdfast/{serial}", f"holdfast-{serial}"
            wait_until(
                "it is there", lambda: f"{base}/event/recorder/started" in broker.taken(client), SECONDS
            )
            broker.kill()
            names = ("snmp.contact=me", "recorder.name=Attic", "cameras[c-demo1].name=Gate")
            recorder.command("settings", "set", *names)
            shown = json.loads(recorder.command("outbox", "--json").out)
            (box,) = shown["destinations"]
            assert box["destination"] == "mqtt"
            assert box["waiting"] >= len(names)
            seen = len(broker.taken(client))
            broker.start()
            changed = [
                f"{base}/event/settings/changed/{about}"
                for about in ("snmp/-", "recorder/-", "cameras/c-demo1")
            ]
            wait_until("the changes", lambda: changed[-1] in broker.taken(client)[seen:], SECONDS)
            assert [topic for topic in broker.taken(client)[seen:] if topic in changed] == changed
            with Listener(broker) as listener:
                device = f"homeassistant/device/holdfast_{serial}_port_1/config"
                wait_until("the new name", lambda: "Attic Port 1" in (listener.last(device) or ""), SECONDS)
                wait_until("online", lambda: listener.last(f"{base}/status") == "online", SECONDS)
                for pid in (recorder.pid, *recorder.planes().values()):
                    os.kill(pid, signal.SIGKILL)
                wait_until("offline", lambda: listener.last(f"{base}/status") == "offline", SECONDS)


def test_every_event_is_about_a_thing_that_can_have_it() -> None:
    kinds = {"", "camera", "port", "bay", "volume"}
    found = [happening(kind) for kind in kinds] + [happening(group=group) for group in ("raid", "chassis")]
    assert sorted(name for names in found for name in names) == sorted(events())
    assert set(THINGS) == {"port", "bay", "camera", "recording", "volume"}
    assert subject(VideoResumed(CameraId("c-1"), "main")) == "c-1"
