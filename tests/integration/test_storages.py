"""A storage is added and taken away while cameras are recorded: every frame of every camera is there."""

from __future__ import annotations

from pathlib import Path

from device.folder import DataFolder
from device.planes.messages import AskRecording, RecordingStatus
from integration.commands.reach import call
from tests.integration.evidence import accounts
from tests.integration.rig import Recorder, recorded, wait_until

FPS = 10


def status(recorder: Recorder) -> RecordingStatus:
    return call(DataFolder(recorder.data), "recording", AskRecording())


def used(recorder: Recorder) -> dict[str, str]:
    """The state of each storage that is in use, by its folder's name."""
    return {Path(each.path).name: each.state for each in status(recorder).volumes}


def test_no_camera_loses_a_frame(tmp_path: Path) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    with recorded(tmp_path, 2, sub=False) as (cameras, recorder):
        epoch, plane = cameras.epoch, recorder.plane("recording")
        wait_until(
            "both are recorded",
            lambda: len(status(recorder).streams) == 2 and all(s.samples for s in status(recorder).streams),
        )
        added = recorder.command("storages", "add", extra)
        assert added.code == 0, added.err
        wait_until("it is in use", lambda: used(recorder) == {"video": "ok", "extra": "ok"})
        (key,) = [
            each["id"]
            for each in recorder.command("storages", "--json").json["storages"]
            if each["path"] == str(extra)
        ]
        recorder.command("settings", "set", f"cameras[c-cam2].storage={key}", "recording.segment=10")
        wait_until("a camera has moved to it", lambda: any(extra.rglob("*.mp4")), seconds=60)
        recorder.command("settings", "set", f"storages[{key}].enabled=false")
        wait_until("it is let go of", lambda: used(recorder) == {"video": "ok"})
        counted = {each.camera: each.samples for each in status(recorder).streams}
        wait_until(
            "both go on",
            lambda: all(s.samples > counted[s.camera] + 2 * FPS for s in status(recorder).streams),
        )
        assert recorder.plane("recording") == plane
        assert recorder.end() == 0
        assert recorder.complaints == ""
    for camera, account in accounts(
        DataFolder(recorder.data).catalogue, epoch, {"c-cam1": FPS, "c-cam2": FPS}
    ).items():
        assert account.holes == [], camera
        assert account.unread == 0
        assert account.adds_up
