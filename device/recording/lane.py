"""The lane of a session: one object for the source, while the fragmenter behind it changes at key frames.

What starts with a key frame of its own (a run after the clock was set, a file after a failure) starts here,
without the source's knowing: the one access unit at hand is copied into the next fragmenter's memory.
"""

from __future__ import annotations

from mmap import mmap
from typing import Protocol

from device.media import MICROSECONDS, Sample, Utc
from device.recording.fragment import Fragmenter

SKEW = 5_000  #: microseconds by which the wall clock may always leave media time inside a fragment
STEP = MICROSECONDS // 2  #: a wall clock that was set by more than this ends every run


class Session(Protocol):
    """What a lane needs of its intake."""

    lead: int  #: index of the lane's track
    fresh: bool  #: the next key frame begins in a fragmenter of its own

    @property
    def watched(self) -> bool:
        """Somebody wants every access unit."""

    @property
    def stepping(self) -> bool:
        """The clock was set, and the run at hand ends at the next key frame."""

    def check_clock(self) -> None:
        """See whether the wall clock was set."""

    def after_loss(self, packets: int) -> None:
        """So many were lost before the fragment that begins now."""

    def begin_anew(self) -> Fragmenter:
        """The fragmenter for the key frame at hand."""

    def show(self, sample: Sample) -> None:
        """To those who watch."""


class FragmenterLane:
    """A fragmenter's lane, as a source sees it: where the next unit goes, and how far it may."""

    __slots__ = ("fill", "fragmenter", "limit", "memory", "written")

    def __init__(self, fragmenter: Fragmenter) -> None:
        self.fragmenter = fragmenter
        self.memory: mmap = fragmenter.memory
        self._refresh()

    def _refresh(self) -> None:
        fragmenter = self.fragmenter
        self.memory = fragmenter.memory
        self.fill = fragmenter.fill
        self.limit = fragmenter.limit
        self.written = fragmenter.written

    def grow(self, end: int, room: int) -> bool:
        """Lane."""
        grown = self.fragmenter.grow(end, room)
        self._refresh()
        return grown

    def cut(self) -> None:
        """What is committed goes to the disk, the half unit stays."""
        self.fragmenter.written = max(self.written, self.fragmenter.fill)
        self.fragmenter.cut()
        self._refresh()


class StreamLane(FragmenterLane):
    """The lane of a session: a fragmenter's, which may change at a key frame without the source's knowing."""

    __slots__ = ("_last", "_rate", "_session", "_skew", "loss")

    def __init__(self, session: Session, fragmenter: Fragmenter, rate: int) -> None:
        self._session = session
        self._rate = rate
        self._last: tuple[int, Utc] | None = None  #: time and utc of the last unit
        self._skew = 0  #: microseconds by which the wall clock left media time in the fragment at hand
        self.loss = 0  #: packets lost since the last unit
        super().__init__(fragmenter)

    def commit(self, end: int, time: int, utc: Utc, key: bool, damaged: bool) -> None:
        """Lane."""
        session = self._session
        if session.watched:
            with memoryview(self.memory)[self.fill : end] as data:
                session.show(Sample(session.lead, time, utc, key, data, damaged))
        last_time, last_utc = self._last or (time, Utc(0))
        ahead = (time - last_time) * MICROSECONDS // self._rate
        apart = utc - last_utc - ahead
        self._skew += apart
        if abs(apart) > STEP:
            # The first one, or the clock was set since the last beat.
            size, self.written = end - self.fill, end
            session.check_clock()
            end = self.fill + size
        if session.stepping and not key and self._last is not None:
            # What belongs to the run that ends keeps its clock until the next key frame.
            utc = Utc(last_utc + max(ahead, 0))
        # A fragment has one wall time; the others in it follow from media time, and are to stay in order.
        skewed = abs(self._skew) > max(abs(ahead) // 2, SKEW)
        if self.loss or skewed or (key and session.fresh):
            end = self._turn(end, key)
        self._last = (time, utc)
        number = self.fragmenter.number
        self.fragmenter.commit(end, time, utc, key, damaged)
        if self.fragmenter.number != number:
            self._skew = 0
        self._refresh()

    def _turn(self, end: int, key: bool) -> int:
        """Have a fragment begin with the unit at hand; returns where that ends now."""
        old = self.fragmenter
        old.written = end
        size = end - self.fill
        if self.loss:
            old.missed()
        else:
            old.cut()
        self._session.after_loss(self.loss)
        self.loss = self._skew = 0
        if key and self._session.fresh:
            new = self._session.begin_anew()
            while new.limit - new.fill < size:
                if not new.grow(new.fill, size):
                    return old.fill
            with memoryview(old.memory) as source, memoryview(new.memory) as target:
                target[new.fill : new.fill + size] = source[old.fill : old.fill + size]
            self.fragmenter = new
        return self.fragmenter.fill + size

    def cut(self) -> None:
        """At a beat."""
        super().cut()
        self._skew = 0

    def replace(self, fragmenter: Fragmenter, rate: int) -> None:
        """Between two units: go on in another fragmenter."""
        self._rate = rate
        self.fragmenter = fragmenter
        self._refresh()
