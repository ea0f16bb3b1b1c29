"""Nothing that a bench starts outlives it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from bench.measure import tree
from bench.programs import BenchError, run, running, stopped, until


def state(pid: int) -> str:
    """The letter of `/proc/PID/stat`; empty where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def gone(pid: int) -> bool:
    """Nobody there, or only to be buried by somebody else."""
    return state(pid) in ("", "Z")


def test_programs_and_their_children_end_when_the_bench_fails(tmp_path: Path) -> None:
    pids: set[int] = set()

    def interrupted() -> None:
        with running([["sh", "-c", "sleep 60 & wait"]], tmp_path / "log") as programs:
            until(lambda: len(tree([programs[0].pid])) == 2, 5, "the shell's child")
            pids.update(tree([programs[0].pid]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    until(lambda: all(gone(pid) for pid in pids), 5, "all to be gone")


def test_a_program_that_does_not_listen_is_killed_even_when_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.programs._PATIENCE", 0.2)
    deaf = ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.05; done"]
    with running([deaf], tmp_path / "log") as programs:
        until(lambda: (tmp_path / "log").read_text() != "", 5, "the trap")
        os.kill(programs[0].pid, signal.SIGSTOP)
    assert programs[0].returncode == -signal.SIGKILL


def test_the_programs_before_one_that_cannot_be_started_are_ended(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    first = ["sh", "-c", f"echo $$ > {mark}; exec sleep 60"]
    with pytest.raises(FileNotFoundError), running([first, ["no-such-program-anywhere"]], tmp_path / "log"):
        pass
    assert not mark.exists() or gone(int(mark.read_text() or 0))


def test_processes_are_held_still_and_go_on(tmp_path: Path) -> None:
    with running([["sleep", "60"]], tmp_path / "log") as programs:
        pid = programs[0].pid
        with stopped([pid]):
            until(lambda: state(pid) == "T", 5, "it to stop")
        until(lambda: state(pid) == "S", 5, "it to go on")


def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(BenchError, match="the moon"):
        until(lambda: False, 0.05, "the moon")


def test_a_command_that_fails_says_what_it_said() -> None:
    with pytest.raises(BenchError, match="mumble"):
        run("sh", "-c", "echo mumble >&2; exit 3")


def test_a_command_that_is_not_installed_is_named() -> None:
    with pytest.raises(BenchError, match="no-such-program-anywhere is not installed"):
        run("no-such-program-anywhere")
