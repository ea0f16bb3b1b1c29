"""RTP and RTCP packets (RFC 3550), read strictly."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.case import Failed

SEQUENCES = 1 << 16
TIMES = 1 << 32
NTP_EPOCH = 2_208_988_800  #: seconds from 1900 to 1970


@dataclass(frozen=True, slots=True)
class Rtp:
    """RFC 3550 s5.1."""

    kind: int  #: payload type
    marker: bool
    sequence: int
    time: int
    ssrc: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class SenderReport:
    """RFC 3550 s6.4.1."""

    ssrc: int
    ntp: float  #: seconds since 1970
    time: int  #: RTP time of the same instant
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Compound:
    """One RTCP packet of several (RFC 3550 s6.1)."""

    kinds: tuple[int, ...]  #: packet types in their order
    report: SenderReport | None
    names: dict[int, str]  #: SSRC -> CNAME
    goodbyes: tuple[int, ...]  #: SSRCs that leave


def ahead(later: int, earlier: int, modulus: int) -> int:
    """How far `later` is ahead of `earlier` around the circle; negative where it is behind."""
    distance = (later - earlier) % modulus
    return distance - modulus if distance >= modulus // 2 else distance


def read(data: bytes) -> Rtp:
    """Raises Failed."""
    if len(data) < 12 or data[0] >> 6 != 2:
        raise Failed(f"not an RTP packet of version 2: {data[:16].hex(' ')} ({len(data)} octets)")
    start = 12 + 4 * (data[0] & 15)
    if data[0] & 0x10:
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data) - (data[-1] if data[0] & 0x20 else 0)
    if start > end:
        raise Failed(f"an RTP packet whose header or padding is longer than itself: {data[:16].hex(' ')}")
    return Rtp(
        data[1] & 0x7F,
        bool(data[1] & 0x80),
        int.from_bytes(data[2:4], "big"),
        int.from_bytes(data[4:8], "big"),
        int.from_bytes(data[8:12], "big"),
        data[start:end],
    )


def read_control(data: bytes) -> Compound:
    """Raises Failed."""
    kinds: list[int] = []
    names: dict[int, str] = {}
    goodbyes: list[int] = []
    report: SenderReport | None = None
    at = 0
    while at < len(data):
        size = 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
        if len(data) - at < 4 or data[at] >> 6 != 2 or at + size > len(data):
            raise Failed(f"not an RTCP packet: {data[at : at + 16].hex(' ')} at octet {at} of {len(data)}")
        body = data[at + 4 : at + size]
        kinds.append(data[at + 1])
        if data[at + 1] == 200 and len(body) >= 24:
            number = [int.from_bytes(body[n : n + 4], "big") for n in range(0, 24, 4)]
            ntp = number[1] - NTP_EPOCH + number[2] / 2**32
            report = SenderReport(number[0], ntp, number[3], number[4], number[5])
        elif data[at + 1] == 202:
            names.update(_names(body, data[at] & 31))
        elif data[at + 1] == 203:
            goodbyes += [int.from_bytes(body[4 * n : 4 * n + 4], "big") for n in range(data[at] & 31)]
        at += size
    return Compound(tuple(kinds), report, names, tuple(goodbyes))


def receiver_report(ssrc: int, of: Rtp) -> bytes:
    """A compound packet that says that everything came (RFC 3550 s6.4.2, s6.5)."""
    block = of.ssrc.to_bytes(4, "big") + bytes(4) + of.sequence.to_bytes(4, "big") + bytes(12)
    report = b"\x81\xc9\x00\x07" + ssrc.to_bytes(4, "big") + block
    return report + b"\x81\xca\x00\x03" + ssrc.to_bytes(4, "big") + b"\x01\x04suit\x00\x00"


def _names(body: bytes, chunks: int) -> dict[int, str]:
    found: dict[int, str] = {}
    at = 0
    for _ in range(chunks):
        ssrc = int.from_bytes(body[at : at + 4], "big")
        at += 4
        while at + 1 < len(body) and body[at]:
            if body[at] == 1:
                found[ssrc] = body[at + 2 : at + 2 + body[at + 1]].decode("utf-8", "replace")
            at += 2 + body[at + 1]
        at += 4 - at % 4
    return found
