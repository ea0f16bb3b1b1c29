"""H.264 in RTP: single NAL units and FU-A, packetization-mode 1 (RFC 6184 s5.6, s5.8)."""

from __future__ import annotations

from collections.abc import Sequence

from device.media import Track
from protocols.rtsp.packetise.piece import PAYLOAD_LIMIT, Packetiser, Piece

_FU_A = 28
_SPS = 7
_AUD = 9
_CHUNK = PAYLOAD_LIMIT - 2
_EMPTY = b""


def units(data: bytes | memoryview) -> list[memoryview]:
    """The NAL units of a sample in length-prefixed form. A length beyond the end takes what there is."""
    view = memoryview(data)
    found: list[memoryview] = []
    at, size = 0, len(view)
    while at + 4 < size:
        end = at + 4 + int.from_bytes(view[at : at + 4], "big")
        if end > at + 4:
            found.append(view[at + 4 : end])
        at = end
    return found


def packetiser(track: Track) -> Packetiser:
    """Puts the track's parameter sets before a key frame that does not bring its own: a listener may join at
    any."""
    sets = [memoryview(unit) for unit in track.parameters if unit]

    def cut(data: bytes | memoryview, key: bool) -> list[Piece]:
        nals = units(data)
        if key and nals and all(nal[0] & 0x1F != _SPS for nal in nals):
            place = 1 if nals[0][0] & 0x1F == _AUD else 0
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
        indicator, kind = nal[0] & 0xE0 | _FU_A, nal[0] & 0x1F
        start, middle, end = (bytes((indicator, bits | kind)) for bits in (0x80, 0x00, 0x40))
        pieces.append(Piece(start, nal[1 : 1 + _CHUNK], False))
        tail = 1 + _CHUNK * ((size - 2) // _CHUNK)
        for at in range(1 + _CHUNK, tail, _CHUNK):
            pieces.append(Piece(middle, nal[at : at + _CHUNK], False))  # noqa: PERF401 - three kinds in order
        pieces.append(Piece(end, nal[tail:], index == last))
    return pieces
