"""EBML (RFC 8794) as far as a writer needs it, and the identifiers of Matroska's elements (RFC 9559 s5.1)."""

from __future__ import annotations

import struct

EBML = 0x1A45DFA3
DOC_TYPE = 0x4282
DOC_TYPE_VERSION = 0x4287
DOC_TYPE_READ_VERSION = 0x4285

SEGMENT = 0x18538067
SEEK_HEAD = 0x114D9B74
SEEK = 0x4DBB
SEEK_ID = 0x53AB
SEEK_POSITION = 0x53AC

INFO = 0x1549A966
TIMESTAMP_SCALE = 0x2AD7B1
DURATION = 0x4489
DATE_UTC = 0x4461
MUXING_APP = 0x4D80
WRITING_APP = 0x5741

TRACKS = 0x1654AE6B
TRACK_ENTRY = 0xAE
TRACK_NUMBER = 0xD7
TRACK_UID = 0x73C5
TRACK_TYPE = 0x83
FLAG_LACING = 0x9C
LANGUAGE = 0x22B59C
NAME = 0x536E
CODEC_ID = 0x86
CODEC_PRIVATE = 0x63A2
SEEK_PRE_ROLL = 0x56BB
VIDEO = 0xE0
PIXEL_WIDTH = 0xB0
PIXEL_HEIGHT = 0xBA
AUDIO = 0xE1
SAMPLING_FREQUENCY = 0xB5
CHANNELS = 0x9F

CHAPTERS = 0x1043A770
EDITION_ENTRY = 0x45B9
EDITION_FLAG_DEFAULT = 0x45DB
EDITION_FLAG_ORDERED = 0x45DD
CHAPTER_ATOM = 0xB6
CHAPTER_UID = 0x73C4
CHAPTER_TIME_START = 0x91
CHAPTER_TIME_END = 0x92

CUES = 0x1C53BB6B
CUE_POINT = 0xBB
CUE_TIME = 0xB3
CUE_TRACK_POSITIONS = 0xB7
CUE_TRACK = 0xF7
CUE_CLUSTER_POSITION = 0xF1

CLUSTER = 0x1F43B675
TIMESTAMP = 0xE7


def identifier(name: int) -> bytes:
    """An element's ID as it stands in the file: it carries its own length (s5)."""
    return name.to_bytes((name.bit_length() + 7) // 8, "big")


def size(value: int, width: int) -> bytes:
    """An element's size in `width` bytes (s4). It is less than 2**(7 * width) - 1."""
    return (1 << 7 * width | value).to_bytes(width, "big")


def sized(name: int, length: int, width: int) -> bytes:
    """The beginning of an element whose `length` bytes follow."""
    return identifier(name) + size(length, width)


def element(name: int, *parts: bytes) -> bytes:
    """A whole element, its size in as few bytes as it takes."""
    length = sum(map(len, parts))
    width = next(width for width in range(1, 9) if length < (1 << 7 * width) - 1)
    return sized(name, length, width) + b"".join(parts)


def number(name: int, value: int, *, width: int = 0) -> bytes:
    """An unsigned integer (s7.2), in `width` bytes or in as few as it takes."""
    return element(name, value.to_bytes(width or max(1, (value.bit_length() + 7) // 8), "big"))


def real(name: int, value: float) -> bytes:
    """A float of 64 bits (s7.3)."""
    return element(name, struct.pack(">d", value))


def text(name: int, value: str) -> bytes:
    """A string (s7.4, s7.5)."""
    return element(name, value.encode())
