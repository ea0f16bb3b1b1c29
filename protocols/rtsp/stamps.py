"""The RTP header extension of ONVIF's replay: what it tells of an access unit (Streaming s6.3). Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from device.media import Sample, Utc
from protocols.rtsp import rtcp, rtp

FEATURE = "onvif-replay"  #: the tag of RFC 2326 s12.32 by which a client asks for it (Streaming s6.4)
PROFILE = 0xABAC
_FIELDS = struct.Struct(">QBBH")
_HEAD = struct.pack(">HH", PROFILE, _FIELDS.size // 4)
_T = 0x10


@dataclass(frozen=True, slots=True)
class Told:
    """What the extension of a packet tells whoever replays."""

    timestamp: int  #: RTP, of the unit
    utc: Utc  #: when it was taken, by the clock of whoever recorded it
    terminal: bool  #: T: the last of its track in this playback


def told(data: memoryview) -> Told | None:
    """Of one RTP packet; None where it is none, or has no such extension."""
    try:
        packet = rtp.parse(data)
    except rtp.MalformedPacket:
        return None
    extension = packet.extension
    if extension is None or extension.profile != PROFILE or len(extension.data) < _FIELDS.size:
        return None
    ntp, flags, _, _ = _FIELDS.unpack_from(extension.data)
    return Told(packet.timestamp, rtcp.utc_of(ntp), bool(flags & _T))


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a unit stands among those that are sent."""

    end: bool = False  #: E: the last of its track before a gap, or of all that is recorded
    discontinuity: bool = (
        False  #: D: it does not continue, in recorded time, the unit that was sent before it
    )
    terminal: bool = False  #: T: the last of its track in this playback


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is told of a unit besides what is in it."""

    mark: Mark
    cseq: int  #: of the PLAY that it is sent for
    now: Utc  #: wall time, for the sender reports (Streaming s6.11)

    def encode(self, sample: Sample, first: bool, last: bool) -> bytes:
        """The extension of one packet of a unit: 16 octets behind the fixed RTP header, whose X bit is to be set.

        Due is the first packet alone. All have it, as GStreamer takes the time of a unit from its last packet;
        D stands in the first, and T in the last, as GStreamer ends there.
        """
        mark = self.mark
        flags = (
            sample.key << 7
            | mark.end << 6
            | (mark.discontinuity and first) << 5
            | (mark.terminal and last) << 4
        )
        return _HEAD + _FIELDS.pack(rtcp.ntp_of(sample.utc), flags, self.cseq & 0xFF, 0)
