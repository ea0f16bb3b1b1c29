"""A replay of what is being recorded goes on with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.media import Codec, Utc
from protocols.rtsp.endpoint import Endpoint
from protocols.rtsp.range import utc_time
from tests.device.recording.store import Store, make
from tests.integration.tape import FPS, Camera, Viewer, numbers, roll, served
from tests.protocols.rtsp.wire import Player

OVER = 11.0  #: seconds after which a recording is held to have ended


@pytest.fixture
async def growing(tmp_path: Path) -> AsyncIterator[tuple[Store, Camera, Endpoint]]:
    """Three seconds of a recording that is being made."""
    store = make(tmp_path)
    camera = Camera(store.clock, store.intake("plain"))
    camera.connect(Codec.H264)
    roll(store, camera, 30)
    async with served(store, tmp_path) as endpoint:
        yield store, camera, endpoint
    store.close()


async def record(store: Store, camera: Camera, rounds: int) -> None:
    """So many seconds more, somewhat faster than life."""
    for _ in range(rounds):
        await asyncio.to_thread(roll, store, camera, FPS)
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("frames", ["all", "intra"])
async def test_every_picture_comes_once_and_the_end_is_told(
    growing: tuple[Store, Camera, Endpoint], frames: str
) -> None:
    store, camera, endpoint = growing
    player, viewer = await Player.connect(endpoint.port), Viewer(Codec.H264)
    await player.play("/replay/plain", ("Rate-Control", "no"), ("Frames", frames))
    async with asyncio.timeout(30):
        watching = asyncio.create_task(viewer.watch(player))
        await record(store, camera, 5)
        store.clock.advance(OVER)
        await watching
    sent = [picture for picture in camera.sent if frames == "all" or picture.key]
    assert [each.number for each in viewer.seen] == numbers(sent)
    await player.close()


@pytest.mark.parametrize("present", ["npt=now-", "clock"])
async def test_play_from_the_present_begins_with_the_newest_key_frame_and_follows(
    growing: tuple[Store, Camera, Endpoint], present: str
) -> None:
    store, camera, endpoint = growing
    player, viewer = await Player.connect(endpoint.port), Viewer(Codec.H264)
    value = present if present != "clock" else f"clock={utc_time(Utc(store.clock.utc() + 500_000))}-"
    assert (await player.play("/replay/plain", ("Range", value), ("Speed", "16"))).status == 200
    async with asyncio.timeout(30):
        watching = asyncio.create_task(viewer.watch(player))
        await record(store, camera, 3)
        store.clock.advance(OVER)
        await watching
    assert [each.number for each in viewer.seen] == numbers(camera.sent[20:])
    await player.close()


async def test_a_gap_while_it_is_followed_is_passed_over(growing: tuple[Store, Camera, Endpoint]) -> None:
    store, camera, endpoint = growing
    player, viewer = await Player.connect(endpoint.port), Viewer(Codec.H264)
    await player.play("/replay/plain", ("Rate-Control", "no"))
    async with asyncio.timeout(30):
        watching = asyncio.create_task(viewer.watch(player))
        camera.disconnect()
        store.clock.advance(5)
        camera.connect(Codec.H264)
        await record(store, camera, 2)
        store.clock.advance(OVER)
        await watching
    assert [each.number for each in viewer.seen] == numbers(camera.sent)
    await player.close()


async def test_what_is_to_come_is_457(growing: tuple[Store, Camera, Endpoint]) -> None:
    store, _, endpoint = growing
    player = await Player.connect(endpoint.port)
    later = f"clock={utc_time(Utc(store.clock.utc() + 60_000_000))}-"
    assert (await player.play("/replay/plain", ("Range", later))).status == 457
    await player.close()
