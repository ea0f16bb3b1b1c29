"""A timeline as one who looks at it from afar needs it: no more spans than he can tell apart, and nothing hidden.

Where several spans fall into what cannot be told apart, the one that matters most to a person speaks for all: what is
missing before what is damaged, that before what is there, and that before what was not due.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from device.media import Utc
from device.recording.catalogue import TimelineRow

RECORDED = "recorded"
DAMAGED = "damaged"
IDLE = "idle"


@dataclass(slots=True)
class Span:
    """From, to, and `recorded`, `damaged`, `idle` or the cause of what is missing."""

    start: Utc
    end: Utc
    state: str


def coarse(rows: Iterable[TimelineRow], least: int) -> list[Span]:
    """The rows of one epoch after another, with none shorter than `least` microseconds beside another such one."""
    found: list[Span] = []
    heap: Span | None = None  #: what is too short to be shown alone
    for row in rows:
        state = _state(row)
        if row.end - row.start >= least:
            if heap is not None:
                _add(found, heap)
                heap = None
            _add(found, Span(row.start, row.end, state))
        elif heap is None or row.start < heap.end or row.end - heap.start > least:
            if heap is not None:
                _add(found, heap)
            heap = Span(row.start, row.end, state)
        else:
            heap = Span(heap.start, row.end, max(heap.state, state, key=_weight))
    if heap is not None:
        _add(found, heap)
    return found


def _add(found: list[Span], span: Span) -> None:
    last = found[-1] if found else None
    if last is not None and (last.end, last.state) == (span.start, span.state):
        last.end = span.end
    else:
        found.append(span)


def _state(row: TimelineRow) -> str:
    if row.cause is None:
        return DAMAGED if row.damaged else RECORDED
    return row.cause.value if row.cause.due else IDLE


def _weight(state: str) -> int:
    return {IDLE: 0, RECORDED: 1, DAMAGED: 2}.get(state, 3)
