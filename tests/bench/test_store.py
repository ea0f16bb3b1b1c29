"""The stores that benches fill are ones that the recorder itself finds nothing wrong with."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import catalogue, store
from device.media import Codec, Utc
from device.recording.catalogue import CatalogueReader
from device.recording.check import check
from device.recording.playback import Playback
from device.recording.shelf import VolumeSettings
from device.recording.volume import read_mark


@pytest.fixture(scope="module")
def clip() -> store.Clip:
    return store.clip(4.0)


def test_a_clip_is_real_and_about_as_large_as_asked(clip: store.Clip) -> None:
    assert clip.track.codec is Codec.H264
    assert 2.0 < clip.mbit < 8.0


def test_video_is_filled_in_by_the_recording_core(clip: store.Clip, tmp_path: Path) -> None:
    folder = store.fill(tmp_path / "data", ["c-one", "c-two"], 8, clip, lambda _: None)
    with CatalogueReader(folder.catalogue) as reader:
        for token in ("c-one", "c-two"):
            complete = reader.completeness(token, Utc(0), Utc(1 << 60))
            assert complete.recorded == pytest.approx(8e6, abs=1e5)
    volume = VolumeSettings(folder.video, read_mark(folder.video).volume)
    assert check(folder.catalogue, [volume], deep=True, repair=False).problems == []


def test_a_catalogue_in_bulk_keeps_every_invariant(clip: store.Clip, tmp_path: Path) -> None:
    folder = catalogue.installation(tmp_path / "data")
    catalogue.fill(folder, 2, 1, clip, files=True)
    volume = VolumeSettings(folder.video, read_mark(folder.video).volume)
    report = check(folder.catalogue, [volume], deep=False, repair=False)
    assert (report.problems, report.segments) == ([], 2 * catalogue.segments(360))


def test_folders_are_asked_for_names_within_a_span(tmp_path: Path) -> None:
    camera = tmp_path / "cam"
    for name in ("20260101/20260101235900.mp4", "20260102/20260102000000.mp4", "20260102/20260102000100.mp4"):
        (camera / name).parent.mkdir(parents=True, exist_ok=True)
        (camera / name).touch()
    begin = Utc(1_767_311_940_000_000)  # 2026-01-01T23:59:00Z
    found = catalogue._files(camera, begin, Utc(begin + 120_000_000))
    assert found == ["20260101235900.mp4", "20260102000000.mp4"]


def test_a_minute_that_was_recorded_is_played_from_a_catalogue_in_bulk(tmp_path: Path) -> None:
    sent, minute = store.clip(0.5), 60_000_000
    begins = [Utc(catalogue.BEGIN + number * minute) for number in (3, 700)]
    pieces = [(at, catalogue.token(1)) for at in begins]
    made = store.record(tmp_path / "pieces", pieces, 6, sent)
    folder = catalogue.installation(tmp_path / "data")
    catalogue.fill(folder, 2, 1, sent, files=False, every=30)
    with CatalogueReader(made.catalogue) as reader:
        for at, token in pieces:
            (segment,) = reader.segments(token, at, Utc(at + minute))
            catalogue.lay(folder, at, 1, segment)
    with CatalogueReader(folder.catalogue) as reader:
        edges = reader.present(catalogue.token(0), catalogue.BEGIN, Utc(catalogue.BEGIN + 1440 * minute))
        assert len(list(edges)) == 48
        for at, token in pieces:
            played = next(Playback(reader, token).fragments(Utc(at + 3_000_000), None))
            assert at <= played.utc <= at + 3_000_000
            assert played.key
