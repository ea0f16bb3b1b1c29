"""FLAC (RFC 9639) as far as it carries sound without loss to a browser: frames that are verbatim or constant. Pure.

No bit is saved by it: what matters is that browsers take 16-bit samples of any rate in this form, that it costs next to
nothing to make, and that it keeps a packet's samples exactly as many as they were.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from device.recording.mp4 import audio_entry, full

MOST_CHANNELS = 8
LEAST, MOST = 16, 4096  #: samples of a frame (s8.2: at least 16, but for the last of a stream)

_LAST_STREAMINFO = 0x80 << 24 | 34  # header of a metadata block (s8.1): the last, of type 0, 34 octets
_SYNC_VARIABLE = 0xFFF9  # s9.1: the frames are of various lengths, and say which sample is their first
_LENGTH_16_RATE_TOLD = 0x70  # s9.1.1, s9.1.2: the length follows in 16 bits, the rate stands in STREAMINFO
_BITS_16 = 4 << 1  # s9.1.4
_CONSTANT, _VERBATIM = b"\0", b"\2"  # s9.2.1, with the bit for wasted bits clear
_NUMBERS = (
    1 << 31
)  # s9.1.5 has 36 bits; libavcodec reads no more. A browser goes by the times of the container


def sample_entry(rate: int, channels: int) -> bytes:
    """`fLaC` with its `dfLa` (Encapsulation of FLAC in ISO BMFF s3.3.1, s3.3.2)."""
    shape = rate << 44 | channels - 1 << 41 | 15 << 36  # s8.2: and how many samples there will be: not known
    told = struct.pack(">HH6xQ16x", LEAST, MOST, shape)
    return audio_entry(
        b"fLaC", rate, channels, 16, full(b"dfLa", 0, 0, struct.pack(">I", _LAST_STREAMINFO), told)
    )


def frame(channels: Sequence[bytes], first: int) -> bytes:
    """A frame (s9): samples in 16 bits, big-endian, of each channel as many, at most `MOST`.

    `first`: the number of the first since the stream began."""
    count = len(channels[0]) // 2
    shape = (len(channels) - 1) << 4 | _BITS_16
    head = struct.pack(">HBB", _SYNC_VARIABLE, _LENGTH_16_RATE_TOLD, shape)
    head += _coded(first % _NUMBERS) + struct.pack(">H", count - 1)
    parts = [head, bytes([_crc8(head)])]
    for samples in channels:
        if samples == samples[:2] * count:
            parts += [_CONSTANT, samples[:2]]
        else:
            parts += [_VERBATIM, samples]
    whole = b"".join(parts)
    return whole + struct.pack(">H", _crc16(whole))


def _coded(number: int) -> bytes:
    """A number in the manner of UTF-8 (s9.1.5)."""
    if number < 0x80:
        return bytes([number])
    tail: list[int] = []
    room = 0x3F  # what the first octet takes
    while number > room:
        tail.append(0x80 | number & 0x3F)
        number >>= 6
        room >>= 1
    first = 0xFF & ~(room << 1 | 1) | number
    return bytes([first, *reversed(tail)])


def _table(polynomial: int, width: int) -> tuple[int, ...]:
    top, mask = 1 << (width - 1), (1 << width) - 1
    out = []
    for octet in range(256):
        rest = octet << (width - 8)
        for _ in range(8):
            rest = (rest << 1 ^ (polynomial if rest & top else 0)) & mask
        out.append(rest)
    return tuple(out)


_CRC8, _CRC16 = _table(0x07, 8), _table(0x8005, 16)


def _crc8(data: bytes) -> int:
    """Of a frame's header (s9.1.8)."""
    rest = 0
    for octet in data:
        rest = _CRC8[rest ^ octet]
    return rest


def _crc16(data: bytes) -> int:
    """Of a whole frame (s9.3)."""
    rest = 0
    for octet in data:
        rest = rest << 8 & 0xFFFF ^ _CRC16[rest >> 8 ^ octet]
    return rest
