"""The last box of a fragment: a `free` box that says that the fragment before it is whole.

    size | "free" | "HFD1" | number | length | flags | CRC of the head | CRC of all | zeros to the next 4096

All numbers are unsigned, 32 bits, big-endian. `length` is the fragment's, a multiple of 4096, this box
included. The CRC (zlib's) runs over number, length and flags, then over `prft`, `moof` and the header of
`mdat`: so far "of the head", which a reader can check without reading the media; and on over the media:
"of all".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from zlib_ng.zlib_ng import crc32

ALIGN = 4096  #: every fragment begins and ends at a multiple of this
SIZE = 32  #: bytes, without the zeros
MAGIC = b"HFD1"
KEY = 1  #: flag: begins with a key frame of the leading track
DAMAGED = 2  #: flag: holds samples before which packets were lost
LEAD = 4  #: flag: holds samples of the session's leading track

_BOX = struct.Struct(">I4s4sIIIII")
_FIELDS = struct.Struct(">III")


@dataclass(frozen=True, slots=True)
class Trailer:
    """What the trailing box says."""

    number: int
    length: int
    flags: int
    head_crc: int
    crc: int

    def seed(self) -> int:
        """Where the CRC begins: with this box's own fields."""
        return seed(self.number, self.length, self.flags)


def seed(number: int, length: int, flags: int) -> int:
    """The CRC of number, length and flags, with which the CRC of the head goes on."""
    return crc32(_FIELDS.pack(number, length, flags))


def write(memory: memoryview, at: int, end: int, trailer: Trailer) -> None:
    """Lay the box down from `at` to `end` (at least SIZE bytes)."""
    _BOX.pack_into(
        memory,
        at,
        end - at,
        b"free",
        MAGIC,
        trailer.number,
        trailer.length,
        trailer.flags,
        trailer.head_crc,
        trailer.crc,
    )
    memory[at + SIZE : end] = bytes(end - at - SIZE)


def read(data: bytes | memoryview, at: int) -> tuple[int, Trailer] | None:
    """The size of the box at `at` and what it says; None where there is no such box."""
    if len(data) - at < SIZE:
        return None
    size, kind, magic, *fields = _BOX.unpack_from(data, at)
    if kind != b"free" or magic != MAGIC or not SIZE <= size < SIZE + ALIGN:
        return None
    return size, Trailer(*fields)
