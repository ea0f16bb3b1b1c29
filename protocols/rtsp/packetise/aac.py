"""AAC in RTP: mode AAC-hbr, one access unit in a packet (RFC 3640 s3.3.6)."""

from __future__ import annotations

from device.media import Track
from protocols.rtsp.packetise.piece import PAYLOAD_LIMIT, Packetiser, Piece

_HEADER_BITS = (16).to_bytes(2, "big")  # AU-headers-length: one AU header, 13 bits of size, 3 of index
_CHUNK = PAYLOAD_LIMIT - 4
_SIZE_LIMIT = 0x1FFF


def packetiser(_track: Track) -> Packetiser:
    """Every fragment of an access unit states the size of the whole (RFC 3640 s3.2.3.1)."""

    def cut(data: bytes | memoryview, _key: bool) -> list[Piece]:
        view = memoryview(data)
        size = len(view)
        if not 0 < size <= _SIZE_LIMIT:
            return []
        head = _HEADER_BITS + (size << 3).to_bytes(2, "big")
        return [Piece(head, view[at : at + _CHUNK], at + _CHUNK >= size) for at in range(0, size, _CHUNK)]

    return cut
