"""JPEG in RTP, RFC 2435: scans without their headers, which are rebuilt here. Pure.

Types 0 and 1 (4:2:2 and 4:2:0, with or without restart markers), tables from Q (s4.2) or in band (s3.1.8).
Frames larger than 2040 pixels take their size from the description, since the header cannot tell it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from device.cameras.source import Reception
from protocols.rtsp.rtp import MalformedPacket

FRAME_LIMIT = 8 * 1024 * 1024  #: octets
_HEAD = struct.Struct(">IBBBB")

#: ISO/IEC 10918-1 tables K.1 and K.2 in zigzag order, as RFC 2435 appendix A scales them.
_LUMA = bytes.fromhex(
    "100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933383740485c4e4044"
    "57453738506d51575f626768"
    "673e4d71797064785c656763"
)
_CHROMA = bytes.fromhex(
    "1112121815182f1a1a2f634238426363636363636363636363636363636363636363636363636363"
    "636363636363636363636363"
    "636363636363636363636363"
)
#: ISO/IEC 10918-1 tables K.3 to K.6: class and number, codes of each length, symbols.
_HUFFMAN = tuple(
    (kind, bytes.fromhex(counts), bytes.fromhex(symbols))
    for kind, counts, symbols in (
        (
            0x00,
            "00010501010101010100000000000000",
            "000102030405060708090a0b",
        ),
        (
            0x10,
            "0002010303020403050504040000017d",
            (
                "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a16"
                "1718191a25262728292a3435363738393a434445464748494a535455565758595a63646566676869"
                "6a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6"
                "b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8"
                "f9fa"
            ),
        ),
        (
            0x01,
            "00030101010101010101010000000000",
            "000102030405060708090a0b",
        ),
        (
            0x11,
            "00020102040403040705040400010277",
            (
                "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434"
                "e125f11718191a262728292a35363738393a434445464748494a535455565758595a636465666768"
                "696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4"
                "b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8"
                "f9fa"
            ),
        ),
    )
)


class Jpeg:
    """Puts frames together."""

    __slots__ = (
        "_begun",
        "_broken",
        "_deliver",
        "_reception",
        "_scan",
        "_shown",
        "_size",
        "_tables",
        "_timestamp",
    )

    def __init__(
        self,
        size: tuple[int, int],
        reception: Reception,
        deliver: Callable[[int, bytes, tuple[int, int]], None],
    ) -> None:
        """`size` in pixels as the description tells it, or zeros. `deliver(timestamp, file, size)`."""
        self._size = self._shown = size
        self._reception = reception
        self._deliver = deliver
        self._begun = bytearray()
        self._broken = True  # until a frame begins
        self._tables: dict[int, bytes] = {}  # of the Q values 128 to 254, which need not come again
        self._timestamp = -1
        self._scan = 0  # octets of the scan so far

    def packet(self, view: memoryview, start: int, end: int, timestamp: int, marker: bool) -> None:
        """One payload. A malformed one is counted, and its frame dropped."""
        try:
            self._take(view, start, end, timestamp)
        except MalformedPacket:
            self._reception.malformed += 1
            self._broken = True
        if marker:
            self._finish()

    def lost(self) -> None:
        """Packets are missing: the frame that was begun is not whole."""
        self._broken = True

    def _take(self, view: memoryview, start: int, end: int, timestamp: int) -> None:
        if end - start < _HEAD.size:
            raise MalformedPacket("JPEG header beyond the packet")
        offset, kind, quality, width, height = _HEAD.unpack_from(view, start)
        offset &= 0xFF_FFFF
        at = start + _HEAD.size
        if timestamp != self._timestamp and self._begun:
            self._finish()
        interval = 0
        if 64 <= kind <= 127:
            if end - at < 4:
                raise MalformedPacket("restart header beyond the packet")
            interval = view[at] << 8 | view[at + 1]
            at += 4
        if kind & 0x3F > 1 or kind > 127:
            raise MalformedPacket(f"JPEG type {kind}")
        if offset == 0:
            tables, at = self._quantisation(view, at, end, quality)
            size = (width * 8 or self._size[0], height * 8 or self._size[1])
            self._begun[:] = file_header(kind & 1, size, tables, interval)
            self._shown = size
            self._timestamp = timestamp
            self._broken = False
            self._scan = 0
        elif self._broken or timestamp != self._timestamp:
            self._broken = True
            return
        if offset != self._scan or len(self._begun) + end - at > FRAME_LIMIT:
            raise MalformedPacket("JPEG fragment out of place, or frame too large")
        self._begun += view[at:end]
        self._scan += end - at

    def _quantisation(self, view: memoryview, at: int, end: int, quality: int) -> tuple[bytes, int]:
        """The luma and the chroma table, 64 octets each, and where the scan begins."""
        if 1 <= quality <= 99:
            return scaled_tables(quality), at
        if quality < 128:
            raise MalformedPacket(f"JPEG Q of {quality}")
        if end - at < 4:
            raise MalformedPacket("quantisation table header beyond the packet")
        precision, length = view[at + 1], view[at + 2] << 8 | view[at + 3]
        at += 4
        if length == 0 and quality != 255 and quality in self._tables:
            return self._tables[quality], at
        if precision or length not in (64, 128) or at + length > end:
            raise MalformedPacket(f"quantisation tables of {length} octets, precision {precision}")
        tables = bytes(view[at : at + length])
        tables = tables if length == 128 else tables * 2
        self._tables[quality] = tables
        return tables, at + length

    def _finish(self) -> None:
        if self._broken:
            self._reception.dropped += 1
        elif self._begun:
            if self._begun[-2:] != b"\xff\xd9":
                self._begun += b"\xff\xd9"
            self._deliver(self._timestamp, bytes(self._begun), self._shown)
        self._begun.clear()
        self._broken = True


def scaled_tables(quality: int) -> bytes:
    """The tables of a Q of 1 to 99, RFC 2435 s4.2 and appendix A."""
    factor = 5000 // quality if quality < 50 else 200 - 2 * quality
    return bytes(max(1, min(255, (value * factor + 50) // 100)) for value in _LUMA + _CHROMA)


def file_header(kind: int, size: tuple[int, int], tables: bytes, interval: int) -> bytes:
    """Everything of a JPEG interchange file up to the scan, RFC 2435 appendix B.

    `kind`: 0 is 4:2:2, 1 is 4:2:0. Raises MalformedPacket where the size is not known.
    """
    width, height = size
    if not 0 < width < 1 << 16 or not 0 < height < 1 << 16:
        raise MalformedPacket("the size of the frame is not known")
    parts = [b"\xff\xd8"]
    parts += [b"\xff\xdb\0\x43\0" + tables[:64], b"\xff\xdb\0\x43\1" + tables[64:]]
    if interval:
        parts.append(struct.pack(">HHH", 0xFFDD, 4, interval))
    sampling = 0x22 if kind else 0x21
    parts.append(struct.pack(">HHBHHB", 0xFFC0, 17, 8, height, width, 3))
    parts.append(bytes((1, sampling, 0, 2, 0x11, 1, 3, 0x11, 1)))
    parts += [
        struct.pack(">HHB", 0xFFC4, 19 + len(symbols), table) + counts + symbols
        for table, counts, symbols in _HUFFMAN
    ]
    parts.append(b"\xff\xda\0\x0c\3\1\0\2\x11\3\x11\0\x3f\0")
    return b"".join(parts)
