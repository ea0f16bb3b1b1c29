"""Samples of a recording, across fragments, segments, runs and gaps. Blocking: meant for a thread."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol, Self

from device.media import MICROSECONDS, Kind, Sample, Track, Utc
from device.recording.catalogue import FragmentRow, RecordingRow, SegmentRow
from device.recording.reader import BadFragment, Fragment, SegmentFile

GAP = MICROSECONDS  #: a hole of more than this between two fragments of a run is a break
FIRST_WINDOW = 5 * MICROSECONDS  #: at first: who seeks wants one segment, and each costs a page of the disk
WINDOW = 600 * MICROSECONDS  #: of the catalogue, asked for at once
LARGEST_WINDOW = 86_400 * MICROSECONDS  #: it doubles while there is nothing
_FOREVER = Utc(1 << 62)


class Catalogue(Protocol):
    """What playback and export need of the catalogue's reader."""

    def recording(self, token: str) -> RecordingRow:
        """One recording. Raises NotFound."""

    def segments(self, token: str, start: Utc, end: Utc) -> list[SegmentRow]:
        """Those that overlap [start, end): epoch by epoch, in each by time."""


@dataclass(frozen=True, slots=True)
class Place:
    """A fragment, and the segment that it lies in."""

    segment: SegmentRow
    row: FragmentRow


@dataclass(frozen=True, slots=True)
class Piece:
    """The samples of one fragment."""

    tracks: tuple[Track, ...]
    broken: (
        bool  #: it does not continue the piece before: a gap, a loss on the disk, another run, other tracks
    )
    run: int
    number: int  #: of the fragment, within the run
    utc: Utc  #: of its first sample
    utc_end: Utc  #: end of its last
    key: bool  #: begins with a key frame
    damaged: bool
    samples: list[Sample]  #: in decoding order, tracks interleaved; `data` are views of one piece of memory


def places(catalogue: Catalogue, token: str, start: Utc, end: Utc | None) -> Iterator[Place]:
    """The fragments of [start, end), from the one that begins with the key frame at or before `start`; where
    nothing covers `start`, from the first after it. Without `end` all that is acknowledged. Raises NotFound.

    Where the wall clock was set back, everything that was recorded before comes first.
    """
    last = horizon(catalogue, token)
    until = last if end is None else min(end, last)
    waiting: dict[int, Utc] = {}  # epochs met while another was being read, and where
    read: set[int] = set()
    epoch: int | None = None
    at = start
    while True:
        newest, window = -1, FIRST_WINDOW  # by time: what came later from a card has a later id
        while at < until:
            upto = Utc(min(at + window, until))
            found = catalogue.segments(token, at, upto)
            for segment in found:
                epoch = segment.epoch if epoch is None else epoch
                if segment.epoch != epoch:
                    if segment.epoch not in read:
                        waiting.setdefault(segment.epoch, at)
                elif segment.utc > newest:
                    newest = segment.utc
                    yield from _places(segment, start, until)
            at, window = upto, WINDOW if found else min(2 * window, LARGEST_WINDOW)
        if epoch is not None:
            read.add(epoch)
        if not waiting:
            return
        epoch = min(waiting)
        at = waiting.pop(epoch)


def horizon(catalogue: Catalogue, token: str) -> Utc:
    """End of all that is acknowledged, in whatever epoch."""
    last = catalogue.recording(token).last
    if last is None:
        return Utc(0)
    return max([last, *(segment.end for segment in catalogue.segments(token, last, _FOREVER))])


def _places(segment: SegmentRow, start: Utc, end: Utc) -> Iterator[Place]:
    rows = segment.fragments
    index = max(0, bisect_right(rows, start, key=lambda row: row.utc) - 1)
    while index and not rows[index].key:
        index -= 1
    for row in rows[index:]:
        if row.utc >= end:
            return
        yield Place(segment, row)


