"""What a scan promises: the fragments that it finds are a true beginning of what was written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.media import Codec
from device.recording.scan import Found, scan
from device.recording.segment import read_head
from tests.device.recording import material as m


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, int, tuple[Found, ...]]:
    """A real segment, the offset of its first fragment, and its fragments."""
    path = tmp_path_factory.mktemp("scan") / "1.mp4"
    m.segment(path, [m.video(Codec.H264, 60, b_frames=3), m.sound(Codec.PCMU, 2.0)])
    data = path.read_bytes()
    begin = read_head(data)[2]
    found = scan(path, begin, verify=True)
    assert found.problem == ""
    assert found.good_end == len(data)
    return data, begin, found.fragments


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("torn") / "1.mp4"


def test_heads_alone_tell_the_same_as_all_bytes(
    written: tuple[bytes, int, tuple[Found, ...]], place: Path
) -> None:
    data, begin, fragments = written
    place.write_bytes(data)
    assert scan(place, begin, verify=False).fragments == fragments


def test_a_scan_can_begin_at_any_fragment(written: tuple[bytes, int, tuple[Found, ...]], place: Path) -> None:
    data, _, fragments = written
    place.write_bytes(data)
    assert scan(place, fragments[2].offset, verify=True).fragments == fragments[2:]
    assert scan(place, len(data), verify=True).fragments == ()


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(share=st.floats(0, 1, exclude_max=True), verify=st.booleans())
def test_of_a_file_cut_anywhere_the_whole_fragments_are_found(
    written: tuple[bytes, int, tuple[Found, ...]], place: Path, share: float, verify: bool
) -> None:
    data, begin, fragments = written
    size = int(len(data) * share)
    place.write_bytes(data[:size])
    found = scan(place, begin, verify=verify)
    expected = tuple(f for f in fragments if f.offset + f.length <= size) if size > begin else ()
    assert found.fragments == expected
    assert found.good_end == (expected[-1].offset + expected[-1].length if expected else begin)


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(where=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_never_makes_a_fragment_that_was_not_written(
    written: tuple[bytes, int, tuple[Found, ...]], place: Path, where: int, bit: int
) -> None:
    data, begin, fragments = written
    spoilt = bytearray(data)
    at = begin + where % (len(data) - begin)
    spoilt[at] ^= 1 << bit
    place.write_bytes(spoilt)
    found = scan(place, begin, verify=True)
    before = sum(f.offset + f.length <= at for f in fragments)
    assert found.fragments in (fragments, fragments[:before])
    heads = scan(place, begin, verify=False)
    assert heads.fragments == fragments[: len(heads.fragments)]
    assert len(heads.fragments) >= before


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(junk=st.binary(max_size=20_000), verify=st.booleans())
def test_junk_behind_a_segment_is_not_taken_for_more(
    written: tuple[bytes, int, tuple[Found, ...]], place: Path, junk: bytes, verify: bool
) -> None:
    data, begin, fragments = written
    place.write_bytes(data + junk)
    found = scan(place, begin, verify=verify)
    assert found.fragments == fragments
    assert found.good_end == len(data)
    assert bool(found.problem) == bool(junk)


def test_an_older_fragment_in_a_block_that_was_used_before_is_not_taken_for_more(
    written: tuple[bytes, int, tuple[Found, ...]], place: Path
) -> None:
    data, begin, fragments = written
    place.write_bytes(data + data[begin : begin + fragments[0].length])
    assert scan(place, begin, verify=True).fragments == fragments


def test_a_file_whose_head_is_lost_has_no_fragments(place: Path) -> None:
    place.write_bytes(bytes(100_000))
    found = scan(place, 4096, verify=True)
    assert found.fragments == ()
    assert "identity" in found.problem or "box" in found.problem
