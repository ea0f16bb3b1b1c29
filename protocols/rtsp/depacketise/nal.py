"""Access units of H.264 and H.265: NAL units out of RTP payloads, laid down in a lane where they will be
written from.

What differs between the two standards is one table each (`h264.py`, `h265.py`); what is here is common. Pure.

Where an access unit ends. RFC 6184 s5.1 says: at the marker bit. Cameras set it on every slice, never, or on
parameter sets alone. So the end is taken from three signs:
- a new timestamp, unless the slice that carries it continues the picture;
- the marker, once it has told the truth for a while (`MARKER_TRIALS` units that ended where the timestamp
  changed). Until then a marked unit is held back until the packet after it shows that it was the end;
- while the marker is not believed, a slice that begins a picture (first_mb_in_slice = 0). The NAL units before
  it that can only stand before a picture go with it.

What a loss does. A unit with a missing packet is dropped whole. The ones after it are delivered as `damaged`
until the next key frame.

What a key frame is. H.264: IDR, or a picture with a recovery point of zero frames (what an open group of
pictures has in place of IDR). H.265: every IRAP. A recovery point further on (gradual refresh) counts only
as long as the stream has shown no better.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from mmap import mmap

from device.cameras.source import Lane, Reception
from protocols.rtsp.depacketise.parameters import ParameterSets

MARKER_TRIALS = 16  #: access units; eight times as many again after each lie
_LENGTH = struct.Struct(">I")
_RECOVERY_POINT = 6  #: SEI payload type, ISO/IEC 14496-10 sD.1, 23008-2 sD.2

#: What a NAL unit is to an access unit, looked up by the first octet of its header.
SLICE = 1
KEY = 2
PARAMETER = 4
SEI = 8
FIRST = 16  #: can stand only before the slices of an access unit
AGGREGATE = 32
FRAGMENT = 64
REFUSED = 128


@dataclass(frozen=True, slots=True)
class Syntax:
    """What differs between H.264 and H.265 in an RTP payload."""

    roles: bytes  #: 256 entries: flags above, by the first octet
    header: int  #: octets of a NAL unit header
    first_of_type: tuple[
        int, ...
    ]  #: for fragments: first octet without its type, shifted type by FU type (64 entries)
    keep: int  #: mask of the first octet's bits that are not the type


class AccessUnits:
    """Assembles the access units of one track. `offset` and `limit` are where the next octet goes, and may
    not go.
    """

    __slots__ = (
        "_awaiting",
        "_begun",
        "_broken",
        "_damaged",
        "_deliver",
        "_gap",
        "_key",
        "_lane",
        "_marked",
        "_nal",
        "_on_begin",
        "_reception",
        "_refresh",
        "_roles",
        "_seen_key",
        "_sets",
        "_slices",
        "_start",
        "_syntax",
        "_tail",
        "_timestamp",
        "_trials",
        "_truths",
        "header",
        "limit",
        "memory",
        "offset",
        "open_fragment",
    )

    memory: mmap
    offset: int
    limit: int
    header: int  #: octets of a NAL unit header
    open_fragment: bool  #: between the first and the last fragment of a NAL unit that can still become whole

    def __init__(
        self,
        syntax: Syntax,
        lane: Lane,
        sets: ParameterSets,
        reception: Reception,
        begun: Callable[[], None],
        deliver: Callable[[Lane, int, int, bool, bool], Lane],
    ) -> None:
        """`begun()`: with the packet at hand a unit begins. `deliver(lane, end, timestamp, key, damaged)` takes the
        unit from the lane's `fill` to `end`, and returns the lane to go on with. `timestamp` is the RTP one,
        32 bits.
        """
        self._syntax = syntax
        self.header = syntax.header
        self._roles = syntax.roles
        self._sets = sets
        self._reception = reception
        self._on_begin = begun
        self._deliver = deliver
        self._timestamp = -1
        self._begun = False  # something of the unit is in the lane, or was to be
        self._slices = False
        self._key = False
        self._refresh = False  # a recovery point that lies ahead was announced
        self._seen_key = False
        self._broken = False
        self._gap = False
        self._damaged = False
        self._awaiting = True
        self._marked = False
        self._truths = 0
        self._trials = MARKER_TRIALS
        self._nal = 0
        self._tail = 0  # octets of the unit before what may belong to the next; 0 where there is no such
        self.open_fragment = False
        self._lane = lane
        self._enter()

    def packet(self, view: memoryview, start: int, end: int, timestamp: int, marker: bool) -> None:
        """One RTP payload, `view[start:end]`, in order of sequence."""
        header = self.header
        if end - start <= header:
            self._reception.malformed += 1
            self._spoil()
            return
        role = self._roles[view[start]]
        if role & FRAGMENT:
            self._fragment(view, start, end, timestamp)
        elif role & AGGREGATE:
            self._aggregate(view, start + header, end, timestamp)
        elif role & REFUSED:
            self._reception.malformed += 1
            if self.open_fragment:
                self._spoil()
        else:
            self._whole(role, view, start, end, timestamp)
        if marker and self._slices and not self.open_fragment:
            if self._truths >= self._trials:
                self.finish()
            else:
                self._marked = True

    def lay(self, octets: bytes) -> None:
        """More of the fragment that is open, which fits."""
        end = self.offset + len(octets)
        self.memory[self.offset : end] = octets
        self.offset = end

    def lost(self) -> None:
        """Packets are missing between the last one and the next."""
        if self.open_fragment:
            self._abandon()
        if self._begun and self._marked:
            self.finish()  # before anybody hears of the loss, which lies behind it
        elif self._begun:
            self._broken = True
        self._gap = True
        self._damaged = True

    def await_key(self) -> None:
        """Discard until the next key frame: what is delivered next begins a run."""
        self._awaiting = True

    def finish(self) -> None:
        """The unit that was begun is complete."""
        if self.open_fragment:
            self._abandon()
            self._broken = True
        key = self._key
        if self._broken:
            self._reception.dropped += 1
            self._damaged = True
        elif self._slices:
            key = key or (self._refresh and not self._seen_key)
            if key and self._sets.complete:
                self._awaiting = False
                self._damaged = False
                self._seen_key = self._seen_key or self._key
            if not self._awaiting:
                self._lane = self._deliver(self._lane, self.offset, self._timestamp, key, self._damaged)
                self._enter()
        self.offset = self._start
        self._tail = 0
        self._begun = self._slices = self._key = self._refresh = self._broken = self._marked = False

    def end(self) -> None:
        """The session ends: deliver what a marker said was complete, drop the rest."""
        self.resume()
        if self._begun and not self._marked:
            self._broken = True
        self.finish()

    def resume(self) -> None:
        """The loop calls again: the lane may have moved meanwhile what was begun."""
        lane = self._lane
        if lane.fill != self._start or lane.memory is not self.memory or lane.limit != self.limit:
            begun, nal = self.offset - self._start, self._nal - self._start
            self._enter()
            self.offset += begun
            self._nal = self._start + nal

    def pause(self) -> None:
        """Before returning to the loop: tell the lane how far the unit goes."""
        self._lane.written = self.offset

    def _enter(self) -> None:
        lane = self._lane
        self.memory = lane.memory
        self._start = self.offset = lane.fill
        self.limit = lane.limit

    def _room(self, size: int) -> bool:
        """Whether so many octets fit behind what is laid down; if need be, in a lane that grows for them."""
        if self.offset + size <= self.limit:
            return True
        if self._lane.grow(self.offset, size):
            self.resume()
            return True
        self.open_fragment = False
        self.offset = self._start
        self._slices = self._broken = True
        return False

    def _begin(self, role: int, opens_picture: bool, timestamp: int) -> None:
        """A NAL unit begins. Decides whether it belongs to the unit that is open."""
        if timestamp != self._timestamp or self._marked or not self._begun or self._truths < self._trials:
            continues = bool(role & SLICE) and not opens_picture and not self._gap
            if self._slices:
                self._maybe_finish(role, continues, opens_picture, timestamp)
            elif self._begun and timestamp != self._timestamp and self._broken:
                self.finish()  # parameter sets of a picture that never came
            elif not self._begun and continues and timestamp == self._timestamp:
                # The rest of a picture that a marker had ended: from here on the marker must prove itself
                # again.
                self._distrust()
                self._broken = True
        if not self._begun:
            self._begun = True
            self._on_begin()
            self._timestamp = timestamp
            if self._gap and not (role & FIRST or opens_picture):
                self._broken = True
            self._gap = False
        elif not self._slices:
            self._timestamp = timestamp  # parameter sets may carry another time than their picture

    def _maybe_finish(self, role: int, continues: bool, opens_picture: bool, timestamp: int) -> None:
        if timestamp != self._timestamp:
            if continues:
                if self._marked:
                    self._distrust()
                return
            if self._marked:
                self._truths += 1
            elif not self._broken:
                self._truths = 0
            self._split()
        elif self._marked:
            if continues:
                self._distrust()
            else:
                self.finish()
        elif self._truths < self._trials:
            if role & SLICE:
                if opens_picture:
                    self._split()
                self._tail = 0
            elif role & FIRST and not self._tail:
                self._tail = self.offset - self._start

    def _split(self) -> None:
        """The unit is complete, but for what stands behind its last slice and can only belong to the next."""
        tail = self._tail
        after = self.memory[self._start + tail : self.offset] if tail else b""
        self.offset -= len(after)
        self.finish()
        if after and self._room(len(after)):
            self.memory[self.offset : self.offset + len(after)] = after
            self.offset += len(after)
            self._begun = True
            self._on_begin()

    def _distrust(self) -> None:
        if self._truths >= self._trials:
            self._trials *= 8
        self._truths = 0
        self._marked = False

    def _whole(self, role: int, view: memoryview, start: int, end: int, timestamp: int) -> None:
        """A whole NAL unit, `view[start:end]`."""
        if self.open_fragment:
            self._abandon()
            self._broken = True
        self._begin(role, bool(role & SLICE) and view[start + self.header] >= 0x80, timestamp)
        size = end - start
        if not self._room(4 + size):
            return
        at = self.offset
        _LENGTH.pack_into(self.memory, at, size)
        self.memory[at + 4 : at + 4 + size] = view[start:end]
        self.offset = at + 4 + size
        if role & SLICE:
            self._slices = True
            if role & KEY:
                self._key = True
        elif role & (PARAMETER | SEI):
            self._inspect(role, view[start:end])

    def _aggregate(self, view: memoryview, at: int, end: int, timestamp: int) -> None:
        """STAP-A (RFC 6184 s5.7.1), AP (RFC 7798 s4.4.2): NAL units, each behind its size in 16 bits."""
        header = self.header
        while at < end:
            size = (view[at] << 8 | view[at + 1]) if end - at > 2 else 0
            at += 2
            role = self._roles[view[at]] if header < size <= end - at else REFUSED
            if role & (FRAGMENT | AGGREGATE | REFUSED):
                self._reception.malformed += 1
                self._spoil()
                return
            self._whole(role, view, at, at + size, timestamp)
            at += size

    def _fragment(self, view: memoryview, start: int, end: int, timestamp: int) -> None:
        """FU-A (RFC 6184 s5.8), FU (RFC 7798 s4.4.3)."""
        at = start + self.header
        head = view[at]
        at += 1
        if head & 0x80:
            if self.open_fragment:
                self._abandon()
                self._broken = True
            first = (view[start] & self._syntax.keep) | self._syntax.first_of_type[head & 0x3F]
            role = self._roles[first]
            if role & (FRAGMENT | AGGREGATE | REFUSED):
                self._reception.malformed += 1
                self._spoil()
                return
            self._begin(role, bool(role & SLICE) and at < end and view[at] >= 0x80, timestamp)
            if not self._room(6):
                return
            self._nal = self.offset
            self.memory[self.offset + 4] = first
            self.offset += 5
            if self.header == 2:
                self.memory[self.offset] = view[start + 1]
                self.offset += 1
            self.open_fragment = True
            if role & SLICE:
                self._slices = True
                if role & KEY:
                    self._key = True
        elif not self.open_fragment:
            if not self._broken:
                # Its beginning is missing, and with it a part of some picture.
                self._begin(SLICE, False, timestamp)
                self._slices = self._broken = True
            elif timestamp != self._timestamp:
                self._begin(SLICE, False, timestamp)
                self._slices = self._broken = True
            return
        size = end - at
        if not self._room(size):
            return
        offset = self.offset
        self.memory[offset : offset + size] = view[at:end]
        self.offset = offset + size
        if head & 0x40:
            self.open_fragment = False
            nal = self._nal
            _LENGTH.pack_into(self.memory, nal, self.offset - nal - 4)
            role = self._roles[self.memory[nal + 4]]
            if role & (PARAMETER | SEI):
                self._inspect(role, memoryview(self.memory)[nal + 4 : self.offset])

    def _inspect(self, role: int, nal: memoryview) -> None:
        if role & PARAMETER:
            self._sets.note(bytes(nal))
        elif not self._key:
            ahead = recovery_point(nal, self.header)
            if ahead == 0:
                self._key = True
            elif ahead is not None:
                self._refresh = True

    def _abandon(self) -> None:
        self.open_fragment = False
        self.offset = self._nal

    def _spoil(self) -> None:
        """What came cannot be understood: whatever it belonged to is not whole."""
        if self.open_fragment:
            self._abandon()
        if self._begun:
            self._broken = True
        else:
            self._gap = True
        self._damaged = True


def recovery_point(nal: memoryview, header: int) -> int | None:
    """The frame (H.264) or picture order (H.265) count of a recovery point SEI message; None where there is
    none.

    `nal` is one SEI NAL unit. Reads at most its first 8 messages (ISO/IEC 14496-10 s7.3.2.3.1).
    """
    data = bytes(nal[header : header + 256]).replace(b"\0\0\3", b"\0\0")
    at = 0
    for _ in range(8):
        kind = size = 0
        while at < len(data) and data[at] == 0xFF:
            kind += 255
            at += 1
        kind += data[at] if at < len(data) else 0
        at += 1
        while at < len(data) and data[at] == 0xFF:
            size += 255
            at += 1
        size += data[at] if at < len(data) else 0
        at += 1
        if at + size > len(data) or size == 0:
            return None
        if kind == _RECOVERY_POINT:
            return _exp_golomb(data[at : at + size])
        at += size
    return None


def _exp_golomb(data: bytes) -> int | None:
    """The ue(v) (or the magnitude of the se(v)) that `data` begins with, ISO/IEC 14496-10 s9.1."""
    bits = int.from_bytes(data[:8], "big")
    width = 8 * len(data[:8])
    zeros = width - bits.bit_length()
    if 2 * zeros + 1 > width:
        return None
    return (bits >> (width - 2 * zeros - 1)) - 1
