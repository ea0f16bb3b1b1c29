"""A live stream between the planes: what its listeners are content with is what the recording plane is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from device.media import Codec, Sample, Track, Utc
from device.planes.link import Client, Outlet, Server
from device.planes.messages import Done, Tap, TapPatience, TapTracks
from integration.library import TapFeed
from protocols.rtsp.library import Break

TRACK = Track(Codec.H264, 90_000)
WITHIN = 30.0  #: seconds


async def test_a_feed_is_as_patient_as_its_least_patient_listener(tmp_path: Path) -> None:
    told: asyncio.Queue[float] = asyncio.Queue()
    came: dict[str, int] = {"page": 0, "crowd": 0}
    path = tmp_path / "recording.sock"

    async def tap(request: Tap, outlet: Outlet) -> None:
        outlet.put(TapTracks(1, (TRACK,)))
        number = 0
        while True:
            outlet.offer(Sample(0, number, Utc(number), True, b"picture"), 1 << 20)
            number += 1
            await asyncio.sleep(0.01)

    async def patience(request: TapPatience) -> Done:
        assert request.token == "c-1"
        told.put_nowait(request.seconds)
        return Done()

    def crowd(items: Sequence[Sample | Break]) -> None:
        came["crowd"] += len(items)

    def page(items: Sequence[Sample | Break]) -> None:
        came["page"] += len(items)

    async with asyncio.timeout(WITHIN), Server(path) as server, Client(path, within=WITHIN) as client:
        server.on_stream(Tap, tap)
        server.on(TapPatience, patience)
        feed = TapFeed(client, "c-1", (TRACK,))
        feed.subscribe(crowd)
        feed.patient(crowd, 0.1)
        assert await told.get() == 0.1
        leave = feed.subscribe(page)
        assert await told.get() == 0
        while not (came["page"] and came["crowd"]):  # noqa: ASYNC110 - it is data that we wait for
            await asyncio.sleep(0.01)
        leave()
        assert await told.get() == 0.1
        await feed.close()
