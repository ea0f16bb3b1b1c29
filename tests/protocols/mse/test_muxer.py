"""The byte stream for browsers, judged by a decoder: every picture comes out, in order, at its time."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import av
import pytest

from device.media import MICROSECONDS, Codec, Sample, Track, Utc
from device.planes.video import Unplayable
from protocols.mse.muxer import ORIGIN, Muxer, codec_name
from tests.device.recording.material import START, Clip, decoded, merged, sound, video


def stream(clips: Sequence[Clip], muxer: Muxer, size: int) -> bytes:
    """All samples, `size` in a fragment."""
    samples = merged(clips)
    out = [muxer.begin([clip.track for clip in clips], samples[0].utc).data]
    out += [muxer.fragment(samples[at : at + size]) or b"" for at in range(0, len(samples), size)]
    return b"".join(out)


def times(data: bytes) -> list[float]:
    """Presentation times of the pictures, in seconds."""
    with av.open(io.BytesIO(data), "r") as source:
        return [frame.time for frame in source.decode(video=0)]


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(("codec", "b_frames"), [(Codec.H264, 0), (Codec.H264, 2), (Codec.H265, 2)])
def test_every_picture_comes_out_at_its_time(codec: Codec, b_frames: int, size: int) -> None:
    clip = video(codec, 45, b_frames=b_frames)
    data = stream([clip], Muxer(sound=False), size)
    assert decoded(io.BytesIO(data)) == list(clip.frames)
    shown = times(data)
    assert shown == pytest.approx([1 + n / 30 for n in range(45)], abs=0.001)


def test_sound_goes_with_the_pictures_where_it_is_wanted() -> None:
    clips = [video(Codec.H264, 45), sound(Codec.AAC, 1.5)]
    with_sound, silent = Muxer(sound=True), Muxer(sound=False)
    assert with_sound.begin([clip.track for clip in clips], START).mime.endswith(',mp4a.40.2"')
    assert silent.begin([clip.track for clip in clips], START).mime.count(",") == 0
    with av.open(io.BytesIO(stream(clips, Muxer(sound=True), 9)), "r") as source:
        assert [each.type for each in source.streams] == ["video", "audio"]
        assert len(list(source.decode(audio=0))) > 20


def test_each_fragment_says_which_wall_time_it_shows() -> None:
    clip = video(Codec.H264, 3)
    muxer = Muxer(sound=False)
    samples = merged([clip])
    muxer.begin([clip.track], samples[0].utc)
    for sample in samples:
        data = muxer.fragment([sample])
        assert data is not None
        size, kind, _, track, seconds, fraction, time = struct.unpack_from(">I4sIIIIQ", data)
        assert (size, kind, track) == (32, b"prft", 1)
        utc = (seconds - 2_208_988_800) * MICROSECONDS + fraction * MICROSECONDS / (1 << 32)
        assert utc == pytest.approx(sample.utc, abs=2)
        assert time * MICROSECONDS / 90_000 == pytest.approx(ORIGIN + sample.utc - samples[0].utc, abs=12)


def test_what_follows_a_break_stands_behind_what_was_sent() -> None:
    clip = video(Codec.H264, 15)
    muxer = Muxer(sound=False)
    first = muxer.begin([clip.track], START).data + (muxer.fragment(merged([clip])) or b"")
    later = Utc(START + 3600 * MICROSECONDS)
    start = muxer.begin([clip.track], later).data
    second = muxer.fragment(merged([clip], start=later, offset=77)) or b""
    assert times(first + second) == pytest.approx([1 + n / 30 for n in range(30)], abs=0.001)
    assert start[4:8] == b"ftyp"


@pytest.mark.parametrize("speed", [8.0, -2.0])
def test_key_frames_are_placed_where_they_are_shown(speed: float) -> None:
    """Backwards too: the browser plays forward through pictures that go back."""
    clip = video(Codec.H264, 60, gop=15)
    keys = [sample for sample in merged([clip]) if sample.key]
    if speed < 0:
        keys.reverse()
    muxer = Muxer(sound=False, speed=speed, keys=True)
    data = muxer.begin([clip.track], keys[0].utc).data
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        data += muxer.fragment([key], None if following is None else muxer.position(following)) or b""
    apart = 0.5 / abs(speed)
    assert times(data) == pytest.approx([1 + n * apart for n in range(4)], abs=0.002)


def test_what_no_browser_plays_is_said() -> None:
    with pytest.raises(Unplayable, match="JPEG"):
        Muxer(sound=False).begin([Track(Codec.MJPEG, 90_000)], START)
    with pytest.raises(Unplayable, match="no pictures"):
        Muxer(sound=True).begin([Track(Codec.AAC, 16_000)], START)


def test_parameter_sets_that_cannot_be_read_are_left_to_the_browser() -> None:
    assert codec_name(Track(Codec.H264, 90_000, (b"\x67", b"\x68"))).startswith("avc1.")
    assert codec_name(Track(Codec.H265, 90_000)).startswith("hvc1.")
    assert codec_name(Track(Codec.AAC, 16_000)) == "mp4a.40.2"
    assert codec_name(Track(Codec.OPUS, 48_000)) == "opus"


def test_nothing_of_other_tracks_is_sent() -> None:
    muxer = Muxer(sound=False)
    muxer.begin([Track(Codec.H264, 90_000), Track(Codec.ONVIF_METADATA, 90_000)], START)
    other = Sample(1, 0, START, True, b"<x/>")
    assert not muxer.takes(other)
    assert muxer.fragment([other]) is None
