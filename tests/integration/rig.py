"""The product as another program meets it: its command, its processes, and virtual cameras to record."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from integration.config import DEMO_PORTS

MODULE = ("-P", "-m", "integration")
COMMAND = (sys.executable, *MODULE)
READY_SECONDS = 60.0
END_SECONDS = 30.0
PLANES = ("recording", "control", "streaming")


class RigFailed(Exception):
    """Something that the tests stand on did not do what it must."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output, parsed."""
        return json.loads(self.out)


def holdfast(*arguments: str | Path, data: Path | None = None, seconds: float = 60.0) -> Said:
    """Run one command to its end, about the recorder in `data` where one is given."""
    more = ["--data", str(data)] if data is not None else []
    done = subprocess.run(
        [*COMMAND, *map(str, arguments), *more],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=seconds,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    )
    return Said(done.returncode, done.stdout, done.stderr)


def wait_until(what: str, holds: Callable[[], bool], seconds: float = 30.0, every: float = 0.05) -> float:
    """Wait until something holds; the seconds that it took. Raises RigFailed where it hangs."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise RigFailed(f"after {seconds:g} s still not: {what}")
        time.sleep(every)
    return time.monotonic() - began


def children(pid: int) -> dict[int, str]:
    """All descendants of a process and their command lines; zombies do not count."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: dict[int, str] = {}
    todo = [pid]
    while todo:
        for child in parents.get(todo.pop(), ()):
            try:
                line = Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            found[child] = line.replace(b"\0", b" ").decode()
            todo.append(child)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Program:
    """A long-running program that says in one line of JSON that it is ready."""

    def __init__(self, argv: Sequence[str], log: Path, more: Mapping[str, str] | None = None) -> None:
        self._log = log.open("ab")
        self.log = log
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **(more or {})},
            process_group=0,
        )
        self.told: dict[str, Any] = {}

    def ready(self) -> Self:
        """Wait for the line. Raises RigFailed with what the program complained of."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout.fileno()], [], [], READY_SECONDS)[0]:
            raise RigFailed(f"not ready within {READY_SECONDS:g} s: {self.complaints}")
        line = self.process.stdout.readline()
        if not line:
            raise RigFailed(f"ended with {self.process.wait()} before it was ready: {self.complaints}")
        self.told = json.loads(line)
        return self

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self.process.pid

    @property
    def complaints(self) -> str:
        """What it wrote to standard error."""
        return self.log.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self, seconds: float = END_SECONDS) -> int:
        """Wait for its end; its exit code."""
        return self.process.wait(seconds)

    def end(self) -> int:
        """SIGTERM, and its exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.ended()

    def __enter__(self) -> Self:
        try:
            return self.ready()
        except BaseException:
            self._close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        left = children(self.pid)
        try:
            self.end()
        except subprocess.TimeoutExpired:
            for pid in (*left, self.pid):
                if alive(pid):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()


class Recorder(Program):
    """`holdfast demo` or `holdfast run`."""

    def __init__(self, data: Path, argv: Sequence[str], *, python: Sequence[str] = (sys.executable,)) -> None:
        """`python`: how to run Python, if need be as somebody else."""
        self.data = data
        super().__init__([*python, *MODULE, *argv], data.with_name(f"{data.name}.log"))

    def plane(self, name: str) -> int | None:
        """The process of a plane, as it is now; None while there is none."""
        for pid, line in children(self.pid).items():
            if f"integration.start {name} " in line:
                return pid
        return None

    def planes(self) -> dict[str, int]:
        """Those that run."""
        found = {name: self.plane(name) for name in PLANES}
        return {name: pid for name, pid in found.items() if pid is not None}

    def command(self, *arguments: str | Path, seconds: float = 60.0) -> Said:
        """A command about this recorder."""
        return holdfast(*arguments, data=self.data, seconds=seconds)


