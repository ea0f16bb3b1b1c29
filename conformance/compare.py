"""`python -m conformance.compare NAME=REPORT.json NAME=REPORT.json`: reports side by side, as Markdown."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_WORD = {"pass": "pass", "fail": "**fail**", "not_applicable": "n/a", "not_judged": "open"}


@dataclass(frozen=True, slots=True)
class Judged:
    """One device's report, read back."""

    name: str
    cases: Mapping[str, Mapping[str, str]]  #: id -> the case
    summary: Mapping[str, int]


def read(argument: str) -> Judged:
    """`NAME=FILE`. Raises ValueError."""
    name, equals, file = argument.partition("=")
    if not equals:
        raise ValueError(f"{argument} is not of the form NAME=REPORT.json")
    told = json.loads(Path(file).read_text(encoding="utf-8"))
    return Judged(name, {case["id"]: case for case in told["cases"]}, told["summary"])


def table(reports: Sequence[Judged]) -> str:
    """Every case with its result for each device; those of the first report give the order."""
    names = [report.name for report in reports]
    lines = [
        f"| case | {' | '.join(names)} | what a conforming device does | demanded by |",
        f"|---|{'---|' * len(names)}---|---|",
    ]
    for name, case in reports[0].cases.items():
        results = [_WORD[report.cases[name]["result"]] if name in report.cases else "" for report in reports]
        demanded = (
            f"{case['requirement']}, {case['clause']}" if case["clause"] != "-" else case["requirement"]
        )
        lines.append(f"| `{name}` | {' | '.join(results)} | {case['title']} | {demanded} |")
    for key in ("passed", "failed", "mandatory_failed", "not_applicable", "not_judged"):
        sums = (str(report.summary.get(key, 0)) for report in reports)
        lines.append(f"| {key.replace('_', ' ')} | {' | '.join(sums)} | | |")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Print the table. 2: a report cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m conformance.compare", description=__doc__)
    parser.add_argument("reports", nargs="+", metavar="NAME=REPORT.json")
    given = parser.parse_args(arguments)
    try:
        print(table([read(argument) for argument in given.reports]))
    except (OSError, ValueError, KeyError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
