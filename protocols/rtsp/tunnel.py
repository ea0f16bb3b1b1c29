"""RTSP through HTTP, as QuickTime began it and cameras, ffmpeg, GStreamer and ONVIF (Streaming s5.1.1.5) speak it:
answers and media come down a GET, requests go up a POST in base64, one cookie ties the two. Pure.

Here it is also found out how a connection begins; the frames of a WebSocket are in `websocket`.

There is no HTTP authentication: RTSP's own is inside (ONVIF Core s5.9.1). A client may leave its POST and come with
another; it may not leave its GET.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

from protocols.rtsp import websocket
from protocols.rtsp.message import HEAD_LIMIT, Headers, MalformedMessage

CONTENT = "application/x-rtsp-tunnelled"
COOKIE_LIMIT = 128  #: characters
HALF_OPEN = 64  #: tunnels whose POST has not come yet
HALF_OPEN_OF_HOST = 8

_END = re.compile(rb"\r?\n\r?\n")
_LINE = re.compile(r"(GET|POST) +\S+ +HTTP/(1\.[01])")
_COOKIE = re.compile(rf"[\x21-\x7e]{{1,{COOKIE_LIMIT}}}")
_BLANK = bytes.maketrans(b"", b""), b" \t\r\n"
_REASONS = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    426: "Upgrade Required",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


class Kind(Enum):
    """What a connection turned out to be."""

    RTSP = "rtsp"
    DOWN = "GET"
    UP = "POST"
    WEBSOCKET = "WebSocket"


@dataclass(frozen=True, slots=True)
class Opening:
    """How a connection began."""

    kind: Kind
    cookie: str
    rest: bytes  #: octets behind the head: of RTSP all that came
    upgrade: websocket.Handshake | None = None  #: of a WebSocket


class NotTunnel(MalformedMessage):
    """HTTP, but not for us. `status` is of RFC 9110."""


def opening(data: bytes | bytearray) -> Opening | None:
    """Read how a connection begins; None: more is needed. Raises NotTunnel, NotWebSocket."""
    for word in (b"GET ", b"POST "):
        if word.startswith(data[: len(word)]) and len(data) < len(word):
            return None
        if data.startswith(word):
            break
    else:
        return Opening(Kind.RTSP, "", bytes(data))
    end = _END.search(data, 0, HEAD_LIMIT)
    if end is None:
        if len(data) >= HEAD_LIMIT:
            raise NotTunnel("the head is too long", 431)
        return None
    first, *lines = data[: end.start()].decode("latin-1").splitlines()
    match = _LINE.fullmatch(first)
    if match is None:
        raise NotTunnel("not an HTTP request", 400)
    pairs = (line.partition(":") for line in lines)
    fields = Headers(tuple((name.strip(), value.strip()) for name, _, value in pairs))
    rest = bytes(data[end.end() :])
    upgrade = websocket.handshake(match[2], fields) if match[1] == "GET" else None
    if upgrade is not None:
        return Opening(Kind.WEBSOCKET, "", rest, upgrade)
    cookies = fields.all("x-sessioncookie")
    if len(cookies) != 1 or not _COOKIE.fullmatch(cookies[0]):
        raise NotTunnel("no x-sessioncookie", 400)
    return Opening(Kind(match[1]), cookies[0], rest)


def accepted() -> bytes:
    """The answer to the GET, behind which RTSP comes. A POST is never answered."""
    lines = ("HTTP/1.0 200 OK", "Server: Holdfast", f"Content-Type: {CONTENT}", "Cache-Control: no-store")
    return "\r\n".join((*lines, "Pragma: no-cache", "Connection: close", "", "")).encode()


def refused(status: int) -> bytes:
    """The answer to what is no tunnel, or one too many."""
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", "Connection: close", "Content-Length: 0"]
    if status == 426:
        lines.append(f"Sec-WebSocket-Version: {websocket.VERSION}")  # RFC 6455 s4.4
    return "\r\n".join((*lines, "", "")).encode()


@dataclass(slots=True)
class Base64:
    """What comes up the POST. Clients encode message by message, so padding may stand anywhere."""

    _left: bytes = b""

    def decode(self, data: bytes) -> bytes:
        """The octets that are whole now. Raises MalformedMessage."""
        text = self._left + data.translate(*_BLANK)
        whole = len(text) // 4 * 4
        self._left = text[whole:]
        try:
            # Where a message ends with padding, the next begins behind it.
            return b"".join(
                binascii.a2b_base64(part, strict_mode=True) for part in _padded(text[:whole]) if part
            )
        except binascii.Error:
            raise MalformedMessage("not base64") from None


def _padded(text: bytes) -> list[bytes]:
    """Split behind padding."""
    if b"=" not in text:
        return [text]
    return [bytes(part) for part in re.findall(rb"[^=]+(?:={1,2})?|=+", text)]


P = TypeVar("P")


@dataclass(slots=True)
class Tunnels(Generic[P]):
    """The GETs of one endpoint, by host and cookie: nobody else's POST reaches them."""

    _down: dict[tuple[str, str], P] = field(default_factory=dict)
    _half: set[tuple[str, str]] = field(default_factory=set)

    def down(self, host: str, cookie: str, end: P) -> bool:
        """A GET came. False: there is one with this cookie, or too many wait for their POST."""
        of_host = sum(key[0] == host for key in self._half)
        if (host, cookie) in self._down or len(self._half) >= HALF_OPEN or of_host >= HALF_OPEN_OF_HOST:
            return False
        self._down[host, cookie] = end
        self._half.add((host, cookie))
        return True

    def up(self, host: str, cookie: str) -> P | None:
        """A POST came: the end that its GET made."""
        self._half.discard((host, cookie))
        return self._down.get((host, cookie))

    def half_open(self, host: str, cookie: str) -> bool:
        """Whether the GET still waits for its POST."""
        return (host, cookie) in self._half

    def gone(self, host: str, cookie: str) -> None:
        """The GET is gone."""
        self._down.pop((host, cookie), None)
        self._half.discard((host, cookie))