class Playback:
    """Reads one recording from any instant on. One iterator at a time.

    What cannot be read from the disk is skipped up to the next key frame, and is a break.
    """

    def __init__(self, catalogue: Catalogue, token: str) -> None:
        self._catalogue = catalogue
        self._token = token
        self._read: Callable[[Iterator[Place]], Iterator[Piece]] = self._pieces
        self._place: Place | None = None  # the last one that was looked at
        self._before: Piece | None = None
        self._key_needed = True
        self._every = 0
        self.unreadable = 0  #: fragments that were skipped so

    def fragments(self, start: Utc, end: Utc | None) -> Iterator[Piece]:
        """Fragment after fragment, from the key frame at or before `start`. Raises NotFound.

        Ends with the last that begins before `end`, or at the end of what is acknowledged now."""
        self._read = self._pieces
        yield from self._begin(start, end)

    def keys(self, start: Utc, end: Utc | None, every: int) -> Iterator[Piece]:
        """The same span, of its video the key frames alone, at least `every` microseconds apart; nothing
        else is read from the disk. A piece holds those of one fragment."""
        self._read, self._every = self._key_pieces, every
        yield from self._begin(start, end)

    def onward(self) -> Iterator[Piece]:
        """What was acknowledged since: goes on behind the last piece. Nothing where nothing was read yet."""
        last = self._place
        if last is None:
            return
        fresh = (
            place
            for place in places(self._catalogue, self._token, last.row.utc, None)
            if (place.segment.id, place.row.offset) > (last.segment.id, last.row.offset)
        )
        yield from self._read(fresh)

    def _begin(self, start: Utc, end: Utc | None) -> Iterator[Piece]:
        self._place = self._before = None
        self._key_needed = True
        yield from self._read(places(self._catalogue, self._token, start, end))

    def _pieces(self, source: Iterator[Place]) -> Iterator[Piece]:
        with Shelved() as files:
            for place in source:
                self._place = place
                try:
                    fragment = files.of(place.segment).read(place.row, verify=False)
                except BadFragment:
                    self.unreadable += 1
                    self._key_needed = True
                    continue
                if self._key_needed and not place.row.key:
                    continue
                self._key_needed = False
                self._before = self._piece(fragment, place)
                yield self._before

    def _key_pieces(self, source: Iterator[Place]) -> Iterator[Piece]:
        with Shelved() as files:
            for place in source:
                self._place = place
                before = self._before
                due = before.samples[-1].utc + self._every if before is not None else 0
                if before is not None and before.run == place.segment.run and _wholly_before(place, due):
                    continue
                try:
                    piece = key_piece(files, place)
                except BadFragment:
                    self.unreadable += 1
                    continue
                other = before is None or before.run != piece.run or before.tracks != piece.tracks
                chosen = spaced(
                    piece.samples, None if other or before is None else before.samples[-1].utc, self._every
                )
                if chosen:
                    self._before = replace(piece, broken=other, samples=chosen)
                    yield self._before

    def _piece(self, fragment: Fragment, place: Place) -> Piece:
        before, segment, utc = self._before, place.segment, fragment.head.utc
        broken = (
            before is None
            or before.run != segment.run
            or before.number + 1 != fragment.number
            or before.tracks != segment.tracks
            or utc - before.utc_end > GAP
        )
        return Piece(
            segment.tracks,
            broken,
            segment.run,
            fragment.number,
            utc,
            fragment.utc_end,
            place.row.key,
            fragment.damaged,
            fragment.samples(),
        )


class Shelved:
    """The segment at hand, kept open while one fragment after the other is read of it."""

    def __init__(self) -> None:
        self._file: SegmentFile | None = None

    def of(self, segment: SegmentRow) -> SegmentFile:
        """Raises BadFragment where it cannot be opened."""
        if self._file is not None and self._file.segment.id != segment.id:
            self._close()
        self._file = self._file or SegmentFile(segment)
        return self._file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            file.close()


def key_piece(files: Shelved, place: Place) -> Piece:
    """The key frames of a fragment's video. Raises BadFragment."""
    segment, row = place.segment, place.row
    lead = lead_of(segment.tracks)
    samples = files.of(segment).keys(row, lead)
    utc = samples[0].utc if samples else row.utc
    end = samples[-1].utc if samples else row.utc
    return Piece(segment.tracks, False, segment.run, 0, utc, end, row.key, row.damaged, samples)


def lead_of(tracks: Sequence[Track]) -> int:
    """The track whose key frames count: the first of video, else the first."""
    return next((n for n, track in enumerate(tracks) if track.kind is Kind.VIDEO), 0)


def spaced(samples: Sequence[Sample], last: Utc | None, every: int) -> list[Sample]:
    """Those that are at least `every` microseconds away from each other, and from `last`."""
    chosen: list[Sample] = []
    for sample in samples:
        if last is None or abs(sample.utc - last) >= every:
            chosen.append(sample)
            last = sample.utc
    return chosen


def _wholly_before(place: Place, due: int) -> bool:
    """Another fragment of the same segment begins at or before `due`, so nothing in this one is due."""
    rows = place.segment.fragments
    index = bisect_right(rows, due, key=lambda row: row.utc) - 1
    return index >= 0 and place.row.offset < rows[index].offset
