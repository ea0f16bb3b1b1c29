"""The catalogue can be lost, and is rebuilt from what the segments say of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.cameras.source import Cause
from device.recording.notices import CatalogueRebuilt
from device.recording.rebuild import CatalogueExists, rebuild, set_aside
from device.recording.volume import IDENTITY, NotAVolume
from tests.device.recording.store import EVER, NEVER, Store, make
from tests.device.recording.test_recorder import read_back


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = make(tmp_path, volumes=2, segment_length=10)
    one, other = store.camera("CAM1"), store.camera("CAM2")
    store.run(33, one, other)
    one.disconnect()
    store.run(5, other)
    store.clock.step(-600)
    one.connect()
    store.run(13, one, other)
    store.close()
    return store


def lose(store: Store) -> None:
    for path in store.folder.glob("catalogue.db*"):
        path.unlink()


def test_every_picture_is_there_again_and_the_time_is_tiled(store: Store) -> None:
    before = read_back(store, "CAM1"), read_back(store, "CAM2")
    with store.reader() as reader:
        known = [(s.id, s.run, s.path, s.bytes) for s in reader.segments("CAM1", EVER, NEVER)]
    lose(store)
    done = rebuild(store.catalogue, store.settings, "REC")
    assert (done.recordings, done.skipped) == (2, [])
    assert (read_back(store, "CAM1"), read_back(store, "CAM2")) == before
    with store.reader() as reader:
        assert [(s.id, s.run, s.path, s.bytes) for s in reader.segments("CAM1", EVER, NEVER)] == known
        assert {g.cause for g in reader.gaps("CAM1", EVER, NEVER)} == {Cause.RECORDER_DOWN}
    assert store.check().problems == []


def test_recording_goes_on_with_ids_that_were_never_used(store: Store) -> None:
    used = {int(path.stem) for each in store.settings for path in each.path.glob("video/*/*/*.mp4")}
    lose(store)
    rebuild(store.catalogue, store.settings, "REC")
    store.open()
    camera = store.camera("CAM1")
    store.run(13, camera)
    store.close()
    now = {int(path.stem) for each in store.settings for path in each.path.glob("video/*/*/*.mp4")}
    assert used < now
    assert min(now - used) > max(used)
    assert store.untiled("CAM1") == []
    assert store.check().problems == []


def test_a_start_without_a_catalogue_finds_everything_again_and_records_on(store: Store) -> None:
    before = read_back(store, "CAM1")
    lose(store)
    store.open()
    rebuilt = store.recorder.rebuilt
    assert rebuilt is not None
    assert (rebuilt.recordings, rebuilt.skipped) == (2, [])
    store.run(13, store.camera("CAM1"))
    told = [each for each in store.notices if isinstance(each, CatalogueRebuilt)]
    assert [(each.recordings, each.segments, each.skipped) for each in told] == [(2, rebuilt.segments, 0)]
    store.close()
    assert read_back(store, "CAM1")[: len(before)] == before
    assert len(read_back(store, "CAM1")) == len(before) + 130
    assert store.untiled("CAM1") == []
    assert store.check(deep=True).problems == []


def test_a_broken_catalogue_is_set_aside_and_kept(store: Store) -> None:
    before = read_back(store, "CAM1")
    store.catalogue.write_bytes(b"not a database" * 100)
    (aside, *_) = set_aside(store.catalogue)
    assert aside.read_bytes() == b"not a database" * 100
    assert rebuild(store.catalogue, store.settings, "REC").skipped == []
    assert read_back(store, "CAM1") == before


def test_a_file_that_cannot_be_read_is_named_and_left(store: Store) -> None:
    path = next(store.settings[0].path.glob("video/CAM1/*/*.mp4"), None) or next(
        store.settings[1].path.glob("video/CAM1/*/*.mp4")
    )
    path.write_bytes(b"rubbish")
    lose(store)
    done = rebuild(store.catalogue, store.settings, "REC")
    assert len(done.skipped) == 1
    assert str(path) in done.skipped[0]
    assert path.read_bytes() == b"rubbish"
    assert store.untiled("CAM1") == []


def test_a_catalogue_is_not_replaced(store: Store) -> None:
    with pytest.raises(CatalogueExists):
        rebuild(store.catalogue, store.settings, "REC")


def test_all_volumes_must_be_there(store: Store) -> None:
    lose(store)
    (store.settings[1].path / IDENTITY).unlink()
    with pytest.raises(NotAVolume):
        rebuild(store.catalogue, store.settings, "REC")
    assert not store.catalogue.exists()
