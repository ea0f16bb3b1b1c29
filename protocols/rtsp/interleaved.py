"""The stream of an RTSP connection: interleaved frames (RFC 2326 s10.12) among messages. The hot path. Pure.

The socket writes into `vacant`, `received` looks at what came. Nearly everything that comes is the middle of
a fragmented slice, in packets of equal size whose headers can be foretold: the same but for the sequence
number, which is one more. `FragmentRun` has them all taken apart in one go, compares each header with what it
foretold, in two pieces, and copies the payload into the lane. A packet of any other kind takes the general
path, packet by packet.
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

Route = Callable[[memoryview, int, int], None]

#: What every stream of the process receives into, one after the other: between `vacant` and `received` nothing else
#: runs. A buffer for each would be out of the processor's cache each time that it is its turn, which costs more than
#: taking the packets apart.
_buffer = bytearray(BUFFER_SIZE)


class NotInterleaved(PeerFault):
    """The stream can no longer be understood."""


class FragmentRun:
    """The middle fragments of one NAL unit, taken packet by packet without looking at their fields.

    `$ channel length | V P X CC M PT sequence` is one 64-bit word, which grows by one from packet to packet.
    `timestamp | SSRC | fragmentation header` stay as they are.
    """

    __slots__ = ("_head", "_packets", "_rest", "_source", "_stride", "_word", "armed", "channel", "units")

    def __init__(self, channel: int, units: AccessUnits, source: Receiver) -> None:
        self.channel = channel
        self.units = units
        self.armed = False
        self._head = struct.Struct(f">Q{8 + units.header + 1}s")
        self._packets = struct.Struct("")  # word, rest of the head, payload
        self._source = source
        self._word = 0
        self._stride = 0
        self._rest = b""

    def arm(self, view: memoryview, at: int, end: int) -> None:
        """The frame in `view[at:end]` was taken by the general path: foretell the next, if it opened a
        fragment.
        """
        self.armed = False
        if not self.units.open_fragment or view[at + FRAME_HEAD] != 0x80 or end - at <= self._head.size:
            return
        word, rest = self._head.unpack_from(view, at)
        if not self._source.foretells(word):
            return
        self._word = word + 1
        self._rest = rest[:-1] + bytes((rest[-1] & 0x7F,))  # the start bit goes
        stride = end - at
        if stride != self._stride:
            self._stride = stride
            self._packets = struct.Struct(f"{self._head.format}{stride - self._head.size}s")
        self.armed = True

    def take(self, view: memoryview, at: int, end: int) -> int:
        """Take what was foretold from `view[at:end]`. Returns the offset of the first octet not taken."""
        stride = self._stride
        size = stride - self._head.size
        word = first = self._word
        rest = self._rest
        units = self.units
        memory = units.memory
        offset = units.offset
        # No lane is overrun: a payload is shorter than its packet.
        whole = min(end - at, units.limit - offset) // stride * stride
        for found, same, payload in self._packets.iter_unpack(view[at : at + whole]):
            if found != word or same != rest:
                self.armed = False
                break
            memory[offset : offset + size] = payload
            offset += size
            word += 1
        units.offset = offset
        if word != first:
            self._word = word
            self._source.took(word - first, stride - FRAME_HEAD)
        return at + (word - first) * stride


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
        self._run: FragmentRun | None = None

    def route(self, channel: int, route: Route | None) -> None:
        """Send the frames of a channel to `route(view, start, end)`; it must not keep the view."""
        self._routes[channel] = route

    def expedite(self, run: FragmentRun | None) -> None:
        """The one track whose fragments take the short way."""
        self._run = run

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
        run = self._run
        if run is not None:
            run.units.resume()
        while True:
            if run is not None and run.armed:
                at = run.take(view, at, end)
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
                    run = self._run
                    if run is not None and channel == run.channel:
                        run.arm(view, at, following)
            else:
                following = self._text(at, end)
            if following == at:
                break
            at = following
        self._rest = bytes(view[at:end])
        if run is not None:
            run.units.pause()
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
