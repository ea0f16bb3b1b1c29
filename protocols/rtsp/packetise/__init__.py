"""Access units to RTP payloads, one module for each payload format. Pure."""

from __future__ import annotations

from collections.abc import Callable

from device.media import Codec, Track
from protocols.rtsp.packetise import aac, h264, h265, jpeg, whole
from protocols.rtsp.packetise.jpeg import Unsendable
from protocols.rtsp.packetise.piece import PACKET_LIMIT, PAYLOAD_LIMIT, Packetiser, Piece

__all__ = ["PACKET_LIMIT", "PAYLOAD_LIMIT", "Packetiser", "Piece", "Unsendable", "packetiser"]

_FORMATS: dict[Codec, Callable[[Track], Packetiser]] = {
    Codec.H264: h264.packetiser,  # RFC 6184
    Codec.H265: h265.packetiser,  # RFC 7798
    Codec.MJPEG: jpeg.packetiser,  # RFC 2435
    Codec.AAC: aac.packetiser,  # RFC 3640
    Codec.PCMU: whole.octet_stream,  # RFC 3551 s4.5.14
    Codec.PCMA: whole.octet_stream,
    Codec.G726: whole.octet_stream,  # RFC 3551 s4.5.4
    Codec.OPUS: whole.one_packet,  # RFC 7587
    Codec.ONVIF_METADATA: whole.document,  # ONVIF Streaming s5.1.2.1.1
}


def packetiser(track: Track) -> Packetiser:
    """The packetiser of a track, which knows its parameter sets."""
    return _FORMATS[track.codec](track)
