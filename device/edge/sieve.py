"""What of a card's video is taken: what lies in the gap, once, by our clock. Pure.

A camera's clock is known to half a second. Where the card has the very pictures that we have on either side of the gap,
they tell to the picture where it begins and ends, and how far the clock is ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from device.media import Codec, Utc
from device.recording.ledger import JITTER

NEAR = 20_000  #: microseconds: half a picture
FAR = 60_000_000  #: microseconds outside of what was asked for: such a unit is not believed
APART = 2_000_000  #: microseconds that a camera's clock may be off from what it told in whole seconds
STRANGE = 500  #: units that are not believed; then nothing is, any more
_BACK = 2_000_000  #: microseconds that pictures which are sent in decoding order may step back


@dataclass(frozen=True, slots=True)
class Landmark:
    """A key frame that we have."""

    picture: bytes  #: of `picture_of`
    utc: Utc


def picture_of(codec: Codec, data: bytes | memoryview) -> bytes:
    """What is seen of an access unit: it without parameter sets and remarks, which come and go on the way."""
    if codec is Codec.H264:
        return b"".join(nal for nal in _nal_units(data) if 1 <= nal[0] & 0x1F <= 5)
    if codec is Codec.H265:
        return b"".join(nal for nal in _nal_units(data) if nal[0] >> 1 & 0x3F < 32)
    return bytes(data)


def _nal_units(data: bytes | memoryview) -> Iterator[bytes]:
    at = 0
    while at + 4 < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size:
            yield bytes(data[at + 4 : at + 4 + size])
        at += 4 + size


def _is(mark: Landmark | None, picture: bytes, at: int) -> bool:
    """Whether a key frame is one that we have. The same picture at quite another time is another."""
    return mark is not None and picture == mark.picture and abs(at - mark.utc) <= APART


class _Doubting:
    """What is common to all who look at a card's units."""

    def __init__(self, ahead: int) -> None:
        self._strange = 0
        self.ahead = ahead
        self.over = False

    def _doubts(self, at: int, start: Utc, end: Utc) -> bool:
        """Whether a unit is not believed, for it lies far outside of a span; of many, nothing is any more."""
        if start - FAR <= at <= end + FAR:
            return False
        self._strange += 1
        self.over = self._strange >= STRANGE
        return True


class Sieve(_Doubting):
    """Looks at the units of the picture in the order in which they come."""

    def __init__(
        self,
        start: Utc,
        end: Utc,
        ahead: int,
        before: Landmark | None,
        after: Landmark | None,
        *,
        joins: bool,
    ) -> None:
        """The gap by our clock; `ahead`: microseconds by which the card's is, about. `before`: the last key frame
        before the gap; `joins`: the video from there on may give way. `after`: the first key frame behind it."""
        super().__init__(ahead)
        self._start = start
        self._end = end
        self._before = before
        self._after = after
        self._joins = joins
        self._newest: int | None = None
        self._waits = False  # for a key frame, behind a hole
        self.begun = False
        self.joined = False  #: it began with `before`

    def asks(self, margin: int) -> tuple[Utc, Utc]:
        """The span to ask the card for, by its clock."""
        begin = self._before.utc if self._before is not None else self._start
        return Utc(begin + self.ahead - margin), Utc(self._end + self.ahead + margin)

    def takes(self, utc: Utc, key: bool, codec: Codec, data: bytes | memoryview) -> Utc | None:
        """When a unit was taken, by our clock; None: it is not wanted."""
        if self.over:
            return None
        at = utc - self.ahead
        if self._doubts(at, self._start, self._end):
            return None
        picture = picture_of(codec, data) if key else b""
        if not self.begun:
            return self._begins(utc, at, picture) if key else None
        if at >= self._end - NEAR or _is(self._after, picture, at):
            self.over = True
            return None
        assert self._newest is not None
        if at < self._newest - _BACK:
            return None
        self._waits = (self._waits or at > self._newest + JITTER) and not key
        if self._waits:
            return None
        self._newest = max(self._newest, at)
        return Utc(at)

    def _begins(self, utc: Utc, at: int, picture: bytes) -> Utc | None:
        if self._before is not None and _is(self._before, picture, at):
            self.ahead, at, self.joined = utc - self._before.utc, self._before.utc, self._joins
            if not self._joins:
                return None
        elif _is(self._after, picture, at):
            self.over = True
            return None
        elif not self._start - NEAR <= at < self._end - NEAR:
            return None
        self.begun, self._newest = True, at
        return Utc(at)

    def placed(self, utc: Utc) -> Utc | None:
        """The same of a unit of another track, which lies with the pictures or is not wanted."""
        at = utc - self.ahead
        if not self.begun or self.over or self._newest is None or not -JITTER < at - self._newest < JITTER:
            return None
        return Utc(at)


class Finder(_Doubting):
    """Looks for one key frame that we have, to learn from it how far the camera's clock is ahead. Takes nothing."""

    def __init__(self, mark: Landmark, ahead: int) -> None:
        """`ahead`: microseconds, about."""
        super().__init__(ahead)
        self._mark = mark

    def asks(self, margin: int) -> tuple[Utc, Utc]:
        """The span to ask the card for, by its clock."""
        at = self._mark.utc + self.ahead
        return Utc(at - margin), Utc(at + margin)

    def takes(self, utc: Utc, key: bool, codec: Codec, data: bytes | memoryview) -> None:
        """Look at a unit."""
        at = utc - self.ahead
        if self.over or self._doubts(at, self._mark.utc, self._mark.utc):
            return
        if key and _is(self._mark, picture_of(codec, data), at):
            self.ahead, self.over = utc - self._mark.utc, True

    def placed(self, utc: Utc) -> None:
        """Of another track nothing is wanted."""
