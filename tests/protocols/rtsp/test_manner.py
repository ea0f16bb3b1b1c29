"""How a recording is to be played: what is asked for, and what can be had."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import BadValue
from protocols.rtsp.manner import ALL_FRAMES, FASTEST, SLOWEST, SPEEDS, Manner, answer, named, parse
from protocols.rtsp.message import headers

NAMES = st.sampled_from(["Scale", "Speed", "Rate-Control", "Frames"])


@given(
    st.dictionaries(
        NAMES,
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
        | st.floats().map(str)
        | st.sampled_from(["intra", "intra/4000", "all", "no", "yes", "predicted"]),
    )
)
def test_anything_is_within_the_limits_or_refused(given_: dict[str, str]) -> None:
    with contextlib.suppress(BadValue):
        manner = parse(headers(given_.items()))
        assert SLOWEST <= abs(manner.scale) <= FASTEST
        assert SPEEDS[0] <= manner.speed <= SPEEDS[1]
        assert manner.every >= 0
        assert manner.keys or abs(manner.scale) <= ALL_FRAMES


@pytest.mark.parametrize(
    ("fields", "manner"),
    [
        ({}, Manner()),
        ({"Scale": "2"}, Manner(2.0)),
        ({"Scale": "-1.0"}, Manner(-1.0)),
        ({"Scale": "4"}, Manner(4.0)),
        ({"Scale": "8"}, Manner(8.0, 1.0, True, 320_000)),
        ({"Scale": "-100000"}, Manner(-FASTEST, 1.0, True, 10_240_000)),
        ({"Speed": "2.5"}, Manner(1.0, 2.5)),
        ({"Speed": "1.0 - 2.5"}, Manner()),
        ({"Frames": "intra/4000"}, Manner(1.0, 1.0, True, 4_000_000)),
        ({"Frames": "predicted"}, Manner()),
        ({"Rate-Control": "no", "Scale": "-3", "Speed": "2"}, Manner(-1.0, 1.0, False, 0, False)),
    ],
)
def test_what_players_and_standards_ask_for(fields: dict[str, str], manner: Manner) -> None:
    assert parse(headers(fields.items())) == manner


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Scale", "0"),
        ("Scale", "fast"),
        ("Scale", "nan"),
        ("Scale", "1e9"),
        ("Speed", "-1"),
        ("Speed", "0"),
        ("Rate-Control", "perhaps"),
        ("Frames", "some"),
        ("Frames", "intra/-1"),
        ("Frames", "intra/999999999"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadValue, match=name):
        parse(headers([(name, value)]))


def test_the_answer_tells_what_is_done() -> None:
    asked = headers([("Scale", "1000"), ("Speed", "1")])
    assert answer(asked, parse(asked)) == (("Scale", "256.0"), ("Speed", "1.0"))
    assert answer(headers([]), Manner()) == ()
    assert named(asked)
    assert not named(headers([("Range", "npt=0-")]))
