"""Virtual cameras on the wire: every frame in its place, and every fault as it says."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import av
import pytest

from device.clock import SystemClock
from device.media import MICROSECONDS, Codec, Utc
from integration.virtual_camera import stamp
from integration.virtual_camera.camera import Login, Spec
from integration.virtual_camera.encode import Format
from integration.virtual_camera.farm import VirtualCameras
from integration.virtual_camera.faults import Fault, fault
from integration.virtual_camera.stamp import Stamp
from protocols.rtsp import rtcp, rtp
from tests.integration.virtual_camera.client import Client

FPS = 25
STEP = 90_000 // FPS
SMALL = Format(Codec.H264, 320, 180, FPS, 200_000)


@asynccontextmanager
async def _farm(*forms: Format, sound: Codec | None = None) -> AsyncIterator[VirtualCameras]:
    specs = [
        Spec(f"Camera {n}", "lobby", form, None, sound, gop_seconds=0.2) for n, form in enumerate(forms, 1)
    ]
    async with VirtualCameras(specs, "127.0.0.1", 0, Login("", ""), SystemClock()) as farm:
        yield farm


def _nals(units: Sequence[tuple[int, list[rtp.Packet]]]) -> list[bytes]:
    """Access units in H.264 Annex B, put together by RFC 6184 s5.6 to s5.8 as far as these cameras use it."""
    found = []
    for _, packets in units:
        unit = bytearray()
        for payload in (bytes(packet.payload) for packet in packets):
            kind = payload[0] & 0x1F
            if kind == 28:
                if payload[1] & 0x80:
                    unit += b"\0\0\0\1" + bytes((payload[0] & 0xE0 | payload[1] & 0x1F,))
                unit += payload[2:]
            elif kind == 24:
                at = 1
                while at < len(payload):
                    size = int.from_bytes(payload[at : at + 2])
                    unit += b"\0\0\0\1" + payload[at + 2 : at + 2 + size]
                    at += 2 + size
            else:
                unit += b"\0\0\0\1" + payload
        found.append(bytes(unit))
    return found


def _is_key(unit: bytes) -> bool:
    return b"\0\0\0\1\x65" in unit


def _stamps(client: Client) -> list[Stamp | None]:
    decoder = av.VideoCodecContext.create("h264", "r")
    frames = [frame for unit in _nals(client.units()) for frame in decoder.decode(av.Packet(unit))]
    return [stamp.read(frame) for frame in (*frames, *decoder.decode(None))]


def _gaps(packets: Sequence[rtp.Packet]) -> int:
    pairs = itertools.pairwise(packets)
    return sum((later.sequence - earlier.sequence - 1) % 65536 for earlier, later in pairs)


def _steps(client: Client) -> list[int]:
    """Differences of the timestamps of neighbouring access units, ticks, signed."""
    times = [time for time, _ in client.units()]
    pairs = itertools.pairwise(times)
    return [(later - earlier + 2**31) % 2**32 - 2**31 for earlier, later in pairs]


async def test_frames_are_numbered_and_timed_by_the_clock_without_a_gap() -> None:
    async with _farm(SMALL) as farm, Client(farm.cameras[0].url) as client:
        await client.until(lambda c: len(c.units()) >= 30)
        stamps = [one for one in _stamps(client) if one is not None]
        assert len(stamps) == len(client.units())
        first = stamps[0].frame
        assert [one.frame for one in stamps] == list(range(first, first + len(stamps)))
        assert all(one.utc == farm.epoch + one.frame * MICROSECONDS // FPS for one in stamps)
        assert all(one.camera == 1 for one in stamps)
        assert set(_steps(client)) == {STEP}
        assert _gaps(client.packets) == 0
        keys = [n for n, unit in zip(stamps, _nals(client.units()), strict=True) if _is_key(unit)]
        assert {one.frame % 5 for one in keys[1:]} == {0}


async def test_the_sender_report_ties_the_timestamp_to_the_burnt_in_time() -> None:
    async with _farm(SMALL) as farm, Client(farm.cameras[0].url) as client:
        await client.until(lambda c: len(c.units()) >= 5 and bool(c.reports))
        reports = [rtcp.parse(data)[0] for data in client.reports]
        report = next(one for one in reports if isinstance(one, rtcp.SenderReport))
        times = [time for time, _ in client.units()]
        burnt = _stamps(client)[times.index(report.timestamp)]
        assert burnt is not None
        assert abs(rtcp.utc_of(report.ntp) - burnt.utc) < 1000


async def test_nobody_listens_nothing_is_drawn() -> None:
    async with _farm(SMALL) as farm:
        stream = farm.cameras[0].streams["/main"]
        async with Client(farm.cameras[0].url) as client:
            await client.until(lambda c: len(c.units()) >= 2)
            assert stream.listeners == 1
        async with asyncio.timeout(30):
            while stream.listeners:  # noqa: ASYNC110 - it notices that the connection has ended
                await asyncio.sleep(0.01)
        drawn = stream.sending
        await asyncio.sleep(0.2)
        assert stream.sending == drawn


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.AAC])
async def test_sound_runs_beside_the_picture_without_a_gap(codec: Codec) -> None:
    async with _farm(SMALL, sound=codec) as farm, Client(farm.cameras[0].url) as client:
        await client.until(lambda c: len(c.sound) >= 12)
        block = {Codec.PCMU: 320, Codec.AAC: 1024}[codec]
        times = [packet.timestamp for packet in client.sound]
        pairs = itertools.pairwise(times)
        assert {(later - earlier) % 2**32 for earlier, later in pairs} == {block}


async def _during(client: Client, farm: VirtualCameras, what: Fault) -> None:
    """A healthy beginning, the fault from its begin to its end, a healthy end."""
    await client.until(lambda c: len(c.units()) >= 8)
    await farm.inflict(1, what)
    count = len(client.units())
    await client.until(lambda c: len(c.units()) >= count + 8)


def _frames_of(farm: VirtualCameras, what: str) -> range:
    """The frames that the journal says a fault is in."""
    begin = next(e for e in farm.journal.entries if (e["fault"], e["phase"]) == (what, "begin"))
    end = next(e for e in farm.journal.entries if (e["fault"], e["phase"]) == (what, "end"))
    first, last = begin["frames"], end["frames"]
    assert isinstance(first, dict)
    assert isinstance(last, dict)
    return range(first["main"], last["main"])


async def test_frozen_packets_go_on_and_picture_and_keys_do_not() -> None:
    async with _farm(SMALL) as farm, Client(farm.cameras[0].url) as client:
        await _during(client, farm, fault("freeze", 2.0))
        stamps, units = _stamps(client), _nals(client.units())
        frozen = _frames_of(farm, "freeze")
        first = stamps[0].frame if stamps[0] else 0
        inside = slice(frozen.start - first, frozen.stop - first)
        shown = {one.frame if one else None for one in stamps[inside]}
        assert shown == {frozen.start}
        assert len(frozen) >= 10
        assert not any(_is_key(unit) for unit in units[inside])
        assert any(_is_key(unit) for unit in units[frozen.stop - first :])
        assert set(_steps(client)) == {STEP}, "packets go on"


async def test_silence_sends_nothing_and_keeps_the_session() -> None:
    async with _farm(SMALL, sound=Codec.PCMU) as farm, Client(farm.cameras[0].url) as client:
        await client.until(lambda c: len(c.units()) >= 8)
        ill = farm.inflict(1, fault("silence", 3.0))
        await asyncio.sleep(0.5)
        count = len(client.packets) + len(client.sound)
        await asyncio.sleep(0.5)
        assert len(client.packets) + len(client.sound) == count
        await ill
        await client.until(lambda c: len(c.packets) > count + 12)
        assert not client.ended
        assert max(_steps(client)) == (len(_frames_of(farm, "silence")) + 1) * STEP


async def test_lost_packets_are_those_of_the_journal() -> None:
    async with _farm(SMALL) as farm, Client(farm.cameras[0].url) as client:
        await _during(client, farm, fault("loss", 0.6, loss=0.4))
        hits = [e["packets"] for e in farm.journal.entries if e["phase"] == "hit"]
        told = sum(len(lost) for lost in hits if isinstance(lost, list))
        assert told > 0
        assert _gaps(client.packets) == told


async def test_a_hole_is_torn_into_one_frame() -> None:
    async with _farm(SMALL) as farm, Client(farm.cameras[0].url) as client:
        await _during(client, farm, fault("hole", 0.4))
        (hit,) = [entry for entry in farm.journal.entries if entry["phase"] == "hit"]
        assert hit["packets"] == [0]
        assert hit["frame"] == _frames_of(farm, "hole").start
        assert _gaps(client.packets) == 1


async def test_markers_are_missing() -> None:
    async with _farm(SMALL) as farm, Client(farm.cameras[0].url) as client:
        await _during(client, farm, fault("no_markers", 0.4))
        marked = [any(packet.marker for packet in packets) for _, packets in client.units()]
        assert marked.count(False) == len(_frames_of(farm, "no_markers"))


@pytest.mark.parametrize(
    ("name", "steps"),
    [("stuck", {0}), ("backward", {-STEP}), ("noisy", set(range(STEP - 7200, STEP + 7201)))],
)
async def test_timestamps_go_wrong_and_right_again(name: str, steps: set[int]) -> None:
    async with _farm(SMALL) as farm, Client(farm.cameras[0].url) as client:
        await client.until(lambda c: len(c.units()) >= 8)
        await farm.inflict(1, fault(name, 0.4))
        count = len(client.packets)
        await client.until(lambda c: len(c.packets) >= count + 40)
        # Packets, since frames of equal timestamps look like one.
        ends = [packet.timestamp for packet in client.packets if packet.marker]
        pairs = itertools.pairwise(ends)
        seen = [(later - earlier + 2**31) % 2**32 - 2**31 for earlier, later in pairs]
        ill = len(_frames_of(farm, name))
        wrong = [step for step in seen if step != STEP]
        assert ill - 2 <= len(wrong) <= ill + 1
        assert set(wrong[1:-1]) <= steps
        assert set(seen[-5:]) == {STEP}


async def test_the_clock_jumps_while_timestamps_run_on() -> None:
    async with _farm(SMALL) as farm, Client(farm.cameras[0].url) as client:
        await _during(client, farm, fault("clock", 0.4, clock_offset=-3600))
        wrong = [one for one in _stamps(client) if one and one.utc < farm.epoch]
        assert [one.frame for one in wrong] == list(_frames_of(farm, "clock"))
        assert {one.utc - (farm.epoch + one.frame * MICROSECONDS // FPS) for one in wrong} == {-3_600_000_000}
        assert set(_steps(client)) == {STEP}


async def test_media_time_jumps_and_comes_back() -> None:
    async with _farm(SMALL) as farm, Client(farm.cameras[0].url) as client:
        await _during(client, farm, fault("media_jump", 0.4, media_offset=100))
        assert [step - STEP for step in _steps(client) if step != STEP] == [9_000_000, -9_000_000]


async def test_the_resolution_changes_in_band() -> None:
    async with _farm(SMALL) as farm, Client(farm.cameras[0].url) as client:
        await _during(client, farm, fault("resolution", 0.5, width=480, height=272))
        decoder = av.VideoCodecContext.create("h264", "r")
        sizes = [f.width for unit in _nals(client.units()) for f in decoder.decode(av.Packet(unit))]
        assert [size for n, size in enumerate(sizes) if n == 0 or sizes[n - 1] != size] == [320, 480, 320]
        assert sizes.count(480) == len(_frames_of(farm, "resolution"))


async def test_the_codec_changes_and_the_next_description_says_so() -> None:
    async with _farm(SMALL) as farm, Client(farm.cameras[0].url) as client:
        await client.until(lambda c: len(c.units()) >= 4)
        ill = farm.inflict(1, fault("codec", 1.0))
        await client.until(
            lambda c: any(isinstance(r, rtcp.Goodbye) for d in c.reports for r in rtcp.parse(d))
        )
        async with Client(farm.cameras[0].url) as other:
            assert other.description.media[0].formats[0].encoding == "H265"
            await other.until(lambda c: len(c.units()) >= 4)
        await ill
        async with Client(farm.cameras[0].url) as other:
            assert other.description.media[0].formats[0].encoding == "H264"


async def test_scrambled_parameter_sets_cannot_be_decoded() -> None:
    async with _farm(SMALL) as farm:
        farm.inflict(1, fault("bad_sps", 30))
        async with Client(farm.cameras[0].url) as client:
            await client.until(lambda c: len(c.units()) >= 8)
            decoder = av.VideoCodecContext.create("h264", "r")
            for unit in _nals(client.units()):
                try:
                    assert not decoder.decode(av.Packet(unit))
                except av.FFmpegError:
                    continue


async def test_a_cut_ends_the_session_and_the_next_one_is_welcome() -> None:
    async with _farm(SMALL) as farm:
        async with Client(farm.cameras[0].url) as client:
            await client.until(lambda c: len(c.units()) >= 2)
            await farm.inflict(1, fault("cut"))
            await client.until(lambda c: c.ended)
        async with Client(farm.cameras[0].url) as client:
            await client.until(lambda c: len(c.units()) >= 2)


async def test_an_unreachable_camera_comes_back_at_the_same_address() -> None:
    async with _farm(SMALL, SMALL) as farm:
        async with Client(farm.cameras[0].url) as client, Client(farm.cameras[1].url) as neighbour:
            await client.until(lambda c: len(c.units()) >= 2)
            ill = farm.inflict(1, fault("refuse", 0.6))
            await client.until(lambda c: c.ended)
            with pytest.raises(ConnectionRefusedError):
                await Client(farm.cameras[0].url).__aenter__()
            await ill
            assert not neighbour.ended
        async with Client(farm.cameras[0].url) as client:
            await client.until(lambda c: len(c.units()) >= 2)


async def test_the_timetable_of_motion_can_be_asked_for() -> None:
    async with _farm(SMALL) as farm:
        camera = farm.cameras[0]
        times = [Utc(farm.epoch + n * MICROSECONDS) for n in range(300)]
        scene = camera.scene(640, 360)
        assert [camera.moving(at) for at in times] == [scene.moving(at) for at in times]
