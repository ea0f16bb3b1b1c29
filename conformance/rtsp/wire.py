"""RTSP/1.0 answers and interleaved packets as they stand on the wire (RFC 2326 s7, s10.12), read strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from conformance.case import Failed

HEAD_LIMIT = 64 * 1024  #: octets
BODY_LIMIT = 1024 * 1024  #: octets
_STATUS_LINE = re.compile(r"(RTSP|HTTP)/(\d+\.\d+) (\d{3})(?: ([^\r\n]*))?")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*(.*)", re.DOTALL)
_REQUEST_LINE = re.compile(r"[A-Z_]+ \S+ RTSP/\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of the server; or, with status 0, a request that it sent of its own accord."""

    protocol: str  #: `RTSP`, or `HTTP` from a tunnel
    version: str  #: `1.0`
    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    head: bytes  #: status line and headers as received, with the blank line

    def get(self, name: str) -> str | None:
        """The first value of a header field."""
        return next((value for key, value in self.fields if key.lower() == name.lower()), None)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a header field."""
        return tuple(value for key, value in self.fields if key.lower() == name.lower())

    def words(self, name: str) -> set[str]:
        """The members of a list that is separated by commas, over all fields of the name."""
        return {word.strip() for value in self.all(name) for word in value.split(",")} - {""}

    @property
    def said(self) -> str:
        """Status and reason, for a report."""
        return f"{self.status} {self.reason}".strip()


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP or RTCP packet."""

    channel: int  #: interleaved channel; over UDP 0 for the RTP port and 1 for the RTCP port
    data: bytes
    at: float  #: monotonic seconds
    source: tuple[str, int] | None = None  #: address that a datagram came from


#: Told of one packet after another: whether they are enough.
Enough = Callable[[Packet], bool]


def never(_packet: Packet) -> bool:
    """Whatever comes is not enough: until the time is over."""
    return False


def count(number: int, channel: int | None) -> Enough:
    """So many packets, on one channel or, with None, on any."""
    left = [number]

    def enough(packet: Packet) -> bool:
        left[0] -= channel is None or packet.channel == channel
        return left[0] <= 0

    return enough


def each(channels: Iterable[int]) -> Enough:
    """A packet on each of the channels."""
    missing = set(channels)

    def enough(packet: Packet) -> bool:
        missing.discard(packet.channel)
        return not missing

    return enough


def take(buffer: bytearray, now: float) -> Answer | Packet | None:
    """Remove the first message from the buffer and return it; None while it is not whole. Raises Failed."""
    if not buffer:
        return None
    if buffer[0] == 0x24:
        if len(buffer) < 4 or len(buffer) < (end := 4 + int.from_bytes(buffer[2:4], "big")):
            return None
        packet = Packet(buffer[1], bytes(buffer[4:end]), now)
        del buffer[:end]
        return packet
    head, blank, _ = bytes(buffer[: HEAD_LIMIT + 4]).partition(b"\r\n\r\n")
    if not blank:
        if len(buffer) > HEAD_LIMIT or not re.match(rb"[A-Z_]{1,16}([/ ]|$)", bytes(buffer[:17])):
            raise Failed(f"what the server sent is no RTSP: {bytes(buffer[:60])!r}")
        return None
    answer, length = _head(head + blank)
    if length > BODY_LIMIT:
        raise Failed(f"the server announces a body of {length} octets")
    end = len(answer.head) + length
    if len(buffer) < end:
        return None
    body = bytes(buffer[len(answer.head) : end])
    del buffer[:end]
    return Answer(
        answer.protocol, answer.version, answer.status, answer.reason, answer.fields, body, answer.head
    )


def _head(head: bytes) -> tuple[Answer, int]:
    lines = head.decode("utf-8", "replace").removesuffix("\r\n\r\n").split("\r\n")
    protocol, version, status, reason = "RTSP", "1.0", 0, lines[0]
    match = _STATUS_LINE.fullmatch(lines[0])
    if match is not None:
        protocol, version, status, reason = match[1], match[2], int(match[3]), match[4] or ""
    elif not _REQUEST_LINE.fullmatch(lines[0]):
        raise Failed(f"not a status line: {lines[0][:80]!r}")
    fields: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip()}")
            continue
        field = _FIELD.fullmatch(line)
        if field is None:
            raise Failed(f"not a header field: {line[:80]!r}")
        fields.append((field[1], field[2].strip()))
    answer = Answer(protocol, version, status, reason, tuple(fields), b"", head)
    # The answer that opens an HTTP tunnel has no end, whatever length it claims (QuickTime servers claim one).
    length = answer.get("Content-Length") if protocol == "RTSP" else None
    if length is not None and not re.fullmatch(r"[0-9]{1,9}", length):
        raise Failed(f"Content-Length is no number: {length[:40]!r}")
    return answer, int(length or 0)


def parameters(value: str) -> dict[str, str]:
    """The parameters of a value such as `RTP/AVP;unicast;client_port=1-2`, names in lower case. The first
    word is in them, too, without a value."""
    found: dict[str, str] = {}
    for part in value.split(";"):
        name, _, text = part.strip().partition("=")
        found.setdefault(name.strip().lower(), text.strip().strip('"'))
    return found


def pair(text: str) -> tuple[int, int] | None:
    """`8000-8001`; None for anything else."""
    match = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", text)
    return (int(match[1]), int(match[2])) if match else None
