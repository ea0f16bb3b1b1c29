"""Access units of H.264 and H.265: whole and in order from good streams, and what becomes of bad ones."""

from __future__ import annotations

import itertools
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.cameras.source import Cause
from device.media import Codec, Track
from protocols.rtsp.depacketise.nal import MARKER_TRIALS, recovery_point
from tests.protocols.rtsp.kept import H264, PPS, SPS, Camera, Client, slice_of


def numbers(client: Client) -> list[int]:
    """The picture numbers of the units that came out."""
    return [int.from_bytes(unit.nals[-1][2:6], "big") for unit in client.units]


def stream(camera: Camera, pictures: int, group: int = 10, size: int = 1000) -> list[bytes]:
    """Send pictures, a key frame with parameter sets first in each group; returns the slices."""
    slices = [slice_of(n, size, key=n % group == 0) for n in range(pictures)]
    for n, nal in enumerate(slices):
        camera.picture(*((SPS, PPS, nal) if n % group == 0 else (nal,)))
    return slices


@pytest.mark.parametrize("chunk", [1, 7, 100, 1 << 17])
@pytest.mark.parametrize("size", [50, 199, 200, 201, 5000])
def test_every_octet_arrives_however_it_is_cut(chunk: int, size: int) -> None:
    camera, client = Camera(), Client()
    slices = stream(camera, 12, size=size)
    client.feed(camera.take(), chunk)
    client.end()
    assert [unit.nals[-1] for unit in client.units] == slices
    assert [unit.key for unit in client.units] == [n % 10 == 0 for n in range(12)]
    assert client.units[0].nals == [SPS, PPS, slices[0]]
    assert client.reception.lost == client.reception.malformed == client.reception.dropped == 0
    assert client.reception.packets == (client.chain.receiver.expected - 65000) & 0xFFFF


def test_media_time_runs_on_over_the_wrap_of_the_timestamp() -> None:
    camera, client = Camera(), Client()
    stream(camera, 30)
    client.feed(camera.take())
    client.end()
    assert [b.time - a.time for a, b in zip(client.units, client.units[1:], strict=False)] == [3600] * 29
    assert client.units[-1].time > 1 << 32


def test_the_marker_is_believed_once_it_has_told_the_truth() -> None:
    camera, client = Camera(), Client()
    for n in range(MARKER_TRIALS + 3):
        camera.picture(*((SPS, PPS) if n == 0 else ()), slice_of(n, key=n == 0))
        client.feed(camera.take())
    assert numbers(client)[-1] == MARKER_TRIALS + 2  # not held back until the next picture


@pytest.mark.parametrize("marker", ["never", "always"])
def test_cameras_that_set_no_marker_or_every_marker(marker: str) -> None:
    """retina #13, Moonfire NVR #144: the timestamp tells where a picture of several slices ends."""
    camera, client = Camera(), Client()
    for n in range(60):
        slices = [slice_of(n, 300, n % 10 == 0), slice_of(n, 300, n % 10 == 0, first=False)]
        for nal in [SPS, PPS, *slices] if n % 10 == 0 else slices:
            camera.nal(nal, marker == "always")
        camera.timestamp = (camera.timestamp + 3600) & 0xFFFF_FFFF
    client.feed(camera.take())
    client.end()
    complete = 60 if marker == "always" else 59  # without a marker the last one cannot be known to be whole
    assert numbers(client) == list(range(complete))
    assert all(len(unit.nals) == (4 if unit.key else 2) for unit in client.units)
    assert not any(unit.damaged for unit in client.units)


def test_a_marker_that_begins_to_lie_costs_a_group_of_pictures_at_most() -> None:
    camera, client = Camera(), Client()
    for n in range(100):
        slices = [slice_of(n, 300, n % 10 == 0), slice_of(n, 300, n % 10 == 0, first=False)]
        for number, nal in enumerate([SPS, PPS, *slices] if n % 10 == 0 else slices):
            camera.nal(nal, n >= 45 or number == len(slices) - 1 + 2 * (n % 10 == 0))
        camera.timestamp = (camera.timestamp + 3600) & 0xFFFF_FFFF
    client.feed(camera.take())
    client.end()
    whole = [unit for unit in client.units if len(unit.nals) == (4 if unit.key else 2)]
    assert len(whole) >= 99
    assert not any(unit.damaged for unit in client.units[50:])


