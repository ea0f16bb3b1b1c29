"""The packed index of a segment: where each fragment lies, when it begins, and whether a decoder can start
there.

A row per fragment would make the catalogue sixty times as long; packed, a minute takes about 360 bytes.
Layout, all LEB128 varints: the head's length, then per fragment a zigzag delta of UTC (against the fragment
before; the first against the segment's beginning), and its length with two flags. Lengths are in blocks of
4096 bytes, as files are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from device.media import Utc

BLOCK = 4096  #: bytes; heads and fragments are multiples of it
_KEY, _DAMAGED = 1, 2


class FragmentRow(NamedTuple):
    """One fragment as the catalogue knows it. A tuple, because an hour of a camera has thousands."""

    offset: int  #: bytes from the beginning of the file
    length: int  #: bytes, a multiple of 4096
    utc: Utc  #: of its first sample
    key: bool  #: begins with a key frame
    damaged: bool  #: holds samples after a loss


class BadIndex(ValueError):
    """The bytes are not a packed index."""


def varint(value: int) -> bytes:
    """LEB128 of a non-negative integer."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value: int) -> int:
    """Signed to unsigned, small staying small."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def begin(head: int) -> bytes:
    """The index of a segment that has only its head of `head` bytes."""
    return varint(_blocks(head))


def entry(delta: int, length: int, key: bool, damaged: bool) -> bytes:
    """One more fragment of `length` bytes, `delta` microseconds after the one before."""
    return varint(zigzag(delta)) + varint(
        _blocks(length) << 2 | (_KEY if key else 0) | (_DAMAGED if damaged else 0)
    )


def pack(rows: Sequence[FragmentRow], t0: Utc) -> bytes:
    """The inverse of `unpack`. `rows` is not empty, and what they say of offsets is believed only of the
    first."""
    out, last = begin(rows[0].offset), t0
    for row in rows:
        out += entry(row.utc - last, row.length, row.key, row.damaged)
        last = row.utc
    return out


def _blocks(length: int) -> int:
    if length < 0 or length % BLOCK:
        raise BadIndex(f"{length} bytes are not whole blocks of {BLOCK}")
    return length // BLOCK


def _varints(data: bytes) -> list[int]:
    out: list[int] = []
    value = shift = 0
    for byte in data:
        if byte < 0x80:
            out.append(value | byte << shift)
            value = shift = 0
            continue
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > 63:
            raise BadIndex("a varint of more than 64 bits")
    if shift:
        raise BadIndex("the index ends within a varint")
    return out


def unpack(data: bytes, t0: Utc) -> tuple[FragmentRow, ...]:
    """The fragments of a segment that begins at `t0`, in the order of the file. Raises BadIndex."""
    if not data:
        return ()
    numbers = _varints(data)
    if not len(numbers) % 2:
        raise BadIndex("the index ends within a fragment")
    offset, utc = numbers[0] * BLOCK, int(t0)
    rows = []
    for delta, size in zip(numbers[1::2], numbers[2::2], strict=True):
        utc += delta >> 1 if not delta & 1 else -(delta + 1 >> 1)
        length = (size >> 2) * BLOCK
        rows.append(FragmentRow(offset, length, Utc(utc), size & _KEY == _KEY, size & _DAMAGED == _DAMAGED))
        offset += length
    return tuple(rows)
