"""A part as a segment of the recorder, as it lies on the disk: its head, and whole fragments of it.

Nothing is made anew, so that the recorder's own checksums and times are in it. It begins with the fragment of the
key frame at or before the span's start and ends with the fragment that holds the end: nothing is hidden, and the
manifest says from where to where the span is. It is fragmented MP4 and plays by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from device.media import Track
from device.recording import moof
from device.recording.catalogue import FragmentRow, SegmentRow
from device.recording.export.copies import Copied, Copies
from device.recording.export.part import Files, Part, facts_of
from device.recording.export.timeline import Line, Taken
from device.recording.mp4 import microseconds


class Layout:
    """The file of one part, growing while it is planned."""

    suffix = ".mp4"

    def __init__(self) -> None:
        self._copies = Copies()
        self._zero: int | None = None

    @staticmethod
    def same(one: Track, other: Track) -> bool:
        """Whether samples of both can stand in one track."""
        return one == other

    @property
    def size(self) -> int:
        """Bytes so far, at least."""
        return self._copies.size

    def add(
        self,
        segment: int,
        row: FragmentRow,
        head: moof.Head,
        media: int,  # noqa: ARG002 - other layouts need it
        taken: Sequence[Taken],
    ) -> None:
        """All of a fragment."""
        if self._zero is None:
            self._zero = min(head.runs[0].times()) + taken[0].offset
        self._copies.add(segment, row, 0, row.length)

    def finish(self, line: Line, segments: Sequence[SegmentRow], files: Files) -> Part:
        """The part. Raises BadFragment where the head of the segment cannot be read."""
        (segment,) = segments
        head = files.get(segment).bytes(0, segment.fragments[0].offset)
        lead_in = microseconds(max(0, line.first - (self._zero or 0)), line.rate)
        suffix = f"-{segment.id}{self.suffix}"
        return Part(facts_of(line, suffix, lead_in), Copied(head, self._copies, segments, files))