def test_parameter_sets_with_another_timestamp_belong_to_their_picture() -> None:
    camera, client = Camera(), Client()
    for n in range(30):
        if n % 10 == 0:
            camera.picture(SPS, ticks=1)
            camera.picture(PPS, ticks=1)
        camera.picture(slice_of(n, key=n % 10 == 0))
    client.feed(camera.take())
    client.end()
    assert numbers(client) == list(range(30))
    assert client.units[10].nals == [SPS, PPS, slice_of(10, key=True)]


def test_parameter_sets_between_the_slices_of_a_picture_do_not_cut_it() -> None:
    """GStreamer puts them before every slice of a key frame."""
    camera, client = Camera(), Client()
    for n in range(40):
        key = n % 10 == 0
        slices = [slice_of(n, 300, key), slice_of(n, 300, key, first=False)]
        camera.picture(*([SPS, PPS, slices[0], SPS, PPS, slices[1]] if key else slices))
    client.feed(camera.take())
    client.end()
    assert numbers(client) == list(range(40))
    assert [len(unit.nals) for unit in client.units] == [6 if n % 10 == 0 else 2 for n in range(40)]


def test_pictures_with_one_timestamp_and_no_marker_are_told_apart_by_their_first_slice() -> None:
    camera, client = Camera(), Client()
    for n in range(20):
        camera.picture(
            *((SPS, PPS) if n % 10 == 0 else ()), slice_of(n, key=n % 10 == 0), ticks=0, marker=False
        )
    client.feed(camera.take())
    client.end()
    assert numbers(client) == list(range(19))
    assert [len(unit.nals) for unit in client.units] == [3 if n % 10 == 0 else 1 for n in range(19)]
    times = [unit.time for unit in client.units]
    assert all(b > a for a, b in itertools.pairwise(times))


def test_a_missing_packet_drops_its_unit_and_marks_the_rest_until_the_next_key() -> None:
    camera, client = Camera(), Client()
    wires = []
    for n in range(60):
        camera.picture(*((SPS, PPS) if n % 10 == 0 else ()), slice_of(n, key=n % 10 == 0))
        wires.append(list(camera.wire))
        camera.wire.clear()
    del wires[43][2]
    client.feed(b"".join(packet for wire in wires for packet in wire))
    client.end()
    assert numbers(client) == [n for n in range(60) if n != 43]
    assert [n for n, unit in zip(numbers(client), client.units, strict=True) if unit.damaged] == list(
        range(44, 50)
    )
    assert client.intake.losses == [(0, 1)]
    assert client.reception.lost == 1
    assert client.reception.dropped == 1


@given(st.data())
@settings(max_examples=60)
def test_no_unit_with_a_missing_packet_is_ever_delivered(data: st.DataObject) -> None:
    camera, client = Camera(), Client()
    slices = stream(camera, 60, size=900)
    gone = data.draw(st.sets(st.integers(7, len(camera.wire) - 1), min_size=1, max_size=12))
    chunk = data.draw(st.integers(1, 3000))
    client.feed(b"".join(packet for n, packet in enumerate(camera.wire) if n not in gone), chunk)
    client.end()
    for unit in client.units:
        number = int.from_bytes(unit.nals[-1][2:6], "big")
        assert unit.nals[-1] == slices[number]
        assert len([nal for nal in unit.nals if nal[0] & 31 in (1, 5)]) == 1
    assert client.reception.lost <= len(gone)
    assert len(client.units) >= 60 - 2 * len(gone) - 1


def test_nothing_is_delivered_before_the_first_key_frame() -> None:
    camera, client = Camera(), Client()
    for n in range(25):
        camera.picture(*((SPS, PPS) if n == 10 else ()), slice_of(n, key=n == 10))
    client.feed(camera.take())
    client.end()
    assert numbers(client) == list(range(10, 25))


def test_without_parameter_sets_in_the_description_the_session_opens_with_those_of_the_stream() -> None:
    camera, client = Camera(), Client(Track(Codec.H264, 90000))
    assert client.intake.calls == []
    stream(camera, 12)
    client.feed(camera.take())
    client.end()
    assert client.intake.calls == ["opened", "closed"]
    assert client.intake.tracks[0][0].parameters == (SPS, PPS)
    assert (client.intake.tracks[0][0].width, client.intake.tracks[0][0].height) == (640, 360)
    assert numbers(client) == list(range(12))


