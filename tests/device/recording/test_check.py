"""`holdfast check` finds each way in which the store can be wrong, and deletes nothing that could be evidence."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from device.recording.database import CatalogueInUse
from device.recording.volume import IDENTITY
from tests.device.recording.store import Store, make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = make(tmp_path, segment_length=10)
    camera = store.camera()
    store.run(35, camera)
    camera.disconnect()
    store.run(5)
    camera.connect()
    store.run(5, camera)
    store.close()
    return store


def change(store: Store, sql: str) -> None:
    with sqlite3.connect(store.catalogue) as connection:
        connection.execute(sql)
    connection.close()


def segments(store: Store) -> list[Path]:
    return sorted(store.settings[0].path.glob("video/*/*/*.mp4"), key=lambda path: int(path.stem))


def test_a_good_store_has_no_problems(store: Store) -> None:
    report = store.check(deep=True)
    assert (report.problems, report.good) == ([], True)
    assert (report.segments, report.recordings) == (5, 1)


def test_a_flipped_byte_is_found_by_the_deep_check(store: Store) -> None:
    path = segments(store)[1]
    data = bytearray(path.read_bytes())
    data[20_000] ^= 1
    path.write_bytes(data)
    (problem,) = store.check(deep=True, repair=True).problems
    assert (problem.invariant, problem.where, problem.repaired) == (1, str(path), False)
    assert path.read_bytes() == data


def test_a_missing_file_is_found(store: Store) -> None:
    segments(store)[0].unlink()
    (problem,) = store.check(deep=False).problems
    assert (problem.invariant, problem.what) == (1, "is gone")


def test_a_short_file_is_found(store: Store) -> None:
    path = segments(store)[0]
    path.write_bytes(path.read_bytes()[:-4096])
    (problem,) = store.check(deep=False).problems
    assert problem.invariant == 1
    assert "bytes" in problem.what


def test_a_tail_of_rubbish_is_cut_off(store: Store) -> None:
    path = segments(store)[0]
    good = path.read_bytes()
    path.write_bytes(good + bytes(5000))
    assert not store.check().good
    assert store.check(repair=True).good
    assert path.read_bytes() == good


def test_whole_fragments_behind_the_end_are_kept(store: Store) -> None:
    one, other = segments(store)[:2]
    last = other.read_bytes()[4096:]
    one.write_bytes(one.read_bytes() + last)
    before = one.read_bytes()
    report = store.check(repair=True)
    assert not report.good
    assert one.read_bytes() == before


def test_two_files_that_were_exchanged_are_found(store: Store) -> None:
    one, other = segments(store)[:2]
    one.rename(one.with_suffix(".x"))
    other.rename(one)
    one.with_suffix(".x").rename(other)
    assert {problem.where for problem in store.check(deep=False).problems} >= {str(one), str(other)}


def test_a_file_unknown_to_the_catalogue_is_named_and_left(store: Store) -> None:
    path = segments(store)[0]
    stranger = path.with_name("999999.mp4")
    stranger.write_bytes(path.read_bytes())
    (problem,) = store.check(repair=True).problems
    assert problem.where == str(stranger)
    assert stranger.exists()


def test_an_unfinished_deletion_is_finished(store: Store) -> None:
    path = segments(store)[0]
    change(store, f"UPDATE segment SET state = 2 WHERE id = {path.stem}")
    problems = store.check(repair=True).problems
    assert {problem.invariant for problem in problems} == {3, 4}
    assert all(problem.repaired for problem in problems)
    assert not path.exists()
    assert store.check().problems == []


@pytest.mark.parametrize(
    ("sql", "invariant"),
    [
        ("DELETE FROM gap WHERE cause = 'link_lost'", 4),
        ("UPDATE segment SET dur = dur - 5 WHERE id = (SELECT min(id) FROM segment)", 4),
        ("UPDATE segment SET missing = 7 WHERE id = (SELECT min(id) FROM segment)", 4),
        ("UPDATE recording SET bytes = 1", 3),
        ("UPDATE volume SET bytes = 1", 3),
    ],
)
def test_a_wrong_catalogue_is_put_right(store: Store, sql: str, invariant: int) -> None:
    change(store, sql)
    found = store.check(repair=False)
    assert {problem.invariant for problem in found.problems} == {invariant}
    assert store.check(repair=True).good
    assert store.check().problems == []


def test_an_overlap_is_named(store: Store) -> None:
    change(store, "UPDATE segment SET dur = dur + 5 WHERE id = (SELECT min(id) FROM segment)")
    report = store.check(repair=True)
    assert {problem.invariant for problem in report.problems} == {4}
    assert not report.good


def test_an_unmounted_volume_is_named(store: Store) -> None:
    (store.settings[0].path / IDENTITY).unlink()
    (problem,) = store.check().problems
    assert problem.invariant == 5


def test_repairing_while_recording_is_refused(store: Store) -> None:
    store.open()
    with pytest.raises(CatalogueInUse):
        store.check(repair=True)
    assert store.check(repair=False).good
    store.close()
