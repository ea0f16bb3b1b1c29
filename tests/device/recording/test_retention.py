"""What is deleted, in which order, and what never is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.cameras.source import Cause
from device.errors import BadValue, NotFound
from device.media import MICROSECONDS, Utc
from device.recording.modes import DAY, Mode, Policy
from device.recording.retention import LockedSpan, Need, Retention, discard
from device.recording.segments import Ids
from tests.device.recording.store import EVER, NEVER, Store, make

SECOND = MICROSECONDS


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make(tmp_path, segment_length=10)


def files(store: Store) -> set[str]:
    return {path.stem for path in store.settings[0].path.glob("video/*/*/*.mp4")}


def sweep(store: Store) -> None:
    """Until nothing more is to be deleted."""
    for _ in range(3):
        store.recorder.sweep()
        store.beat()
        store.beat()


def rows(store: Store, token: str = "CAM1") -> list[tuple[Utc, Utc]]:
    with store.reader() as reader:
        return [(s.utc, s.end) for s in reader.segments(token, EVER, NEVER)]


def test_what_is_older_than_its_days_goes(store: Store) -> None:
    policy = Policy(Mode.CONTINUOUS, retention_max=1)
    camera = store.camera(policy=policy)
    store.run(35, camera)
    camera.disconnect()
    last = rows(store)[-1]
    store.clock.wall, store.clock.ran = (
        last[0] + DAY,
        store.clock.ran + (last[0] + DAY - store.clock.wall) / SECOND,
    )
    sweep(store)
    assert rows(store) == [last]
    store.close()
    assert len(files(store)) == 1
    assert [cause for _, _, cause in store.ledger()].count(Cause.EXPIRED) == 1
    assert store.check().problems == []


@pytest.mark.proves("M-036")
def test_unlimited_keeps_everything_until_the_volume_is_full(store: Store) -> None:
    camera = store.camera(policy=Policy(Mode.CONTINUOUS))
    store.run(35, camera)
    camera.disconnect()
    before = rows(store)
    store.clock.advance(10_000 * 86_400)
    sweep(store)
    assert rows(store) == before
    store.close()


def test_a_quota_is_kept_oldest_first(store: Store) -> None:
    camera = store.camera(policy=Policy(Mode.CONTINUOUS, quota=600_000))
    store.run(60, camera)
    camera.disconnect()
    before = rows(store)
    sweep(store)
    after = rows(store)
    assert after == before[-len(after) :]
    with store.reader() as reader:
        assert 300_000 < reader.recording("CAM1").bytes <= 600_000
    store.close()
    assert store.check().problems == []


def test_a_locked_span_outlives_days_quota_and_want_of_room(store: Store) -> None:
    camera = store.camera()
    store.run(60, camera)
    camera.disconnect()
    store.beat()
    before = rows(store)
    number = store.recorder.lock(
        "CAM1", Utc(before[2][0] + 1), Utc(before[2][0] + 2), until=None, who="op", why="theft"
    ).result(10)
    store.recorder.set_policy("CAM1", Policy(Mode.CONTINUOUS, retention_max=1, quota=1))
    store.clock.advance(3 * 86_400)
    sweep(store)
    assert rows(store) == [before[2]]
    store.recorder.unlock(number).result(10)
    sweep(store)
    assert rows(store) == []
    store.close()
    assert files(store) == set()
    assert store.untiled() == []


def test_a_lock_is_durable_when_its_future_is_set(store: Store) -> None:
    store.run(12, store.camera())
    lock = store.recorder.lock("CAM1", Utc(1), Utc(2), until=None, who="op", why="x")
    number = lock.result(10)
    store.crash()
    (row,) = store.recorder.locks().result(10)
    assert (row.id, row.token, row.who, row.why) == (number, "CAM1", "op", "x")
    store.close()


def test_a_lock_that_ran_out_locks_no_more(store: Store) -> None:
    camera = store.camera()
    store.run(25, camera)
    camera.disconnect()
    until = Utc(store.clock.utc() + 100 * SECOND)
    store.recorder.lock("CAM1", EVER, NEVER, until=until, who="op", why="x").result(10)
    store.recorder.set_policy("CAM1", Policy(Mode.CONTINUOUS, quota=1))
    sweep(store)
    assert len(rows(store)) == 3
    store.clock.advance(101)
    sweep(store)
    assert rows(store) == []
    store.close()


def test_bad_locks_are_refused(store: Store) -> None:
    store.run(2, store.camera())
    lock = store.recorder.lock
    with pytest.raises(NotFound, match="CAM9"):
        lock("CAM9", Utc(1), Utc(2), until=None, who="", why="").result(10)
    with pytest.raises(BadValue, match="end"):
        lock("CAM1", Utc(2), Utc(2), until=None, who="", why="").result(10)
    with pytest.raises(BadValue, match="until"):
        lock("CAM1", Utc(1), Utc(2), until=Utc(5), who="", why="").result(10)
    with pytest.raises(NotFound, match="7"):
        store.recorder.unlock(7).result(10)
    store.close()


def test_a_person_deletes_a_span_but_not_a_locked_one(store: Store) -> None:
    camera = store.camera()
    store.run(45, camera)
    camera.disconnect()
    store.beat()
    before = rows(store)
    with store.reader() as catalogue:
        sizes = [each.bytes for each in catalogue.segments("CAM1", before[1][0], before[2][1])]
    assert store.recorder.delete("CAM1", before[1][0], before[2][1]).result(10) == sizes
    assert len(sizes) == 2
    assert rows(store) == [before[0], *before[3:]]
    assert (before[1][0], before[2][1], Cause.DELETED) in store.ledger()
    store.recorder.lock("CAM1", before[0][0], before[0][1], until=None, who="op", why="").result(10)
    with pytest.raises(LockedSpan):
        store.recorder.delete("CAM1", EVER, NEVER).result(10)
    sweep(store)
    store.close()
    assert len(files(store)) == len(before) - 2
    assert store.check().problems == []


def test_an_interrupted_deletion_is_finished(store: Store) -> None:
    camera = store.camera()
    store.run(25, camera)
    camera.disconnect()
    store.beat()
    doomed = store.query("SELECT id FROM segment ORDER BY id LIMIT 1")[0][0]
    store.recorder.ask(lambda c: discard(c, doomed, Cause.DELETED, store.recorder._ids)).result(10)
    store.crash()
    assert str(doomed) in files(store)
    sweep(store)
    store.close()
    assert str(doomed) not in files(store)
    assert store.check().problems == []


def test_nothing_young_is_deleted_for_room_until_the_recorder_is_told(store: Store) -> None:
    """Rules are the catalogue's: a sweep before the cameras are set up keeps to them too."""
    camera = store.camera(policy=Policy(Mode.CONTINUOUS, retention_min=7))
    store.run(45, camera)
    store.restart()
    before = rows(store)
    needs = [Need(1, 1 << 40)]
    epoch, now = store.recorder.epoch, store.clock.utc()
    found = store.recorder.ask(lambda c: Retention(c, epoch, now, Ids(10**6)).sweep(needs)).result(10)
    assert found.short[1][0] == 1 << 40
    assert rows(store) == before
    store.close()


