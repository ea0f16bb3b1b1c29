"""Load: what is counted is what was sent, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from device.clock import SystemClock
from device.errors import BadValue
from integration.virtual_camera import clip as clips
from integration.virtual_camera.clip import FPS, GOP, Clip
from integration.virtual_camera.load import Deck, LoadCameras
from protocols.rtsp import rtp
from protocols.rtsp.message import Frame, Request, Response, headers, take
from tests.integration.virtual_camera.client import Client


def _short(clip: Clip, frames: int) -> Clip:
    """The first frames alone, so that a pass is over soon."""
    last = int(clip.frames[frames])
    size = int(clip.starts[last])
    return replace(
        clip, packets=clip.packets[:size], starts=clip.starts[: last + 1], frames=clip.frames[: frames + 1]
    )


@asynccontextmanager
async def _load(clip: Clip, cameras: int) -> AsyncIterator[LoadCameras]:
    async with LoadCameras(clip, cameras, "127.0.0.1", 0, SystemClock()) as load:
        yield load


def test_a_clip_has_the_rate_that_it_says_and_a_key_frame_every_two_seconds(clip: Clip) -> None:
    assert clip.mbit == pytest.approx(2.0, rel=0.15)
    decoder = av.VideoCodecContext.create("h264", "r")
    seen = []
    for number in range(GOP + 1):
        first, last = int(clip.frames[number]), int(clip.frames[number + 1])
        unit = b""
        for packet in range(first, last):
            payload = clip.packets[clip.starts[packet] + 16 : clip.starts[packet + 1]].tobytes()
            if payload[0] & 0x1F != 28:
                unit += b"\0\0\0\1" + payload
            else:
                start = b"\0\0\0\1" + bytes((payload[0] & 0xE0 | payload[1] & 0x1F,))
                unit += (start if payload[1] & 0x80 else b"") + payload[2:]
        seen += decoder.decode(av.Packet(unit))
    seen += decoder.decode(None)
    assert [frame.key_frame for frame in seen] == [number % GOP == 0 for number in range(GOP + 1)]


def test_a_clip_is_made_once(clip: Clip, clip_folder: Path) -> None:
    (file,) = clip_folder.iterdir()
    made = file.stat().st_mtime_ns
    again = clips.load(clip_folder, 2.0)
    assert file.stat().st_mtime_ns == made
    assert np.array_equal(clip.packets, again.packets)
    assert clip.track == again.track


@pytest.mark.parametrize("mbit", [0.0, 1.9, 61.0])
def test_a_rate_beyond_the_limits_is_refused(tmp_path: Path, mbit: float) -> None:
    with pytest.raises(BadValue, match="mbit"):
        clips.load(tmp_path, mbit)


def test_numbers_wrap_as_rtp_wants(clip: Clip) -> None:
    deck = Deck(clip)
    count = deck.firsts[1] - deck.firsts[0]
    data = bytes(deck.number(0, 4, 65534, 2**32 + 5, 0xCAFE))
    at, seen = 0, []
    while (found := take(data, at)) is not None:
        message, at = found
        assert isinstance(message, Frame)
        assert message.channel == 4
        seen.append(rtp.parse(message.payload))
    assert [packet.sequence for packet in seen] == [(65534 + n) % 65536 for n in range(count)]
    assert {(packet.timestamp, packet.ssrc) for packet in seen} == {(5, 0xCAFE)}
    assert [packet.marker for packet in seen] == [False] * (count - 1) + [True]


async def test_passes_follow_each_other_without_a_seam_and_every_packet_is_counted(clip: Clip) -> None:
    short = _short(clip, 9)
    payload = bytes(short.packets[16 : short.starts[1]])
    async with _load(short, 2) as load:
        async with Client(load.urls[0]) as one, Client(load.urls[1]) as other:
            await one.until(lambda c: len(c.units()) >= 30)
            await one.ask("TEARDOWN", one.url)
            await other.ask("TEARDOWN", other.url)
            for client in (one, other):
                pairs = zip(client.packets, client.packets[1:], strict=False)
                assert all((b.sequence - a.sequence) % 65536 == 1 for a, b in pairs)
                times = [time for time, _ in client.units()]
                pairs_of_times = itertools.pairwise(times)
                assert {(b - a) % 2**32 for a, b in pairs_of_times} == {90_000 // FPS}
            begins = [n for n, packet in enumerate(one.packets) if bytes(packet.payload) == payload]
            assert begins == [n * (len(short.starts) - 1) for n in range(len(begins))]
            assert len(begins) >= 3
            assert [sent.packets for sent in load.sent] == [len(one.packets), len(other.packets)]
            assert {packet.ssrc for packet in one.packets}.isdisjoint(p.ssrc for p in other.packets)
        assert load.sent[0].octets == sum(len(packet.payload) + 12 for packet in one.packets)


async def test_a_slow_reader_gets_everything_in_the_end(clip: Clip) -> None:
    # A pass of key frames alone is more than any socket's buffers hold.
    async with _load(_short(clip, 1), 1) as load:
        host, port = load.urls[0].split("/")[2].split(":")
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, (host, int(port)))
        reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
        incoming = writer.transport
        assert isinstance(incoming, asyncio.Transport)
        transport = "RTP/AVP/TCP;unicast;interleaved=0-1"
        for cseq, (method, *fields) in enumerate(
            [("SETUP", ("Transport", transport)), ("PLAY", ("Session", "1"))], 1
        ):
            request = Request(method, load.urls[0], headers([("CSeq", str(cseq)), *fields]))
            writer.write(request.encode())
        incoming.pause_reading()
        await asyncio.sleep(1.0)
        incoming.resume_reading()
        writer.write(Request("TEARDOWN", load.urls[0], headers([("CSeq", "3"), ("Session", "1")])).encode())
        buffer, packets, answers = bytearray(), [], 0
        async with asyncio.timeout(30):
            while answers < 3:
                buffer += await reader.read(65536)
                while (found := take(buffer)) is not None:
                    message, end = found
                    if isinstance(message, Frame) and message.channel == 0:
                        packets.append(rtp.parse(message.payload).sequence)
                    answers += isinstance(message, Response)
                    del buffer[:end]
        writer.close()
        assert packets == [(packets[0] + n) % 65536 for n in range(len(packets))]
        assert load.sent[0].packets == len(packets)


async def test_datagrams_are_the_same_packets(clip: Clip) -> None:
    loop = asyncio.get_running_loop()
    media, control = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)
    with media, control:
        for sock in (media, control):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        media.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        async with _load(_short(clip, 9), 1) as load:
            host, port = load.urls[0].split("/")[2].split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            ports = f"{media.getsockname()[1]}-{control.getsockname()[1]}"
            setup = headers([("CSeq", "1"), ("Transport", f"RTP/AVP;unicast;client_port={ports}")])
            writer.write(Request("SETUP", load.urls[0], setup).encode())
            writer.write(Request("PLAY", load.urls[0], headers([("CSeq", "2")])).encode())
            async with asyncio.timeout(30):
                report = await loop.sock_recv(control, 2048)
                packets = [rtp.parse(await loop.sock_recv(media, 2048)) for _ in range(60)]
            writer.close()
    assert report[1] == 200, "a sender report comes first"
    first = packets[0].sequence
    assert [packet.sequence for packet in packets] == [(first + n) % 65536 for n in range(60)]
    expected = [bytes(clip.packets[clip.starts[n] + 16 : clip.starts[n + 1]]) for n in range(9)]
    assert [bytes(packet.payload) for packet in packets[:9]] == expected


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DESCRIBE", "load/3", 404),
        ("DESCRIBE", "load/x", 404),
        ("DESCRIBE", "", 404),
        ("SETUP", "load/1", 461),
        ("PLAY", "load/1", 455),
        ("RECORD", "load/1", 501),
        ("GET_PARAMETER", "load/1", 200),
    ],
)
async def test_what_cannot_be_done_is_answered(clip: Clip, method: str, path: str, status: int) -> None:
    async with _load(_short(clip, 2), 2) as load:
        host, port = load.urls[0].split("/")[2].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(Request(method, f"rtsp://{host}:{port}/{path}", headers([("CSeq", "7")])).encode())
        found = None
        buffer = bytearray()
        async with asyncio.timeout(30):
            while (found := take(buffer)) is None:
                buffer += await reader.read(4096)
        answer = found[0]
        assert isinstance(answer, Response)
        assert (answer.status, answer.headers.get("CSeq")) == (status, "7")
        writer.close()
