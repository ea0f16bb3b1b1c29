"""Payloads of sound, JPEG and metadata."""

from __future__ import annotations

import io
import random
import struct
from fractions import Fraction

import av
import pytest
from av.video.codeccontext import VideoCodecContext
from hypothesis import given, settings
from hypothesis import strategies as st

from device.cameras.source import Reception
from device.media import Codec, Track
from protocols.rtsp.depacketise.aac import Aac
from protocols.rtsp.depacketise.audio import WholePackets
from protocols.rtsp.depacketise.jpeg import Jpeg, scaled_tables
from protocols.rtsp.depacketise.metadata import DOCUMENT_LIMIT, Documents
from protocols.rtsp.receiver import Depacketiser
from protocols.rtsp.rtp import TIMESTAMP_MODULO
from tests.protocols.rtsp.kept import Camera, Client


class Sink:
    def __init__(self) -> None:
        self.reception = Reception()
        self.units: list[tuple[int, bytes]] = []

    def __call__(self, timestamp: int, data: bytes, size: tuple[int, int] = (0, 0)) -> None:
        self.units.append((timestamp, data))


def feed(depacketiser: Depacketiser, payload: bytes, timestamp: int = 0, marker: bool = True) -> None:
    depacketiser.packet(memoryview(b"xx" + payload + b"y"), 2, 2 + len(payload), timestamp, marker)


def aac(sink: Sink) -> Aac:
    return Aac((13, 3, 3), 1024, sink.reception, sink)


def headers(*sizes: int) -> bytes:
    return struct.pack(">H", 16 * len(sizes)) + b"".join(struct.pack(">H", size << 3) for size in sizes)


def test_several_aac_units_in_one_packet_follow_each_other_in_time() -> None:
    sink = Sink()
    feed(aac(sink), headers(3, 1, 2) + b"abcdef", TIMESTAMP_MODULO - 1024)
    assert sink.units == [(TIMESTAMP_MODULO - 1024, b"abc"), (0, b"d"), (1024, b"ef")]


def test_the_short_headers_of_low_bit_rate() -> None:
    sink = Sink()
    feed(Aac((6, 2, 2), 1024, sink.reception, sink), b"\0\x10" + bytes((3 << 2, 2 << 2)) + b"abcde")
    assert sink.units == [(0, b"abc"), (1024, b"de")]


def test_an_aac_unit_over_several_packets() -> None:
    sink = Sink()
    units = aac(sink)
    for part, marker in ((b"abc", False), (b"def", False), (b"gh", True)):
        feed(units, headers(8) + part, 5, marker)
    assert sink.units == [(5, b"abcdefgh")]


def test_an_aac_unit_with_a_missing_part_is_dropped() -> None:
    sink = Sink()
    units = aac(sink)
    feed(units, headers(8) + b"abc", 5, marker=False)
    units.lost()
    feed(units, headers(8) + b"gh", 5)
    feed(units, headers(2) + b"ij", 9)
    assert sink.units == [(9, b"ij")]
    assert sink.reception.dropped == 2


def test_interleaved_aac_units_are_refused() -> None:
    sink = Sink()
    feed(aac(sink), struct.pack(">HH", 16, 2 << 3 | 1) + b"ab")
    assert sink.units == []
    assert sink.reception.malformed == 1


def test_sound_is_taken_as_it_travels() -> None:
    sink = Sink()
    feed(WholePackets(sink.reception, sink), b"\xd5" * 160, 320)
    assert sink.units == [(320, b"\xd5" * 160)]


def test_a_document_ends_at_the_marker() -> None:
    sink = Sink()
    documents = Documents(sink.reception, sink)
    for part, marker in ((b"<?xml?><a>", False), (b"text", False), (b"</a>", True), (b"<b/>", True)):
        feed(documents, part, 7, marker)
    assert sink.units == [(7, b"<?xml?><a>text</a>"), (7, b"<b/>")]


def test_a_document_without_marker_ends_at_the_next_timestamp() -> None:
    sink = Sink()
    documents = Documents(sink.reception, sink)
    feed(documents, b"<a/>", 1, marker=False)
    feed(documents, b"<b/>", 2, marker=True)
    assert sink.units == [(1, b"<a/>"), (2, b"<b/>")]


def test_a_document_with_a_missing_packet_is_dropped_and_the_next_is_not() -> None:
    sink = Sink()
    documents = Documents(sink.reception, sink)
    feed(documents, b"<?xml?><a>", 1, marker=False)
    documents.lost()
    feed(documents, b"</a>", 1)
    feed(documents, b"<b/>", 2)
    documents.lost()
    feed(documents, b"tail</c>", 3)
    feed(documents, b"<tt:MetadataStream/>", 4)
    assert sink.units == [(2, b"<b/>"), (4, b"<tt:MetadataStream/>")]
    assert sink.reception.dropped == 2


