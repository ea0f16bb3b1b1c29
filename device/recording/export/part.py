"""One file of an export: what it will be, known before the first byte, and its bytes, any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from device.media import Track, Utc
from device.recording.catalogue import SegmentRow
from device.recording.export.timeline import Hole, Line, Stretch
from device.recording.reader import BadFragment, SegmentFile

HELD = 8  #: segment files that are kept open ahead: what retention removes meanwhile can still be read

Piece = bytes | memoryview


@dataclass(slots=True)
class Written:
    """What came of the bytes that were handed out."""

    done: int = 0  #: bytes
    #: fragments whose bytes no longer match their checksum; when. They are copied as they are.
    spoilt: list[Utc] = field(default_factory=list)


class Body(Protocol):
    """The bytes of a file, made when they are asked for."""

    @property
    def size(self) -> int:
        """Bytes of the whole file."""

    def pieces(self, begin: int, end: int, written: Written) -> Iterator[Piece]:
        """The bytes from `begin` to `end`. Raises BadFragment where a segment is gone or cannot be read."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file of an export holds."""

    suffix: str  #: of its name, with the dot
    tracks: tuple[Track, ...]
    utc: Utc  #: of the first picture shown
    utc_end: Utc  #: end of the last
    frames: int  #: samples of the leading track that are shown
    damaged: bool  #: some of them decode with errors, perhaps
    lead_in: int  #: microseconds before the first picture shown, there for the decoder
    holes: tuple[Hole, ...]  #: inside this file
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an export."""

    facts: Facts
    body: Body = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.body.size

    def pieces(self, written: Written, begin: int = 0, end: int | None = None) -> Iterator[Piece]:
        """The bytes of the file from `begin` to `end`, a fragment at a time; by themselves all of them.

        Raises BadFragment where a segment is gone or cannot be read."""
        for piece in self.body.pieces(begin, self.size if end is None else min(end, self.size), written):
            yield piece
            written.done += len(piece)


def facts_of(line: Line, suffix: str, lead_in: int) -> Facts:
    """What a time line makes."""
    return Facts(
        suffix,
        tuple(stream.track for stream in line.streams if stream.last >= 0),
        line.utc,
        line.utc_reached,
        line.pictures,
        line.damaged,
        lead_in,
        tuple(line.holes),
        line.stretches(),
    )


class Files:
    """Segment files that are open. One thread at a time."""

    def __init__(self) -> None:
        self.unreadable: list[Utc] = []  #: fragments that were left out because they cannot be read; when
        self._open: dict[int, SegmentFile] = {}

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all."""
        while self._open:
            self._open.popitem()[1].close()

    def get(self, segment: SegmentRow) -> SegmentFile:
        """The file of a segment. Raises BadFragment where it is gone.

        At most HELD stay open, the oldest: retention removes them first."""
        file = self._open.get(segment.id)
        if file is None:
            if len(self._open) >= HELD:
                self._open.popitem()[1].close()
            file = self._open[segment.id] = SegmentFile(segment)
        return file

    def ahead(self, segments: Sequence[SegmentRow]) -> None:
        """These will be read next, in this order: open the first of them, close all others."""
        wanted = {segment.id: segment for segment in segments[:HELD]}
        for number in [number for number in self._open if number not in wanted]:
            self._open.pop(number).close()
        for segment in wanted.values():
            try:
                self.get(segment)
            except BadFragment:
                return  # whoever comes to read it is told
