"""`python -m tests.crash NAME`: what accidents leave of the store, by hand, at length.

states      every state that the disks may be in after a power cut; about --number (24000) of them
kill        the store killed --number (200) times with SIGKILL, and each plane of a recorder
full        small file systems filled to the last byte
eio         drives that fail to read, to write, to sync
guest       the power of a virtual machine cut --number (20) times

The power cut on copied block images, beside other recorders, is `./holdfast bench powercut`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.by_hand import judged, parser
from tests.crash import eio, full, guest, kill, states
from tests.endurance.report import Progress, Report

NUMBERS = {"states": 24_000, "kill": 200, "guest": 20}


def main() -> int:
    """Run one of them; 0 if it went well."""
    line = parser("tests.crash", __doc__, ("states", "kill", "full", "eio", "guest"))
    line.add_argument("--number", type=int, help="how many; see above")
    given = line.parse_args()
    return judged(given, lambda folder, say: _run(given, folder, say))


def _run(given: argparse.Namespace, folder: Path, say: Progress) -> Report:
    number = given.number or NUMBERS.get(given.name, 0)
    match given.name:
        case "states":
            return states.run(folder, number, say, seed=given.seed)
        case "kill":
            return kill.run(folder, number, say, seed=given.seed)
        case "full":
            return full.run(folder, say)
        case "eio":
            return eio.run(folder, say)
        case _:
            return guest.run(folder, number, say, seed=given.seed)


if __name__ == "__main__":
    sys.exit(main())
