"""Samples to packets: sequence, time and reports, over breaks too."""

from __future__ import annotations

import struct
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from device.media import MICROSECONDS, Codec, Sample, Track, Utc
from protocols.rtsp import rtcp, rtp
from protocols.rtsp.library import Break
from protocols.rtsp.message import Frame, take
from protocols.rtsp.packetise import PACKET_LIMIT
from protocols.rtsp.sender import REPORT_SECONDS, RUN_LIMIT, Packets, Sender, merged
from tests.protocols.rtsp.media import T0

SPS, PPS = b"\x67\x42\x00\x1e\x01", b"\x68\xce\x3c\x80"
VIDEO = Track(Codec.H264, 90_000, (SPS, PPS))
AUDIO = Track(Codec.PCMU, 8_000, channels=1)
SEED = bytes(range(1, 21))
HOUR = 3600 * MICROSECONDS


def unit(*nals: bytes) -> bytes:
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)


def picture(number: int, key: bool = False, since: int = T0, size: int = 20) -> Sample:
    """The n-th picture of a run at 25 a second that began at `since`."""
    nal = (b"\x65" if key else b"\x41") + bytes(size)
    return Sample(0, 3600 * number, Utc(since + 40_000 * number), key, unit(nal))


def sound(number: int, since: int = T0) -> Sample:
    return Sample(1, 160 * number, Utc(since + 20_000 * number), True, bytes(160))


def sender(closes_gaps: bool = False) -> Sender:
    return Sender((VIDEO, AUDIO), "cname", SEED, closes_gaps)


def media(packets: Packets | None) -> list[rtp.Packet]:
    assert packets is not None
    return [rtp.parse(octets) for control, octets in packets.split() if not control]


def reports(packets: Packets | None) -> list[rtcp.SenderReport]:
    assert packets is not None
    found = [each for control, octets in packets.split() if control for each in rtcp.parse(octets)]
    return [each for each in found if isinstance(each, rtcp.SenderReport)]


def time_of(made: Sender, sample: Sample) -> int:
    return media(made.packets(sample, 1.0))[0].timestamp


def test_parameter_sets_go_before_a_key_frame_that_brings_none() -> None:
    made = sender()
    assert [p.payload[0] & 0x1F for p in media(made.packets(picture(0, key=True), 0))] == [7, 8, 5]
    assert [p.payload[0] & 0x1F for p in media(made.packets(picture(1), 0))] == [1]
    own = Sample(0, 7200, Utc(T0 + 80_000), True, unit(SPS, PPS, b"\x65xx"))
    assert [p.payload[0] & 0x1F for p in media(made.packets(own, 0))] == [7, 8, 5]


@given(st.integers(1, 9000))
def test_a_large_unit_is_cut_into_fragments_that_give_it_back(size: int) -> None:
    packets = media(sender().packets(picture(0, size=size), 0))
    payloads = [bytes(p.payload) for p in packets]
    assert all(len(payload) + 12 <= PACKET_LIMIT for payload in payloads)
    assert [p.marker for p in packets] == [False] * (len(packets) - 1) + [True]
    if len(payloads) == 1:
        assert payloads[0] == b"\x41" + bytes(size)
        return
    assert [payload[1] & 0xC0 for payload in payloads] == [0x80, *[0] * (len(payloads) - 2), 0x40]
    assert bytes((payloads[0][0] & 0xE0 | payloads[0][1] & 0x1F,)) == b"\x41"
    assert b"".join(payload[2:] for payload in payloads) == bytes(size)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 80_000), min_size=1, max_size=4))
def test_runs_are_the_packets_and_such_as_a_kernel_cuts_again(sizes: list[int]) -> None:
    made = sender()
    pictures = [made.packets(picture(n, n == 0, size=size), n) for n, size in enumerate(sizes)]
    (packets,) = merged([each for each in pictures if each is not None])
    runs = packets.runs()
    cut = [(run.control, octets) for run in runs for octets in run.split()]
    assert cut == packets.split()
    for run in runs:
        parts = run.split()
        assert run.packets == len(parts) <= (1 if run.control else RUN_LIMIT)
        assert {len(part) for part in parts[:-1]} <= {run.size}


def test_sequence_numbers_run_on_and_wrap() -> None:
    made = Sender((VIDEO,), "c", struct.pack(">IHI", 1, 0xFFFE, 0xFFFFFF00), False)
    numbers = [media(made.packets(picture(n), 0))[0].sequence for n in range(4)]
    assert numbers == [0xFFFE, 0xFFFF, 0, 1]
    assert time_of(made, picture(4)) == (0xFFFFFF00 + 4 * 3600) & 0xFFFFFFFF


def test_rtp_time_follows_media_time_tick_for_tick() -> None:
    made = sender()
    first = time_of(made, picture(0))
    odd = Sample(0, 1801, Utc(T0 + 19_000), False, unit(b"\x41x"))
    assert time_of(made, odd) - first == 1801


