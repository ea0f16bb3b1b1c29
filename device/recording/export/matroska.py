"""A part as Matroska (RFC 9559), its size known before the first byte: Duration and Cues stand in front.

One fragment is one cluster (two, where its samples lie more than three seconds apart), and nothing but its size
is kept of it: the blocks are made anew when it is written. The file begins with the key frame at or before the
span's start. What comes before the picture on show at the start has the *invisible* flag (s10.2), and an ordered
edition of one chapter (s20.1.3) says where the span begins, for the players that follow one. Matroska describes a
track once: other parameter sets, or another codec, need another file.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from device.media import MICROSECONDS, Codec, Kind, Track, Utc
from device.recording import moof
from device.recording.catalogue import FragmentRow, SegmentRow
from device.recording.export import ebml
from device.recording.export.ebml import element, number, real, text
from device.recording.export.part import Files, Part, Piece, Written, facts_of
from device.recording.export.timeline import Line, Taken
from device.recording.mp4 import BadBox, decoder_configuration, microseconds, picture_size
from device.recording.reader import BadFragment, parse

_UNIT = 100  #: microseconds; of all times in the file. In whole milliseconds two samples of sound could fall together
_FARTHEST = 30_000  #: units between a cluster's time and a block's, which has 16 bits with a sign
_BLOCK_HEAD = 9  #: bytes before a block's data
_CLUSTER_HEAD = 4 + 8 + 2 + 8
_CUE = 27  #: bytes
_EPOCH = 978_307_200 * MICROSECONDS  #: 2001-01-01T00:00:00Z (RFC 8794 s7.6)
_KEY, _INVISIBLE = 0x80, 0x08
_TYPES = {Kind.VIDEO: 1, Kind.AUDIO: 2, Kind.METADATA: 33}
#: Codecs that Matroska knows under the names of other systems are described as those do it.
_CODECS = {
    Codec.H264: "V_MPEG4/ISO/AVC",
    Codec.H265: "V_MPEGH/ISO/HEVC",
    Codec.MJPEG: "V_MJPEG",
    Codec.AAC: "A_AAC",
    Codec.OPUS: "A_OPUS",
    Codec.PCMU: "A_MS/ACM",
    Codec.PCMA: "A_MS/ACM",
    Codec.G726: "A_MS/ACM",
    Codec.ONVIF_METADATA: "D_ONVIF/METADATA",
}
_WAVE_FORMATS = {Codec.PCMA: 6, Codec.PCMU: 7, Codec.G726: 0x45}  #: RFC 2361


@dataclass(frozen=True, slots=True)
class _Block:
    """One sample; times in units of the file."""

    time: int
    track: int  #: its number in the file
    key: bool
    begin: int  #: of its bytes in the fragment's media
    size: int
    lead: bool  #: of the leading track
    bits: int  #: of a sample of G.726, else 0


@dataclass(frozen=True, slots=True)
class _Cluster:
    time: int
    size: int  #: bytes, all
    blocks: list[_Block]


def _units(time: int) -> int:
    """Microseconds in the file's unit."""
    return (time + _UNIT // 2) // _UNIT


def _clusters(head: moof.Head, taken: Sequence[Taken]) -> list[_Cluster]:
    """A fragment's samples in the order in which they are to be decoded, all tracks together."""
    starts = [0]
    for run in head.runs:
        starts.append(starts[-1] + sum(run.sizes))
    rows: list[tuple[int, int, _Block]] = []
    for each in taken:
        run, rate = head.runs[each.run], each.track.clock_rate
        at = starts[each.run] + sum(run.sizes[: each.begin])
        times, decode, keys = run.times(), run.decode_times(), run.keys()
        for place in range(each.begin, each.end):
            time = _units(microseconds(times[place] + each.offset, rate))
            size = run.sizes[place]
            block = _Block(
                max(time, 0), each.stream + 1, keys[place], at, size, each.stream == 0, each.track.bits
            )
            rows.append((microseconds(decode[place] + each.offset, rate), each.stream, block))
            at += size
    if len(taken) > 1:
        rows.sort(key=lambda row: row[:2])
    out: list[list[_Block]] = []
    for _, _, block in rows:
        if not out or abs(block.time - out[-1][0].time) > _FARTHEST:
            out.append([])
        out[-1].append(block)
    return [
        _Cluster(blocks[0].time, _CLUSTER_HEAD + sum(_BLOCK_HEAD + block.size for block in blocks), blocks)
        for blocks in out
    ]


class Layout:
    """The file of one part, growing while it is planned."""

    suffix = ".mkv"

    def __init__(self) -> None:
        self._map = _Map()

    @staticmethod
    def same(one: Track, other: Track) -> bool:
        """Whether samples of both can stand in one track."""
        return one == other

    @property
    def size(self) -> int:
        """Bytes so far, at least."""
        return self._map.size + _CUE * len(self._map.cues)

    def add(
        self,
        segment: int,
        row: FragmentRow,
        head: moof.Head,
        media: int,  # noqa: ARG002 - other layouts need it
        taken: Sequence[Taken],
    ) -> None:
        """What was taken of a fragment of a segment."""
        clusters = _clusters(head, taken)
        if row.key:
            key = next((block for block in clusters[0].blocks if block.lead and block.key), None)
            if key is not None:
                self._map.cues.append(self._map.size)
                self._map.cue_times.append(key.time)
        self._map.add(segment, row, taken, sum(cluster.size for cluster in clusters))

    def finish(self, line: Line, segments: Sequence[SegmentRow], files: Files) -> Part:
        """The part."""
        first, end = microseconds(line.first, line.rate), microseconds(line.reached, line.rate)
        shown = range(_units(first), _units(end))
        body = _Body(_head(line, shown, self._map), self._map, shown, segments, files)
        return Part(facts_of(line, self.suffix, first), body)


class _Map:
    """Which fragments, in the order of the file, and where their clusters lie."""

    def __init__(self) -> None:
        self.starts = array("Q")  # of a fragment's clusters, behind the head
        self.segments = array("I")
        self.offsets, self.lengths = array("Q"), array("I")
        self.utc = array("q")
        self.takes: list[tuple[Taken, ...]] = []
        self.cues, self.cue_times = array("Q"), array("Q")
        self.size = 0
        self._known: dict[tuple[Taken, ...], tuple[Taken, ...]] = {}

    def add(self, segment: int, row: FragmentRow, taken: Sequence[Taken], size: int) -> None:
        self.starts.append(self.size)
        self.segments.append(segment)
        self.offsets.append(row.offset)
        self.lengths.append(row.length)
        self.utc.append(row.utc)
        takes = tuple(taken)
        self.takes.append(self._known.setdefault(takes, takes))  # most fragments are alike
        self.size += size


def _track(order: int, track: Track) -> bytes:
    """TrackEntry, s5.1.4.1."""
    parts = [
        number(ebml.TRACK_NUMBER, order),
        number(ebml.TRACK_UID, order),
        number(ebml.TRACK_TYPE, _TYPES[track.kind]),
        number(ebml.FLAG_LACING, 0),
        text(ebml.LANGUAGE, "und"),
        text(ebml.CODEC_ID, _CODECS[track.codec]),
    ]
    private = decoder_configuration(track)
    if track.kind is Kind.VIDEO:
        width, height = picture_size(track)
        size = number(ebml.PIXEL_WIDTH, max(width, 1)) + number(ebml.PIXEL_HEIGHT, max(height, 1))
        parts.append(element(ebml.VIDEO, size))
    elif track.kind is Kind.AUDIO:
        rate = real(ebml.SAMPLING_FREQUENCY, track.clock_rate)
        parts.append(element(ebml.AUDIO, rate + number(ebml.CHANNELS, track.channels or 1)))
        if track.codec is Codec.OPUS:
            private = struct.pack("<8sBBHIhB", b"OpusHead", 1, track.channels or 1, 0, 48_000, 0, 0)
            parts.append(number(ebml.SEEK_PRE_ROLL, 80_000_000))
        elif track.codec in _WAVE_FORMATS:
            private = _wave_format(track)
    else:
        parts.append(text(ebml.NAME, "ONVIF metadata"))
    if private:
        parts.append(element(ebml.CODEC_PRIVATE, private))
    return element(ebml.TRACK_ENTRY, *parts)


def _wave_format(track: Track) -> bytes:
    """WAVEFORMATEX."""
    bits = track.bits or 8
    channels = track.channels or 1
    octets = track.clock_rate * channels * bits // 8
    form = _WAVE_FORMATS[track.codec]
    return struct.pack(
        "<HHIIHHH", form, channels, track.clock_rate, octets, max(1, channels * bits // 8), bits, 0
    )


def _turned(data: memoryview, bits: int) -> bytes:
    """G.726 travels with the first code in the low bits (RFC 3551 s4.5.4); WAVE has it in the high ones."""
    codes, mask = int.from_bytes(data, "little"), (1 << bits) - 1
    count = len(data) * 8 // bits
    out = 0
    for _ in range(count):
        out = out << bits | codes & mask
        codes >>= bits
    return (out << len(data) * 8 - count * bits).to_bytes(len(data), "big")


def _head(line: Line, shown: range, clusters: _Map) -> bytes:
    """Everything before the first cluster."""
    info = element(
        ebml.INFO,
        number(ebml.TIMESTAMP_SCALE, _UNIT * 1000),
        real(ebml.DURATION, shown.stop),
        element(ebml.DATE_UTC, struct.pack(">q", (line.zero - _EPOCH) * 1000)),
        text(ebml.MUXING_APP, "Holdfast"),
        text(ebml.WRITING_APP, "Holdfast"),
    )
    tracks = element(
        ebml.TRACKS,
        *(_track(n, stream.track) for n, stream in enumerate(line.streams, 1) if stream.last >= 0),
    )
    chapters = _chapters(shown) if shown.start else b""
    cues = ebml.sized(ebml.CUES, _CUE * len(clusters.cues), 8)
    parts = [(ebml.INFO, info), (ebml.TRACKS, tracks), (ebml.CHAPTERS, chapters), (ebml.CUES, cues)]
    parts = [(name, part) for name, part in parts if part]
    seek_size = len(_seek_head([(name, 0) for name, _ in parts]))
    places, at = [], seek_size
    for name, part in parts:
        places.append((name, at))
        at += len(part)
    base = at + _CUE * len(clusters.cues)
    points = b"".join(
        _cue(time, base + offset) for time, offset in zip(clusters.cue_times, clusters.cues, strict=True)
    )
    inside = _seek_head(places) + b"".join(part for _, part in parts) + points
    kind = element(
        ebml.EBML,
        number(ebml.DOC_TYPE_VERSION, 4),
        number(ebml.DOC_TYPE_READ_VERSION, 2),
        text(ebml.DOC_TYPE, "matroska"),
    )
    return kind + ebml.sized(ebml.SEGMENT, len(inside) + clusters.size, 8) + inside


def _seek_head(places: Sequence[tuple[int, int]]) -> bytes:
    seeks = (
        element(
            ebml.SEEK,
            element(ebml.SEEK_ID, ebml.identifier(name)),
            number(ebml.SEEK_POSITION, at, width=8),
        )
        for name, at in places
    )
    return element(ebml.SEEK_HEAD, *seeks)


def _chapters(shown: range) -> bytes:
    """The span without what is there for the decoder alone. Times in nanoseconds."""
    nanoseconds = _UNIT * 1000
    atom = element(
        ebml.CHAPTER_ATOM,
        number(ebml.CHAPTER_UID, 1),
        number(ebml.CHAPTER_TIME_START, shown.start * nanoseconds),
        number(ebml.CHAPTER_TIME_END, shown.stop * nanoseconds),
    )
    flags = number(ebml.EDITION_FLAG_DEFAULT, 1) + number(ebml.EDITION_FLAG_ORDERED, 1)
    return element(ebml.CHAPTERS, element(ebml.EDITION_ENTRY, flags, atom))


def _cue(time: int, position: int) -> bytes:
    """CuePoint, always _CUE bytes; `position` within the segment."""
    places = number(ebml.CUE_TRACK, 1, width=1) + number(ebml.CUE_CLUSTER_POSITION, position, width=8)
    point = number(ebml.CUE_TIME, time, width=8) + element(ebml.CUE_TRACK_POSITIONS, places)
    return element(ebml.CUE_POINT, point)


class _Body:
    def __init__(
        self, head: bytes, clusters: _Map, shown: range, segments: Sequence[SegmentRow], files: Files
    ) -> None:
        self._head, self._map, self._shown = head, clusters, shown
        self._segments, self._files = segments, files
        self.size = len(head) + clusters.size

    def pieces(self, begin: int, end: int, written: Written) -> Iterator[Piece]:
        """`device.recording.export.part.Body`."""
        before = len(self._head)
        if begin < min(before, end):
            yield self._head[begin:end]
        begin, end = max(0, begin - before), end - before
        starts, segment = self._map.starts, -1
        for place in range(max(0, bisect_right(starts, begin) - 1), len(starts)):
            if starts[place] >= end:
                return
            if self._map.segments[place] != segment:
                segment = self._map.segments[place]
                self._files.ahead(self._segments[segment:])
            data = self._fragment(place, written)
            yield memoryview(data)[max(0, begin - starts[place]) : end - starts[place]]

    def _fragment(self, place: int, written: Written) -> bytes:
        """The clusters of one fragment."""
        segment, offset = self._segments[self._map.segments[place]], self._map.offsets[place]
        stored = self._files.get(segment).bytes(offset, self._map.lengths[place])
        try:
            fragment = parse(stored, segment.tracks, verify=True)
            head, media = fragment.head, fragment.media
        except BadFragment:
            written.spoilt.append(Utc(self._map.utc[place]))
            try:
                head, _, at = moof.find(stored, 0)
            except BadBox as error:
                raise BadFragment(f"Segment {segment.id} at {offset}: {error}") from error
            media = memoryview(stored)[at : at + head.payload]
        parts: list[Piece] = []
        for cluster in _clusters(head, self._map.takes[place]):
            parts += (
                ebml.sized(ebml.CLUSTER, cluster.size - 12, 8),
                number(ebml.TIMESTAMP, cluster.time, width=8),
            )
            for block in cluster.blocks:
                parts.append(self._block(block, cluster.time))
                data = media[block.begin : block.begin + block.size]
                parts.append(_turned(data, block.bits) if block.bits else data)
        made = b"".join(parts)
        following = [*self._map.starts[place + 1 : place + 2], self._map.size][0]
        if len(made) != following - self._map.starts[place]:
            raise BadFragment(f"Segment {segment.id} at {offset} has changed since the export was planned.")
        return made

    def _block(self, block: _Block, time: int) -> bytes:
        """SimpleBlock without its data, s10.2."""
        hidden = block.lead and block.time not in self._shown
        flags = (_KEY if block.key else 0) | (_INVISIBLE if hidden else 0)
        size = ebml.size(block.size + 4, 4)
        return b"\xa3" + size + struct.pack(">BhB", 0x80 | block.track, block.time - time, flags)
