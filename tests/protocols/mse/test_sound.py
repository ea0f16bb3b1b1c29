"""Sound that no browser plays, made into FLAC: every sample is there, where it was heard."""

from __future__ import annotations

import io
import itertools
import random
from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from device.media import MICROSECONDS, Codec, Sample, Track, Utc
from integration.virtual_camera.audio import G711, a_law, mu_law
from protocols.mse import flac
from protocols.mse.muxer import LATE, ORIGIN, Muxer
from protocols.mse.pcm import DECODERS
from protocols.mse.sound import Piece, Sound, restored
from tests.device.recording.material import START, merged, sound, video

RATE = 8000
PCMU = Track(Codec.PCMU, RATE, channels=1)
Shorts = NDArray[np.int16]


def heard(data: bytes) -> tuple[float, Shorts]:
    """What a decoder makes of an MP4's sound: where it begins, in seconds, and its samples, each channel a row."""
    with av.open(io.BytesIO(data), "r") as source:
        frames = list(source.decode(audio=0))
    assert frames
    begins = [frame.pts or 0 for frame in frames]
    lengths = [frame.samples for frame in frames]
    assert begins == [begins[0] + at for at in itertools.accumulate([0, *lengths[:-1]])]
    begin = begins[0] * (frames[0].time_base or 0)
    return float(begin), np.concatenate([_rows(frame) for frame in frames], axis=1)


def _rows(frame: av.AudioFrame) -> Shorts:
    scale = 32767 if frame.format.name.startswith("flt") else 1
    samples: Shorts = (frame.to_ndarray() * scale).astype(np.int16)
    return samples if frame.format.is_planar else samples.reshape(-1, len(frame.layout.channels)).T


def plain(pieces: list[Piece], channels: int = 1) -> Shorts:
    """The samples of some frames, by a decoder that sees them as a file of FLAC."""
    entry = flac.sample_entry(RATE, channels)
    told = entry[entry.index(b"dfLa") + 8 :]
    file = b"fLaC" + told + b"".join(piece.data for piece in pieces)
    with av.open(io.BytesIO(file), "r", format="flac") as source:
        return np.concatenate([_rows(frame) for frame in source.decode(audio=0)], axis=1)