def test_a_document_has_a_limit() -> None:
    sink = Sink()
    documents = Documents(sink.reception, sink)
    for _ in range(DOCUMENT_LIMIT // 60000 + 2):
        feed(documents, b"<a>" * 20000, 1, marker=False)
    feed(documents, b"</a>", 1)
    assert sink.units == []
    assert sink.reception.dropped == 1


def encoded_jpeg(width: int, height: int, threads: str) -> bytes:
    """A picture of noise that ffmpeg encodes, with the standard Huffman tables, in 4:2:0."""
    codec = av.CodecContext.create("mjpeg", "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuvj420p"
    codec.time_base = Fraction(1, 25)
    codec.options = {"huffman": "default", "strict": "unofficial", "threads": threads}
    frame = av.VideoFrame(width, height, "yuvj420p")
    rng = random.Random(1)
    for plane in frame.planes:
        plane.update(bytes(rng.randrange(60, 200) for _ in range(plane.buffer_size)))
    return bytes(codec.encode(frame)[0])


def segments(data: bytes) -> tuple[dict[int, list[bytes]], bytes]:
    """Marker segments of a JPEG file, and its scan with EOI."""
    found: dict[int, list[bytes]] = {}
    at = 2
    while True:
        kind, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        found.setdefault(kind, []).append(data[at + 4 : at + 2 + size])
        at += 2 + size
        if kind == 0xDA:
            return found, data[at:]


def pixels(data: bytes) -> bytes:
    with av.open(io.BytesIO(data), "r", format="mjpeg") as container:
        return next(container.decode(video=0)).to_ndarray().tobytes()


@pytest.mark.parametrize("threads", ["1", "4"])
def test_a_jpeg_with_its_tables_in_band_decodes_to_the_same_pixels(threads: str) -> None:
    """With several threads ffmpeg sets restart markers."""
    original = encoded_jpeg(320, 240, threads)
    found, scan = segments(original)
    assert (0xDD in found) == (threads != "1")
    tables = b"".join(table[at + 1 : at + 65] for table in found[0xDB] for at in range(0, len(table), 65))
    sink = Sink()
    jpeg = Jpeg((0, 0), sink.reception, sink)
    for at in range(0, len(scan), 1000):
        head = struct.pack(">IBBBB", at, 65 if 0xDD in found else 1, 255, 40, 30)
        head += found[0xDD][0] + b"\xff\xff" if 0xDD in found else b""
        if at == 0:
            head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        feed(jpeg, head + scan[at : at + 1000], 9, marker=at + 1000 >= len(scan))
    ((timestamp, data),) = sink.units
    assert timestamp == 9
    assert pixels(data) == pixels(original)


def test_tables_of_a_fixed_q_need_not_come_again() -> None:
    sink = Sink()
    jpeg = Jpeg((0, 0), sink.reception, sink)
    first = struct.pack(">IBBBBBBH", 0, 1, 200, 4, 4, 0, 0, 128) + bytes(range(1, 129)) + b"scan"
    later = struct.pack(">IBBBBBBH", 0, 1, 200, 4, 4, 0, 0, 0) + b"more"
    feed(jpeg, first, 1)
    feed(jpeg, later, 2)
    assert segments(sink.units[0][1])[0][0xDB] == segments(sink.units[1][1])[0][0xDB]


def test_the_tables_of_q_50_are_those_of_the_standard() -> None:
    """ISO/IEC 10918-1 table K.1 begins 16 11 10 16, in zigzag order 16 11 12 14."""
    assert list(scaled_tables(50)[:4]) == [16, 11, 12, 14]
    assert list(scaled_tables(99)[:4]) == [1, 1, 1, 1]
    assert list(scaled_tables(1)[:4]) == [255, 255, 255, 255]


def test_restart_markers_are_announced() -> None:
    sink = Sink()
    feed(Jpeg((0, 0), sink.reception, sink), struct.pack(">IBBBBHH", 0, 65, 60, 4, 4, 7, 0xFFFF) + b"scan")
    assert segments(sink.units[0][1])[0][0xDD] == [b"\0\7"]


def test_a_frame_with_a_missing_packet_is_dropped() -> None:
    sink = Sink()
    jpeg = Jpeg((0, 0), sink.reception, sink)
    feed(jpeg, struct.pack(">IBBBB", 0, 1, 60, 4, 4) + b"abc", 1, marker=False)
    jpeg.lost()
    feed(jpeg, struct.pack(">IBBBB", 9, 1, 60, 4, 4) + b"def", 1)
    feed(jpeg, struct.pack(">IBBBB", 0, 1, 60, 4, 4) + b"ghi", 2)
    assert [timestamp for timestamp, _ in sink.units] == [2]


def test_the_size_of_large_frames_comes_from_the_description() -> None:
    sink = Sink()
    feed(Jpeg((2560, 1920), sink.reception, sink), struct.pack(">IBBBB", 0, 1, 60, 0, 0) + b"scan")
    assert segments(sink.units[0][1])[0][0xC0][0][1:5] == struct.pack(">HH", 1920, 2560)


def test_a_session_of_jpeg_opens_with_the_size_of_its_first_frame() -> None:
    camera, client = Camera(payload_type=26), Client(Track(Codec.MJPEG, 90000))
    client.chain.receiver._payload_type = 26
    for width in (4, 4, 8):
        camera.send(struct.pack(">IBBBB", 0, 1, 60, width, 4) + b"scan", marker=True)
        camera.timestamp = (camera.timestamp + 3600) & 0xFFFF_FFFF
    client.feed(camera.take())
    client.end()
    assert client.intake.calls == ["opened", "parameters", "closed"]
    assert [tracks[0].width for tracks in client.intake.tracks] == [32, 64]
    assert len(client.units) == 3


@given(st.lists(st.tuples(st.binary(max_size=60), st.integers(0, 3), st.booleans()), max_size=30))
@settings(max_examples=200)
def test_octets_of_any_kind_raise_nothing(packets: list[tuple[bytes, int, bool]]) -> None:
    sink = Sink()
    depacketisers: list[Depacketiser] = [
        aac(sink),
        WholePackets(sink.reception, sink),
        Documents(sink.reception, sink),
        Jpeg((0, 0), sink.reception, sink),
    ]
    for depacketiser in depacketisers:
        for payload, timestamp, marker in packets:
            if payload:
                feed(depacketiser, payload, timestamp, marker)
            else:
                depacketiser.lost()
