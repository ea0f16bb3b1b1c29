"""A real Home Assistant, with a real broker between it and a demo: `python -m tests.endurance.home_assistant HASS`.

HASS is the `hass` of an environment of its own, which has all that `home_assistant.txt` locks. The test command makes
one, and runs this in a network of its own (`tests/endurance/test_home_assistant.py`).

The lock is made from what Home Assistant and the integrations ask for that it starts by itself:

    uv pip compile --python-version 3.13 --generate-hashes -o tests/endurance/home_assistant.txt - <<END
    homeassistant==2025.4.4
    cronsim==2.6
    home-assistant-frontend==20250411.0
    ifaddr==0.2.0
    paho-mqtt==2.1.0
    Pillow==11.1.0
    psutil-home-assistant==0.0.1
    pycares<5
    securetar==2025.2.1
    END

Everything listens on the loopback address. Ends with 0 where all of it held.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.rig import Recorder, demo, free_offset, wait_until
from tests.protocols.mqtt.broker import Broker, Listener, free_port

START_SECONDS = 180.0
SECONDS = 60.0
CONFIGURATION = """
homeassistant:
  name: Test
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
websocket_api:
config:
onboarding:
system_log:
logger:
  default: warning
"""


class HomeAssistant:
    """One instance with a fresh configuration."""

    def __init__(self, hass: Path, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._token = ""
        self.log = folder / "home-assistant.log"
        folder.mkdir(exist_ok=True)
        (folder / "configuration.yaml").write_text(CONFIGURATION.format(port=self.port))
        self._argv = [str(hass), "--skip-pip", "--config", str(folder), "--log-file", str(self.log)]
        self._path = f"{hass.parent}{os.pathsep}{os.environ['PATH']}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, until it answers."""
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PATH": self._path},
        )
        wait_until("Home Assistant answers", self._answers, START_SECONDS, 0.5)

    def stop(self) -> None:
        """In good order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(120)
            self._process = None

    def onboard(self) -> None:
        """Make the first user."""
        who = {
            "client_id": f"{self.url}/",
            "name": "T",
            "username": "t",
            "password": "test-test",
            "language": "en",
        }
        code = self.ask("/api/onboarding/users", who)["auth_code"]
        form = {"client_id": f"{self.url}/", "grant_type": "authorization_code", "code": code}
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{self.url}/auth/token", data, timeout=30) as reply:
            self._token = json.load(reply)["access_token"]

    def broker(self, port: int) -> None:
        """Set up the MQTT integration, as a person does."""
        flow = self.ask("/api/config/config_entries/flow", {"handler": "mqtt"})
        step = f"/api/config/config_entries/flow/{flow['flow_id']}"
        if flow["type"] == "menu":
            flow = self.ask(step, {"next_step_id": "broker"})
        given: dict[str, object] = {"broker": "127.0.0.1", "port": port}
        for field in flow.get("data_schema", []):
            if field["name"] not in given and field.get("required") and "default" in field:
                given[field["name"]] = field["default"]
        done = self.ask(step, given)
        assert done["type"] == "create_entry", done

    def ask(self, path: str, body: object = None) -> Any:
        """One call of its API."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(f"{self.url}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def states(self) -> dict[str, str]:
        """Of all entities."""
        return {each["entity_id"]: each["state"] for each in self.ask("/api/states")}

    def complaints(self) -> list[str]:
        """Warnings and errors about MQTT in its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if ("WARNING" in line or "ERROR" in line) and "mqtt" in line.lower()]

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text(errors="replace")[-2000:]
        try:
            with urllib.request.urlopen(f"{self.url}/api/onboarding", timeout=5) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class Check:
    """What is looked at, one after the other."""

    def __init__(self, home: HomeAssistant, recorder: Recorder, listener: Listener) -> None:
        self.home = home
        self.recorder = recorder
        self.listener = listener
        self.expected: set[str] = set()

    def configs(self) -> list[Any]:
        """What was announced."""
        found = {}
        for _, topic, text in self.listener.lines():
            if topic.startswith("homeassistant/device/") and text:
                found[topic] = json.loads(text)
        return list(found.values())

    def all_are_there(self) -> str:
        """Every entity that is announced and enabled has a state, and is available."""
        serial = self.recorder.told["serial"]
        powered = f"holdfast/{serial}/state/port-1/state"
        wait_until("the ports are told", lambda: self.listener.last(powered) == "powered", SECONDS)
        wanted = [
            component
            for config in self.configs()
            for component in config["components"].values()
            if component.get("enabled_by_default", True)
        ]

        def there() -> bool:
            states = self.home.states()
            ours = [name for name in states if ".attic_" in name or name.endswith(".attic")]
            return len(ours) >= len(wanted) and "unavailable" not in {states[name] for name in ours}

        took = wait_until("every entity is there and available", there, SECONDS, 0.25)
        return f"{len(self.configs())} devices, {len(wanted)} entities, after {took:.1f} s"

    def a_switch_switches(self) -> str:
        """A port that is switched in Home Assistant is switched."""
        name = next(n for n in self.home.states() if n.startswith("switch.") and "port_1_" in n)
        self.home.ask("/api/services/switch/turn_off", {"entity_id": name})
        took = wait_until("the switch is off", lambda: self.home.states()[name] == "off", SECONDS)
        told = json.loads(self.recorder.command("poe", "--json").out)
        assert told["ports"][0]["state"] == "off", told["ports"][0]
        self.home.ask("/api/services/switch/turn_on", {"entity_id": name})
        wait_until("the switch is on", lambda: self.home.states()[name] == "on", SECONDS)
        return f"{name}: the state followed after {took:.2f} s"

    def an_event_arrives(self) -> str:
        """What happens to a port is an event there."""
        name = next(n for n in self.home.states() if n.startswith("event.") and "port_1_" in n)

        def said() -> str:
            return self.home.ask(f"/api/states/{name}")["attributes"]["event_type"] or ""

        wait_until("the port tells something", lambda: said().startswith(("poe.", "port.")), SECONDS)
        return f"{name}: {said()}"

    def a_restart_of_home_assistant_forgets_nothing(self) -> str:
        """All is there again after it was stopped and started."""
        self.home.stop()
        self.home.start()
        return self.all_are_there()

    def who_is_killed_is_unavailable(self) -> str:
        """By the will."""
        name = next(n for n in self.home.states() if n.startswith("switch.") and "port_1_" in n)
        for pid in (self.recorder.pid, *self.recorder.planes().values()):
            os.kill(pid, signal.SIGKILL)
        took = wait_until("unavailable", lambda: self.home.states()[name] == "unavailable", SECONDS)
        return f"after {took:.1f} s"

    def it_complains_of_nothing(self) -> str:
        """No warning of its MQTT integration."""
        complaints = self.home.complaints()
        assert not complaints, "\n".join(complaints)
        return "no warnings"


def main(hass: Path) -> int:
    """Run all; 0 where all held."""
    folder = Path(tempfile.mkdtemp(prefix="home-assistant-"))
    with Broker(folder) as broker, Listener(broker) as listener:
        home = HomeAssistant(hass, folder / "config")
        began = time.monotonic()
        home.start()
        print(f"Home Assistant runs after {time.monotonic() - began:.0f} s", flush=True)
        settings = (
            "enabled=true",
            "host=127.0.0.1",
            f"port={broker.port}",
            "allow_poe=true",
            "allow_recording=true",
        )
        words = ["--set", "recorder.name=Attic", *(w for s in settings for w in ("--set", f"mqtt.{s}"))]
        try:
            home.onboard()
            home.broker(broker.port)
            with demo(folder / "data", free_offset(), "--cameras", "2", *words) as recorder:
                check = Check(home, recorder, listener)
                steps: tuple[Callable[[], str], ...] = (
                    check.all_are_there,
                    check.a_switch_switches,
                    check.an_event_arrives,
                    check.a_restart_of_home_assistant_forgets_nothing,
                    check.who_is_killed_is_unavailable,
                    check.it_complains_of_nothing,
                )
                for step in steps:
                    print(f"{step.__name__.replace('_', ' ')}: {step()}", flush=True)
        finally:
            home.stop()
    shutil.rmtree(folder)
    print("GOOD")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
