"""Which gaps a camera's card is asked for, and when again. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device.media import MICROSECONDS, Utc
from device.recording.ledger import FILLABLE

if TYPE_CHECKING:
    from device.recording.catalogue import GapRow

LEAST = MICROSECONDS // 4  #: microseconds of a gap that is worth the asking
AGE = (
    86_400 * MICROSECONDS
)  #: microseconds: what is older has left many a card, and the archive looks no further back
SETTLE = (
    5 * MICROSECONDS
)  #: microseconds after an outage in which a camera still writes what it took meanwhile
WAITS = (
    5.0,
    60.0,
    300.0,
    1800.0,
)  #: seconds until a gap is asked for again; after the last one it stays a gap
KEPT = 4096  #: gaps of which tries are remembered


@dataclass(frozen=True, slots=True)
class Outage:
    """A span without video, whatever its causes."""

    epoch: int
    start: Utc
    end: Utc


def outages(gaps: Iterable[GapRow], epoch: int, now: Utc) -> list[Outage]:
    """What may be asked for, the newest first. `gaps`: in the order of the ledger; `epoch`: the one that lasts, for how
    a camera's clock stood to ours before that was set back nobody knows."""
    found: list[Outage] = []
    for gap in gaps:
        if gap.inside or gap.end is None or gap.epoch != epoch or gap.cause not in FILLABLE:
            continue
        if found and found[-1].end == gap.start:
            found[-1] = Outage(epoch, found[-1].start, gap.end)
        else:
            found.append(Outage(epoch, gap.start, gap.end))
    return [
        each
        for each in reversed(found)
        if each.end - each.start >= LEAST and now - each.end >= SETTLE and now - each.start < AGE
    ]


class Tries:
    """How often each gap was asked for. A gap is known by its end, which stays where a part of it is filled."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int, Utc], tuple[int, float]] = {}

    def due(self, token: str, outage: Outage, now: float) -> bool:
        """Whether it is to be asked for, at a monotonic time."""
        made, next_at = self._made.get((token, outage.epoch, outage.end), (0, 0.0))
        return made <= len(WAITS) and now >= next_at

    def made(self, token: str, outage: Outage, now: float) -> None:
        """It was asked for."""
        key = token, outage.epoch, outage.end
        made, _ = self._made.pop(key, (0, 0.0))
        self._made[key] = made + 1, now + WAITS[min(made, len(WAITS) - 1)]
        while len(self._made) > KEPT:
            del self._made[next(iter(self._made))]
