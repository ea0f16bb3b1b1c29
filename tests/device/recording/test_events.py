"""Event mode: what was before an event is there, whole, and what nobody wanted is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.cameras.source import Cause
from device.media import MICROSECONDS, Utc
from device.recording.modes import Mode, Policy
from tests.device.recording.store import EVER, NEVER, Store, make
from tests.device.recording.test_recorder import read_back

SECOND = MICROSECONDS
ON_EVENT = Policy(Mode.EVENT, pre_event=15, post_event=10)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make(tmp_path)


def test_nobody_sees_what_no_event_asked_for(store: Store) -> None:
    camera = store.camera(policy=ON_EVENT)
    store.run(60, camera)
    with store.reader() as reader:
        assert reader.segments("CAM1", EVER, NEVER) == []
        assert reader.recordings()[0].first is None
        assert {g.cause for g in reader.gaps("CAM1", EVER, NEVER)} == {Cause.NOT_SCHEDULED}
        assert reader.completeness("CAM1", EVER, NEVER).recorded == 0
        assert {row.cause for row in reader.timeline("CAM1", EVER, store.clock.utc())} == {
            Cause.NOT_SCHEDULED
        }
    store.close()
    assert store.untiled() == []


@pytest.mark.parametrize("at", [23.0, 29.9, 30.1, 34.4])
def test_the_clip_holds_the_whole_pre_roll_from_a_key_frame(store: Store, at: float) -> None:
    camera = store.camera(policy=ON_EVENT)
    store.run(at, camera)
    event = store.clock.utc()
    store.recorder.trigger("CAM1", event).result(10)
    store.run(40, camera)
    camera.disconnect()
    store.run(40)
    store.close()
    with store.reader() as reader:
        first = reader.segments("CAM1", EVER, NEVER)[0]
    assert first.fragments[0].key
    assert first.utc <= event - 15 * SECOND
    kept = read_back(store)
    wanted = [data for utc, data in camera.sent if event - 15 * SECOND <= utc < event + 10 * SECOND]
    assert len(wanted) == 250
    start = kept.index(wanted[0])
    assert kept[start : start + len(wanted)] == wanted
    assert store.untiled() == []


def test_what_was_not_wanted_is_deleted_and_its_time_was_not_due(store: Store) -> None:
    camera = store.camera(policy=ON_EVENT)
    store.run(100, camera)
    store.recorder.trigger("CAM1", store.clock.utc()).result(10)
    store.run(150, camera)
    camera.disconnect()
    store.run(80)
    store.close()
    shown = 0
    with store.reader() as reader:
        shown = len(reader.segments("CAM1", EVER, NEVER))
        complete = reader.completeness("CAM1", EVER, store.clock.utc())
    assert 3 <= shown <= 5
    assert len(list(store.settings[0].path.glob("video/*/*/*.mp4"))) == shown
    assert complete.idle > 190 * SECOND
    assert store.check().problems == []


def test_late_news_of_an_event_still_finds_its_pre_roll(store: Store) -> None:
    camera = store.camera(policy=ON_EVENT)
    store.run(60, camera)
    event = Utc(store.clock.utc() - 20 * SECOND)
    store.recorder.trigger("CAM1", event).result(10)
    store.run(10, camera)
    store.close()
    with store.reader() as reader:
        assert reader.completeness("CAM1", Utc(event - 15 * SECOND), Utc(event + 10 * SECOND)).share == 1.0


def test_a_crash_after_the_answer_keeps_the_clip(store: Store) -> None:
    camera = store.camera(policy=ON_EVENT)
    store.run(40, camera)
    event = store.clock.utc()
    store.recorder.trigger("CAM1", event).result(10)
    store.crash()
    store.close()
    with store.reader() as reader:
        assert reader.segments("CAM1", EVER, NEVER)[0].utc <= event - 15 * SECOND
