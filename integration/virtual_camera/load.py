"""Load: many cameras that send one clip over and over, for next to no CPU, and count what they sent.

All cameras share the clip's packets. Before a frame is sent, the headers of its packets are overwritten with
the camera's channel, sequence numbers, timestamp and SSRC; then the whole frame goes out in one call. A
camera waits for a slow reader and catches up, it never drops: what a reader misses, the reader lost.

Speaks as much RTSP as a recorder asks for, without authentication: DESCRIBE, SETUP of the one track over TCP
or UDP, PLAY, keep-alives, TEARDOWN.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import os
import resource
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from struct import pack

import numpy as np
from numpy.typing import NDArray

from device.clock import Clock
from device.media import MICROSECONDS, Utc
from integration.virtual_camera.clip import FPS, FRAMING, PAYLOAD_TYPE, Clip
from integration.virtual_camera.draw import Bytes
from integration.virtual_camera.encode import CLOCK_RATE
from protocols.rtsp import rtcp, sdp, transport
from protocols.rtsp.formats import media_of
from protocols.rtsp.message import DOLLAR, Headers, MalformedMessage, Request, Response, take

TICK = 0.005  #: seconds; frames that are due within it go out together
REPORT_FRAMES = 5 * FPS  #: between sender reports
SEND_BUFFER = 4 << 20  #: octets asked of the kernel for each reader
_SEGMENT = 103  #: UDP_SEGMENT: one call for many datagrams of one size (linux/udp.h)
_SEGMENTS, _SEGMENT_OCTETS = 64, 65_000
BURST = 64  #: datagrams of one camera at a time: a reader's socket holds not many more
_SESSION = "1"


@dataclass(slots=True)
class Sent:
    """What one camera has handed to the network, all sessions together."""

    packets: int = 0
    octets: int = 0  #: of RTP packets, without framing
    frames: int = 0
    sessions: int = 0
    unsent: int = 0  #: octets that a reader left behind when it went away
    latest: float = 0.0  #: seconds that a frame was late, at most
    began: Utc | None = None  #: when the first frame of the first session was due


class Deck:
    """The clip, ready to be sent: where in its packets the numbers stand that differ from camera to
    camera.
    """

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self.packets: Bytes = clip.packets.copy()
        self.view = memoryview(self.packets.data)
        self.count = len(clip.frames) - 1
        # The channel of the interleaved frame, then sequence number, timestamp and SSRC (RFC 3550 s5.1).
        places = np.array([1, *range(FRAMING + 2, FRAMING + 12)])
        self._places = clip.starts[:-1, None] + places[None, :]
        self.bounds = [int(clip.starts[first]) for first in clip.frames]
        self.firsts = [int(first) for first in clip.frames]

    def number(self, frame: int, channel: int, sequence: int, timestamp: int, ssrc: int) -> memoryview:
        """Write the numbers of one frame's packets, the first of which gets `sequence`; returns the frame's
        octets.
        """
        first, last = self.firsts[frame], self.firsts[frame + 1]
        values = np.empty((last - first, 11), np.uint8)
        values[:, 0] = channel
        numbers: NDArray[np.uint16] = np.arange(sequence, sequence + last - first).astype(">u2")
        values[:, 1:3] = numbers.view(np.uint8).reshape(-1, 2)
        values[:, 3:] = np.frombuffer(pack(">II", timestamp & 0xFFFFFFFF, ssrc), np.uint8)
        self.packets[self._places[first:last]] = values
        return self.view[self.bounds[frame] : self.bounds[frame + 1]]


@dataclass(slots=True, eq=False)
class _Reader:
    """One connection."""

    sock: socket.socket
    buffer: bytearray = field(default_factory=bytearray)
    pending: bytearray = field(default_factory=bytearray)  #: what the kernel would not take yet
    camera: int = 0
    channel: int = 0
    media: socket.socket | None = None  #: UDP, connected
    control: socket.socket | None = None
    playing: bool = False
    frame: int = 0  #: since PLAY
    part: int = 0  #: packets of it that are sent already, over UDP
    begun: float = 0.0
    sequence: int = 0
    timestamp: int = 0
    ssrc: int = 0
    packets: int = 0
    octets: int = 0


class LoadCameras:
    """`async with LoadCameras(clip, 16, "127.0.0.1", 0, clock) as load: load.urls`."""

    def __init__(self, clip: Clip, cameras: int, host: str, port: int, clock: Clock) -> None:
        self.sent = [Sent() for _ in range(cameras)]
        self._deck = Deck(clip)
        self._host, self._port, self._clock = host, port, clock
        self._listening: socket.socket | None = None
        self._readers: set[_Reader] = set()
        self._due: list[tuple[float, int, _Reader]] = []
        self._wake = asyncio.Event()
        self._pacer: asyncio.Task[None] | None = None
        self._joined = 0

    async def __aenter__(self) -> LoadCameras:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._listening = socket.create_server((self._host, self._port), family=family, backlog=128)
        self._listening.setblocking(False)
        self._port = self._listening.getsockname()[1]
        loop = asyncio.get_running_loop()
        loop.add_reader(self._listening, self._accept)
        self._pacer = loop.create_task(self._pace(), name="load")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()
        for reader in tuple(self._readers):
            self._close(reader)
        if self._pacer is not None:
            self._pacer.cancel()

    @property
    def urls(self) -> list[str]:
        """One for each camera."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return [f"rtsp://{host}:{self._port}/load/{number + 1}" for number in range(len(self.sent))]

    def report(self) -> dict[str, object]:
        """The counters, as JSON takes them."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "mbit": round(self._deck.clip.mbit, 3),
            "fps": FPS,
            "playing": sum(reader.playing for reader in self._readers),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 3),
            "packets": sum(one.packets for one in self.sent),
            "octets": sum(one.octets for one in self.sent),
            "cameras": [
                {
                    "url": url,
                    "packets": one.packets,
                    "octets": one.octets,
                    "frames": one.frames,
                    "sessions": one.sessions,
                    "unsent": one.unsent,
                    "latest": round(one.latest, 3),
                    "began": one.began,
                }
                for url, one in zip(self.urls, self.sent, strict=True)
            ],
        }

    # The wire

    def _accept(self) -> None:
        assert self._listening is not None
        try:
            sock, _ = self._listening.accept()
        except OSError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        reader = _Reader(sock)
        self._readers.add(reader)
        asyncio.get_running_loop().add_reader(sock, self._readable, reader)

    def _readable(self, reader: _Reader) -> None:
        try:
            data = reader.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(reader)
            return
        reader.buffer += data
        at = 0
        try:
            while (found := take(reader.buffer, at)) is not None:
                message, at = found
                if isinstance(message, Request):
                    self._answer(reader, message)
        except MalformedMessage:
            self._close(reader)
            return
        del reader.buffer[:at]

    def _writable(self, reader: _Reader) -> None:
        try:
            count = reader.sock.send(reader.pending)
        except BlockingIOError:
            return
        except OSError:
            self._close(reader)
            return
        del reader.pending[:count]
        if not reader.pending:
            asyncio.get_running_loop().remove_writer(reader.sock)

    def _write(self, reader: _Reader, data: memoryview | bytes) -> None:
        if reader.pending:
            reader.pending += data
            return
        try:
            count = reader.sock.send(data)
        except BlockingIOError:
            count = 0
        except OSError:
            self._close(reader)
            return
        if count < len(data):
            reader.pending += data[count:]
            asyncio.get_running_loop().add_writer(reader.sock, self._writable, reader)

    def _close(self, reader: _Reader) -> None:
        if reader not in self._readers:
            return
        self._readers.discard(reader)
        loop = asyncio.get_running_loop()
        loop.remove_reader(reader.sock)
        loop.remove_writer(reader.sock)
        reader.sock.close()
        for one in (reader.media, reader.control):
            if one is not None:
                one.close()
        if reader.playing:
            self.sent[reader.camera].unsent += len(reader.pending)
        reader.playing = False

    # The conversation

    def _answer(self, reader: _Reader, request: Request) -> None:
        answers: dict[str, Callable[[_Reader, Request], Response]] = {
            "OPTIONS": self._options,
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "TEARDOWN": self._teardown,
            "GET_PARAMETER": self._options,
            "SET_PARAMETER": self._options,
        }
        answer = answers.get(request.method)
        response = answer(reader, request) if answer is not None else Response(501)
        fields = (("CSeq", request.headers.get("CSeq") or "0"), *response.headers)
        if response.status == 200 and request.method not in ("OPTIONS", "DESCRIBE"):
            fields = (*fields, ("Session", f"{_SESSION};timeout=60"))
        self._write(reader, Response(response.status, Headers(fields), response.body).encode())
        if request.method == "PLAY" and response.status == 200 and not reader.playing:
            self._begin(reader)

    def _options(self, _reader: _Reader, _request: Request) -> Response:
        public = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
        return Response(200, Headers((("Public", public),)))

    def _camera(self, url: str) -> int | None:
        parts = url.split("?")[0].rstrip("/").split("/")
        number = parts[parts.index("load") + 1] if "load" in parts[:-1] else ""
        return int(number) - 1 if number.isdecimal() and 1 <= int(number) <= len(self.sent) else None

    def _describe(self, _reader: _Reader, request: Request) -> Response:
        camera = self._camera(request.url)
        if camera is None:
            return Response(404)
        media = media_of(self._deck.clip.track, PAYLOAD_TYPE, "track1")
        body = sdp.write(sdp.SessionDescription((media,), f"load {camera + 1}", "*"), self._host, 1)
        fields = (("Content-Type", "application/sdp"), ("Content-Base", request.url.rstrip("/") + "/"))
        return Response(200, Headers(fields), body.encode())

    def _setup(self, reader: _Reader, request: Request) -> Response:
        camera = self._camera(request.url)
        if camera is None:
            return Response(404)
        offers = transport.parse(request.headers.get("Transport") or "")
        if not offers or reader.playing:
            return Response(461 if not reader.playing else 455)
        offer = offers[0]
        reader.camera = camera
        reader.ssrc = int.from_bytes(os.urandom(4))
        if offer.tcp:
            channels = offer.interleaved or (0, 1)
            reader.channel = channels[0]
            chosen = transport.Transport(tcp=True, interleaved=channels, ssrc=reader.ssrc)
        elif offer.client_port is not None:
            host = reader.sock.getpeername()[0]
            reader.media, reader.control = (self._datagrams(host, port) for port in offer.client_port)
            ports = (reader.media.getsockname()[1], reader.control.getsockname()[1])
            chosen = transport.Transport(
                tcp=False, client_port=offer.client_port, server_port=ports, ssrc=reader.ssrc
            )
        else:
            return Response(461)
        return Response(200, Headers((("Transport", chosen.encode()),)))

    def _datagrams(self, host: str, port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        sock.bind((self._host, 0))
        sock.connect((host, port))
        return sock

    def _play(self, reader: _Reader, request: Request) -> Response:
        if not reader.ssrc:
            return Response(455)
        if not reader.playing:
            reader.sequence = int.from_bytes(os.urandom(2))
            reader.timestamp = int.from_bytes(os.urandom(4))
        info = f"url={request.url.rstrip('/')}/track1;seq={reader.sequence};rtptime={reader.timestamp}"
        return Response(200, Headers((("RTP-Info", info),)))

    def _teardown(self, reader: _Reader, _request: Request) -> Response:
        reader.playing = False
        return Response(200)

    # The media

    def _begin(self, reader: _Reader) -> None:
        """Spread the cameras over the time of a frame, as a network of real ones is."""
        self._joined += 1
        reader.begun = time.monotonic() + (self._joined * 0.381966 % 1) / FPS
        reader.playing, reader.frame, reader.part, reader.packets, reader.octets = True, 0, 0, 0, 0
        sent = self.sent[reader.camera]
        sent.sessions += 1
        if sent.began is None:
            sent.began = Utc(self._clock.utc() + int((reader.begun - time.monotonic()) * MICROSECONDS))
        heapq.heappush(self._due, (reader.begun, self._joined, reader))
        self._wake.set()

    async def _pace(self) -> None:
        while True:
            if not self._due:
                self._wake.clear()
                await self._wake.wait()
            await asyncio.sleep(max(TICK, self._due[0][0] - time.monotonic()))
            now = time.monotonic()
            while self._due and self._due[0][0] <= now + TICK / 2:
                _, order, reader = heapq.heappop(self._due)
                if not reader.playing:
                    continue
                if reader.pending:
                    heapq.heappush(self._due, (now + 2 * TICK, order, reader))
                    continue
                late = now - (reader.begun + reader.frame / FPS)
                self.sent[reader.camera].latest = max(self.sent[reader.camera].latest, late)
                whole = self._send(reader)
                due = reader.begun + reader.frame / FPS if whole else now + TICK
                heapq.heappush(self._due, (due, order, reader))

    def _send(self, reader: _Reader) -> bool:
        """The next frame of one camera, over UDP the next part of it. Returns whether that was all of it."""
        if reader.frame % REPORT_FRAMES == 0 and not reader.part:
            self._send_report(reader)
        frame = reader.frame % self._deck.count
        timestamp = reader.timestamp + reader.frame * CLOCK_RATE // FPS
        data = self._deck.number(frame, reader.channel, reader.sequence, timestamp, reader.ssrc)
        count = self._deck.firsts[frame + 1] - self._deck.firsts[frame]
        if reader.media is None:
            self._write(reader, data)
        else:
            first = self._deck.firsts[frame] + reader.part
            reader.part = min(reader.part + BURST, count)
            self._send_datagrams(reader, first, self._deck.firsts[frame] + reader.part)
            if reader.part < count:
                return False
            reader.part = 0
        reader.sequence = (reader.sequence + count) & 0xFFFF
        reader.frame += 1
        reader.packets += count
        reader.octets += len(data) - 16 * count
        sent = self.sent[reader.camera]
        sent.frames += 1
        sent.packets += count
        sent.octets += len(data) - FRAMING * count
        return True

    def _send_datagrams(self, reader: _Reader, at: int, last: int) -> None:
        """Runs of packets of one size in one call each. What does not fit into the socket's buffer is
        lost.
        """
        assert reader.media is not None
        starts, view = self._deck.clip.starts, self._deck.view
        while at < last:
            size = int(starts[at + 1] - starts[at]) - FRAMING
            run = [view[int(starts[at]) + FRAMING : int(starts[at + 1])]]
            while at + len(run) < last and len(run) < _SEGMENTS and (len(run) + 1) * size <= _SEGMENT_OCTETS:
                following = at + len(run)
                part = view[int(starts[following]) + FRAMING : int(starts[following + 1])]
                if len(part) > size:
                    break
                run.append(part)
                if len(part) < size:
                    break
            try:
                options = [(socket.IPPROTO_UDP, _SEGMENT, pack("=H", size))] if len(run) > 1 else []
                reader.media.sendmsg(run, options)
            except OSError:
                self.sent[reader.camera].unsent += sum(len(part) for part in run)
            at += len(run)

    def _send_report(self, reader: _Reader) -> None:
        # This frame's own nominal time, not now: the two clocks of a camera are one.
        timestamp = (reader.timestamp + reader.frame * CLOCK_RATE // FPS) & 0xFFFFFFFF
        early = int((reader.begun + reader.frame / FPS - time.monotonic()) * MICROSECONDS)
        ntp = rtcp.ntp_of(Utc(self._clock.utc() + early))
        report = rtcp.SenderReport(
            reader.ssrc, ntp, timestamp, reader.packets & 0xFFFFFFFF, reader.octets & 0xFFFFFFFF
        )
        name = rtcp.Description(((reader.ssrc, ((rtcp.CNAME, f"load{reader.camera + 1}"),)),))
        data = rtcp.build([report, name])
        if reader.control is not None:
            try:
                reader.control.send(data)
            except OSError:
                return
        else:
            self._write(reader, bytes((DOLLAR, reader.channel + 1)) + len(data).to_bytes(2) + data)


def write_report(path: Path, load: LoadCameras) -> None:
    """Replace a file by the counters as they are now."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(load.report()))
    draft.replace(path)
