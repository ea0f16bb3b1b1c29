"""Every frame can be told apart, by a machine, after any codec."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media import Codec, Utc
from integration.virtual_camera import stamp
from integration.virtual_camera.draw import Planes
from integration.virtual_camera.encode import Format, VideoEncoder, nals, parameters
from integration.virtual_camera.scenes import SCENES
from integration.virtual_camera.stamp import Stamp

EPOCH = 1_794_679_200_000_000


@pytest.mark.parametrize(
    "form",
    [
        Format(Codec.H264, 640, 360, 10, 150_000),
        Format(Codec.H264, 320, 180, 5, 40_000),
        Format(Codec.H265, 640, 360, 10, 150_000),
        Format(Codec.H265, 320, 180, 5, 60_000),
        Format(Codec.MJPEG, 640, 360, 10),
        Format(Codec.MJPEG, 320, 180, 5),
        Format(Codec.H264, 480, 272, 10, 100_000),
        Format(Codec.H264, 1280, 720, 10, 500_000),
    ],
    ids=lambda form: f"{form.codec.name}-{form.width}-{form.bitrate // 1000}k",
)
@pytest.mark.parametrize("scene", ["yard", "street"])
def test_every_frame_reads_back_after_encoding_at_a_low_rate(form: Format, scene: str) -> None:
    place = SCENES[scene](form.width, form.height, 1)
    encoder, canvas = VideoEncoder(form), Planes(form.width, form.height)
    name = {Codec.H264: "h264", Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}[form.codec]
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(name, "r"))
    burnt, seen = [], []
    for number in range(40):
        utc = Utc(EPOCH + number * 1_000_000 // form.fps)
        burnt.append(Stamp(200, 0xFFFFFFF0 + number & 0xFFFFFFFF, Utc(utc // 1000 * 1000)))
        place.draw(canvas, utc, number)
        stamp.draw(burnt[-1], canvas)
        unit = encoder.encode(canvas, number % 20 == 0)
        seen += decoder.decode(av.Packet(_decodable(unit, form.codec)))
    seen += decoder.decode(None)
    assert [stamp.read(frame) for frame in seen] == burnt


def _decodable(unit: bytes, codec: Codec) -> bytes:
    return unit if codec is Codec.MJPEG else b"".join(b"\0\0\0\1" + nal for nal in nals(unit))


def test_a_stamp_survives_a_change_of_size_and_of_pixel_format() -> None:
    canvas = Planes(640, 360)
    canvas.whole[:] = 128
    burnt = Stamp(7, 123_456, Utc(EPOCH))
    stamp.draw(burnt, canvas)
    frame = av.VideoFrame.from_ndarray(canvas.whole, format="yuv420p")
    for width, height, kind in (
        (320, 180, "yuv420p"),
        (1000, 562, "rgb24"),
        (1280, 720, "yuv422p"),
        (480, 270, "gray"),
    ):
        assert stamp.read(frame.reformat(width, height, kind)) == burnt


@given(st.integers(0, 255), st.integers(0, 2**32 - 1), st.integers(0, 2**48 - 1))
def test_what_was_drawn_is_read(camera: int, frame: int, milliseconds: int) -> None:
    canvas = Planes(160, 88)
    burnt = Stamp(camera, frame, Utc(milliseconds * 1000))
    stamp.draw(burnt, canvas)
    assert stamp.read(canvas.y) == burnt


@given(st.integers(0, 103))
def test_one_wrong_cell_is_told_by_the_checksum(cell: int) -> None:
    canvas = Planes(320, 180)
    stamp.draw(Stamp(1, 2, Utc(EPOCH)), canvas)
    row, column = divmod(cell, 52)
    top, left = 180 - (2 - row) * 4, (2 + column) * 4
    part = canvas.y[top : top + 4, left : left + 4]
    part[:] = stamp.LIGHT + stamp.DARK - part
    assert stamp.read(canvas.y) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_picture_without_a_stamp_says_nothing(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (180, 320)).astype(np.uint8)
    assert stamp.read(noise) is None
    assert stamp.read(np.zeros((180, 320), np.uint8)) is None
    assert stamp.read(np.zeros((2, 2), np.uint8)) is None


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_parameter_sets_are_those_of_the_stream(codec: Codec) -> None:
    form = Format(codec, 320, 180, 10)
    unit = VideoEncoder(form).encode(Planes(320, 180), True)
    assert list(nals(unit))[: len(parameters(form))] == list(parameters(form))
    assert parameters(form) != parameters(replace(form, width=640))
