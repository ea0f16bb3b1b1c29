"""RTP time to wall time: a day of drift and jitter, bursts, stalls, jumps, B-frames, and two tracks in
step.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.media import Utc
from protocols.rtsp.rtcp import SenderReport
from protocols.rtsp.timeline import JUMP, STEP, Instant, Line, Timeline

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
        timestamp = (first + round(captured * (1 + ppm * 1e-6) * 90000)) & 0xFFFF_FFFF
        _, local = line.place(timestamp, arrived)
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
@settings(max_examples=20, deadline=None)
def test_the_line_is_smooth(ppm: float, jitter: float, rate: float, seed: int) -> None:
    errors = [error for _, error in day(ppm, jitter, rate, seconds=120, seed=seed)]
    steps = [abs(b - a) for a, b in itertools.pairwise(errors)]
    assert max(steps) <= STEP + 1e-3
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


@pytest.mark.parametrize("jump", [JUMP + 1, 3600.0, 86400.0, -3.0, -3600.0])
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
    line = Line(90000)
    order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    placed = [line.place(n * 3600, k / 25) for k, n in enumerate(order)]
    assert [time for time, _ in placed] == [n * 3600 for n in order]
    by_time = sorted(placed)
    assert all(b[1] > a[1] for a, b in itertools.pairwise(by_time))
    assert not line.broken


def test_a_timestamp_that_stands_still_still_moves_time() -> None:
    line = Line(90000)
    times = [line.place(7, n / 25)[0] for n in range(10)]
    assert times == list(range(7, 17))


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
    assert max(map(abs, steps[1:])) <= STEP * 1e6
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


@given(st.lists(st.tuples(st.integers(0, (1 << 32) - 1), st.floats(0, 1000)), max_size=60))
def test_whatever_the_timestamps_media_time_never_runs_away(units: list[tuple[int, float]]) -> None:
    line = Line(90000)
    arrival = 0.0
    first = last = 0
    for number, (timestamp, passed) in enumerate(units):
        arrival += passed
        time, _ = line.place(timestamp, arrival)
        first = time if number == 0 else first
        last = max(last, time)
        assert time - first <= (arrival + JUMP * len(units) + 1) * 90000
