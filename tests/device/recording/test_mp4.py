"""Boxes, sample entries, and the head of a segment, judged by ffprobe and by what reads them back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import BadValue
from device.media import Codec, Track
from device.parameter_sets import read_h264, read_h265
from device.recording.mp4 import BadBox, boxes, sample_entry
from device.recording.segment import BadSegment, head, read_head
from device.recording.trailer import ALIGN
from tests.device.recording import material as m


def stream(path: Path, *fields: str) -> dict[str, str]:
    """What ffprobe says of the first stream."""
    shown = m.ffprobe(path, "-show_entries", f"stream={','.join(fields)}", "-of", "json")
    found: dict[str, str] = json.loads(shown)["streams"][0]
    return found


@pytest.mark.parametrize("size", [(192, 108), (320, 240), (1920, 1080), (130, 98)])
@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_the_size_of_a_picture_is_read_from_its_parameter_set(codec: Codec, size: tuple[int, int]) -> None:
    track = m.video(codec, 1, size=size).track
    found = read_h264(track.parameters[0]) if codec is Codec.H264 else read_h265(track.parameters[1])
    assert (found.width, found.height) == size
    assert (found.chroma_format, found.luma_bits, found.chroma_bits) == (1, 8, 8)


def test_codecs_are_named_as_browsers_want_them() -> None:
    assert (
        read_h264(bytes.fromhex("674d401e9a7403c0113f2e0220000003002000000651e2c5d4")).name == "avc1.4D401E"
    )
    track = m.video(Codec.H265, 1).track
    assert read_h265(track.parameters[1]).name.startswith("hvc1.1.6.L")


@given(st.binary(max_size=60))
def test_a_track_with_broken_parameter_sets_still_has_a_sample_entry(data: bytes) -> None:
    for codec, begin in ((Codec.H264, b"\x67"), (Codec.H265, b"\x42\x01")):
        entry = sample_entry(Track(codec, 90_000, (begin + data,)))
        assert int.from_bytes(entry[:4], "big") == len(entry)


@pytest.mark.parametrize(
    ("track", "name"),
    [
        (m.video(Codec.H264, 1).track, "h264"),
        (m.video(Codec.H265, 1).track, "hevc"),
        (m.video(Codec.MJPEG, 1).track, "mjpeg"),
        (Track(Codec.AAC, 16_000, (b"\x14\x08",), channels=1), "aac"),
        (Track(Codec.PCMU, 8_000, channels=1), "pcm_mulaw"),
        (Track(Codec.PCMA, 8_000, channels=2), "pcm_alaw"),
        (Track(Codec.OPUS, 48_000, channels=2), "opus"),
    ],
)
def test_ffprobe_knows_each_codec(track: Track, name: str, tmp_path: Path) -> None:
    path = tmp_path / "1.mp4"
    path.write_bytes(head([track], m.identity()))
    if track.channels:
        said = stream(path, "codec_name", "sample_rate", "channels")
        assert said == {"codec_name": name, "sample_rate": str(track.clock_rate), "channels": track.channels}
    else:
        said = stream(path, "codec_name", "width", "height")
        assert said == {"codec_name": name, "width": track.width, "height": track.height}


TRACKS = st.lists(
    st.builds(
        Track,
        codec=st.sampled_from(Codec),
        clock_rate=st.integers(1, 192_000),
        parameters=st.lists(st.binary(max_size=64), max_size=4).map(tuple),
        width=st.integers(0, 8192),
        height=st.integers(0, 8192),
        channels=st.integers(0, 8),
        bits=st.integers(0, 5),
    ),
    min_size=1,
    max_size=8,
)


@given(tracks=TRACKS, behind=st.binary(max_size=64))
def test_a_segment_says_who_it_is_and_what_its_tracks_are(tracks: list[Track], behind: bytes) -> None:
    data = head(tracks, m.identity(segment=7, run=3))
    assert len(data) % ALIGN == 0
    assert read_head(data + behind) == (tuple(tracks), m.identity(segment=7, run=3), len(data))


@given(where=st.integers(0), value=st.integers(0, 255), size=st.integers(0))
def test_a_spoilt_head_is_refused_or_read_right(where: int, value: int, size: int) -> None:
    tracks = (m.video(Codec.H264, 1).track,)
    data = bytearray(head(tracks, m.identity()))
    data[where % len(data)] = value
    for spoilt in (bytes(data), bytes(data[: size % len(data)])):
        try:
            found = read_head(spoilt)
        except BadSegment:
            continue
        assert found[:2] == (tracks, m.identity())


def test_too_many_tracks_are_refused_by_name() -> None:
    with pytest.raises(BadValue, match="tracks: 9 given; a session has 1 to 8"):
        head([Track(Codec.PCMU, 8_000)] * 9, m.identity())


@given(st.binary(max_size=100))
def test_bytes_that_are_no_boxes_are_refused(data: bytes) -> None:
    try:
        found = list(boxes(data, 0, len(data)))
    except BadBox:
        return
    assert sum(each.end - each.start for each in found) == len(data)
