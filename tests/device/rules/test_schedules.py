"""Schedules against an oracle that looks at every span as dates on a calendar, in any zone, past every change of
clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.media import MICROSECONDS, Utc
from device.rules.schedules import covers, pulses
from device.settings.rules import Schedule
from device.settings.schedule import Day, Span
from device.settings.section import validate

#: Clocks that go forward and back by an hour, by half an hour, at midnight, across the date line, or not at all.
ZONES = (
    "UTC",
    "Europe/Stockholm",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/St_Johns",
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WEEK = tuple(Day)

zones = st.sampled_from(ZONES).map(ZoneInfo)
minutes = st.integers(0, 24 * 60)
instants = st.integers(0, 27 * 365 * 1440).map(
    lambda minute: datetime(2010, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)
days = st.lists(st.sampled_from(WEEK), min_size=1, max_size=7, unique=True).map(tuple)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


spans = st.builds(
    lambda chosen, start, end: Span(days=chosen, start=clock(start % 1440), end=clock(end)),
    days,
    minutes,
    minutes,
)


def micros(moment: datetime) -> Utc:
    return Utc((moment - EPOCH) // timedelta(microseconds=1))


def wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """What a clock on the wall shows, to the minute."""
    return moment.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)


def minute_of(text: str) -> timedelta:
    return timedelta(hours=int(text[:2]), minutes=int(text[3:]))


def oracle_weekly(chosen: list[Span], shown: datetime) -> bool:
    """Lay every span on the calendar, of today and of yesterday, and see whether the wall's time lies in it."""
    for back in (0, 1):
        day = datetime.combine(shown.date() - timedelta(days=back), datetime.min.time())
        for span in chosen:
            if WEEK[day.weekday()] in span.days:
                start, end = minute_of(span.start), minute_of(span.end)
                if end <= start:
                    end += timedelta(days=1)
                if day + start <= shown < day + end:
                    return True
    return False


def weekly_schedule(chosen: list[Span]) -> Schedule:
    return validate(Schedule, "s", {"name": "S", "kind": "weekly", "spans": chosen})


@pytest.mark.proves("M-345")
@settings(max_examples=400)
@given(st.lists(spans, min_size=1, max_size=4), zones, instants)
def test_a_weekly_schedule_covers_what_the_calendar_says(
    chosen: list[Span], zone: ZoneInfo, moment: datetime
) -> None:
    inside = covers(weekly_schedule(chosen), zone)
    assert inside(micros(moment)) == oracle_weekly(chosen, wall(moment, zone))


@pytest.mark.proves("M-345")
@settings(max_examples=40)
@given(st.lists(spans, min_size=1, max_size=3), zones, st.integers(2012, 2034), st.data())
def test_every_minute_about_a_change_of_clocks_is_right(
    chosen: list[Span], zone: ZoneInfo, year: int, data: st.DataObject
) -> None:
    """The days on which a zone's clocks change, minute by minute."""
    noons = [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=day) for day in range(366)]
    changes = [
        noon
        for noon in noons
        if noon.astimezone(zone).utcoffset() != (noon - timedelta(days=1)).astimezone(zone).utcoffset()
    ]
    start = (data.draw(st.sampled_from(changes)) if changes else noons[100]) - timedelta(hours=30)
    inside = covers(weekly_schedule(chosen), zone)
    for minute in range(36 * 60):
        moment = start + timedelta(minutes=minute)
        assert inside(micros(moment)) == oracle_weekly(chosen, wall(moment, zone))


dates = st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(lambda day: f"{day.month:02}-{day.day:02}")


def oracle_yearly(first: str, last: str, shown: datetime) -> bool:
    """Count through the days of the years about it."""

    def begin(year: int, text: str) -> date:
        month, day = int(text[:2]), int(text[3:])
        try:
            return date(year, month, day)
        except ValueError:  # the 29th of February, in a year without it
            return date(year, 3, 1)

    def end(year: int, text: str) -> date:
        month, day = int(text[:2]), int(text[3:])
        try:
            return date(year, month, day) + timedelta(days=1)
        except ValueError:
            return date(year, 3, 1)

    for year in (shown.year - 1, shown.year):
        if begin(year, first) <= shown.date() < end(year if first <= last else year + 1, last):
            return True
    return False


@pytest.mark.proves("M-345")
@settings(max_examples=400)
@given(dates, dates, zones, instants)
def test_a_yearly_schedule_covers_what_the_calendar_says(
    first: str, last: str, zone: ZoneInfo, moment: datetime
) -> None:
    schedule = validate(Schedule, "s", {"name": "S", "kind": "yearly", "first": first, "last": last})
    assert covers(schedule, zone)(micros(moment)) == oracle_yearly(first, last, wall(moment, zone))


@pytest.mark.proves("M-346")
@settings(max_examples=200)
@given(st.integers(1, 3600), instants, st.lists(st.integers(1, 900_000), max_size=50))
def test_a_pulse_comes_once_for_each_whole_interval_however_often_somebody_looks(
    every: int, moment: datetime, steps: list[int]
) -> None:
    schedule = validate(Schedule, "s", {"name": "S", "kind": "pulse", "every": every})
    now = start = micros(moment)
    seen = 0
    for milliseconds in steps:
        before, now = now, Utc(now + milliseconds * 1000)
        seen += pulses(schedule, before, now)
    whole = now // (every * MICROSECONDS) - start // (every * MICROSECONDS)
    assert seen <= whole
    if all(milliseconds <= every * 1000 for milliseconds in steps):
        assert seen == whole
    assert not pulses(schedule, now, start)  # a clock that was put back brings none
