"""Fifty readers of one live stream, one of which takes nothing: he is taken to a key frame and then cut, and nobody
else loses a packet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from device.clock import SystemClock
from device.media import Codec
from protocols.rtsp import broadcast
from protocols.rtsp.endpoint import Endpoint, Listen
from protocols.rtsp.message import Frame
from protocols.rtsp.registry import End, Peer, Session
from tests.protocols.rtsp.media import ClipFeed, Shelf, video
from tests.protocols.rtsp.wire import Player

READERS = 50


class Ends:
    """Remembers how sessions ended."""

    def __init__(self) -> None:
        self.whys: list[End] = []

    def opened(self, session: Session) -> None:
        pass

    def closed(self, session: Session, why: End, seconds: float) -> None:
        self.whys.append(why)

    def refused(self, account: str, peer: Peer) -> None:
        pass


async def sequences(player: Player, over: Callable[[], bool]) -> list[int]:
    """Of all packets until it is over."""
    found: list[int] = []
    while not over():
        got = player.frames.pop(0) if player.frames else await player.message()
        if isinstance(got, Frame) and got.channel == 0:
            found.append(int.from_bytes(got.payload[2:4], "big"))
    return found


async def test_one_reader_that_stalls_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "STALL_SECONDS", 2.0)
    monkeypatch.setattr(broadcast, "QUEUE_OCTETS", 300_000)
    ends = Ends()
    feed = ClipFeed(video(Codec.H264, 50, 25, 25, 640, 360), speed=4.0)
    async with Endpoint(
        Shelf({"cam": feed}), None, (Listen("127.0.0.1", 0),), SystemClock(), observer=ends
    ) as endpoint:
        stalled = await Player.connect(endpoint.port)
        await stalled.play("/live/cam")
        stalled.writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's own is one that can
        readers = [await Player.connect(endpoint.port) for _ in range(READERS - 1)]
        for reader in readers:
            await reader.play("/live/cam")
        taken = await asyncio.gather(
            *(sequences(reader, lambda: bool(endpoint.counters.cut)) for reader in readers)
        )
        assert endpoint.counters.dropped_to_key >= 1
        assert endpoint.counters.cut == 1
        assert ends.whys == [End.TOO_SLOW]
        assert feed.subscriptions == 1
        for numbers in taken:
            assert len(numbers) > 100
            assert {(b - a) & 0xFFFF for a, b in pairwise(numbers)} == {1}
        for reader in (*readers, stalled):
            await reader.close()
