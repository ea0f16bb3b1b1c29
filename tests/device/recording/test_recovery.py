"""After a power cut: what was acknowledged is there, what is whole is taken in, the rest is cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.cameras.source import Cause
from device.media import MICROSECONDS
from tests.device.recording.store import EVER, NEVER, Store, make
from tests.device.recording.test_recorder import read_back

SECOND = MICROSECONDS


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make(tmp_path)


def the_file(image: Path) -> Path:
    return max(image.glob("volume0/video/*/*/*.mp4"), key=lambda path: int(path.stem))


def test_whole_fragments_beyond_the_acknowledged_are_taken_in(store: Store) -> None:
    camera = store.camera()
    store.run(5, camera)
    acknowledged = store.acknowledged["CAM1"]
    for _ in range(4):
        camera.unit()
        store.clock.advance(0.1)
    store.recorder._intakes["CAM1"].beat()
    store.crash()
    assert store.recorder.recovered.fragments == 1
    store.close()
    assert read_back(store) == [data for _, data in camera.sent]
    with store.reader() as reader:
        assert reader.segments("CAM1", EVER, NEVER)[-1].end == acknowledged + 4 * SECOND // 10
    assert store.check().problems == []


@pytest.mark.parametrize("damage", ["torn", "garbage", "zeros"])
def test_a_torn_tail_is_cut_off(store: Store, damage: str) -> None:
    camera = store.camera()
    store.run(5, camera)
    kept = len(camera.sent)
    for _ in range(4):
        camera.unit()
        store.clock.advance(0.1)
    store.recorder._intakes["CAM1"].beat()

    def hurt(image: Path) -> None:
        path = the_file(image)
        data = bytearray(path.read_bytes())
        if damage == "torn":
            del data[-4096:]
        elif damage == "garbage":
            data[-5000:] = bytes(range(250)) * 20
        else:
            data[-8192:] = bytes(8192)
        path.write_bytes(data)

    store.crash(hurt)
    assert store.recorder.recovered.octets > 0
    store.close()
    assert read_back(store) == [data for _, data in camera.sent][:kept]
    assert store.check().problems == []
    assert store.untiled() == []


def test_a_file_that_is_gone_is_a_problem_and_a_gap(store: Store) -> None:
    store.run(5, store.camera())
    store.crash(lambda image: the_file(image).unlink())
    assert "is gone" in store.recorder.recovered.problems[0]
    store.beat()
    store.close()
    assert Cause.STORAGE in {cause for _, _, cause in store.ledger()}
    assert store.untiled() == []


def test_a_file_shorter_than_acknowledged_keeps_what_it_has(store: Store) -> None:
    camera = store.camera()
    store.run(5, camera)

    def hurt(image: Path) -> None:
        path = the_file(image)
        path.write_bytes(path.read_bytes()[:30_000])

    store.crash(hurt)
    store.beat()
    store.close()
    kept = read_back(store)
    assert 0 < len(kept) < len(camera.sent)
    assert kept == [data for _, data in camera.sent][: len(kept)]
    assert store.check().problems == []


def test_a_volume_that_is_away_at_the_start_costs_nothing_that_was_acknowledged(store: Store) -> None:
    camera = store.camera()
    store.run(5, camera)

    def unmount(image: Path) -> None:
        (image / "volume0").rename(image / "away")

    store.crash(unmount)
    camera = store.camera()
    store.run(3, camera)
    folder = store.settings[0].path
    folder.with_name("away").rename(folder)
    store.run(8, camera)
    store.close()
    ledger = store.ledger()
    assert ledger[0][2] is None
    assert ledger[-2][2] is None
    assert store.untiled() == []
    assert store.check().problems == []


def test_segments_that_never_got_a_file_are_forgotten(store: Store) -> None:
    camera = store.camera()
    store.run(59.5, camera)
    assert store.query("SELECT count(*) FROM segment WHERE state = 0") == [(2,)]
    store.crash()
    assert store.query("SELECT count(*) FROM segment") == [(1,)]
    store.close()


def test_a_clock_that_went_back_while_down_begins_an_epoch(store: Store) -> None:
    camera = store.camera()
    store.run(5, camera)
    store.close()
    store.clock.step(-3600)
    store.open()
    camera = store.camera()
    store.run(5, camera)
    store.close()
    with store.reader() as reader:
        one, other = reader.segments("CAM1", EVER, NEVER)
    assert (one.epoch, other.epoch) == (1, 2)
    assert other.utc < one.utc
    assert store.untiled() == []
