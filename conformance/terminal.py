"""The report on a terminal, as it grows."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conformance.case import Outcome, Result
from conformance.report import Report

_MARK = {
    Result.PASS: ("pass", "green"),
    Result.FAIL: ("FAIL", "bold red"),
    Result.NOT_APPLICABLE: ("n/a ", "dim"),
    Result.NOT_JUDGED: ("open", "yellow"),
}
_EXCHANGE_LINES = 12  #: the last of a failed case; the whole is in the JSON and HTML reports


class Terminal:
    """Prints each outcome below the heading of its group, and the sum at the end."""

    def __init__(self, console: Console, headings: dict[str, str], width: int) -> None:
        """`width`: characters of the longest id."""
        self._console = console
        self._headings = headings
        self._width = width
        self._group = ""

    def head(self, standard: str, device: str) -> None:
        """What is judged, and by what."""
        self._console.print(Text.assemble((standard, "bold"), "\n", device))

    def outcome(self, outcome: Outcome) -> None:
        """One line, and what was seen below it where that matters."""
        if outcome.group != self._group:
            self._group = outcome.group
            self._console.print(Text(f"\n{self._headings[outcome.group]}", "bold"))
        word, style = _MARK[outcome.result]
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_column(width=4)
        row.add_column(width=self._width)
        row.add_column()
        said = Text(outcome.title)
        if outcome.result in (Result.NOT_APPLICABLE, Result.NOT_JUDGED):
            said.append(f"\n{outcome.detail}", "dim")
        elif outcome.result is Result.FAIL:
            said.append(f"\n{outcome.detail}\n{outcome.requirement}, {outcome.clause}", "red")
        row.add_row(Text(word, style), Text(outcome.id, "cyan"), said)
        self._console.print(Padding(row, (0, 0, 0, 2)))
        if outcome.result is Result.FAIL:
            shown = outcome.exchange[-_EXCHANGE_LINES:]
            left = len(outcome.exchange) - len(shown)
            lines = [f"... {left} lines before, see --html or --json"] if left else []
            text = Text("\n".join([*lines, *shown]), "dim", no_wrap=True, overflow="ellipsis")
            self._console.print(Padding(text, (0, 0, 0, 8)))

    def sum(self, report: Report) -> None:
        """The last line."""
        failed = report.count(Result.FAIL)
        style = "bold red" if report.mandatory_failed else "bold yellow" if failed else "bold green"
        unjudged = report.count(Result.NOT_JUDGED)
        left = f"{unjudged} not judged, " if unjudged else ""
        self._console.print(
            Text(
                f"\n{report.count(Result.PASS)} passed, {failed} failed ({report.mandatory_failed} mandatory), "
                f"{report.count(Result.NOT_APPLICABLE)} not applicable, {left}{report.seconds:.0f} s",
                style,
            )
        )
        if report.verdict:
            self._console.print(Text(report.verdict, style))