def test_new_parameter_sets_are_announced_before_their_key_frame() -> None:
    camera, client = Camera(), Client()
    stream(camera, 10)
    other = bytes((*PPS[:-1], PPS[-1] ^ 0x40))
    camera.picture(SPS, other, slice_of(10, key=True))
    camera.picture(slice_of(11))
    client.feed(camera.take())
    client.end()
    assert client.intake.calls == ["opened", "parameters", "closed"]
    assert client.intake.tracks[1][0].parameters == (SPS, other)
    assert numbers(client) == list(range(12))


def test_a_key_frame_with_a_broken_parameter_set_is_no_picture_nor_what_builds_on_it() -> None:
    camera, client = Camera(), Client()
    stream(camera, 10)
    for n in range(10, 30):
        camera.picture(*((SPS[:6], PPS) if n % 10 == 0 else ()), slice_of(n, key=n % 10 == 0))
        client.feed(camera.take())
        assert client.intake.causes == ([Cause.NO_PICTURE] if n > 10 else [])
    for n in range(30, 40):
        camera.picture(*((SPS, PPS) if n == 30 else ()), slice_of(n, key=n == 30))
    client.feed(camera.take())
    client.end()
    assert client.intake.calls == ["opened", "missing", "closed"]
    assert numbers(client) == [*range(10), *range(30, 40)]
    assert client.reception.last_key == client.now.monotonic


def test_after_a_broken_set_a_key_frame_without_any_is_decoded_with_the_last_good_ones() -> None:
    camera, client = Camera(), Client()
    stream(camera, 10)
    camera.picture(SPS, PPS[:2], slice_of(10, key=True))
    camera.picture(slice_of(11, key=True))
    client.feed(camera.take())
    client.end()
    assert numbers(client) == [*range(10), 11]


@pytest.mark.parametrize("sets", [(SPS, SPS[:6], PPS), (SPS[:6], SPS, PPS)])
def test_a_broken_set_beside_a_good_one_costs_nothing(sets: tuple[bytes, ...]) -> None:
    """Some encoders send a second one that is for themselves."""
    camera, client = Camera(), Client()
    for n in range(20):
        camera.picture(*(sets if n % 10 == 0 else ()), slice_of(n, key=n % 10 == 0))
    client.feed(camera.take())
    client.end()
    assert client.intake.calls == ["opened", "closed"]
    assert numbers(client) == list(range(20))


def test_a_session_that_begins_with_broken_sets_alone_is_not_opened() -> None:
    camera = Camera()
    client = Client(Track(Codec.H264, 90000))
    for n in range(20):
        camera.picture(*((SPS[:6], PPS) if n % 10 == 0 else ()), slice_of(n, key=n % 10 == 0))
    client.feed(camera.take())
    client.end()
    assert (client.intake.calls, client.units) == ([], [])


def test_several_nal_units_in_one_packet() -> None:
    camera, client = Camera(), Client()
    nals = [SPS, PPS, slice_of(0, 40, key=True)]
    camera.send(b"\x18" + b"".join(struct.pack(">H", len(nal)) + nal for nal in nals), marker=True)
    client.feed(camera.take())
    client.end()
    assert [unit.nals for unit in client.units] == [nals]


@pytest.mark.parametrize("kind", [25, 26, 27, 29, 30, 31, 0])
def test_packets_of_the_interleaved_mode_are_refused(kind: int) -> None:
    camera, client = Camera(), Client()
    camera.send(bytes((0x60 | kind,)) + bytes(100), marker=True)
    client.feed(camera.take())
    client.end()
    assert client.units == []
    assert client.reception.malformed == 1


def test_an_open_group_of_pictures_begins_at_its_recovery_point() -> None:
    """H.264 with an IDR only at the start, or never: a recovery point of zero frames is a key frame."""
    camera, client = Camera(), Client()
    recovery = bytes((0x06, 6, 1, 0xC4, 0x80))
    for n in range(30):
        camera.picture(*((SPS, PPS, recovery) if n % 10 == 5 else ()), slice_of(n))
    client.feed(camera.take())
    client.end()
    assert numbers(client) == list(range(5, 30))
    assert [n for n, unit in zip(range(5, 30), client.units, strict=True) if unit.key] == [5, 15, 25]


