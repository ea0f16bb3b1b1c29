"""The newest entries of a journal that are wanted, a page at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.events.catalogue import ClockStepped
from device.events.journal import Journal
from protocols.http.api import events
from protocols.http.api.events import newest
from tests.device.clock.simulated import SimulatedClock
from tests.device.events.test_events import flushed, killed

MOST = 10_000


def paged(book: Journal, limit: int, every: int, most: int = MOST) -> list[float]:
    """What is found in all pages: every so many of what was said."""
    found: list[float] = []
    before: int | None = None
    while True:
        page, before = newest(
            book, before, most, limit, lambda entry: getattr(entry.event, "step", 1) % every == 0
        )
        assert len(page) <= limit
        found += [entry.event.step for entry in page if isinstance(entry.event, ClockStepped)]
        if before is None:
            return found


@pytest.mark.parametrize("limit", [1, 7, 100])
@pytest.mark.parametrize("most", [10, MOST])
def test_all_pages_together_are_the_journal_though_its_numbers_leap(
    limit: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SCAN", 10)
    path, clock, said = tmp_path / "events.db", SimulatedClock(), 0
    for _ in range(3):
        journal = Journal(path, "control", clock, keep=100)
        for _ in range(20):
            journal.append(ClockStepped(float(said)))
            said += 1
        killed(flushed(journal), path, ClockStepped(-1.0))
    journal = Journal(path, "control", clock, keep=100)
    assert paged(journal, limit, 1, most) == [float(n) for n in range(59, -1, -1)]
    assert paged(journal, limit, 9, most) == [54.0, 45.0, 36.0, 27.0, 18.0, 9.0, 0.0]
    assert newest(journal, 1, most, limit, lambda _: True) == ([], None)
    journal.close()
