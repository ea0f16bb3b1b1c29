"""Tables that are printed as they stand in the README: GitHub's Markdown is also readable in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table as RichTable


@dataclass(frozen=True, slots=True)
class Table:
    """A title, columns, rows of ready text, and what a reader must know to believe them."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: Sequence[str] = field(default_factory=tuple)

    def text(self) -> str:
        """The whole as Markdown; the first column is words, the others are figures."""
        console = Console(width=10_000, highlight=False, markup=False, color_system=None)
        table = RichTable(box=MARKDOWN, show_edge=True)
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*row)
        with console.capture() as capture:
            console.print(table)
        body = "\n".join(line.rstrip() for line in capture.get().splitlines() if line.strip())
        return "\n\n".join([f"**{self.title}**", body, *self.notes]) + "\n"


def ratio(ours: float | None, theirs: float | None) -> float | None:
    """Ours divided by theirs, lower is better; None where one was not measured, or theirs is nothing."""
    if ours is None or theirs is None or theirs <= 0:
        return None
    return ours / theirs


def say_ratio(value: float | None) -> str:
    """A ratio for a person: how many times less than the peer, or more."""
    if value is None:
        return "-"
    if value <= 0:
        return "0"
    return f"1/{1 / value:.1f}" if value < 1 else f"{value:.1f} x"


def say(value: float | None, digits: int) -> str:
    """A figure with so many decimals; a dash where it was not measured."""
    return "-" if value is None else f"{value:.{digits}f}"


def spread(values: Sequence[float], digits: int) -> str:
    """The lowest and the highest of several rounds; one figure where they read the same."""
    if not values:
        return "-"
    low, high = say(min(values), digits), say(max(values), digits)
    return low if low == high else f"{low}–{high}"
