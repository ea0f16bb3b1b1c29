"""Parameter sets: those of encoders and cameras are read to the end, broken ones are refused."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import cast

import av
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from device.parameter_sets import (
    BadParameterSet,
    H264Sps,
    H265Sps,
    check_h264_picture,
    check_h265_picture,
    check_h265_video,
    read_h264,
    read_h265,
)

#: What cameras announce (`sprop-parameter-sets`, `sprop-sps` and `sprop-pps`), and the size of their pictures.
CAMERAS_H264 = (
    ("Z2QAKKzZQHgCJ+WEAAADAAQAAAMAwjxgySA=,aO48sA==", (1920, 1080)),
    ("Z00AKpY1QPAET8s3BQEFAgA=,aO4xsgA=", (1920, 1080)),
    ("Z00AKZpmA8ARPy4C1AQEBQAAAwPoAADqYOhlBQu8uNDKChd5cKA=,aO48gA==", (1920, 1080)),
    ("J00AKI2NKAoAt2AtQEBAUAAAPoAADDUGhgBQAABZ9LvLjQwAoAAAs+l3lwT6LAA=,KO48gA==", (1280, 720)),
    ("Z2QAHqw0ygsBJ/wFuCgoKgAAB9AAAYah0MALFAALE9d5caGAFigAFieu8uFA,aO48MA==", (704, 576)),
    ("Z00AKeKQDwBE/LgLcBAQGkHiRFQ=,aO48gA==", (1920, 1080)),
    ("Z0IACpZTBYmI,aMljiA==", (176, 144)),
    ("Z0LAHoyNQKD5APCIRqAAAAA=,aM48gAAAAA==", (320, 240)),
)
#: The last three have one habit each: something behind the end, twice, and a level that does not exist.
CAMERAS_H265 = (
    ("QgEBAWAAAAMAkAAAAwAAAwA/oAUCAXHy5bpKTC8BAQAAAwABAAADAA8I,RAHAc8GJ", (640, 360)),
    ("QgEBAWAAAAMAkAAAAwAAAwBdoAKAgC0WWVmkkyvAQEAAAAMAQAAABkI=,RAHBcrRiQA==", (1280, 720)),
    ("QgEBAWAAAAMAsAAAAwAAAwCZoAHgIAIcWNrkkUvzcBAQEAg=,RAHA8vA7NA==", (3840, 2160)),
    ("QgEBAWAAAAMAsAAAAwAAAwB4oAPAgBDlja5JMvA=,RAHBcrRiQA==", (1920, 1080)),
    ("QgEBAWAAAAMAAAMAAAMAAAMAlqAB4CACHH+KrTuiS7IAAAAB,RAHAcvCcFAobJA==", (3840, 2160)),
    ("QgEBAIAAAAMAAAMAAAMAAAMAAKACgIAtH+W1kkbQzkkktySqSfKSyA==,RAHBpVgeSA==", (1280, 720)),
)
READERS: tuple[Callable[[bytes], object], ...] = (
    read_h264,
    check_h264_picture,
    read_h265,
    check_h265_picture,
    check_h265_video,
)


def sets(encoder: str, options: str, pixels: str) -> Iterator[bytes]:
    """All NAL units of some pictures."""
    context = cast(av.VideoCodecContext, av.CodecContext.create(encoder, "w"))
    context.width, context.height, context.pix_fmt = 322, 242, pixels
    context.framerate, context.time_base, context.thread_count = Fraction(25), Fraction(1, 25), 1
    name = "x264-params" if encoder == "libx264" else "x265-params"
    quiet = "" if encoder == "libx264" else ":log-level=none:pools=none"
    context.options = {"preset": "fast", name: options + quiet}
    data = b""
    for number in range(8):
        frame = av.VideoFrame(322, 242, pixels)
        frame.pts = number
        data += b"".join(bytes(packet) for packet in context.encode(frame))
    data += b"".join(bytes(packet) for packet in context.encode(None))
    for nal in data.split(b"\0\0\1"):
        if nal.strip(b"\0"):
            yield nal.rstrip(b"\0")


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize(
    ("options", "reorders"),
    [
        ("bframes=0", False),
        ("bframes=3:b-pyramid=2:ref=5", True),
        ("bframes=3:cqm=jvt:nal-hrd=vbr:vbv-maxrate=900:vbv-bufsize=900:pic-struct=1", True),
        (
            "bframes=0:8x8dct=1:overscan=show:videoformat=pal:fullrange=on:colorprim=bt709:chromaloc=2:sar=3/2",
            False,
        ),
    ],
)
def test_what_an_h264_encoder_makes_is_read_to_the_end(options: str, reorders: bool, pixels: str) -> None:
    found = []
    for nal in sets("libx264", options, pixels):
        if nal[0] & 31 == 7:
            found.append(read_h264(nal))
        elif nal[0] & 31 == 8:
            check_h264_picture(nal)
    assert {(sps.width, sps.height, sps.reorders) for sps in found} == {(322, 242, reorders)}


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize(
    ("options", "reorders"),
    [
        ("bframes=0:hrd=1:vbv-maxrate=900:vbv-bufsize=900", False),
        ("bframes=4:b-pyramid=1:ref=4:temporal-layers=3", True),
        ("bframes=0:scaling-list=default:display-window=2,2,2,2:overscan=show:range=full:sar=16:11", False),
        ("bframes=3:ctu=16:min-cu-size=8:wpp=1:multi-pass-opt-rps=1:deblock=2,2:tskip=1:cbqpoffs=3", True),
    ],
)
def test_what_an_h265_encoder_makes_is_read_to_the_end(options: str, reorders: bool, pixels: str) -> None:
    found = []
    for nal in sets("libx265", options, pixels):
        match nal[0] >> 1 & 63:
            case 32:
                check_h265_video(nal)
            case 33:
                found.append(read_h265(nal))
            case 34:
                check_h265_picture(nal)
    assert {sps.reorders for sps in found} == {reorders}
    assert all(sps.width in (318, 322) and sps.height in (238, 242) for sps in found)


def _announced(camera: str) -> tuple[bytes, bytes]:
    sequence, picture = camera.split(",")
    return base64.b64decode(sequence), base64.b64decode(picture)


@pytest.mark.parametrize(("camera", "size"), CAMERAS_H264)
def test_what_h264_cameras_announce_is_believed(camera: str, size: tuple[int, int]) -> None:
    sequence, picture = _announced(camera)
    found = read_h264(sequence)
    check_h264_picture(picture)
    assert (found.width, found.height) == size


@pytest.mark.parametrize(("camera", "size"), CAMERAS_H265)
def test_what_h265_cameras_announce_is_believed(camera: str, size: tuple[int, int]) -> None:
    sequence, picture = _announced(camera)
    found = read_h265(sequence)
    check_h265_picture(picture)
    assert (found.width, found.height) == size


def scrambled(nal: bytes, begin: int, pattern: int) -> bytes:
    """From `begin` on every bit of the pattern is wrong, and half is missing."""
    return nal[:begin] + bytes(byte ^ pattern for byte in nal[begin : max(begin + 1, len(nal) // 2)])


@pytest.mark.parametrize("pattern", [0xA5, 0x5A, 0xFF])
@pytest.mark.parametrize("camera", [camera for camera, _ in (*CAMERAS_H264, *CAMERAS_H265)])
def test_what_is_scrambled_and_cut_short_is_refused(camera: str, pattern: int) -> None:
    sequence, _ = _announced(camera)
    old = sequence[0] & 31 == 7
    reader: Callable[[bytes], H264Sps | H265Sps] = read_h264 if old else read_h265
    with pytest.raises(BadParameterSet):
        reader(scrambled(sequence, 2, pattern))


@pytest.mark.parametrize(("camera", "size"), CAMERAS_H264)
def test_of_a_set_that_is_cut_off_no_more_than_the_vui_may_be_missing(
    camera: str, size: tuple[int, int]
) -> None:
    """Decoders show the pictures without; so a VUI that ends too early costs no evidence."""
    sequence, picture = _announced(camera)
    read: list[tuple[int, int]] = []
    for end in range(len(sequence)):
        try:
            found = read_h264(sequence[:end])
        except BadParameterSet:
            assert not read  # what is longer is not worse
        else:
            read.append((found.width, found.height))
    assert set(read) <= {size}
    for end in range(len(picture.rstrip(b"\0")) - 1):
        with pytest.raises(BadParameterSet):
            check_h264_picture(picture[:end])


def test_one_habit_is_borne_with_and_two_are_not() -> None:
    sequence, _ = _announced(CAMERAS_H264[0][0])
    level = bytes((*sequence[:3], 77, *sequence[4:]))
    behind = sequence + b"\x01"
    assert read_h264(level).level == 77
    assert read_h264(behind).width == 1920
    with pytest.raises(BadParameterSet, match="not believable"):
        read_h264(level + b"\x01")


@given(st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_happens(data: bytes) -> None:
    for read, begin in zip(READERS, (b"\x67", b"\x68", b"\x42\x01", b"\x44\x01", b"\x40\x01"), strict=True):
        try:
            read(begin + data)
        except BadParameterSet:
            continue


@given(st.data())
def test_a_set_with_some_bits_turned_is_read_or_refused(data: st.DataObject) -> None:
    camera, _ = data.draw(st.sampled_from((*CAMERAS_H264, *CAMERAS_H265)))
    nal = bytearray(data.draw(st.sampled_from(_announced(camera))))
    for bit in data.draw(st.lists(st.integers(16, 8 * len(nal) - 1), min_size=1, max_size=8)):
        nal[bit // 8] ^= 0x80 >> bit % 8
    assume(len(nal) > 2)
    for read in READERS:
        try:
            read(bytes(nal))
        except BadParameterSet:
            continue
