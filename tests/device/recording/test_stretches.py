"""What was recorded, piece by piece."""

from __future__ import annotations

from device.cameras.source import Cause
from device.media import Utc
from device.recording.catalogue import TimelineRow
from device.recording.stretches import Stretch, stretches


def row(start: int, end: int, cause: Cause | None = None, *, damaged: bool = False) -> TimelineRow:
    """A span of a timeline."""
    return TimelineRow(Utc(start), Utc(end), cause, damaged, 0 if cause else 1)


def test_runs_that_touch_are_one_stretch_and_a_gap_ends_it() -> None:
    rows = [row(0, 10), row(10, 20, damaged=True), row(20, 25, Cause.UNREACHABLE), row(25, 30)]
    assert stretches(rows, []) == [Stretch(Utc(0), Utc(20), True), Stretch(Utc(25), Utc(30), False)]


def test_a_stretch_ends_with_the_day() -> None:
    days = [Utc(0), Utc(100), Utc(200)]
    assert [(each.start, each.end) for each in stretches([row(50, 250)], days)] == [
        (50, 100),
        (100, 200),
        (200, 250),
    ]
    assert [(each.start, each.end) for each in stretches([row(100, 200)], days)] == [(100, 200)]


def test_nothing_was_recorded() -> None:
    assert stretches([row(0, 10, Cause.DISABLED)], [Utc(5)]) == []
