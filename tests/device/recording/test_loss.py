"""Lost pictures, one here and one there: each of them is a gap, and exactly as long as it was on the air."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.cameras.source import Cause
from device.media import MICROSECONDS
from tests.device.recording.store import EVER, NEVER, make

STEP = MICROSECONDS // 10


@pytest.mark.parametrize("lost", [(13,), (13, 15), (13, 15, 17), (13, 14, 16), (13, 15, 18, 26), (20, 22)])
def test_every_lost_picture_is_in_the_ledger(tmp_path: Path, lost: tuple[int, ...]) -> None:
    store = make(tmp_path)
    camera = store.camera()
    begin = store.clock.utc()
    for number in range(40):
        if number in lost:
            camera.skip()
            camera.intake.lost(0, 1)
        else:
            camera.unit(damaged=number > lost[0])
        store.clock.advance(0.1)
        if number % 7 == 6:
            store.beat()
    store.close()
    with store.reader() as reader:
        gaps = [gap for gap in reader.gaps("CAM1", EVER, NEVER) if gap.cause is Cause.PACKET_LOSS]
    missing = [begin + STEP * number + at for number in lost for at in range(0, STEP, STEP // 10)]
    told = [at for at in missing if any(gap.start - 10 <= at < (gap.end or 0) - 10 for gap in gaps)]
    assert told == missing
    assert sum((gap.end or 0) - gap.start for gap in gaps) == pytest.approx(len(lost) * STEP, abs=100)
    assert store.untiled() == []


def test_a_silence_is_in_the_ledger_though_what_is_before_and_behind_it_comes_at_once(tmp_path: Path) -> None:
    store = make(tmp_path)
    camera = store.camera()
    store.run(3, camera)
    last = store.clock.utc()
    camera.unit()
    for _ in range(28):
        camera.skip()
        store.clock.advance(0.1)
    store.clock.advance(0.1)
    again = store.clock.utc()
    store.run(3, camera)
    store.close()
    with store.reader() as reader:
        gaps = [gap for gap in reader.gaps("CAM1", EVER, NEVER) if gap.cause is Cause.SILENT]
    assert [(gap.start, gap.end) for gap in gaps] == [(last + STEP, again)]
    assert store.untiled() == []
