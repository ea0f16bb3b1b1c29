"""A player of the barest kind, for the tests of the server: sends requests, keeps what comes."""

from __future__ import annotations

import asyncio
import ssl
from itertools import count
from typing import Self

from protocols.rtsp import rtcp, rtp
from protocols.rtsp.message import Frame, Request, Response, headers, take


class Player:
    """One TCP connection. Media that arrives between answers is kept in `frames`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, base: str) -> None:
        self.reader = reader
        self.writer = writer
        self.base = base
        self.frames: list[Frame] = []
        self.session = ""
        self._buffer = bytearray()
        self._numbers = count(1)

    @classmethod
    async def connect(cls, port: int, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Self:
        """To a server on this machine."""
        reader, writer = await asyncio.open_connection(host, port, ssl=tls, limit=1 << 16)
        name = f"[{host}]" if ":" in host else host
        return cls(reader, writer, f"rtsp{'s' if tls else ''}://{name}:{port}")

    async def message(self) -> Request | Response | Frame:
        """The next thing that comes. Raises EOFError when the server closes."""
        while (taken := take(self._buffer)) is None:
            data = await self.reader.read(65536)
            if not data:
                raise EOFError
            self._buffer += data
        del self._buffer[: taken[1]]
        return taken[0]

    async def ask(self, method: str, path: str, *fields: tuple[str, str]) -> Response:
        """One request and its answer."""
        more = [("Session", self.session)] if self.session else []
        pairs = headers([("CSeq", str(next(self._numbers))), *more, *fields])
        self.writer.write(Request(method, self.base + path, pairs).encode())
        while True:
            got = await self.message()
            if isinstance(got, Response):
                self.session = (got.headers.get("Session") or self.session).partition(";")[0]
                return got
            if isinstance(got, Frame):
                self.frames.append(got)

    async def play(self, path: str, *fields: tuple[str, str]) -> Response:
        """SETUP of the first track, interleaved, and PLAY."""
        answer = await self.ask(
            "SETUP", path + "/trackID=0", ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")
        )
        assert answer.status == 200, answer
        return await self.ask("PLAY", path, *fields)

    async def packet(self) -> rtp.Packet:
        """The next RTP packet."""
        while True:
            got = self.frames.pop(0) if self.frames else await self.message()
            if isinstance(got, Frame) and got.channel == 0:
                return rtp.parse(got.payload)

    async def pictures(self, number: int) -> list[int]:
        """RTP times of the next pictures, by their marker bits."""
        times: list[int] = []
        while len(times) < number:
            packet = await self.packet()
            if packet.marker:
                times.append(packet.timestamp)
        return times

    async def goodbye(self) -> list[int]:
        """RTP times of the pictures that come before the BYE."""
        times: list[int] = []
        while True:
            got = self.frames.pop(0) if self.frames else await self.message()
            if not isinstance(got, Frame):
                continue
            if got.channel == 1 and any(isinstance(r, rtcp.Goodbye) for r in rtcp.parse(got.payload)):
                return times
            if got.channel == 0 and (packet := rtp.parse(got.payload)).marker:
                times.append(packet.timestamp)

    async def close(self) -> None:
        """Leave."""
        self.writer.close()
