"""Fetching from a device's recordings, against the recorder's own replay."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from device.cameras.source import Address, Cause, SessionEnded
from device.clock import SystemClock
from device.media import MICROSECONDS, Kind, Utc
from protocols.rtsp.endpoint import Endpoint
from protocols.rtsp.health import Patience
from protocols.rtsp.replaying import Clip, Replaying
from tests.integration.tape import HERE, Picture, Tapes
from tests.protocols.rtsp.kept import KeptIntake

PLENTY = 1 << 30


@dataclass
class Fetched:
    """What came."""

    intake: KeptIntake
    utcs: list[Utc]
    why: SessionEnded | None


async def fetch(
    endpoint: Endpoint,
    token: str,
    start: int,
    end: int,
    *,
    most: int = PLENTY,
    rate: float = PLENTY,
    enough: int = PLENTY,
) -> Fetched:
    clip = Clip(Utc(start), Utc(end), most, rate)
    address = Address(f"rtsp://{HERE}:{endpoint.port}/replay/{token}")
    replaying = Replaying(address, clip, SystemClock(), Patience(), kinds=frozenset(Kind))
    intake, why = KeptIntake(), None
    try:
        await replaying.run(intake, lambda: len(intake.units) >= enough, lambda: False)
    except SessionEnded as ended:
        why = ended
    return Fetched(intake, [Utc(each.utc) for each in intake.units], why)


def within(pictures: list[Picture], start: int, end: int) -> list[Picture]:
    """From the key frame at or before the start on, to the end."""
    keys = [each.utc for each in pictures if each.key and each.utc <= start]
    return [each for each in pictures if (keys[-1] if keys else start) <= each.utc <= end]


def same(utcs: list[Utc], pictures: list[Picture]) -> bool:
    return len(utcs) == len(pictures) and all(
        abs(utc - each.utc) <= 1 for utc, each in zip(utcs, pictures, strict=True)
    )


async def test_a_span_comes_whole_and_each_picture_says_when_it_was_taken(
    tapes: Tapes, endpoint: Endpoint
) -> None:
    start, end = tapes.plain[25].utc, tapes.plain[93].utc
    got = await fetch(endpoint, "plain", start, end)
    assert got.why is None
    assert same(got.utcs, within(tapes.plain, start, end))
    assert got.intake.calls == ["opened", "closed"]


async def test_over_a_gap_it_goes_on_behind_it(tapes: Tapes, endpoint: Endpoint) -> None:
    start, end = tapes.gap[20].utc, Utc(tapes.gap[-1].utc + MICROSECONDS)
    got = await fetch(endpoint, "gap", start, end)
    assert got.why is None
    assert same(got.utcs, within(tapes.gap, start, end))


async def test_other_tracks_are_told_in_mid_stream(tapes: Tapes, endpoint: Endpoint) -> None:
    got = await fetch(endpoint, "codec", tapes.codec[0].utc, tapes.codec[-1].utc)
    assert same(got.utcs[:40], tapes.codec[:40])


async def test_who_has_enough_gets_no_more(tapes: Tapes, endpoint: Endpoint) -> None:
    got = await fetch(endpoint, "plain", tapes.plain[0].utc, tapes.plain[-1].utc, enough=1)
    assert got.why is None


async def test_a_device_that_sends_more_than_it_may_is_not_believed(tapes: Tapes, endpoint: Endpoint) -> None:
    got = await fetch(endpoint, "plain", tapes.plain[0].utc, tapes.plain[-1].utc, most=1000, rate=1000)
    assert got.why is not None
    assert got.why.cause is Cause.PROTOCOL
    assert got.intake.calls == ["opened", "closed"]


@pytest.mark.parametrize("token", ["nobody", ""])
async def test_what_is_not_there_is_said(endpoint: Endpoint, token: str) -> None:
    got = await fetch(endpoint, token, 0, MICROSECONDS)
    assert got.why is not None
    assert got.why.cause is Cause.PROTOCOL
