"""Ports and box as a person meets them: `holdfast poe`, `chassis` and `simulate`, and cameras that live from a port."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from device.chassis.buttons import Button
from device.chassis.messages import AskChassis
from device.folder import DataFolder
from device.planes.messages import AskRecording
from device.planes.wire import Request
from device.poe.messages import AskPoe, PoeShown, PortShown
from device.poe.power import watts
from integration.commands.reach import call
from integration.virtual_box.drivers import BOX
from integration.virtual_box.messages import BreakPart, Draw, Plug, PressButton, Unplug
from tests.integration.rig import Recorder, demo, free_offset, holdfast, wait_until


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A demo of two cameras, on which hands are laid."""
    data = tmp_path_factory.mktemp("box") / "data"
    with demo(
        data, free_offset(), "--cameras", "2", "--set", "poe.cycle_off=1", "--set", "poe.cycle_interval=3600"
    ) as recorder:
        yield recorder


def ports(box: Recorder) -> PoeShown:
    """All ports, asked without a command: a test looks often."""
    return call(DataFolder(box.data), "control", AskPoe())


def port(box: Recorder, number: int) -> PortShown:
    """One port."""
    told = ports(box).ports[number - 1]
    assert told.port == number
    return told


def until_state(box: Recorder, number: int, state: str) -> None:
    """Wait until a port is in a state."""
    wait_until(f"port {number} is {state}", lambda: port(box, number).state == state)


def picture(box: Recorder, camera: str) -> bool:
    """Whether the main stream of a camera is well."""
    streams = call(DataFolder(box.data), "recording", AskRecording()).streams
    return next(each.well for each in streams if (each.camera, each.stream) == (camera, "main"))


def answers(url: str) -> bool:
    """Whether something listens where a camera was."""
    parts = urlsplit(url)
    try:
        socket.create_connection((str(parts.hostname), parts.port or 0), timeout=5).close()
    except OSError:
        return False
    return True


def url_of(box: Recorder, key: str) -> str:
    """Where the recorder finds a camera."""
    return str(box.command("settings", "get", f"cameras[{key}].main", "--json").json[f"cameras[{key}].main"])


def test_the_cameras_are_on_their_ports_and_reserve_by_class(box: Recorder) -> None:
    told = box.command("poe", "--json").json
    first, second, third = told["ports"][:3]
    assert (first["device"], first["state"], first["power_class"]) == ("Lobby", "powered", 3)
    assert (first["reserved"], first["drawn"]) == (15.5, 7.5)
    assert (second["reserved"], second["drawn"]) == (30.0, 15.0)
    assert (third["state"], third["reserved"]) == ("empty", 0)
    assert (told["budget"], told["reserved"], told["left"]) == (305.0, 45.5, 259.5)


def test_a_person_sees_ports_and_budget(box: Recorder) -> None:
    said = box.command("poe").out
    assert "15.5 W" in said
    assert "3-16" in said
    assert "Budget 305.0 W: 45.5 W reserved, 22.5 W drawn, 259.5 W left." in said


def test_a_port_that_is_turned_off_takes_its_camera_away_and_brings_it_back(box: Recorder) -> None:
    url = url_of(box, "c-demo1")
    assert answers(url)
    assert box.command("poe", "set", "1", "--mode", "off").out == "Port 1: mode off.\n"
    until_state(box, 1, "off")
    wait_until("nothing listens any more", lambda: not answers(url))
    wait_until("the recorder has noticed", lambda: not picture(box, "c-demo1"))
    assert picture(box, "c-demo2")
    box.command("poe", "set", "1", "--mode", "power-and-ethernet")
    until_state(box, 1, "powered")
    wait_until("the camera is recorded again", lambda: picture(box, "c-demo1"))


def test_power_only_takes_the_network_alone(box: Recorder) -> None:
    url = url_of(box, "c-demo1")
    box.command("poe", "set", "1", "--mode", "power-only")
    wait_until("nothing listens any more", lambda: not answers(url))
    wait_until("the link is down", lambda: port(box, 1).link == 0)
    told = port(box, 1)
    assert (told.state, told.drawn) == ("powered", watts(7.5))
    box.command("poe", "set", "1", "--mode", "power-and-ethernet")
    wait_until("the camera is recorded again", lambda: picture(box, "c-demo1"))


def test_a_crash_of_the_control_plane_takes_no_power(box: Recorder) -> None:
    before = box.plane("control")
    assert before is not None
    os.kill(before, signal.SIGKILL)
    wait_until("it runs again", lambda: box.plane("control") not in (None, before))
    wait_until("and knows the ports", lambda: len(ports(box).ports) == 16)
    for number in (1, 2):
        told = port(box, number)
        assert (told.state, told.powered) == ("powered", 0)  # since it started it powered none anew
    wait_until("both are recorded", lambda: picture(box, "c-demo1") and picture(box, "c-demo2"))


