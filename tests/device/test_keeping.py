"""Identity, vault, files that are whole or not there, and the folder's lock."""

from __future__ import annotations

import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import durable
from device.database import DatabaseFault, open_database, transaction
from device.folder import DataFolder, RecorderRuns
from device.identity import IdentityLost, identity
from device.vault import SealBroken, Vault


def test_the_identity_is_made_once(tmp_path: Path) -> None:
    made = identity(tmp_path / "identity.json")
    assert identity(tmp_path / "identity.json") == made
    assert len(made.serial) == 12
    assert made.serial.startswith("HF")
    assert identity(tmp_path / "other.json") != made


def test_a_broken_identity_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "identity.json"
    path.write_text("{}")
    with pytest.raises(IdentityLost):
        identity(path)
    assert path.read_text() == "{}"


def _make(path: str, queue: multiprocessing.Queue[str]) -> None:
    queue.put(identity(Path(path)).id)


def test_processes_that_start_together_get_one_identity(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[str] = context.Queue()
    made = [context.Process(target=_make, args=(str(tmp_path / "i"), queue)) for _ in range(6)]
    for process in made:
        process.start()
    ids = {queue.get(timeout=20) for _ in made}
    for process in made:
        process.join()
    assert len(ids) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["i"]


def test_a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    durable.write_durably(path, b"one", mode=0o644)
    durable.write_durably(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("umask", [0o077, 0o000], ids=oct)
def test_a_file_is_for_those_whom_it_is_written_for(tmp_path: Path, umask: int) -> None:
    """Other users' networkd and chrony read what a service with a umask wrote."""
    before = os.umask(umask)
    try:
        for mode in (0o644, 0o600):
            durable.write_durably(tmp_path / "told", b"?", mode=mode)
            assert stat.S_IMODE((tmp_path / "told").stat().st_mode) == mode
        durable.create(tmp_path / "key", b"?")
        assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_the_key_is_made_once_and_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    sealed = Vault.at(path).seal("text", "place")
    assert Vault.at(path).open(sealed, "place") == "text"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@given(st.text(), st.text())
def test_what_is_sealed_opens_under_its_own_words_only(text: str, about: str) -> None:
    vault = Vault(b"a" * 32)
    try:
        sealed = vault.seal(text, about)
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    assert vault.open(sealed, about) == text
    assert vault.seal(text, about) != sealed
    with pytest.raises(SealBroken):
        vault.open(sealed, about + "x")
    with pytest.raises(SealBroken, match="another key"):
        Vault(b"b" * 32).open(sealed, about)


@given(st.text(max_size=80))
def test_nothing_else_opens(sealed: str) -> None:
    with pytest.raises(SealBroken):
        Vault(b"a" * 32).open(sealed, "place")


def test_the_folder_belongs_to_one_recorder_at_a_time(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.make()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    with folder.lock(), pytest.raises(RecorderRuns):
        folder.lock()
    with folder.lock():
        pass


def _open(path: str, queue: multiprocessing.Queue[int]) -> None:
    database = open_database(Path(path), ("CREATE TABLE a(b); CREATE TABLE c(d);", "CREATE TABLE e(f);"))
    queue.put(int(database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]))


def test_processes_that_make_a_database_together_all_get_it_whole(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[int] = context.Queue()
    for attempt in range(10):
        path = str(tmp_path / f"{attempt}.db")
        made = [context.Process(target=_open, args=(path, queue)) for _ in range(5)]
        for process in made:
            process.start()
        assert [queue.get(timeout=20) for _ in made] == [3] * 5
        for process in made:
            process.join()


def test_a_transaction_is_whole_or_not_there(tmp_path: Path) -> None:
    database = open_database(tmp_path / "d.db", ("CREATE TABLE a(b UNIQUE)",))

    def insert(*values: int) -> None:
        with transaction(database):
            for value in values:
                database.execute("INSERT INTO a VALUES (10 / ?)", (value,))
                _ = 1 // value

    with pytest.raises(ZeroDivisionError):
        insert(1, 0)
    with pytest.raises(DatabaseFault):
        insert(1, 1)
    with transaction(database):
        database.execute("INSERT INTO a VALUES (2)")
    assert database.execute("SELECT b FROM a").fetchall() == [(2,)]


def test_a_database_is_brought_up_to_date_once_and_keeps_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    first = open_database(path, ("CREATE TABLE a(b)",))
    first.execute("INSERT INTO a VALUES (1)")
    first.close()
    for _ in range(2):
        second = open_database(path, ("CREATE TABLE a(b)", "ALTER TABLE a ADD COLUMN c DEFAULT 7"))
        assert second.execute("SELECT * FROM a").fetchall() == [(1, 7)]
        second.close()
