"""A browser that does not keep up gets the next key frame."""

from __future__ import annotations

import pytest

from device.media import Sample, Utc
from protocols.http.backlog import Backlog, Group


def fragment(number: int, *, key: bool = False, size: int = 10) -> Sample:
    return Sample(0, number, Utc(number), key, bytes(size))


def taken(backlog: Backlog) -> list[int]:
    return [backlog.take().time for _ in range(len(backlog))]


def test_in_order() -> None:
    backlog = Backlog(100)
    for number in range(5):
        backlog.offer(fragment(number, key=number == 0))
    assert taken(backlog) == [0, 1, 2, 3, 4]
    with pytest.raises(IndexError):
        backlog.take()


def test_what_does_not_fit_is_dropped_up_to_the_next_key_frame() -> None:
    backlog = Backlog(25)
    for number in range(9):
        backlog.offer(fragment(number, key=number in (0, 7)))
    assert taken(backlog) == [7, 8]
    assert backlog.dropped == 7


def test_a_key_frame_that_does_not_fit_takes_the_place_of_what_waits() -> None:
    backlog = Backlog(25)
    for number in (0, 1):
        backlog.offer(fragment(number, key=number == 0))
    backlog.offer(fragment(2, key=True, size=20))
    assert taken(backlog) == [2]


def test_one_that_is_larger_than_the_limit_goes_through() -> None:
    backlog = Backlog(25)
    backlog.offer(fragment(0, key=True, size=400))
    assert taken(backlog) == [0]


def test_what_may_be_sent_at_once() -> None:
    backlog = Backlog(25)
    assert backlog.passes(fragment(0, key=True))
    backlog.offer(fragment(1))
    assert not backlog.passes(fragment(2, key=True))
    backlog.clear()
    assert not backlog.passes(fragment(3))
    assert backlog.passes(fragment(4, key=True))
    assert backlog.passes(fragment(5))


def test_a_group_is_one_piece_and_none_that_is_too_large_is_kept() -> None:
    group = Group(25)
    group.add(fragment(0))
    assert group.whole() is None
    for number in (1, 2, 3):
        group.add(fragment(number, key=number == 2))
    whole = group.whole()
    assert whole is not None
    assert (whole.time, whole.key, len(whole.data)) == (2, True, 20)
    group.add(fragment(4))
    group.add(fragment(5))
    assert group.whole() is None
