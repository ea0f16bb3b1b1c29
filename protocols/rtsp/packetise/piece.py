"""What every payload format makes: pieces, each the payload of one RTP packet."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

PACKET_LIMIT = 1400  #: octets of one RTP packet: leaves room for IPv6, UDP and a tunnel in an MTU of 1500
PAYLOAD_LIMIT = PACKET_LIMIT - 12  #: octets behind the fixed RTP header


class Piece(NamedTuple):
    """The payload of one packet, in two parts, so that the sample itself is copied once, into the packet."""

    head: bytes  #: made by the payload format
    body: bytes | memoryview  #: cut from the sample
    marker: bool
    ticks: int = 0  #: media time of this piece after the sample's own; only where a sample is a run of audio


#: Cuts the samples of one track: `(data, key)` to the payloads of one sample, in order; none for an empty
#: sample. Raises jpeg.Unsendable. Keeps no state between samples.
Packetiser = Callable[[bytes | memoryview, bool], list[Piece]]
