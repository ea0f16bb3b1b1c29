"""A camera that exists only in simulated time: access units of known bytes into an intake."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Protocol

from device.cameras.source import Cause, Intake, Lane
from device.clock import Clock
from device.media import MICROSECONDS, Codec, Track, Utc

SPS = bytes.fromhex("6742c01ed901e08fe9b8080800000308000001e04020000c350000493e17bdee03c224464e")
PPS = bytes.fromhex("68ce3c80")
VIDEO = Track(Codec.H264, 90_000, (SPS, PPS), 640, 480)
SOUND = Track(Codec.PCMU, 8_000, channels=1)


class PassingClock(Clock, Protocol):
    """A clock that can be waited with."""

    def advance(self, seconds: float) -> None:
        """Let time go by."""


@dataclass
class SimulatedClock:
    """A wall clock and a monotonic one that only a test moves."""

    wall: int = 1_700_000_000 * MICROSECONDS
    ran: float = 1000.0

    def utc(self) -> Utc:
        return Utc(self.wall)

    def monotonic(self) -> float:
        return self.ran

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self.wall += round(seconds * MICROSECONDS)
        self.ran += seconds

    def step(self, seconds: float) -> None:
        """Set the wall clock."""
        self.wall += round(seconds * MICROSECONDS)


def payload(number: int, size: int, key: bool) -> bytes:
    """The NAL unit that a camera sends: `size` bytes, and its header."""
    return bytes([0x65 if key else 0x41]) + number.to_bytes(4, "big") * (size // 4)


@dataclass
class Camera:
    """Sends `rate` units a second, each with its number, a key frame every `gop`; remembers what it sent."""

    clock: PassingClock
    intake: Intake
    _: KW_ONLY
    rate: int = 10
    gop: int = 10
    size: int = 2_000
    number: int = 0  #: of the next unit
    sent: list[tuple[Utc, bytes]] = field(default_factory=list, init=False)
    _lane: Lane | None = field(default=None, init=False)
    _time: int = field(default=123_456, init=False)
    _key: int = field(default=0, init=False)  #: number of a unit that is a key frame

    def connect(self) -> None:
        self._key = self.number
        self._lane = self.intake.opened([VIDEO])

    def key(self) -> None:
        """The next unit is a key frame."""
        self._key = self.number

    def disconnect(self, cause: Cause = Cause.LINK_LOST) -> None:
        self.intake.closed(cause)
        self._lane = None

    def unit(self, *, damaged: bool = False) -> bytes:
        """One access unit, now."""
        lane = self._lane
        assert lane is not None
        key = (self.number - self._key) % self.gop == 0
        nal = payload(self.number, self.size, key)
        data = len(nal).to_bytes(4, "big") + nal
        if lane.limit - lane.fill < len(data):
            assert lane.grow(lane.fill, len(data))
        end = lane.fill + len(data)
        lane.memory[lane.fill : end] = data
        lane.written = end
        lane.commit(end, self._time, self.clock.utc(), key, damaged)
        self.sent.append((self.clock.utc(), data))
        self.skip()
        return data

    def skip(self) -> None:
        """The unit of now is lost."""
        self.number += 1
        self._time += 90_000 // self.rate

    def run(self, seconds: float) -> None:
        """Send for so long, time going by."""
        for _ in range(round(seconds * self.rate)):
            self.unit()
            self.clock.advance(1 / self.rate)
