"""A camera with the habits that cameras have. It speaks over a real socket and serves a short H.264 stream,
over and over."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import ssl
from dataclasses import dataclass, field

from tests.protocols.rtsp.kept import PPS, SPS, Camera, slice_of

SDP = (
    "v=0\r\ns=odd\r\nt=0 0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1;sprop-parameter-sets="
    f"{base64.b64encode(SPS).decode()},{base64.b64encode(PPS).decode()}\r\na=control:{{control}}\r\n"
)


@dataclass
class Habits:
    """What is odd about it. The defaults are a camera without faults."""

    schemes: tuple[str, ...] = ()  #: of basic, MD5, SHA-256; none: asks for nothing
    qop: str = "auth"
    stale_after: int = 0  #: requests until a nonce is stale
    tells_stale: bool = True
    password: str = "secret"
    public: str | None = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"
    channels: tuple[int, int] | None = None  #: chosen by the camera
    refuses: tuple[str, ...] = ()  #: transports answered 461
    control: str = "trackID=1"
    content_base: bool = True
    redirects: int = 0
    get_parameter: int = 200
    timeout: int = 60
    media_after: bool = True  #: PLAY is followed by media
    extra_sdp: str = ""
    before_play_answer: bool = False  #: media come before the answer to PLAY
    ticks: int = 900  #: from one picture to the next, which comes a hundredth of a second later


@dataclass
class OddCamera:
    """`async with OddCamera(habits) as camera: camera.url`."""

    habits: Habits
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    port: int = 0
    _nonce: int = 0
    _used: int = 0
    _redirected: int = 0

    async def __aenter__(self) -> OddCamera:
        self._server = await asyncio.start_server(self._serve, self.host, 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self._tasks: set[asyncio.Task[None]] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rtsps' if self.tls else 'rtsp'}://{host}:{self.port}/stream"

    def methods(self) -> list[str]:
        return [method for method, _, _ in self.requests]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                first = await reader.readexactly(1)
                if first == b"$":
                    head = await reader.readexactly(3)
                    await reader.readexactly(int.from_bytes(head[1:], "big"))
                    continue
                text = (first + await reader.readuntil(b"\r\n\r\n")).decode()
                lines = text.split("\r\n")
                method, url, _ = lines[0].split(" ")
                fields = {
                    k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:] if ":" in line)
                }
                self.requests.append((method, url, fields))
                await self._answer(method, url, fields, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, method: str, url: str, fields: dict[str, str], writer: asyncio.StreamWriter
    ) -> None:
        def send(status: str, *headers: str, body: str = "") -> None:
            length = [f"Content-Length: {len(body)}"] if body else []
            head = [f"RTSP/1.0 {status}", f"CSeq: {fields['cseq']}", *headers, *length, "", ""]
            writer.write(("\r\n".join(head) + body).encode())

        habits = self.habits
        if habits.schemes and method != "OPTIONS" and not self._authorised(method, url, fields):
            send("401 Unauthorized", *self._challenges())
        elif method == "OPTIONS":
            send("200 OK", *([f"Public: {habits.public}"] if habits.public is not None else []))
        elif method == "DESCRIBE" and self._redirected < habits.redirects:
            self._redirected += 1
            send("302 Moved", f"Location: {self.url}{self._redirected}")
        elif method == "DESCRIBE":
            base = [f"Content-Base: {url}/"] if habits.content_base else []
            body = SDP.replace("{control}", habits.control.replace("URL", url)) + habits.extra_sdp
            send("200 OK", "Content-Type: application/sdp", *base, body=body)
        elif method == "SETUP":
            self._set_up(fields, send)
        elif method == "PLAY":
            if not habits.before_play_answer:
                send("200 OK", "Session: 7")
            if habits.media_after:
                task = asyncio.create_task(self._play(writer))
                self._tasks.add(task)
            if habits.before_play_answer:
                await asyncio.sleep(0.1)
                send("200 OK", "Session: 7")
        elif method == "GET_PARAMETER" and habits.get_parameter != 200:
            send(f"{habits.get_parameter} No")
        else:
            send("200 OK", "Session: 7")

    def _set_up(self, fields: dict[str, str], send: object) -> None:
        assert callable(send)
        asked = fields["transport"]
        tcp = "TCP" in asked
        if ("tcp" if tcp else "udp") in self.habits.refuses:
            send("461 Unsupported transport")
            return
        match = re.search(r"(?:interleaved|client_port)=(\d+)-(\d+)", asked)
        assert match is not None
        pair = (int(match[1]), int(match[2]))
        session = f"Session: 7;timeout={self.habits.timeout}"
        if tcp:
            self._channel, control = self.habits.channels or pair
            send("200 OK", session, f"Transport: RTP/AVP/TCP;unicast;interleaved={self._channel}-{control}")
        else:
            self._client_port = pair[0]
            send("200 OK", session, f"Transport: RTP/AVP;unicast;client_port={pair[0]}-{pair[1]}")

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        camera = Camera(channel=getattr(self, "_channel", 0))
        datagrams = None
        if hasattr(self, "_client_port"):
            loop = asyncio.get_running_loop()
            datagrams, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=(self.host, self._client_port)
            )
        for n in range(100_000):
            key = n % 10 == 0
            camera.picture(*((SPS, PPS) if key else ()), slice_of(n, key=key), ticks=self.habits.ticks)
            for packet in camera.wire:
                if datagrams is not None:
                    datagrams.sendto(packet[4:])
                else:
                    writer.write(packet)
            camera.wire.clear()
            await asyncio.sleep(0.01)

    def _challenges(self) -> list[str]:
        found = []
        for scheme in self.habits.schemes:
            if scheme == "basic":
                found.append('WWW-Authenticate: Basic realm="odd"')
                continue
            parts = [f'realm="odd", nonce="n{self._nonce}"']
            if scheme != "MD5" or self.habits.qop:
                parts.append(f"algorithm={scheme}")
            if self.habits.qop:
                parts.append(f'qop="{self.habits.qop}"')
            if self._nonce and self.habits.tells_stale:
                parts.append("stale=true")
            found.append("WWW-Authenticate: Digest " + ", ".join(parts))
        return found

    def _authorised(self, method: str, url: str, fields: dict[str, str]) -> bool:
        scheme, _, rest = fields.get("authorization", "").partition(" ")
        if scheme == "Basic":
            return (
                "basic" in self.habits.schemes
                and base64.b64decode(rest) == f"admin:{self.habits.password}".encode()
            )
        given: dict[str, str] = {k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', rest)}
        algorithm = given.get("algorithm", "MD5")
        if scheme != "Digest" or algorithm not in self.habits.schemes or given["nonce"] != f"n{self._nonce}":
            return False
        if self.habits.stale_after and self._used >= self.habits.stale_after:
            self._nonce += 1
            self._used = 0
            return False
        hashed = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm]

        def h(text: str) -> str:
            return hashed(text.encode()).hexdigest()

        secret, asked = h(f"admin:odd:{self.habits.password}"), h(f"{method}:{given['uri']}")
        middle = (
            f"{given['nonce']}:{given['nc']}:{given['cnonce']}:auth" if self.habits.qop else given["nonce"]
        )
        self._used += 1
        return given["uri"] == url and given["response"] == h(f"{secret}:{middle}:{asked}")
