"""What was recorded, piece by piece: a stretch ends where recording did, and with the day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from device.media import Utc
from device.recording.catalogue import TimelineRow


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span that was recorded without a break."""

    start: Utc
    end: Utc
    damaged: bool  #: in some of it packets were lost


def stretches(rows: Iterable[TimelineRow], midnights: Sequence[Utc]) -> list[Stretch]:
    """The stretches of a timeline, in its order. `midnights`: where a day begins, ascending."""
    found: list[Stretch] = []
    for row in rows:
        if row.cause is not None:
            continue
        last = found[-1] if found else None
        if last is not None and last.end == row.start:
            found[-1] = Stretch(last.start, row.end, last.damaged or row.damaged)
        else:
            found.append(Stretch(row.start, row.end, row.damaged))
    return [
        Stretch(begin, end, each.damaged)
        for each in found
        for begin, end in _cut(each.start, each.end, midnights)
    ]


def _cut(start: Utc, end: Utc, at: Sequence[Utc]) -> list[tuple[Utc, Utc]]:
    within = [each for each in at if start < each < end]
    return list(zip([start, *within], [*within, end], strict=True))
