"""The telephone's codecs as 16-bit samples: G.711 (ITU-T G.711) and G.726 (its module). Pure."""

from __future__ import annotations

import struct
from collections.abc import Callable

from device.media import Codec, Track
from protocols.mse.g726 import G726

#: Payload of a packet to samples in 16 bits, big-endian, of each channel as many. Any octets are a payload; one that
#: ends within a sample loses that one.
Decode = Callable[[bytes], tuple[bytes, ...]]


def _mu_law(code: int) -> int:
    """Table 2a/2b, with all bits inverted (s3.3)."""
    code ^= 0xFF
    size = ((code & 15) << 3 | 0x84) << (code >> 4 & 7)
    return 0x84 - size if code & 0x80 else size - 0x84


def _a_law(code: int) -> int:
    """Table 1a/1b, with even bits inverted (s3.3)."""
    code ^= 0x55
    segment = code >> 4 & 7
    size = (code & 15) << 4 | 8
    if segment:
        size = (size | 0x100) << (segment - 1)
    return size if code & 0x80 else -size


class _G711:
    """An octet is a sample; channels take turns (RFC 3551 s4.1)."""

    def __init__(self, law: Callable[[int], int], channels: int) -> None:
        samples = [struct.pack(">h", law(code)) for code in range(256)]
        self._high = bytes(sample[0] for sample in samples)
        self._low = bytes(sample[1] for sample in samples)
        self._channels = channels

    def __call__(self, data: bytes) -> tuple[bytes, ...]:
        """`Decode`."""
        data = data[: len(data) - len(data) % self._channels]
        return tuple(self._one(data[n :: self._channels]) for n in range(self._channels))

    def _one(self, data: bytes) -> bytes:
        out = bytearray(2 * len(data))
        out[0::2] = data.translate(self._high)
        out[1::2] = data.translate(self._low)
        return bytes(out)


#: Codecs that no browser plays, and that are little to decode.
DECODERS: dict[Codec, Callable[[Track], Decode]] = {
    Codec.PCMU: lambda track: _G711(_mu_law, track.channels or 1),
    Codec.PCMA: lambda track: _G711(_a_law, track.channels or 1),
    Codec.G726: lambda track: G726(track.bits),
}
