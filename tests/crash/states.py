"""Every state in which a power cut may leave the disks: the store opens, and keeps what it promised.

A run of the store is traced (`trace`); for each point between two of its system calls the disks' possible states
are made (`disk`), all of them where they are few and a drawn selection where they are many; and each is laid down
in memory, opened, checked, replayed and recorded to (`judge`). Some of the states are then opened under the tracer
themselves, and cut again: a power that goes while the store recovers from a power cut.
"""

from __future__ import annotations

import copy
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from device.recording.volume import adopt
from tests.crash import scenario, trace
from tests.crash.disk import Disk, Image
from tests.crash.judge import OUTAGE, Promised, Verdict, judge
from tests.crash.trace import Reader, Step, Sync, Told
from tests.endurance.report import Progress, Report

ROOT = Path(__file__).resolve().parents[2]
WALL = 1_700_000_000_000_000  #: microseconds UTC at which the first chapter begins
FEW = 48  #: up to so many states of one point are all tried
AGAIN = 0.15  #: share of the states that are cuts of a recovery
CUTS = 6  #: recoveries that are traced
BEAT = 0.7 * scenario.DURABILITY
FRAME = 1 / scenario.RATE
SHOWN = 20  #: problems that are told, and states that are kept, of each process


#: A sync that the disks take no notice of: a store that forgot it must be found out.
Deaf = Literal["", "syncfs", "fsync"]


@dataclass(frozen=True, slots=True)
class Story:
    """One traced chapter, on the disk."""

    folder: Path  #: where the store was
    base: list[Step]  #: what was there when it began
    log: Path
    promised: Promised  #: what was owed when it began
    deaf: Deaf = ""

    def steps(self) -> list[Step]:
        """What was there, and what was done."""
        steps = Reader(roots(self.folder), list(self.base), ROOT).read(self.log)
        begun = len(self.base)
        return [
            Told("a sync that nobody heard") if number >= begun and self._unheard(step) else step
            for number, step in enumerate(steps)
        ]

    def _unheard(self, step: Step) -> bool:
        return isinstance(step, Sync) and self.deaf == ("syncfs" if step.whole else "fsync")


@dataclass
class Tally:
    """What came of many states."""

    points: int = 0
    tried: int = 0
    whole: int = 0  #: points of which every state was tried
    different: set[int] = field(default_factory=set)  #: as the disks tell them apart
    lost: dict[bool, float] = field(
        default_factory=lambda: {True: 0.0, False: 0.0}
    )  #: by promptness, seconds
    problems: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in what another process found."""
        self.points += other.points
        self.tried += other.tried
        self.whole += other.whole
        self.different |= other.different
        self.problems += other.problems
        for prompt, lost in other.lost.items():
            self.lost[prompt] = max(self.lost[prompt], lost)


def run(folder: Path, states: int, say: Progress, *, seed: int, cuts: int = CUTS) -> Report:
    """Try about so many states. What breaks the store is left in `folder`."""
    report = Report("every state after a power cut")
    with in_memory() as memory:
        story = first(memory / "first", seed)
        tally = explore([story], round(states * (1 - AGAIN)), folder, say, seed)
        tally.add(explore(seconds(memory, story, seed, cuts), round(states * AGAIN), folder, say, seed + 1))
    report.add("points at which the power went", tally.points)
    report.add("of them with every state tried", tally.whole)
    report.add("states tried", tally.tried)
    report.add("of them different on the disks", len(tally.different))
    report.add("lost at most, disk prompt", tally.lost[True], "s", most=BEAT + FRAME)
    report.add("lost at most, disk a sync period late", tally.lost[False], "s", most=2 * BEAT + FRAME)
    report.add("states that broke a promise", len(tally.problems), most=0)
    report.problems += tally.problems[:SHOWN]
    return report


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder that costs no disk, where there is one."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="holdfast-crash-", dir=shared if os.access(shared, os.W_OK) else None
    ) as name:
        yield Path(name)


def roots(store: Path) -> list[Path]:
    """The file systems of a store: its own, and each volume's."""
    return [store, *(store / name for name in scenario.VOLUMES)]


