"""Payload formats that put the sample into the packet as it is."""

from __future__ import annotations

from device.media import Codec, Track
from protocols.rtsp.packetise.piece import PAYLOAD_LIMIT, Packetiser, Piece

_EMPTY = b""


def octet_stream(track: Track) -> Packetiser:
    """G.711 and G.726: audio that may be cut between any two groups of samples (RFC 3551 s4.5)."""
    bits = (track.bits or 4) if track.codec is Codec.G726 else 8 * max(1, track.channels)
    # 40 is divisible by every group: eight G.726 code words of 2, 3, 4 or 5 bits are 2 to 5 octets.
    step = PAYLOAD_LIMIT // (40 * max(1, track.channels)) * 40 * max(1, track.channels)

    def cut(data: bytes | memoryview, _key: bool) -> list[Piece]:
        view = memoryview(data)
        return [
            Piece(_EMPTY, view[at : at + step], False, at * 8 // bits) for at in range(0, len(view), step)
        ]

    return cut


def one_packet(_track: Track) -> Packetiser:
    """Opus: a packet is never cut (RFC 7587 s4.2); the largest, 1275 octets a frame, fits for all usual
    frames."""

    def cut(data: bytes | memoryview, _key: bool) -> list[Piece]:
        return [Piece(_EMPTY, data, False)] if data else []

    return cut


def document(_track: Track) -> Packetiser:
    """ONVIF metadata: an XML document over any number of packets, marker on the last (ONVIF Streaming
    s5.1.2.1.1)."""

    def cut(data: bytes | memoryview, _key: bool) -> list[Piece]:
        view = memoryview(data)
        size = len(view)
        return [
            Piece(_EMPTY, view[at : at + PAYLOAD_LIMIT], at + PAYLOAD_LIMIT >= size)
            for at in range(0, size, PAYLOAD_LIMIT)
        ]

    return cut