def test_tracks_are_in_step() -> None:
    made = sender()
    (video_base, audio_base) = (made.rtp_time(n, T0) for n in range(2))
    assert time_of(made, picture(0)) == video_base
    late = Sample(1, 999_000, Utc(T0 + 500_000), True, bytes(160))
    assert time_of(made, late) == (audio_base + 4000) & 0xFFFFFFFF


def test_each_stream_reports_every_five_seconds_the_wall_time_of_its_samples() -> None:
    made = sender()
    (report,) = reports(made.packets(picture(0), 10.0))
    assert rtcp.utc_of(report.ntp) == T0
    assert reports(made.packets(picture(1), 10.04)) == []
    (report,) = reports(made.packets(picture(2), 10 + REPORT_SECONDS))
    assert rtcp.utc_of(report.ntp) == T0 + 80_000
    assert (report.packets, report.octets) == (2, 42)
    assert report.timestamp == (made.rtp_time(0, T0) + 7200) & 0xFFFFFFFF


def test_the_same_bytes_are_interleaved_frames_on_any_channels() -> None:
    packets = sender().packets(picture(0, key=True, size=3000), 0)
    assert packets is not None
    for data, channels in ((packets.data, (0, 1)), (packets.on_channels(6, 9), (6, 9))):
        at, found = 0, []
        while (taken := take(data, at)) is not None:
            assert isinstance(taken[0], Frame)
            found.append(taken[0].channel)
            at = taken[1]
        assert at == len(data)
        assert found == [channels[1], *[channels[0]] * (len(packets.starts) - 1)]


def test_some_of_the_packets_can_be_left_out() -> None:
    packets = sender().packets(picture(0, key=True, size=3000), 0)
    assert packets is not None
    kept = packets.only([1, 3])
    assert kept.split() == [packets.split()[1], packets.split()[3]]


def test_live_time_goes_on_over_a_gap_by_the_wall_time_that_passed() -> None:
    made = sender()
    first = time_of(made, picture(0))
    assert made.broke(Break(Utc(T0 + HOUR), (VIDEO, AUDIO)))
    assert (time_of(made, picture(0, since=T0 + HOUR)) - first) & 0xFFFFFFFF == 3600 * 90_000


def test_live_time_does_not_go_back_with_the_wall_clock() -> None:
    made = sender()
    times = [time_of(made, picture(n)) for n in range(3)]
    assert made.broke(Break(Utc(T0 - HOUR), (VIDEO, AUDIO)))
    times += [time_of(made, picture(n, since=T0 - HOUR)) for n in range(3)]
    steps = {(b - a) & 0xFFFFFFFF for a, b in pairwise(times)}
    assert steps == {3600}


def test_stored_time_passes_over_a_gap_in_all_tracks_alike() -> None:
    made = sender(closes_gaps=True)
    for n in range(5):
        time_of(made, picture(n))
        time_of(made, sound(2 * n))
    video = time_of(made, picture(5))
    audio = time_of(made, sound(10))
    assert made.broke(Break(Utc(T0 + HOUR), (VIDEO, AUDIO)))
    assert time_of(made, picture(0, since=T0 + HOUR)) - video == 3600
    assert time_of(made, sound(0, since=T0 + HOUR)) - audio == 320
    made.packets(picture(1, since=T0 + HOUR), 99.0)
    report = made.reports()[0]
    (told,) = reports(report)
    assert rtcp.utc_of(told.ntp) == T0 + 7 * 40_000  # wall time runs on with RTP time, or players would wait


def test_new_parameter_sets_are_sent_from_the_break_on() -> None:
    made = sender()
    other = Track(Codec.H264, 90_000, (b"\x67other", b"\x68other"))
    assert made.broke(Break(T0, (other, AUDIO)))
    assert bytes(media(made.packets(picture(0, key=True), 0))[0].payload) == b"\x67other"


def test_another_codec_cannot_be_followed() -> None:
    assert not sender().broke(Break(T0, (Track(Codec.H265, 90_000), AUDIO)))
    assert not sender().broke(Break(T0, (AUDIO,)))


def test_every_stream_says_goodbye() -> None:
    made = sender()
    made.packets(picture(0), 0)
    for packets in made.goodbye("end of range"):
        ((control, octets),) = packets.split()
        assert control
        last = rtcp.parse(octets)[-1]
        assert isinstance(last, rtcp.Goodbye)
        assert last.reason == "end of range"


@given(st.binary(max_size=100), st.booleans(), st.sampled_from(list(Codec)))
def test_any_sample_is_sent_or_left_out(data: bytes, key: bool, codec: Codec) -> None:
    made = Sender((Track(codec, 90_000, channels=1, bits=4),), "c", SEED, False)
    packets = made.packets(Sample(0, 0, T0, key, data), 0)
    assert packets is None or all(p.ssrc == 0x01020304 for p in media(packets))
    assert made.packets(Sample(5, 0, T0, key, data), 0) is None
