"""Weekly schedules, in the recorder's local time. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from device.media import Utc

DAY = 24 * 60  #: minutes


class Day(Enum):
    """Days of the week, ISO 8601's order."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


_WEEK = tuple(Day)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _time(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00", text, re.ASCII):
        raise ValueError("must be a time from 00:00 to 24:00")
    return text


Time = Annotated[str, AfterValidator(_time)]  #: HH:MM of a local clock; 24:00 is the end of the day


def minute(text: Time) -> int:
    """Minutes since midnight."""
    return int(text[:2]) * 60 + int(text[3:])


class Span(BaseModel):
    """From `start` until before `end` on each of the days. An end at or before the start lies on the next
    day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: tuple[Day, ...] = _WEEK
    start: Time = "00:00"
    end: Time = "24:00"


def weekly(spans: Sequence[Span], zone: tzinfo) -> Callable[[Utc], bool]:
    """Whether an instant lies in one of the spans, by what a clock on the wall shows in `zone` at that
    instant.

    So where the clock is put back an hour comes twice, and is in the span both times.
    """
    due = [set[tuple[int, int]]() for _ in _WEEK]  # of each day the spans as minutes
    for span in spans:
        start, end = minute(span.start), minute(span.end)
        for day in span.days:
            today = _WEEK.index(day)
            if end > start:
                due[today].add((start, end))
            else:
                due[today].add((start, DAY))
                due[(today + 1) % 7].add((0, end))

    def covers(utc: Utc) -> bool:
        local = (_EPOCH + timedelta(microseconds=utc)).astimezone(zone)
        now = local.hour * 60 + local.minute
        return any(start <= now < end for start, end in due[local.weekday()])

    return covers
