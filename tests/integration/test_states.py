"""What is told to hold now, holds now: over restarts, and when what it was about is gone."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from device.folder import DataFolder
from tests.integration.rig import demo, free_offset, recorded, run, wait_until


def holding(data: Path) -> set[str]:
    """The states that hold, as the control plane's journal has them."""
    with sqlite3.connect(f"file:{DataFolder(data).journal('control')}?mode=ro", uri=True) as journal:
        return {state for (state,) in journal.execute("SELECT state FROM active")}


def told(data: Path, name: str) -> list[str]:
    with sqlite3.connect(f"file:{DataFolder(data).journal('control')}?mode=ro", uri=True) as journal:
        rows = journal.execute("SELECT json FROM entry WHERE name = ? ORDER BY seq", (name,)).fetchall()
    return [text for (text,) in rows]


def test_a_recorder_that_was_stopped_and_started_has_no_gap_any_more(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with demo(data, free_offset(), "--cameras", "1") as recorder:
        assert recorder.end() == 0
    with demo(data, free_offset(), "--cameras", "1") as recorder:
        closed = wait_until("the end of the gap is told", lambda: bool(told(data, "recording.gap-closed")))
        assert closed >= 0
        wait_until("nothing is wrong", lambda: "recording.gap" not in holding(data))
        opened = told(data, "recording.gap-opened")
        assert len(opened) == len(told(data, "recording.gap-closed"))
        assert all('"recorder_down"' in each for each in opened)
        assert recorder.end() == 0


def test_what_was_wrong_with_a_camera_and_a_storage_that_are_gone_is_over(tmp_path: Path) -> None:
    """The camera is taken away while it gives nothing; the storage is taken out of the settings while it is missing."""
    extra = tmp_path / "extra"
    extra.mkdir()
    with recorded(tmp_path, 1, sub=False) as (cameras, recorder):
        added = recorder.command("storages", "add", extra)
        assert added.code == 0, added.err
        (key,) = [
            each["id"]
            for each in recorder.command("storages", "--json").json["storages"]
            if each["path"] == str(extra)
        ]
        cameras.fault(1, "freeze", seconds=300)
        extra.rename(tmp_path / "elsewhere")
        wrong = {"video.frozen", "volume.missing"}
        wait_until("both are told", lambda: wrong <= holding(recorder.data), seconds=60)
        (frozen,) = told(recorder.data, "video.frozen")
        assert '"packets":true' in frozen
        (line,) = [each for each in recorder.command("events").out.splitlines() if "video.frozen" in each]
        assert re.search(
            r" error +video\.frozen +camera=c-cam1 +stream=main +since=2.{25}Z +packets=yes$", line
        )
        data = recorder.data
        assert recorder.end() == 0
    with run(data) as recorder:
        wrong |= {"recording.gap", "camera.offline"}
        wait_until("the camera is gone", lambda: wrong <= holding(data))
        assert recorder.command("settings", "set", f"storages[{key}].enabled=false").code == 0
        assert recorder.command("settings", "set", "cameras[c-cam1].enabled=false").code == 0
        wait_until("nothing is wrong", lambda: not wrong & holding(data))
        assert recorder.end() == 0
