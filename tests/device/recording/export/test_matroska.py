"""Matroska: every element adds up, others play it, and what is hidden is marked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from device.media import Codec, Sample, Track, Utc
from device.recording.export import ebml
from device.recording.export.planner import Form
from tests.device.recording import material as m
from tests.device.recording.export.planned import planned, written
from tests.device.recording.test_playback import later, two_runs

_MASTERS = {
    ebml.EBML,
    ebml.SEGMENT,
    ebml.SEEK_HEAD,
    ebml.SEEK,
    ebml.INFO,
    ebml.TRACKS,
    ebml.TRACK_ENTRY,
    ebml.VIDEO,
    ebml.AUDIO,
    ebml.CHAPTERS,
    ebml.EDITION_ENTRY,
    ebml.CHAPTER_ATOM,
    ebml.CUES,
    ebml.CUE_POINT,
    ebml.CUE_TRACK_POSITIONS,
    ebml.CLUSTER,
}
_BLOCK = 0xA3


@dataclass(frozen=True)
class Element:
    name: int
    start: int
    payload: int
    data: bytes  #: empty for those that hold others
    parents: tuple[int, ...]

    @property
    def number(self) -> int:
        return int.from_bytes(self.data, "big")


def elements(data: bytes, at: int, end: int, parents: tuple[int, ...] = ()) -> Iterator[Element]:
    """All elements, outer before inner; fails where one does not end with its parent (RFC 8794)."""
    while at < end:
        start = at
        width = 9 - data[at].bit_length()
        name = int.from_bytes(data[at : at + width], "big")
        at += width
        width = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + width], "big") & ~(1 << 7 * width)
        at += width
        assert at + size <= end
        inner = name in _MASTERS
        yield Element(name, start, at, b"" if inner else data[at : at + size], parents)
        if inner:
            yield from elements(data, at, at + size, (*parents, name))
        at += size
    assert at == end


def read(path: Path) -> list[Element]:
    data = path.read_bytes()
    return list(elements(data, 0, len(data)))


def exported(folder: Path, clips: list[m.Clip], start: float, end: float) -> Path:
    m.segment(folder / "1.mp4", clips)
    (part,) = planned(m.Files(folder / "1.mp4"), start, end, Form.MATROSKA)
    return written(part, folder / "out.mkv")


def test_the_index_points_at_the_clusters_and_the_seek_head_at_the_parts(tmp_path: Path) -> None:
    path = exported(tmp_path, [m.video(Codec.H264, 90), m.sound(Codec.AAC, 3.0)], 0.7, 2.9)
    found = read(path)
    base = next(each.payload for each in found if each.name == ebml.SEGMENT)
    clusters = {each.start - base: each for each in found if each.name == ebml.CLUSTER}
    places = [each.number for each in found if each.name == ebml.CUE_CLUSTER_POSITION]
    times = [each.number for each in found if each.name == ebml.CUE_TIME]
    assert set(places) <= clusters.keys()
    assert times == sorted(set(times))
    assert len(places) == len(times) == 5  # key frames from 0.5 to 2.5 s
    names = [int.from_bytes(each.data, "big") for each in found if each.name == ebml.SEEK_ID]
    starts = [each.number for each in found if each.name == ebml.SEEK_POSITION]
    tops = {each.name: each.start - base for each in found if each.parents == (ebml.SEGMENT,)}
    assert dict(zip(names, starts, strict=True)) == {
        name: tops[name] for name in (ebml.INFO, ebml.TRACKS, ebml.CHAPTERS, ebml.CUES)
    }


def test_only_what_the_decoder_needs_is_invisible_and_a_chapter_holds_the_span(tmp_path: Path) -> None:
    path = exported(tmp_path, [m.video(Codec.H264, 60), m.sound(Codec.PCMU, 2.0)], 0.7, 1.3)
    found = read(path)
    hidden: list[int] = []
    shown: list[int] = []
    at = 0
    for each in found:
        if each.name == ebml.TIMESTAMP:
            at = each.number
        if each.name == _BLOCK and each.data[0] == 0x81:
            time = at + int.from_bytes(each.data[1:3], "big", signed=True)
            (hidden if each.data[3] & 0x08 else shown).append(time)
    assert (len(hidden), len(shown)) == (6, 18)  # from the key frame at 0.5 s
    start = next(each.number for each in found if each.name == ebml.CHAPTER_TIME_START)
    assert max(hidden) < start / 1e5 <= min(shown)
    assert [each.number for each in found if each.name == ebml.EDITION_FLAG_ORDERED] == [1]


def test_a_span_that_begins_with_a_key_frame_hides_nothing(tmp_path: Path) -> None:
    path = exported(tmp_path, [m.video(Codec.H264, 60)], 0.5, 2.0)
    assert not any(each.name == ebml.CHAPTERS for each in read(path))
    assert m.decoded(str(path)) == list(m.video(Codec.H264, 60).frames[15:])


@pytest.mark.parametrize(
    ("codec", "b_frames"), [(Codec.H264, 0), (Codec.H264, 3), (Codec.H265, 3), (Codec.MJPEG, 0)]
)
def test_others_decode_every_picture_at_its_time(codec: Codec, b_frames: int, tmp_path: Path) -> None:
    clip = m.video(codec, 60, b_frames=b_frames)
    path = exported(tmp_path, [clip, m.sound(Codec.PCMU, 2.0)], 0.0, 2.0)
    assert m.decoded(str(path)) == list(clip.frames)
    assert m.ffmpeg_frames(path) == [frame.hex() for frame in clip.frames]
    assert m.gstreamer(path, codec, (192, 108), "matroskademux") == list(clip.frames)
    m.run("ffmpeg", "-v", "error", "-i", path, "-f", "null", "-")
    with av.open(str(path)) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert [time - times[0] for time in times] == pytest.approx([n / 30 for n in range(60)], abs=1.1e-3)
    told = json.loads(m.run("mkvmerge", "-J", path))
    assert (told["errors"], told["warnings"]) == ([], [])
    assert told["container"]["properties"]["duration"] == pytest.approx(2e9, abs=0.07e9)
    assert [track["type"] for track in told["tracks"]] == ["video", "audio"]


def test_a_player_that_follows_chapters_shows_the_span_alone(tmp_path: Path) -> None:
    path = exported(tmp_path, [m.video(Codec.H264, 60)], 0.7, 1.3)
    out = tmp_path / "shown"
    out.mkdir()
    m.play(path, out)
    assert len(list(out.iterdir())) == 18


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        (Codec.AAC, "aac"),
        (Codec.OPUS, "opus"),
        (Codec.PCMU, "pcm_mulaw"),
        (Codec.PCMA, "pcm_alaw"),
    ],
)
def test_sound_is_known_by_its_codec_and_decodes_silently(codec: Codec, name: str, tmp_path: Path) -> None:
    path = exported(tmp_path, [m.video(Codec.H264, 60), m.sound(codec, 2.0)], 0.0, 2.0)
    said = m.ffprobe(
        path, "-select_streams", "a", "-show_entries", "stream=codec_name,sample_rate", "-of", "csv=p=0"
    )
    assert said.strip() == f"{name},{m.sound(codec, 2.0).track.clock_rate}"
    m.run("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "null", "-")


@pytest.mark.parametrize("bits", [2, 3, 4, 5])
def test_g726_decodes_to_what_was_said(bits: int, tmp_path: Path) -> None:
    raw, meant, heard = tmp_path / "a.g726", tmp_path / "meant.wav", tmp_path / "heard.wav"
    tone = ("-f", "lavfi", "-i", "sine=440:sample_rate=8000:duration=2", "-ac", "1")
    m.run("ffmpeg", "-v", "error", *tone, "-c:a", "adpcm_g726le", "-b:a", f"{8 * bits}k", "-f", "g726le", raw)
    m.run("ffmpeg", "-v", "error", "-f", "g726le", "-code_size", str(bits), "-i", raw, "-t", "1.9", meant)
    data, size = raw.read_bytes(), 20 * bits  # 20 ms
    samples = tuple(
        Sample(0, 160 * n, Utc(0), True, data[size * n : size * n + size]) for n in range(len(data) // size)
    )
    clip = m.Clip(Track(Codec.G726, 8_000, channels=1, bits=bits), samples, ())
    path = exported(tmp_path, [m.video(Codec.H264, 60), clip], 0.0, 2.0)
    m.run("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-t", "1.9", heard)
    assert heard.read_bytes()[100:30_000] == meant.read_bytes()[100:30_000]


def test_a_hole_stays_on_the_time_line(tmp_path: Path) -> None:
    (part,) = planned(two_runs(tmp_path), 0, 20, Form.MATROSKA)
    path = written(part, tmp_path / "out.mkv")
    with av.open(str(path)) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert len(times) == 180
    assert times[90] - times[0] == pytest.approx(10.0, abs=2e-3)


def test_other_parameter_sets_begin_another_file(tmp_path: Path) -> None:
    one, other = m.video(Codec.H264, 60), m.video(Codec.H264, 60, b_frames=2, high=True)
    m.segment(tmp_path / "1.mp4", [one])
    second = later(m.merged([other]), 2.0)
    m.segment(tmp_path / "2.mp4", [other], samples=second, who=m.identity(2, 1, second[0].utc))
    found = planned(m.Files(tmp_path / "1.mp4", tmp_path / "2.mp4"), 0, 4, Form.MATROSKA)
    assert [part.facts.frames for part in found] == [60, 60]
    assert m.decoded(str(written(found[0], tmp_path / "a.mkv"))) == list(one.frames)
    assert m.decoded(str(written(found[1], tmp_path / "b.mkv"))) == list(other.frames)
