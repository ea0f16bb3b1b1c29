"""Starting and ending the programs of a bench, so that none is left behind, whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bench.measure import tree

_PATIENCE = 15.0  # seconds between asking a program to end and killing it


class BenchError(Exception):
    """The bench cannot go on: something is missing here, or a program did not do what it should."""


@contextlib.contextmanager
def running(commands: Sequence[Sequence[str]], log: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run the commands side by side; what they say goes to `log`. All are ended on every way out."""
    started: list[subprocess.Popen[bytes]] = []
    with log.open("ab") as said:
        try:
            for command in commands:
                started.append(  # noqa: PERF401 - one by one, so that those before a failure are ended, too
                    subprocess.Popen(
                        command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, process_group=0
                    )
                )
            yield started
        finally:
            end(started)


def end(programs: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask the programs to end and wait for them; kill what does not listen, and what they left behind."""
    below = tree(program.pid for program in programs if program.poll() is None)
    for program in programs:
        if program.poll() is None:
            program.terminate()
            program.send_signal(signal.SIGCONT)  # a stopped program would not hear of it
    deadline = time.monotonic() + _PATIENCE
    for program in programs:
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(max(0.0, deadline - time.monotonic()))
    for pid in tree(below - {program.pid for program in programs}) | {
        program.pid for program in programs if program.poll() is None
    }:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for program in programs:
        program.wait()


@contextlib.contextmanager
def stopped(pids: Iterable[int]) -> Iterator[None]:
    """Hold the processes still, all at once, and let them go on afterwards.

    A thread inside a system call stops when the call returns: nothing that comes after it is done.
    """
    held = list(pids)
    try:
        for pid in held:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in held:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def until(true: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until `true()`, and return how many seconds that took.

    Raises:
        BenchError: it did not come true in time; names `what` was waited for.
    """
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise BenchError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.02)
    return time.monotonic() - began


def run(*command: str | Path) -> str:
    """Run a short command and return what it printed.

    Raises:
        BenchError: it is not installed, or failed; says what it said.
    """
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise BenchError(f"{command[0]} is not installed") from error
    if done.returncode:
        raise BenchError(f"{' '.join(str(word) for word in command)}: {done.stderr.strip()}")
    return done.stdout
