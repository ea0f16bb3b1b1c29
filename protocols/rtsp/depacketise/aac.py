"""AAC in RTP, RFC 3640, modes AAC-hbr and AAC-lbr: several access units in a packet, or one over several.
Pure.

Interleaved units (an AU-Index or a delta that is not 0, s3.2.3.2) are refused: no camera was seen to send
them.
"""

from __future__ import annotations

from collections.abc import Callable

from device.cameras.source import Reception
from protocols.rtsp.rtp import MalformedPacket

UNIT_LIMIT = 64 * 1024  #: octets
UNITS_LIMIT = 64  #: of one packet


class Aac:
    """Takes access units out of payloads."""

    __slots__ = ("_begun", "_deliver", "_duration", "_layout", "_reception", "_timestamp", "_wanted")

    def __init__(
        self,
        layout: tuple[int, int, int],
        duration: int,
        reception: Reception,
        deliver: Callable[[int, bytes], None],
    ) -> None:
        """`layout`: bits of AU-size, AU-Index, AU-Index-delta. `duration` of one unit in ticks."""
        self._layout = layout
        self._duration = duration
        self._reception = reception
        self._deliver = deliver
        self._begun = bytearray()  # of a unit that came in part
        self._wanted = 0  # its size, 0 while there is none
        self._timestamp = 0

    def packet(self, view: memoryview, start: int, end: int, timestamp: int, _marker: bool) -> None:
        """One payload. A malformed one is counted and dropped."""
        try:
            sizes, at = self._headers(view, start, end)
        except MalformedPacket:
            self._reception.malformed += 1
            self._wanted = 0
            return
        if len(sizes) == 1 and sizes[0] > end - at:
            self._fragment(sizes[0], view[at:end], timestamp)
            return
        if self._wanted and len(sizes) == 1 and sizes[0] == self._wanted and timestamp == self._timestamp:
            self._wanted = 0  # a unit sent whole after a part of it
        elif self._wanted:
            self._reception.dropped += 1
            self._wanted = 0
        for number, size in enumerate(sizes):
            if at + size > end:
                self._reception.malformed += 1
                return
            if size:
                when = (timestamp + number * self._duration) & 0xFFFF_FFFF
                self._deliver(when, bytes(view[at : at + size]))
            at += size

    def lost(self) -> None:
        """Packets are missing: a unit that was begun stays incomplete."""
        if self._wanted:
            self._reception.dropped += 1
            self._wanted = 0

    def _headers(self, view: memoryview, start: int, end: int) -> tuple[list[int], int]:
        """The sizes that the AU headers tell (s3.2.1), and where the data begins."""
        if end - start < 2:
            raise MalformedPacket("no AU headers length")
        bits = view[start] << 8 | view[start + 1]
        at = start + 2
        octets = (bits + 7) // 8
        if not bits or at + octets > end:
            raise MalformedPacket("AU headers beyond the packet")
        headers = int.from_bytes(view[at : at + octets], "big") >> (8 * octets - bits)
        size_bits, index_bits, delta_bits = self._layout
        sizes: list[int] = []
        while bits > 0:
            number_bits = delta_bits if sizes else index_bits
            bits -= size_bits + number_bits
            if bits < 0 or len(sizes) >= UNITS_LIMIT:
                raise MalformedPacket("AU headers of an odd length")
            header = headers >> bits & ((1 << (size_bits + number_bits)) - 1)
            if header & ((1 << number_bits) - 1):
                raise MalformedPacket("interleaved access units")
            sizes.append(header >> number_bits)
        return sizes, at + octets

    def _fragment(self, size: int, part: memoryview, timestamp: int) -> None:
        """A part of a unit (s3.2.3.1): each carries the size of the whole."""
        if self._wanted and (size != self._wanted or timestamp != self._timestamp):
            self._reception.dropped += 1
            self._wanted = 0
        if size > UNIT_LIMIT:
            self._reception.malformed += 1
            return
        if not self._wanted:
            self._begun.clear()
            self._wanted = size
            self._timestamp = timestamp
        self._begun += part
        if len(self._begun) >= size:
            if len(self._begun) == size:
                self._deliver(timestamp, bytes(self._begun))
            else:
                self._reception.malformed += 1
            self._wanted = 0
