"""When there was something at all: what the timeline says, read in pages and from either end."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from device.errors import Fault, NotFound
from device.media import MICROSECONDS, Utc
from device.recording import presence
from device.recording.catalogue import CatalogueReader
from device.recording.modes import Mode, Policy
from tests.device.recording.store import EVER, NEVER, Store, make

WAITS = "CAM2"  #: in event mode: most of it is hidden


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Gaps of several causes, a lost picture, a clock that was set back, an event; the last gap lasts."""
    store = make(tmp_path)
    camera = store.camera()
    waits = store.camera(WAITS, Policy(Mode.EVENT, pre_event=10, post_event=5))
    both = (camera, waits)
    for number in range(6):
        store.run(21, *both)
        camera.skip()
        store.run(3, *both)
        camera.disconnect()
        store.run(4 + number)
        camera.connect()
        if number == 1:
            store.recorder.trigger(WAITS, store.clock.utc()).result(30)
        if number == 3:
            store.run(12, *both)
            store.clock.step(-9)
    store.run(15, *both)
    camera.disconnect()
    store.run(6)
    return store


def there(reader: CatalogueReader, token: str, start: Utc, end: Utc) -> list[tuple[Utc, Utc]]:
    """What the timeline says, joined."""
    joined: list[tuple[Utc, Utc]] = []
    for row in sorted(reader.timeline(token, start, end), key=lambda row: row.start):
        if row.cause is not None:
            continue
        if joined and row.start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], row.end)
        else:
            joined.append((row.start, row.end))
    return joined


@pytest.mark.parametrize("token", ["CAM1", WAITS])
@pytest.mark.parametrize("page", [1, 2, 512])
def test_it_is_what_the_timeline_says_from_either_end(
    store: Store, token: str, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SMALLEST", page)
    monkeypatch.setattr(presence, "LARGEST", page)
    draw = random.Random(page)
    with store.reader() as reader:
        row = reader.recording(token)
        assert row.first is not None
        assert row.last is not None
        spans = there(reader, token, EVER, NEVER)
        assert len(spans) > (4 if token == "CAM1" else 0)
        edges = [Utc(at + by) for span in spans for at in span for by in (-1, 0, 1)]
        edges += [Utc(draw.randrange(row.created, row.last + 20 * MICROSECONDS)) for _ in range(8)]
        whole = (EVER, NEVER)
        for low, high in (whole, *pairwise(sorted(edges)), *zip(edges, sorted(edges), strict=True)):
            start, end = min(low, high), max(low, high)
            expected = there(reader, token, start, end)
            assert list(reader.present(token, start, end)) == expected
            assert list(reader.present(token, start, end, back=True)) == expected[::-1]
    store.close()


def test_the_first_page_is_read_and_no_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "SMALLEST", 1)
    store.close()
    with store.reader() as reader:
        asked: list[str] = []
        reader._connection.set_trace_callback(asked.append)
        assert next(reader.present("CAM1", EVER, NEVER))
        few = len(asked)
        assert next(reader.present("CAM1", EVER, NEVER, back=True))
        assert len(asked) - few <= few + 2
        asked.clear()
        assert len(list(reader.present("CAM1", EVER, NEVER))) > 4
        assert len(asked) > few
        reader._connection.set_trace_callback(None)


def test_a_recording_that_is_not_there_and_a_catalogue_that_was_closed(store: Store) -> None:
    store.close()
    with store.reader() as reader:
        with pytest.raises(NotFound):
            reader.present("CAM9", EVER, NEVER)
        spans = reader.present("CAM1", EVER, NEVER)
    with pytest.raises(Fault, match="was closed"):
        next(spans)
