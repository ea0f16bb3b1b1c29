"""RTSP through HTTP: one end down a GET, the other up a POST."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.clock import SystemClock
from device.media import Codec
from protocols.rtsp import tunnel
from protocols.rtsp.endpoint import Endpoint, Listen
from protocols.rtsp.message import HEAD_LIMIT, MalformedMessage, Request, Response, headers, take
from protocols.rtsp.registry import Limits
from protocols.rtsp.tunnel import Base64, Kind, NotTunnel, Tunnels, opening
from tests.protocols.rtsp.media import ListStore, Shelf, video
from tests.protocols.rtsp.wire import Player

HERE = "127.0.0.1"
GET = b"GET /replay/one HTTP/1.0\r\nx-sessioncookie: abc\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n"
POST = b"POST /replay/one HTTP/1.1\r\nX-SessionCookie:abc\r\nContent-Length: 32767\r\n\r\n"


def serving(half_open: float) -> Endpoint:
    """`half_open`: seconds until a tunnel whose other half does not come is cut."""
    clip = video(Codec.H264)
    shelf = Shelf(stored={"one": ListStore(((clip.tracks, clip.samples),))})
    return Endpoint(
        shelf, None, (Listen(HERE, 0),), SystemClock(), limits=Limits(half_open_seconds=half_open)
    )


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with serving(half_open=60.0) as made:
        yield made


class Through:
    """What a player writes into, in place of its socket: base64 up a POST."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.post = writer

    def write(self, data: bytes) -> None:
        text = base64.b64encode(data)
        self.post.write(text[:5])  # clients cut where they like
        self.post.write(text[5:])

    def close(self) -> None:
        self.post.close()


async def tunnelled(port: int) -> tuple[Player, asyncio.StreamWriter]:
    """A player whose requests go up a POST, and the writer of the GET."""
    down, get = await asyncio.open_connection(HERE, port)
    get.write(GET)
    assert (await down.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.0 200 ")
    _, post = await asyncio.open_connection(HERE, port)
    post.write(POST)
    player = Player(down, post, f"rtsp://{HERE}:{port}")
    player.writer = Through(post)  # type: ignore[assignment]  # has what a player uses
    return player, get


async def test_a_session_through_a_tunnel_plays_to_its_end(endpoint: Endpoint) -> None:
    player, get = await tunnelled(endpoint.port)
    assert (await player.play("/replay/one")).status == 200
    assert len(await player.goodbye()) == 50
    get.close()
    while endpoint.status().connections:  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.01)
    assert endpoint.status().sessions == 0


async def test_a_client_may_go_on_with_another_post(endpoint: Endpoint) -> None:
    player, get = await tunnelled(endpoint.port)
    assert (await player.ask("OPTIONS", "/replay/one")).status == 200
    for early in (True, False):
        _, again = await asyncio.open_connection(HERE, endpoint.port)
        again.write(POST)
        await again.drain()
        if early:
            player.writer.close()
        await asyncio.sleep(0.05)
        player.writer = Through(again)  # type: ignore[assignment]  # as above
        assert (await player.ask("OPTIONS", "/replay/one")).status == 200
    get.close()


async def test_requests_may_come_right_behind_the_head_of_the_post(endpoint: Endpoint) -> None:
    down, get = await asyncio.open_connection(HERE, endpoint.port)
    get.write(GET)
    await down.readuntil(b"\r\n\r\n")
    _, post = await asyncio.open_connection(HERE, endpoint.port)
    request = Request("OPTIONS", f"rtsp://{HERE}/x", headers([("CSeq", "1")])).encode()
    post.write(POST + base64.b64encode(request) + base64.b64encode(request)[:7])
    taken = take(await down.readuntil(b"\r\n\r\n"))
    assert taken is not None
    assert isinstance(taken[0], Response)
    assert taken[0].status == 200
    get.close()
    post.close()


async def answered(port: int, *octets: bytes) -> bytes:
    """What the server says to an opening before it closes."""
    reader, writer = await asyncio.open_connection(HERE, port)
    for part in octets:
        writer.write(part)
        await asyncio.sleep(0.01)
    said = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return said


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (POST, 404),  # there is no GET with this cookie
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),  # a browser
        (GET.replace(b"abc", b"a" * 200), 400),
        (GET.replace(b"abc", b"a b"), 400),
        (b"GET /" + b"x" * HEAD_LIMIT, 431),
        (b"GET / RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400),
    ],
)
async def test_http_that_is_no_tunnel_is_refused(endpoint: Endpoint, octets: bytes, status: int) -> None:
    assert (await answered(endpoint.port, octets[:3], octets[3:])).startswith(b"HTTP/1.1 %d " % status)


