"""A connection leaves the HTTP server: what comes behind the request is carried, whole and both ways."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from device.certificates import own_certificate
from device.clock import SystemClock
from protocols.http import detach
from protocols.http.assets import Assets
from protocols.http.detach import Detached
from protocols.http.endpoint import Endpoint, Listen, Mounts

HERE = "127.0.0.1"
ASKED = b"GET /other?x=%20 HTTP/1.1\r\nHost: nvr\r\nUpgrade: Other\r\nConnection: Upgrade\r\nX: \xe9\r\n\r\n"
MUCH = bytes(range(256)) * 20_000
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Server:
    """An HTTP server, and what its connections were given to."""

    refuse: bool = False
    given: list[Detached] = field(default_factory=list)
    ends: asyncio.Queue[Ends] = field(default_factory=asyncio.Queue)
    connect: Callable[[bool], Awaitable[Ends]] | None = None
    requests: int = 0  #: in progress

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        try:
            return await detach.detach(request, self._give)
        except BlockingIOError:
            return web.Response(status=503)
        finally:
            self.requests -= 1

    async def _give(self, detached: Detached, sock: socket.socket) -> None:
        if self.refuse:
            raise BlockingIOError
        self.given.append(detached)
        await self.ends.put(await asyncio.open_connection(sock=sock.dup()))

    async def open(self, secure: bool) -> tuple[Ends, Ends]:
        """A connection that was given away: the client's end, and the other."""
        assert self.connect is not None
        reader, writer = await self.connect(secure)
        writer.write(ASKED)
        return (reader, writer), await self.ends.get()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    pair = own_certificate(tmp_path, "HFTEST", SystemClock())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.certificate, pair.key)
    serving, mounts = Server(), Mounts()
    mounts.add("/other", serving.handle)
    listen = [Listen(HERE, 0, None), Listen(HERE, 0, tls)]
    async with (
        asyncio.timeout(60),
        Endpoint(web.RouteTableDef(), mounts, Assets(), listen, hsts=False, gate=None) as endpoint,
        contextlib.AsyncExitStack() as stack,
    ):
        trust = ssl.create_default_context(cafile=pair.certificate)
        trust.check_hostname = False

        async def connect(secure: bool) -> Ends:
            port = endpoint.addresses[secure][1]
            reader, writer = await asyncio.open_connection(HERE, port, ssl=trust if secure else None)
            stack.callback(writer.close)
            return reader, writer

        serving.connect = connect
        yield serving


@pytest.mark.parametrize("secure", [False, True])
async def test_octets_go_both_ways_and_the_end_of_one_is_the_end_of_both(
    server: Server, secure: bool
) -> None:
    for first in ("client", "other"):
        (reader, writer), (other, to_client) = await server.open(secure)
        detached = server.given.pop()
        assert (detached.host, detached.local, detached.secure) == (HERE, HERE, secure)
        assert detached.head == ASKED
        writer.write(MUCH)
        to_client.write(MUCH)
        assert await other.readexactly(len(MUCH)) == MUCH
        assert await reader.readexactly(len(MUCH)) == MUCH
        (writer if first == "client" else to_client).close()
        assert await (other if first == "client" else reader).read() == b""
        (to_client if first == "client" else writer).close()
    while server.requests:  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("secure", [False, True])
async def test_a_connection_that_nobody_takes_is_answered_and_goes_on(server: Server, secure: bool) -> None:
    server.refuse = True
    assert server.connect is not None
    reader, writer = await server.connect(secure)
    for _ in range(2):
        writer.write(ASKED)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 ")


async def pour(writer: asyncio.StreamWriter) -> None:
    """Write for ever."""
    while True:
        writer.write(bytes(1 << 20))
        await writer.drain()


async def test_a_client_that_takes_nothing_is_cut_and_holds_no_memory(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detach, "STALL_SECONDS", 0.3)
    (_, writer), (other, to_client) = await server.open(True)
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's own is one that can
    with pytest.raises(ConnectionError):
        await pour(to_client)
    while server.requests:  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.01)
    to_client.close()
    del other
