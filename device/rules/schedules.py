"""When a schedule covers an instant, and when a pulse comes. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from device.media import MICROSECONDS, Utc
from device.settings.rules import Schedule, ScheduleKind
from device.settings.schedule import weekly

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def covers(schedule: Schedule, zone: tzinfo) -> Callable[[Utc], bool]:
    """Whether an instant lies in it, by what a calendar on the wall shows in `zone`. Never, where it is a pulse."""
    match schedule.kind:
        case ScheduleKind.WEEKLY:
            return weekly(schedule.spans, zone)
        case ScheduleKind.YEARLY:
            return _yearly(schedule.first, schedule.last, zone)
        case ScheduleKind.PULSE:
            return lambda _: False


def _yearly(first: str, last: str, zone: tzinfo) -> Callable[[Utc], bool]:
    """From the beginning of the first day to the end of the last, each year; over the year's end where `last` is before
    `first`. A 29th of February that a year does not have is passed over."""

    def inside(utc: Utc) -> bool:
        local = (_EPOCH + timedelta(microseconds=utc)).astimezone(zone)
        day = f"{local.month:02}-{local.day:02}"
        if first <= last:
            return first <= day <= last
        return day >= first or day <= last

    return inside


def pulses(schedule: Schedule, before: Utc, now: Utc) -> bool:
    """Whether a pulse came after `before` and until `now`. They come at whole multiples of their interval since 1970
    UTC: neither a restart nor summer time moves them."""
    if schedule.kind is not ScheduleKind.PULSE or now <= before:
        return False
    every = round(schedule.every * MICROSECONDS)
    return before // every != now // every
