"""From a replay to fragments: `device.cameras.source.Intake` of what is brought from a card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from mmap import mmap

from device.cameras.source import Cause, Lane
from device.edge.scribe import aligned
from device.edge.sieve import Finder, Sieve
from device.errors import BadValue
from device.media import MICROSECONDS, Kind, Track, Utc
from device.recording.fragment import Cut, Fragmenter, Pool
from device.recording.lane import FragmenterLane
from device.recording.ledger import JITTER

FRAGMENT = MICROSECONDS  #: microseconds of a fragment
KEY_AFTER = 0.25  #: seconds from which a key frame begins another


@dataclass(frozen=True, slots=True)
class Piece:
    """A fragment for a file."""

    tracks: tuple[Track, ...]
    begins: bool  #: it is the first of its file
    utc: Utc  #: of its first picture
    data: mmap  #: aligned, as a file is written past the page cache


class Bringer:
    """Lets through what the sieve takes, and hands the fragments on."""

    def __init__(self, sieve: Sieve | Finder, length: float, out: Callable[[Piece], None]) -> None:
        """`length`: seconds of a segment."""
        self.sieve = sieve
        self._length = round(length * MICROSECONDS)
        self._out = out
        self._pool = Pool()
        self._tracks: tuple[Track, ...] = ()
        self._lane: BringLane | None = None
        self._began: Utc | None = None  #: of the file at hand
        self._end = Utc(0)

    def opened(self, tracks: Sequence[Track]) -> Lane | None:
        """Intake."""
        return self._lay(tracks, 1)

    def parameters(self, tracks: Sequence[Track]) -> Lane | None:
        """Intake."""
        return self._lay(tracks, self._finish())

    def renewed(self) -> Lane | None:
        """Intake."""
        return self._lay(self._tracks, self._finish())

    def sample(self, track: int, time: int, utc: Utc, data: bytes) -> None:
        """Intake."""
        at = self.sieve.placed(utc)
        if self._lane is not None and at is not None:
            self._lane.fragmenter.add(track, time, at, data)

    def missing(self, cause: Cause, detail: str) -> None:  # noqa: ARG002 - an Intake
        """Intake."""
        if self._lane is not None:
            self._lane.cut()

    def lost(self, track: int, packets: int) -> None:  # noqa: ARG002 - an Intake
        """Intake. What comes after is marked by whoever put it together."""
        self.missing(Cause.PACKET_LOSS, "")

    def closed(self, cause: Cause, detail: str = "") -> None:  # noqa: ARG002 - an Intake
        """Intake."""
        self._finish()
        self._lane = None

    def _lay(self, tracks: Sequence[Track], number: int) -> Lane | None:
        self._tracks, self._began, self._lane = tuple(tracks), None, None
        lead = next((n for n, track in enumerate(tracks) if track.kind is Kind.VIDEO), None)
        if lead is None:
            return None
        try:
            fragmenter = Fragmenter(tracks, self._pool, self._cut, first_number=number, key_after=KEY_AFTER)
        except BadValue:
            self.sieve.over = True  # no file can hold such tracks
            return None
        self._lane = BringLane(self.sieve, fragmenter, tracks[lead])
        return self._lane

    def _finish(self) -> int:
        """Cut what is there; the number of the fragment that follows."""
        if self._lane is None:
            return 1
        self._lane.cut()
        return self._lane.fragmenter.number

    def _cut(self, cut: Cut) -> None:
        begins = self._began is None or (
            cut.key and (cut.utc - self._began >= self._length or cut.utc > self._end + JITTER)
        )
        if not (begins and not cut.key):
            if begins:
                self._began = cut.utc
            self._end = cut.utc_end
            with memoryview(cut.memory) as memory:
                data = aligned(memory[cut.start : cut.end])
            self._out(Piece(self._tracks, begins, cut.utc, data))
        self._pool.give(cut.memory)


class BringLane(FragmenterLane):
    """`Lane` of the picture."""

    def __init__(self, sieve: Sieve | Finder, fragmenter: Fragmenter, track: Track) -> None:
        super().__init__(fragmenter)
        self._sieve = sieve
        self._codec = track.codec
        self._cut = Utc(0)

    def commit(self, end: int, time: int, utc: Utc, key: bool, damaged: bool) -> None:
        """Lane."""
        with memoryview(self.memory)[self.fill : end] as data:
            at = self._sieve.takes(utc, key, self._codec, data)
        if at is None:
            self.written = self.fill
            return
        self.fragmenter.commit(end, time, at, key, damaged)
        if at - self._cut >= FRAGMENT:
            self._cut = at
            self.fragmenter.cut()
        self._refresh()
