"""A WebSocket as its client sees it (RFC 6455): what an RTSP connection reads from and writes into in place of its
socket. It sends whatever it is told."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from enum import IntEnum

from conformance.case import Failed

PROTOCOL = "rtsp.onvif.org"  #: ONVIF Streaming s7
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Opcode(IntEnum):
    """s5.2."""

    MORE = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


def key() -> str:
    """For an opening handshake (s4.1)."""
    return base64.b64encode(secrets.token_bytes(16)).decode()


def proof(key: str) -> str:
    """What the server answers a key with (s4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def frame(opcode: Opcode, payload: bytes, *, final: bool = True, masked: bool = True) -> bytes:
    """One frame (s5.2); a client's are masked."""
    size, mask = len(payload), secrets.token_bytes(4) if masked else b""
    length = size if size < 126 else 126 if size < 1 << 16 else 127
    more = size.to_bytes({126: 2, 127: 8}[length], "big") if length > 125 else b""
    body = bytes(octet ^ mask[at % 4] for at, octet in enumerate(payload)) if masked else payload
    return bytes((opcode | 0x80 * final, length | 0x80 * masked)) + more + mask + body


@dataclass(slots=True)
class WebSocket:
    """Behind the handshake. `read` and `write` as streams have them: the octets of messages."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    buffer: bytearray  #: what has come already
    pongs: list[bytes] = field(default_factory=list)
    kinds: set[Opcode] = field(default_factory=set)  #: of the messages that came
    closed: bytes | None = None  #: payload of the frame that closed it

    async def read(self, _octets: int) -> bytes:
        """What one frame carries; nothing at the end. Raises Failed for a frame that no server may send."""
        while True:
            found = self._frame()
            if found is None:
                data = await self.reader.read(65536)
                if not data:
                    return b""
                self.buffer += data
                continue
            opcode, payload = found
            if opcode is Opcode.CLOSE:
                self.closed = payload
                return b""
            if opcode is Opcode.PING:
                self.writer.write(frame(Opcode.PONG, payload))
            elif opcode is Opcode.PONG:
                self.pongs.append(payload)
            else:
                self.kinds |= {opcode} - {Opcode.MORE}
                if payload:
                    return payload

    def _frame(self) -> tuple[Opcode, bytes] | None:
        if len(self.buffer) < 2:
            return None
        first, length = self.buffer[:2]
        if first & 0x70 or first & 0x0F not in set(Opcode) or length & 0x80:
            raise Failed(f"no frame that a server may send: {bytes(self.buffer[:8])!r} (RFC 6455 s5)")
        at = 2 + {126: 2, 127: 8}.get(length, 0)
        size = int.from_bytes(self.buffer[2:at], "big") if at > 2 else length
        if len(self.buffer) < at + size:
            return None
        payload = bytes(self.buffer[at : at + size])
        del self.buffer[: at + size]
        return Opcode(first & 0x0F), payload

    def write(self, data: bytes) -> None:
        """A message."""
        self.writer.write(frame(Opcode.BINARY, data))

    async def drain(self) -> None:
        """As streams have it."""
        await self.writer.drain()

    def close(self) -> None:
        """As streams have it: without a farewell."""
        self.writer.close()

    async def wait_closed(self) -> None:
        """As streams have it."""
        await self.writer.wait_closed()

    def get_extra_info(self, name: str) -> tuple[str, int]:
        """As streams have it: `sockname`, `peername`."""
        address: tuple[str, int] = self.writer.get_extra_info(name)
        return address
