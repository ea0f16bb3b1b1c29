"""What the recording core tells of gaps, volumes and pictures: what is so, once, over restarts too."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from device.cameras.source import Cause
from device.recording.intake import GRACE
from device.recording.notices import CodecChanged, GapClosed, GapOpened, VolumeChanged, VolumeState
from tests.device.recording.camera import VIDEO, Camera
from tests.device.recording.store import Store, make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make(tmp_path)


def gaps_told(store: Store) -> list[tuple[str, Cause]]:
    return [
        (type(notice).__name__, notice.cause)
        for notice in store.notices
        if isinstance(notice, GapOpened | GapClosed)
    ]


def test_a_first_connection_that_takes_a_moment_is_in_the_ledger_and_no_news(store: Store) -> None:
    intake = store.intake()
    added = store.clock.utc()
    store.clock.advance(GRACE - 1)
    store.beat()
    camera = Camera(store.clock, intake)
    camera.connect()
    connected = store.clock.utc()
    store.run(3, camera)
    assert store.ledger()[0] == (added, connected, Cause.CONNECTING)
    assert gaps_told(store) == []
    camera.disconnect()
    assert gaps_told(store) == [("GapOpened", Cause.LINK_LOST)]
    store.close()


def test_a_camera_that_never_sent_a_picture_is_news_after_a_while(store: Store) -> None:
    intake = store.intake()
    store.clock.advance(GRACE / 2)
    intake.closed(Cause.UNREACHABLE, "no route")
    store.beat()
    assert gaps_told(store) == []
    store.clock.advance(GRACE / 2)
    store.beat()
    store.beat()
    assert gaps_told(store) == [("GapOpened", Cause.UNREACHABLE)]
    camera = Camera(store.clock, intake)
    camera.connect()
    store.run(3, camera)
    assert gaps_told(store) == [("GapOpened", Cause.UNREACHABLE), ("GapClosed", Cause.UNREACHABLE)]
    store.close()


@pytest.mark.parametrize("end", ["in order", "power cut"])
def test_a_gap_of_which_a_former_life_told_is_told_to_be_over(store: Store, end: str) -> None:
    camera = store.camera()
    store.run(3, camera)
    down = store.clock.utc()
    (store.restart if end == "in order" else store.crash)()
    store.notices.clear()
    store.clock.advance(20)
    camera = store.camera()
    assert gaps_told(store) == [("GapOpened", Cause.RECORDER_DOWN)]
    store.run(3, camera)
    opened, closed = (each for each in store.notices if isinstance(each, GapOpened | GapClosed))
    assert isinstance(closed, GapClosed)
    assert opened.utc == closed.since <= down < closed.utc
    assert closed.cause is Cause.RECORDER_DOWN
    store.close()


def test_a_gap_ends_for_those_who_were_told_when_nothing_need_be_recorded(store: Store) -> None:
    camera = store.camera()
    store.run(3, camera)
    camera.disconnect()
    store.clock.advance(10)
    store.recorder.remove("CAM1")
    assert gaps_told(store) == [("GapOpened", Cause.LINK_LOST), ("GapClosed", Cause.LINK_LOST)]
    store.close()


def test_a_gap_of_what_nobody_records_after_a_restart_is_over(store: Store) -> None:
    camera = store.camera()
    store.run(3, camera)
    store.restart()
    store.beat()
    assert gaps_told(store) == [("GapOpened", Cause.RECORDER_DOWN), ("GapClosed", Cause.RECORDER_DOWN)]
    store.restart()
    store.beat()
    store.close()


def test_how_a_volume_is_is_told_at_first_sight(tmp_path: Path) -> None:
    store = make(tmp_path, volumes=2)
    store.close()
    good, gone = store.settings
    gone.path.rename(tmp_path / "elsewhere")
    store.notices.clear()
    store.open()
    store.beat()
    told = {each.volume: each for each in store.notices if isinstance(each, VolumeChanged)}
    assert {uuid: each.state for uuid, each in told.items()} == {
        good.uuid: VolumeState.OK,
        gone.uuid: VolumeState.MISSING,
    }
    assert all(each.before is None for each in told.values())
    store.close()


def test_another_size_is_told_when_it_comes_and_not_again(store: Store) -> None:
    camera = store.camera()
    store.run(2, camera)
    larger = dataclasses.replace(VIDEO, width=VIDEO.width * 2)
    camera.intake.parameters([larger])
    camera.intake.parameters([dataclasses.replace(larger, parameters=(b"other",))])
    camera.intake.closed(Cause.LINK_LOST)
    camera.intake.opened([larger])
    told = [each for each in store.notices if isinstance(each, CodecChanged)]
    assert [(each.camera, each.stream, each.before, each.after) for each in told] == [
        ("CAM1", "main", f"H264 {VIDEO.width}x{VIDEO.height}", f"H264 {larger.width}x{VIDEO.height}")
    ]
    store.close()
