"""Beats and rounds: what the sources hand over goes to the disk at once."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from device.cameras.source import ROUND, Cause
from device.clock import SystemClock
from device.recording.recorder import Recorder
from tests.device.recording.store import make


@pytest.mark.parametrize("durability", [0.5, 0.69, 0.7, 1.0, 1.3, 2.0, 3.0, 10.0])
def test_a_beat_is_as_many_whole_rounds_as_the_durability_allows(tmp_path: Path, durability: float) -> None:
    store = make(tmp_path, durability=durability)
    beat = store.recorder.beat_length
    assert beat / ROUND == pytest.approx(round(beat / ROUND))
    assert 0.7 * durability - ROUND < beat <= 0.7 * durability + 0.001
    store.close()


async def test_a_beat_comes_right_behind_a_round(tmp_path: Path) -> None:
    store = make(tmp_path)
    store.close()
    recorder = Recorder(
        SystemClock(),
        store.catalogue,
        store.settings,
        "REC",
        durability=1.0,
        segment_length=60,
        on_event=store.notices.append,
        acknowledged=lambda _token, _utc: None,
    )
    loop = asyncio.get_running_loop()
    told: list[str] = []
    beat = recorder.beat

    def beats() -> None:
        told.append("beat")
        beat()

    def rounds() -> None:
        told.append("round")
        loop.call_at((loop.time() // ROUND + 1) * ROUND, rounds)

    recorder.beat = beats  # type: ignore[method-assign]  # a spy
    rounds()
    await recorder.start()
    while told.count("beat") < 4:  # noqa: ASYNC110 - time itself is what passes
        await asyncio.sleep(0.01)
    told, said = [], told  # stopping beats too
    assert await recorder.stop(Cause.RECORDER_DOWN)
    first = said.index("beat")
    # Between two beats at least one round, and the last thing before a beat is a round.
    behind = [before for before, this in pairwise(said[first:]) if this == "beat"]
    assert behind == ["round"] * len(behind)
    assert len(behind) >= 3
