"""The pure server and recordings: ranges in both directions, pauses at a point, and what PLAY leaves as it was."""

from __future__ import annotations

import pytest

from protocols.rtsp.effects import Pause, Play
from protocols.rtsp.manner import Manner
from tests.protocols.rtsp.test_serve import BASE, T0, table


@pytest.mark.parametrize(
    ("scale", "value", "status", "range_"),
    [
        ("-1.0", "npt=20-10", 200, "npt=20-10"),
        ("-2", "clock=20231114T221330Z-20231114T221325Z", 200, "clock=20231114T221330Z-20231114T221325Z"),
        ("-1", "npt=20-", 200, "npt=20-0"),
        ("-1", "npt=10-20", 457, None),
        ("1", "npt=20-10", 457, None),
        ("0", "npt=10-20", 400, None),
    ],
)
def test_the_direction_of_a_range_is_that_of_its_scale(
    scale: str, value: str, status: int, range_: str | None
) -> None:
    peer = table()
    session = peer.set_up(BASE + "/replay/1/trackID=0")
    answer = peer.ask("PLAY", BASE + "/replay/1", ("Session", session), ("Range", value), ("Scale", scale))
    assert (answer.status, answer.headers.get("Range")) == (status, range_)


def test_a_url_that_says_where_it_ends_ends_there() -> None:
    peer = table()
    assert b"a=range:npt=0-20\r\n" in peer.ask("DESCRIBE", BASE + "/replay/short").body
    session = peer.set_up(BASE + "/replay/short/trackID=0")
    answer = peer.ask("PLAY", BASE + "/replay/short", ("Session", session), ("Range", "npt=5-40"))
    assert answer.headers.get("Range") == "npt=5-20"


@pytest.mark.parametrize(
    ("value", "status", "at"),
    [
        ("npt=12.5", 200, T0 + 12_500_000),
        ("clock=20231114T221330Z-", 200, T0 + 10_000_000),
        ("npt=1-2", 400, None),
        ("smpte=0:00:01", 457, None),
        ("furlongs=1", 501, None),
    ],
)
def test_a_pause_may_name_the_point_where_it_takes_effect(value: str, status: int, at: int | None) -> None:
    peer = table()
    session = peer.set_up(BASE + "/replay/1/trackID=0")
    peer.ask("PLAY", BASE + "/replay/1", ("Session", session))
    answer = peer.ask("PAUSE", BASE + "/replay/1", ("Session", session), ("Range", value))
    assert answer.status == status
    assert [e.at for e in peer.effects if isinstance(e, Pause)] == ([at] if at is not None else [])


def test_play_without_a_word_goes_on_as_before_and_with_one_as_it_says() -> None:
    peer = table()
    session = peer.set_up(BASE + "/replay/1/trackID=0")
    for fields in ((("Scale", "2"),), (), (("Range", "npt=1-"),)):
        assert peer.ask("PLAY", BASE + "/replay/1", ("Session", session), *fields).status == 200
    asked = [effect.manner for effect in peer.effects if isinstance(effect, Play)]
    assert asked == [Manner(2.0), None, Manner()]
