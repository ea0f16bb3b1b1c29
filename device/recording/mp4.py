"""ISO base media file format (ISO/IEC 14496-12): boxes written and read, and what describes a track.

Pure. Everything that both a segment on the disk and an exported file need; fragments have their own module.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from device.errors import StorageFault
from device.media import MICROSECONDS, Codec, Kind, Track, Utc
from device.parameter_sets import BadParameterSet, read_h264, read_h265

_MAC_EPOCH = 2_082_844_800  #: seconds from 1904 to 1970: the zero of every time in a `moov`
_UNITY = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_MILLISECONDS = 1000  #: a second, of the movie
_UNDETERMINED = 0x55C4  #: language "und", packed (s8.4.2.3)
_HANDLERS = {Kind.VIDEO: b"vide", Kind.AUDIO: b"soun", Kind.METADATA: b"meta"}
_MEDIA_HEADERS = {
    Kind.VIDEO: (b"vmhd", 1, bytes(8)),
    Kind.AUDIO: (b"smhd", 0, bytes(4)),
    Kind.METADATA: (b"nmhd", 0, b""),
}
SYNC = 0x02000000  #: sample flags (s8.8.3.1): depends on no other, a decoder can start here
DELTA = 0x01010000  #: depends on others
DAMAGED = 0x00000001  #: a degradation priority other than 0: packets were lost since the last key frame
ONVIF_NAMESPACE = b"http://www.onvif.org/ver10/schema"

_U32x2 = struct.Struct(">I4s")


class BadBox(StorageFault):
    """The bytes are no box, or not the one expected. Says at which offset."""

    transient = False


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box with a 32-bit size (s4.2)."""
    return _U32x2.pack(8 + sum(map(len, parts)), kind) + b"".join(parts)


def full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box that begins with a version and 24 flags (s4.2)."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


@dataclass(frozen=True, slots=True)
class Box:
    """Where a box lies in the bytes it was found in."""

    kind: bytes
    start: int  #: of its size field
    payload: int  #: of its first byte after the header
    end: int


def boxes(data: bytes | memoryview, start: int, end: int) -> Iterator[Box]:
    """The boxes that fill `data[start:end]`. Raises BadBox where one does not fit."""
    while start < end:
        if end - start < 8:
            raise BadBox(f"There is no room for a box at {start}.")
        size, kind = _U32x2.unpack_from(data, start)
        if size < 8 or start + size > end:
            raise BadBox(f"The box at {start} says {size} bytes; {end - start} are there.")
        yield Box(kind, start, start + 8, start + size)
        start += size


