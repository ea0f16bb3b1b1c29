"""`kill -9`: of the store at any moment, and of each plane of a whole recorder."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from device.recording.volume import adopt
from tests.crash.judge import Promised, judge
from tests.crash.scenario import RECORDER, VOLUMES
from tests.crash.states import BEAT, FRAME, ROOT
from tests.endurance import planes, recording
from tests.endurance.report import Progress, Report

UNITS = 10_000  #: numbers between the units of one life and those of the next
LIFE = 1.5  #: seconds that the store records at most after its first acknowledgement
EVERY = 2.0  #: seconds between two kills of the other planes


def run(folder: Path, times: int, say: Progress, *, seed: int) -> Report:
    """Kill the store `times` times; then the recording plane a fifth, and the two other planes two fifths as often."""
    report = Report("kill -9")
    store(report, folder / "store", times, say, seed)
    (folder / "recording").mkdir()
    (folder / "planes").mkdir()
    minutes = times * 0.4 * EVERY / 60
    for found in (
        recording.run(folder / "recording", max(1, times // 5), say, seed=seed),
        planes.run(folder / "planes", minutes, say, every=EVERY),
    ):
        report.figures += found.figures
        report.problems += found.problems
        report.notes += found.notes
    return report


def store(report: Report, folder: Path, times: int, say: Progress, seed: int) -> None:
    """Kill one store again and again; after each time all that was ever acknowledged must be there."""
    prepare(folder)
    draw, promised = random.Random(seed), Promised()
    lost: list[float] = []
    for life in range(times):
        promised.accident()
        live(folder, life * UNITS, draw.uniform(0, LIFE), promised)
        verdict = judge(folder, promised, resume=False)
        lost.append(verdict.lost)
        report.problems += [f"life {life}: {each}" for each in verdict.problems]
        say(f"{life + 1} of {times}: lost at most {max(lost):.1f} s")
    report.add("store killed", times, "times")
    report.add("lost at most, the store killed", max(lost), "s", most=2 * BEAT + FRAME)


def prepare(folder: Path) -> None:
    """A store's folder with its two volumes."""
    for name in VOLUMES:
        (folder / name).mkdir(parents=True, exist_ok=True)
        adopt(folder / name, RECORDER)


def live(folder: Path, first: int, seconds: float, promised: Promised) -> None:
    """Let a store record, and kill it so long after its first acknowledgement."""
    command = [sys.executable, "-m", "tests.crash.live", str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            promised.hear(line)
            if line.startswith("safe"):
                break
        time.sleep(seconds)
        process.kill()
        for line in process.stdout:
            if line.endswith("\n"):
                promised.hear(line)
