"""Kills, full file systems and failing drives, each in a short form; at length: `python -m tests.crash NAME`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.blocks import why_not
from tests.crash import eio, full, kill
from tests.crash.drive import Fault
from tests.endurance.report import Progress, Report

pytestmark = pytest.mark.timeout(300)
needs_block_devices = pytest.mark.skipif(bool(why_not()), reason=f"no block devices here: {why_not()}")


@pytest.mark.slow
def test_a_store_that_is_killed_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    report = Report("kill")
    kill.store(report, tmp_path, 5, Progress("kill"), seed=1)
    assert report.problems == []


@needs_block_devices
@pytest.mark.parametrize("system", full.SYSTEMS)
class TestAFullFileSystem:
    """Of each kind."""

    def test_recording_goes_on_by_retention(self, tmp_path: Path, system: str) -> None:
        assert full.by_recording(tmp_path / "full", system) == []

    def test_somebody_elses_files_cost_no_recording(self, tmp_path: Path, system: str) -> None:
        assert full.by_another(tmp_path / "full", system) == []

    def test_what_is_younger_than_its_retention_is_kept_and_recording_stops_and_goes_on(
        self, tmp_path: Path, system: str
    ) -> None:
        assert full.kept(tmp_path / "full", system) == []


@needs_block_devices
@pytest.mark.parametrize("system", eio.SYSTEMS)
class TestADriveThatFails:
    """With each kind of file system on it."""

    @pytest.mark.parametrize("faults", eio.DEATHS, ids=" and ".join)
    def test_nothing_acknowledged_is_lost_and_another_volume_is_used(
        self, tmp_path: Path, system: str, faults: tuple[Fault, ...]
    ) -> None:
        assert eio.dies(tmp_path / "eio", system, faults) == []

    def test_what_cannot_be_read_is_named_and_the_rest_is_served(self, tmp_path: Path, system: str) -> None:
        assert eio.unreadable(tmp_path / "eio", system) == []
