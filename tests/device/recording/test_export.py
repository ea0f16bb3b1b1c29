"""Exports: exact to the picture, playable by others, their size known beforehand, their gaps told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from device.errors import BadValue
from device.media import Codec, Sample, Utc
from device.recording.export import Gap, Part, plan, write
from device.recording.reader import BadFragment
from tests.device.recording import material as m
from tests.device.recording.test_playback import later, two_runs


def at(seconds: float) -> Utc:
    """So long after the recording began."""
    return Utc(m.START + round(seconds * 1e6))


def written(part: Part, path: Path) -> Path:
    """The file of a part, which has the size that was said."""
    with path.open("wb") as out:
        done = write(part, out, lambda _done, _all: None)
    assert path.stat().st_size == part.size == done.done
    assert done.spoilt == []
    return path


def duration(path: Path) -> float:
    return float(m.ffprobe(path, "-show_entries", "format=duration", "-of", "csv=p=0"))


@pytest.mark.parametrize(
    ("codec", "b_frames"), [(Codec.H264, 0), (Codec.H264, 3), (Codec.H265, 3), (Codec.MJPEG, 0)]
)
@pytest.mark.parametrize(("start", "end"), [(0.0, 2.0), (0.7, 1.31), (1.0, 1.01)])
def test_exactly_the_pictures_on_show_in_the_span_are_in_the_file(
    codec: Codec, b_frames: int, start: float, end: float, tmp_path: Path
) -> None:
    clip = m.video(codec, 60, b_frames=b_frames)
    m.segment(tmp_path / "1.mp4", [clip, m.sound(Codec.PCMU, 2.0)])
    found = plan(m.Files(tmp_path / "1.mp4"), "CAM1", at(start), at(end))
    shown = clip.frames[int(start * 30 + 1e-6) : -int(-(end * 30 - 1e-6) // 1)]
    assert (len(found.parts), found.frames, found.gaps) == (1, len(shown), ())
    path = written(found.parts[0], tmp_path / "out.mp4")
    assert m.decoded(str(path)) == list(shown)
    assert m.ffmpeg_frames(path) == [frame.hex() for frame in shown]
    assert m.gstreamer(path, codec, (192, 108)) == list(shown)
    assert duration(path) == pytest.approx(len(shown) / 30, abs=1e-3)


def test_sound_is_kept_to_the_sample(tmp_path: Path) -> None:
    clip = m.sound(Codec.PCMU, 3.0)
    m.segment(tmp_path / "1.mp4", [m.video(Codec.H264, 90), clip])
    found = plan(m.Files(tmp_path / "1.mp4"), "CAM1", at(1.0), at(2.0))
    path = written(found.parts[0], tmp_path / "out.mp4")
    raw = tmp_path / "out.raw"
    m.run("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "mulaw", raw)
    assert raw.read_bytes() == b"".join(bytes(s.data) for s in clip.samples)[8000:16000]


def test_a_gap_stays_on_the_time_line_and_is_told(tmp_path: Path) -> None:
    catalogue = two_runs(tmp_path)
    found = plan(catalogue, "CAM1", at(-2), at(20))
    assert [(g.utc, round(g.length / 1e6, 3)) for g in found.gaps] == [
        (at(-2), 2.0),
        (at(3), 7.0),
        (at(13), 7.0),
    ]
    path = written(found.parts[0], tmp_path / "out.mp4")
    assert found.frames == 180
    assert m.decoded(str(path)) == list(m.video(Codec.H264, 90).frames) * 2
    assert duration(path) == pytest.approx(13.0, abs=1e-3)
    times = m.ffprobe(
        path, "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0"
    ).split()
    assert float(times[89].strip(",")) == pytest.approx(89 / 30, abs=1e-4)
    assert float(times[90].strip(",")) == pytest.approx(10.0, abs=1e-4)


def test_other_parameter_sets_of_a_codec_stay_in_one_file(tmp_path: Path) -> None:
    one, other = m.video(Codec.H264, 60), m.video(Codec.H264, 60, b_frames=2, high=True)
    m.segment(tmp_path / "1.mp4", [one])
    second = later(m.merged([other]), 2.0)
    m.segment(tmp_path / "2.mp4", [other], samples=second, who=m.identity(2, 1, second[0].utc))
    found = plan(m.Files(tmp_path / "1.mp4", tmp_path / "2.mp4"), "CAM1", at(0), at(4))
    assert (len(found.parts), found.gaps) == (1, ())
    path = written(found.parts[0], tmp_path / "out.mp4")
    assert m.decoded(str(path)) == [*one.frames, *other.frames]
    assert m.gstreamer(path, Codec.H264, (192, 108)) == [*one.frames, *other.frames]


def test_another_codec_begins_another_file(tmp_path: Path) -> None:
    one, other = m.video(Codec.H264, 60), m.video(Codec.H265, 60)
    m.segment(tmp_path / "1.mp4", [one])
    second = later(m.merged([other]), 2.0)
    m.segment(tmp_path / "2.mp4", [other], samples=second, who=m.identity(2, 1, second[0].utc))
    found = plan(m.Files(tmp_path / "1.mp4", tmp_path / "2.mp4"), "CAM1", at(0.5), at(3.5))
    assert [part.frames for part in found.parts] == [45, 45]
    assert found.gaps == ()
    assert m.decoded(str(written(found.parts[0], tmp_path / "a.mp4"))) == list(one.frames[15:])
    assert m.decoded(str(written(found.parts[1], tmp_path / "b.mp4"))) == list(other.frames[:45])


def test_sound_that_begins_later_is_where_it_belongs(tmp_path: Path) -> None:
    video, sound = m.video(Codec.H264, 60), m.sound(Codec.PCMU, 2.0)
    m.segment(tmp_path / "1.mp4", [video])
    second = later(m.merged([video, sound]), 2.0)
    m.segment(tmp_path / "2.mp4", [video, sound], samples=second, who=m.identity(2, 2, second[0].utc))
    found = plan(m.Files(tmp_path / "1.mp4", tmp_path / "2.mp4"), "CAM1", at(0), at(4))
    path = written(found.parts[0], tmp_path / "out.mp4")
    begun = m.ffprobe(path, "-select_streams", "a", "-show_entries", "stream=start_time", "-of", "csv=p=0")
    assert float(begun) == pytest.approx(2.0, abs=0.001)


def test_a_recording_of_sound_alone_is_exported(tmp_path: Path) -> None:
    m.segment(tmp_path / "1.mp4", [m.sound(Codec.AAC, 3.0)])
    found = plan(m.Files(tmp_path / "1.mp4"), "CAM1", at(1), at(2))
    path = written(found.parts[0], tmp_path / "out.mp4")
    assert duration(path) == pytest.approx(1.0, abs=0.13)
    m.run("ffmpeg", "-v", "error", "-i", path, "-f", "null", "-")


def test_damaged_samples_are_told(tmp_path: Path) -> None:
    clip = m.video(Codec.H264, 60)
    samples: list[Sample] = [replace(s, damaged=n == 40) for n, s in enumerate(m.merged([clip]))]
    m.segment(tmp_path / "1.mp4", [clip], samples=samples)
    catalogue = m.Files(tmp_path / "1.mp4")
    assert not plan(catalogue, "CAM1", at(0), at(0.9)).parts[0].damaged
    part = plan(catalogue, "CAM1", at(0), at(2)).parts[0]
    assert part.damaged
    assert m.decoded(str(written(part, tmp_path / "out.mp4"))) == list(clip.frames)


def test_bytes_that_changed_on_the_disk_are_written_and_told(tmp_path: Path) -> None:
    path = tmp_path / "1.mp4"
    m.segment(path, [m.video(Codec.H264, 60)])
    catalogue = m.Files(path)
    row = catalogue.rows[0].fragments[1]
    part = plan(catalogue, "CAM1", at(0), at(2)).parts[0]
    data = bytearray(path.read_bytes())
    data[row.offset + row.length // 2] ^= 1
    path.write_bytes(data)
    with (tmp_path / "out.mp4").open("wb") as out:
        done = write(part, out, lambda _done, _all: None)
    assert done.spoilt == [row.utc]
    assert done.done == part.size


def test_a_file_that_is_gone_ends_the_export_with_an_error(tmp_path: Path) -> None:
    path = tmp_path / "1.mp4"
    m.segment(path, [m.video(Codec.H264, 60)])
    part = plan(m.Files(path), "CAM1", at(0), at(2)).parts[0]
    path.unlink()
    with (tmp_path / "out.mp4").open("wb") as out, pytest.raises(BadFragment, match="cannot be opened"):
        write(part, out, lambda _done, _all: None)


def test_an_export_can_be_cancelled_from_its_progress(tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    m.segment(tmp_path / "1.mp4", [m.video(Codec.H264, 60)])
    part = plan(m.Files(tmp_path / "1.mp4"), "CAM1", at(0), at(2)).parts[0]
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        if len(seen) == 2:
            raise Cancelled

    before = set(tmp_path.iterdir())
    with (tmp_path / "out.mp4").open("wb") as out, pytest.raises(Cancelled):
        write(part, out, progress)
    assert set(tmp_path.iterdir()) - before == {tmp_path / "out.mp4"}
    assert [total for _, total in seen] == [part.size, part.size]


def test_a_span_without_video_has_no_parts_and_one_gap(tmp_path: Path) -> None:
    catalogue = two_runs(tmp_path)
    found = plan(catalogue, "CAM1", at(5), at(8))
    assert (found.parts, found.gaps) == ((), (Gap(at(5), 3_000_000),))


def test_an_empty_span_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="end: must be later than the start"):
        plan(two_runs(tmp_path), "CAM1", at(1), at(1))


def test_a_gap_of_many_hours_begins_another_file(tmp_path: Path) -> None:
    found = plan(two_runs(tmp_path, apart=86_400), "CAM1", at(0), at(90_000))
    assert [part.frames for part in found.parts] == [90, 90]
    assert [round(gap.length / 1e6) for gap in found.gaps] == [86_397, 3597]
