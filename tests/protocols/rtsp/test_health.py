"""When a session is given up, and how seldom its socket wakes us."""

from __future__ import annotations

import pytest

from device.cameras.source import Cause, Reception
from protocols.rtsp.health import BATCH_LIMIT, STALL, Batch, Health, Patience

PATIENCE = Patience()


def run(
    health: Health, *, until: float, packets: bool, key_every: float | None
) -> tuple[float, Cause] | None:
    """A stream from 0 on; when it is given up, and why."""
    reception = Reception()
    second = 0
    while second < until:
        second += 1
        reception.packets += packets
        if key_every is not None and second % key_every == 0:
            reception.last_key = float(second)
        verdict = health.verdict(reception, float(second), parameters=True)
        if verdict is not None:
            return second, verdict.cause
    return None


def test_a_good_stream_is_left_alone() -> None:
    assert run(Health(PATIENCE, True, 0.0), until=500, packets=True, key_every=2) is None


def test_silence_ends_it() -> None:
    assert run(Health(PATIENCE, True, 0.0), until=60, packets=False, key_every=None) == (10, Cause.SILENT)


def test_packets_without_key_frames_end_it() -> None:
    assert run(Health(PATIENCE, True, 0.0), until=60, packets=True, key_every=None) == (30, Cause.FROZEN)


def test_long_groups_of_pictures_are_waited_for() -> None:
    assert run(Health(PATIENCE, True, 0.0), until=500, packets=True, key_every=8) is None


def test_a_picture_that_freezes_is_noticed() -> None:
    health = Health(PATIENCE, True, 0.0)
    reception = Reception(packets=1, last_key=5.0)
    assert health.verdict(reception, 5.0, True) is None
    for second in range(6, 15):
        reception.packets += 1
        assert health.verdict(reception, float(second), True) is None
    reception.packets += 1
    verdict = health.verdict(reception, 15.0, True)
    assert verdict is not None
    assert verdict.cause is Cause.FROZEN


def test_without_parameter_sets_the_cause_is_another() -> None:
    verdict = Health(PATIENCE, True, 0.0).verdict(Reception(packets=1), 30.0, parameters=False)
    assert verdict is not None
    assert verdict.cause is Cause.NO_PICTURE


def test_sound_alone_needs_no_key_frames() -> None:
    assert run(Health(PATIENCE, False, 0.0), until=100, packets=True, key_every=None) is None


@pytest.mark.parametrize(
    ("mbit", "least", "most"), [(4, 8_000, 20_000), (16, 40_000, BATCH_LIMIT), (0.1, 1, 1)]
)
def test_batches_follow_the_rate(mbit: float, least: int, most: int) -> None:
    batch = Batch(0.0)
    for n in range(1, 80):
        batch.arrived(round(mbit * 1e6 / 8 / 8))
        batch.tick(n / 8, low_latency=False)
    assert least <= batch.current <= most
    assert batch.current / (mbit * 1e6 / 8) < 0.15  # seconds that a packet may wait


def test_a_viewer_gets_every_packet_at_once() -> None:
    batch = Batch(0.0)
    for n in range(1, 80):
        batch.arrived(250_000)
        batch.tick(n / 8, low_latency=n > 70)
    assert batch.current == 1


def test_a_socket_that_stopped_waking_us_is_asked_for_every_octet() -> None:
    batch = Batch(0.0)
    for n in range(1, 80):
        batch.arrived(250_000)
        batch.tick(n / 8, low_latency=False)
    assert batch.current > 1
    assert batch.tick(10.0, low_latency=False) == 1
    batch.arrived(250_000)
    assert batch.tick(10.0 + STALL / 2, low_latency=False) == 1
