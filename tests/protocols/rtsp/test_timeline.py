"""RTP time to wall time: a day of drift and jitter, bursts, stalls, jumps, B-frames, and two tracks in
step.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.media import Utc
from protocols.rtsp.rtcp import SenderReport
from protocols.rtsp.timeline import BURST, CATCH_UP, LEAP, NEAR, Instant, Line, Timeline

EPOCH = 1_800_000_000_000_000
DAY = 86400


def now(seconds: float, offset: float = 0.0) -> Instant:
    return Instant(seconds, Utc(EPOCH + round((seconds + offset) * 1e6)))


def day(ppm: float, jitter: float, rate: float, seconds: int, seed: int) -> Iterator[tuple[float, float]]:
    """Capture time and wall-clock error of each unit of a camera whose clock runs `ppm` fast."""
    rng = random.Random(seed)
    line = Line(90000)
    first = rng.getrandbits(32)
    previous = -1.0
    arrived = 0.0
    for n in range(int(seconds * rate)):
        captured = n / rate
        delay = 0.01 + rng.expovariate(1 / jitter) if jitter else 0.01
        arrived = max(arrived, captured + delay)
        ticks = first + round(captured * (1 + ppm * 1e-6) * 90000)
        time, local = line.place(ticks & 0xFFFF_FFFF, arrived)
        assert time == ticks
        assert local > previous
        previous = local
        yield captured, local - captured
    assert not line.broken


@pytest.mark.parametrize("ppm", [-500, 0, 500])
@pytest.mark.parametrize("jitter", [0.0, 0.015])
def test_a_day_of_drift_stays_within_a_tenth_of_a_second(ppm: float, jitter: float) -> None:
    errors = list(day(ppm, jitter, rate=2.0, seconds=DAY, seed=int(ppm) + 1000))
    settled = [error for captured, error in errors if captured > 60]
    assert max(map(abs, settled)) < 0.1
    assert abs(settled[-1]) < 0.1


@given(
    ppm=st.floats(-500, 500),
    jitter=st.floats(0, 0.05),
    rate=st.sampled_from([5.0, 12.5, 25.0]),
    seed=st.integers(0, 99),
)
@settings(max_examples=20)
def test_the_line_is_smooth(ppm: float, jitter: float, rate: float, seed: int) -> None:
    errors = [error for _, error in day(ppm, jitter, rate, seconds=120, seed=seed)]
    steps = [abs(b - a) for a, b in itertools.pairwise(errors)]
    assert max(steps) <= CATCH_UP / rate + 1e-3
    assert max(map(abs, errors[len(errors) // 2 :])) < 0.1


def test_a_burst_at_the_start_does_not_shift_the_day() -> None:
    """Servers send the running group of pictures at once: its first frame is two seconds old when it
    comes.
    """
    line = Line(90000)
    for n in range(2000):
        captured = n / 25
        _, local = line.place(n * 3600, max(captured, 2.0))
    assert abs(local - captured) < 0.05


def test_a_stall_of_the_network_is_not_taken_for_time() -> None:
    line = Line(90000)
    worst = 0.0
    for n in range(5000):
        captured = n / 25
        arrival = captured if not 100 <= captured < 108 else 108.0
        _, local = line.place(n * 3600, arrival)
        worst = max(worst, abs(local - captured))
    assert worst < 0.05
    assert not line.broken


#: Units a second, and seconds between two looks.
RATES = [(25.0, 0.0), (25.0, 0.08), (10.0, 0.08), (5.0, 0.08)]
Wrong = Callable[
    [int, int, float], float
]  #: seconds that a timestamp says, of unit n, wrong since a unit, and the rate


def stuck(n: int, since: int, rate: float) -> float:
    return since / rate


def backward(n: int, since: int, rate: float) -> float:
    return (2 * since - n) / rate


def rewound(n: int, since: int, rate: float) -> float:
    return (4 * since - 3 * n) / rate


def ahead(n: int, since: int, rate: float) -> float:
    return n / rate + 20_000


def behind(n: int, since: int, rate: float) -> float:
    return n / rate - 20_000


def little_behind(n: int, since: int, rate: float) -> float:
    return n / rate - 1.5


def anything(n: int, since: int, rate: float) -> float:
    return random.Random(n).uniform(0, 40_000)


def nought(n: int, since: int, rate: float) -> float:
    return 0.0


class Camera:
    """A camera of so many units a second, whose timestamps may be wrong, seen by who looks at times only."""

    def __init__(self, rate: float, looks: float, reorders: bool = False) -> None:
        self.line = Line(90000)
        self.line.reorders = reorders
        self.rate, self.looks = rate, looks
        self.number = 0
        self.errors: list[float] = []  #: seconds that a unit was put later than it was
        self.placed: list[tuple[int, float]] = []
        self.runs = 0

    def send(self, seconds: float, timestamp: Callable[[int], int] | None = None) -> None:
        """`timestamp` of a unit, by its number; without it the right one."""
        until = self.number + round(seconds * self.rate)
        while self.number < until:
            captured = self.number / self.rate
            told = round(captured * 90000) if timestamp is None else timestamp(self.number)
            arrival = math.ceil(captured / self.looks) * self.looks if self.looks else captured
            self.placed.append(self.line.place(told & 0xFFFF_FFFF, arrival))
            self.errors.append(self.placed[-1][1] - captured)
            self.number += 1
            if self.line.broken and self.number % 10 == 0:  # a key frame
                self.runs += 1
                self.line.broken = False

    @property
    def farthest(self) -> float:
        """Seconds that a time was most wrong, or will be by the wrong distance of the first arrival."""
        return max(map(abs, self.errors))

    def runs_on(self) -> bool:
        """Media time and wall time grow together, strictly, and by the same."""
        pairs = list(itertools.pairwise(self.placed))
        return all(b[0] > a[0] and b[1] > a[1] for a, b in pairs) and all(
            abs((b[1] - a[1]) / (b[0] - a[0]) * 90000 - 1) <= CATCH_UP + 1e-6 for a, b in pairs
        )


@pytest.mark.parametrize(("rate", "looks"), RATES)
@pytest.mark.parametrize("wrong", [stuck, backward, rewound, ahead, behind, little_behind, anything, nought])
def test_wrong_timestamps_are_no_times(rate: float, looks: float, wrong: Wrong) -> None:
    camera = Camera(rate, looks)
    for _ in range(3):
        camera.send(12)
        since = camera.number
        camera.send(8, lambda n, since=since: round(wrong(n, since, rate) * 90000))  # type: ignore[misc]  # bound now
    camera.send(12)
    assert camera.runs_on()
    assert camera.farthest < 0.2
    assert camera.runs == 3


def test_a_clock_that_never_goes_is_no_worse_than_the_looks_at_it() -> None:
    camera = Camera(25.0, 0.08)
    camera.send(120, lambda _: 4711)
    assert camera.runs_on()
    assert camera.farthest < 0.2
    assert camera.runs == 1


def test_units_without_times_of_their_own_are_evenly_spaced() -> None:
    """Two of them arrive in one look, but they were not taken at one instant."""
    camera = Camera(25.0, 0.08)
    camera.send(12)
    camera.send(20, lambda _: 4711)
    steps = [b[1] - a[1] for a, b in itertools.pairwise(camera.placed[-400:])]
    assert 0.03 < min(steps) <= max(steps) < 0.05


@pytest.mark.parametrize("speed", [0.5, 0.8, 0.98, 0.99, 0.995, 1.01, 1.25, 2.0])
@pytest.mark.parametrize(("rate", "looks"), RATES)
def test_a_clock_that_tells_another_speed_is_measured(rate: float, looks: float, speed: float) -> None:
    """Cameras that take fewer pictures in the dark, and count them as if they were as many."""
    camera = Camera(rate, looks)
    camera.send(60)
    dusk = camera.number
    camera.send(180, lambda n: round((dusk + (n - dusk) * speed) / rate * 90000))
    dawn = camera.number
    missed = (dawn - dusk) * (1 - speed)
    camera.send(180, lambda n: round((n - missed) / rate * 90000))
    for night in (camera.errors[dawn - 1000 : dawn], camera.errors[-1000:]):
        assert max(map(abs, night[-round(100 * rate) :])) < 0.15
    assert all(b[0] > a[0] and b[1] > a[1] for a, b in itertools.pairwise(camera.placed))
    assert camera.runs <= 8


def test_in_a_bad_network_media_time_stays_what_the_timestamps_say() -> None:
    """Nothing is lost, but it comes late by up to four seconds, again and again."""
    draw = random.Random(1)
    line = Line(90000)
    free, errors = 0.0, []
    for n in range(25 * 1800):
        captured = n / 25
        if draw.random() < 1 / 500:  # every twenty seconds nothing goes for a while; then the queue drains
            free = max(free, captured) + draw.uniform(0.2, 4)
        free = max(captured, free + 0.01)
        time, local = line.place(n * 3600 & 0xFFFF_FFFF, free)
        assert time == n * 3600
        errors.append(local - captured)
    assert max(map(abs, errors)) < 0.2
    assert not line.broken


@pytest.mark.parametrize("speed", [1.5, 3.0])
def test_a_clock_that_runs_much_too_fast_is_held_back(speed: float) -> None:
    camera = Camera(25.0, 0.0)
    camera.send(120, lambda n: round(n / 25 * speed * 90000))
    assert max(map(abs, camera.errors[500:])) < LEAP + NEAR


def test_a_clock_that_stood_while_nothing_came_is_set_right() -> None:
    """The camera says that no time went by, and everything from then on comes a minute late."""
    line = Line(90000)
    for n in range(500):
        line.place(n * 3600, n / 25)
    for n in range(500, 1000):
        _, local = line.place(n * 3600, n / 25 + 60)
    assert abs(local - (n / 25 + 60)) < 0.01
    assert line.broken


@pytest.mark.parametrize("jump", [BURST + 1, 3600.0, 86400.0, -3.0, -3600.0])
def test_a_jump_is_bridged_with_what_went_by_here(jump: float) -> None:
    line = Line(90000)
    times = []
    for n in range(200):
        offset = round(jump * 90000) if n >= 100 else 0
        times.append(line.place((n * 3600 + offset) & 0xFFFF_FFFF, n / 25)[0])
    assert line.broken
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert steps[:99] == [3600] * 99
    assert 0 < steps[99] < 7200
    assert steps[100:] == [3600] * 99


def test_a_pause_of_the_camera_is_no_jump() -> None:
    line = Line(90000)
    line.place(0, 0.0)
    time, local = line.place(90000 * 60, 60.0)
    assert (time, round(local, 3)) == (90000 * 60, 60.0)
    assert not line.broken


def test_pictures_in_decoding_order_keep_their_own_times() -> None:
    """I P B B: presentation times go back and forth; wall time follows them."""
    order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    in_order(order, order)


def in_order(order: list[int], sent: list[int]) -> None:
    line = Line(90000)
    line.reorders = True
    placed = [line.place(n * 3600, order.index(n) / 25) for n in sent]
    assert [time for time, _ in placed] == [n * 3600 for n in sent]
    by_time = sorted(placed)
    assert all(b[1] > a[1] for a, b in itertools.pairwise(by_time))
    assert not line.broken


def hierarchy(low: int, high: int) -> list[int]:
    """The pictures between two, in the order in which a pyramid codes them."""
    middle = (low + high) // 2
    return [] if high - low < 2 else [middle, *hierarchy(low, middle), *hierarchy(middle, high)]


@given(
    width=st.sampled_from([2, 3, 4, 8, 16]),
    lost=st.sets(st.integers(1, 160), max_size=80),
    n=st.integers(2, 8),
)
def test_a_pyramid_of_pictures_keeps_its_times_whatever_of_it_is_lost(
    width: int, lost: set[int], n: int
) -> None:
    order = [0]
    for anchor in range(width, n * width + 1, width):
        order += [anchor, *hierarchy(anchor - width, anchor)]
    in_order(order, [each for each in order if each not in lost])


def test_after_a_leap_the_next_pictures_in_decoding_order_are_in_order_again() -> None:
    line = Line(90000)
    line.reorders = True
    placed = []
    order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11, 15, 13, 14]
    for k, n in enumerate(order):
        stamp = n * 3600 + (9000 * 90000 if k >= 7 else 0)
        placed.append((line.place(stamp, k / 25)[0], n))
    assert line.broken
    assert [n for _, n in sorted(placed[:7])] == list(range(7))
    assert [n for _, n in sorted(placed[10:])] == list(range(10, 16))
    assert max(placed[:7]) < min(placed[7:10]) < max(placed[7:10]) < min(placed[10:])


def test_reports_bring_sound_in_step_with_the_picture() -> None:
    """Sound that arrives 300 ms late is placed where the camera's own clock, hours wrong, says it belongs."""
    timeline = Timeline([90000, 8000], 0, now(0.0))
    camera = 4_000_000.0  # the camera's NTP time at 0
    apart = 0.0
    for n in range(3000):
        at = n / 25
        timeline.wall.observe(now(at))
        if n % 125 == 0:
            ntp = round((camera + at) * (1 << 32))
            timeline.report(0, SenderReport(1, ntp, n * 3600 & 0xFFFF_FFFF, 0, 0), at)
            timeline.report(1, SenderReport(2, ntp, n * 320 & 0xFFFF_FFFF, 0, 0), at)
        _, picture = timeline.place(0, n * 3600, at)
        if n >= 8:
            late = n - 8  # 320 ms ago
            _, sound = timeline.place(1, late * 320, at)
            apart = (picture - sound) / 1e6 - 8 / 25
    assert abs(apart) < 0.02


