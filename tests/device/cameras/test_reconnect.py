"""The ladder: at once, then slower, never slower than what five seconds allow, never for ever."""

from hypothesis import given
from hypothesis import strategies as st

from device.cameras.reconnect import JITTER, LADDER, STABLE, TRIES_WHILE_REJECTED, Hold, Ladder
from device.cameras.source import Cause

FAILURES = [cause for cause in Cause if cause.due and cause is not Cause.REJECTED]


def ladder() -> Ladder:
    return Ladder(lambda: 0.0)


def test_the_first_retry_is_at_once() -> None:
    assert ladder().ended(Cause.LINK_LOST, now=0.0) == 0.0


def test_the_waits_grow_to_the_last_step_and_stay_there() -> None:
    camera = ladder()
    waits = [camera.ended(Cause.UNREACHABLE, now=float(second)) for second in range(8)]
    assert waits == [*LADDER, LADDER[-1], LADDER[-1], LADDER[-1]]


def test_a_camera_that_comes_and_goes_stays_on_the_ladder() -> None:
    camera = ladder()
    for start in (0.0, 100.0):
        camera.ended(Cause.LINK_LOST, now=start)
    camera.delivering(now=200.0)
    assert camera.ended(Cause.LINK_LOST, now=200.0 + STABLE - 1) == LADDER[2]


def test_a_stable_stream_begins_the_ladder_anew() -> None:
    camera = ladder()
    for start in (0.0, 100.0):
        camera.ended(Cause.LINK_LOST, now=start)
    camera.delivering(now=200.0)
    camera.delivering(now=200.0 + STABLE)  # it says so at every key frame
    assert camera.ended(Cause.LINK_LOST, now=200.0 + STABLE) == LADDER[0]


def test_rejected_credentials_are_tried_three_times_and_then_held() -> None:
    camera = ladder()
    answers = [camera.ended(Cause.REJECTED, now=float(second)) for second in range(TRIES_WHILE_REJECTED)]
    assert [answer == Hold() for answer in answers] == [False, False, True]


def test_an_outage_between_rejections_does_not_buy_more_tries() -> None:
    camera = ladder()
    for cause in (Cause.REJECTED, Cause.UNREACHABLE, Cause.REJECTED, Cause.UNREACHABLE):
        assert camera.ended(cause, now=0.0) != Hold()
    assert camera.ended(Cause.REJECTED, now=0.0) == Hold()


def test_new_credentials_are_tried_at_once() -> None:
    camera = ladder()
    for _ in range(TRIES_WHILE_REJECTED):
        camera.ended(Cause.REJECTED, now=0.0)
    camera.credentials_changed()
    assert camera.ended(Cause.REJECTED, now=0.0) == LADDER[0]


@given(
    jitter=st.floats(0, 1),
    ends=st.lists(st.tuples(st.sampled_from(FAILURES), st.booleans(), st.floats(0, 1000)), max_size=50),
)
def test_nothing_but_rejection_makes_it_give_up_or_wait_for_long(
    jitter: float, ends: list[tuple[Cause, bool, float]]
) -> None:
    camera = Ladder(lambda: jitter)
    now = 0.0
    for cause, streamed, passed in ends:
        if streamed:
            camera.delivering(now)
        now += passed
        wait = camera.ended(cause, now)
        assert not isinstance(wait, Hold)
        assert 0.0 <= wait <= LADDER[-1]
        assert wait == 0.0 or wait >= LADDER[1] * (1 - JITTER)
