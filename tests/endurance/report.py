"""What an endurance run found out, and whether that is good enough."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. With a `most`, exceeding it is a failure."""

    name: str
    value: float
    unit: str = ""
    most: float | None = None

    @property
    def good(self) -> bool:
        """Within its limit."""
        return self.most is None or self.value <= self.most


@dataclass(slots=True)
class Report:
    """All that one run found out."""

    name: str
    figures: list[Figure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  #: each of them makes the run a failure
    notes: list[str] = field(default_factory=list)  #: exceptions that are explained

    def add(self, name: str, value: float, unit: str = "", *, most: float | None = None) -> None:
        """One more figure."""
        self.figures.append(Figure(name, value, unit, most))

    @property
    def good(self) -> bool:
        """Nothing is wrong."""
        return not self.problems and all(figure.good for figure in self.figures)

    def write(self, file: Path) -> None:
        """As JSON."""
        figures = {
            each.name: {"value": each.value, "unit": each.unit, "most": each.most, "good": each.good}
            for each in self.figures
        }
        told = {"name": self.name, "good": self.good, "figures": figures}
        file.write_text(json.dumps({**told, "problems": self.problems, "notes": self.notes}, indent=2) + "\n")

    def show(self) -> None:
        """On the terminal."""
        console = Console(soft_wrap=True, highlight=False)
        table = Table(title=self.name, title_justify="left", box=None, header_style="bold", pad_edge=False)
        for column in ("figure", "value", "at most", ""):
            table.add_column(column, justify="left" if column == "figure" else "right")
        for each in self.figures:
            limit = "" if each.most is None else f"{each.most:g} {each.unit}"
            mark = "" if each.most is None else "ok" if each.good else "[red]exceeded[/red]"
            table.add_row(each.name, f"{each.value:.6g} {each.unit}", limit, mark)
        console.print(table)
        for note in self.notes:
            console.print(f"  {note}", style="dim", markup=False)
        for problem in self.problems:
            console.print(f"! {problem}", style="red", markup=False)
        console.print("[green]GOOD[/green]" if self.good else "[red]NOT GOOD[/red]")


class Progress:
    """One line on the terminal that tells how far a run is; a line a minute where there is no terminal."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = time.monotonic()
        self._told = -60.0

    def __call__(self, text: str) -> None:
        """Say how far it is."""
        passed = time.monotonic() - self._began
        line = f"{self._name}  {passed // 60:3.0f}:{passed % 60:02.0f}  {text}"
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{line}")
        elif passed - self._told >= 60:
            self._told = passed
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def done(self) -> None:
        """Leave the line."""
        if sys.stderr.isatty():
            sys.stderr.write("\n")


def spread(values: Sequence[float]) -> dict[str, float]:
    """Least, median, nine tenths, 99 in a hundred, and most of some values."""
    ordered = sorted(values)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return {"least": at(0), "median": at(0.5), "90 %": at(0.9), "99 %": at(0.99), "most": ordered[-1]}
