"""Which gaps a camera's card is asked for, and how often."""

from __future__ import annotations

from itertools import pairwise

from device.cameras.source import Cause
from device.edge.planner import AGE, KEPT, WAITS, Outage, Tries, outages
from device.media import MICROSECONDS, Utc
from device.recording.catalogue import GapRow

NOW = Utc(1_750_000_000 * MICROSECONDS)


def gap(start: float, end: float | None, cause: Cause, *, epoch: int = 1, inside: int = 0) -> GapRow:
    """Seconds before now."""
    until = None if end is None else Utc(NOW - round(end * MICROSECONDS))
    return GapRow(epoch, Utc(NOW - round(start * MICROSECONDS)), until, cause, 0, "", inside)


def spans(*gaps: GapRow, epoch: int = 1) -> list[tuple[float, float]]:
    return [
        ((NOW - each.start) / MICROSECONDS, (NOW - each.end) / MICROSECONDS)
        for each in outages(gaps, epoch, NOW)
    ]


def test_an_outage_is_one_whatever_its_causes_were_and_the_newest_comes_first() -> None:
    assert spans(
        gap(900, 880, Cause.SILENT),
        gap(100, 95, Cause.LINK_LOST),
        gap(95, 60, Cause.UNREACHABLE),
        gap(60, 40, Cause.RECORDER_DOWN),
    ) == [(100, 40), (900, 880)]


def test_what_was_not_due_or_never_was_is_not_asked_for() -> None:
    for cause in (Cause.DISABLED, Cause.NOT_SCHEDULED, Cause.DELETED, Cause.EXPIRED, Cause.CLOCK_STEP):
        assert spans(gap(100, 40, cause)) == []
    assert spans(
        gap(100, 80, Cause.LINK_LOST), gap(80, 60, Cause.DISABLED), gap(60, 40, Cause.LINK_LOST)
    ) == [
        (60, 40),
        (100, 80),
    ]


def test_what_lasts_or_is_short_or_old_or_too_new_or_inside_a_segment_is_not_asked_for() -> None:
    assert spans(gap(100, None, Cause.LINK_LOST)) == []
    assert spans(gap(100, 99.9, Cause.LINK_LOST)) == []
    assert spans(gap(AGE / MICROSECONDS + 10, 40, Cause.LINK_LOST)) == []
    assert spans(gap(100, 1, Cause.LINK_LOST)) == []
    assert spans(gap(100, 40, Cause.PACKET_LOSS, inside=7)) == []


def test_what_was_before_the_clock_was_set_back_is_not_asked_for() -> None:
    assert spans(gap(100, 40, Cause.LINK_LOST, epoch=1), epoch=2) == []


def test_a_gap_is_asked_for_a_few_times_and_then_stays_one() -> None:
    tries, outage, now = Tries(), Outage(1, Utc(0), NOW), 1000.0
    asked = []
    for _ in range(40_000):
        if tries.due("CAM1", outage, now):
            asked.append(now)
            tries.made("CAM1", outage, now)
            outage = Outage(1, Utc(outage.start + 1), outage.end)  # some of it came
        now += 1
    assert [other - one for one, other in pairwise(asked)] == list(WAITS)
    assert tries.due("CAM2", outage, now)


def test_tries_take_no_more_memory_than_they_may() -> None:
    tries = Tries()
    for number in range(KEPT + 100):
        tries.made("CAM1", Outage(1, Utc(0), Utc(number)), 0.0)
    assert len(tries._made) == KEPT
