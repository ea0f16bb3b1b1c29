"""The Range header."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import BadValue
from device.media import MICROSECONDS, Utc
from protocols.rtsp.range import Clock, Now, Npt, UnknownUnit, UnusedUnit, parse, point

MICROS = st.integers(0, 10**14)
UTC = st.integers(-(10**15), 10**17).map(Utc)


@given(MICROS | st.just(Now.NOW) | st.none(), MICROS)
def test_normal_play_time_is_read_as_it_was_written(start: int | Now | None, end: int) -> None:
    assert parse(Npt(start, end).encode()) == Npt(start, end)


@given(st.none() | UTC, UTC)
def test_absolute_time_is_read_as_it_was_written(start: Utc | None, end: Utc) -> None:
    assert parse(Clock(start, end).encode()) == Clock(start, end)


@given(st.text(max_size=60) | st.from_regex(r"(npt|clock)=[0-9TZnow.:\-]{0,40}", fullmatch=True))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(BadValue):
        parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("npt=0.000-", Npt(0)),
        ("npt=now-", Npt(Now.NOW)),
        ("npt=-20", Npt(None, 20_000_000)),
        ("npt=1:02:03.5-1:02:04", Npt(3_723_500_000, 3_724_000_000)),
        ("npt=10-20.25;time=19970123T143720Z", Npt(10_000_000, 20_250_000)),
        ("clock=19961108T142300.25Z-", Clock(Utc(847_462_980_250_000))),
        ("clock=20161231T235960Z-", Clock(Utc(1_483_228_800_000_000))),
    ],
)
def test_the_forms_of_the_standard_and_of_the_players(text: str, expected: Npt | Clock) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "npt", "npt=", "npt=-", "npt=x-", "clock=20230230T000000Z-", "clock=20230101T006000Z-"]
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse(text)


@pytest.mark.parametrize("unit", ["smpte", "smpte-25", "smpte-30-drop"])
def test_time_codes_are_told_apart_from_units_that_nobody_defined(unit: str) -> None:
    with pytest.raises(UnusedUnit):
        parse(f"{unit}=10:12:33:20-")
    with pytest.raises(UnknownUnit):
        parse("furlongs=1-2")


@pytest.mark.parametrize("text", ["npt=15.5", "npt=15.5-"])
def test_a_pause_names_one_point(text: str) -> None:
    assert point(text) == Npt(15_500_000)


@pytest.mark.parametrize("text", ["npt=1-2", "npt=now", "npt=-5", "npt=", "15", "clock=20230230T000000Z"])
def test_what_is_no_point_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        point(text)


def test_normal_play_time_in_the_disguise_of_1900_is_read_as_what_it_is() -> None:
    """GStreamer's rtspsrc in its ONVIF mode, where the description begins with a range of normal play time."""
    asked = parse("clock=19000101T000001.5Z-19000101T010000Z")
    assert asked == Npt(1_500_000, 3600 * MICROSECONDS, as_clock=True)
    assert parse("clock=19000101T000000Z-") == Npt(0, None, as_clock=True)
