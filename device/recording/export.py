"""Any span of one recording as progressive MP4 (`ftyp moov mdat`), its size known before the first byte.

`plan` reads the heads of the fragments and makes the sample tables; `chunks` and `write` stream what it
planned, a fragment at a time, and need no other file. The file begins with the key frame at or before the
span's start, and an edit list hides what comes before the picture on show at the start. Where nothing was
recorded, the time line has a gap: the picture before it stands, and the plan says so.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from device.errors import BadValue
from device.media import MICROSECONDS, Kind, Track, Utc
from device.recording import moof
from device.recording.catalogue import FragmentRow, SegmentRow
from device.recording.mp4 import box, microseconds, movie_header, ticks
from device.recording.playback import Catalogue, Place, places
from device.recording.reader import BadFragment, SegmentFile, parse
from device.recording.tables import Table

HOLE = MICROSECONDS // 5  #: less than this without a picture is not called a gap
LONGEST_GAP = (
    6 * 3600 * MICROSECONDS
)  #: a longer one begins another file: players count a picture's ticks in 32 bits
_MARGIN = 5  #: a fifth of a second of sound before the first picture is kept, for decoders to settle
_TYPE = box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isom", b"iso6", b"mp42")


@dataclass(frozen=True, slots=True)
class Gap:
    """A span without video."""

    utc: Utc
    length: int  #: microseconds


@dataclass(frozen=True, slots=True)
class _Copy:
    """Bytes to copy out of one fragment: `ranges` are offsets in the file and lengths."""

    segment: int  #: index into the part's segments
    row: FragmentRow
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an export."""

    tracks: tuple[Track, ...]
    utc: Utc  #: of the first picture shown
    utc_end: Utc  #: end of the last
    frames: int  #: samples of the leading track that are shown
    damaged: bool  #: some of them decode with errors, perhaps
    gaps: tuple[Gap, ...]  #: inside this part
    size: int  #: bytes of the whole file
    _head: bytes = field(repr=False)
    _segments: tuple[SegmentRow, ...] = field(repr=False)
    _copies: tuple[_Copy, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """An export that has not been written yet."""

    token: str
    start: Utc
    end: Utc
    parts: tuple[Part, ...]  #: one file each; more than one where the codec changed, or after a very long gap
    gaps: tuple[Gap, ...]  #: of the span, those before, between and after the parts included

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(part.size for part in self.parts)

    @property
    def frames(self) -> int:
        """Shown in all files."""
        return sum(part.frames for part in self.parts)


def plan(catalogue: Catalogue, token: str, start: Utc, end: Utc) -> Plan:
    """What an export of [start, end) will be. Reads every fragment's head.

    Fragments that cannot be read are left out, up to the next key frame: a gap. Raises NotFound, and BadValue
    where the span is empty.
    """
    if end <= start:
        raise BadValue("end", "must be later than the start")
    planner = _Planner(start, end)
    file: SegmentFile | None = None
    try:
        for place in places(catalogue, token, start, end):
            if file is not None and file.segment.id != place.segment.id:
                file.close()
                file = None
            try:
                file = file or SegmentFile(place.segment)
                head, media = file.head(place.row)
            except BadFragment:
                planner.lost()
                continue
            planner.take(place, head, media)
    finally:
        if file is not None:
            file.close()
    return planner.finish(token)


class _Planner:
    """Takes heads of fragments one after another; makes parts."""

    def __init__(self, start: Utc, end: Utc) -> None:
        self.start = start
        self.end = end
        self.parts: list[Part] = []
        self.building: _Building | None = None
        self.key_needed = True

    def lost(self) -> None:
        """A fragment is missing: what follows needs a key frame."""
        self.key_needed = True

    def take(self, place: Place, head: moof.Head, media: int) -> None:
        """One more fragment."""
        if self.key_needed and not place.row.key:
            return
        self.key_needed = False
        building = self.building
        if building is not None and not building.suits(place.segment.tracks, head.utc):
            self.close()
            building = None
            if not place.row.key:
                self.key_needed = True
                return
        if building is None:
            building = self.building = _Building(place.segment.tracks, head, self.start, self.end)
        building.take(place, head, media)

    def close(self) -> None:
        """Finish the part that is being built."""
        if self.building is not None:
            part = self.building.finish()
            if part is not None:
                self.parts.append(part)
        self.building = None

    def finish(self, token: str) -> Plan:
        """All that was taken, as a plan."""
        self.close()
        gaps: list[Gap] = []
        at = self.start
        for part in self.parts:
            if part.utc - at > HOLE:
                gaps.append(Gap(at, part.utc - at))
            gaps.extend(part.gaps)
            at = part.utc_end
        if self.end - at > HOLE:
            gaps.append(Gap(at, self.end - at))
        return Plan(token, self.start, self.end, tuple(self.parts), tuple(gaps))


def _lead(tracks: Sequence[Track]) -> int:
    """Index of the leading track: the first of video, else the first."""
    return next((n for n, track in enumerate(tracks) if track.kind is Kind.VIDEO), 0)


def _alike(one: Track, other: Track) -> bool:
    """Whether samples of both can stand in one `trak`."""
    return (one.codec, one.clock_rate, one.channels, one.bits) == (
        other.codec,
        other.clock_rate,
        other.channels,
        other.bits,
    )


@dataclass(frozen=True, slots=True)
class _Lane:
    """Where the samples of one of a segment's tracks go."""

    table: Table
    description: int
    offset: int  #: from media time to position


class _Building:
    """One part that is being planned.

    Positions are ticks on the part's time line; 0 is the decode time of its first sample. Inside a run they
    follow media time; each run, and each set of tracks, is put where the wall clock says.
    """

    def __init__(self, tracks: tuple[Track, ...], head: moof.Head, start: Utc, end: Utc) -> None:
        lead = tracks[_lead(tracks)]
        self.end = end
        self.rate = lead.clock_rate
        self.tables = [Table(lead)]  # the leading track's first
        self.segments: list[SegmentRow] = []
        self.copies: list[_Copy] = []
        self.bytes = 0
        self.gaps: list[Gap] = []
        self.damaged = False
        self.frames = 0
        self.first: int | None = None  # position of the picture that stands when the span begins
        self.earliest = 1 << 62  # of the first one after
        self.reached = 0  # end of the last picture
        self.utc_reached = start
        self.zero = Utc(head.utc - microseconds(head.time - head.runs[0].decode, self.rate))
        self.start = ticks(start - self.zero, self.rate)
        self.stretch: tuple[int, tuple[Track, ...]] | None = None
        self.lanes: dict[int, _Lane] = {}
        self.skew = 0

    def suits(self, tracks: tuple[Track, ...], utc: Utc) -> bool:
        """Whether samples of these tracks can go on in this part."""
        if not _alike(tracks[_lead(tracks)], self.tables[0].track) or utc - self.utc_reached > LONGEST_GAP:
            return False
        placed, left = self._match(tracks)
        open_kinds = {table.track.kind for table in self.tables if table not in placed.values()}
        return not any(tracks[number].kind in open_kinds for number in left)

    def _match(self, tracks: tuple[Track, ...]) -> tuple[dict[int, Table], list[int]]:
        """Which table each track goes on in, and which tracks have none yet."""
        placed: dict[int, Table] = {}
        left = []
        lead = _lead(tracks)
        for number in sorted(range(len(tracks)), key=lambda n: n != lead):
            free = (t for t in self.tables if t not in placed.values() and _alike(t.track, tracks[number]))
            table = next(free, None)
            if table is None:
                left.append(number)
            else:
                placed[number] = table
        return placed, left

    def take(self, place: Place, head: moof.Head, media: int) -> None:
        """One more fragment, whose media begin at `media` in its file."""
        tracks = place.segment.tracks
        lead = _lead(tracks)
        if self.stretch != (place.segment.run, tracks) or abs(self._skew(head) - self.skew) > MICROSECONDS:
            if head.runs[0].track != lead:
                return  # sound alone cannot say where the run stands
            self._anchor(place.segment, tracks, head)
        if not self.segments or self.segments[-1].id != place.segment.id:
            self.segments.append(place.segment)
        clock = tracks[head.runs[0].track].clock_rate
        until = head.time + ticks(self.end - head.utc, clock)  # media time of the span's end
        ranges = []
        for run in head.runs:
            if run.track == lead:
                begin, count = self._pictures(run, head, until)
            else:
                begin, count = self._others(run, until * tracks[run.track].clock_rate // clock)
            if count > begin:
                ranges.append(self._chunk(run, begin, count, media))
            media += sum(run.sizes)
        if ranges:
            self.copies.append(_Copy(len(self.segments) - 1, place.row, tuple(ranges)))

    def _anchor(self, segment: SegmentRow, tracks: tuple[Track, ...], head: moof.Head) -> None:
        self.stretch = (segment.run, tracks)
        position = ticks(head.utc - self.zero, self.rate)
        decode = head.runs[0].decode
        offset = max(position - head.time, self.reached - head.time, self.tables[0].end - decode)
        placed, left = self._match(tracks)
        for number in left:
            placed[number] = Table(tracks[number])
            self.tables.append(placed[number])
        self.lanes = {
            number: _Lane(
                table, table.describe(tracks[number]), offset * tracks[number].clock_rate // self.rate
            )
            for number, table in placed.items()
        }
        self.skew = self._skew(head)

    def _skew(self, head: moof.Head) -> int:
        """By how much the fragment stands later than the wall clock says, microseconds."""
        lane = self.lanes.get(head.runs[0].track)
        if lane is None:
            return 0
        return self.zero + microseconds(head.time + lane.offset, lane.table.track.clock_rate) - head.utc

    def _pictures(self, run: moof.Run, head: moof.Head, until: int) -> tuple[int, int]:
        """Which samples of the leading track are taken; keeps account of what is shown."""
        offset = self.lanes[run.track].offset
        times = run.times()
        count = max((n + 1 for n, time in enumerate(times) if time < until), default=0)
        if not count:
            return 0, 0
        begin = 0
        if not self.copies:
            keys = run.keys()
            early = (n for n in range(count) if keys[n] and times[n] + offset <= self.start)
            begin = max(early, default=0)
        kept = times[begin:count]
        hole = min(kept) + offset - self.reached
        if self.reached and microseconds(hole, self.rate) > HOLE and self.reached + hole > self.start:
            self.gaps.append(Gap(self.utc_reached, microseconds(hole, self.rate)))
        for time in kept:
            position = time + offset
            if time >= until:
                continue
            if position <= self.start:
                self.first = position if self.first is None else max(self.first, position)
            else:
                self.frames += 1
                self.earliest = min(self.earliest, position)
        shown = max(time for time in kept if time < until)
        following = min((time for time in kept if time > shown), default=shown + run.durations[count - 1])
        self.reached = following + offset
        self.utc_reached = Utc(head.utc + microseconds(following - head.time, self.rate))
        return begin, count

    def _others(self, run: moof.Run, until: int) -> tuple[int, int]:
        """Which samples of another track are taken: those of the span, and a little before it."""
        lane = self.lanes[run.track]
        rate = lane.table.track.clock_rate
        least = max(0, lane.table.last + 1, self.start * rate // self.rate - rate // _MARGIN)
        times = run.times()
        begin = next((n for n, time in enumerate(times) if time + lane.offset >= least), len(times))
        count = next((n for n in range(begin, len(times)) if times[n] >= until), len(times))
        return begin, count

    def _chunk(self, run: moof.Run, begin: int, count: int, media: int) -> tuple[int, int]:
        """Enter samples into their table; returns where their bytes are."""
        lane = self.lanes[run.track]
        damage = run.damage()[begin:count]
        sizes = run.sizes[begin:count]
        lane.table.chunk(
            self.bytes,
            lane.description,
            [time + lane.offset for time in run.decode_times()[begin:count]],
            run.shifts[begin:count] or bytes(count - begin),
            sizes,
            run.keys()[begin:count],
            damage,
            run.durations[count - 1],
        )
        self.damaged = self.damaged or any(damage)
        self.bytes += sum(sizes)
        return media + sum(run.sizes[:begin]), sum(sizes)

    def finish(self) -> Part | None:
        """The part; None where nothing of it would be seen."""
        if not self.copies or self.reached <= self.start:
            return None
        tables = [table for table in self.tables if len(table)]
        first = self.earliest if self.first is None else self.first
        utc = Utc(self.zero + microseconds(first, self.rate))
        moov = self._movie(tables, utc, first, 0)
        base = len(_TYPE) + len(moov) + 16
        moov = self._movie(tables, utc, first, base)
        head = _TYPE + moov + struct.pack(">I4sQ", 1, b"mdat", 16 + self.bytes)
        return Part(
            tuple(table.track for table in tables),
            utc,
            self.utc_reached,
            self.frames + (self.first is not None),
            self.damaged,
            tuple(self.gaps),
            len(head) + self.bytes,
            head,
            tuple(self.segments),
            tuple(self.copies),
        )

    def _movie(self, tables: Sequence[Table], utc: Utc, first: int, base: int) -> bytes:
        traks = []
        for number, table in enumerate(tables, 1):
            rate = table.track.clock_rate
            span = (first * rate // self.rate, self.reached * rate // self.rate)
            traks.append(table.box(number, utc, self.rate, *span, base))
        return box(b"moov", movie_header(utc, self.rate, self.reached - first, len(tables)), *traks)


@dataclass(slots=True)
class Written:
    """What came of writing a part."""

    done: int = 0  #: bytes
    spoilt: list[Utc] = field(
        default_factory=list
    )  #: fragments whose bytes no longer match their checksum; when


def chunks(part: Part, written: Written) -> Iterator[bytes | memoryview]:
    """The bytes of the file, `part.size` in all, a fragment at a time.

    Damage on the disk is copied as it is and told in `written`: what can be seen is worth more than nothing.
    Raises BadFragment where a file is gone or cannot be read.
    """
    yield part._head
    written.done += len(part._head)
    file: SegmentFile | None = None
    try:
        for copy in part._copies:
            segment = part._segments[copy.segment]
            if file is None or file.segment.id != segment.id:
                if file is not None:
                    file.close()
                    file = None
                file = SegmentFile(segment)
            data = file.bytes(copy.row.offset, copy.row.length)
            try:
                parse(data, segment.tracks, verify=True)
            except BadFragment:
                written.spoilt.append(copy.row.utc)
            view = memoryview(data)
            for offset, length in copy.ranges:
                begin = offset - copy.row.offset
                yield view[begin : begin + length]
                written.done += length
    finally:
        if file is not None:
            file.close()


def write(part: Part, out: BinaryIO, progress: Callable[[int, int], None]) -> Written:
    """Write a part into `out`. Raises BadFragment as `chunks` does.

    `progress` is called with bytes done and in all; what it raises ends the writing, and nothing is left
    behind but what is in `out`.
    """
    written = Written()
    for piece in chunks(part, written):
        out.write(piece)
        progress(written.done, part.size)
    return written
