"""`./holdfast test`: everything that a change has to pass.

The checks run in order, all of them even if one fails; pytest is last, and has the last line.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.debian import PackagesMissing, require

ROOT = Path(__file__).resolve().parent.parent

#: What is checked before the tests: title -> arguments for Python.
CHECKS = {
    "ruff check": ("-m", "ruff", "check", "."),
    "ruff format": ("-m", "ruff", "format", "--check", "."),
    "mypy": ("-m", "mypy"),
    "mypy ./holdfast": ("-m", "mypy", "holdfast"),
    # The script `lint-imports` would break when the checkout is moved.
    "import-linter": (
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
        "--no-logo",
    ),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one check ended."""

    title: str
    passed: bool
    seconds: float

    def __str__(self) -> str:
        return f"{self.title:20} {'ok' if self.passed else 'FAILED':8} {self.seconds:6.1f} s"


class ClosingSummary:
    """Repeats the outcomes just above pytest's closing line, where a person looks."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        self.outcomes = outcomes

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Hook of pytest."""
        terminalreporter.section("checks before the tests")
        for outcome in self.outcomes:
            terminalreporter.write_line(str(outcome), red=not outcome.passed)


def check(title: str, arguments: tuple[str, ...]) -> Outcome:
    """Run one check and print its outcome, with what it said if it failed."""
    begin = time.monotonic()
    command = [sys.executable, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    outcome = Outcome(title, done.returncode == 0, time.monotonic() - begin)
    print(outcome, flush=True)
    if not outcome.passed:
        print(done.stdout, flush=True)
    return outcome


def main(arguments: list[str]) -> int:
    """Run everything. Returns the exit code: 0 only if all passed, 2 if Debian packages are missing."""
    os.chdir(ROOT)
    try:
        require()
    except PackagesMissing as failure:
        print(failure, file=sys.stderr)
        return 2
    outcomes = [check(title, command) for title, command in CHECKS.items()]
    tests = int(pytest.main(arguments, plugins=[ClosingSummary(outcomes)]))
    return tests or int(not all(outcome.passed for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
