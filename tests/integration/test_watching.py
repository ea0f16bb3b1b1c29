"""Who watches, who left and who was refused is in the recorder's journal."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.integration.rig import Recorder, wait_until


def events(recorder: Recorder) -> list[dict[str, object]]:
    said = recorder.command("events", "--json", "--last", "1000")
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


def ffprobe(url: str, login: str) -> int:
    address = url.replace("://", f"://{login}@")
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", address], capture_output=True, timeout=40
    )
    return done.returncode


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffprobe")
def test_sessions_and_wrong_passwords_are_told(shown: Recorder) -> None:
    url = str(shown.told["cameras"][1]["replay"])
    path = "/" + url.split("/", 3)[3].partition("?")[0]
    assert ffprobe(url, "viewer:watch-me-7") == 0
    assert ffprobe(url, "watcher:guess") != 0

    def told(name: str, **fields: object) -> list[dict[str, object]]:
        found = (each for each in events(shown) if each["event"] == name)
        return [each for each in found if all(each[key] == value for key, value in fields.items())]

    here = {"account": "viewer", "peer": "127.0.0.1", "protocol": "rtsp", "path": path}
    wait_until("the session's end is told", lambda: bool(told("session.closed", **here)))
    closed = told("session.closed", **here)[-1]
    (opened,) = told("session.opened", session=closed["session"])
    assert opened["transport"] == "interleaved"
    assert closed["reason"] in ("teardown", "disconnected")
    wait_until("the refusal is told", lambda: bool(told("login.failed", account="watcher", protocol="rtsp")))
    # ffprobe tries more than once; it is told once.
    assert len(told("login.failed", account="watcher")) == 1
