"""A connection on which a client asks for another protocol than HTTP (RFC 9110 s7.8) leaves the HTTP server for whom
serves that protocol."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

CHUNK = 64 << 10  #: octets that are read at once, and that may wait to be written
STALL_SECONDS = 20.0  #: for a client to take a chunk, then it is cut


@dataclass(frozen=True, slots=True)
class Detached:
    """A connection, as it was when its client asked."""

    host: str  #: address of the client
    local: str  #: our address, as the client sees it
    secure: bool
    head: bytes  #: the request


async def detach(
    request: web.Request, give: Callable[[Detached, socket.socket], Awaitable[None]]
) -> web.StreamResponse:
    """Give away the connection of a request, which must have no body. `give` keeps no more than a copy of the socket;
    what it raises is raised, and the connection stays. Who gets it answers the request.

    Where there is TLS, which is spoken here, it gets one end of a pair, and this lasts as long as the connection.
    """
    gone = web.Response()  # which nobody is sent
    transport = request.transport
    if transport is None or transport.is_closing():
        return gone
    remote, local = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    detached = Detached(str(remote[0]), str(local[0]), request.secure, _head(request))
    transport.pause_reading()
    try:
        if request.secure:
            await _relay(transport, await _pair(detached, give))
        else:
            with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as copy:
                await give(detached, copy)
            transport.abort()  # closes our descriptor of it
    except BaseException:
        if not transport.is_closing():
            transport.resume_reading()
        raise
    return gone


async def _pair(
    detached: Detached, give: Callable[[Detached, socket.socket], Awaitable[None]]
) -> socket.socket:
    """Give away one end of a pair; the other end."""
    near, far = socket.socketpair()
    try:
        with far:
            await give(detached, far)
    except BaseException:
        near.close()
        raise
    return near


def _head(request: web.Request) -> bytes:
    """The request, as it was read."""
    lines = [
        b"%s %s HTTP/%d.%d"
        % (request.method.encode(), request.raw_path.encode("utf-8", "surrogateescape"), *request.version)
    ]
    lines += [name + b": " + value for name, value in request.raw_headers]
    return b"\r\n".join((*lines, b"", b""))


class _Stream(asyncio.StreamReaderProtocol):
    """The client's octets, in place of aiohttp's protocol, which still must hear that the connection is gone."""

    def __init__(self, reader: asyncio.StreamReader, before: asyncio.BaseProtocol) -> None:
        super().__init__(reader)
        self._before = before

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._before.connection_lost(exc)


async def _relay(transport: asyncio.Transport, near: socket.socket) -> None:
    """Carry octets both ways until either end closes."""
    reader = asyncio.StreamReader(CHUNK)
    stream = _Stream(reader, transport.get_protocol())
    transport.set_protocol(stream)
    stream.connection_made(transport)
    transport.set_write_buffer_limits(CHUNK)
    writer = asyncio.StreamWriter(transport, stream, reader, asyncio.get_running_loop())
    try:
        from_near, to_near = await asyncio.open_connection(sock=near, limit=CHUNK)
        try:
            transport.resume_reading()
            await asyncio.gather(_carry(reader, to_near), _carry(from_near, writer))
        finally:
            to_near.close()
    finally:
        transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One way, to the end; then the other end is closed, which ends the other way."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            async with asyncio.timeout(STALL_SECONDS):
                await writer.drain()
    except ConnectionError:
        pass
    except TimeoutError:
        writer.transport.abort()
    finally:
        writer.close()