ages = st.lists(st.integers(0, 20), min_size=1, max_size=12)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    gone=ages,
    keep=st.integers(1, 15),
    need=st.integers(0, 2_000_000),
    locked=st.lists(st.integers(0, 11), max_size=3),
)
def test_no_sweep_touches_what_is_young_or_locked(
    tmp_path_factory: pytest.TempPathFactory, gone: list[int], keep: int, need: int, locked: list[int]
) -> None:
    store = make(tmp_path_factory.mktemp("store"), segment_length=10)
    policy = Policy(Mode.CONTINUOUS, retention_min=keep, quota=1)
    camera = store.camera(policy=policy)
    for days in gone:
        store.run(3, camera)
        camera.disconnect()
        store.clock.advance(days * 86_400)
        camera.connect()
    camera.disconnect()
    store.beat()
    before = rows(store)
    spans = [before[n] for n in locked if n < len(before)]
    for start, end in spans:
        store.recorder.lock("CAM1", start, end, until=None, who="", why="").result(10)
    epoch, now = store.recorder.epoch, store.clock.utc()
    ids = store.recorder._ids
    store.recorder.ask(lambda c: Retention(c, epoch, now, ids).sweep([Need(1, need)])).result(10)
    after = rows(store)
    store.close()
    young = [row for row in before if now - row[1] < keep * DAY]
    assert set(young) <= set(after)
    assert {row for row in before if any(row[0] < e and row[1] > s for s, e in spans)} <= set(after)
    assert set(before) - set(after) == {
        row for row in before if row not in young and not any(row[0] < e and row[1] > s for s, e in spans)
    }
    assert store.untiled() == []
