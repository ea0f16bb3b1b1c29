"""H.264 in RTP: single NAL units and FU-A, packetization-mode 1 (RFC 6184 s5.6, s5.8)."""

from __future__ import annotations

from device.media import Track
from protocols.rtsp.packetise import nal
from protocols.rtsp.packetise.piece import Packetiser

_FU_A = 28
_SYNTAX = nal.Syntax(
    header=1,
    sps=7,
    aud=9,
    kind=lambda first: first & 0x1F,
    fragment=lambda unit: bytes((unit[0] & 0xE0 | _FU_A,)),
)


def packetiser(track: Track) -> Packetiser:
    """Of a track, with its parameter sets."""
    return nal.packetiser(track, _SYNTAX)