def test_a_power_cycle_is_done_once_a_minute(box: Recorder) -> None:
    url = url_of(box, "c-demo2")
    before = port(box, 2).powered
    assert box.command("poe", "cycle", "2").code == 0
    wait_until("it was without power, and has it again", lambda: port(box, 2).powered > before)
    wait_until("the camera is back", lambda: answers(url))
    again = box.command("poe", "cycle", "2")
    assert again.code == 2
    assert "Port 2 was power-cycled a moment ago" in again.err
    until_state(box, 2, "powered")


def test_an_uplink_is_protected(box: Recorder) -> None:
    box.command("poe", "set", "16", "--protected", "--name", "Uplink")
    refused = box.command("poe", "cycle", "16")
    assert (refused.code, refused.err.splitlines()[0]) == (
        2,
        "Port 16 is protected: it is never power-cycled.",
    )
    off = box.command("poe", "set", "16", "--mode", "off")
    assert off.code == 2
    assert "a protected port must be in mode 'power-and-ethernet'" in off.err
    assert port(box, 16).name == "Uplink"


def hands(box: Recorder, request: Request[object]) -> None:
    """Lay hands on the hardware, as `holdfast simulate` does."""
    call(DataFolder(box.data), BOX, request)


def test_hands_plug_and_break(box: Recorder) -> None:
    box.command("simulate", "plug", "9", "--class", "4", "--draw", "12")
    until_state(box, 9, "powered")
    assert port(box, 9).drawn == watts(12)
    hands(box, Draw(9, watts(31)))
    until_state(box, 9, "fault")
    assert port(box, 9).reason == "drew more than its class allows"
    taken = box.command("simulate", "unplug", "9")
    assert taken.out == "Device 9 is unplugged from port 9.\n"
    until_state(box, 9, "empty")


def test_a_lost_supply_sheds_ports_and_lights_and_buzzer_say_so(box: Recorder) -> None:
    for number in (11, 12):
        hands(box, Plug(number, 8, None))
        until_state(box, number, "powered")
    box.command("simulate", "supply", "2", "failed")
    until_state(box, 12, "denied")
    told = ports(box)
    assert (told.budget, told.full, told.reserved) == (watts(152.5), watts(305), watts(135.5))

    def lights() -> dict[str, str]:
        told = call(DataFolder(box.data), "control", AskChassis())
        return {f"{each.place} {each.number}": each.color for each in told.lights}

    wait_until("the port's light is red", lambda: lights()["port 12"] == "red")
    assert (lights()["product 1"], lights()["port 11"], lights()["port 13"]) == ("red", "green", "")
    assert box.command("chassis", "--json").json["buzzer"] is True
    box.command("chassis", "silence")
    assert call(DataFolder(box.data), "control", AskChassis()).buzzer is False
    hands(box, BreakPart("supply", "2", ok=True))
    until_state(box, 12, "powered")
    wait_until("all is green again", lambda: lights()["product 1"] == "green")
    for number in (11, 12):
        hands(box, Unplug(number))


@pytest.mark.proves("M-452")
def test_the_control_button_held_for_three_seconds_flashes_green_and_asks_for_the_cloud(
    box: Recorder,
) -> None:
    hands(box, PressButton(Button.CONTROL, 8.5))

    def flashes() -> bool:
        lights = call(DataFolder(box.data), "control", AskChassis()).lights
        return any((each.place, each.color, each.blinks) == ("product", "green", True) for each in lights)

    def asked() -> bool:
        return "chassis.connect-requested" in box.command("events", "--last", "50", "--json").out

    wait_until("the light flashes green", flashes)
    wait_until("the cloud is asked for", asked, every=0.5)


def test_every_event_of_a_refusal_is_in_the_journal(box: Recorder) -> None:
    said = box.command("events", "--last", "500", "--json").out
    for name in ("poe.port-denied", "poe.port-admitted", "poe.budget-changed", "chassis.supply-failed"):
        assert f'"event": "{name}"' in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["poe", "set", "1"], "say what"),
        (["poe", "set", "0", "--mode", "off"], "PORT"),
        (["poe", "cycle", "33"], "There is no port '33'"),
        (["poe", "cycle", "5"], "Port 5 gives no power: it is empty"),
        (["simulate", "unplug", "8"], "There is no device"),
        (["simulate", "supply", "7", "failed"], "There is no supply '7'"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(box: Recorder, arguments: list[str], complaint: str) -> None:
    said = box.command(*arguments)
    assert said.code == 2
    assert complaint in said.err
    assert "Traceback" not in said.err


@pytest.mark.proves("M-063", "M-448")
def test_the_power_button_held_for_long_shuts_the_recorder_down_in_good_order(tmp_path: Path) -> None:
    with demo(tmp_path / "data", free_offset(), "--cameras", "1") as recorder:
        recorder.command("simulate", "press", "power", "4.6")
        assert recorder.ended() == 0
        assert recorder.complaints == ""
    said = holdfast("events", "--last", "10", data=recorder.data).out
    assert "chassis.shutdown-requested" in said
    assert "recorder.stopped" in said


def test_without_a_demo_there_are_no_hands(tmp_path: Path) -> None:
    said = holdfast("simulate", "plug", "1", data=tmp_path / "data")
    assert said.code == 2
    assert "No demo runs" in said.err
