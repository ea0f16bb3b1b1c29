"""H.265 in RTP: single NAL units and fragmentation units, no DONL (RFC 7798 s4.4.1, s4.4.3)."""

from __future__ import annotations

from collections.abc import Sequence

from device.media import Track
from protocols.rtsp.packetise.h264 import units
from protocols.rtsp.packetise.piece import PAYLOAD_LIMIT, Packetiser, Piece

_FU = 49
_SPS = 33
_AUD = 35
_CHUNK = PAYLOAD_LIMIT - 3
_EMPTY = b""


def packetiser(track: Track) -> Packetiser:
    """Puts the track's parameter sets before a key frame that does not bring its own: a listener may join at
    any."""
    sets = [memoryview(unit) for unit in track.parameters if unit]

    def cut(data: bytes | memoryview, key: bool) -> list[Piece]:
        nals = [nal for nal in units(data) if len(nal) > 2]
        if key and nals and all(nal[0] >> 1 & 0x3F != _SPS for nal in nals):
            place = 1 if nals[0][0] >> 1 & 0x3F == _AUD else 0
            nals[place:place] = sets
        return _pieces(nals)

    return cut


def _pieces(nals: Sequence[memoryview]) -> list[Piece]:
    pieces: list[Piece] = []
    last = len(nals) - 1
    for index, nal in enumerate(nals):
        size = len(nal)
        if size <= PAYLOAD_LIMIT:
            pieces.append(Piece(_EMPTY, nal, index == last))
            continue
        first, second, kind = nal[0] & 0x81 | _FU << 1, nal[1], nal[0] >> 1 & 0x3F
        start, middle, end = (bytes((first, second, bits | kind)) for bits in (0x80, 0x00, 0x40))
        pieces.append(Piece(start, nal[2 : 2 + _CHUNK], False))
        tail = 2 + _CHUNK * ((size - 3) // _CHUNK)
        for at in range(2 + _CHUNK, tail, _CHUNK):
            pieces.append(Piece(middle, nal[at : at + _CHUNK], False))  # noqa: PERF401 - three kinds in order
        pieces.append(Piece(end, nal[tail:], index == last))
    return pieces
