"""A small RTSP server that does what the suite asks of every device, and one thing wrong when it is told to.

It serves `/live` and `/replay` with made-up H.264 packets, interleaved and by UDP, to an account with Digest MD5.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

USER, PASSWORD, REALM = "viewer", "watch-me-7", "wrong"
LENGTH = 30.0  #: seconds of the recording
RATE = 100  #: packets per second, each a picture
TICKS = 90_000 // RATE
PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER"
METHODS = set(PUBLIC.split(", "))
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 454: "Session Not Found"}
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=wrong\r\nt=0 0\r\na=range:npt={range}\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track0\r\n"
)


@dataclass(eq=False)
class Session:
    """What one client set up."""

    path: str
    channel: int | None  #: interleaved; None over UDP
    ports: tuple[int, int]
    task: asyncio.Task[None] | None = None
    sequence: int = 1000
    position: float = 0.0  #: seconds of the recording
    deadline: float = 0.0
    end: float = LENGTH  #: seconds of the recording: where play ends


@dataclass(eq=False)
class WrongServer:
    """`fault` names the one thing that is wrong; empty: nothing."""

    fault: str
    timeout: int  #: seconds
    port: int = 0
    sessions: dict[str, Session] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)
    udp: list[socket.socket] = field(default_factory=list)
    dead: bool = False

    def answer(self, status: int, cseq: str, *fields: str, body: str = "") -> bytes:
        """A response."""
        cseq = "1" if self.fault == "cseq" else cseq
        reason = "" if self.fault == "reason" else f" {REASONS.get(status, 'Whatever')}"
        lines = [f"RTSP/1.0 {status}{reason}", f"CSeq: {cseq}", *fields]
        if body:
            lines.append(f"Content-Length: {len(body) + (self.fault == 'length')}")
        return "\r\n".join([*lines, "", ""]).encode() + body.encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        mine: list[Session] = []
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while not self.dead and await self.request(reader, writer, mine):
                pass
        for session in mine:
            if session.channel is not None:
                self.stop(session)
        writer.close()

    async def request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mine: list[Session]
    ) -> bool:
        """One request, or one interleaved packet; false at the end."""
        first = await reader.readexactly(1)
        if first == b"$" and self.fault != "dollar":
            await reader.readexactly(int.from_bytes((await reader.readexactly(3))[1:], "big"))
            return True
        if first in (b"\r", b"\n"):
            return True
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        match = re.match(r"([A-Z_]+) (\S+) (RTSP/\S+)\r\n", head)
        found = re.findall(r"^([^:\r\n]+):[ \t]*([^\r\n]*)\r?$", head, re.MULTILINE)
        given = {name.lower(): value for name, value in found}
        length = given.get("content-length", "0")
        if match is None or not length.isdecimal() or len(length) > 6:
            if self.fault == "dies":
                self.dead = True
            if self.fault != "silent":
                writer.write(self.answer(400, given.get("cseq", "0")))
            return self.fault == "silent"
        if self.fault != "body":
            await reader.readexactly(int(length))
        method, url, version = match.groups()
        if self.fault == "pipeline" and reader._buffer:  # type: ignore[attr-defined]  # what else came at once
            reader._buffer.clear()  # type: ignore[attr-defined]
        reply, after = self.reply(method, url, version, given, writer, mine)
        writer.write(reply)
        if after is not None:
            after.task = asyncio.create_task(self.play(after, writer))
        await writer.drain()
        return True

    def reply(
        self,
        method: str,
        url: str,
        version: str,
        given: dict[str, str],
        writer: asyncio.StreamWriter,
        mine: list[Session],
    ) -> tuple[bytes, Session | None]:
        """The answer, and the session whose media follows."""
        cseq = given.get("cseq", "0")
        if version != "RTSP/1.0" and self.fault != "version":
            return self.answer(505, cseq), None
        if "require" in given and self.fault != "require":
            return self.answer(551, cseq, f"Unsupported: {given['require']}"), None
        if method == "OPTIONS":
            public = PUBLIC.replace("TEARDOWN, ", "") if self.fault == "public" else PUBLIC
            self.touch(given)
            return self.answer(200, cseq, f"Public: {public}"), None
        if method not in METHODS:
            return self.answer(501, cseq), None
        if not self.known(method, url, given) and not (self.fault == "setup-open" and method == "SETUP"):
            nonce = secrets.token_hex(8)
            self.nonces.add(nonce)
            challenge = f'WWW-Authenticate: Digest realm="{REALM}", nonce="{nonce}"'
            return self.answer(401, cseq, challenge), None
        path = re.sub(r"rtsp://[^/]+", "", url).removesuffix("/track0").rstrip("/")
        if method == "DESCRIBE":
            return self.describe(path, url, cseq), None
        session = self.touch(given)
        if method == "SETUP":
            return self.setup(path, url, given, cseq, writer, mine), None
        if session is None:
            named = self.fault == "session" and "session" in given
            return self.answer(200 if named else 454, cseq), None
        return self.control(method, session, given, cseq, url)

    def known(self, method: str, url: str, given: dict[str, str]) -> bool:
        """Whether the credentials are right (RFC 2069)."""
        answer = dict(re.findall(r'(\w+)="([^"]*)"', given.get("authorization", "")))
        password = "" if self.fault == "empty-password" and answer else PASSWORD
        uri = answer.get("uri", "") if self.fault == "uri" else url
        method = "OPTIONS" if self.fault == "method" else method
        if answer.get("nonce") not in self.nonces and self.fault != "nonce":
            return False

        def proof(secret: str, verb: str) -> str:
            ha1 = hashlib.md5(f"{USER}:{REALM}:{secret}".encode()).hexdigest()
            ha2 = hashlib.md5(f"{verb}:{uri}".encode()).hexdigest()
            return hashlib.md5(f"{ha1}:{answer.get('nonce', '')}:{ha2}".encode()).hexdigest()

        if self.fault == "anybody" and answer:
            return True
        verbs = {method, re.sub("OPTIONS", "DESCRIBE", method)}
        right = any(
            answer.get("response") == proof(secret, v) for secret in {password, PASSWORD} for v in verbs
        )
        return right and answer.get("username") == USER

    def touch(self, given: dict[str, str]) -> Session | None:
        """The session that a request names, which is a sign of life."""
        name = given.get("session", "").partition(";")[0]
        session = self.sessions.get(name)
        if session is not None and session.deadline < time.monotonic() and self.fault != "immortal":
            self.stop(session)
            return None
        if session is not None:
            session.deadline = time.monotonic() + self.timeout
        return session

    def describe(self, path: str, url: str, cseq: str) -> bytes:
        """RFC 2326 s10.2."""
        if path not in ("/live", "/replay") and self.fault != "unknown":
            return self.answer(404, cseq)
        body = SDP.format(range=f"0-{LENGTH}" if path == "/replay" else "now-")
        if self.fault == "length":
            return self.answer(200, cseq, body=body)
        if self.fault == "sdp":
            body = body.replace("s=wrong\r\n", "")
        return self.answer(200, cseq, "Content-Type: application/sdp", f"Content-Base: {url}/", body=body)

    def setup(
        self,
        path: str,
        url: str,
        given: dict[str, str],
        cseq: str,
        writer: asyncio.StreamWriter,
        mine: list[Session],
    ) -> bytes:
        """RFC 2326 s10.4."""
        offers = given.get("transport", "").split(",")
        chosen = next((offer for offer in offers if offer.startswith("RTP/AVP")), "")
        if self.fault == "last-offer":
            chosen = offers[-1]
        if self.fault == "any-transport":
            chosen = offers[0]
        if not chosen or "session" in given:
            return self.answer(454 if "session" in given else 461, cseq)
        name = secrets.token_hex(2 if self.fault == "short" else 8)
        if self.fault == "counted":
            name = str(10_000_000 + len(self.sessions))
        channels = re.search(r"interleaved=(\d+)-(\d+)", chosen)
        ports = re.search(r"client_port=(\d+)-(\d+)", chosen)
        if "TCP" in chosen:
            channel = int(channels[1]) if channels else 0
            agreed = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"
            session = Session(path, 0 if self.fault == "channels" else channel, (0, 0))
        else:
            server = [sock.getsockname()[1] for sock in self.udp[:2]]
            pair = (int(ports[1]), int(ports[2])) if ports else (0, 0)
            agreed = f"RTP/AVP;unicast;client_port={pair[0]}-{pair[1]};server_port={server[0]}-{server[1]}"
            session = Session(path, None, pair)
        session.deadline = time.monotonic() + self.timeout
        self.sessions[name] = session
        mine.append(session)
        return self.answer(200, cseq, f"Session: {name};timeout={self.timeout}", f"Transport: {agreed}")

    def control(
        self, method: str, session: Session, given: dict[str, str], cseq: str, url: str
    ) -> tuple[bytes, Session | None]:
        """PLAY, PAUSE, TEARDOWN, GET_PARAMETER."""
        fields: list[str] = []
        if method == "PLAY":
            status, span = self.seek(session, given)
            if status != 200:
                return self.answer(status, cseq), None
            if session.task is not None:
                session.task.cancel()
            sequence = session.sequence + 7 * (self.fault == "rtp-info")
            base = url.rstrip("/")
            fields = [
                f"Range: npt={span}",
                f"RTP-Info: url={base}/track0;seq={sequence % 65536};rtptime={self.time_of(session)}",
            ]
            if "scale" in given and self.fault != "scale":
                fields.append("Scale: 1.0")
            return self.answer(200, cseq, *fields), session
        if method == "PAUSE" and self.fault != "pause" and session.task is not None:
            session.task.cancel()
            session.sequence += 3 * (self.fault == "resume")
        if method == "TEARDOWN" and self.fault != "teardown":
            self.stop(session)
        return self.answer(200, cseq), None

    def seek(self, session: Session, given: dict[str, str]) -> tuple[int, str]:
        """A status, and the range that is played."""
        match = re.fullmatch(r"npt=(now|[\d.]*|\d+:\d+:[\d.]+)-([\d.]*)", given.get("range", "npt=now-"))
        if match is None:
            return (200, "0-") if self.fault == "range" else (400, "")
        if session.path == "/live" or match[1] == "now":
            return 200, "now-" if session.path == "/live" else f"{session.position:.3f}-{LENGTH}"
        seconds = 0.0
        for part in match[1].split(":"):
            seconds = seconds * 60 + float(part)
        end = float(match[2]) if match[2] else LENGTH
        if (seconds > LENGTH or end < seconds) and self.fault != "beyond":
            return 457, ""
        session.position = 0.0 if self.fault == "seek" else seconds
        session.end = LENGTH if self.fault == "end" else end
        return 200, f"{session.position:.3f}-{end:.3f}"

    def time_of(self, session: Session) -> int:
        """RTP time of the next packet."""
        rate = 10 if self.fault == "clock" else 1
        return int(session.sequence * TICKS * rate) % 2**32

    def stop(self, session: Session) -> None:
        """The session is gone."""
        if session.task is not None:
            session.task.cancel()
        for name, other in tuple(self.sessions.items()):
            if other is session:
                del self.sessions[name]

    async def play(self, session: Session, writer: asyncio.StreamWriter) -> None:
        """Packets at their times; a recording to its end, and a BYE."""
        ssrc = id(session) % 2**32
        began, sent = time.monotonic(), 0
        while session.path == "/live" or session.position < session.end:
            head = b"\x80\xe0" + (session.sequence % 65536).to_bytes(2, "big")
            packet = (
                head
                + self.time_of(session).to_bytes(4, "big")
                + ssrc.to_bytes(4, "big")
                + b"\x65"
                + bytes(40)
            )
            if self.fault != "lossy" or session.sequence % 10:
                self.send(session, writer, 0, packet)
            if sent == 10 and self.fault != "no-reports":
                self.send(session, writer, 1, self.report(session, ssrc))
            session.sequence += 1
            session.position += 1 / RATE
            sent += 1
            late = began + sent / RATE - time.monotonic()
            await asyncio.sleep(0.0005 if self.fault == "flood" else max(0.0, late))
            if session.channel is None and session.deadline < time.monotonic() and self.fault != "immortal":
                return
        if self.fault != "no-bye":
            self.send(
                session, writer, 1, self.report(session, ssrc) + b"\x81\xcb\x00\x01" + ssrc.to_bytes(4, "big")
            )

    def report(self, session: Session, ssrc: int) -> bytes:
        """A sender report and a CNAME."""
        ntp = int((time.time() + 2_208_988_800) * 2**32)
        own = (ssrc + 1 if self.fault == "foreign-report" else ssrc).to_bytes(4, "big")
        body = (
            ntp.to_bytes(8, "big")
            + self.time_of(session).to_bytes(4, "big")
            + session.sequence.to_bytes(4, "big")
        )
        return (
            b"\x80\xc8\x00\x06"
            + own
            + body
            + bytes(4)
            + b"\x81\xca\x00\x02"
            + own
            + b"\x01\x02me\x00"[:4]
            + b""
        )

    def send(self, session: Session, writer: asyncio.StreamWriter, kind: int, packet: bytes) -> None:
        """By the way that was agreed."""
        if session.channel is None:
            sock = self.udp[2] if self.fault == "udp-source" else self.udp[kind]
            with suppress(OSError):
                sock.sendto(packet, ("127.0.0.1", session.ports[kind]))
        elif not writer.is_closing():
            size = len(packet) - (self.fault == "torn" and session.sequence % 16 == 0)
            writer.write(bytes((0x24, session.channel + kind)) + size.to_bytes(2, "big") + packet)


@asynccontextmanager
async def serving(fault: str, seconds: int) -> AsyncIterator[WrongServer]:
    """A server with one fault, whose sessions time out after so many seconds, for as long as the context lasts."""
    own = WrongServer(fault, seconds)
    for _ in range(3):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        own.udp.append(sock)
    tasks: set[asyncio.Task[None]] = set()

    def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(own.serve(reader, writer)))

    server = await asyncio.start_server(came, "127.0.0.1", 0, limit=32768)
    own.port = server.sockets[0].getsockname()[1]
    try:
        yield own
    finally:
        server.close()
        doomed = [*tasks, *(session.task for session in own.sessions.values() if session.task)]
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)
        for sock in own.udp:
            sock.close()
