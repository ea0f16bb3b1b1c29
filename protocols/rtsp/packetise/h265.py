"""H.265 in RTP: single NAL units and fragmentation units, no DONL (RFC 7798 s4.4.1, s4.4.3)."""

from __future__ import annotations

from device.media import Track
from protocols.rtsp.packetise import nal
from protocols.rtsp.packetise.piece import Packetiser

_FU = 49
_SYNTAX = nal.Syntax(
    header=2,
    sps=33,
    aud=35,
    kind=lambda first: first >> 1 & 0x3F,
    fragment=lambda unit: bytes((unit[0] & 0x81 | _FU << 1, unit[1])),
)


def packetiser(track: Track) -> Packetiser:
    """Of a track, with its parameter sets."""
    return nal.packetiser(track, _SYNTAX)
