"""What a page gets of a live stream: the newest picture recorded, then the camera's, from a key frame on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from device.media import Codec, Sample, Track, Utc
from device.planes.link import Client, Outlet, Server
from device.planes.video import Unplayable, VideoStart, WatchLive
from integration.browser import LiveShow, Still
from protocols.mse.muxer import Muxer
from protocols.rtsp.library import Break, Listener
from tests.device.recording.material import video

WITHIN = 30.0  #: seconds: the machine may be busy
WANTED = WatchLive("c-1", "main", False)
CLIP = video(Codec.H264, 3)


@dataclass
class Camera:
    """A stream that sends what the test says. Implements `Feed`."""

    tracks: tuple[Track, ...] = (CLIP.track,)
    watched: asyncio.Event = field(default_factory=asyncio.Event)
    listener: Listener = field(init=False)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self.listener = listener
        self.watched.set()
        return self.watched.clear

    def patient(self, listener: Listener, seconds: float) -> None:
        pass

    def give(self, item: Sample | Break) -> None:
        self.listener([item])


def picture(utc: int, *, key: bool) -> Sample:
    return Sample(0, utc * 9 // 100, Utc(utc), key, CLIP.samples[0].data)


async def test_a_recorded_picture_is_shown_until_the_camera_sends_a_key_frame(tmp_path: Path) -> None:
    camera, asked = Camera(), asyncio.Event()

    async def newest() -> Still:
        asked.set()
        return (CLIP.track,), picture(1_000_000, key=True)

    async def watch(request: WatchLive, outlet: Outlet) -> None:
        await LiveShow(camera, Muxer(sound=False), outlet).run(newest)

    path = tmp_path / "streaming.sock"
    async with asyncio.timeout(WITHIN), Server(path) as server:
        server.on_stream(WatchLive, watch)
        async with Client(path, within=WITHIN).stream(WANTED) as items:
            start, still = await anext(items), await anext(items)
            assert isinstance(start, VideoStart)
            assert isinstance(still, Sample)
            assert (still.utc, still.key) == (1_000_000, True)
            camera.give(Break(Utc(3_000_000), camera.tracks))
            for utc in (3_000_000, 3_040_000):
                camera.give(picture(utc, key=False))
            camera.give(picture(3_080_000, key=True))
            camera.give(picture(3_120_000, key=False))
            again, *live = [await anext(items) for _ in range(3)]
            assert isinstance(again, VideoStart)
            assert [(each.utc, each.key) for each in live if isinstance(each, Sample)] == [
                (3_080_000, True),
                (3_120_000, False),
            ]


async def test_what_no_browser_plays_is_said_at_once(tmp_path: Path) -> None:
    async def newest() -> None:
        return None

    async def watch(request: WatchLive, outlet: Outlet) -> None:
        camera = Camera((Track(Codec.MJPEG, 90_000, (), 640, 480),))
        await LiveShow(camera, Muxer(sound=False), outlet).run(newest)

    path = tmp_path / "streaming.sock"
    async with asyncio.timeout(WITHIN), Server(path) as server:
        server.on_stream(WatchLive, watch)
        async with Client(path, within=WITHIN).stream(WANTED) as items:
            with pytest.raises(Unplayable):
                await anext(items)
