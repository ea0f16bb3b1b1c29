"""A plain RTSP client over TCP that keeps every packet, so that tests can look at the wire itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from protocols.rtsp import rtp, sdp
from protocols.rtsp.message import Frame, Headers, Request, Response, take


@dataclass(slots=True)
class Client:
    """`async with Client(url) as client:` is playing; `packets` grows."""

    url: str
    description: sdp.SessionDescription = field(init=False)
    packets: list[rtp.Packet] = field(default_factory=list)  #: of the first track
    sound: list[rtp.Packet] = field(default_factory=list)  #: of the second
    reports: list[bytes] = field(default_factory=list)  #: RTCP of the first track
    ended: bool = False
    _answers: asyncio.Queue[Response] = field(default_factory=asyncio.Queue)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _writer: asyncio.StreamWriter = field(init=False)
    _task: asyncio.Task[None] = field(init=False)
    _cseq: int = 0

    async def __aenter__(self) -> Self:
        parts = urlsplit(self.url)
        reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port)
        self._task = asyncio.create_task(self._read(reader))
        self.description = sdp.parse((await self.ask("DESCRIBE", self.url)).body)
        session = ""
        for number, media in enumerate(self.description.media):
            control = sdp.control_url(self.url, media.control)
            channels = f"RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}"
            fields = [("Transport", channels)] + ([("Session", session)] if session else [])
            answer = await self.ask("SETUP", control, *fields)
            session = (answer.headers.get("Session") or "").split(";")[0]
        await self.ask("PLAY", self.url, ("Session", session))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        self._writer.close()

    async def ask(self, method: str, url: str, *fields: tuple[str, str]) -> Response:
        """One request and its answer, which must be 200."""
        self._cseq += 1
        request = Request(method, url, Headers((("CSeq", str(self._cseq)), *fields)))
        self._writer.write(request.encode())
        answer = await asyncio.wait_for(self._answers.get(), 30)
        assert answer.status == 200, f"{method}: {answer.status}"
        return answer

    async def until(self, told: Callable[[Client], bool]) -> None:
        """Wait until something can be seen in what has come."""
        async with asyncio.timeout(20):
            while not told(self):
                self._changed.clear()
                await self._changed.wait()

    def units(self) -> list[tuple[int, list[rtp.Packet]]]:
        """Packets of the first track by timestamp, in order: whole access units, the last one left out."""
        found: list[tuple[int, list[rtp.Packet]]] = []
        for packet in self.packets:
            if not found or found[-1][0] != packet.timestamp:
                found.append((packet.timestamp, []))
            found[-1][1].append(packet)
        return found[:-1]

    async def _read(self, reader: asyncio.StreamReader) -> None:
        buffer = bytearray()
        try:
            while data := await reader.read(65536):
                buffer += data
                while (found := take(buffer)) is not None:
                    message, end = found
                    if isinstance(message, Frame):
                        self._keep(message)
                    elif isinstance(message, Response):
                        self._answers.put_nowait(message)
                    del buffer[:end]
                self._changed.set()
        except ConnectionError:
            pass
        finally:
            self.ended = True
            self._changed.set()

    def _keep(self, frame: Frame) -> None:
        if frame.channel == 0:
            self.packets.append(rtp.parse(frame.payload))
        elif frame.channel == 1:
            self.reports.append(frame.payload)
        elif frame.channel == 2:
            self.sound.append(rtp.parse(frame.payload))
