"""What is moved to the archive: whenever the power goes, its row names a place where all of it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from device.cameras.source import Cause
from device.errors import HoldfastError, PeerFault
from device.media import Utc
from device.recording.catalogue import CatalogueReader, SegmentRow
from device.recording.check import check
from device.recording.database import OlderCatalogue, open_reader, open_writer
from device.recording.moving import Proven
from device.recording.playback import Playback
from device.recording.reader import OutOfReach, SegmentFile
from tests.device.recording.store import EVER, NEVER, Store, make

TARGET = "3f2a7c1e-0000-4000-8000-000000000001"


class Attic:
    """An archive that is a folder; `away`: it is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.away: HoldfastError | None = None

    def bring(self, segment: SegmentRow) -> Proven:
        """Copy a segment."""
        data = segment.path.read_bytes()
        (self.folder / segment.path.name).write_bytes(data)
        return Proven(segment.id, len(data))

    def open(self, target: str, token: str, utc: Utc, name: str, octets: int) -> AtticFile:
        assert (target, token) in ((TARGET, "CAM1"), ("", "CAM1"))
        assert utc
        assert octets
        return AtticFile(self, self.folder / name)

    def wrong(self, target: str, token: str, utc: Utc, name: str, octets: int, *, deep: bool) -> str | None:
        assert (target, token, bool(utc), deep) == (TARGET, "CAM1", True, True)
        path = self.folder / name
        return None if path.exists() and path.stat().st_size == octets else "is not there"


