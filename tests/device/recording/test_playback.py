"""Samples read back: the same bytes, keys and times as they were recorded, and every break told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from device.media import Codec, Sample, Utc
from device.recording.playback import Playback
from tests.device.recording import material as m


def later(samples: list[Sample], seconds: float, ticks: int = 0) -> list[Sample]:
    """The same samples, so much later."""
    return [replace(s, utc=Utc(s.utc + round(seconds * 1e6)), time=s.time + ticks) for s in samples]


def two_runs(folder: Path, apart: float = 10.0) -> m.Files:
    """Three seconds, a hole, three seconds of another run."""
    clips = [m.video(Codec.H264, 90), m.sound(Codec.PCMU, 3.0)]
    samples = m.merged(clips)
    m.segment(folder / "1.mp4", clips, samples=samples)
    again = later(samples, apart)
    m.segment(folder / "2.mp4", clips, samples=again, who=m.identity(2, 2, again[0].utc))
    return m.Files(folder / "1.mp4", folder / "2.mp4")


@pytest.mark.parametrize("b_frames", [0, 2])
def test_samples_come_back_with_their_bytes_keys_and_wall_times(b_frames: int, tmp_path: Path) -> None:
    clips = [m.video(Codec.H264, 90, b_frames=b_frames), m.sound(Codec.AAC, 3.0)]
    given = m.merged(clips)
    m.segment(tmp_path / "1.mp4", clips)
    pieces = list(Playback(m.Files(tmp_path / "1.mp4"), "CAM1").fragments(m.START, None))
    for track in (0, 1):
        read = [s for piece in pieces for s in piece.samples if s.track == track]
        sent = [s for s in given if s.track == track]
        assert [(bytes(s.data), s.key) for s in read] == [(s.data, s.key) for s in sent]
        assert all(abs(one.utc - other.utc) < 100 for one, other in zip(read, sent, strict=True))


def test_playing_begins_at_the_key_frame_at_or_before_the_start(tmp_path: Path) -> None:
    m.segment(tmp_path / "1.mp4", [m.video(Codec.H264, 90)])
    catalogue = m.Files(tmp_path / "1.mp4")
    for start in (0.0, 0.4, 1.49, 1.5, 2.99):
        first = next(Playback(catalogue, "CAM1").fragments(Utc(m.START + round(start * 1e6)), None))
        assert first.key
        assert first.samples[0].key
        assert 0 <= m.START + start * 1e6 - first.utc < 500_000
        assert first.broken


def test_a_gap_and_another_run_are_breaks_and_nothing_else_is(tmp_path: Path) -> None:
    pieces = list(Playback(two_runs(tmp_path), "CAM1").fragments(m.START, None))
    breaks = [(round((piece.utc - m.START) / 1e6), piece.run) for piece in pieces if piece.broken]
    assert breaks == [(0, 1), (10, 2)]


def test_playing_from_inside_a_gap_begins_behind_it(tmp_path: Path) -> None:
    playback = Playback(two_runs(tmp_path), "CAM1")
    first = next(playback.fragments(Utc(m.START + 6_000_000), None))
    assert first.run == 2


def test_playing_ends_before_the_end(tmp_path: Path) -> None:
    end = Utc(m.START + 1_200_000)
    pieces = list(Playback(two_runs(tmp_path), "CAM1").fragments(m.START, end))
    assert pieces[-1].utc < end <= pieces[-1].utc_end


def test_playing_goes_on_where_it_ended_as_the_recording_grows(tmp_path: Path) -> None:
    catalogue = two_runs(tmp_path)
    whole = catalogue.rows
    early = replace(whole[0], fragments=whole[0].fragments[:4], duration=1_900_000, open=True)
    catalogue.rows = [early]
    playback = Playback(catalogue, "CAM1")
    pieces = list(playback.fragments(m.START, None))
    assert list(playback.onward()) == []
    catalogue.rows = whole
    pieces += playback.onward()
    straight = list(Playback(catalogue, "CAM1").fragments(m.START, None))
    assert [(p.run, p.number, p.broken) for p in pieces] == [(p.run, p.number, p.broken) for p in straight]


def test_a_damaged_fragment_is_skipped_up_to_the_next_key_frame_and_is_a_break(tmp_path: Path) -> None:
    path = tmp_path / "1.mp4"
    m.segment(path, [m.video(Codec.H264, 90)])
    catalogue = m.Files(path)
    rows = catalogue.rows[0].fragments
    bad = next(n for n, row in enumerate(rows) if n and row.key)
    data = bytearray(path.read_bytes())
    data[rows[bad].offset : rows[bad].offset + 4096] = bytes(4096)
    path.write_bytes(data)
    playback = Playback(catalogue, "CAM1")
    pieces = list(playback.fragments(m.START, None))
    following = next(row for row in rows[bad + 1 :] if row.key)
    assert playback.unreadable == 1
    assert [piece.utc for piece in pieces if piece.broken] == [rows[0].utc, following.utc]


def test_a_file_that_is_gone_is_skipped(tmp_path: Path) -> None:
    catalogue = two_runs(tmp_path)
    (tmp_path / "1.mp4").unlink()
    playback = Playback(catalogue, "CAM1")
    assert {piece.run for piece in playback.fragments(m.START, None)} == {2}
    assert playback.unreadable == len(catalogue.rows[0].fragments)


def test_what_was_recorded_before_the_clock_was_set_back_comes_first(tmp_path: Path) -> None:
    catalogue = two_runs(tmp_path, apart=-1.5)
    catalogue.rows[1] = replace(catalogue.rows[1], epoch=2)
    pieces = list(Playback(catalogue, "CAM1").fragments(Utc(m.START - 10_000_000), None))
    runs = [piece.run for piece in pieces]
    assert runs == sorted(runs)
    assert set(runs) == {1, 2}


def test_a_year_without_video_is_passed(tmp_path: Path) -> None:
    pieces = list(Playback(two_runs(tmp_path, apart=365 * 86_400), "CAM1").fragments(m.START, None))
    assert {piece.run for piece in pieces} == {1, 2}
