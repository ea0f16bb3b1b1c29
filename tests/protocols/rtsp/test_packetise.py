"""Payload formats whose shape no player test shows: sizes at the limits, and what they cannot carry."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media import Codec, Track
from protocols.rtsp.packetise import PAYLOAD_LIMIT, Unsendable, packetiser
from tests.protocols.rtsp.media import video

H265 = Track(Codec.H265, 90_000, (b"\x40\x01vps", b"\x42\x01sps", b"\x44\x01pps"))


def sized(*units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


@given(st.integers(3, 9000))
def test_h265_fragments_give_the_unit_back(size: int) -> None:
    unit = b"\x02\x01" + bytes(n & 0xFF for n in range(size - 2))
    pieces = packetiser(H265)(sized(unit), False)
    payloads = [piece.head + bytes(piece.body) for piece in pieces]
    assert all(len(payload) <= PAYLOAD_LIMIT for payload in payloads)
    if len(payloads) == 1:
        assert payloads[0] == unit
        return
    assert {payload[0] >> 1 & 0x3F for payload in payloads} == {49}
    assert [payload[2] & 0xC0 for payload in payloads] == [0x80, *[0] * (len(payloads) - 2), 0x40]
    kind = payloads[0][2] & 0x3F
    assert bytes((payloads[0][0] & 0x81 | kind << 1, payloads[0][1])) == unit[:2]
    assert b"".join(payload[3:] for payload in payloads) == unit[2:]


def test_h265_parameter_sets_go_before_a_key_frame() -> None:
    pieces = packetiser(H265)(sized(b"\x26\x01idr"), True)
    assert [bytes(piece.body) for piece in pieces[:3]] == list(H265.parameters)
    assert [piece.marker for piece in pieces] == [False, False, False, True]


@given(st.binary(min_size=1, max_size=8191))
def test_aac_states_the_size_of_the_whole_in_every_fragment(data: bytes) -> None:
    pieces = packetiser(Track(Codec.AAC, 48_000, channels=2))(data, True)
    assert {piece.head for piece in pieces} == {b"\0\x10" + (len(data) << 3).to_bytes(2, "big")}
    assert b"".join(bytes(piece.body) for piece in pieces) == data
    assert [piece.marker for piece in pieces] == [False] * (len(pieces) - 1) + [True]


@pytest.mark.parametrize(("codec", "bits", "octets_a_tick"), [(Codec.PCMA, 0, 1.0), (Codec.G726, 5, 0.625)])
def test_long_audio_is_cut_and_each_piece_has_its_own_time(
    codec: Codec, bits: int, octets_a_tick: float
) -> None:
    pieces = packetiser(Track(codec, 8000, channels=1, bits=bits))(bytes(5000), True)
    at = 0
    for piece in pieces:
        assert piece.ticks == at / octets_a_tick
        at += len(piece.body)
    assert at == 5000


def test_a_document_ends_with_the_marker() -> None:
    pieces = packetiser(Track(Codec.ONVIF_METADATA, 90_000))(b"x" * (2 * PAYLOAD_LIMIT), True)
    assert [piece.marker for piece in pieces] == [False, True]


def test_jpeg_offsets_follow_the_scan_and_tables_travel_first() -> None:
    pieces = packetiser(Track(Codec.MJPEG, 90_000))(video(Codec.MJPEG).samples[0].data, True)
    at = 0
    for piece in pieces:
        assert int.from_bytes(piece.head[:4], "big") == at
        assert piece.head[4] & 0x3F == 1
        assert piece.head[5:8] == bytes((255, 320 // 8, 240 // 8))
        assert len(piece.head) + len(piece.body) <= PAYLOAD_LIMIT
        at += len(piece.body)
    assert len(pieces[0].head) - len(pieces[1].head) == 4 + 128


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"\xff\xd8", b"\xff\xd9", "not a JPEG"),
        (b"\xff\xc0", b"\xff\xc2", "baseline"),
        (b"\x01\x22\x00\x02", b"\x01\x11\x00\x02", "4:2:0"),
        (b"\xff\xc4\x01\xa2\x00\x00\x01\x05", b"\xff\xc4\x01\xa2\x00\x00\x02\x04", "Huffman"),
        (b"\xff\xda", b"\xff\xfe", "cut off|marker|scan"),
    ],
)
def test_a_picture_that_rfc_2435_cannot_carry_is_refused(old: bytes, new: bytes, says: str) -> None:
    data = bytes(video(Codec.MJPEG).samples[0].data)
    assert old in data
    with pytest.raises(Unsendable, match=says):
        packetiser(Track(Codec.MJPEG, 90_000))(data.replace(old, new, 1), True)


@given(st.data())
def test_a_damaged_picture_is_sent_or_refused(data: st.DataObject) -> None:
    whole = bytearray(bytes(video(Codec.MJPEG).samples[0].data)[:900])
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Unsendable):
        packetiser(Track(Codec.MJPEG, 90_000))(bytes(whole), True)
