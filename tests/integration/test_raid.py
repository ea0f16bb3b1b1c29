"""The demo's drives: a failure from the first red light to the last green one, and the tools, by the commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from device.folder import DataFolder
from device.planes.messages import AskRecording, RecordingStatus
from device.raid.messages import AskRaid
from integration.commands.reach import call
from tests.integration.rig import Recorder, demo, free_offset, wait_until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A demo whose drives are rebuilt quickly."""
    folder = tmp_path_factory.mktemp("raid") / "data"
    with demo(folder, free_offset(), "--cameras", "1", "--set", "raid.rebuild=3") as recorder:
        wait_until("the array is whole", lambda: raid(recorder)["array"]["status"] == "Online")
        yield recorder


def raid(recorder: Recorder) -> Any:
    """What `holdfast raid --json` tells, asked without a command: a test looks often."""
    return asdict(call(DataFolder(recorder.data), "control", AskRaid()))


def conditions(recorder: Recorder) -> list[str]:
    """Of the four bays."""
    return [bay["condition"] for bay in raid(recorder)["bays"]]


def told(recorder: Recorder) -> list[str]:
    """The names of the events so far."""
    said = recorder.command("events", "--last", "1000", "--json")
    return [line.split('"event": "')[1].split('"')[0] for line in said.out.splitlines()]


def stored(recorder: Recorder) -> list[tuple[str, str]]:
    """The storages that are in use, and how they are."""
    return [(each.uuid, each.state) for each in status(recorder).volumes]


def status(recorder: Recorder) -> RecordingStatus:
    """How recording goes."""
    return call(DataFolder(recorder.data), "recording", AskRecording())


@pytest.mark.proves("M-056", "M-058", "M-366")
def test_a_drive_fails_and_is_replaced_while_recording_goes_on(box: Recorder) -> None:
    before = raid(box)
    assert before["array"]["level"] == 5
    assert conditions(box) == ["online"] * 4
    box.command("simulate", "drive-failure", "2", "--only")
    wait_until("it is degraded", lambda: raid(box)["array"]["status"] == "Degraded")
    assert conditions(box) == ["exposed", "broken", "exposed", "exposed"]
    box.command("simulate", "drive-pull", "2")
    box.command("simulate", "drive-insert", "2")
    wait_until("it is whole again", lambda: raid(box)["array"]["status"] == "Online")
    after = raid(box)
    assert [bay["condition"] for bay in after["bays"]] == ["online"] * 4
    assert after["bays"][1]["serial"] != before["bays"][1]["serial"]
    said = [name for name in told(box) if name.startswith(("drive.", "raid.", "storage."))]
    story = said[said.index("drive.broken") :]
    assert story[:2] == ["drive.broken", "raid.degraded"]
    assert story[-2:] == ["raid.online", "raid.rebuild-ended"]
    assert {"drive.removed", "drive.well", "drive.inserted", "raid.rebuild-started"} <= set(story)
    assert not any(name.startswith("storage.") for name in said), "recording went on all the time"
    checked = box.command("check", "--json")
    assert checked.code == 0, checked.err


@pytest.mark.proves("M-051", "M-054", "M-360")
def test_another_level_erases_only_when_it_is_confirmed_and_recording_begins_anew(
    box: Recorder, tmp_path: Path
) -> None:
    ((old, _),) = stored(box)
    refused = box.command("raid", "create", "6", "1", "2", "3", "4")
    assert refused.code == 2
    assert "may erase" in refused.err
    assert "--yes" in refused.err
    assert raid(box)["array"]["level"] == 5
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    made = box.command("raid", "create", "6", "1", "2", "3", "4", "--yes", "--password-file", secret)
    assert made.code == 0, made.err
    assert "RAID configured" in made.out
    wait_until(
        "it is a storage", lambda: old not in dict(stored(box)) and set(dict(stored(box)).values()) == {"ok"}
    )
    now = raid(box)
    assert (now["array"]["level"], now["encrypted"], now["locked"]) == (6, True, False)
    wait_until("the camera is recorded", lambda: status(box).streams[0].well)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("create", "4", "1", "2"), "level: 4: must be one of 0, 1, 5, 6, 10"),
        (("create", "5", "1", "2"), "RAID 5 needs 3 drives or more, there are 2"),
        (("create", "1", "1", "7"), "bay: 7: must be 1 to 4"),
        (("replace", "1"), "is of the array already"),
        (("password", "--old-file", "/dev/null", "--new-file", "/dev/null"), "password"),
    ],
)
def test_what_cannot_be_is_said_in_a_line_that_names_it(
    box: Recorder, words: tuple[str, ...], why: str
) -> None:
    said = box.command("raid", *words)
    assert said.code == 2
    assert why in said.err


def test_a_recorder_without_drives_says_how_to_name_them(box: Recorder, tmp_path: Path) -> None:
    said = box.command("settings", "set", "raid.hardware=linux")
    assert said.code == 2
    assert "needs bays" in said.err


@pytest.mark.slow
@pytest.mark.proves("M-059", "M-060")
def test_after_a_failure_drives_are_replaced_the_array_is_made_and_recording_is_set_up_anew(
    box: Recorder,
) -> None:
    ((old, _),) = stored(box)
    assert box.command("settings", "set", f"cameras[c-demo1].storage={old}").code == 0
    for bay in ("1", "2", "3"):
        box.command("simulate", "drive-failure", bay, "--only")
    wait_until("it has failed", lambda: raid(box)["array"]["status"] == "Failed")
    assert conditions(box) == ["broken"] * 4
    wait_until("nothing is recorded on it", lambda: stored(box) == [])
    for bay in ("1", "2", "3"):
        box.command("simulate", "drive-pull", bay)
        box.command("simulate", "drive-insert", bay)
    made = box.command("raid", "create", "5", "1", "2", "3", "4", "--yes")
    assert made.code == 0, made.err
    wait_until("there is a storage", lambda: [state for _, state in stored(box)] == ["ok"])
    ((new, _),) = stored(box)
    assert new != old
    assert box.command("settings", "set", f"cameras[c-demo1].storage={new}").code == 0

    def checked() -> Any:
        return box.command("check", "--json").json

    wait_until("it is recorded there", lambda: checked()["segments"] > 0)
    assert checked()["good"], "nothing is left of what was on the array that failed"


def test_the_whole_story_of_a_failure_is_told_by_one_command(box: Recorder) -> None:
    wait_until("it is whole", lambda: raid(box)["array"]["status"] == "Online")
    said = box.command("simulate", "drive-failure", "3", seconds=110)
    assert said.code == 0, said.err
    at = 0
    for word in (
        "The drive in bay 3 dies.",
        "drive.broken",
        "puts a new one in",
        "raid.rebuild-started",
        "raid.online",
        "It is whole again",
    ):
        at = said.out.index(word, at)
    assert "raid.degraded" in said.out
    assert "bay 2 amber, bay 3 red, bay 4 amber" in said.out
    assert "bay 1 green, bay 2 green, bay 3 green, bay 4 green" in said.out.partition("puts a new one in")[2]
    assert conditions(box) == ["online"] * 4
