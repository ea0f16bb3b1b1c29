"""Samples to RTP and RTCP packets (RFC 3550): one synchronised set of streams, the same bytes for all who
listen. Pure.

Packets are made in the form of interleaved frames (RFC 2326 s10.12), so that a TCP listener takes the bytes
as they are and a UDP listener takes them without the four octets of framing.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from typing import NamedTuple

from device.media import MICROSECONDS, Codec, Kind, Sample, Track, Utc
from protocols.rtsp import rtcp
from protocols.rtsp.library import Break
from protocols.rtsp.message import DOLLAR
from protocols.rtsp.packetise import Packetiser, Unsendable, packetiser
from protocols.rtsp.stamps import Stamp

RUN_LIMIT = 32  #: packets: receivers hold about a hundred
FRAMING = 4  #: octets before each packet: dollar, channel, length
REPORT_SECONDS = 5.0  #: between the sender reports of a stream, RFC 3550 s6.2
_FIRST_DURATION = 40_000  #: microseconds; of a sample whose successor is not known yet

_HEAD = struct.Struct(">BBHBBHII")
_STATIC = {(Codec.PCMU, 8000, 1): 0, (Codec.PCMA, 8000, 1): 8, (Codec.MJPEG, 90000, 0): 26}  # RFC 3551 s6


class Run(NamedTuple):
    """Neighbouring packets of one size, the last perhaps smaller: what a kernel takes as one (UDP_SEGMENT)."""

    control: bool  #: RTCP
    size: int  #: octets of each packet
    packets: int
    octets: bytes  #: of all, one behind the other

    def split(self) -> list[memoryview]:
        """Each packet."""
        view = memoryview(self.octets)
        return [view[at : at + self.size] for at in range(0, len(view), self.size)]


@dataclass(slots=True)
class Packets:
    """The packets of one sample, one behind the other, each as an interleaved frame.

    The channel is `2 * track` for RTP and `2 * track + 1` for RTCP.
    """

    track: int
    key: bool  #: a decoder can start here
    data: bytes
    starts: list[int]  #: where in `data` each frame begins
    _runs: list[Run] | None = None

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

    def runs(self) -> list[Run]:
        """The packets without framing, in runs: found once for all who are sent them."""
        if self._runs is None:
            found: list[tuple[bool, list[memoryview]]] = []
            size = 0  # of the packets of a run that may go on; 0: none may
            for control, octets in self.split():
                if control or not size or len(octets) > size or len(found[-1][1]) == RUN_LIMIT:
                    found.append((control, []))
                    size = len(octets)
                found[-1][1].append(octets)
                size = size if len(octets) == size and not control else 0
            self._runs = [Run(control, len(run[0]), len(run), b"".join(run)) for control, run in found]
        return self._runs

    def only(self, kept: Sequence[int]) -> Packets:
        """Some of the packets, by index: for faults on demand."""
        ends = [*self.starts[1:], len(self.data)]
        parts = [self.data[self.starts[n] : ends[n]] for n in kept]
        starts, at = [], 0
        for part in parts:
            starts.append(at)
            at += len(part)
        return Packets(self.track, self.key, b"".join(parts), starts)


def merged(batch: Sequence[Packets]) -> list[Packets]:
    """The same octets in the same order; neighbours of one track are made one, once for all who are sent them."""
    found: list[Packets] = []
    for track, group in groupby(batch, key=lambda packets: packets.track):
        parts = list(group)
        if len(parts) == 1:
            found.append(parts[0])
            continue
        ends = accumulate((len(part.data) for part in parts), initial=0)
        starts = [at + start for at, part in zip(ends, parts, strict=False) for start in part.starts]
        found.append(Packets(track, parts[0].key, b"".join(part.data for part in parts), starts))
    return found


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

    RTP time follows media time tick for tick, divided by the scale of play (RFC 2326 appendix B); backwards it
    falls within a group of pictures, as each picture has the time when it is to be shown. At a `Break` media time
    begins anew and RTP time goes on: by the wall time that passed if `closes_gaps` is false (live), else as if
    nothing lay between (plain players do not wait out a gap of hours). Reports tell wall time up to the first
    closed gap, and run on with RTP time after it.

    With `recorded` RTP time is that of the recording, the same in both directions, and no reports are sent
    (ONVIF Streaming s6.6.3 and s6.11, `Rate-Control: no`).
    """

    tracks: tuple[Track, ...]  #: as described
    cname: str  #: RFC 7022
    seed: bytes  #: at least 10 random octets a track: SSRC, first sequence number, first RTP time
    closes_gaps: bool
    scale: float = 1.0  #: changes with `turn`
    recorded: bool = False
    unsendable: int = 0  #: samples that their payload format cannot carry
    video: int | None = field(init=False)  #: the track whose key frames a listener waits for
    _streams: list[_Stream] = field(default_factory=list)
    _routes: dict[int, int] = field(default_factory=dict)  #: the stream of each track that now comes
    _from: Utc | None = None  #: a wall time of this run, or of this passage, ...
    _at: int = 0  #: ... and its position, microseconds
    _first: Utc | None = None  #: wall time of position 0

    def __post_init__(self) -> None:
        self.video = video_of(self.tracks)
        for index, track in enumerate(self.tracks):
            ssrc, sequence, base = struct.unpack_from(">IHI", self.seed, 10 * index)
            cut, kind = packetiser(track), payload_type(track, index)
            self._streams.append(_Stream(index, track, cut, kind, ssrc, sequence, base))
            self._routes[index] = index

    @property
    def begun(self) -> bool:
        """Something was sent."""
        return any(stream.packets for stream in self._streams)

    def packets(self, sample: Sample, now: float, stamp: Stamp | None = None) -> Packets | None:
        """The packets of one sample, a sender report before them when one is due; None where nothing can be
        sent. With a stamp the packets carry it, and reports tell the present."""
        route = self._routes.get(sample.track)
        if route is None:
            return None
        stream = self._streams[route]
        try:
            pieces = stream.cut(sample.data, sample.key)
        except Unsendable:
            self.unsendable += 1
            return None
        if not pieces:
            return None
        timestamp = self._timestamp(stream, sample)
        extension = b""
        if stamp is not None:
            stream.ntp = rtcp.ntp_of(stamp.now)
        channel, kind, ssrc, sequence = 2 * route, stream.payload_type, stream.ssrc, stream.sequence
        parts: list[bytes | memoryview] = []
        starts: list[int] = []
        at = octets = 0
        due = stream.reported is None or now - stream.reported >= REPORT_SECONDS
        if due and not self.recorded:
            stream.reported = now
            report = self._report(stream)
            parts.append(report)
            starts.append(0)
            at = len(report)
        for number, (head, body, marker, ticks) in enumerate(pieces, 1):
            if stamp is not None:
                extension = stamp.encode(sample, number == 1, number == len(pieces))
            size = len(extension) + len(head) + len(body)
            parts.append(
                _HEAD.pack(
                    DOLLAR,
                    channel,
                    size + 12,
                    0x90 if extension else 0x80,
                    kind | 0x80 if marker else kind,
                    sequence,
                    (timestamp + ticks) & 0xFFFF_FFFF,
                    ssrc,
                )
                + extension
                + head
            )
            parts.append(body)
            starts.append(at)
            at += size + 16
            octets += size - len(extension)
            sequence = (sequence + 1) & 0xFFFF
        stream.sequence = sequence
        stream.packets = (stream.packets + len(pieces)) & 0xFFFF_FFFF
        stream.octets = (stream.octets + octets) & 0xFFFF_FFFF
        return Packets(route, sample.key, b"".join(parts), starts)

    def broke(self, item: Break) -> bool:
        """Go on behind a break, with those tracks that are still what was described. False where the video is
        not: then a player cannot follow."""
        routes = _routes(self.tracks, item.tracks)
        if (self.video if self.video is not None else 0) not in routes.values():
            return False
        self._routes = routes
        for stream in self._streams:
            stream.anchor = None
        for number, index in routes.items():
            stream, track = self._streams[index], item.tracks[number]
            stream.track, stream.cut = track, packetiser(track)
        if self._from is None and self.closes_gaps:
            self._from = self._first = item.utc
        elif self._from is not None:
            # Also in a live stream RTP time never goes back, though the wall clock may.
            end = max(stream.last + stream.duration for stream in self._streams)
            if self.closes_gaps or self.position(item.utc) < end:
                self._from, self._at = item.utc, end
        return True

    def turn(self, scale: float, recorded: bool) -> None:
        """Another passage, at another scale, begins with the next break."""
        self.scale, self.recorded = scale, recorded

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
        position = utc if self.recorded else self.position(utc)
        return (stream.base + position * stream.track.clock_rate // MICROSECONDS) & 0xFFFF_FFFF

    def position(self, utc: Utc) -> int:
        """Microseconds of play since the first sample, gaps left out where they are closed."""
        return self._at + round((utc - self._from) / self.scale) if self._from is not None else 0

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
        rate = stream.track.clock_rate
        if self._from is None:
            self._from = self._first = sample.utc
        if self.recorded:
            stream.rtp = (stream.base + sample.utc * rate // MICROSECONDS) & 0xFFFF_FFFF
            return stream.rtp
        if stream.anchor is None:
            position = self.position(sample.utc)
            if stream.packets and position <= stream.last and self.scale > 0:
                position = stream.last + stream.duration
            stream.anchor = (sample.time, position * rate // MICROSECONDS)
        ticks = stream.anchor[1] + round((sample.time - stream.anchor[0]) / self.scale)
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
        times = (0, 0) if self.recorded else (stream.ntp, stream.rtp)
        return [
            rtcp.SenderReport(stream.ssrc, *times, stream.packets, stream.octets),
            rtcp.Description(name),
        ]


def video_of(tracks: Sequence[Track]) -> int | None:
    """The first video track: the one whose key frames a listener waits for."""
    return next((n for n, track in enumerate(tracks) if track.kind is Kind.VIDEO), None)


def shape(tracks: Sequence[Track]) -> list[tuple[Codec, int, int, int]]:
    """What of tracks cannot change under a player's eyes."""
    return [(track.codec, track.clock_rate, track.channels, track.bits) for track in tracks]


def _routes(described: Sequence[Track], coming: Sequence[Track]) -> dict[int, int]:
    """For each track that comes, the one as described that it continues: the first of its shape that is free."""
    free = list(enumerate(shape(described)))
    routes: dict[int, int] = {}
    for number, form in enumerate(shape(coming)):
        match = next((place for place in free if place[1] == form), None)
        if match is not None:
            free.remove(match)
            routes[number] = match[0]
    return routes


def _frame(track: int, packet: bytes) -> bytes:
    return bytes((DOLLAR, 2 * track + 1)) + len(packet).to_bytes(2, "big") + packet
