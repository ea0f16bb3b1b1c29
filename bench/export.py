"""How fast a span of one camera is exported, beside `ffmpeg -c copy` of the same segments."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.measure import PROC
from bench.programs import BenchError
from bench.report import Options, Report
from bench.store import clip, fill
from bench.table import Table, ratio, say, say_ratio, spread
from device.folder import DataFolder
from device.media import MICROSECONDS, Utc
from device.recording.catalogue import CatalogueReader

_TOKEN = "c-bench"  # noqa: S105 - a recording, not a secret
_MBIT = 16.0
_KINDS = {
    "mp4": "Holdfast, MP4",
    "mkv": "Holdfast, Matroska",
    "raw": "Holdfast, raw segments",
    "ffmpeg": "ffmpeg -c copy",
    "faststart": "ffmpeg -c copy -movflags +faststart",
}
_PEERS = ("ffmpeg", "faststart")


@dataclass(frozen=True, slots=True)
class Took:
    """One export, on the disk."""

    seconds: float
    cpu: float
    rss: float  #: MB at most, of the process
    bits: float  #: of the video

    @property
    def rate(self) -> float:
        """Mbit/s."""
        return self.bits / 1e6 / self.seconds

    @property
    def cost(self) -> float:
        """CPU seconds per Gbit."""
        return self.cpu / (self.bits / 1e9)


def bench(options: Options) -> Report:
    """An hour of one camera; `--quick` takes ten minutes of it."""
    minutes, rounds = (10, 2) if options.quick else (60, 3)
    sent = clip(_MBIT)
    options.progress(f"recording {minutes} minutes of {sent.mbit:.1f} Mbit/s")
    folder = fill(options.folder / "data", [_TOKEN], minutes * 60, sent, lambda _: None)
    with CatalogueReader(folder.catalogue) as reader:
        rows = reader.segments(_TOKEN, Utc(0), Utc(1 << 60))
        bits = sum(row.bytes for row in rows) * 8.0
    files = [row.path for row in rows]
    found: dict[str, list[Took]] = {kind: [] for kind in _KINDS}
    for number in range(rounds):
        for kind in _KINDS:
            one = _round(kind, folder, files, options.folder / "out", bits)
            found[kind].append(one)
            options.progress(f"{number + 1} of {rounds}, {_KINDS[kind]}: {one.rate:.0f} Mbit/s")
    mean = {kind: statistics.median(one.seconds for one in each) for kind, each in found.items()}
    return Report(
        holdfast={**_figures(found["mp4"]), "kinds": {k: _figures(found[k]) for k in ("mp4", "mkv", "raw")}},
        peers={kind: _figures(found[kind]) for kind in _PEERS},
        ratios={kind: ratio(mean["mp4"], mean[kind]) for kind in _PEERS},
        load={"minutes": minutes, "mbit_s": round(sent.mbit, 1), "span_s": _span(rows[0].utc, rows[-1].end)},
        tables=[_table(found, minutes, sent.mbit)],
    )


def _span(begin: Utc, end: Utc) -> float:
    return round((end - begin) / MICROSECONDS, 1)


def _round(kind: str, folder: DataFolder, files: Sequence[Path], out: Path, bits: float) -> Took:
    """One export into a folder that is removed afterwards. What is on the disk already is out of the cache."""
    out.mkdir()
    try:
        _forget(files)
        if kind in ("mp4", "mkv", "raw"):
            target = out / ("x" if kind == "raw" else f"x.{kind}")
            command = [sys.executable, "-P", "-m", "integration", "export", _TOKEN, str(target), "--json"]
            return _timed([*command, "--format", kind, "--data", str(folder.path)], bits, lambda: None)
        listing, target = out / "list.txt", out / "x.mp4"
        listing.write_text("".join(f"file '{file}'\n" for file in files))
        more = ["-movflags", "+faststart"] if kind == "faststart" else []
        command = ["ffmpeg", "-v", "error", "-f", "concat", "-safe", "0", "-i", str(listing), "-c", "copy"]
        return _timed([*command, *more, str(target)], bits, lambda: _sync(target))
    finally:
        shutil.rmtree(out)


def _timed(command: Sequence[str], bits: float, then: Callable[[], None]) -> Took:
    """Run a program, and sync what it does not sync itself."""
    began = time.monotonic()
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    most, pid = 0, 0
    while not pid:
        most = max(most, _most(program.pid))
        pid, status, usage = os.wait4(program.pid, os.WNOHANG)
        time.sleep(0.01)
    program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode:
        raise BenchError(f"{command[0]} ended with {program.returncode}")
    then()
    seconds = time.monotonic() - began
    cpu = usage.ru_utime + usage.ru_stime
    return Took(seconds, cpu, most / 1000, bits)


def _most(pid: int) -> int:
    """The most memory that a process had, kB. What `wait4` says holds that of the process that forked it, too."""
    status = (PROC / str(pid) / "status").read_text()
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def _forget(files: Sequence[Path]) -> None:
    """Let the kernel drop what it remembers of the files: the video of an hour ago is on the disk alone."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _figures(found: Sequence[Took]) -> dict[str, float]:
    return {
        "mbit_s": round(statistics.median(one.rate for one in found), 1),
        "cpu_s_per_gbit": round(statistics.median(one.cost for one in found), 4),
        "rss_mb": round(max(one.rss for one in found), 1),
    }


def _table(found: dict[str, list[Took]], minutes: int, mbit: float) -> Table:
    ours = statistics.median(one.seconds for one in found["mp4"])
    rows = [
        (
            title,
            say(statistics.median(one.rate for one in found[kind]), 0),
            spread([one.rate for one in found[kind]], 0),
            spread([one.cost for one in found[kind]], 3),
            spread([one.rss for one in found[kind]], 0),
            ""
            if kind in ("mp4", "mkv", "raw")
            else say_ratio(ratio(ours, statistics.median(one.seconds for one in found[kind]))),
        )
        for kind, title in _KINDS.items()
    ]
    return Table(
        f"Export of {minutes} minutes of one camera, {mbit:.1f} Mbit/s",
        ("", "Mbit/s", "least to most", "CPU-s/Gbit", "RSS MB", "time, ours (MP4) / theirs"),
        rows,
        (
            "Each from the start of its process until all of it is synced; the segments were not in the cache.",
            "Ours: every fragment's checksum compared, SHA-256 of every file, manifest signed. ffmpeg: neither.",
        ),
    )