def first(folder: Path, seed: int) -> Story:
    """The first chapter, traced."""
    store = folder / "store"
    for root in roots(store):
        root.mkdir(parents=True)
    for name in scenario.VOLUMES:
        adopt(store / name, scenario.RECORDER)
    return _trace("first", store, seed, Promised(wall=WALL))


def seconds(memory: Path, begun: Story, seed: int, cuts: int) -> list[Story]:
    """Recoveries from states of another chapter, traced."""
    draw = random.Random(seed)
    steps = begun.steps()
    stories = []
    points = sorted(draw.sample(range(len(begun.base) + 200, len(steps)), cuts))
    disk, promised = Disk(roots(begun.folder)), Promised()
    for number, step in enumerate(steps):
        disk.apply(step)
        if isinstance(step, Told):
            promised.hear(step.text)
        if number in points:
            store = memory / f"second{number}" / "store"
            disk.lay(disk.some(draw), store, begun.folder)
            owed = copy.deepcopy(promised)
            owed.accident()
            owed.wall += round(OUTAGE * 1e6)
            stories.append(_trace("second", store, seed, owed))
    return stories


def _trace(chapter: str, store: Path, seed: int, promised: Promised) -> Story:
    base = trace.existing(store, roots(store))
    log = store.parent / "log"
    arguments = chapter, str(store), str(seed), str(promised.wall)
    trace.record([sys.executable, "-m", "tests.crash.scenario", *arguments], log, ROOT)
    return Story(store, base, log, promised)


def explore(stories: list[Story], states: int, folder: Path, say: Progress, seed: int) -> Tally:
    """Share the points of each story among the processors."""
    workers = len(os.sched_getaffinity(0))
    tally = Tally()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(_work, story, states // len(stories), (part, workers), folder, seed)
            for story in stories
            for part in range(workers)
        ]
        for job in as_completed(jobs):
            tally.add(job.result())
            say(f"{tally.tried} states tried, {len(tally.problems)} of them broke a promise")
    return tally


def _work(story: Story, states: int, part: tuple[int, int], folder: Path, seed: int) -> Tally:
    """One process's share of a story."""
    tally = Tally()
    steps = story.steps()
    points = [n for n in range(len(story.base), len(steps)) if _cuts(steps[n])]
    if states < len(points):
        points = sorted(random.Random(seed).sample(points, states))
    each = round(states / len(points))
    mine = set(points[part[0] :: part[1]])
    disk, promised = Disk(roots(story.folder)), copy.deepcopy(story.promised)
    seen: set[tuple[int, int]] = set()
    with in_memory() as place:
        for number, step in enumerate(steps):
            disk.apply(step)
            if isinstance(step, Told):
                promised.hear(step.text)
            if number not in mine:
                continue
            tally.points += 1
            # The moment before anything of a beat is on the disk: here the loss is greatest.
            loss = isinstance(step, Told) and step.text.startswith("beat")
            for count, image in enumerate(_images(disk, each, random.Random(f"{seed} {number}"), tally)):
                key = disk.key(image)
                if (key, promised.version) in seen and not loss:
                    continue
                seen.add((key, promised.version))
                tally.different.add(key)
                disk.lay(image, place / "state", story.folder)
                if not _survives(place / "state", promised, tally) and len(tally.problems) <= SHOWN:
                    disk.lay(image, folder / f"{story.log.parent.name}-{number}-{count}", story.folder)
                shutil.rmtree(place / "state")
    return tally


def _cuts(step: Step) -> bool:
    """Whether the world is another after a step."""
    return not isinstance(step, Told) or not step.text.startswith("sent")


def _images(disk: Disk, each: int, draw: random.Random, tally: Tally) -> Iterator[Image]:
    if disk.count() <= max(FEW, each):
        tally.whole += 1
        yield from disk.every()
        return
    for _ in range(each):
        yield disk.some(draw)


def _survives(store: Path, promised: Promised, tally: Tally) -> bool:
    """Judge one state."""
    tally.tried += 1
    try:
        verdict = judge(store, promised, resume=True)
    except Exception as error:  # the store could not even be looked at
        verdict = Verdict(problems=[f"{type(error).__name__}: {error}"])
    tally.lost[promised.prompt] = max(tally.lost[promised.prompt], verdict.lost)
    if verdict.problems:
        tally.problems.append(" | ".join(verdict.problems))
    return not verdict.problems