def test_reports_that_contradict_the_arrivals_are_ignored() -> None:
    timeline = Timeline([90000, 8000], 0, now(0.0))
    for n in range(500):
        at = n / 25
        timeline.report(0, SenderReport(1, round((5e6 + at) * (1 << 32)), n * 3600, 0, 0), at)
        timeline.report(1, SenderReport(2, round((9e6 + at) * (1 << 32)), n * 320, 0, 0), at)
        _, picture = timeline.place(0, n * 3600, at)
        _, sound = timeline.place(1, n * 320, at)
    assert abs(picture - sound) < 20_000


def test_a_slow_change_of_the_wall_clock_is_followed_without_a_step() -> None:
    timeline = Timeline([90000], 0, now(0.0))
    previous = 0
    steps = []
    for n in range(20000):
        at = n / 25
        timeline.wall.observe(now(at, offset=0.3 if at > 10 else 0.0))
        _, utc = timeline.place(0, n * 3600 & 0xFFFF_FFFF, at)
        steps.append(utc - previous - 40_000)
        previous = utc
    assert max(map(abs, steps[1:])) <= 2_000
    assert abs(previous - (EPOCH + (at + 0.3) * 1e6)) < 20_000
    assert not timeline.broken


def test_a_step_of_the_wall_clock_breaks_the_run_and_is_taken_at_its_restart() -> None:
    timeline = Timeline([90000], 0, now(0.0))
    timeline.place(0, 0, 0.0)
    timeline.wall.observe(now(1.0, offset=-3600))
    assert timeline.broken
    timeline.restart()
    assert not timeline.broken
    _, utc = timeline.place(0, 90000, 1.0)
    assert abs(utc - (EPOCH + (1.0 - 3600) * 1e6)) < 20_000


@given(
    units=st.lists(
        st.tuples(
            st.integers(0, (1 << 32) - 1) | st.integers(-9000, 9000), st.floats(0, 0.2) | st.floats(0, 1000)
        ),
        max_size=60,
    ),
    reorders=st.booleans(),
)
def test_whatever_the_timestamps_times_never_run_away(units: list[tuple[int, float]], reorders: bool) -> None:
    line = Line(90000)
    line.reorders = reorders
    arrival, timestamp = 0.0, 4711
    placed: list[tuple[int, float]] = []
    for step, passed in units:
        arrival += passed
        timestamp = (timestamp + step) & 0xFFFF_FFFF
        placed.append(line.place(timestamp, arrival))
        assert placed[-1][0] - placed[0][0] <= (arrival + BURST + NEAR) / (1 - CATCH_UP) * 90000
        assert placed[-1][1] <= arrival + BURST + NEAR
    if not reorders:
        assert all(b[0] > a[0] and b[1] > a[1] for a, b in itertools.pairwise(placed))
    in_order = [local for _, local in sorted(set(placed))]
    assert all(b > a for a, b in itertools.pairwise(in_order))
