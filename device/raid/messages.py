"""What is asked of the control plane about drives and array."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.planes.messages import Done
from device.planes.wire import Request, message


@dataclass(frozen=True, slots=True)
class BayShown:
    """One bay, and the drive in it."""

    bay: int
    condition: str  #: device.raid.state.Condition
    serial: str  #: empty where there is no drive, as are the others
    model: str
    size: int  #: bytes
    health: str  #: device.raid.state.Health
    temperature: float | None
    hours: int | None
    errors: int


@dataclass(frozen=True, slots=True)
class ArrayShown:
    """The array. Sizes in bytes."""

    uuid: str
    level: int
    status: str  #: Online, Degraded, Syncing or Failed
    drives: int
    in_sync: int
    size: int
    mismatches: int
    activity: str  #: device.raid.state.Activity; empty where there is none
    done: int
    total: int
    eta: float | None  #: seconds


@dataclass(frozen=True, slots=True)
class FilesShown:
    """The file system."""

    kind: str
    mounted: bool
    path: str
    read_only: bool
    size: int | None
    free: int | None


@message
class RaidShown:
    """All of it."""

    hardware: str  #: device.settings.raid.RaidHardware
    answers: bool  #: the hardware does; otherwise what follows is empty
    encrypted: bool
    locked: bool  #: encrypted, and the password is not known
    bays: tuple[BayShown, ...]
    array: ArrayShown | None
    files: FilesShown | None


@message
class AskRaid(Request[RaidShown]):
    """How are drives and array?"""


@message
class JobBegun:
    """The id of a job that begins."""

    id: str


@message
class RaidTool(Request[JobBegun]):
    """Begin a tool. Unconfirmed, Busy, BadValue and what else stands in its way."""

    tool: str  #: device.raid.order.Tool
    by: str
    level: int | None = None
    bays: tuple[int, ...] = ()
    spares: tuple[int, ...] = ()
    files: str = ""  #: xfs or ext4; empty: xfs
    encrypt: bool = False
    bay: int = 0
    password: str | None = field(default=None, repr=False)
    new_password: str | None = field(default=None, repr=False)
    confirmed: bool = False


@message
class Hands(Request[Done]):
    """Something is done to simulated drives: `fail`, `pull`, `insert`, `wear` or `heat`. BadValue, NotThere."""

    what: str
    bay: int
