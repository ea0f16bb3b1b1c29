"""The catalogue: who may write it, how it is read, and that no question takes longer as it grows."""

from __future__ import annotations

import re
import sqlite3
import struct
import subprocess
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise
from pathlib import Path

import pytest

from device.errors import BadValue, Fault, NotFound
from device.media import MICROSECONDS, Utc
from device.recording import catalogue, presence, recovery, retention, spans, stored
from device.recording.catalogue import CatalogueReader
from device.recording.database import (
    CatalogueBroken,
    CatalogueInUse,
    NewerCatalogue,
    open_reader,
    open_writer,
)
from device.recording.recorder import Recorder
from tests.device.recording.store import EVER, NEVER, Store, make

SECOND = MICROSECONDS


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make(tmp_path)


def test_a_newer_catalogue_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    open_writer(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    with pytest.raises(NewerCatalogue, match="version 99"):
        open_writer(path)
    with pytest.raises(NewerCatalogue):
        open_reader(path)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_what_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(CatalogueBroken):
        open_writer(path)
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(BadValue, match="something else"):
        open_writer(tmp_path / "other.db")
    with pytest.raises(Fault, match="no catalogue"):
        open_reader(tmp_path / "none.db")


def test_a_catalogue_whose_making_was_cut_short_is_made(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    path.write_bytes(bytes(8192))  # the page that came, and nothing in it
    # SQLite file format s3: magic, records, nonce, pages of the file before, sector, page.
    head = bytes.fromhex("d9d505f920a163d7") + struct.pack(">IIIII", 0, 7, 0, 512, 8192)
    (tmp_path / "catalogue.db-journal").write_bytes(head.ljust(512, b"\0"))
    with pytest.raises(Fault):
        open_reader(path)
    open_writer(path).close()
    open_reader(path).close()


def test_one_process_writes_it(store: Store) -> None:
    second = Recorder.__new__(Recorder)
    store_again = Store(
        store.folder, store.clock, store.settings, second, store.durability, store.segment_length
    )
    with pytest.raises(CatalogueInUse):
        store_again.open()
    store.close()


def test_another_recorders_catalogue_is_refused(store: Store) -> None:
    store.close()
    with sqlite3.connect(store.catalogue) as connection:
        connection.execute("UPDATE recorder SET id = 'OTHER'")
    with pytest.raises(BadValue, match="OTHER"):
        store.open()
    with sqlite3.connect(store.catalogue) as connection:
        connection.execute("UPDATE recorder SET id = 'REC'")
    store.open()
    store.close()


def test_another_process_reads_while_it_is_written(store: Store) -> None:
    camera = store.camera()
    store.run(5, camera)
    script = (
        "import sys; from pathlib import Path; from device.recording.catalogue import CatalogueReader as R\n"
        "with R(Path(sys.argv[1])) as r: print(r.segments('CAM1', 0, 1 << 60)[-1].end)"
    )
    root = Path(__file__).parents[3]
    told = subprocess.run(
        [sys.executable, "-c", script, store.catalogue], capture_output=True, text=True, cwd=root, check=True
    )
    assert int(told.stdout) == store.acknowledged["CAM1"]
    store.run(5, camera)
    store.close()


def test_a_reader_sees_an_open_segment_as_far_as_it_is_durable(store: Store) -> None:
    camera = store.camera()
    with store.reader() as reader:
        for _ in range(5):
            store.run(1, camera)
            (segment,) = reader.segments("CAM1", EVER, NEVER)
            assert segment.open
            assert segment.end == store.acknowledged["CAM1"]
            assert segment.path.stat().st_size >= segment.bytes
    store.close()


def test_spans_are_half_open(store: Store) -> None:
    store.run(125, store.camera())
    store.close()
    with store.reader() as reader:
        first, second, _ = reader.segments("CAM1", EVER, NEVER)
        assert reader.segments("CAM1", first.utc, Utc(first.utc + 1)) == [first]
        assert reader.segments("CAM1", first.end, Utc(first.end + 1)) == [second]
        assert reader.segments("CAM1", first.utc, first.utc) == []
        assert reader.segments("CAM1", EVER, first.utc) == []
        assert reader.segments("CAM1", Utc(second.end - 1), second.end) == [second]
        with pytest.raises(BadValue, match="end"):
            reader.segments("CAM1", first.end, first.utc)
        with pytest.raises(NotFound, match="CAM2"):
            reader.segments("CAM2", EVER, NEVER)


def test_a_timeline_is_runs_and_gaps_without_holes(store: Store) -> None:
    camera = store.camera()
    start = store.clock.utc()
    store.run(125, camera)
    camera.disconnect()
    store.run(5)
    camera.connect()
    store.run(10, camera)
    end = store.clock.utc()
    store.close()
    with store.reader() as reader:
        rows = reader.timeline("CAM1", start, end)
    assert [row.cause is None for row in rows] == [True, False, True]
    assert (rows[0].start, rows[-1].end) == (start, end)
    assert all(a.end == b.start for a, b in pairwise(rows))


def _statements() -> list[str]:
    texts = [
        catalogue._FROM,
        spans._HIDDEN_FROM,
        spans._HIDDEN,
        spans._DAMAGED_FROM,
        spans._DAMAGED,
        spans._RUN_FROM,
        spans._RUNS,
        presence.BOUNDS,
        catalogue._CLOSED,
        catalogue._OPEN,
        catalogue._HOLDINGS,
        catalogue._GROWING,
        spans._GAPS_FROM,
        spans._GAPS,
        retention._ON_VOLUME,
        retention._OF_RECORDING,
        retention._PROVISIONAL,
        *recovery._ENDS_BEFORE,
        *recovery._BEGINS_AFTER,
        stored._LOOSE,
        stored._AFTER,
        *chain(*presence._BOTH_WAYS),
    ]
    for module in (catalogue, retention, recovery, spans):
        source = Path(str(module.__file__)).read_text()
        for literal in re.findall(r'((?:"(?:SELECT|UPDATE|DELETE)[^"]*"\s*)(?:"[^"]*"\s*)*)', source):
            whole = "".join(re.findall(r'"([^"]*)"', literal)).replace("{0}", "ASC")
            texts += [whole]
    return sorted(set(texts))


@pytest.mark.parametrize("sql", _statements())
def test_no_question_scans_the_segments_or_the_gaps(tmp_path: Path, sql: str) -> None:
    connection = open_writer(tmp_path / "catalogue.db")
    plan = connection.execute("EXPLAIN QUERY PLAN " + sql, (0,) * sql.count("?")).fetchall()
    scans = [row[3] for row in plan if re.match(r"SCAN (s|segment|g|gap)\b", row[3])]
    assert [scan for scan in scans if "gap_open" not in scan] == []
    connection.close()


@pytest.mark.parametrize(
    "sql", [catalogue._FROM, spans._HIDDEN, spans._DAMAGED, *chain(*presence._BOTH_WAYS)]
)
def test_timelines_read_only_indexes(tmp_path: Path, sql: str) -> None:
    connection = open_writer(tmp_path / "catalogue.db")
    (row,) = connection.execute("EXPLAIN QUERY PLAN " + sql, (0,) * sql.count("?")).fetchall()
    assert "COVERING INDEX" in row[3]
    connection.close()


def test_a_reader_is_closed_between_two_answers(store: Store) -> None:
    """SQLite does not bear a connection that is closed while a thread reads from it: the process would end."""
    store.run(125, store.camera())
    store.close()
    reader, reading = CatalogueReader(store.catalogue), threading.Event()

    def read() -> None:
        while True:
            reader.timeline("CAM1", EVER, NEVER)
            reading.set()

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        assert reading.wait(30)
        reader.close()
        for each in readers:
            with pytest.raises(Fault, match="was closed"):
                each.result(30)


def test_the_memory_of_a_reader_is_that_of_its_answer(store: Store) -> None:
    store.run(125, store.camera())
    store.close()
    with CatalogueReader(store.catalogue) as reader:
        reader.segments("CAM1", EVER, NEVER)
        tracemalloc.start()
        for _ in range(50):
            reader.segments("CAM1", EVER, NEVER)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert size < 200_000
