"""The Range header, RFC 2326 s3.6, s3.7 and s12.29: normal play time and absolute time. Pure.

Normal play time is held in microseconds since the beginning of the presentation, absolute time as `Utc`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from device.errors import BadValue
from device.media import MICROSECONDS, Utc

_NPT = re.compile(r"(?:(\d{1,9})|(\d{1,6}):([0-5]?\d):([0-5]?\d))(?:\.(\d{0,9}))?", re.ASCII)
_CLOCK = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?:[.,](\d{1,9}))?Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_1900 = -2_208_988_800 * MICROSECONDS
_YEAR_1901 = _YEAR_1900 + 365 * 86_400 * MICROSECONDS


class UnknownUnit(BadValue):
    """A unit of time that nobody defined: RFC 2326 s12.29 answers 501."""


class UnusedUnit(BadValue):
    """SMPTE time codes, which RFC 2326 s3.5 defines and no recording of a camera has: 457."""


class Now(Enum):
    """The present of what is live (RFC 2326 s3.6)."""

    NOW = "now"


@dataclass(frozen=True, slots=True)
class Npt:
    """`npt=START-END`. `start` None: from where it stands."""

    start: int | Now | None
    end: int | None = None
    as_clock: bool = False  #: it came in the disguise of absolute time, and is so answered

    def encode(self) -> str:
        """The header's value."""
        start = "" if self.start is None else "now" if isinstance(self.start, Now) else _seconds(self.start)
        return f"npt={start}-{'' if self.end is None else _seconds(self.end)}"


@dataclass(frozen=True, slots=True)
class Clock:
    """`clock=START-END`. In reverse play, `end` comes before `start` (ONVIF Streaming s6.5)."""

    start: Utc | None
    end: Utc | None = None

    def encode(self) -> str:
        """The header's value."""
        start = "" if self.start is None else utc_time(self.start)
        return f"clock={start}-{'' if self.end is None else utc_time(self.end)}"


def parse(value: str) -> Npt | Clock:
    """Read a Range value; its `time` parameter, which nobody sends, is ignored.

    Raises UnusedUnit and UnknownUnit for other units, BadValue for what is not a range.
    """
    unit, equals, text = value.partition(";")[0].strip().partition("=")
    unit = unit.strip().lower()
    if not equals:
        raise BadValue("Range", "not of the form unit=start-end")
    if unit == "npt":
        start, end = _halves(text)
        begin = Now.NOW if start == "now" else _npt(start) if start else None
        return Npt(begin, _npt(end) if end else None)
    if unit == "clock":
        start, end = _halves(text)
        clock = Clock(_utc(start) if start else None, _utc(end) if end else None)
        return _since_1900(clock) if clock.start is not None and clock.start < _YEAR_1901 else clock
    if unit in ("smpte", "smpte-25", "smpte-30-drop"):
        raise UnusedUnit("Range", "recordings have no SMPTE time codes")
    raise UnknownUnit("Range", f"the unit {unit[:20]!r} is not npt or clock")


def point(value: str) -> Npt | Clock:
    """Read the Range value of a PAUSE, which is one point (RFC 2326 s10.6); it is the start of what is returned.

    Raises as `parse` does.
    """
    text = value.partition(";")[0].strip()
    asked = parse(text if "-" in text.partition("=")[2] else text + "-")
    if asked.start is None or isinstance(asked.start, Now) or asked.end is not None:
        raise BadValue("Range", "not one point in time")
    return asked


def utc_time(utc: Utc) -> str:
    """`utc-time` of RFC 2326 s3.7, with microseconds where there are any."""
    whole, part = divmod(utc, MICROSECONDS)
    text = (_EPOCH + timedelta(seconds=whole)).strftime("%Y%m%dT%H%M%S")
    return f"{text.zfill(15)}.{part:06d}Z" if part else f"{text.zfill(15)}Z"


def _halves(text: str) -> tuple[str, str]:
    start, dash, end = text.strip().partition("-")
    if not dash or not (start or end):
        raise BadValue("Range", "not of the form start-end")
    return start.strip(), end.strip()


def _since_1900(clock: Clock) -> Npt:
    """GStreamer's rtspsrc in its ONVIF mode has read normal play time in our description, and asks for it as absolute
    time that begins with NTP's epoch."""
    assert clock.start is not None
    end = clock.end - _YEAR_1900 if clock.end is not None else None
    return Npt(max(0, clock.start - _YEAR_1900), end if end is None else max(0, end), as_clock=True)


def _npt(text: str) -> int:
    match = _NPT.fullmatch(text)
    if match is None:
        raise BadValue("Range", f"{text[:30]!r} is not normal play time")
    seconds, hours, minutes, rest, fraction = match.groups()
    whole = int(seconds) if seconds is not None else int(hours) * 3600 + int(minutes) * 60 + int(rest)
    return whole * MICROSECONDS + _fraction(fraction)


def _utc(text: str) -> Utc:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise BadValue("Range", f"{text[:30]!r} is not YYYYMMDDThhmmss[.fraction]Z")
    year, month, day, hour, minute, second = (int(match[n]) for n in range(1, 7))
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        raise BadValue("Range", f"{text[:30]!r} is no date") from None
    if second > 60:
        raise BadValue("Range", f"{text[:30]!r} is no time of day")
    leap = second == 60  # a leap second is played as the one after it
    whole = (moment - _EPOCH) // timedelta(seconds=1) + leap
    return Utc(whole * MICROSECONDS + _fraction(match[7]))


def _fraction(digits: str | None) -> int:
    return int((digits or "").ljust(6, "0")[:6])


def _seconds(microseconds: int) -> str:
    whole, part = divmod(microseconds, MICROSECONDS)
    return f"{whole}.{part:06d}".rstrip("0").rstrip(".") if part else str(whole)
