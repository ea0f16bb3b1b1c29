"""Real processes under a real supervisor."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.folder import DataFolder, RecorderRuns
from device.planes.backoff import OTHERS, RECORDING, Backoff, Patience
from device.planes.supervisor import Ended, Plane, Supervisor

ROOT = Path(__file__).parents[3]
QUICK = Patience(stable=0.0, longest=0.2)

PLANE = """
import asyncio, json, os, signal, sys, time
from device.planes.leash import attach
leash = attach()
how, log = sys.argv[1], sys.argv[2]

def note(what):
    with open(log, "a") as file:
        file.write(json.dumps([what, os.getpid()]) + "\\n")

async def main():
    stop = asyncio.Event()
    if how == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    note("restart " + leash.restart.reason if leash.restart else "start")
    if how == "never-ready":
        await asyncio.sleep(60)
    leash.ready({"pid": str(os.getpid())})
    if how == "hangs" and leash.restart is None:
        time.sleep(60)
    if how == "dies":
        sys.exit(3)
    await stop.wait()
    note("stopped")

asyncio.run(main())
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def plane(how: str, log: Path, *, silence: float = 30.0, grace: float = 5.0, startup: float = 30.0) -> Plane:
    return Plane(
        name=how,
        argv=[sys.executable, "-c", PLANE, how, str(log)],
        patience=QUICK,
        silence=silence,
        grace=grace,
        startup=startup,
        environment={"PYTHONPATH": str(ROOT)},
    )


def noted(log: Path) -> list[tuple[str, int]]:
    if not log.exists():
        return []
    return [(what, pid) for what, pid in map(json.loads, log.read_text().splitlines())]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - other processes set no event of ours
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_planes_say_that_they_are_ready_and_are_stopped_in_good_order(log: Path) -> None:
    ended: list[Ended] = []
    async with Supervisor([plane("a", log), plane("b", log)], inherit=(), on_end=ended.append) as supervisor:
        details = await supervisor.ready()
        assert {name: int(said["pid"]) for name, said in details.items()} == supervisor.pids()
        pids = supervisor.pids()
    assert noted(log)[-2:] == [("stopped", pids["b"]), ("stopped", pids["a"])]
    assert ended == []


async def test_a_killed_plane_runs_again_and_the_others_do_not_notice(log: Path) -> None:
    ended: list[Ended] = []
    async with Supervisor([plane("a", log), plane("b", log)], inherit=(), on_end=ended.append) as supervisor:
        await supervisor.ready()
        before = supervisor.pids()
        os.kill(before["a"], signal.SIGKILL)
        await until(lambda: ended)
        await supervisor.ready()
        after = supervisor.pids()
        assert after["a"] != before["a"]
        assert after["b"] == before["b"]
    assert ended == [Ended("a", "signal 9", 1, 0.0)]
    assert ("restart signal 9", after["a"]) in noted(log)


async def test_a_plane_that_ends_by_itself_is_started_again_and_again(log: Path) -> None:
    ended: list[Ended] = []
    async with Supervisor([plane("dies", log)], inherit=(), on_end=ended.append):
        await until(lambda: len(ended) >= 3)
    assert [(end.reason, end.restarts) for end in ended[:3]] == [("exit 3", 1), ("exit 3", 2), ("exit 3", 3)]


async def test_a_plane_whose_loop_hangs_is_killed_and_started_again(log: Path) -> None:
    ended: list[Ended] = []
    async with Supervisor([plane("hangs", log, silence=1.5)], inherit=(), on_end=ended.append) as supervisor:
        await until(lambda: ended)
        await supervisor.ready()
    assert ended[0].reason == "silent"


async def test_a_plane_that_never_becomes_ready_is_started_again(log: Path) -> None:
    ended: list[Ended] = []
    async with Supervisor([plane("never-ready", log, startup=1.0)], inherit=(), on_end=ended.append):
        await until(lambda: ended)
    assert ended[0].reason == "silent"


async def test_a_plane_that_does_not_heed_the_end_is_killed_after_its_grace(log: Path) -> None:
    async with Supervisor(
        [plane("stubborn", log, grace=0.3)], inherit=(), on_end=lambda _: None
    ) as supervisor:
        await supervisor.ready()
        pid = supervisor.pids()["stubborn"]
    assert not alive(pid)


async def test_a_program_that_cannot_be_started_is_reported_and_does_not_hold_up_the_end(
    tmp_path: Path,
) -> None:
    ended: list[Ended] = []
    nowhere = Plane("a", [str(tmp_path / "nothing")], QUICK, silence=5, grace=1)
    async with Supervisor([nowhere], inherit=(), on_end=ended.append):
        await until(lambda: ended)
    assert "not started" in ended[0].reason


async def test_a_plane_can_be_replaced_on_purpose(log: Path) -> None:
    ended: list[Ended] = []
    async with Supervisor([plane("a", log)], inherit=(), on_end=ended.append) as supervisor:
        await supervisor.ready()
        before = supervisor.pids()
        await supervisor.restart("a")
        assert supervisor.pids() != before
    assert ended == []


SUPERVISOR = """
import asyncio, sys
sys.path.insert(0, {root!r})
from tests.device.planes.test_supervisor import plane, Path, Supervisor
from device.folder import DataFolder

async def main():
    log = Path(sys.argv[1])
    with DataFolder(log.parent).lock() as lock:
        planes = [plane("a", log, grace=0.5), plane("stubborn", log, grace=1.5)]
        async with Supervisor(planes, inherit=(lock.fd,), on_end=lambda _: None) as supervisor:
            await supervisor.ready()
            print("ready", flush=True)
            await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_no_plane_outlives_a_killed_supervisor_and_the_folder_stays_locked_until_the_last_is_gone(
    log: Path,
) -> None:
    program = SUPERVISOR.format(root=str(ROOT))
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(log), stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout
    assert await supervisor.stdout.readline() == b"ready\n"
    pids = [pid for what, pid in noted(log) if what == "start"]
    assert len(pids) == 2
    supervisor.kill()
    await until(lambda: not alive(supervisor.pid))
    with pytest.raises(RecorderRuns):
        DataFolder(log.parent).lock()
    await until(lambda: not any(alive(pid) for pid in pids))
    assert ("stopped", pids[0]) in noted(log) or ("stopped", pids[1]) in noted(
        log
    )  # the one that heeds the end
    with DataFolder(log.parent).lock():
        pass


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=60),
    st.floats(0, 1),
    st.sampled_from([RECORDING, OTHERS]),
)
def test_the_first_restart_is_at_once_and_none_waits_longer_than_allowed(
    lives: list[float], chance: float, patience: Patience
) -> None:
    backoff = Backoff(patience, lambda: chance)
    waits = [backoff.ended(lived) for lived in lives]
    assert waits[0] == 0.0
    assert all(wait == 0.0 for wait, lived in zip(waits, lives, strict=True) if lived >= patience.stable)
    assert max(waits) <= patience.longest


def test_the_recording_plane_is_always_started_again_within_the_second() -> None:
    backoff = Backoff(RECORDING, lambda: 1.0)
    assert max(backoff.ended(0.0) for _ in range(1000)) < 1.0
