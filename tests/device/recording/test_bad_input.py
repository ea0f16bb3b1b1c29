"""What somebody, or a drive, did to the store behind our back: each is named, the rest is served, and nothing that
could be evidence is deleted."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from device.cameras.source import Cause
from device.recording.catalogue import CatalogueReader
from device.recording.check import Problem
from device.recording.database import VERSION, CatalogueBroken, NewerCatalogue
from device.recording.reader import BadFragment, SegmentFile
from device.recording.rebuild import rebuild
from tests.device.recording.store import EVER, NEVER, Store, make
from tests.device.recording.test_recorder import read_back


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three segments of one camera, closed."""
    store = make(tmp_path, segment_length=10)
    store.run(25, store.camera())
    store.close()
    return store


def middle(store: Store) -> Path:
    with store.reader() as reader:
        return reader.segments("CAM1", EVER, NEVER)[1].path


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:70_000])


def behead(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[70_000] ^= 4
    path.write_bytes(data)


def flip_head(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[60] ^= 4
    data[data.index(b'{"recorder"') + 5] ^= 4
    path.write_bytes(data)


def replace(path: Path) -> None:
    path.write_bytes(b"a holiday film" * 9000)


def remove(path: Path) -> None:
    path.unlink()


HARM = [truncate, behead, flip, flip_head, replace, remove]


def evidence(store: Store) -> dict[str, str]:
    """Every file of video, and what is in it."""
    paths = store.settings[0].path.glob("video/*/*/*.mp4")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def served(store: Store) -> int:
    """Fragments that can be read; the others raise what they should."""
    good = 0
    with store.reader() as reader:
        for segment in reader.segments("CAM1", EVER, NEVER):
            for row in segment.fragments:
                try:
                    with SegmentFile(segment) as file:
                        file.read(row, verify=True)
                    good += 1
                except BadFragment:
                    assert segment.path == middle(store)
    return good


def named(problems: list[Problem], path: Path) -> list[Problem]:
    return [each for each in problems if each.where == str(path)]


@pytest.mark.parametrize("harm", HARM)
def test_it_is_named_and_the_rest_is_served(store: Store, harm: Callable[[Path], None]) -> None:
    before, path = served(store), middle(store)
    with store.reader() as reader:
        others = sum(
            len(each.fragments) for each in reader.segments("CAM1", EVER, NEVER) if each.path != path
        )
    harm(path)
    (problem,) = named(store.check(deep=True).problems, path)
    assert problem.invariant == 1
    assert others <= served(store) < before or harm is flip_head


@pytest.mark.parametrize("harm", HARM)
def test_repair_deletes_nothing_and_leaves_a_catalogue_that_keeps_its_word(
    store: Store, harm: Callable[[Path], None]
) -> None:
    path = middle(store)
    harm(path)
    before = evidence(store)
    report = store.check(deep=True, repair=True)
    assert evidence(store) == before
    assert named(report.problems, path)[0].repaired == (harm in (truncate, behead, remove))
    left = named(store.check(deep=True).problems, path)
    assert bool(left) == (harm not in (truncate, remove))
    assert not any(each.repairable for each in left)
    assert store.untiled() == []


@pytest.mark.parametrize("harm", [truncate, behead, remove])
def test_what_is_gone_is_a_gap_after_the_repair(store: Store, harm: Callable[[Path], None]) -> None:
    harm(middle(store))
    store.check(repair=True)
    assert Cause.STORAGE in {cause for _, _, cause in store.ledger()}
    assert read_back(store)  # all that is shown can be read


def test_what_a_drive_kept_after_all_is_taken_in_again(store: Store) -> None:
    path = middle(store)
    whole = path.read_bytes()
    before = read_back(store)
    truncate(path)
    store.check(repair=True)
    assert len(read_back(store)) < len(before)
    path.write_bytes(whole)
    (problem,) = store.check().problems
    assert problem.repairable
    assert store.check(repair=True).good
    assert read_back(store) == before
    assert store.check(deep=True).problems == []


def test_a_segment_of_another_recorder_is_named(store: Store, tmp_path: Path) -> None:
    other = make(tmp_path / "other", segment_length=10, recorder="OTHER")
    other.run(25, other.camera())
    other.close()
    foreign = middle(other)
    path = middle(store)
    path.write_bytes(foreign.read_bytes())
    (problem,) = named(store.check().problems, path)
    assert "of recorder OTHER" in problem.what
    assert not problem.repairable


def test_a_catalogue_of_a_newer_version_is_refused_and_not_touched(store: Store) -> None:
    with sqlite3.connect(store.catalogue) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = store.catalogue.read_bytes()
    for repair in (False, True):
        with pytest.raises(NewerCatalogue):
            store.check(repair=repair)
    with pytest.raises(NewerCatalogue):
        store.open()
    with pytest.raises(NewerCatalogue):
        CatalogueReader(store.catalogue)
    with pytest.raises(NewerCatalogue):
        rebuild(store.catalogue, store.settings, "REC")
    assert store.catalogue.read_bytes() == before


@pytest.mark.parametrize("size", [50, 4096, 20_000])
def test_a_catalogue_that_was_cut_is_an_error_and_not_another_catalogue(store: Store, size: int) -> None:
    data = store.catalogue.read_bytes()[:size]
    store.catalogue.write_bytes(data)
    with pytest.raises(CatalogueBroken):
        store.check()
    with pytest.raises(CatalogueBroken):
        store.open()
    assert store.catalogue.read_bytes() == data
