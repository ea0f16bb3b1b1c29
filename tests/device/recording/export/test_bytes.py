"""The bytes of a file, whatever it is made of: any range of them, files of a limited size, raw segments."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from device.errors import BadValue
from device.media import Codec
from device.recording import trailer
from device.recording.export.part import Files, Written
from device.recording.export.planner import Form, holes
from device.recording.scan import scan
from device.recording.segment import read_head
from tests.device.recording import material as m
from tests.device.recording.export.planned import at, planned, written
from tests.device.recording.test_playback import two_runs


@pytest.mark.parametrize("form", Form)
def test_any_range_is_that_slice_of_the_whole(form: Form, tmp_path: Path) -> None:
    for part in planned(two_runs(tmp_path), 0.7, 12.3, form):
        whole = b"".join(part.pieces(Written()))
        assert len(whole) == part.size
        draw = random.Random(7)
        edges = [(0, 0), (0, 1), (0, part.size), (part.size - 1, part.size), (part.size, part.size)]
        drawn = [tuple(sorted(draw.choices(range(part.size + 1), k=2))) for _ in range(150)]
        for begin, end in [*edges, *drawn, *((b, min(b + 7, part.size)) for b, _ in drawn)]:
            assert b"".join(part.pieces(Written(), begin, end)) == whole[begin:end]
        assert b"".join(part.pieces(Written(), 5, part.size + 1000)) == whole[5:]


@pytest.mark.parametrize("form", [Form.MP4, Form.MATROSKA])
def test_files_of_a_limited_size_hold_every_picture_once(form: Form, tmp_path: Path) -> None:
    clip = m.video(Codec.H264, 90)
    m.segment(tmp_path / "1.mp4", [clip, m.sound(Codec.PCMU, 3.0)])
    catalogue = m.Files(tmp_path / "1.mp4")
    (whole,) = planned(catalogue, 0, 3, form)
    limit = whole.size * 2 // 3
    found = planned(catalogue, 0, 3, form, largest=limit)
    assert len(found) > 1
    assert max(part.size for part in found) <= limit
    shown = [
        picture
        for number, part in enumerate(found)
        for picture in m.decoded(str(written(part, tmp_path / f"part{number}{part.facts.suffix}")))
    ]
    assert shown == list(clip.frames)
    assert holes([part.facts for part in found], at(0), at(3)) == []


def test_a_limit_below_one_group_of_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="largest: must be at least"):
        planned(two_runs(tmp_path), 0, 3, largest=1000)


def test_raw_files_are_the_recorders_own_bytes_with_its_checksums(tmp_path: Path) -> None:
    catalogue = two_runs(tmp_path)
    found = planned(catalogue, 1.2, 11.1, Form.RAW)
    assert [part.facts.suffix for part in found] == ["-1.mp4", "-2.mp4"]
    for part, row in zip(found, catalogue.rows, strict=True):
        path = written(part, tmp_path / f"out{part.facts.suffix}")
        tracks, who, begin = read_head(path.read_bytes())
        assert (tracks, who.segment) == (row.tracks, row.id)
        inside = scan(path, begin, verify=True)
        assert (inside.problem, inside.good_end) == ("", path.stat().st_size)
        assert path.read_bytes()[begin:] in row.path.read_bytes()
        m.run("ffmpeg", "-v", "error", "-i", path, "-f", "null", "-")
    assert found[0].facts.utc <= at(1.2) < found[0].facts.utc + 40_000
    assert 0 < found[0].facts.lead_in < 500_000


@pytest.mark.parametrize("form", [Form.MP4, Form.MATROSKA])
@pytest.mark.parametrize("thorough", [False, True])
def test_a_fragment_that_cannot_be_read_is_left_out_to_the_next_key_frame_and_told(
    form: Form, thorough: bool, tmp_path: Path
) -> None:
    clip = m.video(Codec.H264, 90)
    m.segment(tmp_path / "1.mp4", [clip])
    catalogue = m.Files(tmp_path / "1.mp4")
    rows = catalogue.rows[0].fragments
    bad = next(n for n, row in enumerate(rows) if n and row.key)
    if thorough:  # the head is there; the rest is not
        size = rows[bad].offset + rows[bad].length - trailer.ALIGN
        with (tmp_path / "1.mp4").open("r+b") as file:
            file.truncate(size)
        catalogue.rows = [replace(catalogue.rows[0], fragments=rows[: bad + 1])]
    else:
        with (tmp_path / "1.mp4").open("r+b") as file:
            file.seek(rows[bad].offset)
            file.write(bytes(4096))
    with Files() as files:
        (part,) = planned(catalogue, 0, 3, form, thorough=thorough, files=files)
        assert files.unreadable == [rows[bad].utc]
        shown = m.decoded(str(written(part, tmp_path / "out")))
    assert len(shown) == part.facts.frames < 90
    assert shown == [picture for picture in clip.frames if picture in set(shown)]
