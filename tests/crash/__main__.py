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
import tempfile
from pathlib import Path

from tests.crash import eio, full, guest, kill, states
from tests.endurance.report import Progress, Report

NUMBERS = {"states": 24_000, "kill": 200, "guest": 20}


def main() -> int:
    """Run one of them; 0 if it went well."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=("states", "kill", "full", "eio", "guest"))
    parser.add_argument("--number", type=int, help="how many; see above")
    parser.add_argument("--seed", type=int, default=1, help="other moments, other states")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there, too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave what broke in this empty folder")
    given = parser.parse_args()
    if given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
        report = _run(given, given.keep.absolute())
    else:
        with tempfile.TemporaryDirectory(prefix="holdfast-crash-") as folder:
            report = _run(given, Path(folder))
    report.show()
    if given.json is not None:
        report.write(given.json)
    return 0 if report.good else 1


def _run(given: argparse.Namespace, folder: Path) -> Report:
    say = Progress(given.name)
    number = given.number or NUMBERS.get(given.name, 0)
    try:
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
    finally:
        say.done()


if __name__ == "__main__":
    sys.exit(main())
