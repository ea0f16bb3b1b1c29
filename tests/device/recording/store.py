"""A recorder with volumes in a temporary folder and a clock that only the test moves."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from device.cameras.source import Cause
from device.media import Utc
from device.recording.catalogue import CatalogueReader
from device.recording.check import Report, check, tiling
from device.recording.intake import StreamIntake
from device.recording.modes import Mode, Policy
from device.recording.notices import Notice
from device.recording.recorder import Recorder
from device.recording.shelf import VolumeSettings
from device.recording.volume import adopt
from tests.device.recording.camera import Camera, SimulatedClock

ALWAYS = Policy(Mode.CONTINUOUS)
EVER = Utc(0)
NEVER = Utc(1 << 60)


@dataclass
class Store:
    """One recorder's catalogue and volumes. `make` opens it."""

    folder: Path
    clock: SimulatedClock
    settings: list[VolumeSettings]
    recorder: Recorder
    durability: float
    segment_length: float
    notices: list[Notice] = field(default_factory=list)
    acknowledged: dict[str, Utc] = field(default_factory=dict)
    generation: int = 0
    name: str = "REC"  #: of the recorder

    @property
    def catalogue(self) -> Path:
        return self.folder / "catalogue.db"

    def intake(self, token: str = "CAM1", policy: Policy = ALWAYS) -> StreamIntake:
        return self.recorder.intake(token, token, "main", policy)

    def camera(self, token: str = "CAM1", policy: Policy = ALWAYS, **shape: int) -> Camera:
        """A connected camera."""
        camera = Camera(self.clock, self.intake(token, policy), **shape)
        camera.connect()
        return camera

    def beat(self) -> None:
        """One beat, until it is acknowledged."""
        self.recorder.beat()
        assert self.recorder.settle()

    def run(self, seconds: float, *cameras: Camera) -> None:
        """Let cameras send for so long, with beats."""
        rate = cameras[0].rate if cameras else 10
        beat = max(1, round(self.recorder.beat_length * rate))
        for n in range(round(seconds * rate)):
            for camera in cameras:
                camera.unit()
            self.clock.advance(1 / rate)
            if n % beat == beat - 1:
                self.beat()
        self.beat()

    def open(self) -> None:
        self.recorder = Recorder(
            self.clock,
            self.catalogue,
            self.settings,
            self.name,
            durability=self.durability,
            segment_length=self.segment_length,
            on_event=self.notices.append,
            acknowledged=self._acknowledge,
        )
        self.recorder.open()

    def _acknowledge(self, token: str, utc: Utc) -> None:
        self.acknowledged[token] = utc

    def close(self, cause: Cause = Cause.RECORDER_DOWN) -> None:
        assert self.recorder.close(cause)

    def restart(self, cause: Cause = Cause.RECORDER_DOWN) -> None:
        self.close(cause)
        self.open()

    def crash(self, between: Callable[[Path], None] = lambda _: None) -> None:
        """The power goes: what is in the files now is all that there is. `between` may change the image."""
        self._drain()
        self.generation += 1
        image = self.folder.parent / f"image{self.generation}"
        image.mkdir()
        with sqlite3.connect(self.catalogue) as source, sqlite3.connect(image / "catalogue.db") as target:
            source.backup(target)
        settings = []
        for each in self.settings:
            copy = image / each.path.name
            shutil.copytree(each.path, copy)
            settings.append(VolumeSettings(copy, each.uuid, each.reserve_share, each.reserve_bytes))
        self.recorder.close()
        shutil.rmtree(self.folder)
        self.folder, self.settings = image, settings
        between(image)
        self.open()

    def _drain(self) -> None:
        # What was handed to the writers is written, though neither synced nor in the catalogue.
        queues = [shelf.writer._queue for shelf in self.recorder._shelves]
        while not all(queue.empty() for queue in queues):
            time.sleep(0.001)

    def reader(self) -> CatalogueReader:
        return CatalogueReader(self.catalogue)

    def query(self, sql: str, *values: object) -> list[tuple[int, ...]]:
        with sqlite3.connect(f"file:{self.catalogue}?mode=ro", uri=True) as connection:
            return connection.execute(sql, values).fetchall()

    def check(self, *, deep: bool = True, repair: bool = False) -> Report:
        return check(self.catalogue, self.settings, deep=deep, repair=repair)

    def untiled(self, token: str = "CAM1") -> Sequence[object]:
        """Where the ledger does not tile the time."""
        with sqlite3.connect(f"file:{self.catalogue}?mode=ro", uri=True) as connection:
            row = connection.execute("SELECT id FROM recording WHERE token = ?", (token,)).fetchone()
            return tiling(connection, row[0])

    def ledger(self, token: str = "CAM1") -> list[tuple[Utc, Utc | None, Cause | None]]:
        """Segments (None) and gaps between them, in order."""
        with self.reader() as reader:
            spans = [(s.epoch, s.utc, s.end, None) for s in reader.segments(token, EVER, NEVER)]
            gaps = [
                (g.epoch, g.start, g.end, g.cause) for g in reader.gaps(token, EVER, NEVER) if not g.inside
            ]
        rows = sorted([*spans, *gaps], key=lambda row: (row[0], row[1]))
        return [(start, end, cause) for _, start, end, cause in rows]


def make(
    folder: Path,
    *,
    volumes: int = 1,
    durability: float = 1.0,
    segment_length: float = 60,
    reserve: int = 0,
    paths: Sequence[Path] = (),
    recorder: str = "REC",
) -> Store:
    """A store that is open."""
    home = folder / "store"
    home.mkdir(parents=True)
    clock = SimulatedClock()
    settings = []
    for path in paths or [home / f"volume{n}" for n in range(volumes)]:
        path.mkdir(exist_ok=True)
        settings.append(VolumeSettings(path, adopt(path, recorder).volume, reserve_bytes=reserve))
    # `open` makes the recorder; there is none before.
    store = Store(home, clock, settings, Recorder.__new__(Recorder), durability, segment_length)
    store.name = recorder
    store.open()
    return store
