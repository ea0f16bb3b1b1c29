"""What a reading of an array means: one line for each case."""

from __future__ import annotations

import pytest

from device.raid.level import Level
from device.raid.state import Activity, Array, Status, Work, status

WHOLE = 4


@pytest.mark.parametrize(
    ("level", "in_sync", "activity", "is_"),
    [
        (Level.RAID6, 4, None, Status.ONLINE),
        (Level.RAID6, 4, Activity.SCRUB, Status.ONLINE),
        (Level.RAID6, 4, Activity.RESYNC, Status.SYNCING),
        (Level.RAID6, 3, None, Status.DEGRADED),
        (Level.RAID6, 3, Activity.SCRUB, Status.DEGRADED),
        (Level.RAID6, 3, Activity.REBUILD, Status.SYNCING),
        # After a power cut, with a drive missing: parity is made anew, and the drive is missing as before.
        (Level.RAID6, 3, Activity.RESYNC, Status.DEGRADED),
        (Level.RAID6, 2, Activity.REBUILD, Status.SYNCING),
        (Level.RAID6, 1, Activity.REBUILD, Status.FAILED),
        (Level.RAID5, 3, None, Status.DEGRADED),
        (Level.RAID5, 2, None, Status.FAILED),
        (Level.RAID10, 2, None, Status.DEGRADED),
        (Level.RAID0, 3, None, Status.FAILED),
    ],
)
def test_an_array_is_one_of_four(level: Level, in_sync: int, activity: Activity | None, is_: Status) -> None:
    work = None if activity is None else Work(activity, 1, 2, 1.0)
    array = Array("u", level, WHOLE, in_sync, broken=False, size=1, mismatches=0, work=work)
    assert status(array) is is_
