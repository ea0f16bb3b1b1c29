"""What a virtual camera hears: a beep at every full second, over a quiet hum. A block's content follows its
number.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

import av
import numpy as np
from numpy.typing import NDArray

from device.media import Codec, Track
from integration.virtual_camera.draw import Floats

BEEP_HERTZ, BEEP_SECONDS = 1000, 0.1


class AudioEncoder(Protocol):
    """Blocks of sound, counted since the camera's epoch: block n begins n x `block` samples after it."""

    track: Track
    block: int  #: samples of a block

    def encode(self, number: int) -> list[tuple[int, bytes]]:
        """(media time, payload) of what is ready once block `number` has been heard. Ask in order."""


def sound(rate: int) -> Floats:
    """One second of it, -1..1."""
    time = np.arange(rate) / rate
    hum = 0.012 * np.sin(2 * np.pi * 120 * time)
    envelope = np.clip(np.minimum(time, BEEP_SECONDS - time) / 0.005, 0, 1)
    return (hum + 0.3 * envelope * np.sin(2 * np.pi * BEEP_HERTZ * time)).astype(np.float32)


class G711:
    """G.711, 40 ms a block. It depends on the place within the second alone, so it is coded once."""

    def __init__(self, codec: Codec) -> None:
        self.track = Track(codec, 8000, channels=1)
        self.block = 320
        law = {Codec.PCMU: mu_law, Codec.PCMA: a_law}[codec]
        self._second = law((sound(8000) * 32767).astype(np.int32))

    def encode(self, number: int) -> list[tuple[int, bytes]]:
        """See `AudioEncoder`."""
        first = number * self.block
        at = first % 8000
        return [(first, self._second[at : at + self.block])]


class Aac:
    """AAC-LC, 16 kHz mono, 1024 samples a block. A block comes out one block late, with its own time."""

    def __init__(self) -> None:
        context = av.AudioCodecContext.create("aac", "w")
        context.sample_rate = 16000
        context.layout = "mono"
        context.format = "fltp"
        context.bit_rate = 32_000
        context.time_base = Fraction(1, 16000)
        context.open()
        self.track = Track(Codec.AAC, 16000, (bytes(context.extradata or b""),), channels=1)
        self.block = 1024
        self._context = context
        self._second = sound(16000)

    def encode(self, number: int) -> list[tuple[int, bytes]]:
        """See `AudioEncoder`."""
        first = number * self.block
        samples = self._second[np.arange(first, first + self.block) % 16000]
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, first
        frame.time_base = Fraction(1, 16000)
        return [
            (packet.pts, bytes(packet)) for packet in self._context.encode(frame) if packet.pts is not None
        ]


def encoder(codec: Codec) -> AudioEncoder:
    """A fresh encoder: AAC, PCMU or PCMA."""
    return Aac() if codec is Codec.AAC else G711(codec)


def mu_law(samples: NDArray[np.int32]) -> bytes:
    """16-bit samples by ITU-T G.711 table 2a/2b, all bits inverted as s3.3 wants."""
    size = np.minimum(np.abs(samples) + 132, 32767)
    segment = np.floor(np.log2(size)).astype(np.int32) - 7
    code = segment << 4 | size >> segment + 3 & 15
    return bytes((~(code | np.where(samples < 0, 128, 0)) & 0xFF).astype(np.uint8))


def a_law(samples: NDArray[np.int32]) -> bytes:
    """16-bit samples by ITU-T G.711 table 1a/1b, even bits inverted as s3.3 wants."""
    size = np.where(samples < 0, -samples - 1, samples)
    segment = np.maximum(np.floor(np.log2(np.maximum(size, 1))).astype(np.int32) - 7, 0)
    code = segment << 4 | size >> np.maximum(segment, 1) + 3 & 15
    return bytes(((code | np.where(samples < 0, 0, 128)) ^ 0x55).astype(np.uint8))
