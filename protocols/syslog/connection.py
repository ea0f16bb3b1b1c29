"""The sockets: one connection to one server, over UDP, TCP or TLS. What is sent is decided elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import ssl
import struct
import termios
from collections.abc import Sequence
from typing import Protocol

from device.errors import PeerFault
from device.settings.syslog import Transport
from protocols.syslog.message import framed

CONNECT_SECONDS = 10.0
TAKEN_SECONDS = 30.0  #: until the server's system must have taken what was sent
_LOOK = (0.002, 0.05)  #: seconds between looks, the first and the longest
_EMPTY = 2  # looks in a row: TLS may hold octets that it hands over as soon as there is room


class ServerUnreachable(PeerFault):
    """A syslog server does not take messages."""

    hint = "Check address, port and protocol, and for TLS the certificate authorities."


class Connection(Protocol):
    """Messages go in order, or ServerUnreachable is raised and it is not known which of them arrived."""

    async def send(self, messages: Sequence[bytes]) -> None:
        """Over a stream: returns when the server's system has acknowledged all octets."""

    async def close(self) -> None:
        """Send no more."""


async def connect(address: tuple[str, int], transport: Transport, tls: ssl.SSLContext) -> Connection:
    """`tls` is not looked at where the transport is another. Raises ServerUnreachable."""
    host, port = address
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            if transport is Transport.UDP:
                return await _Datagrams.to(host, port)
            secure = tls if transport is Transport.TLS else None
            reader, writer = await asyncio.open_connection(host, port, ssl=secure)
            return _Stream(reader, writer)
    except (OSError, TimeoutError, UnicodeError) as error:
        raise ServerUnreachable(f"{host}, port {port}/{transport.value}: {_reason(error)}") from error


class _Datagrams:
    """RFC 5426: one message in one datagram."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    @classmethod
    async def to(cls, host: str, port: int) -> _Datagrams:
        loop = asyncio.get_running_loop()
        family, kind, number, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM))[0]
        sock = socket.socket(family, kind, number)
        sock.setblocking(False)
        try:
            sock.connect(address)  # so that the system tells us when nobody listens there
        except OSError:
            sock.close()
            raise
        return cls(sock)

    async def send(self, messages: Sequence[bytes]) -> None:
        loop = asyncio.get_running_loop()
        for message in messages:
            try:
                await loop.sock_sendall(self._socket, message)
            except OSError as error:
                raise ServerUnreachable(f"UDP: {_reason(error)}") from error

    async def close(self) -> None:
        self._socket.close()


class _Stream:
    """RFC 6587, RFC 5425: each message behind its length."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        # `drain` waits until nothing is left. Not 0 and 0: asyncio's TLS pauses at its upper limit, nothing or not.
        writer.transport.set_write_buffer_limits(high=1, low=0)
        self._listening = asyncio.create_task(_until_end(reader))

    async def send(self, messages: Sequence[bytes]) -> None:
        try:
            # A server that ended while nothing was sent has told so; what is sent then would be lost without a word.
            if self._listening.done():
                raise ConnectionResetError(self._listening.result() or "the server ended the connection")
            self._writer.write(b"".join(map(framed, messages)))
            async with asyncio.timeout(TAKEN_SECONDS):
                await self._writer.drain()
                await self._taken()
        except (OSError, TimeoutError) as error:
            raise ServerUnreachable(_reason(error)) from error

    async def _taken(self) -> None:
        """The server's system has acknowledged every octet: until then they are lost with the connection."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        pause, longest = _LOOK
        empty = 0
        while not self._listening.done():
            (unsent,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))
            empty = 0 if unsent else empty + 1
            if empty == _EMPTY:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)
        raise ConnectionResetError(self._listening.result() or "the server ended the connection")

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)


async def _until_end(reader: asyncio.StreamReader) -> str:
    """Read what nobody should send, until the connection ends; why it did."""
    try:
        while await reader.read(4096):
            pass
    except OSError as error:
        return _reason(error)
    return ""


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError) and not error.args:
        return "no answer"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
