"""A span of one recording as files, planned one after another: only one is ever held in memory.

`parts` reads the heads of the fragments and says what each file will be; its bytes are made when they are asked
for. Another file begins where the container cannot go on (another codec; in Matroska other parameter sets, too),
behind a hole of many hours, and at the first key frame after twelve hours or a size that was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from enum import Enum
from typing import Protocol

from device.errors import BadValue
from device.media import Track, Utc
from device.recording import moof
from device.recording.catalogue import FragmentRow, SegmentRow
from device.recording.export import matroska, mp4, raw
from device.recording.export.part import Facts, Files, Part
from device.recording.export.timeline import HOLE, Hole, Line, Taken
from device.recording.playback import Catalogue, Place, places
from device.recording.reader import BadFragment


class Form(Enum):
    """What an export is made of."""

    MP4 = "mp4"
    MATROSKA = "mkv"
    RAW = "raw"  #: the recorder's own segments, as they lie on the disk


class Layout(Protocol):
    """The file of one part, growing while it is planned."""

    @staticmethod
    def same(one: Track, other: Track) -> bool:
        """Whether samples of both tracks can stand in one track of the file."""

    @property
    def size(self) -> int:
        """Bytes so far, at least."""

    def add(
        self, segment: int, row: FragmentRow, head: moof.Head, media: int, taken: Sequence[Taken]
    ) -> None:
        """What was taken of a fragment, its media beginning at `media` in its file."""

    def finish(self, line: Line, segments: Sequence[SegmentRow], files: Files) -> Part:
        """The part."""


LAYOUTS: dict[Form, type[Layout]] = {
    Form.MP4: mp4.Layout,
    Form.MATROSKA: matroska.Layout,
    Form.RAW: raw.Layout,
}


def parts(
    catalogue: Catalogue,
    token: str,
    start: Utc,
    end: Utc,
    *,
    form: Form,
    largest: int | None,
    thorough: bool,
    files: Files,
    tell: Callable[[], object],
) -> Iterator[Part]:
    """The files that an export of [start, end) will be, each planned when it is asked for.

    Its bytes can be had while `files` is open; take those of one part before the next part is asked for.
    `largest`: bytes of a file. Fragments that cannot be read are left out, up to the next key frame, and `files`
    says which; with `thorough` all of each fragment is read to find them, not its head alone. `tell` is called
    before every fragment; what it raises ends the work.

    Raises NotFound, and BadValue where the span is empty, or a file cannot be as small.
    """
    if end <= start:
        raise BadValue("end", "must be later than the start")
    planner = _Planner(start, end, form, largest, files)
    for place in places(catalogue, token, start, end):
        tell()
        try:
            file = files.get(place.segment)
            head, media = file.head(place.row)
            if thorough:
                file.bytes(place.row.offset, place.row.length)
        except BadFragment:
            files.unreadable.append(place.row.utc)
            planner.lost()
            continue
        yield from planner.take(place, head, media)
    yield from planner.close()


class _Planner:
    """Takes heads of fragments one after another; makes parts."""

    def __init__(self, start: Utc, end: Utc, form: Form, largest: int | None, files: Files) -> None:
        self._start, self._end = start, end
        self._form, self._layout_of = form, LAYOUTS[form]
        self._largest, self._files = largest, files
        self._line: Line | None = None
        self._layout = self._layout_of()
        self._segments: list[SegmentRow] = []
        self._key_needed = True
        self._at_key = 0  # size when the last key frame came
        self._group = 0  # the most bytes from one key frame to the next

    def lost(self) -> None:
        """A fragment is missing: what follows needs a key frame."""
        self._key_needed = True

    def take(self, place: Place, head: moof.Head, media: int) -> Iterator[Part]:
        """One more fragment; the part that it closes, if it does."""
        segment, row = place.segment, place.row
        if self._key_needed and not row.key:
            return
        self._key_needed = False
        line = self._line
        if line is not None and self._must_close(line, segment, row, head.utc):
            yield from self.close()
            line = None
            if not row.key:
                self._key_needed = True
                return
        if line is None:
            line = self._line = Line(segment.tracks, head, self._start, self._end, self._layout_of.same)
        if not self._segments or self._segments[-1].id != segment.id:
            self._segments.append(replace(segment, fragments=segment.fragments[:1]))
        taken = line.take(segment.run, segment.tracks, head)
        if taken:
            self._layout.add(len(self._segments) - 1, row, head, media, taken)

    def _must_close(self, line: Line, segment: SegmentRow, row: FragmentRow, utc: Utc) -> bool:
        if not line.suits(segment.tracks, utc):
            return True
        if self._form is Form.RAW and self._segments[-1].id != segment.id:
            return True
        if not row.key:
            return False
        size = self._layout.size
        self._group = max(self._group, size - self._at_key)
        self._at_key = size
        full = self._largest is not None and size + 2 * self._group > self._largest
        return line.long or full

    def close(self) -> Iterator[Part]:
        """Finish the part that is being planned. Raises BadValue where it is larger than it may be."""
        line, layout, segments = self._line, self._layout, self._segments
        self._line, self._layout, self._segments, self._at_key = None, self._layout_of(), [], 0
        if line is None or line.empty:
            return
        part = layout.finish(line, segments, self._files)
        if self._largest is not None and part.size > self._largest:
            raise BadValue("largest", f"must be at least {part.size}: a file ends at a key frame")
        yield part


def holes(found: Sequence[Facts], start: Utc, end: Utc) -> list[Hole]:
    """Where a span has no picture: before, between, inside and behind its parts."""
    out: list[Hole] = []
    at = start
    for part in found:
        if part.utc - at > HOLE:
            out.append(Hole(at, part.utc - at))
        out.extend(part.holes)
        at = part.utc_end
    if end - at > HOLE:
        out.append(Hole(at, end - at))
    return out
