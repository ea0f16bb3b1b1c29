"""Frames: whatever is sent arrives as it was, whatever arrives is refused in one way."""

from __future__ import annotations

import contextlib
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media import Codec, Sample, Track, Utc
from device.planes.messages import AccountCreate, Ping, TapTracks
from device.planes.wire import (
    MAX_BLOB,
    MAX_RECORD,
    BadFrame,
    Blob,
    Decoder,
    Frame,
    FrameKind,
    decode,
    encode,
    message,
    messages,
    sample_header,
)
from device.records import BadRecord


@message
class Sketch:
    """A message with a blob, for these tests."""

    name: str
    data: Blob = Blob(b"")


def feed(decoder: Decoder, data: bytes, cut: random.Random | None) -> list[tuple[int, Frame | Sample]]:
    """Hand bytes to a decoder in pieces of any size."""
    got: list[tuple[int, Frame | Sample]] = []
    at = 0
    while at < len(data):
        room = decoder.buffer()
        count = min(len(room), len(data) - at)
        if cut is not None:
            count = cut.randint(1, count)
        room[:count] = data[at : at + count]
        got += decoder.received(count)
        at += count
    return got


SAMPLES = st.builds(
    Sample,
    track=st.integers(0, 63),
    time=st.integers(-(2**63), 2**63 - 1),
    utc=st.integers(-(2**63), 2**63 - 1).map(Utc),
    key=st.booleans(),
    data=st.binary(max_size=100) | st.integers(0, 60_000).map(os.urandom),
    damaged=st.booleans(),
)


@given(st.lists(SAMPLES, max_size=8), st.randoms())
def test_samples_arrive_as_they_were_however_the_bytes_are_cut(
    samples: list[Sample], cut: random.Random
) -> None:
    sent = b"".join(sample_header(sample, 9) + bytes(sample.data) for sample in samples)
    got = feed(Decoder(), sent, cut)
    assert [
        (id_, s.track, s.time, s.utc, s.key, bytes(s.data), s.damaged)
        for id_, s in got
        if isinstance(s, Sample)
    ] == [(9, s.track, s.time, s.utc, s.key, bytes(s.data), s.damaged) for s in samples]
    assert len(got) == len(samples)


@given(st.lists(st.tuples(st.text(max_size=50), st.integers(0, 40_000)), max_size=6), st.randoms())
def test_messages_and_their_blobs_arrive_as_they_were(
    sent: list[tuple[str, int]], cut: random.Random
) -> None:
    pictures = [Sketch(name, Blob(os.urandom(size))) for name, size in sent]
    data = b"".join(b"".join(encode(FrameKind.ITEM, 3, picture)) for picture in pictures)
    got = feed(Decoder(), data, cut)
    assert [decode(frame) for _, frame in got if isinstance(frame, Frame)] == pictures


def test_frames_larger_than_the_receive_buffer_and_small_ones_may_alternate() -> None:
    pictures = [Sketch(str(n), Blob(os.urandom(n))) for n in (0, 100_000, 1, 16_384, 16_300, 5_000_000, 2)]
    data = b"".join(b"".join(encode(FrameKind.ITEM, 3, picture)) for picture in pictures)
    got = feed(Decoder(), data, None)
    assert [decode(frame) for _, frame in got if isinstance(frame, Frame)] == pictures


def test_what_is_nested_in_a_message_keeps_its_types() -> None:
    sent = TapTracks(1, (Track(Codec.H265, 90_000, (b"\x00\xff", b"\x80"), 1920, 1080),))
    [(_, frame)] = feed(Decoder(), b"".join(encode(FrameKind.ITEM, 1, sent)), None)
    assert isinstance(frame, Frame)
    assert decode(frame) == sent


@given(st.binary(max_size=300), st.randoms())
def test_no_bytes_make_the_decoder_raise_anything_else(data: bytes, cut: random.Random) -> None:
    try:
        for _, item in feed(Decoder(), data, cut):
            assert isinstance(item, Frame | Sample)
    except BadFrame:
        pass


VALID = b"".join(encode(FrameKind.CALL, 7, Ping())) + b"".join(
    encode(FrameKind.ITEM, 8, Sketch("x", Blob(b"abc")))
)


@given(st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_no_mutation_of_good_frames_raises_anything_else(changes: list[tuple[int, int]]) -> None:
    data = bytearray(VALID)
    for at, value in changes:
        data[at] = value
    try:
        for _, item in feed(Decoder(), bytes(data), None):
            if isinstance(item, Frame):
                decode(item)
    except BadRecord:
        pass


@given(st.sampled_from(sorted(messages())), st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_record_makes_decode_raise_anything_else(name: str, body: bytes) -> None:
    frame = Frame(FrameKind.CALL, 1, bytes((len(name),)) + name.encode() + body, b"")
    with contextlib.suppress(BadRecord):
        decode(frame)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"\xfa\x01\0\0\0\0\0\1" + (MAX_RECORD + 1).to_bytes(4, "big") + bytes(4), id="record"),
        pytest.param(b"\xfa\x01\0\0\0\0\0\1" + bytes(4) + (MAX_BLOB + 1).to_bytes(4, "big"), id="blob"),
        pytest.param(b"\xfa\x06\0\0\0\0\0\1" + bytes(4) + b"\xff\xff\xff\xff", id="sample"),
        pytest.param(b"\xfa\x06\0\0\0\0\0\1" + bytes(8), id="sample without times"),
    ],
)
def test_a_frame_that_claims_an_impossible_size_is_refused_before_memory_is_taken(header: bytes) -> None:
    with pytest.raises(BadFrame):
        feed(Decoder(), header, None)


def test_what_is_too_large_is_not_sent() -> None:
    with pytest.raises(BadRecord, match="at most"):
        encode(FrameKind.ITEM, 1, Sketch("x", Blob(bytes(MAX_BLOB + 1))))
    with pytest.raises(BadRecord, match="at most"):
        sample_header(Sample(0, 0, Utc(0), True, bytes(MAX_BLOB + 1)), 1)


def test_a_field_that_a_newer_plane_added_is_passed_over() -> None:
    assert decode(Frame(FrameKind.ITEM, 1, b'\x06Sketch{"name":"a","colour":1}', b"")) == Sketch("a")


def test_text_that_is_not_utf8_is_mended_not_lost() -> None:
    header, _ = encode(FrameKind.ITEM, 1, Sketch("a\udc80b"))
    [(_, frame)] = feed(Decoder(), header, None)
    assert isinstance(frame, Frame)
    assert decode(frame) == Sketch("a�b")


def test_no_message_shows_a_password_when_it_is_printed() -> None:
    assert "secret" not in repr(AccountCreate("anna", "secret", "viewer", "root"))


@pytest.mark.parametrize("name", sorted(messages()))
def test_every_message_can_be_built_by_its_hints(name: str) -> None:
    """A forward reference that cannot be resolved would show only at the first use."""
    kind = messages()[name]
    with pytest.raises(BadRecord):
        decode(Frame(FrameKind.CALL, 1, bytes((len(name),)) + name.encode() + b"[]", b""))
    assert kind.__doc__
