"""Every picture of a replay is the one that was asked for: the numbers burnt into them are read back."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from device.media import Codec, Sample, Utc
from integration import library
from protocols.rtsp.endpoint import Endpoint
from protocols.rtsp.library import Break, Edge, Passage
from protocols.rtsp.range import utc_time
from tests.integration.tape import FPS, GOP, Mixed, Picture, Tapes, Viewer, numbers, replay
from tests.protocols.rtsp.wire import Player

FAST = ("Rate-Control", "no")


def backwards(pictures: list[Picture]) -> list[int]:
    """Groups of pictures, the last first, each in its order (ONVIF Streaming s6.6.1)."""
    groups: list[list[int]] = []
    for picture in pictures:
        if picture.key:
            groups.append([])
        groups[-1].append(picture.number)
    return [number for group in reversed(groups) for number in group]


def clock_range(start: int, end: int | None = None) -> tuple[str, str]:
    return "Range", f"clock={utc_time(Utc(start))}-{utc_time(Utc(end)) if end is not None else ''}"


async def test_forward(endpoint: Endpoint, tapes: Tapes) -> None:
    assert await replay(endpoint, "/replay/plain", FAST) == numbers(tapes.plain)


async def test_forward_at_the_speed_of_life_in_step_with_the_recorded_times(
    endpoint: Endpoint, tapes: Tapes
) -> None:
    player, viewer = await Player.connect(endpoint.port), Viewer(Codec.H264)
    await player.play("/replay/plain", clock_range(tapes.plain[0].utc, tapes.plain[24].utc))
    await viewer.watch(player)
    assert [each.number for each in viewer.seen] == numbers(tapes.plain[:25])
    assert {b.time - a.time & 0xFFFFFFFF for a, b in pairwise(viewer.seen)} == {90_000 // FPS}
    assert abs(viewer.wall[0][0] - tapes.plain[0].utc) < 1000
    await player.close()


@pytest.mark.parametrize("place", [0, 1, 9, 10, 37, 40, 119])
async def test_a_start_plays_from_the_key_frame_at_or_before_it_to_an_end(
    endpoint: Endpoint, tapes: Tapes, place: int
) -> None:
    last = min(place + 25, 119)
    asked = clock_range(tapes.plain[place].utc, tapes.plain[last].utc + 50_000)
    expected = numbers(tapes.plain[place // GOP * GOP : last + 1])
    assert await replay(endpoint, "/replay/plain", FAST, asked) == expected


async def test_normal_play_time_counts_from_the_start_in_the_url(endpoint: Endpoint, tapes: Tapes) -> None:
    start, end = (utc_time(tapes.plain[n].utc) for n in (20, 90))
    path = f"/replay/plain?start={start}&end={end}"
    player, viewer = await Player.connect(endpoint.port), Viewer(Codec.H264)
    track = f"/replay/plain/trackID=0?start={start}&end={end}"
    assert (await player.ask("SETUP", track, ("Transport", "RTP/AVP/TCP;interleaved=0-1"))).status == 200
    answer = await player.ask("PLAY", path, ("Range", "npt=3-4.95"), ("Speed", "8"))
    assert answer.headers.get("Range") == "npt=3-4.95"
    await viewer.watch(player)
    assert [each.number for each in viewer.seen] == numbers(tapes.plain[50:70])
    viewer.seen.clear()
    viewer.over = False
    assert (await player.ask("PLAY", path, ("Range", "npt=5-"), ("Speed", "8"))).status == 200
    await viewer.watch(player)
    assert [each.number for each in viewer.seen] == numbers(tapes.plain[70:91])  # to the end in the URL
    await player.close()


class Counting(ThreadPoolExecutor):
    """Counts the turns of its threads."""

    turns = 0

    def submit(self, *work: Any, **named: Any) -> Future[Any]:
        self.turns += 1
        return super().submit(*work, **named)


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "backwards"])
async def test_key_frames_of_a_short_span_take_one_turn_of_a_thread(
    tapes: Tapes, monkeypatch: pytest.MonkeyPatch, *, reverse: bool
) -> None:
    """And as many turns as there are pieces, if each takes too long: what comes is the same, with its edge."""
    first, last = tapes.plain[0].utc, tapes.plain[-1].utc
    span = (last, first) if reverse else (first, Utc(last + 1))
    passage = Passage(*span, reverse=reverse, keys=True, every=0, follow=False)
    came, turns = [], []
    with tapes.store.reader() as catalogue, Counting(1) as threads:
        for seconds in (3600.0, 0.0):
            monkeypatch.setattr(library, "TURN_SECONDS", seconds)
            store = library.CatalogueStore(catalogue, "plain", threads, Mixed(tapes.store))
            before, items = threads.turns, [item async for item in store.read(passage)]
            came.append([item.utc if isinstance(item, Sample) else type(item) for item in items])
            turns.append(threads.turns - before)
    keys = [picture.utc for picture in tapes.plain if picture.key]
    assert came == [[Break, *(keys[::-1] if reverse else keys), Edge]] * 2
    assert turns[0] == 1
    assert turns[1] > 2


async def test_backwards(endpoint: Endpoint, tapes: Tapes) -> None:
    seen = await replay(endpoint, "/replay/plain", FAST, ("Scale", "-1.0"))
    assert seen == backwards(tapes.plain)


async def test_backwards_from_a_picture_to_another(endpoint: Endpoint, tapes: Tapes) -> None:
    asked = clock_range(tapes.plain[57].utc, tapes.plain[33].utc)
    seen = await replay(endpoint, "/replay/plain", FAST, ("Scale", "-1.0"), asked)
    assert seen == backwards(tapes.plain[30:58])


async def test_backwards_at_the_speed_of_life_every_picture_has_the_time_when_it_is_shown(
    endpoint: Endpoint, tapes: Tapes
) -> None:
    player, viewer = await Player.connect(endpoint.port), Viewer(Codec.H264)
    asked = clock_range(tapes.plain[57].utc, tapes.plain[40].utc)
    answer = await player.play("/replay/plain", asked, ("Scale", "-2"))
    assert answer.headers.get("Scale") == "-2.0"
    await viewer.watch(player)
    assert [each.number for each in viewer.seen] == backwards(tapes.plain[40:58])
    zero = viewer.seen[0].time - (57 - 50) * 4500
    assert [each.time for each in viewer.seen] == [zero + (57 - each.number) * 4500 for each in viewer.seen]
    assert f"rtptime={zero & 0xFFFFFFFF}" in (answer.headers.get("RTP-Info") or "")
    assert {(b - a) & 0xFFFF for a, b in pairwise(viewer.sequences)} == {1}
    await player.close()


@pytest.mark.parametrize("scale", ["1", "-1"])
async def test_key_frames_only(endpoint: Endpoint, tapes: Tapes, scale: str) -> None:
    seen = await replay(endpoint, "/replay/plain", FAST, ("Frames", "intra"), ("Scale", scale))
    keys = [picture.number for picture in tapes.plain if picture.key]
    assert seen == (keys if scale == "1" else keys[::-1])


@pytest.mark.parametrize("scale", ["1", "-1"])
async def test_key_frames_at_an_interval_of_recorded_time(
    endpoint: Endpoint, tapes: Tapes, scale: str
) -> None:
    seen = await replay(endpoint, "/replay/plain", FAST, ("Frames", "intra/2500"), ("Scale", scale))
    keys = [picture.number for picture in tapes.plain if picture.key]
    assert seen == (keys if scale == "1" else keys[::-1])[::3]


async def test_fast_forward_sends_all_up_to_four_times_and_beyond_key_frames_in_play_time(
    endpoint: Endpoint, tapes: Tapes
) -> None:
    assert await replay(endpoint, "/replay/plain", ("Scale", "4")) == numbers(tapes.plain)
    player, viewer = await Player.connect(endpoint.port), Viewer(Codec.H264)
    answer = await player.play("/replay/plain", ("Scale", "10"))
    assert answer.headers.get("Scale") == "10.0"
    await viewer.watch(player)
    assert [each.number for each in viewer.seen] == [picture.number for picture in tapes.plain if picture.key]
    assert {(b.time - a.time) & 0xFFFFFFFF for a, b in pairwise(viewer.seen)} == {9000}
    await player.close()


async def test_recorded_time_is_the_same_in_both_directions(endpoint: Endpoint, tapes: Tapes) -> None:
    player, viewer = await Player.connect(endpoint.port), Viewer(Codec.H264)
    await player.play("/replay/plain", FAST)
    await viewer.watch(player)
    forward = {each.number: each.time for each in viewer.seen}
    viewer.seen.clear()
    viewer.over = False
    await player.ask("PLAY", "/replay/plain", FAST, ("Scale", "-1"), clock_range(tapes.plain[-1].utc))
    await viewer.watch(player)
    assert {each.number: each.time for each in viewer.seen} == forward
    assert all(time == 0 for _, time in viewer.wall)  # ONVIF Streaming s6.11
    await player.close()


@pytest.mark.parametrize("scale", ["1", "-1"])
async def test_across_a_gap(endpoint: Endpoint, tapes: Tapes, scale: str) -> None:
    seen = await replay(endpoint, "/replay/gap", FAST, ("Scale", scale))
    assert seen == (numbers(tapes.gap) if scale == "1" else backwards(tapes.gap))


@pytest.mark.parametrize("scale", ["1", "-1"])
async def test_a_start_in_a_gap_begins_with_what_comes_next_in_the_direction_of_play(
    endpoint: Endpoint, tapes: Tapes, scale: str
) -> None:
    inside = clock_range(tapes.gap[39].utc + 15_000_000)
    seen = await replay(endpoint, "/replay/gap", FAST, ("Scale", scale), inside)
    assert seen == (numbers(tapes.gap[40:]) if scale == "1" else backwards(tapes.gap[:40]))


async def test_a_gap_is_passed_over_in_play_time(endpoint: Endpoint, tapes: Tapes) -> None:
    player, viewer = await Player.connect(endpoint.port), Viewer(Codec.H264)
    await player.play("/replay/gap", ("Scale", "4"))
    await viewer.watch(player)
    assert [each.number for each in viewer.seen] == numbers(tapes.gap)
    assert max((b.time - a.time) & 0xFFFFFFFF for a, b in pairwise(viewer.seen)) <= 9000
    await player.close()


async def test_across_a_codec_change_play_ends_and_can_be_set_up_again_behind_it(
    endpoint: Endpoint, tapes: Tapes
) -> None:
    before, behind = tapes.codec[:40], tapes.codec[40:]
    assert await replay(endpoint, "/replay/codec", FAST) == numbers(before)
    path = f"/replay/codec?start={utc_time(behind[0].utc)}"
    player, viewer = await Player.connect(endpoint.port), Viewer(Codec.H265)
    described = (await player.ask("DESCRIBE", path)).body.decode()
    assert "H265/90000" in described
    track = path.replace("codec?", "codec/trackID=0?")
    await player.ask("SETUP", track, ("Transport", "RTP/AVP/TCP;interleaved=0-1"))
    await player.ask("PLAY", path, FAST)
    await viewer.watch(player)
    assert [each.number for each in viewer.seen] == numbers(behind)
    await player.close()


@pytest.mark.parametrize("scale", ["1", "-1"])
async def test_across_a_step_of_the_clock(endpoint: Endpoint, tapes: Tapes, scale: str) -> None:
    seen = await replay(endpoint, "/replay/clock", FAST, ("Scale", scale))
    assert seen == (numbers(tapes.clock) if scale == "1" else backwards(tapes.clock))


async def test_a_pause_at_a_point_and_on_from_there(endpoint: Endpoint, tapes: Tapes) -> None:
    player, viewer = await Player.connect(endpoint.port), Viewer(Codec.H264)
    await player.play("/replay/plain", ("Speed", "4"))
    at = clock_range(tapes.plain[50].utc)
    assert (await player.ask("PAUSE", "/replay/plain", at)).status == 200
    await viewer.watch(player, lambda viewer: len(viewer.seen) == 50)
    await asyncio.sleep(0.3)
    assert (await player.ask("PLAY", "/replay/plain")).status == 200
    assert not player.frames
    await viewer.watch(player)
    assert [each.number for each in viewer.seen] == numbers(tapes.plain)
    await player.close()


async def test_scale_changes_while_playing_from_where_it_stands(endpoint: Endpoint, tapes: Tapes) -> None:
    player, viewer = await Player.connect(endpoint.port), Viewer(Codec.H264)
    await player.play("/replay/plain", clock_range(tapes.plain[60].utc))
    await viewer.watch(player, lambda viewer: len(viewer.seen) == 15)
    assert (await player.ask("PLAY", "/replay/plain", ("Scale", "-4"))).status == 200
    while player.frames:
        viewer.take(player.frames.pop(0))
    turned = len(viewer.seen)
    assert [each.number for each in viewer.seen] == list(range(60, 60 + turned))
    await viewer.watch(player)
    back = [each.number for each in viewer.seen[turned:]]
    assert back == backwards(tapes.plain[: max(back) + 1])
    assert 60 + turned - 1 <= max(back) <= 60 + turned
    assert {(b - a) & 0xFFFF for a, b in pairwise(viewer.sequences)} == {1}
    await player.close()
