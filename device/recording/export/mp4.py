"""A part as progressive MP4 (`ftyp moov mdat`, ISO/IEC 14496-12), its size known before the first byte.

All offsets have 64 bits. The file begins with the key frame at or before the span's start, and an edit list
hides what comes before the picture on show at the start. Other parameter sets of a codec are another sample
description of the same track; another codec needs another file.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from device.media import Track
from device.recording import moof
from device.recording.catalogue import FragmentRow, SegmentRow
from device.recording.export.copies import Copied, Copies
from device.recording.export.part import Files, Part, facts_of
from device.recording.export.timeline import Line, Taken
from device.recording.mp4 import box, microseconds, movie_header
from device.recording.tables import Table

_TYPE = box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isom", b"iso6", b"mp42")
_MDAT = 16  #: bytes of its header, whose size has 64 bits


class Layout:
    """The file of one part, growing while it is planned."""

    suffix = ".mp4"

    def __init__(self) -> None:
        self._tables: list[Table] = []
        self._copies = Copies()

    @staticmethod
    def same(one: Track, other: Track) -> bool:
        """Whether samples of both can stand in one `trak`."""
        return (one.codec, one.clock_rate, one.channels, one.bits) == (
            other.codec,
            other.clock_rate,
            other.channels,
            other.bits,
        )

    @property
    def size(self) -> int:
        """Bytes so far, at least."""
        return self._copies.size + sum(8 * len(table) for table in self._tables)

    def add(
        self, segment: int, row: FragmentRow, head: moof.Head, media: int, taken: Sequence[Taken]
    ) -> None:
        """What was taken of a fragment of a segment, its media beginning at `media` in its file."""
        starts = [media - row.offset]
        for run in head.runs:
            starts.append(starts[-1] + sum(run.sizes))
        for each in taken:
            while len(self._tables) <= each.stream:
                self._tables.append(Table(each.track))
            run = head.runs[each.run]
            begin, end = each.begin, each.end
            sizes = run.sizes[begin:end]
            table = self._tables[each.stream]
            table.chunk(
                self._copies.size,
                table.describe(each.track),
                [time + each.offset for time in run.decode_times()[begin:end]],
                run.shifts[begin:end] or bytes(end - begin),
                sizes,
                run.keys()[begin:end],
                run.damage()[begin:end],
                run.durations[end - 1],
            )
            self._copies.add(segment, row, starts[each.run] + sum(run.sizes[:begin]), sum(sizes))

    def finish(self, line: Line, segments: Sequence[SegmentRow], files: Files) -> Part:
        """The part."""
        tables = [table for table in self._tables if len(table)]
        size = len(_movie(line, tables, 0))
        head = _TYPE + _movie(line, tables, len(_TYPE) + size + _MDAT)
        head += struct.pack(">I4sQ", 1, b"mdat", _MDAT + self._copies.size)
        lead_in = microseconds(max(0, line.first - tables[0].earliest), line.rate)
        return Part(facts_of(line, self.suffix, lead_in), Copied(head, self._copies, segments, files))


def _movie(line: Line, tables: Sequence[Table], base: int) -> bytes:
    traks = []
    for number, table in enumerate(tables, 1):
        rate = table.track.clock_rate
        span = (line.first * rate // line.rate, line.reached * rate // line.rate)
        traks.append(table.box(number, line.utc, line.rate, *span, base))
    length = line.reached - line.first
    return box(b"moov", movie_header(line.utc, line.rate, length, len(tables)), *traks)
