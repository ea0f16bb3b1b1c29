"""90 days of 64 cameras in the catalogue: what it answers and how fast it opens, beside the folders of files that most
recorders ask instead; and `holdfast check` of one day of 16 cameras."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench.holdfast import install
from bench.pages import LOGIN, Pages
from bench.programs import BenchError
from bench.report import Options, Report
from bench.store import Clip, Clock, clip
from bench.table import Table, ratio, say, say_ratio
from device.folder import DataFolder
from device.media import MICROSECONDS, Utc
from device.recording import index, segment
from device.recording.catalogue import CatalogueReader, SegmentRow
from device.recording.database import describe, open_writer
from device.recording.index import FragmentRow
from device.recording.recorder import Recorder
from device.recording.segments import State, file_of, hour_of
from device.recording.shelf import VolumeSettings
from device.recording.volume import read_mark
from integration.setup import prepare

_MINUTE = 60 * MICROSECONDS
DAY = 86_400 * MICROSECONDS
BEGIN = Utc(1_780_012_800 * MICROSECONDS)  #: a midnight, UTC
CAMERAS = 64
_MINUTES = 1440  #: of a day
_BETWEEN = 360  #: minutes from the end of one gap to that of the next
_GAPS, _SEGMENTS = 1_000_000, 10_000_000  #: where their numbers begin
_FRAGMENTS = 86  #: of a minute
_FRAGMENT = 256 * 1024  #: bytes of each
_ROUNDS = 200
_CHECKED = 16  #: cameras of the day that is checked
_PICTURES = "%Y%m%d%H%M%S.mp4"  #: what ffmpeg's segment muxer is usually told


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds of many calls."""

    values: list[float]

    @property
    def median(self) -> float:
        """Half of them took longer."""
        return statistics.median(self.values)

    @property
    def p99(self) -> float:
        """One in a hundred took longer."""
        return sorted(self.values)[len(self.values) * 99 // 100]


def bench(options: Options) -> Report:
    """`--quick` has nine days instead of ninety."""
    days = 9 if options.quick else 90
    sent = clip(4.0)
    options.progress(f"making a catalogue of {days} days of {CAMERAS} cameras")
    folder = installation(options.folder / "data")
    fill(folder, CAMERAS, days, sent, files=False)
    size = folder.catalogue.stat().st_size
    options.progress(f"{size / 1e6:.0f} MB; asking it")
    ours, unpacked, timeline = _ask(folder, days)
    opened = [_open(folder) for _ in range(3)]
    pages = _pages(folder, days, options)
    options.progress("asking folders of files")
    theirs, their_timeline = _list(options.folder / "files", days)
    shutil.rmtree(folder.path)
    options.progress(f"holdfast check of a day of {_CHECKED} cameras")
    checked = _check(options.folder / "checked", sent)
    rows = [
        ("Holdfast: an hour of one camera, its files", ours.median, ours.p99, 5.0, theirs.median),
        ("Holdfast: the same, and each fragment unpacked", unpacked.median, unpacked.p99, None, None),
        (
            f"Holdfast: timeline of 24 h, all {CAMERAS}",
            timeline.median,
            timeline.p99,
            20.0,
            their_timeline.median,
        ),
        (
            f"Holdfast: GET /api/timeline, {min(days, 30)} days x {_CHECKED} cameras, over TLS",
            pages.median,
            pages.p99,
            100.0,
            None,
        ),
        ("Holdfast: opens, and can record", statistics.median(opened), max(opened), 3000.0, None),
        (f"`holdfast check`, a day of {_CHECKED} cameras, heads", checked, checked, 10_000.0, None),
        ("Folders: an hour of one camera, names of files", theirs.median, theirs.p99, None, None),
        (
            f"Folders: 24 h of all {CAMERAS}, names of files",
            their_timeline.median,
            their_timeline.p99,
            None,
            None,
        ),
    ]
    return Report(
        holdfast={
            "range_ms": round(ours.median, 3),
            "range_p99_ms": round(ours.p99, 3),
            "range_unpacked_ms": round(unpacked.median, 3),
            "timeline_ms": round(timeline.median, 3),
            "pages_timeline_ms": round(pages.median, 3),
            "open_s": round(max(opened) / 1000, 3),
            "check_s": round(checked / 1000, 2),
            "catalogue_mb": round(size / 1e6),
        },
        peers={
            "folders": {"range_ms": round(theirs.median, 3), "timeline_ms": round(their_timeline.median, 3)}
        },
        ratios={
            "range": ratio(ours.median, theirs.median),
            "timeline": ratio(timeline.median, their_timeline.median),
        },
        load={"days": days, "cameras": CAMERAS, "segments": days * segments(_BETWEEN) * CAMERAS},
        tables=[_table(rows, days, size)],
    )


def installation(path: Path) -> DataFolder:
    folder = DataFolder(path)
    folder.make()
    prepare(folder, [], None)
    return folder


def token(camera: int) -> str:
    return f"c-cam{camera:03d}"


def fill(
    folder: DataFolder, cameras: int, days: int, sent: Clip, *, files: bool, every: int = _BETWEEN
) -> None:
    """A catalogue as a recorder would have it: a segment a minute, a gap of a minute `every` so many, which divide a
    day; in bulk."""
    mark = read_mark(folder.video)
    connection = open_writer(folder.catalogue)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    last = cameras * days * 1500 + _SEGMENTS
    end = BEGIN + days * DAY
    connection.execute("DELETE FROM recorder")
    connection.execute("INSERT INTO recorder VALUES (?, ?, 'recorder_down', ?)", (mark.recorder, end, last))
    connection.execute("DELETE FROM epoch")
    connection.execute("INSERT INTO epoch VALUES (1, ?, 0)", (BEGIN,))
    octets = cameras * days * segments(every) * _durable(_head(sent, mark.recorder, 0, 1))
    connection.execute(
        "INSERT INTO volume(id, uuid, path, bytes) VALUES (1, ?, ?, ?)",
        (mark.volume, str(folder.video), octets),
    )
    connection.execute("INSERT INTO tracks VALUES (1, ?)", (describe((sent.track,)),))
    connection.executemany(
        "INSERT INTO recording(id, token, camera, stream, epoch, created, bytes) VALUES (?, ?, ?, 'main', 1, ?, ?)",
        [(n + 1, token(n), token(n), BEGIN, octets // cameras) for n in range(cameras)],
    )
    connection.executemany("INSERT INTO run VALUES (?, ?, 1, ?, ?, 'link_lost')", _runs(cameras, days, every))
    connection.executemany(
        "INSERT INTO gap VALUES (?, ?, 1, ?, ?, 'link_lost', 0, 0, '')", _gaps(cameras, days, every)
    )
    connection.executemany(
        "INSERT INTO segment VALUES (?, ?, ?, 1, 1, 1, ?, ?, 0, ?, ?, ?, 0, ?, ?)",
        _segments(folder if files else None, mark.recorder, cameras, days, sent, every),
    )
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def segments(every: int) -> int:
    """How many of a day: the rest is gaps."""
    return _MINUTES - _MINUTES // every


def _runs(cameras: int, days: int, every: int) -> Iterator[tuple[int, ...]]:
    for number in range(days * _MINUTES // every):
        for camera in range(cameras):
            begin = BEGIN + number * every * _MINUTE
            yield 1 + number * cameras + camera, camera + 1, begin, begin + (every - 1) * _MINUTE


def _gaps(cameras: int, days: int, every: int) -> Iterator[tuple[int, ...]]:
    for number in range(days * _MINUTES // every):
        for camera in range(cameras):
            end = BEGIN + (number + 1) * every * _MINUTE
            yield _GAPS + number * cameras + camera, camera + 1, end - _MINUTE, end


def _head(sent: Clip, recorder: str, camera: int, number: int) -> bytes:
    identity = segment.Identity(recorder, token(camera), token(camera), "main", 1, number, BEGIN)
    return segment.head([sent.track], identity)


def _durable(head: bytes) -> int:
    return len(head) + _FRAGMENTS * _FRAGMENT


def _segments(
    folder: DataFolder | None, recorder: str, cameras: int, days: int, sent: Clip, every: int
) -> Iterator[tuple[object, ...]]:
    head = len(_head(sent, recorder, 0, 9_999_999))
    step = _MINUTE // _FRAGMENTS
    packed = index.pack(
        [
            FragmentRow(head + n * _FRAGMENT, _FRAGMENT, Utc(BEGIN + n * step), n % 3 == 0, damaged=False)
            for n in range(_FRAGMENTS)
        ],
        BEGIN,
    )
    durable = head + _FRAGMENTS * _FRAGMENT
    number = _SEGMENTS
    for minute in range(days * _MINUTES):
        if minute % every == every - 1:
            continue  # the gap
        at = Utc(BEGIN + minute * _MINUTE)
        hour = hour_of(at)
        for camera in range(cameras):
            number += 1
            run = 1 + minute // every * cameras + camera
            yield (
                number, camera + 1, run, at, _MINUTE, durable, durable, hour, int(State.CLOSED), packed,
            )  # fmt: skip
            if folder is not None:
                path = folder.video / file_of(token(camera), hour, number)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    file.write(_head(sent, recorder, camera, number) + bytes(64 * 1024))
                    file.truncate(durable)


def lay(folder: DataFolder, begins: Utc, recording: int, made: SegmentRow) -> None:
    """Put a file behind the segment that a camera's recording has from an instant on."""
    with closing(open_writer(folder.catalogue)) as connection:
        (number,) = connection.execute(
            "SELECT id FROM segment WHERE recording = ? AND epoch = 1 AND state = 1 AND t0 = ?",
            (recording + 1, begins),
        ).fetchone()
        packed = index.pack(made.fragments, begins)
        connection.execute(
            "UPDATE segment SET durable = ?, idx = ? WHERE id = ?", (made.bytes, packed, number)
        )
    path = folder.video / file_of(token(recording), hour_of(begins), number)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.path.rename(path)


def _ask(folder: DataFolder, days: int) -> tuple[Timed, Timed, Timed]:
    """An hour of one camera, the same with all its fragments, and 24 hours of all, at random times."""
    draw = random.Random(5)  # noqa: S311 - the same questions each time
    ranges, unpacked, timelines = [], [], []
    with CatalogueReader(folder.catalogue) as reader:
        for _ in range(_ROUNDS):
            name = token(draw.randrange(CAMERAS))
            at = Utc(BEGIN + draw.randrange((days - 1) * _MINUTES) * _MINUTE)
            ranges.append(_ms(partial(reader.segments, name, at, Utc(at + 60 * _MINUTE))))
            unpacked.append(_ms(partial(_unpack, reader, name, at)))
        for _ in range(_ROUNDS // 4):
            at = Utc(BEGIN + draw.randrange((days - 1) * _MINUTES) * _MINUTE)
            timelines.append(_ms(partial(_timelines, reader, at)))
    return Timed(ranges), Timed(unpacked), Timed(timelines)


def _unpack(reader: CatalogueReader, name: str, at: Utc) -> None:
    for row in reader.segments(name, at, Utc(at + 60 * _MINUTE)):
        len(row.fragments)


def _timelines(reader: CatalogueReader, at: Utc) -> None:
    for number in range(CAMERAS):
        reader.timeline(token(number), at, Utc(at + DAY))


def _ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _pages(folder: DataFolder, days: int, options: Options) -> Timed:
    """The timeline of a month, as a browser asks a recorder that runs."""
    prepare(folder, [], LOGIN)
    made = install(folder.path, options.folder / "holdfast.toml", {}, None, ())
    with made.running(options.folder / "holdfast.log") as program:
        program.ready()
        pages, upto = Pages(program.https), Utc(BEGIN + min(days, 30) * DAY)
        return Timed(
            [
                _ms(lambda: pages.timeline(BEGIN, upto, map(token, range(_CHECKED))))
                for _ in range(_ROUNDS // 4)
            ]
        )


def _open(folder: DataFolder) -> float:
    """Milliseconds until the recording core has its catalogue, which is not in the cache."""
    descriptor = os.open(folder.catalogue, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
    mark = read_mark(folder.video)
    clock = Clock(BEGIN + 91 * DAY)
    volume = VolumeSettings(folder.video, mark.volume, reserve_bytes=0)
    recorder = Recorder(
        clock,
        folder.catalogue,
        [volume],
        mark.recorder,
        durability=1.0,
        segment_length=60,
        on_event=lambda _: None,
        acknowledged=lambda token, utc: None,  # noqa: ARG005 - nobody asks
    )
    took = _ms(recorder.open)
    if not recorder.close():
        raise BenchError("the recorder could not be closed")
    return took


def _list(root: Path, days: int) -> tuple[Timed, Timed]:
    """The same, asked of folders: one a camera and day, a file a minute, its name the time."""
    for camera in range(CAMERAS):
        for day in range(days if camera == 0 else 1):
            folder = root / token(camera) / f"{datetime.fromtimestamp((BEGIN + day * DAY) / 1e6, UTC):%Y%m%d}"
            folder.mkdir(parents=True)
            for minute in range(_MINUTES):
                at = datetime.fromtimestamp((BEGIN + day * DAY + minute * _MINUTE) / 1e6, UTC)
                (folder / at.strftime(_PICTURES)).touch()
    draw = random.Random(5)  # noqa: S311 - the same questions each time
    ranges = []
    for _ in range(_ROUNDS):
        begin = Utc(BEGIN + draw.randrange((days - 1) * _MINUTES) * _MINUTE)
        ranges.append(_ms(partial(_files, root / token(0), begin, Utc(begin + 60 * _MINUTE))))
    timelines = [_ms(partial(_all_files, root)) for _ in range(_ROUNDS // 20)]
    shutil.rmtree(root)
    return Timed(ranges), Timed(timelines)


def _all_files(root: Path) -> None:
    for number in range(CAMERAS):
        _files(root / token(number), BEGIN, Utc(BEGIN + DAY))


def _files(camera: Path, start: Utc, end: Utc) -> list[str]:
    """Files of a span, by their names, which stand in the order of time."""
    first, last = (datetime.fromtimestamp(at / MICROSECONDS, UTC).strftime(_PICTURES) for at in (start, end))
    return sorted(
        name
        for day in os.listdir(camera)  # noqa: PTH208 - a peer would not make a Path of each either
        if first[:8] <= day <= last[:8]
        for name in os.listdir(camera / day)  # noqa: PTH208 - nor here
        if first <= name < last
    )


def _check(path: Path, sent: Clip) -> float:
    """Milliseconds that `holdfast check` takes for a day, without reading the video."""
    folder = installation(path)
    fill(folder, _CHECKED, 1, sent, files=True)
    for file in folder.video.rglob("*.mp4"):
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
    command = [sys.executable, "-P", "-m", "integration", "check", "--json", "--data", str(path)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    took = (time.perf_counter() - began) * 1000
    if done.returncode:
        raise BenchError(f"holdfast check: {done.stdout[:600]} {done.stderr[:300]}")
    return took


def _table(rows: list[tuple[str, float, float, float | None, float | None]], days: int, size: int) -> Table:
    return Table(
        f"{days} days x {CAMERAS} cameras, a segment a minute",
        ("", "median ms", "99 % ms", "target ms", "ours / folders"),
        [
            (
                title,
                say(median, 2),
                say(p99, 2),
                say(target, 0),
                say_ratio(ratio(median, peer)) if peer else "",
            )
            for title, median, p99, target, peer in rows
        ],
        (
            f"The catalogue has {days * segments(_BETWEEN) * CAMERAS} segments and {size / 1e6:.0f} MB.",
            "Folders: camera/YYYYMMDD/YYYYMMDDhhmmss.mp4, in the cache; they do not tell why something is missing.",
        ),
    )