@pytest.mark.parametrize(("ahead", "key"), [(0, True), (3, True), (9, True)])
def test_gradual_refresh_is_a_key_as_long_as_there_is_no_better(ahead: int, key: bool) -> None:
    bits = f"{ahead + 1:b}"
    coded = int(("0" * (len(bits) - 1) + bits).ljust(16, "1"), 2).to_bytes(2, "big")
    nal = memoryview(bytes((6, 6, 2)) + coded + b"\x80")
    assert recovery_point(nal, 1) == ahead
    camera, client = Camera(), Client()
    camera.picture(SPS, PPS, bytes(nal), slice_of(0))
    client.feed(camera.take())
    client.end()
    assert [unit.key for unit in client.units] == [key]


def test_a_unit_larger_than_the_lane_can_grow_is_dropped_and_nothing_else() -> None:
    camera, client = Camera(mtu=1400), Client()
    client.intake.lane.most = 100_000
    for n in range(30):
        size = 200_000 if n == 25 else 60_000
        camera.picture(*((SPS, PPS) if n % 10 == 0 else ()), slice_of(n, size, key=n % 10 == 0))
    client.feed(camera.take())
    client.end()
    assert numbers(client) == [n for n in range(30) if n != 25]
    assert [n for n, u in zip(numbers(client), client.units, strict=True) if u.damaged] == [26, 27, 28, 29]


def test_a_jump_of_the_timestamps_begins_a_new_run_at_the_next_key_frame() -> None:
    """No durations of days, no frame lost."""
    camera, client = Camera(), Client()
    for n in range(40):
        if n == 25:
            camera.timestamp = (camera.timestamp + 90000 * 3600 * 10) & 0xFFFF_FFFF
        camera.picture(*((SPS, PPS) if n % 10 == 0 else ()), slice_of(n, key=n % 10 == 0))
        client.wait(0.04)
        client.feed(camera.take())
    client.end()
    assert numbers(client) == list(range(40))
    assert client.intake.calls == ["opened", "renewed", "closed"]
    times = [unit.time for unit in client.units]
    assert max(b - a for a, b in itertools.pairwise(times)) < 2 * 3600


def test_a_step_of_the_recorders_clock_begins_a_new_run_at_the_next_key_frame() -> None:
    camera, client = Camera(), Client()
    for n in range(40):
        camera.picture(*((SPS, PPS) if n % 10 == 0 else ()), slice_of(n, key=n % 10 == 0))
        client.wait(0.04)
        if n == 25:
            client.now = type(client.now)(
                client.now.monotonic, type(client.now.utc)(client.now.utc + 3600_000_000)
            )
        client.feed(camera.take())
    client.end()
    assert client.intake.calls == ["opened", "renewed", "closed"]
    steps = [b.utc - a.utc for a, b in zip(client.units, client.units[1:], strict=False)]
    assert [n for n, step in enumerate(steps) if step > 1_000_000] == [29]


@given(st.data())
@settings(max_examples=150)
def test_hostile_streams_do_no_harm(data: st.DataObject) -> None:
    """Mutations of a good stream: nothing raises, and what comes out is well formed."""
    rng = random.Random(data.draw(st.integers(0, 1 << 32)))
    codec = data.draw(st.sampled_from([Codec.H264, Codec.H265]))
    camera, client = Camera(), Client(H264 if codec is Codec.H264 else Track(codec, 90000))
    stream(camera, 20, size=600)
    wire = [bytearray(packet) for packet in camera.wire]
    for _ in range(data.draw(st.integers(1, 40))):
        packet = wire[rng.randrange(len(wire))]
        act = rng.randrange(4)
        if act == 0:
            packet[rng.randrange(4, len(packet))] = rng.randrange(256)
        elif act == 1 and len(packet) > 20:
            del packet[rng.randrange(5, len(packet)) :]
            packet[2:4] = (len(packet) - 4).to_bytes(2, "big")
        elif act == 2:
            wire.insert(rng.randrange(len(wire)), bytearray(packet))
        else:
            packet[16 : 16 + 3] = bytes(rng.randrange(256) for _ in range(min(3, len(packet) - 16)))
    client.feed(b"".join(map(bytes, wire)), rng.randrange(1, 5000))
    client.end()
    for unit in client.units:
        assert all(nal for nal in unit.nals)
