"""`python -m tests.endurance NAME`: long runs by hand, with progress and a verdict.

faults      a camera with every fault there is, for --minutes (30)
planes      control and streaming killed every 5 s, for --minutes (5)
recording   the recording plane killed --times (100) at random moments
outage      the MQTT broker away for --minutes (60), the sender killed twice
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.by_hand import judged, parser
from tests.endurance import faults, outage, planes, recording
from tests.endurance.report import Progress, Report

MINUTES = {"faults": 30.0, "planes": 5.0, "outage": 60.0}
TIMES = 100


def main() -> int:
    """Run one of them; 0 if it went well."""
    line = parser("tests.endurance", __doc__, ("faults", "planes", "recording", "outage"))
    line.add_argument("--minutes", type=float, help="how long; all but recording")
    line.add_argument("--times", type=int, default=TIMES, help="how often; recording")
    line.add_argument("--only", metavar="FAULT,...", default="", help="these faults alone; faults")
    given = line.parse_args()
    return judged(given, lambda folder, say: _run(given, folder, say))


def _run(given: argparse.Namespace, folder: Path, say: Progress) -> Report:
    minutes = given.minutes or MINUTES.get(given.name, 0.0)
    match given.name:
        case "faults":
            chosen = f":{given.only}" if given.only else ""
            return faults.run(folder, minutes, say, programme=f"soak:{given.seed}{chosen}")
        case "planes":
            return planes.run(folder, minutes, say)
        case "outage":
            return outage.run(folder, minutes, say)
        case _:
            return recording.run(folder, given.times, say, seed=given.seed)


if __name__ == "__main__":
    sys.exit(main())