def by_ffmpeg(codec: str, data: bytes) -> Shorts:
    """G.711 as ffmpeg decodes it."""
    context = av.AudioCodecContext.create(codec, "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout = RATE, "mono"
    context.open()
    return np.concatenate([_rows(frame) for frame in context.decode(av.Packet(data))], axis=1)


@pytest.mark.parametrize(("codec", "name"), [(Codec.PCMU, "pcm_mulaw"), (Codec.PCMA, "pcm_alaw")])
def test_every_code_of_g711_is_decoded_as_others_do(codec: Codec, name: str) -> None:
    every = bytes(range(256))
    (ours,) = DECODERS[codec](Track(codec, RATE))(every)
    assert np.array_equal(np.frombuffer(ours, ">i2"), by_ffmpeg(name, every)[0])


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_g726_is_decoded_as_well_as_others_do(bits: int) -> None:
    """Not to the bit: libavcodec's scale is rounded otherwise than the Recommendation's."""
    noise = np.random.default_rng(3).standard_normal(2 * RATE)
    swell = 1 + np.sin(4 * np.pi * np.arange(2 * RATE) / RATE)
    wave = (
        (1500 * np.convolve(noise, [1, 1.2, 0.84, 0.29], "same") * swell).clip(-32000, 32000).astype(np.int16)
    )
    context = av.AudioCodecContext.create("g726le", "w")
    context.sample_rate, context.layout, context.format = RATE, "mono", "s16"
    context.bit_rate, context.time_base = RATE * bits, Fraction(1, RATE)
    context.open()
    frame = av.AudioFrame.from_ndarray(wave[None, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts = RATE, 0
    data = b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])
    options = {"code_size": str(bits), "sample_rate": str(RATE)}
    with av.open(io.BytesIO(data), "r", format="g726le", options=options) as source:
        theirs = np.concatenate([_rows(each) for each in source.decode(audio=0)], axis=1)[0]

    decode = DECODERS[Codec.G726](Track(Codec.G726, RATE, channels=1, bits=bits))
    size = 20 * bits  # octets of 20 ms
    ours = np.concatenate(
        [np.frombuffer(decode(data[at : at + size])[0], ">i2") for at in range(0, len(data), size)]
    )
    assert len(ours) == len(theirs) == len(wave)

    def error(samples: Shorts) -> float:
        return float(np.sqrt(np.mean((samples.astype(float) - wave) ** 2)))

    assert error(ours) < 1.1 * error(theirs)
    assert error(ours) < 0.3 * float(np.std(wave))


@pytest.mark.parametrize("size", [1, 7, 80, 160, 333, 5000])
def test_not_a_sample_is_lost_or_added(size: int) -> None:
    """However many octets the camera puts into a packet, some of them none."""
    data = bytes(random.Random(size).randbytes(12_000))
    lane = Sound(PCMU, 0)
    pieces = []
    for at in range(0, len(data), size):
        pieces += lane.hear(data[at : at + size], 99 + at, at)
        pieces += lane.hear(b"", 99 + at, at)
    assert lane.end == len(data)
    got = plain(pieces)[0]
    assert len(data) - flac.LEAST < len(got) <= len(data)
    assert np.array_equal(got, by_ffmpeg("pcm_mulaw", data)[0][: len(got)])
    assert [piece.at for piece in pieces] == [0, *itertools.accumulate(piece.count for piece in pieces)][:-1]


def test_two_channels_stay_two() -> None:
    left, right = random.Random(1).randbytes(800), random.Random(2).randbytes(800)
    mixed = bytes(octet for pair in zip(left, right, strict=True) for octet in pair)
    pieces = Sound(Track(Codec.PCMA, RATE, channels=2), 0).hear(mixed + b"!", 0, 0)
    assert np.array_equal(plain(pieces, 2)[0], by_ffmpeg("pcm_alaw", left)[0])
    assert np.array_equal(plain(pieces, 2)[1], by_ffmpeg("pcm_alaw", right)[0])


def test_what_a_lost_packet_held_is_silence_of_its_length() -> None:
    tone = mu_law(np.full(160, 8000, np.int32))
    lane = Sound(PCMU, 0)
    pieces = lane.hear(tone, 0, 0) + lane.hear(tone, 480, 483)  # two are missing; places are not that exact
    loud = np.abs(plain(pieces)[0]) > 4000
    assert loud.tolist() == [True] * 160 + [False] * 320 + [True] * 160


def test_a_clock_that_goes_wrong_is_followed_sample_by_sample() -> None:
    """200 ppm too fast for five minutes: it stays within 25 ms, and no silence is heard."""
    lane = Sound(PCMU, 0)
    tone = mu_law(np.full(160, 8000, np.int32))
    quiet = 0
    for number in range(5 * 60 * 50):
        pieces = lane.hear(tone, 160 * number, round(160 * number * 1.0002))
        assert abs(lane.end - 160 * number * 1.0002 - 160) < 0.025 * RATE
        quiet += sum(piece.count < 159 for piece in pieces)
    assert quiet == 0


@pytest.mark.parametrize("leap", [-(1 << 40), -RATE, RATE, 30 * RATE, 1 << 40])
def test_times_that_leap_cost_little_and_places_hold(leap: int) -> None:
    lane = Sound(PCMU, 0)
    tone = bytes(160)
    pieces = lane.hear(tone, 0, 0) + lane.hear(tone, 160 + leap, 160)
    assert lane.end == 320
    assert len(pieces) == 2
    pieces = lane.hear(tone, 480 + leap, 320 + leap)
    assert len(pieces) <= 1 + 10 * RATE // flac.MOST + 1
    assert lane.end == (480 + leap if leap > 0 else 320)


@pytest.mark.parametrize(
    "track",
    [
        Track(Codec.PCMU, 0),
        Track(Codec.PCMU, 1 << 30),
        Track(Codec.PCMA, RATE, channels=9),
        Track(Codec.G726, RATE, channels=1, bits=7),
        Track(Codec.AAC, RATE),
    ],
)
def test_what_cannot_be_is_left_out(track: Track) -> None:
    assert not restored(track)
    clip = video(Codec.H264, 3)
    start = Muxer(sound=True).begin([clip.track, track], START)
    assert start.sound == ("AAC" if track.codec is Codec.AAC else "")


@pytest.mark.parametrize("number", [0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF])
def test_numbers_of_samples_are_coded_as_the_standard_says(number: int) -> None:
    """In the manner of UTF-8 (RFC 9639 s9.1.5)."""
    coded = chr(number).encode()
    assert flac.frame([bytes(range(32))], number)[4 : 4 + len(coded)] == coded


@pytest.mark.parametrize("bits", [16, 21, 26, 31, 36])
def test_numbers_beyond_utf_8_are_read_by_others(bits: int) -> None:
    data = flac.frame([bytes(range(32))], (1 << bits) - 1)
    assert (
        plain([Piece(0, 16, data)]).tobytes()
        == np.frombuffer(bytes(range(32)), ">i2").astype("<i2").tobytes()
    )


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.PCMA])
@pytest.mark.parametrize("size", [1, 9, 1000])
def test_sound_stands_where_the_pictures_do(codec: Codec, size: int) -> None:
    clips = [video(Codec.H264, 45), sound(codec, 1.5)]
    samples = merged(clips)
    muxer = Muxer(sound=True)
    start = muxer.begin([clip.track for clip in clips], samples[0].utc)
    assert start.mime.endswith(',flac"')
    assert start.sound == codec.name
    parts = [muxer.fragment(samples[at : at + size]) or b"" for at in range(0, len(samples), size)]
    begin, got = heard(start.data + b"".join(parts))
    assert begin == ORIGIN / MICROSECONDS
    expected = by_ffmpeg("pcm_mulaw" if codec is Codec.PCMU else "pcm_alaw", b"".join(
        bytes(sample.data) for sample in clips[1].samples
    ))  # fmt: skip
    assert np.array_equal(got, expected)


