"""The command line: JSON for programs, one clear line for what is wrong, and settings that take effect at once."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from device.cameras.source import Cause
from device.folder import DataFolder
from device.recording.catalogue import CatalogueReader
from device.settings.section import about_fields
from device.settings.sections import SECTIONS
from tests.integration.evidence import EVER
from tests.integration.rig import Cameras, Recorder, configure, holdfast, recorded, wait_until


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation that does not run, with one camera."""
    data = tmp_path_factory.mktemp("idle") / "data"
    assert holdfast("cameras", "add", "rtsp://192.0.2.1/stream", "--name", "Door", data=data).code == 0
    return data


@pytest.mark.parametrize(
    ("command", "key"),
    [
        ("cameras", "cameras"),
        ("storages", "storages"),
        ("accounts", "accounts"),
        ("recordings", "recordings"),
        ("recordings --gaps", "recordings"),
        ("check", "good"),
        ("check --deep", "good"),
        ("settings get", "recording.durability"),
        ("settings get cameras[c-demo1].main", "cameras[c-demo1].main"),
        ("settings set recording.durability=1", "changed"),
    ],
)
def test_a_command_prints_json_about_a_running_recorder(shown: Recorder, command: str, key: str) -> None:
    said = shown.command(*command.split(), "--json")
    assert (said.code, said.err) == (0, "")
    assert key in said.json


@pytest.mark.parametrize("command", ["cameras", "storages", "settings get", "settings get recording"])
def test_a_command_prints_json_about_a_recorder_that_does_not_run(idle: Path, command: str) -> None:
    said = holdfast(*command.split(), "--json", data=idle)
    assert (said.code, said.err) == (0, "")
    assert said.json


def test_a_catalogue_that_cannot_be_read_is_made_anew_and_the_old_one_kept(idle: Path) -> None:
    catalogue = DataFolder(idle).catalogue
    catalogue.write_bytes(b"not a database" * 100)
    said = holdfast("check", data=idle)
    assert said.code != 0
    assert "check --rebuild" in said.err
    said = holdfast("check", "--rebuild", "--json", data=idle)
    assert (said.code, said.json["good"]) == (0, True)
    assert catalogue.with_name("catalogue.db.broken-1").read_bytes() == b"not a database" * 100
    assert holdfast("check", "--rebuild", data=idle).code != 0  # there is one now
    for path in idle.glob("catalogue.db*"):
        path.unlink()


def test_events_are_a_line_of_json_each(shown: Recorder) -> None:
    lines = shown.command("events", "--json").out.splitlines()
    told = [json.loads(line) for line in lines]
    assert "recorder.started" in [each["event"] for each in told]
    assert [each["seq"] for each in told] == sorted(each["seq"] for each in told)


def test_secrets_are_never_shown(shown: Recorder) -> None:
    said = shown.command("settings", "get", "--json")
    there = {re.split(r"[.\[]", name)[0] for name in said.json}  # sections with a key may have no entry
    secret = {
        (kind.about.section, name)
        for kind in SECTIONS
        for name, field in about_fields(kind).items()
        if field.secret and kind.about.section in there
    }
    assert len(secret) > 6
    held = {
        name: value
        for name, value in said.json.items()
        if (re.split(r"[.\[]", name)[0], name.rpartition(".")[2]) in secret
    }
    assert held["cameras[c-demo1].password"] == held["cameras[c-demo2].password"] == {"set": True}
    assert all(value in ({"set": True}, {"set": False}) for value in held.values())
    assert {(re.split(r"[.\[]", name)[0], name.rpartition(".")[2]) for name in held} == secret


