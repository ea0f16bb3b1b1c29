"""RTSP through a WebSocket, as ONVIF has it (Streaming s7): binary messages, and in them the octets of interleaved
RTSP. RFC 6455, the server's side. Pure.

The messages are of no meaning: a client may cut its requests where it likes, in text or binary. Ours hold whole
packets or one whole answer, which some clients rely on. There is no HTTP authentication: RTSP's own is inside.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from urllib.parse import urlsplit

from protocols.rtsp.message import DOLLAR, Headers, MalformedMessage

PROTOCOL = "rtsp.onvif.org"  #: the subprotocol (s1.9)
VERSION = "13"
#: Octets of a message of ours that holds more than one packet; there are clients that take no more than a mebibyte.
MESSAGE_LIMIT = 64 * 1024
CONTROL_LIMIT = 125  #: octets of a control frame's payload (s5.5)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # s1.3
_FIN, _RESERVED = 0x80, 0x70  # of the first octet of a frame
_MASKED = 0x80  # of the second


class NotWebSocket(MalformedMessage):
    """An opening handshake that cannot be accepted. `status` is of HTTP: 400, or 426 for another version (s4.4)."""


class Opcode(IntEnum):
    """s5.2."""

    MORE = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Close(IntEnum):
    """Why a WebSocket ends (s7.4.1)."""

    NORMAL = 1000
    PROTOCOL = 1002


_OPCODES = frozenset(Opcode)


@dataclass(frozen=True, slots=True)
class Handshake:
    """A client's opening handshake that can be accepted."""

    key: str
    foreign: bool  #: a browser opens it for a page of another host (s10.2)


def handshake(version: str, fields: Headers) -> Handshake | None:
    """Read the request of an opening handshake (s4.2.1); None: it is another request. `version`: of HTTP. Raises
    NotWebSocket."""
    if "websocket" not in _words(fields, "Upgrade"):
        return None
    if version != "1.1" or "upgrade" not in _words(fields, "Connection"):
        raise NotWebSocket("not an upgrade of HTTP/1.1")
    if fields.all("Sec-WebSocket-Version") != (VERSION,):
        raise NotWebSocket(f"the version is not {VERSION}", 426)
    if PROTOCOL not in _words(fields, "Sec-WebSocket-Protocol"):
        raise NotWebSocket(f"{PROTOCOL} is not among the subprotocols")
    keys = fields.all("Sec-WebSocket-Key")
    try:
        octets = [base64.b64decode(key, validate=True) for key in keys]
    except (binascii.Error, ValueError):
        octets = []
    if [len(each) for each in octets] != [16]:
        raise NotWebSocket("no Sec-WebSocket-Key of 16 octets")
    origin = fields.get("Origin")
    foreign = origin is not None and _host(origin) != (fields.get("Host") or "").lower()
    return Handshake(keys[0], foreign)


def accepted(key: str) -> bytes:
    """The answer to an opening handshake (s4.2.2), behind which frames come."""
    proof = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()
    lines = (
        "HTTP/1.1 101 Switching Protocols",
        "Server: Holdfast",
        "Upgrade: websocket",
        "Connection: Upgrade",
    )
    more = (f"Sec-WebSocket-Accept: {proof}", f"Sec-WebSocket-Protocol: {PROTOCOL}", "", "")
    return "\r\n".join((*lines, *more)).encode()


def messages(data: bytes) -> bytes:
    """Answers or packets of ours as frames, each a message; what is longer than a message should be is cut between
    packets."""
    if len(data) <= MESSAGE_LIMIT:
        return _frame(Opcode.BINARY, data)
    return b"".join(_frame(Opcode.BINARY, part) for part in _cut(data))


def farewell(code: Close) -> bytes:
    """The frame that closes the WebSocket (s5.5.1)."""
    return _frame(Opcode.CLOSE, code.to_bytes(2, "big"))


@dataclass(frozen=True, slots=True)
class Came:
    """What there was in the octets of a client."""

    rtsp: bytes
    pongs: bytes  #: frames to answer with
    farewell: bytes | None  #: the frame to close with; None: it goes on


