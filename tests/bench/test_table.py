"""What is printed is what stands in the README."""

from __future__ import annotations

import pytest

from bench.table import Table, ratio, say, say_ratio, spread


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (1.0, 8.0, 0.125),
        (0.0, 8.0, 0.0),
        (8.0, 1.0, 8.0),
        (None, 1.0, None),
        (1.0, None, None),
        (1.0, 0.0, None),
    ],
)
def test_a_ratio_is_ours_by_theirs_and_none_where_one_is_missing(
    ours: float | None, theirs: float | None, expected: float | None
) -> None:
    assert ratio(ours, theirs) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.125, "1/8.0"), (0.15, "1/6.7"), (1.0, "1.0 x"), (2.5, "2.5 x"), (0.0, "0"), (None, "-")],
)
def test_a_ratio_reads_as_a_part_when_we_are_cheaper_and_as_a_factor_when_not(
    value: float | None, text: str
) -> None:
    assert say_ratio(value) == text


def test_rounds_that_read_the_same_are_one_figure() -> None:
    assert spread([0.1001, 0.1004], 3) == "0.100"
    assert spread([0.3, 0.1, 0.2], 1) == "0.1–0.3"
    assert spread([], 1) == "-"


def test_what_was_not_measured_is_a_dash_and_not_a_nought() -> None:
    assert say(None, 2) == "-"
    assert say(0.0, 2) == "0.00"


def test_a_table_is_markdown_with_all_its_columns_in_every_line() -> None:
    long = "a title of a row that is longer than any terminal is wide, " * 4
    text = Table(
        "Title", ("", "CPU", "[MB]"), [("us", "0.1", "[1]"), (long, "1.0", "22")], ("A note.",)
    ).text()

    title, _, head, rule, *rest = text.splitlines()
    assert title == "**Title**"
    assert [cell.strip() for cell in head.split("|")] == ["", "", "CPU", "[MB]", ""]
    assert set(rule) <= set("|-:")
    assert [line.count("|") for line in (head, rule, *rest[:2])] == [4, 4, 4, 4]
    assert rest[-1] == "A note."
