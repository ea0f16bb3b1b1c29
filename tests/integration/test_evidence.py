"""What was recorded, read back from the pictures: exactly what the ledger says, at the times that it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from device.folder import DataFolder
from device.media import MICROSECONDS
from device.recording.catalogue import CatalogueReader
from tests.integration.evidence import EVER, accounts, exported, frames
from tests.integration.rig import holdfast, recorded, wait_until

FPS = 10
GAP = 3.0  #: seconds that the camera is away


def _micro(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * MICROSECONDS)


def test_an_export_over_a_gap_has_every_frame_but_those_in_the_ledger(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with recorded(tmp_path, 1, sub=False) as (cameras, recorder):
        epoch = cameras.epoch
        catalogue = DataFolder(recorder.data).catalogue

        def gaps() -> int:
            with CatalogueReader(catalogue) as reader:
                return sum(gap.end is not None for gap in reader.gaps("c-cam1", *EVER))

        wait_until("it is recorded", lambda: gaps() == 1)
        with CatalogueReader(catalogue) as reader:
            begin = next(frames(reader, "c-cam1")).utc
        wait_until("two seconds are there", lambda: _last(catalogue) > begin + 2 * MICROSECONDS)
        cameras.fault(1, "refuse", GAP)
        wait_until("the gap is in the ledger", lambda: gaps() > 1)
        back = _last(catalogue)
        wait_until("two more seconds are there", lambda: _last(catalogue) > back + 2 * MICROSECONDS)
        assert recorder.end() == 0
    file = tmp_path / "evidence.mp4"
    told = holdfast("export", "c-cam1", file, "--json", data=recorder.data).json
    shown = exported(file)
    with CatalogueReader(catalogue) as reader:
        kept = [frame.number for frame in frames(reader, "c-cam1")]
    account = accounts(catalogue, epoch, {"c-cam1": FPS})["c-cam1"]
    assert [seen.frame for _, seen in shown] == kept
    assert told["frames"] == len(kept)
    (hole,) = account.holes
    assert account.adds_up
    assert account.unread == 0
    assert hole.missing >= (GAP - 0.5) * FPS
    assert [gap["seconds"] for gap in told["gaps"]] == [pytest.approx(hole.told / MICROSECONDS, abs=0.11)]
    (part,) = told["parts"]
    away = [
        abs(_micro(part["from"]) + (time - shown[0][0]) * MICROSECONDS - seen.utc) / MICROSECONDS
        for time, seen in shown
    ]
    record_property("farthest_seconds", max(away))
    assert max(away) < 0.1


def _last(catalogue: Path) -> int:
    with CatalogueReader(catalogue) as reader:
        return reader.recording("c-cam1").last or 0
