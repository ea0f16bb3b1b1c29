"""What a person can ask for, and why it may be refused. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from device.errors import BadValue
from device.raid.errors import Busy, NoArray, NotThere, NotWhole, Unsuitable
from device.raid.level import Level, require
from device.raid.state import Array, Condition, Drive, Health, Kind, Reading, Role, Status, condition, status
from device.records import record

LONGEST_PASSWORD = 512  #: octets, of LUKS2 with --key-file


class Tool(Enum):
    """What can be done."""

    CREATE = "raid.create"  #: M-364, M-051 to M-053, M-059
    FORMAT = "raid.format"  #: M-360
    ENCRYPT = "raid.encrypt"  #: M-361
    DECRYPT = "raid.decrypt"  #: M-362
    PASSWORD = "raid.password"  # noqa: S105 - M-363
    CHECK = "raid.check"  #: M-358
    REPAIR = "raid.repair"  #: M-359
    MOUNT = "raid.mount"  #: M-368, M-068
    UNMOUNT = "raid.unmount"
    REPLACE = "raid.replace"  #: M-055 to M-058
    SCRUB = "raid.scrub"
    PROTECT = "raid.protect"  #: M-367
    UNPROTECT = "raid.unprotect"


@record
@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done, but for passwords."""

    tool: Tool
    level: Level | None = None
    bays: tuple[int, ...] = ()
    spares: tuple[int, ...] = ()
    files: Kind | None = None
    encrypt: bool = False
    bay: int = 0


@dataclass(frozen=True, slots=True)
class Passwords:
    """What an order needs to know. Never printed, never kept."""

    now: str | None = field(default=None, repr=False)
    new: str | None = field(default=None, repr=False)


NO_PASSWORDS = Passwords()


def refuse(order: Order, passwords: Passwords, reading: Reading) -> None:
    """Raises what stands in the way of an order."""
    match order.tool:
        case Tool.CREATE:
            _refuse_create(order, reading)
            if order.encrypt:
                require_password("password", passwords.now)
        case Tool.ENCRYPT:
            _usable(reading)
            require_password("password", passwords.now)
        case Tool.FORMAT | Tool.DECRYPT:
            _usable(reading)
            if reading.lock is None and order.tool is Tool.DECRYPT:
                raise NotThere("The array is not encrypted.")
            if reading.lock is not None and not reading.lock.open and order.tool is Tool.FORMAT:
                raise NotThere("The array is encrypted, and not open: mount it, or decrypt it.")
        case Tool.PASSWORD:
            if reading.lock is None:
                raise NotThere("The array is not encrypted.")
            require_password("password", passwords.now)
            require_password("new_password", passwords.new)
        case Tool.CHECK | Tool.REPAIR | Tool.UNMOUNT | Tool.PROTECT | Tool.UNPROTECT:
            _usable(reading)
            if reading.files is None:
                raise NotThere(
                    "There is no file system, or it is behind an encrypted array that is not open."
                )
        case Tool.MOUNT if reading.array is not None:
            _usable(reading)
        case Tool.REPLACE:
            _refuse_replace(order, reading)
        case Tool.SCRUB:
            array = _usable(reading)
            if not array.level.spares(array.drives):
                raise Unsuitable(f"A RAID {array.level.value} has nothing to compare.")
            if status(array) is not Status.ONLINE or array.work is not None:
                raise NotWhole(f"The array is {status(array).value}, or at work.")


def require_password(name: str, password: str | None) -> None:
    """Raises BadValue where it cannot be the password of an array."""
    size = len((password or "").encode())
    if not 1 <= size <= LONGEST_PASSWORD:
        raise BadValue(name, f"must have 1 to {LONGEST_PASSWORD} octets")


def _usable(reading: Reading) -> Array:
    if reading.array is None:
        raise NoArray("There is no array.")
    if status(reading.array) is Status.FAILED:
        raise NotWhole("The array has failed: replace the broken drives and make it anew.")
    return reading.array


def _refuse_create(order: Order, reading: Reading) -> None:
    if order.level is None:
        raise BadValue("level", "must be given")
    every = (*order.bays, *order.spares)
    if len(set(every)) != len(every):
        raise BadValue("bays", "a bay is named twice")
    require(order.level, len(order.bays))
    if order.spares and not order.level.spares(len(order.bays)):
        raise BadValue("spares", f"a spare is of no use to a RAID {order.level.value}")
    for bay in every:
        drive = _drive(reading, bay)
        if drive.role is Role.FAULTY or drive.health is Health.FAILING:
            raise Unsuitable(f"The drive in bay {bay} is broken.")


def _refuse_replace(order: Order, reading: Reading) -> None:
    array = _usable(reading)
    if not array.level.spares(array.drives):
        raise Unsuitable(f"A RAID {array.level.value} cannot be rebuilt.")
    drive = _drive(reading, order.bay)
    if condition(reading, order.bay) is Condition.BROKEN:
        raise Unsuitable(f"The drive in bay {order.bay} is broken.")
    if drive.role in (Role.MEMBER, Role.SPARE):
        raise Busy(f"The drive in bay {order.bay} is of the array already.")
    smallest = min((one.size for one in reading.drives if one.role is Role.MEMBER), default=0)
    if drive.size < smallest:
        raise Unsuitable(
            f"The drive in bay {order.bay} is too small: {drive.size} bytes, {smallest} are needed."
        )


def _drive(reading: Reading, bay: int) -> Drive:
    if not 1 <= bay <= reading.bays:
        raise BadValue("bay", f"{bay}: must be 1 to {reading.bays}")
    drive = reading.drive(bay)
    if drive is None:
        raise NotThere(f"There is no drive in bay {bay}.")
    return drive
