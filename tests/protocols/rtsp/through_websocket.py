"""The barest player over a WebSocket, with a client that is not ours: aiohttp's."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

import aiohttp

from protocols.rtsp.websocket import PROTOCOL
from tests.protocols.rtsp.wire import Player

P = TypeVar("P", bound=Player)


@dataclass
class Through:
    """What a player writes into, in place of its socket: one message each."""

    socket: aiohttp.ClientWebSocketResponse

    def __post_init__(self) -> None:
        self._sending: set[asyncio.Task[None]] = set()

    def write(self, data: bytes) -> None:
        task = asyncio.create_task(self.socket.send_bytes(data))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


@dataclass
class Source:
    """What a player reads from, in place of its socket: message after message. Each must be a whole number of packets,
    or one answer."""

    socket: aiohttp.ClientWebSocketResponse

    async def read(self, _: int) -> bytes:
        got = await self.socket.receive()
        if got.type is not aiohttp.WSMsgType.BINARY:
            return b""
        data: bytes = got.data
        at = 0
        while at < len(data) and data[at] == 0x24:
            at += 4 + int.from_bytes(data[at + 2 : at + 4], "big")
        assert at == len(data) or (at == 0 and data.startswith(b"RTSP/1.0 ")), data[at : at + 16]
        return data


@contextlib.asynccontextmanager
async def socket(url: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A WebSocket of RTSP, at whichever certificate."""
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
        session.ws_connect(url, protocols=(PROTOCOL,)) as opened,
    ):
        assert opened.protocol == PROTOCOL
        yield opened


@contextlib.asynccontextmanager
async def player(url: str, base: str, kind: type[P]) -> AsyncIterator[P]:
    """`base`: what the addresses of streams begin with."""
    async with socket(url) as opened:
        yield kind(Source(opened), Through(opened), base)  # type: ignore[arg-type]  # have what a player uses
