"""MP4: exact to the picture, playable by others, its size known beforehand, its holes told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from device.errors import BadValue
from device.media import Codec, Sample
from device.recording.export.part import Facts, Files, Part, Written
from device.recording.export.planner import holes
from device.recording.export.timeline import Hole, Stretch
from device.recording.reader import BadFragment
from tests.device.recording import material as m
from tests.device.recording.export.planned import at, planned, written
from tests.device.recording.test_playback import later, two_runs


def duration(path: Path) -> float:
    return float(m.ffprobe(path, "-show_entries", "format=duration", "-of", "csv=p=0"))


def facts(found: list[Part]) -> list[Facts]:
    return [part.facts for part in found]


@pytest.mark.parametrize(
    ("codec", "b_frames"), [(Codec.H264, 0), (Codec.H264, 3), (Codec.H265, 3), (Codec.MJPEG, 0)]
)
@pytest.mark.parametrize(("start", "end"), [(0.0, 2.0), (0.7, 1.31), (1.0, 1.01)])
def test_exactly_the_pictures_on_show_in_the_span_are_in_the_file(
    codec: Codec, b_frames: int, start: float, end: float, tmp_path: Path
) -> None:
    clip = m.video(codec, 60, b_frames=b_frames)
    m.segment(tmp_path / "1.mp4", [clip, m.sound(Codec.PCMU, 2.0)])
    (part,) = planned(m.Files(tmp_path / "1.mp4"), start, end)
    shown = clip.frames[int(start * 30 + 1e-6) : -int(-(end * 30 - 1e-6) // 1)]
    assert (part.facts.frames, part.facts.holes) == (len(shown), ())
    path = written(part, tmp_path / "out.mp4")
    assert m.decoded(str(path)) == list(shown)
    assert m.ffmpeg_frames(path) == [frame.hex() for frame in shown]
    assert m.gstreamer(path, codec, (192, 108)) == list(shown)
    assert duration(path) == pytest.approx(len(shown) / 30, abs=1e-3)


def test_sound_is_kept_to_the_sample(tmp_path: Path) -> None:
    clip = m.sound(Codec.PCMU, 3.0)
    m.segment(tmp_path / "1.mp4", [m.video(Codec.H264, 90), clip])
    (part,) = planned(m.Files(tmp_path / "1.mp4"), 1.0, 2.0)
    path = written(part, tmp_path / "out.mp4")
    raw = tmp_path / "out.raw"
    m.run("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "mulaw", raw)
    assert raw.read_bytes() == b"".join(bytes(s.data) for s in clip.samples)[8000:16000]


def test_a_hole_stays_on_the_time_line_and_is_told(tmp_path: Path) -> None:
    (part,) = planned(two_runs(tmp_path), -2, 20)
    found = [(hole.utc, round(hole.length / 1e6, 3)) for hole in holes([part.facts], at(-2), at(20))]
    assert found == [(at(-2), 2.0), (at(3), 7.0), (at(13), 7.0)]
    path = written(part, tmp_path / "out.mp4")
    assert part.facts.frames == 180
    assert m.decoded(str(path)) == list(m.video(Codec.H264, 90).frames) * 2
    assert duration(path) == pytest.approx(13.0, abs=1e-3)
    times = m.ffprobe(
        path, "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0"
    ).split()
    assert float(times[89].strip(",")) == pytest.approx(89 / 30, abs=1e-4)
    assert float(times[90].strip(",")) == pytest.approx(10.0, abs=1e-4)


def test_it_is_told_when_each_stretch_of_pictures_was_recorded(tmp_path: Path) -> None:
    (part,) = planned(two_runs(tmp_path), 1.55, 20)
    first, second = part.facts.stretches
    assert first.at == 0
    assert second.at == pytest.approx(10e6 - 46 / 30 * 1e6, abs=20)
    for told, meant in ((first.utc, 46 / 30), (first.utc_end, 3), (second.utc, 10), (second.utc_end, 13)):
        assert told == pytest.approx(at(meant), abs=20)
    (after,) = planned(two_runs(tmp_path), 10.5, 20)
    assert after.facts.stretches == (Stretch(0, after.facts.utc, after.facts.utc_end),)


def test_other_parameter_sets_of_a_codec_stay_in_one_file(tmp_path: Path) -> None:
    one, other = m.video(Codec.H264, 60), m.video(Codec.H264, 60, b_frames=2, high=True)
    m.segment(tmp_path / "1.mp4", [one])
    second = later(m.merged([other]), 2.0)
    m.segment(tmp_path / "2.mp4", [other], samples=second, who=m.identity(2, 1, second[0].utc))
    (part,) = planned(m.Files(tmp_path / "1.mp4", tmp_path / "2.mp4"), 0, 4)
    assert part.facts.holes == ()
    path = written(part, tmp_path / "out.mp4")
    assert m.decoded(str(path)) == [*one.frames, *other.frames]
    assert m.gstreamer(path, Codec.H264, (192, 108)) == [*one.frames, *other.frames]


def test_another_codec_begins_another_file(tmp_path: Path) -> None:
    one, other = m.video(Codec.H264, 60), m.video(Codec.H265, 60)
    m.segment(tmp_path / "1.mp4", [one])
    second = later(m.merged([other]), 2.0)
    m.segment(tmp_path / "2.mp4", [other], samples=second, who=m.identity(2, 1, second[0].utc))
    found = planned(m.Files(tmp_path / "1.mp4", tmp_path / "2.mp4"), 0.5, 3.5)
    assert [part.facts.frames for part in found] == [45, 45]
    assert holes(facts(found), at(0.5), at(3.5)) == []
    assert m.decoded(str(written(found[0], tmp_path / "a.mp4"))) == list(one.frames[15:])
    assert m.decoded(str(written(found[1], tmp_path / "b.mp4"))) == list(other.frames[:45])


def test_sound_that_begins_later_is_where_it_belongs(tmp_path: Path) -> None:
    video, sound = m.video(Codec.H264, 60), m.sound(Codec.PCMU, 2.0)
    m.segment(tmp_path / "1.mp4", [video])
    second = later(m.merged([video, sound]), 2.0)
    m.segment(tmp_path / "2.mp4", [video, sound], samples=second, who=m.identity(2, 2, second[0].utc))
    (part,) = planned(m.Files(tmp_path / "1.mp4", tmp_path / "2.mp4"), 0, 4)
    path = written(part, tmp_path / "out.mp4")
    begun = m.ffprobe(path, "-select_streams", "a", "-show_entries", "stream=start_time", "-of", "csv=p=0")
    assert float(begun) == pytest.approx(2.0, abs=0.001)


def test_a_recording_of_sound_alone_is_exported(tmp_path: Path) -> None:
    m.segment(tmp_path / "1.mp4", [m.sound(Codec.AAC, 3.0)])
    (part,) = planned(m.Files(tmp_path / "1.mp4"), 1, 2)
    path = written(part, tmp_path / "out.mp4")
    assert duration(path) == pytest.approx(1.0, abs=0.13)
    m.run("ffmpeg", "-v", "error", "-i", path, "-f", "null", "-")


def test_damaged_samples_are_told(tmp_path: Path) -> None:
    clip = m.video(Codec.H264, 60)
    samples: list[Sample] = [replace(s, damaged=n == 40) for n, s in enumerate(m.merged([clip]))]
    m.segment(tmp_path / "1.mp4", [clip], samples=samples)
    catalogue = m.Files(tmp_path / "1.mp4")
    assert not planned(catalogue, 0, 0.9)[0].facts.damaged
    (part,) = planned(catalogue, 0, 2)
    assert part.facts.damaged
    assert m.decoded(str(written(part, tmp_path / "out.mp4"))) == list(clip.frames)


def test_bytes_that_changed_on_the_disk_are_written_and_told(tmp_path: Path) -> None:
    path = tmp_path / "1.mp4"
    m.segment(path, [m.video(Codec.H264, 60)])
    catalogue = m.Files(path)
    row = catalogue.rows[0].fragments[1]
    (part,) = planned(catalogue, 0, 2)
    data = bytearray(path.read_bytes())
    data[row.offset + row.length // 2] ^= 1
    path.write_bytes(data)
    told = Written()
    assert len(b"".join(part.pieces(told))) == part.size == told.done
    assert told.spoilt == [row.utc]


def test_what_is_removed_after_the_planning_is_still_read(tmp_path: Path) -> None:
    path, clip = tmp_path / "1.mp4", m.video(Codec.H264, 60)
    m.segment(path, [clip])
    (part,) = planned(m.Files(path), 0, 2)
    path.unlink()
    assert m.decoded(str(written(part, tmp_path / "out.mp4"))) == list(clip.frames)


def test_a_segment_that_cannot_be_opened_ends_the_file_with_an_error(tmp_path: Path) -> None:
    path = tmp_path / "1.mp4"
    m.segment(path, [m.video(Codec.H264, 60)])
    with Files() as files:
        (part,) = planned(m.Files(path), 0, 2, files=files)
        files.close()
        path.unlink()
        with pytest.raises(BadFragment, match="cannot be opened"):
            list(part.pieces(Written()))


def test_a_span_without_video_has_no_parts_and_one_hole(tmp_path: Path) -> None:
    assert planned(two_runs(tmp_path), 5, 8) == []
    assert holes([], at(5), at(8)) == [Hole(at(5), 3_000_000)]


def test_an_empty_span_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="end: must be later than the start"):
        planned(two_runs(tmp_path), 1, 1)


def test_a_hole_of_many_hours_begins_another_file(tmp_path: Path) -> None:
    found = planned(two_runs(tmp_path, apart=86_400), 0, 90_000)
    assert [part.facts.frames for part in found] == [90, 90]
    told = holes(facts(found), at(0), at(90_000))
    assert [round(hole.length / 1e6) for hole in told] == [86_397, 3597]
