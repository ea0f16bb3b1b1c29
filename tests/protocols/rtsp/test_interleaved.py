"""The stream of a session: frames among messages, junk, reordering, and what receivers report."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.rtsp.interleaved import JUNK_LIMIT, NotInterleaved
from protocols.rtsp.message import Response
from tests.protocols.rtsp.kept import PPS, SPS, Camera, Client, slice_of

ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 7\r\nContent-Length: 3\r\n\r\na$b"


def pictures(camera: Camera, count: int, size: int = 1000) -> None:
    for n in range(count):
        camera.picture(*((SPS, PPS) if n % 10 == 0 else ()), slice_of(n, size, key=n % 10 == 0))


def numbers(client: Client) -> list[int]:
    return [int.from_bytes(unit.nals[-1][2:6], "big") for unit in client.units]


@pytest.mark.parametrize("chunk", [1, 13, 1 << 17])
def test_responses_among_the_frames_reach_the_session_and_cost_no_picture(chunk: int) -> None:
    camera, client = Camera(), Client()
    pictures(camera, 20)
    for at in (3, 40, 41, 70):
        camera.wire.insert(at, ANSWER)
    client.feed(camera.take(), chunk)
    client.end()
    assert numbers(client) == list(range(20))
    assert [m.body for m in client.messages if isinstance(m, Response)] == [b"a$b"] * 4
    assert client.malformed == 0


def test_frames_of_other_channels_pass_by() -> None:
    camera, client = Camera(), Client()
    pictures(camera, 20)
    camera.wire[5:5] = [b"$\x01\x00\x08\x80\xc9\x00\x01\x00\x00\x00\x01", b"$\x09\x00\x02\x80\x00"]
    client.feed(camera.take(), 100)
    client.end()
    assert numbers(client) == list(range(20))
    assert client.malformed == 0


@pytest.mark.parametrize(
    "junk", [b"\0" * 500, b"$" * 333, b"\r\n\r\nHello", random.Random(1).randbytes(700), b"RTSP/1.0 what"]
)
def test_junk_costs_no_more_than_the_pictures_around_it(junk: bytes) -> None:
    camera, client = Camera(), Client()
    pictures(camera, 40)
    camera.wire.insert(100, junk)
    client.feed(camera.take())
    client.end()
    assert len(numbers(client)) >= 38
    assert set(numbers(client)) <= set(range(40))


def test_a_stream_of_nothing_but_junk_is_given_up() -> None:
    client = Client()
    with pytest.raises(NotInterleaved):
        client.feed(b"\x01\x02\x03" * JUNK_LIMIT)


@given(st.binary(max_size=4000), st.integers(1, 500))
@settings(max_examples=200)
def test_octets_of_any_kind_raise_nothing_but_what_is_declared(octets: bytes, chunk: int) -> None:
    client = Client()
    try:
        client.feed(octets, chunk)
    except NotInterleaved:
        assert len(octets) > 1000
    client.end()


def test_packets_that_come_too_early_wait_for_their_turn() -> None:
    camera, client = Camera(), Client(udp=True)
    pictures(camera, 40)
    rng = random.Random(3)
    order = list(range(len(camera.wire)))
    for at in range(1, len(order) - 4, 4):
        part = order[at : at + 4]
        rng.shuffle(part)
        order[at : at + 4] = part
    client.feed(b"".join(camera.wire[n] for n in order))
    client.end()
    assert numbers(client) == list(range(40))
    assert client.reception.lost == 0
    assert client.reception.reordered > 0
    assert not any(unit.damaged for unit in client.units)


def test_packets_that_come_twice_count_once() -> None:
    camera, client = Camera(), Client(udp=True)
    pictures(camera, 30)
    client.feed(b"".join(packet + packet for packet in camera.wire))
    client.end()
    assert numbers(client) == list(range(30))
    assert client.reception.lost == 0


def test_a_packet_that_does_not_come_is_given_up_after_a_while() -> None:
    camera, client = Camera(), Client(udp=True)
    pictures(camera, 200)
    del camera.wire[100]
    for packet in camera.wire:
        client.wait(0.001)
        client.feed(packet)
    client.end()
    assert client.reception.lost == 1
    assert client.intake.losses == [(0, 1)]
    assert len(client.units) == 199


def test_a_source_that_begins_anew_is_followed() -> None:
    camera, client = Camera(), Client()
    pictures(camera, 20)
    camera.ssrc, camera.sequence, camera.timestamp = 99, 17, 5000
    pictures(camera, 20)
    client.feed(camera.take())
    client.end()
    assert numbers(client) == list(range(20)) * 2
    assert client.reception.lost == 0


def test_a_report_tells_what_was_received() -> None:
    """RFC 3550 A.3: extended highest sequence, loss since the last report and in all."""
    camera, client = Camera(sequence=65530), Client()
    pictures(camera, 30)
    total = len(camera.wire)
    del camera.wire[50:60]
    client.feed(camera.take())
    block = client.chain.receiver.report_block(client.now.monotonic)
    assert block is not None
    assert block.ssrc == camera.ssrc
    assert block.highest == 65530 + total - 1
    assert block.lost == 10
    assert block.fraction_lost == 10 * 256 // total
    pictures(camera, 10)
    client.feed(camera.take())
    block = client.chain.receiver.report_block(client.now.monotonic)
    assert block is not None
    assert (block.lost, block.fraction_lost) == (10, 0)


def test_padding_extension_and_contributors_are_no_payload() -> None:
    camera, client = Camera(), Client()
    nals = [SPS, PPS, slice_of(0, 100, key=True)]
    wire = b""
    for n, nal in enumerate(nals):
        header = struct.pack(">BBHIIII", 0x80 | 0x20 | 0x10 | 2, 96 | (0x80 if n == 2 else 0), n, 5, 9, 1, 2)
        packet = header + b"\xab\xac\0\1wxyz" + nal + b"\0\0\0\4"
        wire += struct.pack(">BBH", 0x24, 0, len(packet)) + packet
    client.feed(wire)
    client.end()
    assert [unit.nals for unit in client.units] == [nals]
    assert camera.wire == []


def test_another_payload_type_on_the_channel_is_no_picture() -> None:
    camera, client = Camera(), Client()
    pictures(camera, 5)
    camera.payload_type = 97
    camera.send(slice_of(99), marker=True)
    camera.payload_type = 96
    pictures(camera, 5)
    client.feed(camera.take())
    client.end()
    assert numbers(client) == [0, 1, 2, 3, 4] * 2


def mutilated(camera: Camera, rng: random.Random) -> bytes:
    """Pictures of many sizes, among answers and packets of other kinds; some packets lost, doubled, or wrong."""
    wire: list[bytes] = []
    for number in range(60):
        key = number % 12 == 0
        camera.picture(
            *((SPS, PPS) if key else ()),
            *(
                slice_of(number, rng.choice((20, 150, 900, 3000)), key=key)
                for _ in range(rng.choice((1, 1, 3)))
            ),
            marker=rng.random() < 0.95,
        )
        for packet in camera.wire:
            match rng.randrange(60):
                case 0:
                    continue
                case 1:
                    wire.append(packet)
                case 2:
                    wire.append(ANSWER)
                case 3:
                    wire.append(b"$\x01\x00\x08\x80\xc9\x00\x01\x00\x00\x00\x01")
                case 4:
                    wrong = bytearray(packet)
                    wrong[rng.randrange(4, min(len(wrong), 20))] ^= 1 << rng.randrange(8)
                    packet = bytes(wrong)
                case 5:
                    camera.send(
                        bytes((rng.choice((9, 28, 30, 31)), rng.randrange(256))) + b"filler", marker=False
                    )
                    wire.append(camera.wire[-1])
            wire.append(packet)
        camera.wire.clear()
    return b"".join(wire)


@given(
    seed=st.integers(0, 1 << 32),
    mtu=st.sampled_from([60, 200, 1400]),
    chunk=st.sampled_from([700, 5000, 1 << 17]),
)
@settings(max_examples=150)
def test_the_short_way_leads_where_the_general_path_leads(seed: int, mtu: int, chunk: int) -> None:
    octets = mutilated(Camera(mtu=mtu, sequence=seed & 0xFFFF), random.Random(seed))
    short, general = Client(), Client(short=False)
    for client in (short, general):
        client.feed(octets, chunk)
        client.end()
    assert short.units == general.units
    assert short.reception == general.reception
    assert short.intake.losses == general.intake.losses
    assert (short.malformed, short.messages) == (general.malformed, general.messages)


def test_what_is_no_fragment_among_the_fragments_is_no_part_of_the_picture() -> None:
    camera, client = Camera(), Client()
    pictures(camera, 1)
    camera.picture(slice_of(1))
    camera.nal(slice_of(2), marker=True)
    foreign = [len(camera.wire) - 3, len(camera.wire) - 2]
    for at in foreign:  # of a type that RFC 6184 does not define, as large as the fragments
        camera.wire[at] = camera.wire[at][:16] + b"\x1f" + camera.wire[at][17:]
    client.feed(camera.take())
    client.end()
    assert numbers(client) == [0, 1]
