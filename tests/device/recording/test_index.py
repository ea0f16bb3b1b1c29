"""The packed index says what was put in, and bad bytes raise nothing but BadIndex."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media import Utc
from device.recording import index
from device.recording.index import BLOCK, BadIndex

fragment = st.tuples(st.integers(-(1 << 40), 1 << 40), st.integers(1, 1 << 14), st.booleans(), st.booleans())


@given(st.integers(1, 16), st.lists(fragment, max_size=100))
def test_it_says_what_was_put_in(head: int, fragments: list[tuple[int, int, bool, bool]]) -> None:
    packed = index.begin(head * BLOCK)
    for delta, blocks, key, damaged in fragments:
        packed += index.entry(delta, blocks * BLOCK, key, damaged)
    rows = index.unpack(packed, Utc(1_000))
    utc, offset = 1_000, head * BLOCK
    for row, (delta, blocks, key, damaged) in zip(rows, fragments, strict=True):
        utc += delta
        assert (row.utc, row.offset, row.length) == (utc, offset, blocks * BLOCK)
        assert (row.key, row.damaged) == (key, damaged)
        offset += row.length
    if rows:
        assert index.pack(list(rows), Utc(1_000)) == packed


@given(st.binary(max_size=200))
def test_bad_bytes_raise_only_bad_index(data: bytes) -> None:
    with suppress(BadIndex):
        index.unpack(data, Utc(0))


def test_a_minute_takes_less_than_half_a_kilobyte() -> None:
    packed = index.begin(BLOCK)
    for _ in range(86):
        packed += index.entry(700_123, 88 * BLOCK, True, False)
    assert len(packed) < 512


def test_lengths_are_whole_blocks() -> None:
    with pytest.raises(BadIndex, match="4096"):
        index.entry(0, 4097, False, False)


def test_fragments_are_those_of_the_index_and_are_unpacked_when_they_are_looked_at() -> None:
    packed = index.begin(BLOCK) + b"".join(
        index.entry(delta, BLOCK * blocks, delta == 5, False)
        for delta, blocks in ((5, 1), (-3, 300), (1 << 30, 20_000))
    )
    fragments, rows = index.Fragments(packed, Utc(100)), index.unpack(packed, Utc(100))
    assert [row.utc - 100 for row in rows] == [5, 2, 2 + (1 << 30)]
    assert fragments == rows
    assert fragments == index.Fragments(packed, Utc(100))
    assert hash(fragments) == hash(rows)
    assert (len(fragments), fragments[1], fragments[:1]) == (3, rows[1], rows[:1])
    assert list(reversed(fragments)) == list(rows[::-1])
    assert not index.Fragments(b"", Utc(100))
    broken = index.Fragments(packed[:-1], Utc(100))
    with pytest.raises(BadIndex, match="ends within"):
        broken[0]


@pytest.mark.parametrize("beginning", [b"", b"\x01", b"\x01\x02"])
def test_a_number_has_63_bits_at_most(beginning: bytes) -> None:
    with pytest.raises(BadIndex, match="63 bits"):
        index.unpack(beginning + b"\xff" * 11 + b"\x01\x01\x01", Utc(0))
