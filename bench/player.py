"""A plain RTSP client (RFC 2326) that plays all tracks of a URL without an account, and looks at little."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from bench.programs import BenchError

Transport = Literal["tcp", "udp"]
_ANSWER = 30.0  #: seconds
_BUFFER = 4 << 20  #: octets that a UDP port may hold, if the system lets us
_DOLLAR = 0x24


@dataclass(slots=True)
class Player:
    """One client of one URL. Media that comes between answers is dropped."""

    url: str
    control: socket.socket
    ports: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)  #: by UDP: of each track
    session: str = ""
    aggregate: str = ""
    _buffer: bytearray = field(default_factory=bytearray)
    _cseq: int = 0

    def describe(self) -> list[str]:
        """The control URLs of the tracks."""
        head, body = self.ask("DESCRIBE", self.url)
        base = head.get("content-base", self.url)
        whole, *parts = re.split(r"^m=", body, flags=re.MULTILINE)

        def joined(text: str) -> str:
            found = re.search(r"^a=control:(\S+)", text, re.MULTILINE)
            control = found[1] if found else "*"
            if control == "*":
                return base
            return control if "://" in control else f"{base.rstrip('/')}/{control}"

        self.aggregate = joined(whole)
        return [joined(part) for part in parts]

    def setup(self, transport: Transport) -> None:
        """Set up every track."""
        for number, track in enumerate(self.describe()):
            offer = f"RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}"
            if transport == "udp":
                pair = _pair()
                self.ports.append(pair)
                offer = f"RTP/AVP;unicast;client_port={pair[0].getsockname()[1]}-{pair[1].getsockname()[1]}"
            head, _ = self.ask("SETUP", track, f"Transport: {offer}")
            self.session = head["session"].partition(";")[0]

    def play(self, *fields: str) -> dict[str, str]:
        """PLAY; the headers of the answer."""
        return self.ask("PLAY", self.aggregate, *fields)[0]

    def start(self, *fields: str) -> tuple[dict[str, str], float]:
        """PLAY; the headers of the answer, and when the first packet was there (monotonic seconds): what was on its way
        before may come after the answer, so that only the packet that is told counts.

        Raises:
            BenchError: no packet is told.
        """
        head = self.play(*fields)
        first = re.search(r";seq=(\d+)", head.get("rtp-info", ""))
        if first is None:
            raise BenchError(f"{self.url}: RTP-Info: {head.get('rtp-info')}")
        return head, self.packet(int(first[1]))

    def ask(self, method: str, url: str, *fields: str) -> tuple[dict[str, str], str]:
        """A request; headers and body of its answer.

        Raises:
            BenchError: the answer is not 200, or none came.
        """
        self.send(method, url, *fields)
        while True:
            message = self.take()
            if not isinstance(message, memoryview):
                status, head, body = message
                if status != 200:
                    raise BenchError(f"{method} {url} was answered {status}")
                return head, body

    def send(self, method: str, url: str, *fields: str) -> None:
        """A request, without waiting for its answer."""
        self._cseq += 1
        named = [f"Session: {self.session}"] if self.session else []
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._cseq}", *named, *fields]
        self.control.sendall("\r\n".join([*lines, "", ""]).encode())

    def packet(self, sequence: int) -> float:
        """Monotonic seconds at which the first track's packet of a number, or one behind it, was whole."""
        while True:
            message = self.take()
            if isinstance(message, memoryview):
                number = int.from_bytes(message[6:8], "big")
                if message[1] == 0 and (number - sequence) & 0xFFFF < 0x8000:
                    return time.monotonic()

    def take(self) -> tuple[int, dict[str, str], str] | memoryview:
        """The next message: an answer, or an interleaved packet with the four octets before it."""
        buffer = self._buffer
        while True:
            if len(buffer) >= 4 and buffer[0] == _DOLLAR:
                end = 4 + int.from_bytes(buffer[2:4], "big")
                if len(buffer) >= end:
                    packet = bytes(buffer[:end])
                    del buffer[:end]
                    return memoryview(packet)
            elif buffer and buffer[0] != _DOLLAR and (at := buffer.find(b"\r\n\r\n")) >= 0:
                lines = bytes(buffer[:at]).decode().split("\r\n")
                pairs = (line.partition(":") for line in lines[1:])
                head = {name.strip().lower(): value.strip() for name, _, value in pairs}
                end = at + 4 + int(head.get("content-length", "0"))
                if len(buffer) >= end:
                    body = bytes(buffer[at + 4 : end]).decode()
                    del buffer[:end]
                    return int(lines[0].split(" ")[1]), head, body
            try:
                data = self.control.recv(65536)
            except OSError as error:
                raise BenchError(f"{self.url}: {error}") from error
            if not data:
                raise BenchError(f"{self.url}: the server closed the connection")
            buffer += data

    def close(self) -> None:
        """Hang up."""
        for sock in (self.control, *(one for pair in self.ports for one in pair)):
            sock.close()


def connect(url: str) -> Player:
    """A connection, on which nothing was asked yet."""
    parts = urlsplit(url)
    try:
        control = socket.create_connection((parts.hostname or "", parts.port or 554), _ANSWER)
    except OSError as error:
        raise BenchError(f"{url}: {error}") from error
    control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Player(url, control)


def open_tcp(url: str) -> Player:
    """A client that is set up to play, interleaved."""
    player = connect(url)
    player.setup("tcp")
    return player


def _pair() -> tuple[socket.socket, socket.socket]:
    """Two neighbouring UDP ports, the first even."""
    while True:
        rtp, rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for sock in (rtp, rtcp):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        rtp.bind(("127.0.0.1", 0))
        port = rtp.getsockname()[1]
        if port % 2 == 0:
            try:
                rtcp.bind(("127.0.0.1", port + 1))
            except OSError:
                pass
            else:
                return rtp, rtcp
        rtp.close()
        rtcp.close()
