"""What the store goes through while it is traced: `python -m tests.crash.scenario CHAPTER FOLDER SEED`.

FOLDER holds two volumes, adopted; the catalogue comes to lie beside them. The clock is simulated, the disk is not.
Everything that a promise hangs on is told through a descriptor that leads nowhere, in lines that stand in the trace
between the writes: what a camera had sent, what was acknowledged, what was locked.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from device.cameras.source import Cause
from device.media import MICROSECONDS, Utc
from device.recording.modes import DAY, Mode, Policy
from device.recording.notices import Notice
from device.recording.recorder import Recorder
from device.recording.shelf import VolumeSettings
from device.recording.volume import read_mark
from tests.device.recording.camera import Camera, PassingClock, SimulatedClock

RECORDER = "REC"
DURABILITY = 1.0  #: seconds
SEGMENT = 10.0  #: seconds
RATE = 10  #: units a second
SIZES = {"A": 900, "B": 6000, "R": 2500, "E": 700, "N": 500}  #: camera: bytes of a unit
KEEP = 6.0  #: seconds for which nothing of R is deleted
QUOTA = 60_000  #: bytes of R
VOLUMES = ("volume0", "volume1")


def volumes(folder: Path) -> list[VolumeSettings]:
    """The volumes of a store: two, but where a test makes fewer."""
    paths = [folder / name for name in VOLUMES if (folder / name).exists()]
    return [VolumeSettings(path, read_mark(path).volume, reserve_bytes=0) for path in paths]


def recorder(
    folder: Path,
    clock: PassingClock,
    acknowledged: Callable[[str, Utc], None],
    tell: Callable[[Notice], None],
) -> Recorder:
    """The store's recorder, not opened yet."""
    return Recorder(
        clock,
        folder / "catalogue.db",
        volumes(folder),
        RECORDER,
        durability=DURABILITY,
        segment_length=SEGMENT,
        on_event=tell,
        acknowledged=acknowledged,
    )


