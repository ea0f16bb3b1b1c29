"""One RTP source of a session: order, loss, and the statistics of its receiver reports (RFC 3550 s6.4, A).
Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Protocol

from device.cameras.source import Reception
from protocols.rtsp.reorder import Reorder
from protocols.rtsp.rtcp import ReportBlock, SenderReport
from protocols.rtsp.rtp import MalformedPacket, payload_bounds

MAX_DROPOUT = 3000  #: packets, RFC 3550 A.1: a greater gap is a restart of the source
MAX_MISORDER = 100
_FIELDS = struct.Struct(">BHII")


class Depacketiser(Protocol):
    """Turns payloads, in order of sequence, into access units."""

    def packet(self, view: memoryview, start: int, end: int, timestamp: int, marker: bool, /) -> None:
        """One payload, `view[start:end]`. Counts what it cannot use; raises nothing."""

    def lost(self) -> None:
        """Packets are missing between the last one and the next."""


class Receiver:
    """Receives one track. Over TCP nothing is reordered, so what is missing is lost at once; over UDP a
    `Reorder` waits for it.
    """

    __slots__ = (
        "_clock_rate",
        "_depacketiser",
        "_jitter",
        "_lost",
        "_payload_type",
        "_reception",
        "_reorder",
        "_report",
        "_reported",
        "_tell_lost",
        "_transit",
        "arrival",
        "cycles",
        "expected",
        "first",
        "packets",
        "ssrc",
    )

    def __init__(
        self,
        payload_type: int,
        clock_rate: int,
        depacketiser: Depacketiser,
        reception: Reception,
        tell_lost: Callable[[int], None],
        reorder: Reorder | None,
    ) -> None:
        """`tell_lost(packets)` hears of every gap."""
        self._payload_type = payload_type
        self._clock_rate = clock_rate
        self._depacketiser = depacketiser
        self._reception = reception
        self._tell_lost = tell_lost
        self._reorder = reorder
        self._lost = 0
        self._jitter = 0.0
        self._transit = 0.0
        self._reported = (0, 0)  # packets expected and received at the last report
        self._report: tuple[int, float] | None = None  # middle of the last NTP time, and its arrival
        self.arrival = 0.0  #: monotonic time of what is being received; the owner sets it
        self.cycles = 0  #: wraps of the sequence number
        self.expected = -1  #: sequence number of the next packet; -1 before the first
        self.first = 0
        self.packets = 0
        self.ssrc = -1

    def foretells(self, word: int) -> bool:
        """Whether the packet whose first four octets end this word was the last one taken, and nothing is
        held back: then the next in sequence may go past `packet`, by `took`. Not so with a marker in the
        middle of a NAL unit.
        """
        return (
            (word + 1) & 0xFFFF == self.expected
            and word >> 16 & 0xFF == self._payload_type
            and (self._reorder is None or not self._reorder.held)
        )

    def packet(self, view: memoryview, start: int, end: int) -> None:
        """One RTP packet, `view[start:end]`. A malformed one is counted and dropped."""
        try:
            begin, stop = payload_bounds(view, start, end)
        except MalformedPacket:
            self._reception.malformed += 1
            return
        second, sequence, timestamp, ssrc = _FIELDS.unpack_from(view, start + 1)
        reception = self._reception
        reception.packets += 1
        reception.octets += end - start
        self.packets += 1
        if ssrc != self.ssrc:
            self._restart(ssrc, sequence)
        ahead = (sequence - self.expected) & 0xFFFF
        if ahead and not self._admit(ahead, sequence, second, timestamp, view[begin:stop]):
            return
        self.advance(1)
        self._note_transit(timestamp)
        if second & 0x7F == self._payload_type and stop > begin:
            self._depacketiser.packet(view, begin, stop, timestamp, second >= 0x80)
        if self._reorder is not None and self._reorder.held:
            self._drain()

    def took(self, packets: int, octets: int, timestamp: int) -> None:
        """So many packets, in sequence, went past `packet`; the last had this timestamp."""
        self.packets += packets
        self._reception.packets += packets
        self._reception.octets += octets
        self.advance(packets)
        self._note_transit(timestamp)

    def advance(self, packets: int) -> None:
        """The sequence goes on by so many packets."""
        following = self.expected + packets
        self.cycles += following >> 16
        self.expected = following & 0xFFFF

    def sender_report(self, report: SenderReport, arrival: float) -> None:
        """An SR came; the next report to the sender refers to it."""
        self._report = (report.ntp >> 16 & 0xFFFF_FFFF, arrival)

    def report_block(self, now: float) -> ReportBlock | None:
        """What to tell the sender, RFC 3550 A.3. None before the first packet."""
        if self.ssrc < 0:
            return None
        highest = (self.cycles << 16 | self.expected) - 1
        expected = highest - self.first + 1
        expected_before, received_before = self._reported
        interval = expected - expected_before
        missing = interval - (self.packets - received_before)
        self._reported = (expected, self.packets)
        fraction = min(255, (missing << 8) // interval) if interval > 0 and missing > 0 else 0
        lost = max(-0x80_0000, min(0x7F_FFFF, expected - self.packets))
        middle, delay = 0, 0
        if self._report is not None:
            middle = self._report[0]
            delay = int((now - self._report[1]) * 65536) & 0xFFFF_FFFF
        return ReportBlock(
            self.ssrc, fraction, lost, highest & 0xFFFF_FFFF, int(self._jitter) & 0xFFFF_FFFF, middle, delay
        )

    def flush(self) -> None:
        """The session ends: what is held back for a missing packet is given up waiting for."""
        if self._reorder is not None:
            while self._reorder.held:
                self._give_up(self._reorder)

    def _restart(self, ssrc: int, sequence: int) -> None:
        """The first packet, or a source that began anew."""
        if self.ssrc >= 0:
            self.flush()
            self._depacketiser.lost()
        self.ssrc = ssrc
        self.expected = self.first = sequence
        self.cycles = 0
        self.packets = 1
        self._reported = (0, 0)
        self._transit = 0.0

    def _admit(self, ahead: int, sequence: int, second: int, timestamp: int, payload: memoryview) -> bool:
        """A packet out of sequence. Returns whether it is now the one to go on with."""
        behind = 0x1_0000 - ahead
        if behind <= MAX_MISORDER:
            self._reception.reordered += 1  # too late, or sent twice
            return False
        if ahead > MAX_DROPOUT:
            self._gap(1)
            self._restart(self.ssrc, sequence)
            return True
        reorder = self._reorder
        if reorder is None:
            self._gap(ahead)
            self.advance(ahead)
            return True
        reorder.hold(sequence, second, timestamp, bytes(payload), self.arrival)
        while reorder.held and reorder.overdue(self.arrival):
            self._give_up(reorder)
        return False

    def _drain(self) -> None:
        """What waited for the packet that has just come."""
        reorder = self._reorder
        assert reorder is not None
        while (packet := reorder.take(self.expected)) is not None:
            second, timestamp, payload = packet
            self._reception.reordered += 1
            self.advance(1)
            if second & 0x7F == self._payload_type and payload:
                self._depacketiser.packet(memoryview(payload), 0, len(payload), timestamp, second >= 0x80)

    def _give_up(self, reorder: Reorder) -> None:
        missing = reorder.missing(self.expected)
        self._gap(missing)
        self.advance(missing)
        self._drain()

    def _gap(self, packets: int) -> None:
        self._reception.lost += packets
        self._depacketiser.lost()
        self._tell_lost(packets)

    def _note_transit(self, timestamp: int) -> None:
        """Interarrival jitter, RFC 3550 A.8."""
        transit = self.arrival * self._clock_rate - timestamp
        step = abs(transit - self._transit)
        if step < self._clock_rate * 10.0:
            self._jitter += (step - self._jitter) / 16
        self._transit = transit
