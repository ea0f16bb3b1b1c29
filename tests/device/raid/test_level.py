"""RAID levels."""

from __future__ import annotations

import pytest

from device.errors import BadValue
from device.raid.level import Level, level, require

TB = 10**12


@pytest.mark.proves("M-356")
def test_there_are_five_levels_and_nothing_else() -> None:
    assert [one.value for one in Level] == [0, 1, 5, 6, 10]
    with pytest.raises(BadValue, match=r"level: 4: must be one of 0, 1, 5, 6, 10"):
        level(4)


@pytest.mark.parametrize(
    ("wanted", "drives", "holds", "spares"),
    [
        (Level.RAID0, 1, 4, 0),
        (Level.RAID0, 4, 16, 0),
        (Level.RAID1, 2, 4, 1),
        (Level.RAID1, 4, 4, 3),
        (Level.RAID5, 3, 8, 1),
        (Level.RAID5, 4, 12, 1),
        (Level.RAID6, 4, 8, 2),
        (Level.RAID10, 4, 8, 1),
    ],
)
def test_what_a_level_holds_and_may_lose(wanted: Level, drives: int, holds: int, spares: int) -> None:
    assert wanted.capacity([4 * TB] * drives) == holds * TB
    assert wanted.spares(drives) == spares


def test_the_smallest_drive_decides() -> None:
    assert Level.RAID5.capacity([4 * TB, 6 * TB, 8 * TB]) == 8 * TB


@pytest.mark.parametrize(
    ("wanted", "drives", "why"),
    [
        (Level.RAID1, 1, "level: RAID 1 needs 2 drives or more, there are 1"),
        (Level.RAID5, 2, "level: RAID 5 needs 3 drives or more, there are 2"),
        (Level.RAID6, 3, "level: RAID 6 needs 4 drives or more, there are 3"),
        (Level.RAID10, 3, "level: RAID 10 needs 4 drives or more, there are 3"),
        (Level.RAID10, 5, "level: RAID 10 needs an even number of drives, there are 5"),
    ],
)
def test_a_level_for_too_few_drives_is_refused_with_the_number(wanted: Level, drives: int, why: str) -> None:
    with pytest.raises(BadValue, match=why):
        require(wanted, drives)
