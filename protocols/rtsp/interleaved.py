"""The stream of an RTSP connection: interleaved frames (RFC 2326 s10.12) among messages. The hot path. Pure.

The socket writes into `vacant`, `received` looks at what came. Nearly everything that comes are packets of the one
video track, and nearly all of their headers can be foretold: those take `ShortWay`. Everything else takes the
general path.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from device.errors import PeerFault
from protocols.rtsp.depacketise.nal import AccessUnits
from protocols.rtsp.message import DOLLAR, MalformedMessage, Request, Response, take
from protocols.rtsp.receiver import Receiver

BUFFER_SIZE = 256 * 1024  #: octets; more than the largest message, and three of the largest frames
JUNK_LIMIT = 64 * 1024  #: octets that are neither frame nor message, in a row or not, between two good frames
FRAME_HEAD = 4
FRAME_LIMIT = FRAME_HEAD + 0xFFFF  #: octets of the largest frame

_HEAD = struct.Struct(">QII")  # `$` to sequence, timestamp, SSRC
_WORD = struct.Struct(">Q")
_PLAIN = 0x80  # version 2; no padding, extension or contributing sources
_MARKER = 1 << 23  # in the word
_FORETOLD = (1 << 64) - 1 - _MARKER - (0xFFFF << 32)  # all of the word but marker and length

Route = Callable[[memoryview, int, int], None]

#: What every stream of the process receives into, one after the other: between `vacant` and `received` nothing else
#: runs. A buffer for each would be out of the processor's cache each time that it is its turn, which costs more than
#: taking the packets apart.
_buffer = bytearray(BUFFER_SIZE)


class NotInterleaved(PeerFault):
    """The stream can no longer be understood."""


class ShortWay:
    """The packets of one track that are what was foretold: the next in sequence, of the same source, with a header
    of 12 octets. They go to the depacketiser without a look at their single fields.

    `$ channel length | V P X CC M PT sequence` is one 64-bit word, of which all but length and marker is known. Behind
    a fragment of a NAL unit nearly everything is the next one, of the same size: its word is one more, and
    `timestamp | SSRC | fragmentation header` stay as they are. Those are taken apart in one go.
    """

    __slots__ = ("_fragments", "_size", "_source", "_ssrc", "_stride", "_units", "_word", "channel")

    def __init__(self, channel: int, units: AccessUnits, source: Receiver) -> None:
        self.channel = channel
        self._units = units
        self._source = source
        self._word = -1  #: of the next packet, without length and marker; -1: none is foretold
        self._ssrc = 0
        self._size = 8 + units.header + 1  #: octets that stay the same behind the word
        self._stride = 0
        self._fragments = struct.Struct("")  # word, what stays the same, payload

    def enter(self) -> None:
        """The loop calls again: see `AccessUnits.resume`."""
        self._units.resume()

    def leave(self) -> None:
        """Before returning to the loop: see `AccessUnits.pause`."""
        self._units.pause()

    def foretell(self, view: memoryview, at: int, end: int) -> None:
        """The frame in `view[at:end]` was taken by the general path: from it the next is foretold."""
        self._word = -1
        if view[at + FRAME_HEAD] == _PLAIN and end - at >= _HEAD.size:
            word, _, self._ssrc = _HEAD.unpack_from(view, at)
            if self._source.foretells(word):
                self._word = (word & _FORETOLD) + 1

    def take(self, view: memoryview, at: int, end: int) -> int:
        """Take what was foretold from `view[at:end]`. Returns the offset of the first octet not taken."""
        units, expected = self._units, self._word
        begin, first, timestamp = at, expected, 0
        while end - at > _HEAD.size:
            word, time, ssrc = _HEAD.unpack_from(view, at)
            following = at + FRAME_HEAD + (word >> 32 & 0xFFFF)
            payload = at + _HEAD.size
            if word & _FORETOLD != expected or ssrc != self._ssrc or not payload < following <= end:
                break
            timestamp = time
            units.packet(view, payload, following, time, word & _MARKER != 0)
            expected += 1
            if units.open_fragment:
                more = self._middle(view, at, following, end)
                expected += more
                following += more * (following - at)
            at = following
        if at != begin:
            packets = expected - first
            self._word = expected
            self._source.took(packets, at - begin - packets * FRAME_HEAD, timestamp)
        return at

    def _middle(self, view: memoryview, last: int, at: int, end: int) -> int:
        """Take from `view[at:end]` the fragments that go on with the one in `view[last:at]`; returns their number."""
        units, stride = self._units, at - last
        size = stride - 8 - self._size
        if stride != self._stride:
            self._stride = stride
            self._fragments = struct.Struct(f">Q{self._size}s{size}s")
        word: int = _WORD.unpack_from(view, last)[0]
        expected = word + 1
        rest = bytearray(view[last + 8 : last + 8 + self._size])
        rest[-1] &= 0x7F  # the start bit goes
        # No lane is overrun: a payload is shorter than its packet.
        whole = min(end - at, units.limit - units.offset) // stride * stride
        payloads = []
        for found, same, payload in self._fragments.iter_unpack(view[at : at + whole]):
            if found != expected or same != rest:
                break
            payloads.append(payload)
            expected += 1
        # The lane is out of the processor's cache: one long copy costs less than many short ones.
        units.lay(b"".join(payloads))
        return len(payloads)


class Interleaved:
    """Splits the stream. Frames go to the route of their channel, messages to `message`."""

    def __init__(
        self,
        arrived: Callable[[int], None],
        message: Callable[[Request | Response, bytes], None],
        malformed: Callable[[], None],
    ) -> None:
        """`arrived(octets)` is called before what came is looked at; `message` gets messages, parsed and as
        they came; `malformed` hears of everything that had to be skipped.
        """
        self._buffer = _buffer
        self._view = memoryview(_buffer)
        self._rest = b""  #: what came of a frame or message that is not whole yet
        self._junk = 0
        self._arrived = arrived
        self._message = message
        self._malformed = malformed
        self._routes: list[Route | None] = [None] * 256
        self._short: ShortWay | None = None

    def route(self, channel: int, route: Route | None) -> None:
        """Send the frames of a channel to `route(view, start, end)`; it must not keep the view."""
        self._routes[channel] = route

    def expedite(self, way: ShortWay) -> None:
        """The one track whose packets take the short way."""
        self._short = way

    def vacant(self) -> memoryview:
        """Where the next octets belong, behind what is left of the last ones; until `received` nobody else is given
        it."""
        left = len(self._rest)
        self._view[:left] = self._rest
        return self._view[left:]

    def received(self, count: int) -> None:
        """So many octets were written into `vacant`. Raises NotInterleaved."""
        self._arrived(count)
        view = self._view
        end = len(self._rest) + count
        at = 0
        short = self._short
        if short is not None:
            short.enter()
        while True:
            if short is not None:
                taken = short.take(view, at, end)
                if taken != at:
                    at = taken
                    self._junk = 0
            if end - at < FRAME_HEAD + 1:
                break
            if view[at] == DOLLAR:
                following = at + FRAME_HEAD + (view[at + 2] << 8 | view[at + 3])
                channel = view[at + 1]
                route = self._routes[channel]
                if (view[at + FRAME_HEAD] >> 6 != 2 and following > at + FRAME_HEAD) or (
                    route is None and not self._ends_well(following, end)
                ):
                    following = self._resynchronise(at, end)
                elif following > end:
                    break
                elif route is not None:
                    self._junk = 0
                    route(view, at + FRAME_HEAD, following)
                    short = self._short
                    if short is not None and channel == short.channel:
                        short.foretell(view, at, following)
            else:
                following = self._text(at, end)
            if following == at:
                break
            at = following
        self._rest = bytes(view[at:end])
        if short is not None:
            short.leave()
        if len(self._rest) == BUFFER_SIZE:
            raise NotInterleaved("a message that never ends")

    def _ends_well(self, following: int, end: int) -> bool:
        """Whether what stands behind a frame of an unknown channel looks like the next one."""
        return following >= end or self._view[following] in b"$RAOGSPTD\r\n"

    def _text(self, at: int, end: int) -> int:
        """A message begins at `at`, or nothing that makes sense. Returns `at` where more is needed."""
        octets = bytes(self._view[at:end])
        try:
            found = take(octets)
        except MalformedMessage:
            return self._resynchronise(at, end)
        if found is None:
            blank = len(octets) - len(octets.lstrip(b"\r\n"))
            return at + blank
        message, size = found
        if isinstance(message, Request | Response):
            self._message(message, octets[:size])
            return at + size
        return at + size - FRAME_HEAD - len(message.payload)

    def _resynchronise(self, at: int, end: int) -> int:
        """Skip to what looks like a frame of a known channel, or like a response."""
        self._malformed()
        candidate = at
        while True:
            candidate = self._buffer.find(b"$", candidate + 1, end)
            if candidate < 0 or self._plausible(candidate, end):
                break
        response = self._buffer.find(b"RTSP/1.0 ", at + 1, end)
        found = [place for place in (candidate, response) if place >= 0]
        # At the end keep what may be the beginning of either.
        following = min(found) if found else max(at + 1, end - 8)
        self._junk += following - at
        if self._junk > JUNK_LIMIT:
            raise NotInterleaved(f"{self._junk} octets that are neither frame nor message")
        return following

    def _plausible(self, at: int, end: int) -> bool:
        if end - at <= FRAME_HEAD:
            return True
        view = self._view
        following = at + FRAME_HEAD + (view[at + 2] << 8 | view[at + 3])
        return (
            self._routes[view[at + 1]] is not None
            and view[at + FRAME_HEAD] >> 6 == 2
            and (following >= end or view[following] in b"$R")
        )
