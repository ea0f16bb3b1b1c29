"""While the wall times of a session are set right, those in the files stay in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.media import Utc
from device.recording.playback import Playback
from tests.device.recording.store import EVER, NEVER, make


def _times(folder: Path, pace: float) -> tuple[list[tuple[Utc, Utc]], int]:
    """What was said and what is read back of three seconds, the first of which runs at `pace`; fragments."""
    store = make(folder)
    camera = store.camera(rate=25)
    for number in range(75):
        camera.unit()
        store.clock.advance(pace / 25 if number < 25 else 1 / 25)
        if number % 17 == 16:
            store.beat()
    store.close()
    with store.reader() as reader:
        pieces = list(Playback(reader, "CAM1").fragments(EVER, None))
        count = sum(len(segment.fragments) for segment in reader.segments("CAM1", EVER, NEVER))
    read = [sample.utc for piece in pieces for sample in piece.samples]
    return list(zip((utc for utc, _ in camera.sent), read, strict=True)), count


@pytest.mark.parametrize("pace", [0.5, 0.8, 0.99, 1.0, 1.01, 1.5])
def test_times_read_back_are_in_order_and_right_within_half_a_picture(tmp_path: Path, pace: float) -> None:
    times, _ = _times(tmp_path, pace)
    read = [kept for _, kept in times]
    assert read == sorted(read)
    assert max(abs(kept - said) for said, kept in times) <= 20_000 + 100


def test_a_clock_that_is_right_costs_no_fragments(tmp_path: Path) -> None:
    _, usual = _times(tmp_path / "right", 1.0)
    _, drifting = _times(tmp_path / "drifting", 1.0005)
    assert drifting == usual
