"""The packed index of a segment: where each fragment lies, when it begins, and whether a decoder can start
there.

A row per fragment would make the catalogue sixty times as long; packed, a minute takes about 360 bytes.
Layout, all LEB128 varints: the head's length, then per fragment a zigzag delta of UTC (against the fragment
before; the first against the segment's beginning), and its length with two flags. Lengths are in blocks of
4096 bytes, as files are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, overload

from device.media import Utc

BLOCK = 4096  #: bytes; heads and fragments are multiples of it
_KEY, _DAMAGED = 1, 2
_LONGEST = 63  #: bits of a number
_new = tuple.__new__  # what FragmentRow(...) does, a third of its time


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


def unpack(data: bytes, t0: Utc) -> tuple[FragmentRow, ...]:
    """The fragments of a segment that begins at `t0`, in the order of the file. Raises BadIndex."""
    if not data:
        return ()
    octets = iter(data)
    try:
        return tuple(_rows(octets, octets.__next__, int(t0)))
    except StopIteration:
        raise BadIndex("the index ends within a fragment") from None


def _rows(octets: Iterator[int], take: Callable[[], int], utc: int) -> list[FragmentRow]:
    """Written out, because an hour of a camera has ten thousand numbers, nearly all of two or three octets."""
    offset = _varint(take) * BLOCK
    rows: list[FragmentRow] = []
    for byte in octets:
        delta, shift = byte & 0x7F, 7
        while byte > 0x7F:
            byte = take()
            delta |= (byte & 0x7F) << shift
            shift += 7
        size = take()
        if size > 0x7F:
            byte = take()
            size = size & 0x7F | (byte & 0x7F) << 7
            if byte > 0x7F:
                size |= _varint(take) << 14
        if shift > _LONGEST or size >> _LONGEST:
            raise BadIndex(f"a varint of more than {_LONGEST} bits")
        utc += -(delta + 1 >> 1) if delta & 1 else delta >> 1
        length = (size >> 2) * BLOCK
        rows.append(
            _new(FragmentRow, (offset, length, utc, size & _KEY == _KEY, size & _DAMAGED == _DAMAGED))
        )
        offset += length
    return rows


def _varint(take: Callable[[], int]) -> int:
    value = shift = 0
    while (byte := take()) > 0x7F:
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > _LONGEST:
            raise BadIndex(f"a varint of more than {_LONGEST} bits")
    return value | byte << shift


class Fragments(Sequence[FragmentRow]):
    """The fragments of a segment, unpacked when one of them is looked at: who asks for a day's segments plays a few of
    them. Equal to a tuple of the same rows. Looking raises BadIndex."""

    __slots__ = ("_packed", "_rows", "_t0")

    def __init__(self, packed: bytes, t0: Utc) -> None:
        self._packed = packed
        self._t0 = t0
        self._rows: tuple[FragmentRow, ...] | None = None

    @property
    def rows(self) -> tuple[FragmentRow, ...]:
        """All of them."""
        if self._rows is None:
            self._rows = unpack(self._packed, self._t0)
        return self._rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> FragmentRow: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[FragmentRow, ...]: ...

    def __getitem__(self, at: int | slice) -> FragmentRow | tuple[FragmentRow, ...]:
        return self.rows[at]

    def __iter__(self) -> Iterator[FragmentRow]:
        return iter(self.rows)

    def __reversed__(self) -> Iterator[FragmentRow]:
        return reversed(self.rows)

    def __eq__(self, other: object) -> bool:
        return self.rows == (other.rows if isinstance(other, Fragments) else other)

    def __hash__(self) -> int:
        return hash(self.rows)
