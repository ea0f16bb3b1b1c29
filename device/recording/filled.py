"""The ledger's memory of gaps that are none any more: their video came later, from a camera's card."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from device.cameras.source import Cause
from device.media import Utc


class FilledRow(NamedTuple):
    """A span that was missing."""

    epoch: int
    start: Utc
    end: Utc
    cause: Cause  #: why it was missing
    at: Utc  #: when it was filled
    source: str  #: where its video came from, for a person


_SPANS = (
    "SELECT epoch, t0, t1, cause, filled, source FROM filled INDEXED BY filled_cover WHERE recording = ?"
    " AND epoch = ? AND t0 < ? AND t1 > ? ORDER BY t0"
)


def filled(c: sqlite3.Connection, recording: int, epoch: int, start: Utc, end: Utc) -> list[FilledRow]:
    """Those of an epoch that overlap [start, end)."""
    return [
        FilledRow(epoch, Utc(t0), Utc(t1), Cause(cause), Utc(at), source)
        for epoch, t0, t1, cause, at, source in c.execute(_SPANS, (recording, epoch, end, start))
    ]