class AtticFile:
    def __init__(self, attic: Attic, path: Path) -> None:
        self._attic = attic
        self._path = path

    def read(self, offset: int, length: int) -> bytes:
        if self._attic.away is not None:
            raise self._attic.away
        return self._path.read_bytes()[offset : offset + length]

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def attic(tmp_path: Path) -> Attic:
    (tmp_path / "attic").mkdir()
    return Attic(tmp_path / "attic")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Some finished segments of a camera."""
    store = make(tmp_path, segment_length=10)
    camera = store.camera()
    store.run(45, camera)
    camera.disconnect()
    store.beat()
    yield store
    store.recorder.close()


def here(store: Store) -> list[SegmentRow]:
    with store.reader() as reader:
        return reader.here("CAM1", NEVER, 100)


def archived(store: Store) -> list[int]:
    with store.reader() as reader:
        return [each.id for each in reader.segments("CAM1", EVER, NEVER) if each.archive == TARGET]


def move(store: Store, proven: list[Proven]) -> list[int]:
    future = store.recorder.archive(TARGET, r"\\nas\video", proven)
    assert store.recorder.settle()
    return future.result(0)


def sweep(store: Store) -> None:
    for _ in range(3):
        store.recorder.sweep()
        store.beat()
        store.beat()


def files(store: Store) -> set[int]:
    return {int(path.stem) for path in store.settings[0].path.glob("video/*/*/*.mp4")}


def played(reader: CatalogueReader) -> tuple[bytes, int]:
    playback = Playback(reader, "CAM1")
    pieces = playback.fragments(EVER, None)
    octets = b"".join(bytes(sample.data) for piece in pieces for sample in piece.samples)
    return octets, playback.unreadable


def test_a_moved_segment_is_played_as_before_and_gone_here(store: Store, attic: Attic) -> None:
    with store.reader() as reader:
        before, _ = played(reader)
    first, second, *others = here(store)
    assert move(store, [attic.bring(first), attic.bring(second)]) == [first.id, second.id]
    sweep(store)
    assert files(store) == {each.id for each in others}
    assert archived(store) == [first.id, second.id]
    with CatalogueReader(store.catalogue, attic) as reader:
        assert played(reader) == (before, 0)
    assert store.untiled() == []
    report = check(store.catalogue, store.settings, deep=True, repair=False, proofs=attic)
    assert report.problems == []
    (attic.folder / first.path.name).unlink()
    report = check(store.catalogue, store.settings, deep=True, repair=False, proofs=attic)
    assert [(each.invariant, each.what) for each in report.problems] == [(1, "is not there")]


def test_who_found_it_here_reads_on_where_it_is_now(store: Store, attic: Attic) -> None:
    with CatalogueReader(store.catalogue, attic) as reader:
        segment = reader.here("CAM1", NEVER, 1)[0]
    move(store, [attic.bring(segment)])
    sweep(store)
    with SegmentFile(segment) as file:
        assert file.read(segment.fragments[0], verify=True).samples()


def test_while_the_archive_is_away_the_rest_is_played(store: Store, attic: Attic) -> None:
    first = here(store)[0]
    move(store, [attic.bring(first)])
    sweep(store)
    attic.away = PeerFault("The share does not answer.")
    with CatalogueReader(store.catalogue, attic) as reader:
        row = reader.segments("CAM1", EVER, NEVER)[0]
        octets, unreadable = played(reader)
        assert unreadable == len(first.fragments)
        assert octets
    with SegmentFile(row) as file, pytest.raises(OutOfReach, match="does not answer"):
        file.read(row.fragments[0], verify=False)
    with store.reader() as reader, pytest.raises(OutOfReach, match="nobody to read it"):
        SegmentFile(reader.segments("CAM1", EVER, NEVER)[0])


def test_evidence_under_lock_stays_here(store: Store, attic: Attic) -> None:
    first, second, *_ = here(store)
    locked = store.recorder.lock("CAM1", first.utc, Utc(first.utc + 1), until=None, who="anna", why="theft")
    assert store.recorder.settle()
    assert here(store)[0].id == second.id
    assert move(store, [attic.bring(first), attic.bring(second)]) == [second.id]
    sweep(store)
    assert first.id in files(store)
    store.recorder.unlock(locked.result(0))
    assert move(store, [attic.bring(first)]) == [first.id]


def test_one_that_is_another_than_its_copy_stays_here(store: Store, attic: Attic) -> None:
    first = here(store)[0]
    proven = attic.bring(first)
    assert move(store, [Proven(first.id, proven.octets - 1)]) == []
    assert move(store, [proven, proven, Proven(first.id + 999, 1)]) == [first.id]  # once


def test_the_power_goes_between_the_row_and_the_file(store: Store, attic: Attic) -> None:
    first = here(store)[0]
    move(store, [attic.bring(first)])
    report = check(store.catalogue, store.settings, deep=True, repair=False, proofs=attic)
    assert report.problems == []
    store.crash()
    assert archived(store) == [first.id]
    sweep(store)
    assert first.id not in files(store)
    store.close()
    report = check(store.catalogue, store.settings, deep=True, repair=True, proofs=attic)
    assert report.problems == []
    store.open()


def test_check_finishes_what_was_being_deleted(store: Store, attic: Attic) -> None:
    first = here(store)[0]
    move(store, [attic.bring(first)])
    store.close()
    report = check(store.catalogue, store.settings, deep=False, repair=True)
    assert [each.repaired for each in report.problems] in ([True], [])  # the last sweep may have been quicker
    assert first.id not in files(store)
    assert check(store.catalogue, store.settings, deep=False, repair=False).problems == []
    store.open()


def test_what_retention_deletes_is_deleted_there_as_well(store: Store, attic: Attic) -> None:
    first = here(store)[0]
    move(store, [attic.bring(first)])
    deleted = store.recorder.delete("CAM1", first.utc, first.end)
    sweep(store)
    assert len(deleted.result(0)) == 1
    with store.reader() as reader:
        assert reader.buried(TARGET) == [(first.id, "CAM1", first.utc)]
        assert reader.buried("another") == []
    assert store.untiled() == []
    assert (first.utc, first.end, Cause.DELETED) in store.ledger()
    store.recorder.erased([first.id, here(store)[0].id])  # who is not garbage stays
    assert store.recorder.settle()
    with store.reader() as reader:
        assert reader.buried(TARGET) == []
    assert len(here(store)) > 1
    assert check(store.catalogue, store.settings, deep=True, repair=False, proofs=attic).problems == []


def test_who_asks_and_goes_away_ends_nothing(store: Store, attic: Attic) -> None:
    first, second, *_ = here(store)
    futures = [store.recorder.archive(TARGET, "", [attic.bring(each)]) for each in (first, second)]
    for future in futures:
        future.cancel()  # too late for one that is being done, and that is done
    assert store.recorder.settle()
    assert archived(store) == [
        each.id for each, f in zip((first, second), futures, strict=True) if not f.cancelled()
    ]
    assert move(store, [attic.bring(here(store)[-1])])


def test_a_catalogue_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    script = (resources.files("device.recording.schema") / "0001.sql").read_text()
    with sqlite3.connect(path) as connection:
        connection.executescript(f"{script}; PRAGMA application_id = {0x48464431}; PRAGMA user_version = 1")
        connection.execute("INSERT INTO volume(id, uuid, path) VALUES (1, 'u', '/video')")
    connection.close()
    with pytest.raises(OlderCatalogue, match="version 1"):
        open_reader(path)
    writer = open_writer(path)
    assert writer.execute("SELECT uuid, archive FROM volume").fetchall() == [("u", 0)]
    writer.close()
    open_reader(path).close()
