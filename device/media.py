"""The words for media that every room shares: tracks, codecs, access units, times.

Times:
- `Utc` is microseconds since 1970-01-01T00:00:00Z, as the recorder's own clock tells them.
- *media time* is an integer in ticks of the track's clock rate, unwrapped, and runs on for the whole run
  (one uninterrupted session with a camera). It is the RTP timestamp without its 32-bit wrap.

Payload forms (what `Sample.data` holds, the same in memory, on disk and between the planes):
- H.264, H.265: NAL units, each behind a 4-byte big-endian length (ISO/IEC 14496-15 s5.3.2), parameter sets included
  when the camera sends them in band. No start codes.
- MJPEG: one whole JPEG interchange file per sample (RFC 2435 headers already rebuilt).
- AAC: one raw_data_block without ADTS. G.711, G.726, Opus: the payload as it travelled.
- ONVIF metadata: one whole XML document.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NewType

Utc = NewType("Utc", int)

MICROSECONDS = 1_000_000  #: in one second


class Kind(Enum):
    """Kinds of track, as ONVIF Recording Search s4.2 names them."""

    VIDEO = "video"
    AUDIO = "audio"
    METADATA = "metadata"


class Codec(Enum):
    """What the recorder stores as it comes. The value is the RTP encoding name (RFC 3551, RFC 6184, RFC 7798 ...)."""

    H264 = "H264"
    H265 = "H265"
    MJPEG = "JPEG"
    AAC = "MPEG4-GENERIC"
    PCMU = "PCMU"
    PCMA = "PCMA"
    G726 = "G726"
    OPUS = "OPUS"
    ONVIF_METADATA = "VND.ONVIF.METADATA"

    @property
    def kind(self) -> Kind:
        """The kind of track that this codec makes."""
        if self in (Codec.H264, Codec.H265, Codec.MJPEG):
            return Kind.VIDEO
        return Kind.METADATA if self is Codec.ONVIF_METADATA else Kind.AUDIO


@dataclass(frozen=True, slots=True)
class Track:
    """One elementary stream of a session, with all that a decoder must know before the first sample.

    Two sessions with equal tracks can share a segment's `moov`; any difference starts a new segment.
    """

    codec: Codec
    clock_rate: int  #: ticks per second of media time
    #: H.264: SPS, PPS; H.265: VPS, SPS, PPS; AAC: AudioSpecificConfig; else empty
    parameters: tuple[bytes, ...] = ()
    width: int = 0  #: pixels; 0 where unknown or not video
    height: int = 0
    channels: int = 0  #: audio channels; 0 where not audio
    bits: int = 0  #: bits per sample of G.726 (2..5), else 0

    @property
    def kind(self) -> Kind:
        """The kind of this track."""
        return self.codec.kind


@dataclass(slots=True)
class Sample:
    """One access unit. Not frozen because thousands are made each second."""

    track: int  #: index into the session's tracks
    time: int  #: media time, ticks
    utc: Utc  #: wall time of the same instant
    key: bool  #: a decoder can start here; always true for audio and metadata
    data: bytes | memoryview
    damaged: bool = False  #: packets were lost since the last key frame: decodes, perhaps with errors
