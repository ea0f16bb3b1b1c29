"""RTCP packets, RFC 3550 s6: compound packets to records and back. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from device.media import MICROSECONDS, Utc
from protocols.rtsp.rtp import VERSION, MalformedPacket

SR, RR, SDES, BYE, APP = 200, 201, 202, 203, 204  #: packet types, RFC 3550 s12.1
CNAME = 1  #: SDES item, RFC 3550 s6.5.1
COMPOUND_LIMIT = 64  #: packets of one compound packet that are looked at
NTP_EPOCH = 2_208_988_800  #: seconds from 1900 to 1970

_HEAD = struct.Struct(">BBH")
_SENDER = struct.Struct(">IQIII")
_BLOCK = struct.Struct(">IIIIII")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of one source, RFC 3550 s6.4.1."""

    ssrc: int  #: of the source that is reported on
    fraction_lost: int  #: 0 to 255, of the packets since the last report
    lost: int  #: packets, signed 24 bits
    highest: int  #: extended highest sequence number received, 32 bits
    jitter: int  #: ticks
    last_report: int = 0  #: middle 32 bits of the NTP time of the last SR
    delay: int = 0  #: since that SR, in 1/65536 s


@dataclass(frozen=True, slots=True)
class SenderReport:
    """RFC 3550 s6.4.1: ties RTP time to wall time."""

    ssrc: int
    ntp: int  #: 64 bits, 32.32 seconds since 1900
    timestamp: int  #: RTP time of the same instant, 32 bits
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RFC 3550 s6.4.2."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """SDES, RFC 3550 s6.5: for each source its items (type, text)."""

    chunks: tuple[tuple[int, tuple[tuple[int, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    """RFC 3550 s6.6."""

    ssrcs: tuple[int, ...]
    reason: str = ""


Report = SenderReport | ReceiverReport | Description | Goodbye


def ntp_of(utc: Utc) -> int:
    """A wall time as the 64-bit NTP timestamp of RFC 3550 s4."""
    seconds, fraction = divmod(utc, MICROSECONDS)
    return ((seconds + NTP_EPOCH) << 32 | (fraction << 32) // MICROSECONDS) & 0xFFFF_FFFF_FFFF_FFFF


def utc_of(ntp: int) -> Utc:
    """The wall time of a 64-bit NTP timestamp. Values without the top bit are of the era that begins in
    2036.
    """
    seconds = (ntp >> 32) + (0 if ntp >> 63 else 1 << 32) - NTP_EPOCH
    return Utc(seconds * MICROSECONDS + ((ntp & 0xFFFF_FFFF) * MICROSECONDS + (1 << 31) >> 32))


def parse(data: bytes | bytearray | memoryview) -> list[Report]:
    """The packets of a compound packet, in order; types that we do not use are skipped. Raises
    MalformedPacket.
    """
    view = memoryview(data)
    found: list[Report] = []
    at = 0
    for _ in range(COMPOUND_LIMIT):
        if at == len(view):
            return found
        if len(view) - at < 4:
            raise MalformedPacket("RTCP header beyond the packet")
        first, kind, words = _HEAD.unpack_from(view, at)
        end = at + 4 + 4 * words
        if first >> 6 != VERSION:
            raise MalformedPacket(f"RTCP version {first >> 6}")
        if end > len(view):
            raise MalformedPacket("RTCP packet longer than what carries it")
        body = view[at + 4 : end]
        if first & 0x20:
            padding = body[-1] if body else 0
            if not 0 < padding <= len(body):
                raise MalformedPacket(f"RTCP padding of {padding} octets")
            body = body[: len(body) - padding]
        report = _report(kind, first & 0x1F, body)
        if report is not None:
            found.append(report)
        at = end
    return found


def build(reports: Iterable[Report]) -> bytes:
    """The compound packet on the wire. RFC 3550 s6.1 wants a report first and an SDES with CNAME in each."""
    return b"".join(_packet(report) for report in reports)


def _report(kind: int, count: int, body: memoryview) -> Report | None:
    if kind == SR:
        if len(body) < _SENDER.size:
            raise MalformedPacket(f"sender report of {len(body)} octets")
        ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
        blocks = _blocks(body[_SENDER.size :], count)
        return SenderReport(ssrc, ntp, timestamp, packets, octets, blocks)
    if kind == RR:
        if len(body) < 4:
            raise MalformedPacket("receiver report without its sender")
        return ReceiverReport(int.from_bytes(body[:4], "big"), _blocks(body[4:], count))
    if kind == SDES:
        return Description(_chunks(body, count))
    if kind == BYE:
        if len(body) < 4 * count:
            raise MalformedPacket("goodbye with fewer sources than it says")
        rest = bytes(body[4 * count :])
        reason = rest[1 : 1 + rest[0]].decode("utf-8", "replace") if rest else ""
        return Goodbye(struct.unpack_from(f">{count}I", body), reason)
    return None


def _blocks(body: memoryview, count: int) -> tuple[ReportBlock, ...]:
    if len(body) < count * _BLOCK.size:
        raise MalformedPacket(f"{count} report blocks in {len(body)} octets")
    blocks: list[ReportBlock] = []
    for at in range(0, count * _BLOCK.size, _BLOCK.size):
        ssrc, loss, highest, jitter, last, delay = _BLOCK.unpack_from(body, at)
        lost = loss & 0xFF_FFFF
        blocks.append(ReportBlock(ssrc, loss >> 24, lost - (lost >> 23 << 24), highest, jitter, last, delay))
    return tuple(blocks)


def _chunks(body: memoryview, count: int) -> tuple[tuple[int, tuple[tuple[int, str], ...]], ...]:
    chunks: list[tuple[int, tuple[tuple[int, str], ...]]] = []
    at = 0
    for _ in range(count):
        if len(body) - at < 4:
            raise MalformedPacket("SDES chunk beyond the packet")
        ssrc = int.from_bytes(body[at : at + 4], "big")
        at += 4
        items: list[tuple[int, str]] = []
        while at < len(body) and body[at]:
            if at + 2 > len(body) or at + 2 + body[at + 1] > len(body):
                raise MalformedPacket("SDES item beyond the packet")
            end = at + 2 + body[at + 1]
            items.append((body[at], bytes(body[at + 2 : end]).decode("utf-8", "replace")))
            at = end
        at = (at + 4) & ~3  # at least one null octet ends the list, and fills the word
        chunks.append((ssrc, tuple(items)))
    return tuple(chunks)


def _packet(report: Report) -> bytes:
    if isinstance(report, SenderReport):
        kind, count = SR, len(report.blocks)
        body = _SENDER.pack(report.ssrc, report.ntp, report.timestamp, report.packets, report.octets)
        body += b"".join(map(_block, report.blocks))
    elif isinstance(report, ReceiverReport):
        kind, count = RR, len(report.blocks)
        body = report.ssrc.to_bytes(4, "big") + b"".join(map(_block, report.blocks))
    elif isinstance(report, Description):
        kind, count = SDES, len(report.chunks)
        body = b"".join(_chunk(ssrc, items) for ssrc, items in report.chunks)
    else:
        kind, count = BYE, len(report.ssrcs)
        body = struct.pack(f">{count}I", *report.ssrcs)
        if report.reason:
            text = report.reason.encode()[:255]
            body += _filled(bytes((len(text),)) + text)
    return _HEAD.pack(VERSION << 6 | count, kind, len(body) // 4) + body


def _block(block: ReportBlock) -> bytes:
    loss = block.fraction_lost << 24 | (block.lost & 0xFF_FFFF)
    return _BLOCK.pack(block.ssrc, loss, block.highest, block.jitter, block.last_report, block.delay)


def _chunk(ssrc: int, items: tuple[tuple[int, str], ...]) -> bytes:
    body = ssrc.to_bytes(4, "big")
    for kind, text in items:
        octets = text.encode()[:255]
        body += bytes((kind, len(octets))) + octets
    return _filled(body + b"\0")


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
