"""`python -m integration.virtual_camera`, as another process sees it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.virtual_camera.client import Client

COMMAND = [sys.executable, "-m", "integration.virtual_camera"]


@contextmanager
def _running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, object]]]:
    with subprocess.Popen(
        [*COMMAND, *arguments, "--ready-json"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def _first_url(ready: dict[str, object]) -> str:
    cameras = ready["cameras"]
    assert isinstance(cameras, list)
    return str(cameras[0]["url"])


async def test_serve_says_when_it_is_ready_and_obeys_its_control_socket(tmp_path: Path) -> None:
    journal, control = tmp_path / "journal", tmp_path / "control"
    arguments = ["--cameras", "2", "--control", str(control), "--journal", str(journal), "--size", "320x180"]
    with _running("serve", *arguments) as (process, ready):
        assert ready["ready"] is True
        reader, writer = await asyncio.open_unix_connection(control)

        async def ask(**request: object) -> dict[str, object]:
            writer.write(json.dumps(request).encode() + b"\n")
            answer: dict[str, object] = json.loads(await asyncio.wait_for(reader.readline(), 30))
            return answer

        async with Client(_first_url(ready)) as client:
            await client.until(lambda c: len(c.units()) >= 2)
            assert await ask(do="fault", camera=1, fault="cut") == {"ok": True}
            await client.until(lambda c: c.ended)
        assert (await ask(do="fault", camera=1, fault="freeze", seconds=60))["ok"] is True
        for refused in (
            {"do": "fault", "camera": 1, "fault": "freeze"},
            {"do": "fault", "camera": 3, "fault": "cut"},
            {"do": "fault", "camera": 1, "fault": "none"},
            {"do": "fault", "camera": 1, "fault": "loss", "loss": 7},
            {"do": "fault", "camera": "x", "fault": "cut"},
            {"do": "dance"},
            {},
        ):
            assert (await ask(**refused))["ok"] is False
        answer = await ask(do="journal", **{"from": 0})
        entries = answer["entries"]
        assert isinstance(entries, list)
        assert [(e["fault"], e["phase"]) for e in entries] == [("cut", "begin"), ("freeze", "begin")]
        assert isinstance((await ask(do="moving", camera=2, utc=ready["epoch"]))["moving"], bool)
        writer.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [(e["fault"], e["phase"]) for e in lines] == [
        ("cut", "begin"),
        ("freeze", "begin"),
        ("freeze", "end"),
    ]


def test_serve_ends_with_its_parent() -> None:
    script = (
        "import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE);"
        "p.stdout.readline(); print(p.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, *COMMAND, "serve", "--cameras", "1", "--ready-json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        watch = os.pidfd_open(child)
        parent.kill()
    try:
        assert asyncio.run(_readable(watch)), "the child is still there"
    finally:
        os.close(watch)


async def _readable(descriptor: int) -> bool:
    """A process's descriptor can be read when the process has ended."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, ended.set)
    try:
        await asyncio.wait_for(ended.wait(), 30)
    except TimeoutError:
        return False
    return True


async def test_load_reports_what_it_sent(tmp_path: Path, clip_folder: Path) -> None:
    report = tmp_path / "report.json"
    arguments = ["--cameras", "1", "--mbit", "2", "--clips", str(clip_folder), "--report", str(report)]
    with _running("load", *arguments) as (process, ready):
        async with Client(_first_url(ready)) as client:
            await client.until(lambda c: len(c.units()) >= 10)
            await client.ask("TEARDOWN", client.url)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            told = json.loads(report.read_text())
            assert told["packets"] == len(client.packets)
            assert told["cameras"][0]["sessions"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--faults", "no-such-programme"],
        ["serve", "--size", "321x180"],
        ["load", "--mbit", "100", "--clips", "/nowhere"],
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments: list[str]) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_the_faults_can_be_listed() -> None:
    done = subprocess.run([*COMMAND, "faults"], capture_output=True, text=True, timeout=20, check=True)
    assert "freeze" in done.stdout
    assert "bad_sps" in done.stdout
