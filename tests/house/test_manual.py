"""The list of the manual's lines, and who proves them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.manual import LINES
from tests.manual_coverage import as_json, as_page, as_table

NOBODY: dict[str, list[str]] = {id_: [] for id_ in LINES}


def test_every_line_is_listed_once_in_order() -> None:
    assert list(LINES) == [f"M-{number:03}" for number in range(1, 459)]


def test_titles_are_short() -> None:
    assert [line.id for line in LINES.values() if not 0 < len(line.title) <= 60 or not line.area] == []


def test_the_report_for_programs_has_every_line() -> None:
    report = json.loads(as_json(NOBODY | {"M-036": ["tests/a.py::test_b"]}))
    assert [line["id"] for line in report["lines"]] == list(LINES)
    assert [line for line in report["lines"] if line["tests"]] == [
        {"id": "M-036", "tests": ["tests/a.py::test_b"]}
    ]


@pytest.mark.parametrize("form", [as_table, as_page])
def test_a_person_sees_how_many_lines_are_proven(form: type[str]) -> None:
    assert "1 of 458 lines are proven by tests." in form(NOBODY | {"M-036": ["tests/a.py::test_b"]})


@pytest.mark.parametrize("form", [as_table, as_page])
def test_what_is_open_says_why_unless_a_test_proves_it(form: type[str]) -> None:
    assert "hardware: how a person carries the box" in form(NOBODY)
    assert "hardware: how a person carries the box" not in form(NOBODY | {"M-070": ["tests/a.py::test_b"]})


def test_a_reason_says_whether_it_will_ever_be_proven() -> None:
    reasons = [line.open for line in LINES.values() if line.open]
    assert [why for why in reasons if not why.startswith(("hardware: ", "later: "))] == []


def test_the_page_of_the_documentation_is_fresh(checkout: Path) -> None:
    """If this fails: ./holdfast manual --write"""
    command = [sys.executable, "-m", "tests.manual_coverage", "--check"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("line", "code"), [("M-001", 0), ("M-999", 4)])
def test_a_citation_of_no_line_stops_the_tests(checkout: Path, tmp_path: Path, line: str, code: int) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_collection_modifyitems\n")
    (tmp_path / "test_it.py").write_text(
        f"import pytest\n\n@pytest.mark.proves('{line}')\ndef test_it():\n    pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
