"""One group for each live stream, while anybody plays it."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from ipaddress import IPv4Network
from itertools import pairwise

import pytest

from device.clock import SystemClock
from device.media import Codec
from protocols.rtsp import rtcp, rtp
from protocols.rtsp.endpoint import Endpoint, Listen
from protocols.rtsp.registry import Groups, Limits
from protocols.rtsp.transport import Transport, parse
from tests.protocols.rtsp.media import ClipFeed, ListStore, Shelf, audio, together, video
from tests.protocols.rtsp.wire import Player

HERE = "127.0.0.1"
ASK = ("Transport", "RTP/AVP;multicast")


def free_port() -> int:
    """Even, with three free ones behind it."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((HERE, 0))
            port = int(probe.getsockname()[1])
        if port % 2 == 0 and port < 65_000:
            return port


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    clip = video(Codec.H264)
    feeds = {
        "a": ClipFeed(clip),
        "b": ClipFeed(together(clip, audio(Codec.PCMU))),
        "c": ClipFeed(clip),
    }
    shelf = Shelf(feeds, {"one": ListStore(((clip.tracks, clip.samples),))})
    groups = Groups(IPv4Network("239.192.77.0/30"), free_port(), 1)
    limits = Limits(session_seconds=2.0)
    async with Endpoint(
        shelf, None, (Listen(HERE, 0),), SystemClock(), None, limits, groups=groups
    ) as serving:
        yield serving


async def set_up(endpoint: Endpoint, path: str) -> tuple[Player, Transport]:
    """A player, and where it was told that the first track comes."""
    player = await Player.connect(endpoint.port)
    answer = await player.ask("SETUP", f"{path}/trackID=0", ASK)
    assert answer.status == 200
    (agreed,) = parse(answer.headers.get("Transport") or "")
    return player, agreed


def member(address: str, port: int) -> socket.socket:
    """One who listens."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    membership = socket.inet_aton(address) + socket.inet_aton(HERE)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    return sock


async def packets(sock: socket.socket, count: int) -> list[bytes]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(30):
        return [await loop.sock_recv(sock, 2048) for _ in range(count)]


async def test_a_stream_is_sent_once_for_all_who_play_it(endpoint: Endpoint) -> None:
    one, agreed = await set_up(endpoint, "/live/a")
    other, again = await set_up(endpoint, "/live/a")
    assert agreed == again
    assert agreed.destination is not None
    assert agreed.port is not None
    assert (agreed.unicast, agreed.ttl) == (False, 1)
    with (
        member(agreed.destination, agreed.port[0]) as media,
        member(agreed.destination, agreed.port[1]) as control,
    ):
        await one.ask("PLAY", "/live/a")
        await other.ask("PLAY", "/live/a")
        seen = [rtp.parse(octets) for octets in await packets(media, 60)]
        assert seen[0].payload[0] & 0x1F == 7
        assert {(b.sequence - a.sequence) & 0xFFFF for a, b in pairwise(seen)} == {1}
        assert isinstance(rtcp.parse((await packets(control, 1))[0])[0], rtcp.SenderReport)
        assert endpoint.status().feeds == 1
        await one.ask("TEARDOWN", "/live/a")
        assert len(await packets(media, 60)) == 60  # the other still plays
        await other.ask("PAUSE", "/live/a")
        assert endpoint.status().feeds == 0
        await other.ask("TEARDOWN", "/live/a")
    await one.close()
    await other.close()


async def test_every_stream_has_an_address_of_its_own_and_every_track_its_ports(endpoint: Endpoint) -> None:
    one, first = await set_up(endpoint, "/live/a")
    other, second = await set_up(endpoint, "/live/b")
    answer = await other.ask("SETUP", "/live/b/trackID=1", ASK)
    (sound,) = parse(answer.headers.get("Transport") or "")
    assert first.destination != second.destination == sound.destination
    assert first.port == second.port
    assert sound.port is not None
    assert second.port is not None
    assert sound.port[0] == second.port[0] + 2
    # The range holds two.
    third = await Player.connect(endpoint.port)
    assert (await third.ask("SETUP", "/live/c/trackID=0", ASK)).status == 461
    await one.ask("TEARDOWN", "/live/a")
    assert (await third.ask("SETUP", "/live/c/trackID=0", ASK)).status == 200
    for player in (one, other, third):
        await player.close()


async def test_recordings_and_servers_without_groups_offer_none(endpoint: Endpoint) -> None:
    player = await Player.connect(endpoint.port)
    assert (await player.ask("SETUP", "/replay/one/trackID=0", ASK)).status == 461
    await player.close()
    shelf = Shelf({"a": ClipFeed(video(Codec.H264))})
    async with Endpoint(shelf, None, (Listen(HERE, 0),), SystemClock()) as other:
        player = await Player.connect(other.port)
        assert (await player.ask("SETUP", "/live/a/trackID=0", ASK)).status == 461
        await player.close()


async def test_reports_to_the_group_keep_a_session_alive(endpoint: Endpoint) -> None:
    silent, agreed = await set_up(endpoint, "/live/a")
    await silent.ask("PLAY", "/live/a")
    assert agreed.destination is not None
    assert agreed.port is not None
    report = rtcp.build([rtcp.ReceiverReport(7)])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(HERE))
        for _ in range(7):
            sock.sendto(report, (agreed.destination, agreed.port[1]))
            await asyncio.sleep(0.5)
        assert endpoint.status().sessions == 1
    while endpoint.status().sessions:  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.05)
    assert endpoint.status().feeds == 0
    await silent.close()


@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="needs GStreamer")
async def test_gstreamer_listens_to_a_group(endpoint: Endpoint) -> None:
    source = f"rtspsrc location=rtsp://{HERE}:{endpoint.port}/live/a protocols=udp-mcast multicast-iface=lo"
    chain = "rtph264depay ! h264parse ! avdec_h264 ! identity eos-after=30 ! fakesink"
    process = await asyncio.create_subprocess_exec("gst-launch-1.0", "-q", *f"{source} ! {chain}".split())
    async with asyncio.timeout(40):
        assert await process.wait() == 0
