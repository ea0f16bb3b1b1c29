"""From the start of the recorder to the first frame on the disk."""

from __future__ import annotations

import contextlib
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.holdfast import Installation, install, key_of
from bench.load import load
from bench.peers import FFMPEG
from bench.programs import running, until
from bench.report import Options, Report
from bench.table import Table, ratio, say, say_ratio, spread
from device.media import MICROSECONDS

_CAMERAS = 4
_MBIT = 4.0
_PATIENCE = 60.0  # seconds
_PICTURE = 4096  #: bytes of a file in which there must be more than a header


@dataclass(frozen=True, slots=True)
class Start:
    """One start of our recorder. Seconds since its process was started."""

    first: float  #: until the first frame of the first camera is on the disk, and acknowledged
    all: float  #: until the first frame of the last camera is
    ready: float  #: until everything answers


def bench(options: Options) -> Report:
    """Several starts, each with an empty data folder, and as many again with what the last one left."""
    rounds = 3 if options.quick else 10
    fresh: list[Start] = []
    again: list[Start] = []
    theirs: list[float] = []
    for number in range(rounds):
        options.progress(f"start {number + 1} of {rounds}")
        with load(_CAMERAS, _MBIT, options.folder) as source:
            with _folder(options.folder / "ours") as folder:
                urls = {key_of(camera): url for camera, url in enumerate(source.urls)}
                installation = install(folder / "data", folder / "holdfast.toml", urls, None, ())
                log = options.folder / "holdfast.log"
                for starts in (fresh, again):
                    starts.append(_start(installation, log))
            with _folder(options.folder / "theirs") as folder:
                theirs.append(_first_file(source.urls, folder, options.folder / "ffmpeg.log"))
    return Report(
        holdfast={
            "first_frame_s": round(statistics.median(start.first for start in fresh), 3),
            "every_camera_s": round(statistics.median(start.all for start in fresh), 3),
            "ready_s": round(statistics.median(start.ready for start in fresh), 3),
            "first_frame_again_s": round(statistics.median(start.first for start in again), 3),
            "starts": rounds,
        },
        peers={"ffmpeg": {"first_frame_s": round(statistics.median(theirs), 3)}},
        ratios={
            "ffmpeg": ratio(statistics.median(start.first for start in fresh), statistics.median(theirs))
        },
        load={"cameras": _CAMERAS, "mbit_s": _MBIT, "transport": "RTSP over TCP"},
        tables=[_table(fresh, again, theirs)],
    )


def _start(installation: Installation, log: Path) -> Start:
    """Start our recorder once, and watch it until every camera is in its catalogue."""
    wall = int(time.time() * MICROSECONDS)
    reached: dict[str, float] = {}
    with installation.running(log) as program:

        def look() -> bool:
            cameras = sum(last > wall for _, last in installation.acknowledged())
            now = time.monotonic() - program.began
            steps = {"first": cameras > 0, "all": cameras >= _CAMERAS, "ready": program.has_spoken()}
            for step, done in steps.items():
                if done:
                    reached.setdefault(step, now)
            return all(steps.values())

        until(look, _PATIENCE, "Holdfast to be ready, and every camera to be in its catalogue")
        program.ready()
    return Start(reached["first"], reached["all"], reached["ready"])


def _first_file(urls: Sequence[str], folder: Path, log: Path) -> float:
    """Seconds from the start of ffmpeg to the first file with a picture in it, not synced to the disk."""
    began = time.monotonic()
    commands = [FFMPEG.command(url, folder, f"cam{number}") for number, url in enumerate(urls)]
    with running(commands, log):
        until(
            lambda: any(file.stat().st_size > _PICTURE for file in folder.iterdir()),
            _PATIENCE,
            "the first file of ffmpeg",
        )
        return time.monotonic() - began


def _table(fresh: Sequence[Start], again: Sequence[Start], theirs: Sequence[float]) -> Table:
    peer = statistics.median(theirs)
    rows = [
        (
            title,
            say(statistics.median(values), 2),
            spread(values, 2),
            say_ratio(ratio(statistics.median(values), peer)),
        )
        for title, values in (
            ("Holdfast, first start: first frame acknowledged", [start.first for start in fresh]),
            ("– frames of every camera", [start.all for start in fresh]),
            ("– everything answers", [start.ready for start in fresh]),
            ("Holdfast, another start: first frame acknowledged", [start.first for start in again]),
            ("– frames of every camera", [start.all for start in again]),
            ("– everything answers", [start.ready for start in again]),
        )
    ]
    rows.append((f"{FFMPEG.title}: first file, not synced", say(peer, 2), spread(theirs, 2), ""))
    return Table(
        f"From the start to the first frame, seconds, {_CAMERAS} cameras x {_MBIT:g} Mbit/s",
        ("", "median", "least to most", "ours / theirs"),
        rows,
        ("Acknowledged: synced to the disk, and committed to the catalogue.",),
    )


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[Path]:
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path)