def ticks(microseconds: int, rate: int) -> int:
    """Microseconds as ticks of a clock, rounded to the nearest."""
    return (microseconds * rate + MICROSECONDS // 2) // MICROSECONDS


def microseconds(count: int, rate: int) -> int:
    """Ticks of a clock as microseconds, rounded to the nearest."""
    return (count * MICROSECONDS + rate // 2) // rate


# --- sample entries -------------------------------------------------------------------------------


def _avc_configuration(track: Track) -> bytes:
    """`avcC`, ISO/IEC 14496-15 s5.3.3.1."""
    first = [nal for nal in track.parameters if nal and nal[0] & 31 == 7]
    second = [nal for nal in track.parameters if nal and nal[0] & 31 == 8]
    head = first[0][1:4] if first and len(first[0]) >= 4 else b"\x42\0\x1e"
    out = b"\1" + head + b"\xff" + bytes([0xE0 | len(first) & 31])
    out += b"".join(struct.pack(">H", len(nal)) + nal for nal in first)
    out += bytes([len(second)]) + b"".join(struct.pack(">H", len(nal)) + nal for nal in second)
    try:
        sps = read_h264(first[0]) if first else None
    except BadParameterSet:
        sps = None
    if sps is not None and sps.extended:
        depths = (0xF8 | sps.luma_bits - 8, 0xF8 | sps.chroma_bits - 8)
        out += bytes([0xFC | sps.chroma_format, *depths, 0])
    return box(b"avcC", out)


def _hevc_configuration(track: Track) -> bytes:
    """`hvcC`, ISO/IEC 14496-15 s8.3.3.1."""
    by_type: dict[int, list[bytes]] = {32: [], 33: [], 34: []}
    for nal in track.parameters:
        if len(nal) >= 2:
            by_type.get((nal[0] >> 1) & 63, []).append(nal)
    profile, layers, nesting, chroma, luma, chroma_bits = bytes(12), 1, True, 1, 8, 8
    try:
        sps = read_h265(by_type[33][0]) if by_type[33] else None
    except BadParameterSet:
        sps = None
    if sps is not None:
        profile, layers, nesting = sps.profile_tier_level, sps.temporal_layers, sps.temporal_nesting
        chroma, luma, chroma_bits = sps.chroma_format, sps.luma_bits, sps.chroma_bits
    arrays = [(kind, nals) for kind, nals in by_type.items() if nals]
    out = b"\1" + profile + struct.pack(">HB", 0xF000, 0xFC)
    out += bytes([0xFC | chroma, 0xF8 | luma - 8, 0xF8 | chroma_bits - 8]) + bytes(2)
    out += bytes([layers << 3 | nesting << 2 | 3, len(arrays)])
    for kind, nals in arrays:
        out += struct.pack(">BH", 0x80 | kind, len(nals))
        out += b"".join(struct.pack(">H", len(nal)) + nal for nal in nals)
    return box(b"hvcC", out)


def _elementary_stream(configuration: bytes) -> bytes:
    """`esds` for AAC, ISO/IEC 14496-1 s7.2.6.5."""

    def descriptor(tag: int, payload: bytes) -> bytes:
        return bytes([tag, len(payload)]) + payload

    specific = descriptor(5, configuration[:64])
    decoder = descriptor(4, b"\x40\x15" + bytes(11) + specific)
    return full(b"esds", 0, 0, descriptor(3, bytes(3) + decoder + descriptor(6, b"\2")))


def _opus(track: Track) -> bytes:
    """`dOps` (Encapsulation of Opus in ISOBMFF s4.3.2): one stream, no pre-skip, for RTP has none."""
    return box(b"dOps", struct.pack(">BBHIhB", 0, track.channels or 1, 0, 48000, 0, 0))


def _visual(kind: bytes, track: Track, configuration: bytes) -> bytes:
    """VisualSampleEntry, s12.1.3."""
    width, height = picture_size(track)
    return box(
        kind,
        struct.pack(">6xH16xHHIIIH32sHh", 1, width, height, 0x480000, 0x480000, 0, 1, b"", 24, -1),
        configuration,
    )


def audio_entry(kind: bytes, rate: int, channels: int, bits: int, configuration: bytes) -> bytes:
    """AudioSampleEntry, s12.2.3."""
    fixed = rate << 16 if rate < 1 << 16 else 0
    return box(kind, struct.pack(">6xH8xHH4xI", 1, channels, bits, fixed), configuration)


def _audio(kind: bytes, track: Track, bits: int, configuration: bytes) -> bytes:
    return audio_entry(kind, track.clock_rate, track.channels or 1, bits, configuration)


def sample_entry(track: Track) -> bytes:
    """What a decoder must know of a track before its first sample (`stsd`'s entry).

    Parameter sets that cannot be read are put in as they are: what was recorded must stay findable.
    """
    match track.codec:
        case Codec.H264:
            return _visual(b"avc1", track, _avc_configuration(track))
        case Codec.H265:
            return _visual(b"hvc1", track, _hevc_configuration(track))
        case Codec.MJPEG:
            return _visual(b"jpeg", track, b"")
        case Codec.AAC:
            configuration = track.parameters[0] if track.parameters else b""
            return _audio(b"mp4a", track, 16, _elementary_stream(configuration))
        case Codec.PCMU:
            return _audio(b"ulaw", track, 16, b"")
        case Codec.PCMA:
            return _audio(b"alaw", track, 16, b"")
        case Codec.G726:
            return _audio(b"g726", track, track.bits, b"")
        case Codec.OPUS:
            return _audio(b"Opus", track, 16, _opus(track))
        case Codec.ONVIF_METADATA:
            return box(b"metx", struct.pack(">6xH", 1), b"\0", ONVIF_NAMESPACE + b"\0", b"\0")


def decoder_configuration(track: Track) -> bytes:
    """What other containers want to know before the first sample: the record inside `avcC` or `hvcC`, the
    AudioSpecificConfig of AAC; empty for the rest."""
    match track.codec:
        case Codec.H264:
            return _avc_configuration(track)[8:]
        case Codec.H265:
            return _hevc_configuration(track)[8:]
        case Codec.AAC:
            return track.parameters[0] if track.parameters else b""
        case _:
            return b""


def picture_size(track: Track) -> tuple[int, int]:
    """Width and height in pixels: what the track says, else what its parameter set says, else 0, 0."""
    if track.kind is not Kind.VIDEO:
        return 0, 0
    if track.width and track.height:
        return track.width & 0xFFFF, track.height & 0xFFFF
    try:
        if track.codec is Codec.H264:
            first = next(nal for nal in track.parameters if nal and nal[0] & 31 == 7)
            avc = read_h264(first)
            return avc.width, avc.height
        if track.codec is Codec.H265:
            first = next(nal for nal in track.parameters if nal and (nal[0] >> 1) & 63 == 33)
            hevc = read_h265(first)
            return hevc.width, hevc.height
    except (BadParameterSet, StopIteration):
        pass
    return 0, 0


# --- movie and track boxes ------------------------------------------------------------------------


def _mac_time(utc: Utc) -> int:
    return max(0, utc // MICROSECONDS + _MAC_EPOCH)


def movie_header(utc: Utc, timescale: int, duration: int, tracks: int) -> bytes:
    """`mvhd` (s8.2.2); `duration` in units of `timescale`, 0 where fragments follow."""
    stamp = _mac_time(utc)
    times = struct.pack(">QQIQ", stamp, stamp, timescale, duration)
    return full(
        b"mvhd",
        1,
        0,
        times,
        struct.pack(">IH10x", 0x10000, 0x100),
        _UNITY,
        bytes(24),
        struct.pack(">I", tracks + 1),
    )


def track_box(
    number: int, track: Track, utc: Utc, duration: tuple[int, int], edits: bytes, table: bytes
) -> bytes:
    """One `trak` (s8.3), of an `edts` or nothing and a whole `stbl`.

    `duration` is in units of the movie and of the track."""
    stamp = _mac_time(utc)
    width, height = picture_size(track)
    audio = track.kind is Kind.AUDIO
    tkhd = full(
        b"tkhd",
        1,
        3,
        struct.pack(">QQI4xQ8x", stamp, stamp, number, duration[0]),
        struct.pack(">hhH2x", 0, 1 if audio else 0, 0x100 if audio else 0),
        _UNITY,
        struct.pack(">II", width << 16, height << 16),
    )
    mdhd = full(
        b"mdhd", 1, 0, struct.pack(">QQIQHH", stamp, stamp, track.clock_rate, duration[1], _UNDETERMINED, 0)
    )
    name = track.kind.value.encode() + b"\0"
    hdlr = full(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, _HANDLERS[track.kind]), name)
    header, flags, payload = _MEDIA_HEADERS[track.kind]
    reference = box(b"dinf", full(b"dref", 0, 0, struct.pack(">I", 1), full(b"url ", 0, 1)))
    minf = box(b"minf", full(header, 0, flags, payload), reference, table)
    return box(b"trak", tkhd, edits, box(b"mdia", mdhd, hdlr, minf))


def descriptions(entries: Sequence[bytes]) -> bytes:
    """`stsd` (s8.5.2)."""
    return full(b"stsd", 0, 0, struct.pack(">I", len(entries)), *entries)


def growing_movie(tracks: Sequence[Track], utc: Utc, entries: Sequence[bytes] = ()) -> bytes:
    """`moov` of a file whose samples come in fragments (s8.8). Times of a movie are in milliseconds.

    `entries`: sample entries of the tracks, where they are not those of the tracks' codecs."""
    traks, extends = [], []
    entries = entries or [sample_entry(track) for track in tracks]
    for number, (track, entry) in enumerate(zip(tracks, entries, strict=True), 1):
        nothing = full(b"stts", 0, 0, bytes(4)) + full(b"stsc", 0, 0, bytes(4))
        nothing += full(b"stsz", 0, 0, bytes(8)) + full(b"stco", 0, 0, bytes(4))
        table = box(b"stbl", descriptions([entry]), nothing)
        traks.append(track_box(number, track, utc, (0, 0), b"", table))
        extends.append(full(b"trex", 0, 0, struct.pack(">IIIII", number, 1, 0, 0, SYNC)))
    movie = movie_header(utc, _MILLISECONDS, 0, len(tracks))
    return box(b"moov", movie, *traks, box(b"mvex", *extends))
