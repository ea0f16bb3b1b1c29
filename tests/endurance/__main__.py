"""`python -m tests.endurance NAME`: long runs by hand, with progress and a verdict.

faults      a camera with every fault there is, for --minutes (30)
planes      control and streaming killed every 5 s, for --minutes (5)
recording   the recording plane killed --times (100) at random moments
outage      the MQTT broker away for --minutes (60), the sender killed twice
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.endurance import faults, outage, planes, recording
from tests.endurance.report import Progress, Report

MINUTES = {"faults": 30.0, "planes": 5.0, "outage": 60.0}
TIMES = 100


def main() -> int:
    """Run one of them; 0 if it went well."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.endurance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=("faults", "planes", "recording", "outage"))
    parser.add_argument("--minutes", type=float, help="how long; all but recording")
    parser.add_argument("--times", type=int, default=TIMES, help="how often; recording")
    parser.add_argument("--only", metavar="FAULT,...", default="", help="these faults alone; faults")
    parser.add_argument("--seed", type=int, default=1, help="another programme, other moments")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there, too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave data and logs in this empty folder")
    given = parser.parse_args()
    if given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
        report = _run(given, given.keep.absolute())
    else:
        with tempfile.TemporaryDirectory(prefix="holdfast-endurance-") as folder:
            report = _run(given, Path(folder))
    report.show()
    if given.json is not None:
        report.write(given.json)
    return 0 if report.good else 1


def _run(given: argparse.Namespace, folder: Path) -> Report:
    say = Progress(given.name)
    try:
        match given.name:
            case "faults":
                minutes = given.minutes or MINUTES["faults"]
                chosen = f":{given.only}" if given.only else ""
                return faults.run(folder, minutes, say, programme=f"soak:{given.seed}{chosen}")
            case "planes":
                return planes.run(folder, given.minutes or MINUTES["planes"], say)
            case "outage":
                return outage.run(folder, given.minutes or MINUTES["outage"], say)
            case _:
                return recording.run(folder, given.times, say, seed=given.seed)
    finally:
        say.done()


if __name__ == "__main__":
    sys.exit(main())
