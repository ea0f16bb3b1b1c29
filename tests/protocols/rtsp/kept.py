"""An intake that keeps what it is given, and moves its memory as the recorder does; and a way to feed a
client's core.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from mmap import mmap

from device.cameras.source import Cause, Reception
from device.media import Codec, Track, Utc
from protocols.rtsp.ingest import Ingest
from protocols.rtsp.interleaved import Interleaved, ShortWay
from protocols.rtsp.message import Request, Response
from protocols.rtsp.reorder import Reorder
from protocols.rtsp.sdp import Format
from protocols.rtsp.timeline import Instant
from protocols.rtsp.tracks import Chain, chain

START = Instant(1000.0, Utc(1_800_000_000_000_000))
SPS = bytes.fromhex("6764001eacd940a02ff9701100000300010000030032 0f162d96".replace(" ", ""))
PPS = bytes.fromhex("68ebe3cb22c0")
H264 = Track(Codec.H264, 90000, (SPS, PPS))


@dataclass
class Unit:
    """A committed access unit."""

    time: int
    utc: int
    key: bool
    damaged: bool
    data: bytes

    @property
    def nals(self) -> list[bytes]:
        found, at = [], 0
        while at < len(self.data):
            size = int.from_bytes(self.data[at : at + 4], "big")
            found.append(self.data[at + 4 : at + 4 + size])
            at += 4 + size
        assert at == len(self.data)
        return found


class KeptLane:
    """A small lane that grows when asked, up to `most`."""

    def __init__(self, size: int = 64 * 1024, most: int = 4 * 1024 * 1024) -> None:
        self.memory = mmap(-1, size)
        self.fill = self.written = 100
        self.limit = size
        self.most = most
        self.units: list[Unit] = []

    def commit(self, end: int, time: int, utc: Utc, key: bool, damaged: bool) -> None:
        assert self.fill < end <= self.limit
        self.units.append(Unit(time, utc, key, damaged, self.memory[self.fill : end]))
        self.fill = self.written = end

    def grow(self, end: int, room: int) -> bool:
        begun = self.memory[self.fill : end]
        if len(begun) + room > self.most:
            return False
        self._move(begun, 2 * (len(begun) + room))
        return True

    def beat(self) -> None:
        """What the recorder does between two turns of the loop."""
        self._move(self.memory[self.fill : self.written], 64 * 1024)

    def _move(self, begun: bytes, more: int) -> None:
        self.memory = mmap(-1, 4096 + len(begun) + more)
        self.fill = 64
        self.written = self.fill + len(begun)
        self.memory[self.fill : self.written] = begun
        self.limit = len(self.memory)


@dataclass
class KeptIntake:
    """The order of calls is part of what is kept."""

    lane: KeptLane = field(default_factory=KeptLane)
    calls: list[str] = field(default_factory=list)
    tracks: list[tuple[Track, ...]] = field(default_factory=list)
    samples: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    losses: list[tuple[int, int]] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)

    def opened(self, tracks: Sequence[Track]) -> KeptLane:
        self.calls.append("opened")
        self.tracks.append(tuple(tracks))
        return self.lane

    def sample(self, track: int, time: int, utc: Utc, data: bytes) -> None:
        self.samples.append((track, time, utc, data))

    def parameters(self, tracks: Sequence[Track]) -> KeptLane:
        self.calls.append("parameters")
        self.tracks.append(tuple(tracks))
        return self.lane

    def renewed(self) -> KeptLane:
        self.calls.append("renewed")
        return self.lane

    def missing(self, cause: Cause, detail: str) -> None:
        self.calls.append("missing")
        self.causes.append(cause)
        self.lane.beat()

    def lost(self, track: int, packets: int) -> None:
        self.losses.append((track, packets))

    def closed(self, cause: Cause, detail: str = "") -> None:
        self.calls.append("closed")
        self.causes.append(cause)

    @property
    def units(self) -> list[Unit]:
        return self.lane.units


class Client:
    """The pure part of a session with one track: octets in, access units out."""

    def __init__(
        self, track: Track = H264, form: Format | None = None, udp: bool = False, short: bool = True
    ) -> None:
        self.intake = KeptIntake()
        self.reception = Reception()
        self.now = START
        self.malformed = 0
        self.messages: list[Request | Response] = []
        form = form or Format(96, track.codec.value, track.clock_rate)
        self.ingest = Ingest(self.intake, [track], self.reception, START)
        self.chain: Chain = chain(0, form, track, self.ingest, self.reception, Reorder() if udp else None)
        self.stream = Interleaved(self._arrived, lambda m, _: self.messages.append(m), self._skip)
        self.stream.route(0, self.chain.receiver.packet)
        if self.chain.units is not None:
            # Of a channel on which nothing comes, nothing is foretold.
            self.stream.expedite(ShortWay(0 if short else 255, self.chain.units, self.chain.receiver))
        self.ingest.open_if_known(self.chain.sets)

    @property
    def units(self) -> list[Unit]:
        return self.intake.units

    def wait(self, seconds: float) -> None:
        self.now = Instant(self.now.monotonic + seconds, Utc(self.now.utc + round(seconds * 1e6)))

    def feed(self, data: bytes, chunk: int = 1 << 17) -> None:
        """Octets come from the socket, `chunk` at a time, and the recorder beats in between."""
        for turn, at in enumerate(range(0, len(data), chunk)):
            part = data[at : at + chunk]
            self.stream.vacant()[: len(part)] = part
            self.stream.received(len(part))
            if turn % 13 == 0:
                self.intake.lane.beat()

    def end(self) -> None:
        self.chain.flush()
        self.ingest.close(Cause.LINK_LOST, "")

    def _arrived(self, octets: int) -> None:
        self.ingest.arrived(self.now)
        self.chain.receiver.arrival = self.now.monotonic

    def _skip(self) -> None:
        self.malformed += 1


class Camera:
    """Makes packets. `wire` is what went out since it was last emptied, one entry a packet."""

    def __init__(
        self, payload_type: int = 96, channel: int = 0, sequence: int = 65000, mtu: int = 200
    ) -> None:
        self.payload_type = payload_type
        self.channel = channel
        self.sequence = sequence
        self.timestamp = 4_294_900_000
        self.ssrc = 0x1234_5678
        self.mtu = mtu
        self.wire: list[bytes] = []

    def send(self, payload: bytes, marker: bool) -> None:
        second = self.payload_type | (0x80 if marker else 0)
        packet = struct.pack(">BBHII", 0x80, second, self.sequence, self.timestamp, self.ssrc) + payload
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.wire.append(struct.pack(">BBH", 0x24, self.channel, len(packet)) + packet)

    def nal(self, nal: bytes, marker: bool) -> None:
        """One H.264 NAL unit, fragmented if need be (RFC 6184 s5.8)."""
        if len(nal) <= self.mtu:
            self.send(nal, marker)
            return
        parts = [nal[at : at + self.mtu] for at in range(1, len(nal), self.mtu)]
        for number, part in enumerate(parts):
            first, last = number == 0, number == len(parts) - 1
            head = (nal[0] & 31) | (0x80 if first else 0) | (0x40 if last else 0)
            self.send(bytes((nal[0] & 0xE0 | 28, head)) + part, marker and last)

    def picture(self, *nals: bytes, ticks: int = 3600, marker: bool = True) -> None:
        for number, nal in enumerate(nals):
            self.nal(nal, marker and number == len(nals) - 1)
        self.timestamp = (self.timestamp + ticks) & 0xFFFF_FFFF

    def take(self) -> bytes:
        octets = b"".join(self.wire)
        self.wire.clear()
        return octets


def slice_of(number: int, size: int = 1000, key: bool = False, first: bool = True) -> bytes:
    """A slice that says which picture it is of. `first`: first_mb_in_slice is 0."""
    head = bytes((0x65 if key else 0x41, 0x88 if first else 0x48))
    return head + number.to_bytes(4, "big") + bytes((number * 7 + at) & 0xFF for at in range(size))
