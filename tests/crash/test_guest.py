"""A few power cuts of a guest; twenty: `python -m tests.crash guest`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.blocks import why_not
from tests.crash import guest
from tests.endurance.report import Progress
from tests.guest.kernel import GuestUnavailable


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(bool(why_not()), reason=f"no block devices here: {why_not()}")
def test_a_guest_whose_power_is_cut_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    try:
        report = guest.run(tmp_path, 2, Progress("guest"), seed=1)
    except GuestUnavailable as missing:
        pytest.skip(f"no guests here: {missing}")
    assert report.problems == []
