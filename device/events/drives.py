"""Events of the drives and of the array over them. Part of the catalogue, which imports this module."""

from __future__ import annotations

from typing import Annotated

from device.errors import Severity
from device.events.event import Bytes, Count, Event, Seconds, Unit, event

Bay = Annotated[int, Unit("1")]  #: 1-based, as printed on the box
Celsius = Annotated[float, Unit("degC")]
RaidLevel = Annotated[int, Unit("1")]  #: 0, 1, 5, 6 or 10


@event("drive.inserted", severity=Severity.NOTICE, about=("bay",))
class DriveInserted(Event):
    """A drive was put into a bay."""

    bay: Bay  #: 1-based, as printed on the box
    serial: str
    size: Bytes


@event("drive.removed", severity=Severity.WARNING, about=("bay",))
class DriveRemoved(Event):
    """A drive is not in its bay any more."""

    bay: Bay  #: 1-based, as printed on the box
    serial: str


@event("drive.broken", severity=Severity.ERROR, about=("bay",), state="drive.broken")
class DriveBroken(Event):
    """A drive is broken, or says that it soon will be: it must be replaced."""

    bay: Bay  #: 1-based, as printed on the box
    serial: str
    detail: str


@event("drive.well", severity=Severity.NOTICE, about=("bay",), clears=("drive.broken",))
class DriveWell(Event):
    """The drive in a bay works, or there is none any more."""

    bay: Bay  #: 1-based, as printed on the box


@event("drive.hot", severity=Severity.WARNING, about=("bay",), state="drive.hot")
class DriveHot(Event):
    """A drive is warmer than it should be."""

    bay: Bay  #: 1-based, as printed on the box
    temperature: Celsius
    limit: Celsius


@event("drive.cool", severity=Severity.NOTICE, about=("bay",), clears=("drive.hot",))
class DriveCool(Event):
    """A drive is no longer too warm."""

    bay: Bay  #: 1-based, as printed on the box


@event("raid.degraded", severity=Severity.ERROR, state="raid.degraded")
class RaidDegraded(Event):
    """The array works, but lacks redundancy: the next drive that fails may take the recordings with it."""

    level: RaidLevel
    missing: Count  #: drives


@event("raid.failed", severity=Severity.CRITICAL, state="raid.failed")
class RaidFailed(Event):
    """The array has failed: nothing is recorded on it any more."""

    level: RaidLevel
    missing: Count  #: drives


@event("raid.online", severity=Severity.NOTICE, clears=("raid.degraded", "raid.failed"))
class RaidOnline(Event):
    """The array is whole."""

    level: RaidLevel


@event("raid.rebuild-started", severity=Severity.NOTICE)
class RebuildStarted(Event):
    """Redundancy is made again."""

    level: RaidLevel


@event("raid.rebuild-ended", severity=Severity.NOTICE)
class RebuildEnded(Event):
    """Nothing is rebuilt any more."""

    took: Seconds
    whole: bool  #: whether the array lacks nothing now


@event("raid.locked", severity=Severity.ERROR, state="raid.locked")
class RaidLocked(Event):
    """The array is encrypted, and its password is not known: nothing is recorded on it until it is mounted."""


@event("raid.unlocked", severity=Severity.NOTICE, clears=("raid.locked",))
class RaidUnlocked(Event):
    """The encrypted array is open, or there is none any more."""


@event("raid.mismatch", severity=Severity.ERROR)
class RaidMismatch(Event):
    """A scrub found places where the drives of the array disagree."""

    sectors: Count


@event("raid.unavailable", severity=Severity.ERROR, state="raid.unavailable")
class RaidUnavailable(Event):
    """The state of drives and array cannot be read."""

    detail: str


@event("raid.available", severity=Severity.NOTICE, clears=("raid.unavailable",))
class RaidAvailable(Event):
    """The state of drives and array can be read again."""
