"""What fragments a segment file really holds: for recovery, for `check`, for rebuilding the catalogue.

One read a fragment where only heads are looked at: a trailing box and the next head are neighbours.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from zlib_ng.zlib_ng import crc32

from device.media import Track, Utc
from device.recording import moof, trailer
from device.recording.mp4 import BadBox
from device.recording.segment import LARGEST_HEAD, BadSegment, Identity, read_head
from device.recording.trailer import ALIGN

_LOOK = 2 * ALIGN + moof.LARGEST_HEAD  #: trailing box and padding, padding and head
_PIECE = 1 << 20  #: bytes read at once where the media are checked


@dataclass(frozen=True, slots=True)
class Found:
    """One whole fragment."""

    offset: int
    length: int  #: bytes, a multiple of 4096
    number: int  #: within the run
    utc: Utc  #: of the leading track's first sample
    utc_end: Utc
    time: int  #: media time of that sample
    key: bool
    damaged: bool
    lead: bool  #: holds samples of the session's leading track
    samples: int  #: of the leading track


@dataclass(frozen=True, slots=True)
class Scan:
    """The fragments that follow one another without a fault, from where the scan began."""

    fragments: tuple[Found, ...]
    good_end: int  #: offset of the end of the last of them; what lies behind it may be cut off
    problem: str  #: why the scan ended before the end of the file; empty where it did not


class Bytes(Protocol):
    """A segment's file, wherever it lies."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """These bytes, fewer where it ends before."""


class _Here:
    """`Bytes`, of an open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, offset)


def head_of(descriptor: int) -> tuple[tuple[Track, ...], Identity, int]:
    """As `read_head`, of an open segment. Raises BadSegment, OSError."""
    return head_in(_Here(descriptor))


def head_in(file: Bytes) -> tuple[tuple[Track, ...], Identity, int]:
    """As `read_head`; nearly all fit into the first page. Raises BadSegment, and what reading raises."""
    data = file.read(0, ALIGN)
    with suppress(BadSegment):
        return read_head(data)
    return read_head(data + file.read(ALIGN, LARGEST_HEAD - ALIGN))


def scan(path: Path, offset: int, *, verify: bool) -> Scan:
    """The fragments from `offset` on (a multiple of 4096: the end of the head, or of another fragment).

    With `verify` every byte is read and checked; else heads and trailing boxes alone are. What the bytes
    are never raises; a file that cannot be opened raises OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return scan_in(_Here(descriptor), offset, verify=verify)
    finally:
        os.close(descriptor)


def scan_in(file: Bytes, offset: int, *, verify: bool) -> Scan:
    """As `scan`. Raises what reading raises, but OSError."""
    found: list[Found] = []
    at = offset
    try:
        tracks, _, _ = head_in(file)
        for each in _walk(file, offset, verify, tracks):
            found.append(each)
            at = each.offset + each.length
        return Scan(tuple(found), at, "")
    except (BadBox, BadSegment, OSError) as error:
        return Scan(tuple(found), at, f"At {at}: {error}")


def _walk(file: Bytes, at: int, verify: bool, tracks: tuple[Track, ...]) -> Iterator[Found]:
    size = file.size
    look, base = file.read(at, _LOOK), at
    before: moof.Head | None = None
    while at < size:
        head, start, media = moof.find(look, at - base)
        prefix, media_start = look[start:media], base + media
        base = media_start + head.payload
        look = file.read(base, _LOOK)
        box = trailer.read(look, 0)
        if box is None or box[1].number != head.number or at + box[1].length != base + box[0]:
            raise moof.BadHead("The trailing box is missing, or of another fragment.")
        end = box[1]
        crc = crc32(prefix, end.seed())
        if crc != end.head_crc:
            raise moof.BadHead("The head does not match its checksum.")
        if verify and _crc(file, media_start, base, crc) != end.crc:
            raise moof.BadHead("The media do not match their checksum.")
        if any(run.track >= len(tracks) for run in head.runs):
            raise moof.BadHead("The fragment has a track that the file has not.")
        if before is not None and head.number <= before.number:
            raise moof.BadHead(f"Fragment {head.number} stands behind fragment {before.number}.")
        if at + end.length > size:
            raise moof.BadHead("The file ends in the padding.")
        before = head
        yield _found(head, end, at, tracks)
        at += end.length


def _found(head: moof.Head, end: trailer.Trailer, at: int, tracks: tuple[Track, ...]) -> Found:
    lead = head.runs[0]
    return Found(
        offset=at,
        length=end.length,
        number=head.number,
        utc=head.utc,
        utc_end=head.utc_end(tracks[lead.track].clock_rate),
        time=head.time,
        key=bool(end.flags & trailer.KEY),
        damaged=bool(end.flags & trailer.DAMAGED),
        lead=bool(end.flags & trailer.LEAD),
        samples=len(lead.sizes),
    )


def _crc(file: Bytes, at: int, end: int, crc: int) -> int:
    """The CRC that began with the head, gone on over the media, piece by piece."""
    while at < end:
        piece = file.read(at, min(_PIECE, end - at))
        if not piece:
            raise moof.BadHead("The file ends in the media.")
        crc = crc32(piece, crc)
        at += len(piece)
    return crc
