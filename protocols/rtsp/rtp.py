"""RTP packets, RFC 3550 s5.1: bytes to fields and back. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from device.errors import PeerFault

VERSION = 2
HEADER_SIZE = 12  #: octets, without CSRC and extension
SEQUENCE_MODULO = 1 << 16
TIMESTAMP_MODULO = 1 << 32

_HEADER = struct.Struct(">BBHII")
_EXTENSION = struct.Struct(">HH")


class MalformedPacket(PeerFault):
    """An RTP or RTCP packet, or a payload in it, that does not follow its standard. The packet is dropped."""


@dataclass(frozen=True, slots=True)
class Extension:
    """The header extension, RFC 3550 s5.3.1. ONVIF replay uses profile 0xABAC (ONVIF Streaming s6.3)."""

    profile: int  #: 16 bits, defined by profile
    data: bytes  #: a multiple of 4 octets, at most 262140


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet, padding stripped."""

    payload_type: int  #: 7 bits
    marker: bool
    sequence: int  #: 16 bits
    timestamp: int  #: 32 bits, ticks of the track's clock rate
    ssrc: int  #: 32 bits
    payload: bytes | memoryview
    csrc: tuple[int, ...] = ()  #: at most 15
    extension: Extension | None = None


def payload_bounds(view: memoryview, start: int, end: int) -> tuple[int, int]:
    """Where the payload of the packet in `view[start:end]` begins and ends: behind the header, the
    contributing sources and the extension, before the padding. Raises MalformedPacket.
    """
    if end - start < HEADER_SIZE:
        raise MalformedPacket(f"RTP packet of {end - start} octets, the header has {HEADER_SIZE}")
    first = view[start]
    if first >> 6 != VERSION:
        raise MalformedPacket(f"RTP version {first >> 6}")
    begin = start + HEADER_SIZE + 4 * (first & 0x0F)
    if first & 0x10:
        if begin + 4 > end:
            raise MalformedPacket("RTP header extension beyond the packet")
        begin += 4 + 4 * ((view[begin + 2] << 8) | view[begin + 3])
    if begin > end:
        raise MalformedPacket("RTP header beyond the packet")
    if first & 0x20:
        padding = view[end - 1]
        if not 0 < padding <= end - begin:
            raise MalformedPacket(f"RTP padding of {padding} octets in {end - begin}")
        end -= padding
    return begin, end


def apart(timestamp: int, before: int) -> int:
    """By how many ticks one timestamp is behind another, the shorter way around; negative where it is before it."""
    half = TIMESTAMP_MODULO // 2
    return (timestamp - before + half) % TIMESTAMP_MODULO - half


def parse(data: bytes | bytearray | memoryview) -> Packet:
    """One packet. Its payload is a view into `data`. Raises MalformedPacket."""
    view = memoryview(data)
    begin, end = payload_bounds(view, 0, len(view))
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(view)
    sources = first & 0x0F
    csrc = struct.unpack_from(f">{sources}I", view, HEADER_SIZE)
    extension = None
    if first & 0x10:
        at = HEADER_SIZE + 4 * sources
        profile, words = _EXTENSION.unpack_from(view, at)
        extension = Extension(profile, bytes(view[at + 4 : at + 4 + 4 * words]))
    return Packet(
        second & 0x7F, bool(second & 0x80), sequence, timestamp, ssrc, view[begin:end], csrc, extension
    )


def header(
    payload_type: int,
    marker: bool,
    sequence: int,
    timestamp: int,
    ssrc: int,
    extension: Extension | None = None,
    csrc: tuple[int, ...] = (),
) -> bytes:
    """The header of one packet; the payload follows it on the wire. Sequence and timestamp wrap by
    themselves.
    """
    first = VERSION << 6 | (0x10 if extension is not None else 0) | len(csrc)
    second = (0x80 if marker else 0) | payload_type
    fixed = _HEADER.pack(
        first, second, sequence % SEQUENCE_MODULO, timestamp % TIMESTAMP_MODULO, ssrc % TIMESTAMP_MODULO
    )
    if csrc:
        fixed += struct.pack(f">{len(csrc)}I", *csrc)
    if extension is None:
        return fixed
    if len(extension.data) % 4:
        raise ValueError("the data of an RTP header extension is a multiple of 4 octets")
    return fixed + _EXTENSION.pack(extension.profile, len(extension.data) // 4) + extension.data


def build(packet: Packet, padding: int = 0) -> bytes:
    """The packet on the wire, with `padding` octets (0 to 255) behind the payload."""
    data = header(
        packet.payload_type,
        packet.marker,
        packet.sequence,
        packet.timestamp,
        packet.ssrc,
        packet.extension,
        packet.csrc,
    ) + bytes(packet.payload)
    if not padding:
        return data
    return bytes((data[0] | 0x20,)) + data[1:] + bytes(padding - 1) + bytes((padding,))
