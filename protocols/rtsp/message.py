"""RTSP messages (RFC 2326 s4 to s7, s10.12): bytes to requests, responses and interleaved frames, and back.

Used by both roles. Pure: `take` looks into a buffer that the caller owns and says how far it read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from device.errors import PeerFault

HEAD_LIMIT = 16 * 1024  #: octets of start line and headers together
URL_LIMIT = 4096  #: octets of a request's URL
HEADER_COUNT_LIMIT = 96
BODY_LIMIT = 64 * 1024  #: octets
DOLLAR = 0x24  #: begins an interleaved frame, RFC 2326 s10.12
VERSION = "RTSP/1.0"

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_VERSION = re.compile(r"RTSP/[0-9]{1,3}\.[0-9]{1,3}")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Time-out",
    413: "Request Entity Too Large",
    414: "Request-URI Too Large",
    415: "Unsupported Media Type",
    451: "Parameter Not Understood",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    456: "Header Field Not Valid for Resource",
    457: "Invalid Range",
    459: "Aggregate operation not allowed",
    460: "Only aggregate operation allowed",
    461: "Unsupported transport",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    505: "RTSP Version not supported",
    551: "Option not supported",
}  #: RFC 2326 s7.1.1


class MalformedMessage(PeerFault):
    """What the peer sent is not RTSP, or exceeds a limit. The stream cannot be read on from here.

    `status` is what a server answers before it closes: 400, 413 or 414.
    """

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in their order. Names compare without case (RFC 2326 s4.2); values carry no outer
    blanks."""

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """The first value of `name`."""
        wanted = name.lower()
        return next((value for key, value in self.fields if key.lower() == wanted), None)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of `name`, in order. Challenges, for one, come as several header fields."""
        wanted = name.lower()
        return tuple(value for key, value in self.fields if key.lower() == wanted)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)


@dataclass(frozen=True, slots=True)
class Request:
    """RFC 2326 s6."""

    method: str
    url: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    version: str = VERSION

    def encode(self) -> bytes:
        """The message on the wire. Content-Length is ours to add."""
        return _encode(f"{self.method} {self.url} {self.version}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """RFC 2326 s7."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    reason: str = ""  #: as received; when empty, `encode` writes the one of RFC 2326 s7.1.1
    version: str = VERSION

    def encode(self) -> bytes:
        """The message on the wire. Content-Length is ours to add."""
        reason = self.reason or REASONS.get(self.status, "Unknown")
        return _encode(f"{self.version} {self.status} {reason}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Frame:
    """One interleaved RTP or RTCP packet, RFC 2326 s10.12."""

    channel: int
    payload: bytes

    def encode(self) -> bytes:
        """The frame on the wire."""
        return bytes((DOLLAR, self.channel)) + len(self.payload).to_bytes(2, "big") + self.payload


def headers(fields: Iterable[tuple[str, str]]) -> Headers:
    """Headers from pairs. Raises ValueError where a value would break out of its line: ours, not a peer's."""
    pairs = tuple(fields)
    for name, value in pairs:
        if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
            raise ValueError(f"not a header field: {name!r}: {value!r}")
    return Headers(pairs)


def take(buffer: bytes | bytearray, start: int = 0) -> tuple[Request | Response | Frame, int] | None:
    """The message that begins at `start`, and the offset behind it; None while it is not complete.

    Blank lines before a message are skipped (RFC 2326 s4.1). Raises MalformedMessage.
    """
    size = len(buffer)
    while start < size and buffer[start] in b"\r\n":
        start += 1
    if start >= size:
        return None
    if buffer[start] == DOLLAR:
        if size - start < 4:
            return None
        end = start + 4 + int.from_bytes(buffer[start + 2 : start + 4], "big")
        return (Frame(buffer[start + 1], bytes(buffer[start + 4 : end])), end) if end <= size else None
    found = _HEAD_END.search(buffer, start, start + HEAD_LIMIT + 4)
    if found is None:
        if size - start > HEAD_LIMIT:
            line = buffer.find(b"\n", start, start + HEAD_LIMIT)
            if line < 0:
                raise MalformedMessage(f"the URL exceeds {URL_LIMIT} octets", 414)
            raise MalformedMessage(f"start line and headers exceed {HEAD_LIMIT} octets", 413)
        _refuse_early(buffer, start)
        return None
    lines = _lines(bytes(buffer[start : found.start()]))
    fields = _fields(lines[1:])
    length = _content_length(fields)
    end = found.end() + length
    message = _start_line(lines[0], fields)
    if end > size:
        return None
    body = bytes(buffer[found.end() : end])
    if isinstance(message, Request):
        return Request(message.method, message.url, fields, body, message.version), end
    return Response(message.status, fields, body, message.reason, message.version), end


def extent(buffer: bytes | bytearray, start: int = 0) -> int | None:
    """The offset behind the message at `start`, known as soon as its head is there: for a peer that sends a
    long body in small pieces, so that its head is not read again for each. Raises MalformedMessage."""
    found = _HEAD_END.search(buffer, start, start + HEAD_LIMIT + 4)
    if found is None:
        return None
    return found.end() + _content_length(_fields(_lines(bytes(buffer[start : found.start()]))[1:]))


def _refuse_early(buffer: bytes | bytearray, start: int) -> None:
    """A peer that does not speak RTSP is told at its first octets, not after 16 KB of them."""
    first = bytes(buffer[start : start + 1])
    if not (b"A" <= first <= b"Z" or b"a" <= first <= b"z"):
        raise MalformedMessage("not an RTSP message")


def _lines(head: bytes) -> list[str]:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if line[:1] in (" ", "\t") and len(lines) > 1:
            lines[-1] += " " + line.strip(" \t")  # RFC 2326 s4.2: a folded header
        else:
            lines.append(line)
    if any(_CONTROL.search(line) for line in lines):
        raise MalformedMessage("control characters in the message head")
    return lines


def _fields(lines: list[str]) -> Headers:
    if len(lines) > HEADER_COUNT_LIMIT:
        raise MalformedMessage(f"more than {HEADER_COUNT_LIMIT} headers", 413)
    pairs: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not _TOKEN.fullmatch(name):
            raise MalformedMessage(f"not a header: {line[:60]!r}")
        pairs.append((name, value.strip(" \t")))
    return Headers(tuple(pairs))


def _content_length(fields: Headers) -> int:
    values = set(fields.all("Content-Length"))
    if not values:
        return 0
    value = values.pop()
    if values or not (value.isascii() and value.isdigit()):
        raise MalformedMessage("Content-Length is not one number")
    if len(value) > 9 or int(value) > BODY_LIMIT:
        raise MalformedMessage(f"the body exceeds {BODY_LIMIT} octets", 413)
    return int(value)


def _start_line(line: str, fields: Headers) -> Request | Response:
    first, _, rest = line.partition(" ")
    if _VERSION.fullmatch(first):
        code, _, reason = rest.partition(" ")
        if not (len(code) == 3 and code.isascii() and code.isdigit()) or code < "100":
            raise MalformedMessage(f"not a status line: {line[:60]!r}")
        return Response(int(code), fields, b"", reason.strip(), first)
    url, _, version = rest.rstrip(" ").rpartition(" ")
    if not _TOKEN.fullmatch(first) or not url or " " in url or "\t" in url:
        raise MalformedMessage(f"not a request line: {line[:60]!r}")
    if not _VERSION.fullmatch(version):
        raise MalformedMessage(f"not an RTSP version: {version[:20]!r}")
    if len(url.encode()) > URL_LIMIT:
        raise MalformedMessage(f"the URL exceeds {URL_LIMIT} octets", 414)
    return Request(first, url, fields, b"", version)


def _encode(start: str, fields: Headers, body: bytes) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in fields)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
