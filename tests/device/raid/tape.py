"""A store that records in a guest, and says what became of it: `python -m tests.device.raid.tape ORDERS`.

ORDERS is a file in which orders appear, line by line: `record FOLDER FIRST`, then `stop`; `judge FOLDER TOLD`, where
TOLD is a file of what was told until the power went; `end`. One process for all of it: in a guest Python takes long to
start. What is told: as `tests.crash.live`, and `judged {json}`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from device.cameras.source import Cause
from device.recording.catalogue import CatalogueReader
from device.recording.volume import adopt
from tests.crash.judge import Promised, judge
from tests.crash.live import CAMERAS, RealClock
from tests.crash.scenario import DURABILITY, RATE, RECORDER, VOLUMES, Chapter
from tests.device.recording.store import ALWAYS, EVER, NEVER

BEAT = round(0.7 * DURABILITY * RATE)  #: units


class Orders:
    """Lines of a file that grows."""

    def __init__(self, file: Path) -> None:
        self._file, self._read = file, 0

    def next(self) -> list[str] | None:
        """The next one; None: not yet."""
        lines = self._file.read_text().splitlines(keepends=True) if self._file.exists() else []
        if len(lines) <= self._read or not lines[self._read].endswith("\n"):
            return None
        self._read += 1
        return lines[self._read - 1].split()

    def wait(self) -> list[str]:
        """The next one."""
        while (order := self.next()) is None:
            time.sleep(0.1)
        return order


class Tape(Chapter):
    """One that remembers what it promised."""

    def __init__(self, folder: Path, first: int) -> None:
        self.promised = Promised()
        super().__init__(folder, RealClock(), sys.stdout.fileno(), first)

    def tell(self, *words: object) -> None:
        super().tell(*words)
        self.promised.hear(" ".join(map(str, words)))


def record(folder: Path, first: int, orders: Orders) -> None:
    """Until `stop`: then every unit that was sent must be there, and the ledger must know of no trouble."""
    (folder / VOLUMES[0]).mkdir(parents=True, exist_ok=True)  # alone: there is nowhere else to go to
    adopt(folder / VOLUMES[0], RECORDER)
    tape = Tape(folder, first)
    tape.open()
    for token in CAMERAS:
        tape.connect(token, ALWAYS)
    while orders.next() is None:
        for _ in range(BEAT):
            tape.unit()
            tape.recorder.deliver()
        tape.recorder.beat()
    tape.close()
    say(folder, tape.promised)


def say(folder: Path, promised: Promised) -> None:
    """Judge, and tell."""
    verdict = judge(folder, promised, resume=False)
    with CatalogueReader(folder / "catalogue.db") as reader:
        rows = [row for token in CAMERAS for row in reader.gaps(token, EVER, NEVER)]
        octets = sum(
            row.length for t in CAMERAS for s in reader.segments(t, EVER, NEVER) for row in s.fragments
        )
    told = {
        "problems": verdict.problems,
        "lost": verdict.lost,
        "storage_gaps": sum(row.cause is Cause.STORAGE for row in rows),
        "units": sum(len(promised.owed(token)) for token in CAMERAS),
        "sent": sum(len(sent) for sent in promised.sent.values()),
        "octets": octets,
    }
    os.write(sys.stdout.fileno(), f"judged {json.dumps(told)}\n".encode())


def main(file: Path) -> None:
    """Do what is ordered."""
    orders = Orders(file)
    os.write(sys.stdout.fileno(), b"ready\n")
    while True:
        match orders.wait():
            case ["record", folder, first]:
                record(Path(folder), int(first), orders)
            case ["judge", folder, told]:
                promised = Promised()
                for line in Path(told).read_text().splitlines():
                    promised.hear(line)
                promised.accident()
                say(Path(folder), promised)
            case _:
                return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
