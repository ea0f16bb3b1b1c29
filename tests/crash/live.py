"""The store, recording for as long as it is let: `python -m tests.crash.live FOLDER FIRST`.

It is meant to be killed, or to have its power cut. FOLDER is a store as in `scenario`; FIRST is the number of the
first unit of each camera. What was sent and what was acknowledged is printed, line by line.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from device.clock import SystemClock
from tests.crash.scenario import DURABILITY, RATE, Chapter
from tests.device.recording.store import ALWAYS

CAMERAS = ("A", "B")


class RealClock(SystemClock):
    """Time that goes by itself."""

    def advance(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def main(folder: Path, first: int) -> None:
    """Record."""
    chapter = Chapter(folder, RealClock(), sys.stdout.fileno(), first)
    chapter.open()
    for token in CAMERAS:
        chapter.connect(token, ALWAYS)
    beat = round(0.7 * DURABILITY * RATE)
    while True:
        for _ in range(beat):
            chapter.unit()
            chapter.recorder.deliver()
        chapter.recorder.beat()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
