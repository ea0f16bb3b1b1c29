"""A stream is asked for once, and goes to all who watch it, between real sockets of the planes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from device.errors import NotFound
from device.media import Sample, Utc
from device.planes.link import Client, Outlet, Server
from device.planes.video import VideoStart, WatchLive
from device.planes.wire import Blob
from protocols.http.live import LiveStreams, Spectator

WANTED = WatchLive("c-1", "main", False)
START = VideoStart('video/mp4; codecs="avc1.42C01E"', "H264", "", 640, 480, (90_000,), Blob(b"init"))
WITHIN = 30.0  #: seconds: the machine may be busy


class Plane:
    """The streaming plane's end: says what the test has it say."""

    def __init__(self) -> None:
        self.outlets: list[Outlet] = []
        self.asked = asyncio.Event()
        self.left = 0

    async def watch(self, request: WatchLive, outlet: Outlet) -> None:
        if request.camera != WANTED.camera:
            raise NotFound("camera", request.camera)
        self.outlets.append(outlet)
        self.asked.set()
        try:
            await outlet.gone()
        finally:
            self.left += 1

    def give(self, number: int, *, key: bool = False) -> None:
        """A fragment, whose data are its number."""
        assert self.outlets[-1].offer(Sample(0, number, Utc(number), key, bytes((number,))), 1 << 20)


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    plane = Plane()
    async with Server(tmp_path / "streaming.sock") as server:
        server.on_stream(WatchLive, plane.watch)
        yield plane


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[LiveStreams]:
    live = LiveStreams(Client(tmp_path / "streaming.sock", within=WITHIN))
    yield live
    await live.close()


def cannot(data: bytes | memoryview) -> bool:
    return False


async def said(spectator: Spectator) -> VideoStart | bytes | None:
    item = await asyncio.wait_for(spectator.next(), WITHIN)
    return bytes(item) if isinstance(item, memoryview) else item


async def test_all_who_watch_share_one_stream(plane: Plane, live: LiveStreams) -> None:
    with ExitStack() as stack:
        all_ = [stack.enter_context(live.watch(WANTED, cannot)) for _ in range(3)]
        await plane.asked.wait()
        plane.outlets[0].put(START)
        plane.give(1, key=True)
        plane.give(2)
        for each in all_:
            assert [await said(each) for _ in range(3)] == [START, b"\1", b"\2"]
    assert len(plane.outlets) == 1


async def test_who_joins_gets_the_group_at_hand_in_one_piece(plane: Plane, live: LiveStreams) -> None:
    with live.watch(WANTED, cannot) as first:
        await plane.asked.wait()
        plane.outlets[0].put(START)
        for number in (1, 2, 3, 4):
            plane.give(number, key=number in (1, 3))
        assert [await said(first) for _ in range(5)] == [START, b"\1", b"\2", b"\3", b"\4"]
        with live.watch(WANTED, cannot) as second:
            assert [await said(second) for _ in range(2)] == [START, b"\3\4"]
            plane.give(5)
            assert await said(second) == b"\5"


async def test_what_can_be_sent_at_once_is_and_nothing_overtakes_what_waits(
    plane: Plane, live: LiveStreams
) -> None:
    sent: list[bytes] = []
    room = True

    def send(data: bytes | memoryview) -> bool:
        if room:
            sent.append(bytes(data))
        return room

    with live.watch(WANTED, send) as spectator, live.watch(WANTED, cannot) as witness:
        await plane.asked.wait()
        plane.outlets[0].put(START)
        assert (await said(spectator), await said(witness)) == (START, START)
        coming = asyncio.create_task(spectator.next())
        await asyncio.sleep(0)
        plane.give(1, key=True)
        assert await said(witness) == b"\1"
        assert sent == [b"\1"]
        room = False
        plane.give(2)
        assert await said(witness) == b"\2"
        assert await asyncio.wait_for(coming, WITHIN) == b"\2"
        room = True
        plane.give(3)  # the one before is still being sent
        assert await said(witness) == b"\3"
        assert sent == [b"\1"]
        assert await said(spectator) == b"\3"


async def test_what_ends_the_stream_is_raised_where_it_is_watched(plane: Plane, live: LiveStreams) -> None:
    with live.watch(WatchLive("c-2", "main", False), cannot) as one, pytest.raises(NotFound):
        await said(one)
    assert not plane.outlets


async def test_who_turns_a_page_finds_the_stream_and_its_end_is_told(plane: Plane, live: LiveStreams) -> None:
    with live.watch(WANTED, cannot) as first:
        await plane.asked.wait()
        plane.outlets[0].put(START)
        plane.give(1, key=True)
        assert [await said(first) for _ in range(2)] == [START, b"\1"]
    with live.watch(WANTED, cannot) as second:
        assert [await said(second) for _ in range(2)] == [START, b"\1"]
        assert len(plane.outlets) == 1
    await live.close()
    await asyncio.wait_for(plane.outlets[0].gone(), WITHIN)
