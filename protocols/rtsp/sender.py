"""Samples to RTP and RTCP packets (RFC 3550): one synchronised set of streams, the same bytes for all who
listen. Pure.

Packets are made in the form of interleaved frames (RFC 2326 s10.12), so that a TCP listener takes the bytes
as they are and a UDP listener takes them without the four octets of framing.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from device.media import MICROSECONDS, Codec, Kind, Sample, Track, Utc
from protocols.rtsp import rtcp
from protocols.rtsp.library import Break
from protocols.rtsp.message import DOLLAR
from protocols.rtsp.packetise import Packetiser, Unsendable, packetiser

FRAMING = 4  #: octets before each packet: dollar, channel, length
REPORT_SECONDS = 5.0  #: between the sender reports of a stream, RFC 3550 s6.2
_FIRST_DURATION = 40_000  #: microseconds; of a sample whose successor is not known yet

_HEAD = struct.Struct(">BBHBBHII")
_STATIC = {(Codec.PCMU, 8000, 1): 0, (Codec.PCMA, 8000, 1): 8, (Codec.MJPEG, 90000, 0): 26}  # RFC 3551 s6


@dataclass(slots=True)
class Packets:
    """The packets of one sample, one behind the other, each as an interleaved frame.

    The channel is `2 * track` for RTP and `2 * track + 1` for RTCP.
    """

    track: int
    key: bool  #: a decoder can start here
    data: bytes
    starts: list[int]  #: where in `data` each frame begins

    @property
    def sequence(self) -> int:
        """Sequence number of the first RTP packet; 0 where there is none."""
        at = next((start for start in self.starts if not self.data[start + 1] & 1), None)
        return int.from_bytes(self.data[at + 6 : at + 8], "big") if at is not None else 0

    def on_channels(self, rtp: int, rtcp_channel: int) -> bytes:
        """The same on other channels: a copy, unless they are the usual ones."""
        if rtp == 2 * self.track and rtcp_channel == rtp + 1:
            return self.data
        copy = bytearray(self.data)
        for start in self.starts:
            copy[start + 1] = rtcp_channel if copy[start + 1] & 1 else rtp
        return bytes(copy)

    def split(self) -> list[tuple[bool, memoryview]]:
        """Each packet without framing: whether it is RTCP, and its octets."""
        view = memoryview(self.data)
        ends = [*self.starts[1:], len(self.data)]
        return [
            (bool(view[start + 1] & 1), view[start + FRAMING : end])
            for start, end in zip(self.starts, ends, strict=True)
        ]

    def only(self, kept: Sequence[int]) -> Packets:
        """Some of the packets, by index: for faults on demand."""
        ends = [*self.starts[1:], len(self.data)]
        parts = [self.data[self.starts[n] : ends[n]] for n in kept]
        starts, at = [], 0
        for part in parts:
            starts.append(at)
            at += len(part)
        return Packets(self.track, self.key, b"".join(parts), starts)


def payload_type(track: Track, index: int) -> int:
    """The static type where RFC 3551 has one, else a dynamic one."""
    return _STATIC.get((track.codec, track.clock_rate, track.channels), 96 + index)


@dataclass(slots=True)
class _Stream:
    index: int
    track: Track
    cut: Packetiser
    payload_type: int
    ssrc: int
    sequence: int
    base: int  #: RTP time of position 0
    anchor: tuple[int, int] | None = (
        None  #: media time and RTP time (both unwrapped) of one sample of this run
    )
    last: int = -1  #: position of the latest sample, microseconds
    duration: int = _FIRST_DURATION
    rtp: int = 0  #: RTP time of the latest sample, 32 bits
    ntp: int = 0
    packets: int = 0
    octets: int = 0
    reported: float | None = None


@dataclass(slots=True)
class Sender:
    """RTP senders of the tracks of one feed, or of one playback.

    RTP time follows media time tick for tick. At a `Break` media time begins anew and RTP time goes on: by
    the wall time that passed if `closes_gaps` is false (live), else as if nothing lay between (plain players
    do not wait out a gap of hours). Reports tell wall time up to the first closed gap, and run on with RTP
    time after it.
    """

    tracks: tuple[Track, ...]
    cname: str  #: RFC 7022
    seed: bytes  #: at least 10 random octets a track: SSRC, first sequence number, first RTP time
    closes_gaps: bool
    unsendable: int = 0  #: samples that their payload format cannot carry
    _streams: list[_Stream] = field(default_factory=list)
    _origin: Utc | None = None  #: wall time of position 0, in this run
    _first: Utc | None = None  #: the same at the beginning

    def __post_init__(self) -> None:
        for index, track in enumerate(self.tracks):
            ssrc, sequence, base = struct.unpack_from(">IHI", self.seed, 10 * index)
            cut, kind = packetiser(track), payload_type(track, index)
            self._streams.append(_Stream(index, track, cut, kind, ssrc, sequence, base))

    def packets(self, sample: Sample, now: float) -> Packets | None:
        """The packets of one sample, a sender report before them when one is due; None where nothing can be
        sent."""
        if not 0 <= sample.track < len(self._streams):
            return None
        stream = self._streams[sample.track]
        try:
            pieces = stream.cut(sample.data, sample.key)
        except Unsendable:
            self.unsendable += 1
            return None
        if not pieces:
            return None
        timestamp = self._timestamp(stream, sample)
        channel, kind, ssrc, sequence = 2 * sample.track, stream.payload_type, stream.ssrc, stream.sequence
        parts: list[bytes | memoryview] = []
        starts: list[int] = []
        at = octets = 0
        if stream.reported is None or now - stream.reported >= REPORT_SECONDS:
            stream.reported = now
            report = self._report(stream)
            parts.append(report)
            starts.append(0)
            at = len(report)
        for head, body, marker, ticks in pieces:
            size = len(head) + len(body)
            parts.append(
                _HEAD.pack(
                    DOLLAR,
                    channel,
                    size + 12,
                    0x80,
                    kind | 0x80 if marker else kind,
                    sequence,
                    (timestamp + ticks) & 0xFFFF_FFFF,
                    ssrc,
                )
                + head
            )
            parts.append(body)
            starts.append(at)
            at += size + 16
            octets += size
            sequence = (sequence + 1) & 0xFFFF
        stream.sequence = sequence
        stream.packets = (stream.packets + len(pieces)) & 0xFFFF_FFFF
        stream.octets = (stream.octets + octets) & 0xFFFF_FFFF
        return Packets(sample.track, sample.key, b"".join(parts), starts)

    def broke(self, item: Break) -> bool:
        """Go on behind a break. False where the tracks are of other codecs or rates: then a player cannot
        follow."""
        shape = [(t.codec, t.clock_rate, t.channels, t.bits) for t in item.tracks]
        if shape != [(t.codec, t.clock_rate, t.channels, t.bits) for t in self.tracks]:
            return False
        self.tracks = item.tracks
        for stream, track in zip(self._streams, item.tracks, strict=True):
            stream.track, stream.cut, stream.anchor = track, packetiser(track), None
        if self._origin is not None:
            # Also in a live stream RTP time never goes back, though the wall clock may.
            end = max(stream.last + stream.duration for stream in self._streams)
            if self.closes_gaps or item.utc - self._origin < end:
                self._origin = Utc(item.utc - end)
        return True

    def interrupted(self) -> None:
        """Samples were missed: place the next one of each track by its wall time."""
        for stream in self._streams:
            stream.anchor = None

    def next_packet(self, track: int) -> tuple[int, int]:
        """Sequence number of the next packet, and RTP time at the current position: for RTP-Info (RFC 2326
        s12.33)."""
        stream = self._streams[track]
        position = max((each.last for each in self._streams), default=-1)
        ticks = max(position, 0) * stream.track.clock_rate // MICROSECONDS
        return stream.sequence, (stream.base + ticks) & 0xFFFF_FFFF

    def rtp_time(self, track: int, utc: Utc) -> int:
        """RTP time of a wall time in this run; the stream's first one before there was any sample."""
        stream = self._streams[track]
        position = utc - self._origin if self._origin is not None else 0
        return (stream.base + position * stream.track.clock_rate // MICROSECONDS) & 0xFFFF_FFFF

    def position(self, utc: Utc) -> int:
        """Microseconds since the first sample, gaps left out where they are closed."""
        return utc - self._origin if self._origin is not None else 0

    def reports(self) -> list[Packets]:
        """A sender report for each stream that runs: what a new listener needs to play them in step."""
        return [
            Packets(stream.index, False, self._report(stream), [0])
            for stream in self._streams
            if stream.packets and stream.anchor is not None
        ]

    def goodbye(self, reason: str) -> list[Packets]:
        """Report, description and BYE for every stream (RFC 3550 s6.6)."""
        farewell = []
        for stream in self._streams:
            parts = [*self._compound(stream), rtcp.Goodbye((stream.ssrc,), reason)]
            farewell.append(Packets(stream.index, False, _frame(stream.index, rtcp.build(parts)), [0]))
        return farewell

    def _timestamp(self, stream: _Stream, sample: Sample) -> int:
        """Place a sample on the RTP time line of its stream."""
        if self._origin is None:
            self._origin = self._first = sample.utc
        rate = stream.track.clock_rate
        if stream.anchor is None:
            position = sample.utc - self._origin
            if stream.packets and position <= stream.last:
                position = stream.last + stream.duration
            stream.anchor = (sample.time, position * rate // MICROSECONDS)
        ticks = stream.anchor[1] + sample.time - stream.anchor[0]
        position = ticks * MICROSECONDS // rate
        if 0 < position - stream.last < MICROSECONDS and stream.last >= 0:
            stream.duration = position - stream.last
        stream.last = max(stream.last, position)
        stream.rtp = (stream.base + ticks) & 0xFFFF_FFFF
        assert self._first is not None
        stream.ntp = rtcp.ntp_of(Utc(self._first + position) if self.closes_gaps else sample.utc)
        return stream.rtp

    def _report(self, stream: _Stream) -> bytes:
        return _frame(stream.index, rtcp.build(self._compound(stream)))

    def _compound(self, stream: _Stream) -> list[rtcp.Report]:
        name = ((stream.ssrc, ((rtcp.CNAME, self.cname),)),)
        if not stream.packets and stream.anchor is None:
            return [rtcp.ReceiverReport(stream.ssrc), rtcp.Description(name)]
        return [
            rtcp.SenderReport(stream.ssrc, stream.ntp, stream.rtp, stream.packets, stream.octets),
            rtcp.Description(name),
        ]


def video_of(tracks: Sequence[Track]) -> int | None:
    """The first video track: the one whose key frames a listener waits for."""
    return next((n for n, track in enumerate(tracks) if track.kind is Kind.VIDEO), None)


def _frame(track: int, packet: bytes) -> bytes:
    return bytes((DOLLAR, 2 * track + 1)) + len(packet).to_bytes(2, "big") + packet