def demo(data: Path, offset: int, *more: str, python: Sequence[str] = (sys.executable,)) -> Recorder:
    """`holdfast demo`."""
    argv = ["demo", "--data", str(data), "--port-offset", str(offset), "--ready-json", *more]
    return Recorder(data, argv, python=python)


class Cameras(Program):
    """Virtual cameras with a journal, and a socket through which they are made ill."""

    USER, PASSWORD = "recorder", "camera-secret"

    def __init__(self, folder: Path, count: int, *more: str) -> None:
        self.journal, self.socket = folder / "journal.jsonl", folder / "cameras.sock"
        argv = [sys.executable, "-P", "-m", "integration.virtual_camera", "serve", "--cameras", str(count)]
        argv += ["--user", self.USER, "--password", self.PASSWORD, "--ready-json", *more]
        argv += ["--journal", str(self.journal), "--control", str(self.socket)]
        super().__init__(argv, folder / "cameras.log")

    @property
    def epoch(self) -> int:
        """Time of frame 0 of every stream, microseconds UTC."""
        return int(self.told["epoch"])

    def fault(self, camera: int, name: str, seconds: float | None = None, **values: float | str) -> None:
        """Let a fault begin."""
        request: dict[str, object] = {"do": "fault", "camera": camera, "fault": name, **values}
        if seconds is not None:
            request["seconds"] = seconds
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(30)
            line.connect(str(self.socket))
            line.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(line.makefile().readline())
        if not answer["ok"]:
            raise RigFailed(f"the cameras refuse {name}: {answer['error']}")

    def entries(self) -> list[dict[str, Any]]:
        """The journal so far."""
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    def assignments(self, *, sub: bool) -> list[str]:
        """Settings that make a recorder record them, as c-cam1, c-cam2 ..."""
        found = []
        for camera in self.told["cameras"]:
            key = f"cameras[{key_of(camera['number'])}]"
            values = {"main": camera["url"], "user": self.USER, "password": self.PASSWORD}
            if sub:
                values["sub"] = camera["sub"]
            found += [f"{key}.{field}={value}" for field, value in values.items()]
        return found


def key_of(number: int) -> str:
    """The settings' key of a virtual camera."""
    return f"c-cam{number}"


def configure(data: Path) -> Path:
    """Write a configuration file for a recorder that keeps all in `data` and listens to this machine alone."""
    file = data.with_suffix(".toml")
    listen = 'address = "127.0.0.1"\nrtsp = 0\nrtsps = 0\nsnmp = 0\nhttps = 0\nhttp = 0\n'
    file.write_text(f"data = {json.dumps(str(data))}\n\n[listen]\n{listen}")
    return file


def run(data: Path, *assignments: str, login: tuple[str, str] | None = None) -> Recorder:
    """`holdfast run`, with settings."""
    argv = ["run", "--config", str(configure(data)), "--ready-json"]
    for each in assignments:
        argv += ["--set", each]
    if login is not None:
        name, password = login
        file = data.with_suffix(".password")
        file.write_text(password + "\n")
        argv += ["--admin", name, "--password-file", str(file)]
    return Recorder(data, argv)


@contextmanager
def recorded(folder: Path, count: int, *more: str, sub: bool) -> Iterator[tuple[Cameras, Recorder]]:
    """Virtual cameras and a recorder that records them, both in `folder`."""
    with Cameras(folder, count, *more) as cameras, run(folder / "data", *cameras.assignments(sub=sub)) as own:
        yield cameras, own


def free_offset() -> int:
    """A port offset for which all ports of a demo are free."""
    draw = random.Random()
    while True:
        offset = draw.randrange(1000, 40_000)
        try:
            for port in (DEMO_PORTS.rtsp, DEMO_PORTS.rtsps, DEMO_PORTS.https, DEMO_PORTS.http):
                socket.create_server(("127.0.0.1", port + offset)).close()
        except OSError:
            continue
        return offset
