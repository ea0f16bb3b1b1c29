"""When something moves in front of a virtual camera: a timetable that a test can ask.

Time is cut into slots. In each there is one episode at most, wholly inside it, drawn from the seed and the
slot's number; so the timetable is the same in every process, for ever, and costs nothing to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from device.media import MICROSECONDS, Utc


@dataclass(frozen=True, slots=True)
class Episode:
    """Something moves from `start` to `end`. `seed` says what."""

    start: Utc
    end: Utc
    seed: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return (self.end - self.start) / MICROSECONDS


@dataclass(frozen=True, slots=True)
class Timetable:
    """Episodes of `shortest` to `longest` seconds, in the share `busy` (0..1) of slots `slot` seconds
    long.
    """

    seed: int
    slot: int
    shortest: float
    longest: float
    busy: float

    def episode(self, at: Utc) -> Episode | None:
        """What moves at an instant, or None."""
        found = _episode(self, at // (self.slot * MICROSECONDS))
        return found if found is not None and found.start <= at < found.end else None

    def moving(self, at: Utc) -> bool:
        """Whether anything moves at an instant."""
        return self.episode(at) is not None


@lru_cache(maxsize=256)
def _episode(timetable: Timetable, number: int) -> Episode | None:
    draw = np.random.default_rng((timetable.seed, number))
    if draw.random() >= timetable.busy:
        return None
    # Half a second of rest at both ends keeps episodes of neighbouring slots apart.
    seconds = min(draw.uniform(timetable.shortest, timetable.longest), timetable.slot - 1.0)
    begin = number * timetable.slot + draw.uniform(0.5, timetable.slot - 0.5 - seconds)
    start = int(begin * 10) * (MICROSECONDS // 10)
    return Episode(
        Utc(start), Utc(start + int(seconds * 10) * (MICROSECONDS // 10)), int(draw.integers(1 << 31))
    )
