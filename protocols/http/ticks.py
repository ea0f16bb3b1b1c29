"""Where a timeline's marks and days are: told by the recorder, in its zone. A browser's own zone, and the hours that
daylight saving takes and gives, lead others astray."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from device.media import MICROSECONDS, Utc

STEPS = (
    1,
    5,
    15,
    30,
    60,
    300,
    900,
    1800,
    3600,
    10_800,
    21_600,
    43_200,
)  #: seconds between marks within a day
DAYS = (1, 2, 7, 14, 28)  #: days between marks
ROOM = 80  #: pixels that a mark with its label needs


@dataclass(frozen=True, slots=True)
class Tick:
    """One mark."""

    utc: Utc
    label: str  #: hours and minutes, or the date
    day: bool  #: a day begins


def ticks(start: Utc, end: Utc, zone: tzinfo, width: int) -> list[Tick]:
    """Marks for a span that is drawn on so many pixels."""
    least = (end - start) / MICROSECONDS / max(width / ROOM, 1)
    step = next((each for each in STEPS if each >= least), None)
    found = []
    if step is None:
        apart = next((each for each in DAYS if each * 86_400 >= least), DAYS[-1] * 13)
        for number, (begin, _, name) in enumerate(days(start, end, zone)):
            if number % apart == 0 and begin >= start:
                found.append(Tick(begin, name, True))
        return found
    form = "%H:%M:%S" if step < 60 else "%H:%M"
    for begin, upto, name in days(start, end, zone):
        for at in range(begin, upto, step * MICROSECONDS):
            if start <= at < end:
                day = at == begin
                found.append(Tick(Utc(at), name if day else _local(Utc(at), zone).strftime(form), day))
    return found


def days(start: Utc, end: Utc, zone: tzinfo) -> Iterator[tuple[Utc, Utc, str]]:
    """The days of a zone that a span touches, whole: begin, end, and the date. One may have 23 or 25 hours."""
    day = _local(start, zone).date()
    begin = _midnight(day, zone)
    while begin < end:
        following = day + timedelta(days=1)
        upto = _midnight(following, zone)
        yield begin, upto, day.isoformat()
        day, begin = following, upto


def _local(utc: Utc, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(utc // MICROSECONDS, UTC).astimezone(zone)


def _midnight(day: date, zone: tzinfo) -> Utc:
    moment = datetime.combine(day, time(), zone)
    return Utc(round(moment.timestamp()) * MICROSECONDS)