BAD = {
    "settings set recording.durability=99": "recording.durability: must be 0.5 to 10 s",
    "settings set recording.durability=soon": "recording.durability: ",
    "settings set recording.nothing=1": "recording.nothing: there is no such setting",
    "settings set nowhere.x=1": "nowhere.x: there is no such section",
    "settings set cameras[c-aaaa].main=http://x": "cameras[c-aaaa].main: must begin with rtsp://",
    "settings set cameras[a].main=rtsp://x": "cameras[a]: the key must match",
    "settings get nowhere": "nowhere: there is no such section",
    "settings get cameras[c-none]": "There is no entry 'cameras[c-none]'.",
    "cameras add rtsp://u:p@host/x": ".main: must be without user and password",
    "cameras remove c-none": "There is no entry 'cameras[c-none]'.",
    "storages add /proc/none": "path: /proc/none is not a folder",
    "storages add /etc": "path: /etc is neither empty nor one of our volumes",
    "recordings --from yesterday": "--from: 'yesterday' is no time",
    "recordings --from 2026-01-02 --to 2026-01-01": "--from: must be before --to",
    "export c-none /tmp/none.mp4": "There is no recording 'c-none'.",
    "export c-demo1 /none/here.mp4": "/none/",
    "export c-demo1 /tmp/none.mp4 --from 2020-01-01 --to 2020-01-02": "Nothing is recorded in c-demo1 from 2020",
    "check --repair": "A recorder runs on that folder",
    "accounts password nobody --password-file /none": "--password-file: cannot be read: No such file",
}


@pytest.mark.parametrize("command", BAD)
def test_what_cannot_be_done_is_said_in_one_line_that_names_it(shown: Recorder, command: str) -> None:
    said = shown.command(*command.split())
    assert (said.code, said.out) == (2, "")
    line, *hint = said.err.splitlines()
    assert BAD[command] in line
    assert len(hint) <= 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "cannot be read: No such file or directory"),
        ("data = [", "is not TOML"),
        ("data = 3\n", "data: "),
        ('data = "/none"\n[listen]\nrtsp = 70000\n', "listen.rtsp: "),
        ('data = "/none"\nport = 1\n', "port: "),
        (b"\xff\xfe", "is not text in UTF-8"),
    ],
)
def test_a_configuration_that_cannot_be_used_names_its_field(
    tmp_path: Path, text: str | bytes | None, complaint: str
) -> None:
    file = tmp_path / "holdfast.toml"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    said = holdfast("run", "--config", file)
    assert said.code == 2
    assert len(said.err.splitlines()) == 1
    assert complaint in said.err


@pytest.mark.parametrize("arguments", ["--port-offset 99999", "--cameras 0", "--seconds -1", "--set a.b=1"])
def test_a_demo_that_cannot_be_had_leaves_nothing(tmp_path: Path, arguments: str) -> None:
    said = holdfast("demo", "--ready-json", *arguments.split(), data=tmp_path / "data")
    assert (said.code, said.out) == (2, "")
    assert "Traceback" not in said.err


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir(mode=0o755)
    (mine / "diary").touch()
    for command in (["demo"], ["cameras", "add", "rtsp://192.0.2.1/"], ["run", "--config", configure(mine)]):
        said = holdfast(*command, data=None if command[0] == "run" else mine)
        assert said.code == 2
        assert said.err == f"data: {mine} is neither empty nor a recorder's folder\n"
    assert mine.stat().st_mode & 0o777 == 0o755
    assert [each.name for each in mine.iterdir()] == ["diary"]


# --- settings take effect while it runs ---


@dataclass(frozen=True, slots=True)
class Live:
    """A recorder whose settings are changed, and its two cameras, the first of them recorded."""

    cameras: Cameras
    recorder: Recorder

    def set(self, *assignments: str) -> None:
        """Change settings."""
        said = self.recorder.command("settings", "set", *assignments)
        assert said.code == 0, said.err

    def stream(self, token: str) -> dict[str, Any] | None:
        """What `cameras` tells of a stream."""
        found = self.recorder.command("cameras", "--json").json["cameras"]
        streams = [stream for camera in found for stream in camera["streams"] if stream["token"] == token]
        return streams[0] if streams else None

    def well(self, token: str) -> bool:
        """Whether it is recorded."""
        stream = self.stream(token)
        return stream is not None and stream["state"] == "ok" and bool(stream["acknowledged"])

    def now(self, token: str) -> Cause | None:
        """Why it is not recorded, by the ledger; None: it is."""
        with CatalogueReader(DataFolder(self.recorder.data).catalogue) as catalogue:
            return catalogue.timeline(token, *EVER)[-1].cause


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    with recorded(folder, 2, sub=False) as (cameras, recorder):
        found = Live(cameras, recorder)
        wait_until("all is recorded", lambda: found.well("c-cam1") and found.well("c-cam2"))
        yield found
        assert recorder.end() == 0
        assert recorder.complaints == ""
    assert holdfast("check", "--deep", "--json", data=recorder.data).json["good"] is True


