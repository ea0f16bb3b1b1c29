"""Clips for load: encoded and cut into RTP packets once, kept in a folder, sent again and again.

30 frames a second with a key frame every two seconds, at a constant rate that is real: H.264
with the bit rate model of ITU-T H.264 annex C (CBR), fed with enough noise that the encoder has no use for
filler.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from device.errors import BadValue
from device.media import Codec, Track, Utc
from integration.virtual_camera import font
from integration.virtual_camera.draw import Bytes, Planes
from integration.virtual_camera.encode import CLOCK_RATE, nal_type, nals, with_lengths
from integration.virtual_camera.scenes import SCENES
from protocols.rtsp.message import DOLLAR
from protocols.rtsp.packetise import packetiser

FPS, GOP, SECONDS = 30, 60, 8
FRAMING = 4  #: octets before each packet: dollar, channel, length
PAYLOAD_TYPE = 96
LEAST, MOST = 2, 60  #: Mbit/s of the larger form
_EDITION = 2  #: of the files' form and content


class Form(NamedTuple):
    """The pictures of a clip."""

    width: int
    height: int

    @property
    def rates(self) -> tuple[float, float]:
        """Mbit/s, least and most."""
        share = self.width * self.height / (MAIN.width * MAIN.height)
        return LEAST * share, MOST * share


MAIN, SUB = Form(1920, 1080), Form(640, 360)


@dataclass(frozen=True, slots=True)
class Clip:
    """`packets` holds interleaved frames (RFC 2326 s10.12), one behind the other."""

    track: Track
    packets: Bytes
    starts: NDArray[np.int64]  #: where each begins, and at the end the size
    frames: NDArray[
        np.int64
    ]  #: index of each access unit's first packet, and at the end the number of packets

    @property
    def mbit(self) -> float:
        """Its rate in Mbit/s, headers included."""
        return float(self.packets.size * 8 * FPS / (len(self.frames) - 1) / 1e6)


def load(folder: Path, mbit: float, form: Form = MAIN) -> Clip:
    """The clip of a rate, made on first use (a few seconds). Raises BadValue."""
    least, most = form.rates
    if not least <= mbit <= most:
        raise BadValue("mbit", f"{mbit:g} is not within {least:.2g} and {most:.2g}")
    path = folder / f"h264-{form.width}x{form.height}-{FPS}-{round(mbit * 1000)}k-{SECONDS}s-{_EDITION}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{path.name}.{os.getpid()}"
        with draft.open("wb") as file:
            np.savez(file, allow_pickle=False, **_pack(_encode(mbit, form), form))
        draft.replace(path)
    with np.load(path) as kept:
        sps, pps = kept["sps"].tobytes(), kept["pps"].tobytes()
        track = Track(Codec.H264, CLOCK_RATE, (sps, pps), *form)
        return Clip(track, kept["packets"], kept["starts"], kept["frames"])


def _encode(mbit: float, form: Form) -> list[bytes]:
    """The access units."""
    width, height = form
    context = av.VideoCodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate, context.time_base = Fraction(FPS), Fraction(1, FPS)
    context.bit_rate = int(mbit * 1e6)
    context.options = {
        "preset": "ultrafast",
        "profile": "main",
        "maxrate": str(int(mbit * 1e6)),
        "bufsize": str(int(mbit * 5e5)),
        "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=0:nal-hrd=cbr:force-cfr=1"
        ":repeat-headers=1:aud=0:sliced-threads=0",
    }
    scene = SCENES["street"](width, height, 1)
    noise = np.random.default_rng(1).normal(0, 1.5 + mbit, (height + 128, width + 128)).astype(np.int16)
    canvas = Planes(width, height)
    at = 0
    while not scene.moving(Utc(at)):
        at += 100_000
    units: list[bytes] = []
    for number in range(GOP + FPS * SECONDS):
        scene.draw(canvas, Utc(at + number * 1_000_000 // FPS), number)
        x, y = number * 53 % 128, number * 101 % 128
        canvas.y[:] = np.clip(canvas.y + noise[y : y + height, x : x + width], 16, 235).astype(np.uint8)
        font.write(canvas, f"LOAD {mbit:g} MBIT/S  #{number:03d}", 24, 24, height // 180)
        frame = av.VideoFrame.from_ndarray(canvas.whole, format="yuv420p")
        frame.pts = number
        units.extend(bytes(packet) for packet in context.encode(frame))
    units.extend(bytes(packet) for packet in context.encode(None))
    # The first group fills the rate model's empty buffer, and is twice the size of any other.
    return [with_lengths(unit, Codec.H264) for unit in units[GOP:]]


def _pack(units: list[bytes], form: Form) -> dict[str, Bytes | NDArray[np.int64]]:
    sets = {nal_type(nal, Codec.H264): nal for nal in nals(units[0])}
    cut = packetiser(Track(Codec.H264, CLOCK_RATE, (sets[7], sets[8]), *form))
    data = bytearray()
    starts: list[int] = []
    frames: list[int] = []
    for number, unit in enumerate(units):
        frames.append(len(starts))
        for piece in cut(unit, number % GOP == 0):
            starts.append(len(data))
            size = 12 + len(piece.head) + len(piece.body)
            data += bytes((DOLLAR, 0)) + size.to_bytes(2)
            data += bytes((0x80, PAYLOAD_TYPE | (0x80 if piece.marker else 0))) + bytes(10)
            data += piece.head + piece.body
    return {
        "packets": np.frombuffer(bytes(data), np.uint8),
        "starts": np.array([*starts, len(data)], np.int64),
        "frames": np.array([*frames, len(starts)], np.int64),
        "sps": np.frombuffer(sets[7], np.uint8),
        "pps": np.frombuffer(sets[8], np.uint8),
    }
