"""A raw RTSP client: it sends whatever it is told, and believes nothing of what it gets."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from conformance.case import Failed
from conformance.rtsp import digest
from conformance.rtsp.websocket import WebSocket
from conformance.rtsp.wire import Answer, Enough, Packet, take
from conformance.transcript import Transcript

_BASIC = re.compile(rb"(Authorization: Basic)[^\r\n]*")  #: a password, which no report shows
ANSWER_SECONDS = 6.0  #: for an answer, or for the server to close
Fields = Sequence[tuple[str, str]]


class Silence(Failed):
    """Neither an answer nor the end of the connection."""


class Closed(Failed):
    """The server closed the connection instead of answering."""


@dataclass(slots=True)
class Login:
    """An account, and the challenge that was answered last."""

    user: str
    password: str
    with_qop: bool = True
    current: digest.Credentials | None = None

    def take(self, challenge: digest.Challenge) -> None:
        """Answer this challenge from now on."""
        self.current = digest.Credentials(challenge, self.user, self.password, 1, self.with_qop)

    def header(self, method: str, uri: str) -> str | None:
        """The value of Authorization for the next request; None before the first challenge."""
        if self.current is None:
            return None
        value = self.current.header(method, uri)
        self.current = self.current.again()
        return value


@dataclass(slots=True)
class Connection:
    """One TCP connection."""

    name: str  #: in the transcript, where there are several
    url: str  #: of the presentation that it was made for
    reader: asyncio.StreamReader | WebSocket
    writer: asyncio.StreamWriter | WebSocket
    transcript: Transcript
    login: Login | None
    packets: deque[Packet] = field(default_factory=deque)  #: media that came, and nobody has taken yet
    _buffer: bytearray = field(default_factory=bytearray)
    _cseq: int = 0

    @property
    def local(self) -> str:
        """Our address."""
        address: tuple[str, int] = self.writer.get_extra_info("sockname")
        return address[0]

    @property
    def remote(self) -> str:
        """The server's address."""
        address: tuple[str, int] = self.writer.get_extra_info("peername")
        return address[0]

    def upgraded(self, url: str) -> WebSocket:
        """The handshake of a WebSocket was answered: from now on RTSP is in it, for the presentation of `url`."""
        assert isinstance(self.reader, asyncio.StreamReader)
        assert isinstance(self.writer, asyncio.StreamWriter)
        websocket = WebSocket(self.reader, self.writer, self._buffer)
        self.reader, self.writer, self._buffer, self.url = websocket, websocket, bytearray(), url
        return websocket

    def compose(self, method: str, url: str, fields: Fields = (), body: bytes = b"") -> bytes:
        """A request as it stands on the wire, with the next CSeq and, where there was a challenge, with
        credentials. A field that is given takes the place of our own."""
        self._cseq += 1
        given = {name.lower() for name, _ in fields}
        own = [("CSeq", str(self._cseq)), ("User-Agent", "conformance")]
        proof = self.login.header(method, url) if self.login and "authorization" not in given else None
        if proof is not None:
            own.append(("Authorization", proof))
        if body:
            own.append(("Content-Length", str(len(body))))
        everything = [*((name, value) for name, value in own if name.lower() not in given), *fields]
        lines = [f"{method} {url} RTSP/1.0", *(f"{name}: {value}" for name, value in everything)]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def send(self, data: bytes) -> None:
        """Send octets as they are. Raises Closed."""
        if data[:1] == b"$":
            self.transcript.packet(f"{self.name}> interleaved packet on channel {data[1]}", len(data) - 4)
        else:
            self.transcript.sent(self.name, _BASIC.sub(rb"\1 ...", data))
        await self.push(data)

    async def push(self, data: bytes) -> None:
        """Send octets that are not worth telling. Raises Closed."""
        try:
            self.writer.write(data)
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.writer.drain()
        except TimeoutError:
            raise Silence("the server does not read what it is sent") from None
        except ConnectionError:
            raise Closed("the server closed the connection") from None

    async def receive(self, seconds: float) -> Answer | Packet | None:
        """The next message; None at the end of the connection. Raises Silence, and Failed for what is none."""
        deadline = time.monotonic() + seconds
        while True:
            message = take(self._buffer, time.monotonic())
            if isinstance(message, Packet):
                self.transcript.packet(
                    f"{self.name}< interleaved packet on channel {message.channel}", len(message.data)
                )
                return message
            if message is not None:
                self.transcript.received(self.name, message.head + message.body)
                return message
            try:
                async with asyncio.timeout_at(
                    asyncio.get_running_loop().time() + deadline - time.monotonic()
                ):
                    data = await self.reader.read(65536)
            except TimeoutError:
                raise Silence(f"nothing came for {seconds:g} s") from None
            except ConnectionError:
                data = b""
            if not data:
                self.transcript.note(f"{self.name}: the server closed the connection")
                return None
            self._buffer += data

    async def answer(self) -> Answer:
        """The next answer; packets that come before it are kept. Raises Silence, Closed, Failed."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Silence(f"no answer within {ANSWER_SECONDS:g} s")
            message = await self.receive(left)
            if isinstance(message, Packet):
                self.packets.append(message)
            elif message is None:
                raise Closed("the server closed the connection without an answer")
            elif message.status:
                return message

    async def answer_or_close(self) -> Answer | None:
        """The next answer, or None where the server closed instead. Raises Silence."""
        try:
            return await self.answer()
        except Closed:
            return None

    async def ask(
        self, method: str, url: str | None = None, fields: Fields = (), body: bytes = b""
    ) -> Answer:
        """Send a request for the URL (by default the presentation's) and return its answer. A challenge is
        answered once, unless there is no account or the request brings an Authorization of its own."""
        target = url if url is not None else self.url
        await self.send(self.compose(method, target, fields, body))
        answer = await self.answer()
        own = any(name.lower() == "authorization" for name, _ in fields)
        if answer.status == 401 and self.login is not None and not own:
            challenge = digest.best(digest.challenges(answer.all("WWW-Authenticate")))
            if challenge is not None:
                self.login.take(challenge)
                await self.send(self.compose(method, target, fields, body))
                answer = await self.answer()
        return answer

    async def media(self, seconds: float, enough: Enough) -> list[Packet]:
        """Packets that come within a time, those kept so far first; ends early when there are enough, or when
        the connection ends."""
        found: list[Packet] = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 or self.packets:
            try:
                message = self.packets.popleft() if self.packets else await self.receive(left)
            except Silence:
                break
            if message is None:
                break
            if isinstance(message, Packet):
                found.append(message)
                if enough(message):
                    break
        return found

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        try:
            async with asyncio.timeout(2):
                await self.writer.wait_closed()
        except (OSError, TimeoutError):
            pass
