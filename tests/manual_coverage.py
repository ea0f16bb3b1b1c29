"""`./holdfast manual`: which lines of the manual are proven by which tests.

Prints a table; with `--json` `{"lines": [{"id": "M-001", "tests": ["tests/...::..."]}]}`; with `--write` it
makes docs/manual-coverage.md anew, and with `--check` its exit code is 1 if that page is stale.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import signal
import sys
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

import pytest

from tests.manual import LINES, Line, cited

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "manual-coverage.md"

#: Line id -> the tests that cite it, sorted; every line has an entry.
Coverage = Mapping[str, list[str]]


class Collector:
    """Notes what the tests cite while pytest collects them."""

    def __init__(self) -> None:
        self.tests: dict[str, set[str]] = {id_: set() for id_ in LINES}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Hook of pytest. The cases of a parametrised test count as one."""
        for item in items:
            for id_ in cited(item) & LINES.keys():
                self.tests[id_].add(item.nodeid.partition("[")[0])


def collect() -> Coverage:
    """Collect the tests without running them.

    Raises:
        RuntimeError: a test module cannot be imported; the message is pytest's.
    """
    os.chdir(ROOT)
    collector = Collector()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        outcome = pytest.main(["--collect-only", "--quiet", "-p", "no:cacheprovider"], plugins=[collector])
    if outcome not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RuntimeError(said.getvalue())
    return {id_: sorted(tests) for id_, tests in collector.tests.items()}


def as_json(coverage: Coverage) -> str:
    """The report that other programs read."""
    return json.dumps({"lines": [{"id": id_, "tests": tests} for id_, tests in coverage.items()]}, indent=1)


def as_table(coverage: Coverage) -> str:
    """The report for a terminal."""
    width = max(len(line.title) for line in LINES.values())
    rows = [
        f"{id_}  {LINES[id_].title:{width}}  {'  '.join(tests) or LINES[id_].open or '-'}"
        for id_, tests in coverage.items()
    ]
    return "\n".join([*rows, "", total(coverage)])


def total(coverage: Coverage) -> str:
    """How many lines are proven, how many nobody can prove, and how many are put off."""
    proven = f"{sum(map(bool, coverage.values()))} of {len(LINES)} lines are proven by tests."
    why = [LINES[id_].open.partition(":")[0] for id_, tests in coverage.items() if not tests]
    beyond = (
        f"{why.count('hardware')} more are of the hardware alone: nothing that runs on it can prove them."
    )
    return f"{proven} {beyond} {why.count('later')} are left for later, and say what is missing."


def as_page(coverage: Coverage) -> str:
    """The page of the documentation, area by area."""
    parts = [
        "# What of the manual is proven",
        "",
        "The user manual of the AXIS S3016 Recorder, read line by line, says what a complete recorder does.",
        "Each line is here with the tests that prove it. One without tests is not proven, even if it works; one that",
        "is of the hardware alone, or left for later, says so.",
        "Made by `./holdfast manual --write`.",
        "",
        total(coverage),
    ]
    for area, lines in groupby(LINES.values(), key=lambda line: line.area):
        parts += ["", f"## {area}", "", "| line | what | tests |", "|---|---|---|"]
        parts += [row(line, coverage[line.id]) for line in lines]
    return "\n".join(parts) + "\n"


def row(line: Line, tests: list[str]) -> str:
    """One row of the page."""
    return f"| {line.id} | {line.title} | {'<br>'.join(f'`{test}`' for test in tests) or line.open} |"


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="./holdfast manual", description="Lines of the manual, and tests.")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--write", action="store_true", help=f"make {PAGE.relative_to(ROOT)} anew")
    form.add_argument("--check", action="store_true", help=f"fail if {PAGE.relative_to(ROOT)} is stale")
    options = parser.parse_args()
    try:
        coverage = collect()
    except RuntimeError as failure:
        print(failure, file=sys.stderr)
        return 2
    if options.json:
        print(as_json(coverage))
    elif options.write:
        PAGE.write_text(as_page(coverage), encoding="utf-8")
    elif options.check:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != as_page(coverage):
            print(f"{PAGE.relative_to(ROOT)} is stale: run ./holdfast manual --write", file=sys.stderr)
            return 1
    else:
        print(as_table(coverage))
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # who reads the first lines alone is no failure
    sys.exit(main())
