"""A recording read backwards: groups of pictures, the last one first, each in decoding order (ONVIF Streaming
s6.6.1). Blocking: meant for a thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from device.media import Sample, Utc
from device.recording.catalogue import SegmentRow
from device.recording.playback import (
    FIRST_WINDOW,
    GAP,
    LARGEST_WINDOW,
    WINDOW,
    Catalogue,
    Piece,
    Place,
    Shelved,
    horizon,
    key_piece,
    lead_of,
    spaced,
)
from device.recording.reader import BadFragment

GROUP_LIMIT = 64 * 1024 * 1024  #: bytes; of a longer group of pictures the end is left out


def places_back(catalogue: Catalogue, token: str, start: Utc, end: Utc | None) -> Iterator[Place]:
    """The fragments that begin at or before `start`, in the opposite of the order of `places`, down to the one
    that begins with the key frame at or before `end`, or to the first of all. Raises NotFound.

    Where the wall clock was set back, `start` may have been twice: the later time is read first."""
    first = catalogue.recording(token).first
    if first is None:
        return
    floor = end
    if floor is None:
        floor = min([first, *(segment.utc for segment in catalogue.segments(token, Utc(0), first))])
    waiting: dict[int, Utc] = {}  # epochs met while another was being read, and where
    read: set[int] = set()
    epoch: int | None = None
    at = Utc(min(start + 1, horizon(catalogue, token)))
    while True:
        oldest: int | None = None
        window = FIRST_WINDOW
        while at > floor:
            downto = Utc(max(at - window, floor))
            found = catalogue.segments(token, downto, at)
            for segment in reversed(found):
                epoch = segment.epoch if epoch is None else epoch
                if segment.epoch != epoch:
                    if segment.epoch not in read:
                        waiting.setdefault(segment.epoch, at)
                elif oldest is None or segment.utc < oldest:
                    oldest = segment.utc
                    yield from _places(segment, start, floor)
            at, window = downto, WINDOW if found else min(2 * window, LARGEST_WINDOW)
        if epoch is not None:
            read.add(epoch)
        if not waiting:
            return
        epoch = max(waiting)
        at = waiting.pop(epoch)


def _places(segment: SegmentRow, start: Utc, floor: Utc) -> Iterator[Place]:
    for row in reversed(segment.fragments):
        if row.utc <= start:
            yield Place(segment, row)
            if row.key and row.utc <= floor:
                return


class Rewind:
    """Reads one recording from any instant backwards, once.

    What cannot be read from the disk is skipped, with the pictures that need it, and is a break.
    """

    def __init__(self, catalogue: Catalogue, token: str) -> None:
        self._catalogue = catalogue
        self._token = token
        self._newer: Piece | None = None  # the last one that was given
        self.unreadable = 0  #: fragments that were skipped

    def groups(self, start: Utc, end: Utc | None) -> Iterator[Piece]:
        """Group after group, from the one that `start` lies in, or the last before a gap that it lies in, to the one
        that `end` lies in. A piece is one group; its `utc` is that of its key frame, its `utc_end` that of
        its last picture, and it is broken where it does not lead up to the piece before. Raises NotFound."""
        chunk: list[Place] = []
        with Shelved() as files:
            for place in places_back(self._catalogue, self._token, start, end):
                chunk.append(place)
                if not place.row.key:
                    continue
                for group in reversed(self._split(files, chunk[::-1])):
                    kept = _until(group.samples, start)
                    if kept:
                        yield self._given(replace(group, samples=kept, utc_end=max(s.utc for s in kept)), GAP)
                    if end is not None and group.utc <= end and group.run == place.segment.run:
                        break
                chunk = []

    def keys(self, start: Utc, end: Utc | None, every: int) -> Iterator[Piece]:
        """The same span, of its video the key frames alone, at least `every` microseconds apart; nothing
        else is read from the disk."""
        with Shelved() as files:
            for place in places_back(self._catalogue, self._token, start, end):
                newer = self._newer
                same = newer if newer is not None and newer.run == place.segment.run else None
                if same is not None and place.row.utc > same.samples[-1].utc - every:
                    continue
                try:
                    piece = key_piece(files, place)
                except BadFragment:
                    self.unreadable += 1
                    continue
                latest_first = [sample for sample in reversed(piece.samples) if sample.utc <= start]
                last = same.samples[-1].utc if same is not None else None
                chosen = spaced(latest_first, last, every)
                if chosen:
                    yield self._given(replace(piece, samples=chosen), None)

    def _given(self, piece: Piece, gap: int | None) -> Piece:
        newer = self._newer
        broken = (
            newer is None
            or piece.broken
            or newer.run != piece.run
            or newer.tracks != piece.tracks
            or (gap is not None and newer.utc - piece.utc_end > gap)
        )
        self._newer = replace(piece, broken=broken)
        return self._newer

    def _split(self, files: Shelved, places: list[Place]) -> list[Piece]:
        """Neighbouring fragments, of which the first begins with a key frame, as groups of pictures. Each begins with
        its key frame, and all that the fragments hold is in one of them."""
        segment = places[0].segment
        lead = lead_of(segment.tracks)
        groups: list[list[Sample]] = []
        # What is told of the first key frame may stand before it, by a clock that is a little off.
        early: list[Sample] = []
        whole, octets = True, 0
        for place in places:
            try:
                octets += place.row.length
                if octets > GROUP_LIMIT:
                    break
                fragment = files.of(segment).read(place.row, verify=False)
            except BadFragment:
                self.unreadable += 1
                whole = False
                continue
            for sample in fragment.samples():
                if sample.key and sample.track == lead:
                    groups.append([sample, *early])
                    early, whole = [], True
                elif whole:
                    (groups[-1] if groups else early).append(sample)
        return [
            Piece(
                segment.tracks,
                False,
                segment.run,
                0,
                group[0].utc,
                max(sample.utc for sample in group),
                True,
                any(sample.damaged for sample in group),
                group,
            )
            for group in groups
        ]


def _until(samples: list[Sample], start: Utc) -> list[Sample]:
    """Without what comes after `start`, in decoding order: a later picture that others need stays."""
    count = len(samples)
    while count and samples[count - 1].utc > start:
        count -= 1
    return samples[:count]
