"""The lines of the manual that we measure ourselves by, and how a test cites them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Line:
    """One testable statement of the manual."""

    id: str  #: `M-001` and so on
    area: str
    title: str
    open: str = ""  #: why nothing proves it: `hardware: ...`, of the box alone; `later: ...`, not built yet


def read_lines(path: Path) -> dict[str, Line]:
    """Read `docs/manual-lines.tsv` (id, area, title, and why it is open): id -> line, in the order of the file."""
    lines = [Line(*row.split("\t")) for row in path.read_text(encoding="utf-8").splitlines()]
    return {line.id: line for line in lines}


LINES = read_lines(Path(__file__).resolve().parent.parent / "docs" / "manual-lines.tsv")


def cited(item: pytest.Item) -> set[str]:
    """Ids that a test cites with `@pytest.mark.proves("M-036", ...)`."""
    return {id_ for mark in item.iter_markers("proves") for id_ in mark.args}
