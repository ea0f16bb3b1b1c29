"""Files whose media are copied from segments: what to copy, and the copying, from any byte to any other."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from device.media import Utc
from device.recording.catalogue import FragmentRow, SegmentRow
from device.recording.export.part import Files, Piece, Written
from device.recording.reader import BadFragment, parse


class Copies:
    """What to copy out of which fragments, in the order of the file: 45 bytes for each run of samples."""

    def __init__(self) -> None:
        self._starts = array("Q")  # in the media data
        self._segments = array("I")
        self._offsets, self._lengths = array("Q"), array("I")  # of the fragment in its segment
        self._utc = array("q")
        self._begins, self._counts = array("I"), array("I")  # of the bytes in the fragment
        self.size = 0

    def add(self, segment: int, row: FragmentRow, begin: int, count: int) -> None:
        """`count` bytes, from `begin` in a fragment of a segment."""
        self._starts.append(self.size)
        self._segments.append(segment)
        self._offsets.append(row.offset)
        self._lengths.append(row.length)
        self._utc.append(row.utc)
        self._begins.append(begin)
        self._counts.append(count)
        self.size += count

    def pieces(
        self, segments: Sequence[SegmentRow], files: Files, begin: int, end: int, written: Written
    ) -> Iterator[memoryview]:
        """The bytes from `begin` to `end`. Raises BadFragment."""
        fragment: tuple[int, int] | None = None
        data = memoryview(b"")
        number = bisect_right(self._starts, begin) - 1
        for place in range(max(number, 0), len(self._starts)):
            start = self._starts[place]
            if start >= end:
                return
            wanted = self._segments[place], self._offsets[place]
            if wanted != fragment:
                if fragment is None or fragment[0] != wanted[0]:
                    files.ahead(segments[wanted[0] :])
                data = self._read(place, segments[wanted[0]], files, written)
                fragment = wanted
            first = self._begins[place] + max(0, begin - start)
            last = self._begins[place] + min(self._counts[place], end - start)
            yield data[first:last]

    def _read(self, place: int, segment: SegmentRow, files: Files, written: Written) -> memoryview:
        data = files.get(segment).bytes(self._offsets[place], self._lengths[place])
        try:
            parse(data, segment.tracks, verify=True)
        except BadFragment:
            written.spoilt.append(Utc(self._utc[place]))
        return memoryview(data)


class Copied:
    """A file that is bytes of its own, and copies behind them: `device.recording.export.part.Body`."""

    def __init__(self, head: bytes, copies: Copies, segments: Sequence[SegmentRow], files: Files) -> None:
        self._head, self._copies = head, copies
        self._segments, self._files = segments, files
        self.size = len(head) + copies.size

    def pieces(self, begin: int, end: int, written: Written) -> Iterator[Piece]:
        """See there."""
        before = len(self._head)
        if begin < min(before, end):
            yield self._head[begin:end]
        if end > before:
            yield from self._copies.pieces(
                self._segments, self._files, max(0, begin - before), end - before, written
            )