async def test_a_get_whose_post_does_not_come_is_cut() -> None:
    async with serving(half_open=0.2) as endpoint:
        said = await answered(endpoint.port, GET)
    assert said.startswith(b"HTTP/1.0 200 ")


async def test_what_is_not_base64_ends_the_tunnel(endpoint: Endpoint) -> None:
    player, get = await tunnelled(endpoint.port)
    assert (await player.ask("OPTIONS", "/replay/one")).status == 200
    assert isinstance(player.writer, Through)
    player.writer.post.write(b"\x00\x01\x02\x03!!!!")
    with pytest.raises((EOFError, ConnectionError)):
        await player.message()
    get.close()


async def test_the_same_cookie_twice_and_too_many_half_open_tunnels_are_refused(endpoint: Endpoint) -> None:
    held = []
    for number in range(tunnel.HALF_OPEN_OF_HOST):
        down, get = await asyncio.open_connection(HERE, endpoint.port)
        get.write(GET.replace(b"abc", b"c%d" % number))
        assert (await down.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.0 200 ")
        held.append(get)
    assert (await answered(endpoint.port, GET.replace(b"abc", b"c0"))).startswith(b"HTTP/1.1 503 ")
    assert (await answered(endpoint.port, GET)).startswith(b"HTTP/1.1 503 ")
    for get in held:
        get.close()


async def test_a_connection_that_an_http_server_accepted_can_be_handed_over(endpoint: Endpoint) -> None:
    listener = socket.create_server((HERE, 0))
    ends = []
    for head in (GET, POST):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        accepted, _ = listener.accept()
        await endpoint.adopt(accepted, head)
        ends.append((reader, writer))
    listener.close()
    (down, get), (_, post) = ends
    assert (await down.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.0 200 ")
    player = Player(down, post, f"rtsp://{HERE}")
    player.writer = Through(post)  # type: ignore[assignment]  # as above
    assert (await player.play("/replay/one")).status == 200
    get.close()


def test_rtsp_is_told_apart_at_its_first_octets() -> None:
    for word in (b"O", b"OPTIONS", b"GET_PARAMETER rtsp", b"$\0\0\1", b"POSTAL ", b"GETS"):
        found = opening(word)
        assert found is not None
        assert (found.kind, found.rest) == (Kind.RTSP, word)
    for more in (b"", b"G", b"GET", b"POST", GET[:-1]):
        assert opening(more) is None


@given(st.binary(max_size=300), st.sampled_from([b"", b"GET ", b"POST ", GET, POST]))
def test_any_octets_are_an_opening_or_refused(data: bytes, head: bytes) -> None:
    with contextlib.suppress(NotTunnel):
        opening(head + data)


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=6), st.data())
def test_base64_in_messages_of_its_own_and_in_pieces_of_any_size(
    messages: list[bytes], data: st.DataObject
) -> None:
    text = b"\r\n".join(base64.b64encode(message) for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    decoder, out = Base64(), b""
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        out += decoder.decode(text[begin:end])
    assert out == b"".join(messages)


@given(st.lists(st.binary(max_size=80), max_size=6))
def test_any_octets_are_base64_or_refused(parts: list[bytes]) -> None:
    decoder = Base64()
    with contextlib.suppress(MalformedMessage):
        for part in parts:
            decoder.decode(part)


def test_a_post_of_another_host_does_not_reach_the_get() -> None:
    tunnels: Tunnels[str] = Tunnels()
    assert tunnels.down("192.0.2.1", "abc", "get")
    assert tunnels.up("192.0.2.2", "abc") is None
    assert tunnels.half_open("192.0.2.1", "abc")
    assert tunnels.up("192.0.2.1", "abc") == "get"
    assert not tunnels.half_open("192.0.2.1", "abc")
    tunnels.gone("192.0.2.1", "abc")
    assert tunnels.up("192.0.2.1", "abc") is None
