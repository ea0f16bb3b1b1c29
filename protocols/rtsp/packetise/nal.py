"""NAL units in RTP: as they are, or in fragments (RFC 6184 s5.6, s5.8; RFC 7798 s4.4.1, s4.4.3). H.264 and H.265
differ in where a NAL unit says what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device.media import Track
from protocols.rtsp.packetise.piece import PAYLOAD_LIMIT, Packetiser, Piece

_EMPTY = b""
_START, _MIDDLE, _END = 0x80, 0x00, 0x40  #: in the header of a fragment


@dataclass(frozen=True, slots=True)
class Syntax:
    """Of one codec."""

    header: int  #: octets of a NAL unit's header
    sps: int  #: type of a sequence parameter set
    aud: int  #: type of an access unit delimiter
    kind: Callable[[int], int]  #: type of a NAL unit, from its first octet
    fragment: Callable[[memoryview], bytes]  #: of a NAL unit, what its fragments have in place of its header


def units(data: bytes | memoryview, header: int) -> list[memoryview]:
    """The NAL units of a sample in length-prefixed form, without those shorter than their header. A
    length beyond the end takes what there is."""
    view = memoryview(data)
    found: list[memoryview] = []
    at, size = 0, len(view)
    while at + 4 < size:
        begin = at + 4
        at = begin + int.from_bytes(view[at:begin], "big")
        if min(at, size) - begin >= header:
            found.append(view[begin:at])
    return found


def packetiser(track: Track, syntax: Syntax) -> Packetiser:
    """Puts the track's parameter sets before a key frame that does not bring its own: a listener may join at
    any."""
    sets = [memoryview(unit) for unit in track.parameters if unit]
    kind = syntax.kind

    def cut(data: bytes | memoryview, key: bool) -> list[Piece]:
        nals = units(data, syntax.header)
        if key and nals and all(kind(nal[0]) != syntax.sps for nal in nals):
            place = 1 if kind(nals[0][0]) == syntax.aud else 0
            nals[place:place] = sets
        return _pieces(nals, syntax)

    return cut


def _pieces(nals: Sequence[memoryview], syntax: Syntax) -> list[Piece]:
    pieces: list[Piece] = []
    header, last = syntax.header, len(nals) - 1
    chunk = PAYLOAD_LIMIT - header - 1
    for index, nal in enumerate(nals):
        size = len(nal)
        if size <= PAYLOAD_LIMIT:
            pieces.append(Piece(_EMPTY, nal, index == last))
            continue
        indicator, kind = syntax.fragment(nal), syntax.kind(nal[0])
        start, middle, end = (indicator + bytes((bits | kind,)) for bits in (_START, _MIDDLE, _END))
        pieces.append(Piece(start, nal[header : header + chunk], False))
        tail = header + chunk * ((size - header - 1) // chunk)
        pieces += [Piece(middle, nal[at : at + chunk], False) for at in range(header + chunk, tail, chunk)]
        pieces.append(Piece(end, nal[tail:], index == last))
    return pieces