def test_a_camera_that_is_added_is_recorded_and_one_that_is_removed_is_not(
    live: Live, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text(Cameras.PASSWORD)
    url = live.cameras.told["cameras"][0]["sub"]
    login = ["--user", Cameras.USER, "--password-file", str(password)]
    key = live.recorder.command("cameras", "add", url, *login, "--json").json["id"]
    wait_until("the new camera is recorded", lambda: live.well(key))
    assert live.recorder.command("cameras", "remove", key).code == 0
    wait_until("it is gone", lambda: live.stream(key) is None)
    said = live.recorder.command("export", key, tmp_path / "kept.mp4", "--json")
    assert said.json["frames"] > 0


@pytest.mark.parametrize("switch", ["mode={}", "enabled={}"])
def test_what_is_switched_off_is_in_the_ledger_as_such_and_not_missing(live: Live, switch: str) -> None:
    def recordings() -> dict[str, dict[str, Any]]:
        rows = live.recorder.command("recordings", "--json").json["recordings"]
        return {each["id"]: each for each in rows}

    def off_times(found: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
        return [gap for gap in found["c-cam2"]["gaps"] if gap["cause"] == "disabled"]

    before = sum(
        _seconds(gap) > 0.9 for gap in off_times(recordings())
    )  # others do the same to the same camera
    off, on = ("off", "continuous") if "mode" in switch else ("false", "true")
    live.set(f"cameras[c-cam2].{switch.format(off)}")
    if switch.startswith("mode"):  # then it can still be watched
        wait_until("it is off", lambda: live.now("c-cam2") is Cause.DISABLED)
    else:
        wait_until("it is off", lambda: live.stream("c-cam2") is None)
    time.sleep(1.0)
    live.set(f"cameras[c-cam2].{switch.format(on)}")
    wait_until("it is on", lambda: live.now("c-cam2") is None and live.well("c-cam2"))
    found = recordings()
    assert sum(_seconds(gap) > 0.9 for gap in off_times(found)) == before + 1
    assert not any(gap["due"] for gap in off_times(found))
    assert found["c-cam1"]["not_due_seconds"] == 0


def _seconds(gap: dict[str, str]) -> float:
    return (datetime.fromisoformat(gap["to"]) - datetime.fromisoformat(gap["from"])).total_seconds()


def test_other_durability_is_that_of_the_next_fragments(live: Live) -> None:
    def longest() -> float:
        """Of the newest fragments of the first camera, in seconds."""
        with CatalogueReader(DataFolder(live.recorder.data).catalogue) as catalogue:
            rows = [row for each in catalogue.segments("c-cam1", *EVER) for row in each.fragments][-4:]
        return max(later.utc - row.utc for row, later in pairwise(rows)) / 1e6

    pid = live.recorder.plane("recording")
    live.set("recording.durability=0.5")
    wait_until("fragments are short", lambda: longest() < 0.55)
    assert live.recorder.plane("recording") == pid


def test_wrong_credentials_hold_the_camera_until_they_are_right(live: Live) -> None:
    live.set("cameras[c-cam1].password=wrong")
    wait_until("it is rejected", lambda: (live.stream("c-cam1") or {}).get("state") == "rejected")
    assert live.now("c-cam1") is Cause.REJECTED
    live.set(f"cameras[c-cam1].password={Cameras.PASSWORD}")
    wait_until("it is recorded", lambda: live.well("c-cam1"))
