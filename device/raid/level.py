"""RAID levels: how many drives they need, how many they can lose, how much they hold (M-356)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from device.errors import BadValue

BAYS = 4  #: of the AXIS S3016; a box may have others


class Level(IntEnum):
    """The levels that the recorder makes."""

    RAID0 = 0
    RAID1 = 1
    RAID5 = 5
    RAID6 = 6
    RAID10 = 10

    @property
    def least(self) -> int:
        """The fewest drives that it can be made of. One drive alone is a RAID 0."""
        return _LEAST[self]

    def spares(self, drives: int) -> int:
        """How many of `drives` may be lost, whichever they are, without losing data."""
        return drives - 1 if self is Level.RAID1 else _SPARES[self]

    def capacity(self, sizes: Sequence[int]) -> int:
        """Bytes that an array of drives of these `sizes` holds, without what the array needs for itself.

        Raises BadValue where the level cannot be made of so many.
        """
        require(self, len(sizes))
        count = len(sizes)
        data = {
            Level.RAID0: count,
            Level.RAID1: 1,
            Level.RAID5: count - 1,
            Level.RAID6: count - 2,
            Level.RAID10: count // 2,
        }[self]
        return min(sizes) * data


_LEAST = {Level.RAID0: 1, Level.RAID1: 2, Level.RAID5: 3, Level.RAID6: 4, Level.RAID10: 4}
_SPARES = {Level.RAID0: 0, Level.RAID5: 1, Level.RAID6: 2, Level.RAID10: 1}


def level(number: int) -> Level:
    """The level of that number. Raises BadValue."""
    try:
        return Level(number)
    except ValueError:
        known = ", ".join(str(one.value) for one in Level)
        raise BadValue("level", f"{number}: must be one of {known}") from None


def require(wanted: Level, drives: int) -> None:
    """Raises BadValue where `wanted` cannot be made of so many drives."""
    if drives < wanted.least:
        raise BadValue(
            "level", f"RAID {wanted.value} needs {wanted.least} drives or more, there are {drives}"
        )
    if wanted is Level.RAID10 and drives % 2:
        raise BadValue("level", f"RAID 10 needs an even number of drives, there are {drives}")
