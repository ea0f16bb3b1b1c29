"""RTSP through a WebSocket: aiohttp's client on real sockets, and the frames by their octets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.clock import SystemClock
from device.media import Codec
from protocols.rtsp import broadcast
from protocols.rtsp.endpoint import Endpoint, Listen
from protocols.rtsp.message import Frame, MalformedMessage, Request, headers
from protocols.rtsp.registry import Limits, Peer
from protocols.rtsp.tunnel import Kind, opening
from protocols.rtsp.websocket import (
    MESSAGE_LIMIT,
    PROTOCOL,
    Close,
    Frames,
    accepted,
    farewell,
    messages,
)
from tests.protocols.rtsp import through_websocket
from tests.protocols.rtsp.media import ClipFeed, ListStore, Shelf, video
from tests.protocols.rtsp.wire import Player

HERE = "127.0.0.1"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455 s1.3
ASKED = (
    b"GET /rtsp-over-websocket HTTP/1.1\r\nHost: nvr.example\r\nUpgrade: WebSocket\r\n"
    b"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: " + KEY.encode() + b"\r\n"
    b"Sec-WebSocket-Protocol: chat, rtsp.onvif.org\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
OPTIONS = Request("OPTIONS", f"rtsp://{HERE}/live/big", headers([("CSeq", "1")])).encode()


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    clip = video(Codec.H264)
    big = video(Codec.H264, frames=20, gop=5, width=1280, height=720)
    shelf = Shelf({"big": ClipFeed(big, speed=8.0)}, {"one": ListStore(((clip.tracks, clip.samples),))})
    async with Endpoint(shelf, None, (Listen(HERE, 0),), SystemClock(), limits=Limits()) as serving:
        yield serving


def address(endpoint: Endpoint) -> str:
    return f"ws://{HERE}:{endpoint.port}/rtsp-over-websocket"


async def gone(endpoint: Endpoint) -> None:
    """Wait until nobody is connected."""
    async with asyncio.timeout(120):
        while endpoint.status().connections:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def test_a_session_plays_to_its_end(endpoint: Endpoint) -> None:
    base = f"rtsp://{HERE}:{endpoint.port}"
    async with through_websocket.player(address(endpoint), base, Player) as player, asyncio.timeout(30):
        assert (await player.play("/replay/one")).status == 200
        assert len(await player.goodbye()) == 50
    await gone(endpoint)
    assert endpoint.status().sessions == 0


async def test_requests_come_as_text_too_and_cut_anywhere_with_pings_between(endpoint: Endpoint) -> None:
    async with through_websocket.socket(address(endpoint)) as opened, asyncio.timeout(30):
        await opened.send_str(OPTIONS.decode())
        assert (await opened.receive_bytes()).startswith(b"RTSP/1.0 200 ")
        await opened.send_bytes(OPTIONS[:7])
        await opened.ping(b"well?")
        await opened.send_bytes(OPTIONS[7:] + OPTIONS)
        for _ in range(2):
            assert (await opened.receive_bytes()).startswith(b"RTSP/1.0 200 ")
        assert await opened.close()
        assert opened.close_code == Close.NORMAL
    await gone(endpoint)


async def test_what_the_server_will_not_read_closes_the_websocket(endpoint: Endpoint) -> None:
    async with through_websocket.socket(address(endpoint)) as opened, asyncio.timeout(30):
        await opened.send_bytes(b"\x00 is no RTSP")
        assert (await opened.receive_bytes()).startswith(b"RTSP/1.0 400 ")
        assert (await opened.receive()).type is aiohttp.WSMsgType.CLOSE
        assert opened.close_code == Close.NORMAL
    await gone(endpoint)


async def test_a_reader_that_stops_reading_is_cut(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "STALL_SECONDS", 1.0)
    monkeypatch.setattr(broadcast, "QUEUE_OCTETS", 300_000)
    base = f"rtsp://{HERE}:{endpoint.port}"
    async with through_websocket.player(address(endpoint), base, Player) as player:
        assert (await player.play("/live/big")).status == 200
        await gone(endpoint)
        assert endpoint.counters.dropped_to_key >= 1
        assert endpoint.counters.cut == 1


async def test_a_page_of_somebody_else_is_not_let_through_to_a_server_without_accounts(
    endpoint: Endpoint,
) -> None:
    own = f"http://{HERE}:{endpoint.port}"
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(address(endpoint), protocols=(PROTOCOL,), origin=own):
            pass
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(address(endpoint), protocols=(PROTOCOL,), origin="http://else.example")
    assert refused.value.status == 403


async def test_a_connection_that_another_took_the_tls_off_is_known_by_who_is_behind(
    endpoint: Endpoint,
) -> None:
    near, far = socket.socketpair()
    await endpoint.adopt(far, ASKED, Peer("192.0.2.7", "192.0.2.1", True))
    reader, writer = await asyncio.open_connection(sock=near)
    assert (await reader.readuntil(b"\r\n\r\n")) == accepted(KEY)
    (peer,) = (each.peer for each in endpoint.peers)
    assert peer is not None
    assert (peer.host, peer.secure) == ("192.0.2.7", True)
    writer.close()
    await gone(endpoint)


def test_the_answer_to_a_handshake_is_the_one_of_the_standard() -> None:
    found = opening(ASKED + b"rest")
    assert found is not None
    assert (found.kind, found.rest) == (Kind.WEBSOCKET, b"rest")
    assert found.upgrade is not None
    assert found.upgrade.key == KEY
    assert not found.upgrade.foreign
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in accepted(KEY)


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (b"HTTP/1.1", b"HTTP/1.0", 400),
        (b"keep-alive, Upgrade", b"keep-alive", 400),
        (b"Version: 13", b"Version: 8", 426),
        (b"rtsp.onvif.org", b"rtsp", 400),
        (KEY.encode(), base64.b64encode(b"x" * 15), 400),
        (KEY.encode(), b"dGhlIHNhbXBsZSBub25jZQ", 400),
        (b"Upgrade: WebSocket", b"Upgrade: h2c", 400),  # then it is no tunnel either
    ],
)
def test_a_handshake_that_cannot_be_accepted_is_refused(before: bytes, after: bytes, status: int) -> None:
    assert before in ASKED
    with pytest.raises(MalformedMessage) as refused:
        opening(ASKED.replace(before, after))
    assert refused.value.status == status


@given(st.lists(st.sampled_from(ASKED.split(b"\r\n")) | st.binary(max_size=40), max_size=12))
def test_any_lines_are_a_handshake_or_refused(lines: list[bytes]) -> None:
    with contextlib.suppress(MalformedMessage):
        opening(b"GET / HTTP/1.1\r\n" + b"\r\n".join((*lines, b"", b"")))


def masked(opcode: int, payload: bytes, *, final: bool = True, key: bytes = b"\x01\xfe\x00\x7f") -> bytes:
    """A frame of a client."""
    size = len(payload)
    wide = size > 65535
    length = bytes((0x80 | size,)) if size < 126 else bytes((0x80 | (127 if wide else 126),))
    more = b"" if size < 126 else size.to_bytes(8 if wide else 2, "big")
    body = bytes(octet ^ key[at % 4] for at, octet in enumerate(payload))
    return bytes((opcode | 0x80 * final,)) + length + more + key + body


def pieces(data: bytes, cuts: Iterable[int]) -> Iterable[bytes]:
    edges = [0, *sorted(cuts), len(data)]
    return (data[begin:end] for begin, end in pairwise(edges))


MESSAGE = st.tuples(
    st.sampled_from([1, 2]), st.lists(st.binary(max_size=300), min_size=1, max_size=3), st.binary(max_size=9)
)


@given(st.lists(MESSAGE, max_size=5), st.binary(min_size=4, max_size=4), st.data())
def test_messages_in_fragments_and_in_pieces_of_any_size(
    sent: list[tuple[int, list[bytes], bytes]], key: bytes, data: st.DataObject
) -> None:
    wire = b""
    for opcode, fragments, ping in sent:
        for number, fragment in enumerate(fragments):
            final = number == len(fragments) - 1
            wire += masked(0 if number else opcode, fragment, final=final, key=key) + masked(9, ping)
    wire += masked(8, b"\x03\xe8bye") + b"what comes behind is of no meaning"
    frames, rtsp, pongs = Frames(), b"", b""
    ends: list[bytes | None] = []
    for piece in pieces(wire, data.draw(st.lists(st.integers(0, len(wire)), max_size=9))):
        came = frames.receive(piece)
        rtsp, pongs = rtsp + came.rtsp, pongs + came.pongs
        ends.append(came.farewell)
    assert rtsp == b"".join(fragment for _, fragments, _ in sent for fragment in fragments)
    assert pongs == b"".join(
        b"\x8a" + bytes((len(ping),)) + ping for _, fragments, ping in sent for _ in fragments
    )
    assert [end for end in ends if end is not None] == [farewell(Close.NORMAL)]


@pytest.mark.parametrize(
    "wire",
    [
        b"\x82\x01x",  # not masked
        masked(0x42, b"x"),  # a reserved bit
        masked(3, b"x"),  # an opcode that there is not
        masked(0, b"x"),  # goes on, and nothing has begun
        masked(2, b"x", final=False) + masked(2, b"x"),  # begins before the last has ended
        masked(9, b"", final=False),
        masked(9, b"x" * 126),
        b"\x82\xff\x80" + bytes(7) + b"mask",  # longer than a length can be
    ],
)
def test_what_breaks_the_protocol_closes_it(wire: bytes) -> None:
    assert Frames().receive(wire).farewell == farewell(Close.PROTOCOL)


def test_a_frame_of_any_length_is_handed_on_as_it_comes() -> None:
    frames = Frames()
    frames.receive(b"\x82\xff\x7f" + b"\xff" * 7 + bytes(4))
    for _ in range(64):
        assert frames.receive(b"x" * 65536).rtsp == b"x" * 65536
    assert not frames._buffer


@given(st.lists(st.binary(max_size=80), max_size=6))
def test_any_octets_are_frames_or_close_it(parts: list[bytes]) -> None:
    frames, over = Frames(), False
    for part in parts:
        came = frames.receive(part)
        assert not over or came == type(came)(b"", b"", None)
        over = over or came.farewell is not None
        assert len(frames._buffer) < 256


@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=12))
def test_packets_leave_whole_in_messages_that_every_client_takes(sizes: list[int]) -> None:
    packets = [Frame(n % 2, bytes(size)).encode() for n, size in enumerate(sizes)]
    wire, left = messages(b"".join(packets)), list(packets)
    while wire:
        assert wire[0] == 0x82
        more = {126: 2, 127: 8}.get(wire[1], 0)
        size = int.from_bytes(wire[2 : 2 + more], "big") if more else wire[1]
        message, wire = wire[2 + more : 2 + more + size], wire[2 + more + size :]
        assert len(message) <= MESSAGE_LIMIT
        while message:
            packet = left.pop(0)
            assert message.startswith(packet)
            message = message[len(packet) :]
    assert not left