AAC = Track(Codec.AAC, 16_000, (b"\x14\x08",), channels=1)


@pytest.mark.parametrize(
    ("track", "tick"),
    [
        (PCMU, flac.LEAST),
        (AAC, 1024),
        (Track(Codec.AAC, 48_000, (b"\x11\x90",), channels=2), 1024),
        (Track(Codec.OPUS, 48_000, channels=1), 960),
    ],
)
def test_pictures_do_not_wait_for_sound_that_does_not_come(track: Track, tick: int) -> None:
    """A microphone that is switched off is announced, and says nothing."""
    clip = video(Codec.H264, 90)
    muxer = Muxer(sound=True)
    data = muxer.begin([clip.track, track], START).data
    pictures = merged([clip])
    for picture in pictures:
        data += muxer.fragment([picture]) or b""
    begin, silence = heard(data)
    shown = pictures[-1].utc - START
    assert begin == ORIGIN / MICROSECONDS
    assert not silence.any()
    assert silence.shape[1] == pytest.approx((shown - LATE) * track.clock_rate / MICROSECONDS, abs=tick)


def test_it_is_heard_when_it_speaks() -> None:
    clip = video(Codec.H264, 90)
    pictures = merged([clip])
    shown = pictures[-1].utc - START
    tone = sound(Codec.AAC, 1.5)
    for track, packets in (
        (PCMU, [mu_law(np.full(160, 8000, np.int32))]),
        (tone.track, [s.data for s in tone.samples[:8]]),
    ):
        muxer = Muxer(sound=True)
        data = muxer.begin([clip.track, track], START).data
        for picture in pictures:
            data += muxer.fragment([picture]) or b""
        for number, packet in enumerate(packets):
            time = 1024 * number
            utc = Utc(pictures[-1].utc + time * MICROSECONDS // track.clock_rate)
            data += muxer.fragment([Sample(1, 77 + time, utc, True, packet)]) or b""
        with av.open(io.BytesIO(data), "r") as source:
            frames = [(frame.time or 0.0, _rows(frame)[0]) for frame in source.decode(audio=0)]
        loud = [time for time, rows in frames if np.abs(rows).max() > 2000]
        assert loud[0] == pytest.approx((ORIGIN + shown) / MICROSECONDS, abs=0.13)


def test_what_comes_later_than_silence_is_not_heard() -> None:
    clip = video(Codec.H264, 90)
    muxer = Muxer(sound=True)
    muxer.begin([clip.track, AAC], START)
    for picture in merged([clip]):
        muxer.fragment([picture])
    assert muxer.fragment([Sample(1, 0, Utc(START + MICROSECONDS), True, b"late")]) is None


def test_what_follows_a_break_is_heard_in_step() -> None:
    clip, other = video(Codec.H264, 15), G711(Codec.PCMU)
    muxer = Muxer(sound=True)
    data = b""
    for begin in (START, Utc(START + 3600 * MICROSECONDS)):
        data += muxer.begin([clip.track, other.track], begin).data if not data else b""
        if begin != START:
            muxer.begin([clip.track, other.track], begin)
        for picture in merged([clip], start=begin):
            data += muxer.fragment([picture]) or b""
        for number in range(13):
            ((time, block),) = other.encode(number)
            utc = Utc(begin + time * MICROSECONDS // RATE)
            data += muxer.fragment([Sample(1, time, utc, True, block)]) or b""
    _, got = heard(data)
    beeps = np.flatnonzero(np.abs(got[0]) > 3000)
    apart = beeps[np.flatnonzero(np.diff(beeps) > 1000)[0] + 1] - beeps[0]
    assert apart == pytest.approx(13 * 320, abs=1)


def test_a_law_and_mu_law_are_each_the_inverse_of_the_other_room() -> None:
    wave = np.arange(-32000, 32000, 37, dtype=np.int32)
    for codec, law in ((Codec.PCMU, mu_law), (Codec.PCMA, a_law)):
        (back,) = DECODERS[codec](Track(codec, RATE))(law(wave))
        assert np.abs(np.frombuffer(back, ">i2") - wave).max() <= 1024
