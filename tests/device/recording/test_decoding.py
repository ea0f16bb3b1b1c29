"""Decode times from presentation times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.recording.decoding import Decoding

STEP = 3000


def shown(*order: int) -> list[int]:
    return [90_000 + STEP * number for number in order]


def test_without_reordering_both_times_are_the_same() -> None:
    decoding = Decoding(STEP)
    times = shown(*range(20))
    assert decoding.assign(times[:7]) + decoding.assign(times[7:]) == times
    assert decoding.depth == 0


def test_a_hole_is_no_pictures_duration() -> None:
    decoding = Decoding(STEP)
    decoding.assign(shown(0, 1, 2))
    for number in (4, 6, 8):  # every other one is lost
        decoding.missed()
        decoding.assign(shown(number))
        assert decoding.step == STEP


def test_a_pause_is_no_pictures_duration() -> None:
    decoding = Decoding(STEP)
    decoding.assign(shown(0, 1, 2))
    decoding.resume(100 * STEP)
    assert decoding.assign(shown(100)) == shown(100)
    assert decoding.step == STEP


def test_nothing_is_decoded_after_it_is_shown_wherever_fragments_are_cut() -> None:
    pyramid = shown(0, 4, 2, 1, 3, 8, 6, 5, 7, 12, 10, 9, 11, 16, 14, 13, 15)
    for cut in range(5, len(pyramid)):
        decoding = Decoding(STEP)
        decode = decoding.assign(pyramid[:cut]) + decoding.assign(pyramid[cut:])
        assert decoding.depth == 2
        assert all(at <= time for at, time in zip(decode, pyramid, strict=True))
        assert decode == shown(*range(-2, len(pyramid) - 2))


def test_a_depth_that_is_learned_late_keeps_decode_times_growing() -> None:
    decoding = Decoding(STEP)
    decode = decoding.assign(shown(0, 1, 2)) + decoding.assign(shown(5, 3, 4, 8, 6, 7, 11, 9, 10))
    assert decode == sorted(set(decode))
    assert decode[-6:] == shown(5, 6, 7, 8, 9, 10)


@given(st.lists(st.lists(st.integers(0, 1 << 40), min_size=1, max_size=30), max_size=10))
def test_decode_times_always_grow(fragments: list[list[int]]) -> None:
    decoding = Decoding(STEP)
    decode = [at for times in fragments for at in decoding.assign(times)]
    assert decode == sorted(set(decode))
    assert not decode or decode[0] >= 0
