"""What is said of drives and arrays: what a driver reads, and what that means. All pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from device.raid.level import Level


class Role(Enum):
    """What a drive is for its array."""

    MEMBER = "member"  #: in sync
    REBUILDING = "rebuilding"
    SPARE = "spare"
    FAULTY = "faulty"  #: thrown out of the array
    UNUSED = "unused"  #: in no array; its content, if any, is nobody's
    FOREIGN = "foreign"  #: of an array that is not this recorder's


class Health(Enum):
    """The drive's own overall verdict (SMART; M-355)."""

    PASSED = "passed"
    FAILING = "failing"
    UNKNOWN = "unknown"  #: it does not tell


@dataclass(frozen=True, slots=True)
class Drive:
    """One drive, in its bay."""

    bay: int  #: 1-based, as printed on the box
    serial: str
    model: str
    size: int  #: bytes
    role: Role
    health: Health
    temperature: float | None  #: degrees Celsius; None: it does not tell
    hours: int | None  #: powered on; None: it does not tell
    errors: int  #: that the array counted when it read and wrote
    free: bool  #: nothing on it that anybody could want: it is blank, or an old member of this very array


class Activity(Enum):
    """What an array does besides its work."""

    RESYNC = "resync"  #: makes redundancy agree, after it was made or after a power cut
    REBUILD = "rebuild"  #: onto a drive that is new
    RESHAPE = "reshape"
    SCRUB = "scrub"  #: reads everything and compares

    @property
    def syncs(self) -> bool:
        """Whether redundancy is being made, and not only looked at."""
        return self is not Activity.SCRUB


@dataclass(frozen=True, slots=True)
class Work:
    """An activity, now."""

    activity: Activity
    done: int  #: bytes
    total: int  #: bytes
    speed: float  #: bytes a second

    @property
    def eta(self) -> float | None:
        """Seconds that are left; None while it does not move."""
        return (self.total - self.done) / self.speed if self.speed > 0 else None


@dataclass(frozen=True, slots=True)
class Array:
    """An array, as the driver reads it."""

    uuid: str
    level: Level
    drives: int  #: that it is made of when whole
    in_sync: int  #: of them, now
    broken: bool  #: the driver itself says that data is lost or out of reach
    size: int  #: bytes
    mismatches: int  #: sectors that the last scrub found to disagree
    work: Work | None


class Kind(Enum):
    """File systems that the recorder makes (M-352, M-360)."""

    XFS = "xfs"
    EXT4 = "ext4"


@dataclass(frozen=True, slots=True)
class Lock:
    """Encryption of the whole array (LUKS2)."""

    open: bool


@dataclass(frozen=True, slots=True)
class Files:
    """The file system. What is None is not known while it is not mounted."""

    kind: Kind
    mounted: bool
    path: str  #: where it is, or would be, mounted
    read_only: bool
    size: int | None = None  #: bytes
    free: int | None = None  #: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a driver tells, at one time. Each layer is None where it is not there, or out of reach."""

    bays: int
    drives: tuple[Drive, ...]  #: of the bays that are not empty, by bay
    array: Array | None = None
    lock: Lock | None = None  #: None: not encrypted
    files: Files | None = None  #: None: none, or behind a lock that is not open

    def drive(self, bay: int) -> Drive | None:
        """The drive in a bay; None where it is empty."""
        return next((drive for drive in self.drives if drive.bay == bay), None)


class Status(Enum):
    """Of an array, in the manual's words (M-357)."""

    ONLINE = "Online"
    DEGRADED = "Degraded"
    SYNCING = "Syncing"
    FAILED = "Failed"


def status(array: Array) -> Status:
    """What an array's reading means. A scrub is Online, with progress. One that misses a drive and makes its parity
    anew after a power cut is Degraded: no drive comes back by that."""
    missing = array.drives - array.in_sync
    if array.broken or missing > _bearable(array):
        return Status.FAILED
    activity = None if array.work is None else array.work.activity
    if missing and activity is Activity.RESYNC:
        return Status.DEGRADED
    if activity is not None and activity.syncs:
        return Status.SYNCING
    return Status.DEGRADED if missing else Status.ONLINE


def redundant(array: Array) -> bool:
    """Whether it could lose as many drives as its level allows."""
    return status(array) is Status.ONLINE


def _bearable(array: Array) -> int:
    """How many drives may be missing before data must be lost. Of a RAID 10 every second one: which of them
    they are, the driver knows."""
    return array.drives // 2 if array.level is Level.RAID10 else array.level.spares(array.drives)


class Condition(Enum):
    """Of one bay: what its light tells (M-430 to M-434)."""

    EMPTY = "empty"
    ONLINE = "online"
    EXPOSED = "exposed"  #: online, but another drive is broken or rebuilt: the array lacks redundancy
    REBUILDING = "rebuilding"
    SPARE = "spare"
    BROKEN = "broken"
    UNUSED = "unused"
    FOREIGN = "foreign"


def condition(reading: Reading, bay: int) -> Condition:
    """How the drive in a bay is. Where the array has failed, all its drives are broken (M-433)."""
    drive, array = reading.drive(bay), reading.array
    if drive is None:
        return Condition.EMPTY
    if drive.role is Role.FOREIGN:
        return Condition.FOREIGN
    failed = array is not None and status(array) is Status.FAILED
    if failed or drive.role is Role.FAULTY or drive.health is Health.FAILING:
        return Condition.BROKEN
    match drive.role:
        case Role.MEMBER:
            whole = array is None or redundant(array)
            return Condition.ONLINE if whole else Condition.EXPOSED
        case Role.REBUILDING:
            return Condition.REBUILDING
        case Role.SPARE:
            return Condition.SPARE
        case _:
            return Condition.UNUSED
