"""Pictures to access units, in the payload forms of `device.media`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.video.frame import PictureType

from device.media import Codec, Track
from integration.virtual_camera.draw import Bytes, Planes

CLOCK_RATE = 90_000  #: of every video payload format

# A key frame when asked and never else: the camera decides by the frame number, a frozen one for none.
_H264 = (
    "keyint=infinite:min-keyint=1:scenecut=0:bframes=0:rc-lookahead=0:sync-lookahead=0:aud=0"
    # A fifth less work than `veryfast` alone, for what stands still most of the time.
    ":weightp=0:subme=1"
)
_H265 = (
    "keyint=-1:scenecut=0:bframes=0:rc-lookahead=0:repeat-headers=1:info=0:aud=0:hrd=0:log-level=none"
    # One size of coding unit, and decisions by the simplest measure: half the work of `ultrafast`.
    ":pools=none:frame-threads=1:wpp=0:rd=1:ctu=32:min-cu-size=32"
)
_KEPT_H264 = frozenset({1, 5, 7, 8})  #: slices and parameter sets (ITU-T H.264 table 7-1)
_KEPT_H265 = frozenset({*range(22), 32, 33, 34})  #: ITU-T H.265 table 7-1


@dataclass(frozen=True, slots=True)
class Format:
    """What a stream is encoded to."""

    codec: Codec
    width: int  #: pixels, a multiple of 8; for MJPEG at most 2040 (RFC 2435 s3.1.5)
    height: int
    fps: int
    bitrate: int = 400_000  #: bits a second; MJPEG goes by quality instead


class VideoEncoder:
    """One encoder, its first frame always a key frame. Does not wait, does not reorder: one frame in, one
    unit out.
    """

    def __init__(self, form: Format) -> None:
        name = {Codec.H264: "libx264", Codec.H265: "libx265", Codec.MJPEG: "mjpeg"}[form.codec]
        context = cast(av.VideoCodecContext, av.CodecContext.create(name, "w"))
        context.width, context.height = form.width, form.height
        context.pix_fmt = "yuvj420p" if form.codec is Codec.MJPEG else "yuv420p"
        context.framerate = Fraction(form.fps)
        context.time_base = Fraction(1, form.fps)
        context.thread_count = 1
        if form.codec is Codec.MJPEG:
            # RFC 2435 s3.1.2 carries no Huffman tables: the receiver uses those of ITU-T T.81 annex K.
            context.options = {"huffman": "default"}
            context.qmin = context.qmax = 5
            context.color_range = 2
        else:
            context.bit_rate = form.bitrate
            if form.codec is Codec.H264:
                context.options = {
                    "preset": "veryfast",
                    "tune": "zerolatency",
                    "profile": "main",
                    "forced-idr": "1",
                    "x264-params": _H264,
                    "maxrate": str(form.bitrate * 3 // 2),
                    "bufsize": str(form.bitrate * 2),
                }
            else:
                context.options = {
                    "preset": "ultrafast",
                    "tune": "zerolatency",
                    "forced-idr": "1",
                    "x265-params": f"{_H265}:vbv-maxrate={form.bitrate * 3 // 2000}"
                    f":vbv-bufsize={form.bitrate // 500}",
                }
        self.form = form
        self._context = context
        self._next = 0

    def encode(self, picture: Planes, key: bool) -> bytes:
        """One picture to one access unit, without start codes."""
        if self.form.codec is Codec.MJPEG:
            frame = av.VideoFrame.from_ndarray(_FULL_RANGE[picture.whole], format="yuvj420p")
        else:
            frame = av.VideoFrame.from_ndarray(picture.whole, format="yuv420p")
            frame.pict_type = PictureType.I if key or not self._next else PictureType.NONE
        frame.pts = self._next
        self._next += 1
        unit = b"".join(bytes(packet) for packet in self._context.encode(frame))
        if not unit:
            raise RuntimeError(f"{self._context.name} kept a picture back")
        return unit if self.form.codec is Codec.MJPEG else with_lengths(unit, self.form.codec)


def parameters(form: Format) -> tuple[bytes, ...]:
    """The parameter sets that a stream of this form carries, found by encoding one picture."""
    if form.codec is Codec.MJPEG:
        return ()
    unit = VideoEncoder(form).encode(Planes(form.width, form.height), True)
    wanted = (7, 8) if form.codec is Codec.H264 else (32, 33, 34)
    found = {nal_type(nal, form.codec): nal for nal in nals(unit)}
    return tuple(found[kind] for kind in wanted)


def track(form: Format) -> Track:
    """The stream as the recorder knows it."""
    return Track(form.codec, CLOCK_RATE, parameters(form), form.width, form.height)


def nals(unit: bytes) -> Iterator[bytes]:
    """The NAL units of an access unit with 4-byte lengths."""
    at = 0
    while at < len(unit):
        end = at + 4 + int.from_bytes(unit[at : at + 4])
        yield unit[at + 4 : end]
        at = end


def joined(units: Iterable[bytes]) -> bytes:
    """The opposite of `nals`."""
    return b"".join(len(nal).to_bytes(4) + nal for nal in units)


def nal_type(nal: bytes, codec: Codec) -> int:
    """nal_unit_type."""
    return nal[0] & 0x1F if codec is Codec.H264 else nal[0] >> 1 & 0x3F


def with_lengths(unit: bytes, codec: Codec) -> bytes:
    """Annex B to lengths, without what a decoder does not need (the encoder's advertisement, delimiters,
    filler).
    """
    kept = _KEPT_H264 if codec is Codec.H264 else _KEPT_H265
    parts = (part.rstrip(b"\0") for part in unit.split(b"\0\0\1"))
    return joined([nal for nal in parts if nal and nal_type(nal, codec) in kept])


def _full_range() -> Bytes:
    levels = np.arange(256)
    return np.clip((levels - 16) * 255 / 219, 0, 255).astype(np.uint8)


_FULL_RANGE = _full_range()
