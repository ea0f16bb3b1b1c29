"""A frame counts as read only where all of it is there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.readback import is_whole, playable_frames

FRAMES = 60
FRAGMENTED = ("-movflags", "frag_keyframe+empty_moov", "-frag_duration", "500000")


def film(path: Path, *options: str) -> Path:
    """Two seconds of H.264, a key frame every half second."""
    source = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30", "-t", "2")
    coded = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "15", "-pix_fmt", "yuv420p")
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *coded, *options, str(path)], check=True)
    return path


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=8))
def test_a_chain_of_nal_units_is_whole_and_no_part_of_it_is(units: list[bytes]) -> None:
    sample = b"".join(len(unit).to_bytes(4) + unit for unit in units)
    ends = {0}
    for unit in units:
        ends.add(max(ends) + 4 + len(unit))

    assert is_whole(sample)
    for cut in range(len(sample)):
        assert is_whole(sample[:cut]) == (cut in ends and cut > 0)


@given(st.integers(min_value=0, max_value=200))
def test_a_block_that_never_reached_the_disk_is_no_frame(size: int) -> None:
    assert not is_whole(bytes(size))


@pytest.mark.parametrize("options", [(), FRAGMENTED])
def test_all_frames_of_a_finished_file_are_read(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert playable_frames([film(tmp_path / "a.mp4", *options)]) == FRAMES


def test_a_file_that_was_never_finished_has_no_frame_to_show(tmp_path: Path) -> None:
    file = film(tmp_path / "a.mp4")  # its moov stands at the end
    file.write_bytes(file.read_bytes()[:-200])
    assert playable_frames([file]) == 0


def test_of_a_fragmented_file_that_is_cut_the_frames_before_the_cut_are_read(tmp_path: Path) -> None:
    file = film(tmp_path / "a.mp4", *FRAGMENTED)
    content = file.read_bytes()
    file.write_bytes(content[: content.rindex(b"moof") - 4])
    assert 0 < playable_frames([file]) < FRAMES


def test_frames_whose_blocks_read_as_zeros_are_not_counted(tmp_path: Path) -> None:
    file = film(tmp_path / "a.mp4", *FRAGMENTED)
    content = bytearray(file.read_bytes())
    begin = content.rindex(b"mdat") + 4
    end = content.find(b"mfra", begin) - 4
    content[begin:end] = bytes(end - begin)
    file.write_bytes(content)
    assert playable_frames([file]) == FRAMES - 15


def test_frames_after_a_broken_one_count_again_from_the_next_key_frame(tmp_path: Path) -> None:
    file = film(tmp_path / "a.mp4", *FRAGMENTED)
    content = bytearray(file.read_bytes())
    begin = content.index(b"mdat") + 4
    content[begin : begin + 4] = bytes(4)  # the length of the first NAL unit of the first key frame
    file.write_bytes(content)
    assert playable_frames([file]) == FRAMES - 15


def test_files_that_are_empty_or_not_there_have_no_frame(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert playable_frames([empty, tmp_path / "absent.mp4"]) == 0
