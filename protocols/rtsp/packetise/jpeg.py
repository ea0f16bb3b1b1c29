"""JPEG in RTP, RFC 2435: baseline, 4:2:2 or 4:2:0, the Huffman tables of ISO/IEC 10918-1 annex K.

The receiver rebuilds the headers, so a picture that needs others cannot travel: it is refused as
`Unsendable`.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

from device.media import Track
from protocols.rtsp.packetise.piece import PAYLOAD_LIMIT, Packetiser, Piece

_SOF0, _DHT, _SOI, _EOI, _SOS, _DQT, _DRI = 0xC0, 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD
_SIZE_LIMIT = 2040  #: pixels, either way (RFC 2435 s3.1.5)
_TYPES = {0x21: 0, 0x22: 1}  #: sampling factors of the luminance component -> type (RFC 2435 s4.1)
_STANDARD = {  #: table class and id -> beginning of the SHA-256 of counts and symbols, annex K.3.3
    0x00: "2f66814c875b5317",
    0x01: "602f734c8c12c1d9",
    0x10: "a6283a08f5d97906",
    0x11: "13f90e3c9dc476c6",
}
_MAIN = struct.Struct(">IBBBB")
_RESTART = struct.Struct(">HH")
_TABLES = struct.Struct(">BBH")


class Unsendable(ValueError):
    """The payload format has no room for this picture."""


@dataclass(slots=True)
class _Picture:
    type: int = -1
    width: int = 0
    height: int = 0
    restart: int = 0  #: MCUs between restart markers; 0 for none
    tables: dict[int, bytes] = field(default_factory=dict)  #: quantisation, 64 octets each
    used: tuple[int, int] = (0, 1)  #: table of luminance, of chrominance
    scan: memoryview = field(default_factory=lambda: memoryview(b""))


def packetiser(_track: Track) -> Packetiser:
    """Tables travel in the first packet of every picture (Q = 255)."""
    return _cut


def _cut(data: bytes | memoryview, _key: bool) -> list[Piece]:
    picture = _read(memoryview(data))
    kind = picture.type + (64 if picture.restart else 0)
    # Sizes travel in blocks of 8; what is coded fills the last block in any case.
    shape = bytes((kind, 255, -(-picture.width // 8), -(-picture.height // 8)))
    # F and L set: a picture is one run of restart intervals, cut anywhere (RFC 2435 s3.1.7).
    restart = _RESTART.pack(picture.restart, 0xFFFF) if picture.restart else b""
    tables = b"".join(picture.tables[n] for n in picture.used)
    first = restart + _TABLES.pack(0, 0, len(tables)) + tables
    pieces: list[Piece] = []
    at, size = 0, len(picture.scan)
    while at < size:
        head = at.to_bytes(4, "big") + shape + (restart if at else first)
        end = at + PAYLOAD_LIMIT - len(head)
        pieces.append(Piece(head, picture.scan[at:end], end >= size))
        at = end
    return pieces


def _read(view: memoryview) -> _Picture:
    picture = _Picture()
    if len(view) > 0xFF_FFFF or bytes(view[:2]) != bytes((0xFF, _SOI)):
        raise Unsendable("not a JPEG picture of less than 16 MB")
    at = 2
    while at + 4 <= len(view):
        if view[at] != 0xFF:
            raise Unsendable("a marker is missing")
        marker = view[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + int.from_bytes(view[at + 2 : at + 4], "big")
        body = bytes(view[at + 4 : end])
        if end > len(view) or end < at + 4:
            raise Unsendable("a segment is cut off")
        if marker == _DQT:
            _quantisation(picture, body)
        elif marker == _SOF0:
            _frame(picture, body)
        elif marker == _DHT:
            _huffman(body)
        elif marker == _DRI and len(body) >= 2:
            picture.restart = int.from_bytes(body[:2], "big")
        elif 0xC1 <= marker <= 0xCF:
            raise Unsendable("not baseline")
        elif marker == _SOS:
            return _scan(picture, body, view[end:])
        at = end
    raise Unsendable("no scan")


def _quantisation(picture: _Picture, body: bytes) -> None:
    at = 0
    while at < len(body):
        if body[at] >> 4 or len(body) < at + 65:
            raise Unsendable("quantisation tables of 16 bits")
        picture.tables[body[at] & 0x0F] = body[at + 1 : at + 65]
        at += 65


def _frame(picture: _Picture, body: bytes) -> None:
    if len(body) < 15 or body[0] != 8 or body[5] != 3:
        raise Unsendable("not three components of 8 bits")
    picture.height, picture.width = struct.unpack_from(">HH", body, 1)
    if not (0 < picture.width <= _SIZE_LIMIT and 0 < picture.height <= _SIZE_LIMIT):
        raise Unsendable(f"{picture.width}x{picture.height}, the limit is {_SIZE_LIMIT}")
    (y, u, v) = (body[6 + 3 * n : 9 + 3 * n] for n in range(3))
    if y[1] not in _TYPES or u[1] != 0x11 or v[1] != 0x11 or u[2] != v[2]:
        raise Unsendable("neither 4:2:2 nor 4:2:0")
    picture.type, picture.used = _TYPES[y[1]], (y[2], u[2])


def _huffman(body: bytes) -> None:
    at = 0
    while at + 17 <= len(body):
        end = at + 17 + sum(body[at + 1 : at + 17])
        if _STANDARD.get(body[at]) != hashlib.sha256(body[at + 1 : end]).hexdigest()[:16]:
            raise Unsendable("Huffman tables of its own")
        at = end


def _scan(picture: _Picture, body: bytes, rest: memoryview) -> _Picture:
    selectors = (body[2], body[4], body[6]) if len(body) >= 7 and body[0] == 3 else ()
    if (
        picture.type < 0
        or selectors != (0x00, 0x11, 0x11)
        or any(n not in picture.tables for n in picture.used)
    ):
        raise Unsendable("the scan does not fit RFC 2435")
    tail = bytes(rest[-64:]).rfind(bytes((0xFF, _EOI)))
    picture.scan = rest[: len(rest) - min(64, len(rest)) + tail] if tail >= 0 else rest
    return picture
