"""When a session is given up, and how seldom its socket wakes us."""

from __future__ import annotations

from device.cameras.source import Cause, Reception
from protocols.rtsp.health import Health, Patience

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


def test_key_frames_that_nobody_could_decode_are_no_freeze() -> None:
    health = Health(PATIENCE, True, 0.0)
    reception = Reception(packets=1, last_key=5.0)
    assert health.verdict(reception, 5.0, True) is None
    for second in range(6, 15):
        reception.packets += 1
        assert health.verdict(reception, float(second), False) is None
    reception.packets += 1
    verdict = health.verdict(reception, 15.0, False)
    assert verdict is not None
    assert verdict.cause is Cause.NO_PICTURE
