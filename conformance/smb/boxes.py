"""Segment files, read by ISO/IEC 14496-12 and, for the two boxes of our own, docs/design/recording.md. Pure."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

IDENTITY = UUID("8f1d6f5a-5d0b-4c1e-9a57-48464431feed").bytes
CLOSING = b"HFD1"


class Broken(Exception):
    """The file is not what it should be; the message says where."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box."""

    kind: bytes
    start: int
    payload: int  #: where its content begins
    end: int


def boxes(data: bytes) -> Iterator[Box]:
    """Those of the file, one behind the other, to its end. Raises Broken (s4.2)."""
    at = 0
    while at < len(data):
        if len(data) - at < 8:
            raise Broken(f"{len(data) - at} octets at {at} are no box")
        size, kind = struct.unpack_from(">I4s", data, at)
        payload = at + 8
        if size == 1 and len(data) - at >= 16:
            (size,) = struct.unpack_from(">Q", data, payload)
            payload += 8
        if size < payload - at or at + size > len(data):
            raise Broken(
                f"the box {kind.decode('latin-1')!r} at {at} says {size} octets; {len(data) - at} are left"
            )
        yield Box(kind, at, payload, at + size)
        at += size


def beginning(data: bytes) -> bytes:
    """What is whole of a file that is being written: up to the end of its last closed fragment."""
    end = 0
    try:
        for box in boxes(data):
            if box.kind == b"free" or (not end and box.kind == b"uuid"):
                end = box.end
    except Broken:
        pass  # it is written further on
    return data[:end]


def identity(data: bytes) -> dict[str, Any]:  # Any: as JSON is
    """What a segment says of itself. Raises Broken."""
    for box in boxes(data):
        if box.kind == b"uuid" and data[box.payload : box.payload + 16] == IDENTITY:
            said = data[box.payload + 20 : box.end]
            if zlib.crc32(said) != int.from_bytes(data[box.payload + 16 : box.payload + 20]):
                raise Broken("the identity box does not match its checksum")
            read = json.loads(said)
            if not isinstance(read, dict):
                raise Broken("the identity box holds no JSON object")
            return read
    raise Broken("there is no identity box")


def fragments(data: bytes) -> int:
    """How many fragments there are, each with the checksum that stands behind it. Raises Broken."""
    number, start = 0, -1
    for box in boxes(data):
        if box.kind == b"prft":
            start = box.start
        elif box.kind == b"mdat":
            number += 1
            _closed(data, start, box)
            start = -1
    return number


def _closed(data: bytes, start: int, media: Box) -> None:
    at = media.end
    if start < 0 or data[at + 4 : at + 12] != b"free" + CLOSING:
        raise Broken(f"the media at {media.start} are not closed")
    fields = data[at + 12 : at + 24]
    head, whole = struct.unpack_from(">II", data, at + 24)
    crc = zlib.crc32(data[start : media.payload], zlib.crc32(fields))
    if crc != head:
        raise Broken(f"the head of the fragment at {start} does not match its checksum")
    if zlib.crc32(data[media.payload : media.end], crc) != whole:
        raise Broken(f"the media at {media.start} do not match their checksum")
