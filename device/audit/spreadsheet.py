"""The audit trail as CSV (RFC 4180), for spreadsheets: no cell of it is taken for a formula. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from device.events.words import moment

COLUMNS = ("number", "utc", "who", "peer", "deed", "what", "hash")
_FORMULA = "=+-@\t\r"  #: what a spreadsheet would take for the beginning of one


def as_csv(rows: Iterable[Mapping[str, object]]) -> str:
    """A line for each entry as `device.audit.trail.latest` gives them, below one with the names of the columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_neutral(cell(row, name)) for name in COLUMNS] for row in rows)
    return text.getvalue()


def cell(row: Mapping[str, object], name: str) -> str:
    """One value as text."""
    value = row[name]
    return moment(value) if name == "utc" and isinstance(value, int) else str(value)


def _neutral(text: str) -> str:
    return f"'{text}" if text[:1] in _FORMULA and text else text
