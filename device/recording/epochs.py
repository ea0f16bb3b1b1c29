"""Spans between the times that the wall clock was set back: an instant is told by its epoch and its UTC.

Two pictures may bear the same UTC, an hour apart by any other clock. Which is the later one, their epochs say.
"""

from __future__ import annotations

import sqlite3

from device.media import Utc
from device.recording.commits import Op

FIRST = 1


class Epochs:
    """All of one catalogue, and the one that lasts."""

    def __init__(self) -> None:
        self.number = FIRST  #: of the one that lasts
        self._behind = {FIRST: 0}  #: microseconds by which the clock was set back in all, until each

    @classmethod
    def of(cls, c: sqlite3.Connection) -> Epochs:
        """Those of a catalogue."""
        made = cls()
        total = 0
        for number, back in c.execute("SELECT id, back FROM epoch ORDER BY id"):
            total += back
            made._behind[number], made.number = total, number
        return made

    def today(self, epoch: int, utc: Utc) -> Utc:
        """What the clock of the present epoch would have said at an instant of another."""
        return Utc(utc + self._behind[epoch] - self._behind[self.number])

    def begin(self, utc: Utc, back: int) -> Op:
        """The clock was set back by `back` microseconds, and says `utc` now. Returns what the catalogue is to learn."""
        behind = self._behind[self.number] + back
        self.number += 1
        self._behind[self.number] = behind
        return "INSERT INTO epoch(id, t0, back) VALUES (?, ?, ?)", (self.number, utc, back)