@dataclass
class Chapter:
    """One traced run of the store."""

    folder: Path
    clock: PassingClock
    voice: int  #: descriptor for what is told
    number: int  #: of the first unit of every camera
    _: KW_ONLY
    cameras: dict[str, Camera] = field(default_factory=dict)
    live: list[str] = field(default_factory=list)  #: those that send
    sent: dict[str, list[tuple[int, Utc]]] = field(default_factory=dict)  #: units since the clock was set
    safe: dict[str, int] = field(default_factory=dict)  #: the last unit that was acknowledged
    settled: bool = True  #: the last beat was waited for

    def __post_init__(self) -> None:
        self.recorder = self._recorder()

    def _recorder(self) -> Recorder:
        return recorder(self.folder, self.clock, self._acknowledged, lambda _: None)

    def tell(self, *words: object) -> None:
        """A line for whoever judges."""
        os.write(self.voice, (" ".join(map(str, words)) + "\n").encode())

    def _acknowledged(self, token: str, utc: Utc) -> None:
        # A unit lasts until the next one.
        safe = [n for n, at in self.sent[token] if at + MICROSECONDS // RATE <= utc + 1000]
        if safe and safe[-1] > self.safe.get(token, -1):
            self.safe[token] = safe[-1]
            self.tell("safe", token, safe[-1])

    def connect(self, token: str, policy: Policy) -> None:
        """A camera, new or known."""
        before = self.cameras.get(token)
        intake = self.recorder.intake(token, token, "main", policy)
        number = before.number if before is not None else self.number
        camera = Camera(self.clock, intake, rate=RATE, size=SIZES[token], number=number)
        self.cameras[token] = camera
        self.sent.setdefault(token, [])
        camera.connect()
        self.live.append(token)

    def unit(self) -> None:
        """Every camera that is there sends one; a tenth of a second goes by."""
        for token in self.live:
            camera = self.cameras[token]
            number = camera.number
            self.sent[token].append((number, self.clock.utc()))
            camera.unit()
            self.tell("sent", token, number, self.clock.utc())
        self.clock.advance(1 / RATE)

    def beat(self, *, prompt: bool) -> None:
        """One beat. Not `prompt`: the disk takes until the next."""
        if not self.settled:
            assert self.recorder.settle()
        self.tell("beat", int(prompt))
        self.recorder.beat()
        self.settled = prompt
        if prompt:
            assert self.recorder.settle()

    def open(self) -> None:
        """Open the store."""
        self.recorder = self._recorder()
        self.recorder.open()
        self.tell("open")

    def close(self) -> None:
        """Stop in good order."""
        self.live.clear()
        assert self.recorder.close(Cause.RECORDER_DOWN)
        self.settled = True
        self.tell("closed")


@dataclass
class Traced(Chapter):
    """One whose time is simulated."""

    clock: SimulatedClock
    draw: random.Random

    def run(self, seconds: float) -> None:
        """So many seconds, with beats."""
        for n in range(round(seconds * RATE)):
            self.unit()
            if n % 7 == 6:
                self.beat(prompt=self.draw.random() < 0.7)
        self.beat(prompt=True)

    def step(self, seconds: float) -> None:
        """Somebody sets the clock. Between two groups of pictures, so that the new time holds from here."""
        self.beat(prompt=True)
        self.beat(prompt=True)
        for seen in self.sent.values():
            seen.clear()
        self.clock.step(seconds)
        self.beat(prompt=True)
        self.tell("clock", self.clock.wall)


ALWAYS = Policy(Mode.CONTINUOUS)
KEPT = Policy(Mode.CONTINUOUS, retention_min=KEEP * MICROSECONDS / DAY, quota=QUOTA)
EVENTS = Policy(Mode.EVENT, pre_event=3, post_event=2)


def first(chapter: Traced) -> None:
    """From an empty store through everything that it does."""
    chapter.open()
    chapter.connect("A", ALWAYS)
    chapter.connect("R", KEPT)
    chapter.run(4)
    chapter.connect("B", ALWAYS)
    chapter.connect("E", EVENTS)
    chapter.run(9)
    lock(chapter, "R", 2)
    chapter.run(5)
    trigger(chapter, "E")
    chapter.run(9)
    chapter.cameras["A"].disconnect()
    chapter.live.remove("A")
    chapter.run(3)
    chapter.cameras["A"].connect()
    chapter.live.append("A")
    chapter.cameras["B"].skip()
    chapter.run(12)
    chapter.recorder.remove("B")
    chapter.live.remove("B")
    chapter.close()
    chapter.clock.advance(3)
    again(chapter)
    chapter.run(6)
    chapter.step(-20)
    chapter.run(12)
    chapter.step(3600)
    chapter.run(21)
    chapter.close()


def again(chapter: Traced) -> None:
    """Open, with all but B."""
    chapter.open()
    chapter.connect("A", ALWAYS)
    chapter.connect("R", KEPT)
    chapter.connect("E", EVENTS)


def second(chapter: Traced) -> None:
    """From a store whose power was cut: the recovery itself, and on."""
    chapter.open()
    chapter.connect("N", ALWAYS)
    chapter.run(4)
    chapter.close()


def lock(chapter: Traced, token: str, seconds: float) -> None:
    """Lock the last seconds that are safe."""
    safe = [(n, at) for n, at in chapter.sent[token] if n <= chapter.safe[token]]
    (low, start), (high, end) = safe[-round(seconds * RATE)], safe[-1]
    answer = chapter.recorder.lock(token, start, end, until=None, who="somebody", why="evidence")
    answer.result(30)
    chapter.tell("locked", token, low, high)


def trigger(chapter: Traced, token: str) -> None:
    """An event now: what was sent in the three seconds before is to be kept."""
    now = chapter.clock.utc()
    chapter.recorder.trigger(token, now).result(30)
    within = [n for n, at in chapter.sent[token] if at >= now - 3 * MICROSECONDS]
    chapter.tell("wanted", token, within[0], within[-1] + 20)


CHAPTERS = {"first": first, "second": second}


def main(name: str, folder: Path, seed: int, wall: int) -> None:
    """Run a chapter."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    draw = random.Random(seed)
    CHAPTERS[name](Traced(folder, SimulatedClock(wall=wall), nowhere, 0, draw))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
