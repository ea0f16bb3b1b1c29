"""The appliance's life: it says when it is ready, several run side by side, and it ends and comes back in order."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from device.cameras.source import Cause
from device.folder import DataFolder
from device.recording.catalogue import CatalogueReader, GapRow
from tests.integration.evidence import EVER
from tests.integration.rig import (
    PLANES,
    Recorder,
    alive,
    children,
    configure,
    demo,
    free_offset,
    holdfast,
    recorded,
    run,
    wait_until,
)


def _gaps(data: Path, token: str) -> list[GapRow]:
    with CatalogueReader(DataFolder(data).catalogue) as catalogue:
        return catalogue.gaps(token, *EVER)


def _acknowledged(recorder: Recorder, token: str) -> int:
    with CatalogueReader(DataFolder(recorder.data).catalogue) as catalogue:
        return catalogue.recording(token).last or 0


def test_the_ready_line_is_what_the_contract_says(shown: Recorder) -> None:
    told = shown.told
    assert told["ready"] is True
    assert told["serial"].startswith("HF")
    assert set(told["processes"]) == {"supervisor", *PLANES}
    assert told["processes"]["supervisor"] == shown.pid
    assert shown.planes() == {name: told["processes"][name] for name in PLANES}
    rtsp = urlsplit(told["endpoints"]["rtsp"])
    assert (rtsp.scheme, rtsp.hostname) == ("rtsp", "127.0.0.1")
    assert [camera["name"] for camera in told["cameras"]] == ["Lobby", "Street"]
    for camera in told["cameras"]:
        assert camera["live"].startswith(told["endpoints"]["rtsp"] + "/live/")
        assert camera["replay"].startswith(told["endpoints"]["rtsp"] + "/replay/")


def test_when_it_is_ready_every_camera_is_on_the_disk(shown: Recorder) -> None:
    found = shown.command("cameras", "--json").json
    assert found["running"] is True
    for camera in found["cameras"]:
        assert [stream["state"] for stream in camera["streams"]] == ["ok"] * len(camera["streams"])
        assert camera["streams"][0]["acknowledged"] is not None


def test_two_run_side_by_side_and_end_in_good_order(tmp_path: Path) -> None:
    ends = {"one": signal.SIGINT, "two": signal.SIGTERM}
    with (
        demo(tmp_path / "one", free_offset(), "--cameras", "1") as one,
        demo(tmp_path / "two", free_offset(), "--cameras", "1") as two,
    ):
        assert one.told["serial"] != two.told["serial"]
        for recorder in (one, two):
            family = children(recorder.pid)
            assert len(family) == 4  # three planes and the cameras
            recorder.signal(ends[recorder.data.name])
            assert recorder.ended() == 0
            assert [line for pid, line in family.items() if alive(pid)] == []
            assert recorder.complaints == ""
            last = _gaps(recorder.data, "c-demo1")[-1]
            assert (last.end, last.cause) == (None, Cause.RECORDER_DOWN)
            assert holdfast("check", "--deep", "--json", data=recorder.data).json["good"] is True


def test_when_the_supervisor_is_killed_nothing_survives_and_the_next_start_tells_of_it(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    with demo(data, free_offset(), "--cameras", "1") as recorder:
        family = children(recorder.pid)
        os.kill(recorder.pid, signal.SIGKILL)
        wait_until("all of its processes end", lambda: not any(map(alive, family)))
    with demo(data, free_offset(), "--cameras", "1") as recorder:
        assert recorder.end() == 0
    with CatalogueReader(DataFolder(data).catalogue) as catalogue:
        causes = [row.cause for row in catalogue.timeline("c-demo1", *EVER)]
    first = [Cause.CONNECTING, None]
    again = [Cause.RECORDER_DOWN, Cause.CONNECTING, None]
    assert causes == [*first, *again, Cause.RECORDER_DOWN] or causes == [*first, *again]


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root to become somebody else"
)
def test_it_needs_no_root(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Path("/tmp") / tmp_path_factory.mktemp("nobody").name
    folder.mkdir(mode=0o755)
    data = folder / "data"
    data.mkdir()
    os.chown(data, 65534, 65534)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]
    try_it = [*nobody, "env", sys.executable, "-c", ""]  # env: setpriv itself may still do what root may
    if subprocess.run(try_it, capture_output=True).returncode:
        # This interpreter is in somebody's home: take the system's, if it is of the same version.
        system = f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
        if not Path(system).exists():
            pytest.skip(f"nobody may run {sys.executable}")
        nobody += ["env", f"PYTHONPATH={os.pathsep.join(filter(None, sys.path))}", system]
    else:
        nobody.append(sys.executable)
    try:
        arguments = ["--cameras", "1", "--seconds", "1"]
        with demo(data, free_offset(), *arguments, python=nobody) as recorder:
            assert recorder.ended() == 0
            assert recorder.complaints == ""
        assert {each.stat().st_uid for each in data.rglob("*")} == {65534}
        assert data.stat().st_mode & 0o777 == 0o700
    finally:
        shutil.rmtree(folder)


def test_a_folder_in_use_is_refused_and_not_touched(shown: Recorder) -> None:
    said = holdfast("demo", "--port-offset", str(free_offset()), data=shown.data)
    assert (said.code, said.out) == (2, said.out)
    assert said.err.splitlines()[0] == f"{shown.data} is in use by a running recorder."
    assert all(map(alive, shown.told["processes"].values()))


def test_a_recording_plane_that_is_killed_comes_back_and_tells_of_the_gap(tmp_path: Path) -> None:
    with recorded(tmp_path, 1, sub=False) as (_, recorder):
        wait_until("it is recorded", lambda: _acknowledged(recorder, "c-cam1") > 0)
        old = recorder.plane("recording")
        assert old is not None
        os.kill(old, signal.SIGKILL)
        wait_until("it is dead", lambda: not alive(old))
        before = _acknowledged(recorder, "c-cam1")
        wait_until("it is recorded again", lambda: _acknowledged(recorder, "c-cam1") > before)
        assert recorder.plane("recording") != old
        gaps = _gaps(recorder.data, "c-cam1")
        gap = next(gap for gap in gaps if gap.cause is Cause.RECORDER_DOWN)
        with CatalogueReader(DataFolder(recorder.data).catalogue) as catalogue:
            segments = catalogue.segments("c-cam1", *EVER)
        ended = max(segment.end for segment in segments if segment.utc < gap.start)
        # Later than acknowledged where a fragment was whole on the disk already: recovery takes it in.
        assert gap.start == ended >= before
        begins = [segment.utc for segment in segments] + [each.start for each in gaps]
        assert gap.end == min(each for each in begins if each > gap.start)
        wait_until(
            "the event is told",
            lambda: '"recorder.plane-restarted"' in recorder.command("events", "--json").out,
        )
        assert recorder.end() == 0


def test_recording_goes_on_where_nobody_can_be_served(tmp_path: Path, shown: Recorder) -> None:
    """The ports are taken: a demo says so at once; a real recorder records all the same, and says it in a line."""
    port = urlsplit(shown.told["endpoints"]["rtsp"]).port
    assert port is not None
    said = holdfast("demo", "--port-offset", str(port - 8554), data=tmp_path / "demo")
    assert said.code == 2
    assert said.err == f"--port-offset: the RTSP port would be {port}, which is in use\n"
    data = tmp_path / "data"
    config = configure(data)
    config.write_text(config.read_text().replace("rtsp = 0", f"rtsp = {port}"))
    recorder = Recorder(data, ["run", "--config", str(config)])
    try:
        wait_until("it complains", lambda: "Cannot listen on 127.0.0.1" in recorder.complaints)
        wait_until("recording runs", lambda: recorder.command("storages", "--json").code == 0)
        assert "Traceback" not in recorder.complaints
    finally:
        assert recorder.end() == 0


def test_run_with_settings_from_the_command_line(tmp_path: Path) -> None:
    with run(tmp_path / "data", "recording.durability=2", "recorder.name=Gate") as recorder:
        found = recorder.command("settings", "get", "--json").json
        assert found["recording.durability"] == 2
        assert found["recorder.name"] == "Gate"
        assert recorder.end() == 0