@dataclass(slots=True)
class Frames:
    """What a client sends. Payload is handed on as it comes; nothing but a frame's header and a control frame is ever
    kept, so a length of 2^63 costs nothing."""

    _buffer: bytearray = field(default_factory=bytearray)
    _opcode: int | None = None  #: of the frame whose header was read
    _left: int = 0  #: octets of its payload that have not come
    _mask: bytes = b""  #: for the next of them
    _within: bool = False  #: a message has begun, and goes on in further frames
    _over: bool = False

    def receive(self, data: bytes) -> Came:
        """Octets from the client. Raises nothing: what breaks the protocol closes the WebSocket."""
        if self._over:
            return Came(b"", b"", None)
        self._buffer += data
        rtsp, pongs = bytearray(), bytearray()
        last: bytes | None = None
        try:
            while last is None and self._ready():
                opcode, payload = self._opcode, self._payload()
                if opcode == Opcode.CLOSE:
                    last = farewell(Close.NORMAL)
                elif opcode == Opcode.PING:
                    pongs += _frame(Opcode.PONG, payload)
                elif opcode != Opcode.PONG:
                    rtsp += payload
        except _Broken:
            last = farewell(Close.PROTOCOL)
        if last is not None:
            self._over = True
            self._buffer.clear()
        return Came(bytes(rtsp), bytes(pongs), last)

    def _ready(self) -> bool:
        """Whether there is payload to take: some of a message's, all of a control frame's. Raises _Broken."""
        if self._opcode is None and not self._header():
            return False
        control = self._opcode is not None and self._opcode >= Opcode.CLOSE
        return len(self._buffer) >= (self._left if control else min(self._left, 1))

    def _header(self) -> bool:
        """Read a frame's header; False: it is not all there. Raises _Broken."""
        if len(self._buffer) < 2:
            return False
        first, second = self._buffer[0], self._buffer[1]
        opcode, final, length = first & 0x0F, bool(first & _FIN), second & 0x7F
        if first & _RESERVED or not second & _MASKED or opcode not in _OPCODES:
            raise _Broken
        if opcode >= Opcode.CLOSE:
            if not final or length > CONTROL_LIMIT:
                raise _Broken
        elif (opcode == Opcode.MORE) is not self._within:
            raise _Broken
        more = {126: 2, 127: 8}.get(length, 0)
        if len(self._buffer) < 2 + more + 4:
            return False
        if more:
            length = int.from_bytes(self._buffer[2 : 2 + more], "big")
            if length >> 63:
                raise _Broken
        if opcode < Opcode.CLOSE:
            self._within = not final
        self._opcode, self._left = opcode, length
        self._mask = bytes(self._buffer[2 + more : 2 + more + 4])
        del self._buffer[: 2 + more + 4]
        return True

    def _payload(self) -> bytes:
        """What there is of the frame's payload, unmasked (s5.3)."""
        data = bytes(self._buffer[: self._left])
        del self._buffer[: len(data)]
        self._left -= len(data)
        if not self._left:
            self._opcode = None
        mask = (self._mask * (len(data) // 4 + 1))[: len(data)]
        turn = len(data) % 4
        self._mask = self._mask[turn:] + self._mask[:turn]
        return (int.from_bytes(data, "little") ^ int.from_bytes(mask, "little")).to_bytes(len(data), "little")


class _Broken(Exception):
    """A frame that no client may send."""


def _frame(opcode: Opcode, payload: bytes) -> bytes:
    """A whole message, or a control frame: unmasked, as a server's are (s5.1)."""
    size = len(payload)
    if size <= CONTROL_LIMIT:
        length = bytes((size,))
    elif size < 1 << 16:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes((_FIN | opcode,)) + length + payload


def _cut(data: bytes) -> Iterator[bytes]:
    """Between interleaved packets (RFC 2326 s10.12); an answer stays whole."""
    begin = at = 0
    while at < len(data):
        size = 4 + int.from_bytes(data[at + 2 : at + 4], "big") if data[at] == DOLLAR else len(data) - at
        if at > begin and at + size - begin > MESSAGE_LIMIT:
            yield data[begin:at]
            begin = at
        at += size
    yield data[begin:]


def _words(fields: Headers, name: str) -> set[str]:
    return {word.strip().lower() for value in fields.all(name) for word in value.split(",")}


def _host(origin: str) -> str | None:
    """Host and port of an origin, as a Host header names them; None of one that has none (RFC 6454 s6.1: `null`)."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None
