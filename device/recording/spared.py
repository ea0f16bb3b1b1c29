"""Segments that stand among the garbage and are not to be erased: somebody else is writing their files. Pure."""

from __future__ import annotations


class Spared:
    """A sweep that looked at the garbage before a segment was settled may still name it; the one after it does not,
    unless it is garbage indeed. So a segment is spared until a sweep has ended that began afterwards."""

    def __init__(self) -> None:
        self._written: set[int] = set()
        self._settled: set[int] = set()  #: since the last sweep began
        self._fading: set[int] = set()  #: before it

    def keep(self, segment: int) -> None:
        """Its file is about to be written."""
        self._written.add(segment)

    def settle(self, segment: int) -> None:
        """Its file is written no more, and it is in the catalogue what became of it."""
        if segment in self._written:
            self._written.discard(segment)
            self._settled.add(segment)

    def sweep_begins(self) -> None:
        """The garbage is about to be looked at."""
        self._fading |= self._settled
        self._settled = set()

    def sweep_ended(self) -> None:
        """What it found was heard."""
        self._fading = set()

    def __contains__(self, segment: int) -> bool:
        return segment in self._written or segment in self._settled or segment in self._fading
