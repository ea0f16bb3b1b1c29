"""The repository speaks of the product alone, and stays readable."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.tree import LEFT_BEHIND, LOOKING_IN, PRODUCT, files, texts

MOST_LINES = 650
CODE = {".py", ".js", ".css", ".html", ".sh", ".sql"}

# Written in pieces, or this file would be found by its own test.
MACHINE_PATHS = re.compile(
    "|".join(("/wo" + "rk/", "/ro" + "ot/", "/opt/" + "pypi", "/opt/" + "wheels", "py" + "env/"))
)
REGISTRIES = re.compile(
    "|".join((r"py" + r"pi\.org", r"python" + r"hosted\.org", r"npm" + r"js\.org", r"deb\.deb" + r"ian\.org"))
)
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")


def found(checkout: Path, pattern: re.Pattern[str]) -> list[str]:
    """Places where `pattern` stands, as `file:line: text`."""
    return [
        f"{path.relative_to(checkout)}:{number}: {line.strip()}"
        for path, text in texts(checkout)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize(
    "pattern", [MACHINE_PATHS, REGISTRIES, UNFINISHED], ids=["paths", "registries", "unfinished"]
)
def test_nothing_of_one_machine_and_nothing_unfinished(checkout: Path, pattern: re.Pattern[str]) -> None:
    assert found(checkout, pattern) == []


def test_files_are_short_enough_to_read(checkout: Path) -> None:
    sizes = {
        str(path.relative_to(checkout)): text.count("\n")
        for path, text in texts(checkout)
        if path.suffix in CODE or path == checkout / "holdfast"
    }
    assert {name: lines for name, lines in sizes.items() if lines > MOST_LINES} == {}


def test_every_folder_with_python_is_a_package(checkout: Path) -> None:
    """Without `__init__.py` mypy, import-linter and the wheel would pass over a folder in silence."""
    folders = {
        path.parent
        for package in (*PRODUCT, *LOOKING_IN)
        for path in files(checkout / package)
        if path.suffix == ".py"
    }
    with_parents = {
        parent for folder in folders for parent in (folder, *folder.parents) if checkout in parent.parents
    }
    assert sorted(folder for folder in with_parents if not (folder / "__init__.py").exists()) == []


def test_every_python_file_has_a_docstring(checkout: Path) -> None:
    silent = [
        str(path.relative_to(checkout))
        for path, text in texts(checkout)
        if path.suffix == ".py" and text.strip() and ast.get_docstring(ast.parse(text)) is None
    ]
    assert silent == []


def test_git_ignores_what_tools_leave_behind(checkout: Path) -> None:
    ignored = {line.strip("/") for line in (checkout / ".gitignore").read_text(encoding="utf-8").splitlines()}
    assert LEFT_BEHIND - {".git"} - ignored == set()


def test_commands_are_executable(checkout: Path) -> None:
    commands = [checkout / "holdfast", checkout / ".ci" / "run"]
    assert [path.name for path in commands if not path.stat().st_mode & 0o111] == []


def test_links_between_documents_lead_somewhere(checkout: Path) -> None:
    dead = [
        f"{path.relative_to(checkout)} -> {target}"
        for path, text in texts(checkout)
        if path.suffix == ".md"
        for target in re.findall(r"\]\((?!\w+://|#)([^)#]+)", text)
        if not (path.parent / target).exists()
    ]
    assert dead == []
