"""The load: virtual cameras that replay one clip each, paced by their own clock, and count what they send."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.programs import BenchError, end, until

COMMAND = [sys.executable, "-m", "integration.virtual_camera", "load"]
_READY = 120.0  # seconds: the first time, the clip is encoded
_REPORT = 5.0  # seconds within which the load writes its counters anew


@dataclass(frozen=True, slots=True)
class Camera:
    """What one virtual camera sent, in all its sessions."""

    began: float | None  #: wall clock, seconds since 1970: when its very first frame was due; None before
    packets: int
    octets: int  #: of RTP packets, without what TCP puts around them
    latest: float  #: seconds that a frame was late at most, because the reader did not read


@dataclass(frozen=True, slots=True)
class Sent:
    """What the load sent so far."""

    cameras: tuple[Camera, ...]
    playing: int  #: sessions that run
    fps: float  #: frames that each camera sends in a second

    @property
    def packets(self) -> int:
        """Packets of all cameras."""
        return sum(camera.packets for camera in self.cameras)

    @property
    def gigabits(self) -> float:
        """Gbit of all cameras."""
        return sum(camera.octets for camera in self.cameras) * 8 / 1e9

    @property
    def latest(self) -> float:
        """Seconds that a frame was late at most."""
        return max(camera.latest for camera in self.cameras)


def parse_sent(text: str) -> Sent:
    """The report of the load generator."""
    told = json.loads(text)
    return Sent(
        tuple(
            Camera(
                None if camera["began"] is None else camera["began"] / 1e6,
                camera["packets"],
                camera["octets"],
                camera["latest"],
            )
            for camera in told["cameras"]
        ),
        told["playing"],
        told["fps"],
    )


@dataclass(frozen=True, slots=True)
class Load:
    """A running load generator."""

    pid: int
    urls: tuple[str, ...]  #: one for each camera
    report: Path

    def sent(self) -> Sent:
        """Its counters, as it wrote them last."""
        return parse_sent(self.report.read_text())

    def sent_now(self) -> Sent:
        """Its counters, written this very moment: waits for the next report, about a second."""
        last = self.report.stat().st_mtime_ns
        until(lambda: self.report.stat().st_mtime_ns != last, _REPORT, "the counters of the load")
        return self.sent()


@contextlib.contextmanager
def load(cameras: int, mbit: float, folder: Path, *, sub: bool = False) -> Iterator[Load]:
    """Run `cameras` virtual cameras of `mbit` Mbit/s each; `folder` takes their counters and their log. `sub`: their
    pictures are as small as those of sub streams.

    Raises:
        BenchError: they did not get ready.
    """
    report, log = folder / "load.json", folder / "load.log"
    report.unlink(missing_ok=True)
    command = [
        *COMMAND,
        *("--cameras", str(cameras), "--mbit", f"{mbit:g}", "--port", "0", "--ready-json"),
        *("--clips", str(_clips()), "--report", str(report)),
        *(["--sub"] if sub else []),
    ]
    with log.open("ab") as said:
        program = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, process_group=0
        )
        try:
            ready = json.loads(first_line(program, _READY, "the load", log))
            until(report.exists, _REPORT, "the counters of the load")
            yield Load(program.pid, tuple(camera["url"] for camera in ready["cameras"]), report)
        finally:
            end([program])
            if program.stdout:
                program.stdout.close()


def _clips() -> Path:
    """Where clips are kept from one bench to the next: making one takes a few seconds."""
    kept = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(kept) / "holdfast" / "clips"


def first_line(program: subprocess.Popen[bytes], seconds: float, what: str, log: Path) -> str:
    """The first line that a program prints, which says that it is ready.

    Raises:
        BenchError: it ended, or the time is over; with the last that it said.
    """
    assert program.stdout is not None
    pipe = program.stdout.fileno()
    said = b""
    deadline = time.monotonic() + seconds
    while b"\n" not in said:
        if select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
            more = os.read(pipe, 65536)
            if more:
                said += more
                continue
        last = "\n".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else ""
        raise BenchError(f"{what} did not get ready\n{last}")
    return said.split(b"\n", 1)[0].decode()
