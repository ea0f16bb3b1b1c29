"""A selection of the states after a power cut; all of them: `python -m tests.crash states`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash import states
from tests.endurance.report import Progress

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

SOME = 500  #: of twenty thousand


def test_the_store_survives_every_state_that_is_tried(tmp_path: Path) -> None:
    report = states.run(tmp_path, SOME, Progress("states"), seed=1, cuts=2)
    assert (report.problems, [each for each in report.figures if not each.good]) == ([], [])
    tried = next(each for each in report.figures if each.name == "states tried")
    assert tried.value > SOME / 2  # states that were tried already are not tried again


@pytest.mark.parametrize("deaf", ["syncfs", "fsync"])
def test_a_store_that_did_not_sync_would_be_found_out(tmp_path: Path, deaf: states.Deaf) -> None:
    story = replace(states.first(tmp_path / "story", 1), deaf=deaf)
    tally = states.explore([story], 60, tmp_path, Progress("states"), 1)
    assert any("what was acknowledged is gone" in each or "does not open" in each for each in tally.problems)
