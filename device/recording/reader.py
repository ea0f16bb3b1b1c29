"""Stored fragments as samples: one read a fragment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from zlib_ng.zlib_ng import crc32

from device.errors import HoldfastError, StorageFault
from device.media import Sample, Track, Utc
from device.recording import moof, trailer
from device.recording.afar import FarFile
from device.recording.catalogue import FragmentRow, SegmentRow
from device.recording.mp4 import BadBox, microseconds


class BadFragment(StorageFault):
    """What is on the disk is not the fragment that the catalogue promised."""

    transient = False
    hint = "The file or the drive is damaged. `holdfast check` tells what else is."


class OutOfReach(BadFragment):
    """What was moved to the archive cannot be read there now."""

    transient = True
    hint = "Is the archive's share there? `holdfast archive` says."


@dataclass(frozen=True, slots=True)
class Fragment:
    """One fragment in memory."""

    head: moof.Head
    damaged: bool
    lead: bool  #: holds samples of the session's leading track
    media: memoryview
    tracks: tuple[Track, ...]

    @property
    def number(self) -> int:
        """Within the run; one more each fragment, where none was lost."""
        return self.head.number

    @property
    def utc_end(self) -> Utc:
        """End of the last sample of the first track that the fragment holds."""
        return self.head.utc_end(self.tracks[self.head.runs[0].track].clock_rate)

    def samples(self) -> list[Sample]:
        """Every sample, the tracks interleaved by decode time. `data` are views of this fragment."""
        timed: list[tuple[int, int, Sample]] = []
        at = 0
        for order, run in enumerate(self.head.runs):
            rate = self.tracks[run.track].clock_rate
            origin = _origin(self.head, self.tracks)
            rows = zip(run.decode_times(), run.times(), run.sizes, run.keys(), run.damage(), strict=True)
            for decode, time, size, key, damaged in rows:
                utc = Utc(origin + microseconds(time, rate))
                data = self.media[at : at + size]
                timed.append(
                    (microseconds(decode, rate), order, Sample(run.track, time, utc, key, data, damaged))
                )
                at += size
        if len(self.head.runs) > 1:
            timed.sort(key=lambda row: row[:2])
        return [sample for _, _, sample in timed]


def _origin(head: moof.Head, tracks: Sequence[Track]) -> int:
    """Wall time of media time 0, by this fragment."""
    return head.utc - microseconds(head.time, tracks[head.runs[0].track].clock_rate)


def parse(data: bytes, tracks: Sequence[Track], *, verify: bool) -> Fragment:
    """A fragment from all of its bytes. Raises BadFragment.

    The head is always checked against its checksum, the media with `verify`."""
    try:
        head, start, media = moof.find(data, 0)
    except BadBox as error:
        raise BadFragment(str(error)) from error
    end = media + head.payload
    box = trailer.read(data, end)
    if box is None or end + box[0] != len(data) or box[1].number != head.number:
        raise BadFragment("The trailing box is missing, or of another fragment.")
    view = memoryview(data)
    crc = crc32(view[start:media], box[1].seed())
    if crc != box[1].head_crc or (verify and crc32(view[media:end], crc) != box[1].crc):
        raise BadFragment("The fragment does not match its checksum.")
    if any(run.track >= len(tracks) for run in head.runs):
        raise BadFragment("The fragment has a track that its file has not.")
    flags = box[1].flags
    return Fragment(
        head, bool(flags & trailer.DAMAGED), bool(flags & trailer.LEAD), view[media:end], tuple(tracks)
    )


class _Here:
    """A segment's file on a volume. A `FarFile`, too: `SegmentFile` reads both alike."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, offset: int, length: int) -> bytes:
        """`FarFile`. Raises OSError."""
        return os.pread(self._descriptor, length, offset)

    def close(self) -> None:
        """`FarFile`."""
        os.close(self._descriptor)


def _open(segment: SegmentRow) -> FarFile:
    """Where it lies now: it may have been moved since its row was read. Raises BadFragment."""
    if not segment.archive:
        try:
            return _Here(segment.path)
        except FileNotFoundError as error:
            if segment.far is None:
                raise BadFragment(f"Segment {segment.id} cannot be opened: {error.strerror}.") from error
        except OSError as error:
            raise BadFragment(f"Segment {segment.id} cannot be opened: {error.strerror}.") from error
    if segment.far is None:
        raise OutOfReach(f"Segment {segment.id} lies in an archive, and there is nobody to read it.")
    token = segment.path.parent.parent.name
    return segment.far.open(segment.archive, token, segment.utc, segment.path.name, segment.bytes)


class SegmentFile:
    """One open segment, on a volume or in the archive. `with SegmentFile(row) as file: ...`"""

    def __init__(self, segment: SegmentRow) -> None:
        """Raises BadFragment where the file cannot be opened. One in the archive can be: reading it may fail."""
        self.segment = segment
        self._file = _open(segment)

    def read(self, row: FragmentRow, *, verify: bool) -> Fragment:
        """One fragment, with one read. Raises BadFragment."""
        return parse(self.bytes(row.offset, row.length), self.segment.tracks, verify=verify)

    def head(self, row: FragmentRow) -> tuple[moof.Head, int]:
        """The head of a fragment, and the offset in the file of its first byte of media. Raises BadFragment.

        It is not checked against its checksum, which stands behind the media."""
        look = self.bytes(row.offset, min(row.length, moof.LARGEST_HEAD + 2 * trailer.ALIGN))
        try:
            head, _, media = moof.find(look, 0)
        except BadBox as error:
            raise BadFragment(f"Segment {self.segment.id} at {row.offset}: {error}") from error
        if media + head.payload > row.length or any(
            run.track >= len(self.segment.tracks) for run in head.runs
        ):
            raise BadFragment(f"Segment {self.segment.id} at {row.offset}: The head says more than is there.")
        return head, row.offset + media

    def keys(self, row: FragmentRow, track: int) -> list[Sample]:
        """The key frames of a track in a fragment, without reading the rest; where all are, with one read. Raises
        BadFragment."""
        head, at = self.head(row)
        found: list[Sample] = []
        for run in head.runs:
            if run.track != track:
                at += sum(run.sizes)
                continue
            rate, origin = self.segment.tracks[track].clock_rate, _origin(head, self.segment.tracks)
            first, whole = at, b"" if run.flags else self.bytes(at, sum(run.sizes))
            for time, size, key, damaged in zip(
                run.times(), run.sizes, run.keys(), run.damage(), strict=True
            ):
                if key:
                    utc = Utc(origin + microseconds(time, rate))
                    data = whole[at - first : at - first + size] if whole else self.bytes(at, size)
                    found.append(Sample(track, time, utc, True, data, damaged))
                at += size
        return found

    def bytes(self, offset: int, length: int) -> bytes:
        """Exactly these. Raises BadFragment."""
        try:
            data = self._file.read(offset, length)
        except OSError as error:
            raise BadFragment(f"Segment {self.segment.id} cannot be read: {error.strerror}.") from error
        except HoldfastError as error:
            raise OutOfReach(f"Segment {self.segment.id} cannot be read in the archive: {error}") from error
        if len(data) != length:
            raise BadFragment(
                f"Segment {self.segment.id} ends at {offset + len(data)}, before {offset + length}."
            )
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> SegmentFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()
