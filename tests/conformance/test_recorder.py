"""The recorder, as anybody starts it, judged by the suite, as anybody runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.rig import Recorder, demo, free_offset, wait_until

USER, PASSWORD = "viewer", "watch-me-7"
RECORDED = 14.0  #: seconds that the replay cases need


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A demo whose sessions time out soon."""
    folder = tmp_path_factory.mktemp("conformance")
    secret = folder / "secret"
    secret.write_text(f"{PASSWORD}\n")
    more = (
        "--cameras",
        "1",
        "--admin",
        USER,
        "--password-file",
        str(secret),
        "--set",
        "rtsp.session_timeout=10",
    )
    with demo(folder / "data", free_offset(), *more) as own:
        yield own


def recorded(recorder: Recorder) -> float:
    """Seconds of video on the disk."""
    told = recorder.command("recordings", "--json").json["recordings"]
    return float(told[0]["recorded_seconds"]) if told else 0.0


@pytest.mark.slow
def test_the_recorder_does_all_that_the_standard_demands(recorder: Recorder, tmp_path: Path) -> None:
    wait_until(f"{RECORDED:g} s of video", lambda: recorded(recorder) >= RECORDED, every=1.0)
    websocket = recorder.told["endpoints"]["http"].replace("http:", "ws:") + "/rtsp-over-websocket"
    camera, report, page = recorder.told["cameras"][0], tmp_path / "report.json", tmp_path / "report.html"
    said = subprocess.run(
        [
            *(sys.executable, "-m", "conformance", "rtsp"),
            *("--url", camera["live"], "--replay-url", camera["replay"]),
            *("--websocket-url", websocket),
            *("--user", USER, "--password", PASSWORD, "--at-once", "8", "--patience", "10"),
            *("--json", str(report), "--html", str(page)),
        ],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    told = json.loads(report.read_text())
    failed = {case["id"]: case["detail"] for case in told["cases"] if case["result"] == "fail"}
    demanded = {case["id"] for case in told["cases"] if case["requirement"] != "optional"}
    assert {name: detail for name, detail in failed.items() if name in demanded} == {}
    assert said.returncode == 0, said.stdout
    assert told["summary"]["mandatory_failed"] == 0
    assert told["summary"]["passed"] >= 130
    not_done = {c["id"].split(".")[0] for c in told["cases"] if c["result"] == "not_applicable"}
    assert not_done.isdisjoint({"message", "malformed", "method", "session", "range"})
    assert page.read_text().count("<details") == len(told["cases"])
