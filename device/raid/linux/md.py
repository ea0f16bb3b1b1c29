"""Arrays of md: what the kernel says of them in /sys/block/mdN/md (Documentation/admin-guide/md.rst)."""

from __future__ import annotations

from dataclasses import dataclass

from device.linux.machine import Machine
from device.raid.level import Level
from device.raid.state import Activity, Array, Role, Work

NAME = "holdfast"  #: of the array, behind the recorder's own in `host:name`

_LEVELS = {f"raid{level.value}": level for level in Level}
_ACTIVITIES = {
    "resync": Activity.RESYNC,
    "recover": Activity.REBUILD,
    "reshape": Activity.RESHAPE,
    "check": Activity.SCRUB,
    "repair": Activity.SCRUB,
}
_SECTOR = 512


@dataclass(frozen=True, slots=True)
class Member:
    """One device of an array."""

    device: str  #: sda
    role: Role
    errors: int
    there: bool  #: the device has not been pulled


@dataclass(frozen=True, slots=True)
class Md:
    """One array, as sysfs tells it."""

    device: str  #: md127
    array: Array
    members: tuple[Member, ...]


async def devices(machine: Machine) -> list[str]:
    """The arrays that are put together: md127."""
    return [path.split("/")[3] for path in await machine.find("/sys/block/md*/md")]


async def idle(machine: Machine, device: str) -> bool:
    """Whether an array is put together, but does not run."""
    return await _state(machine, device) in ("clear", "inactive")


async def hesitates(machine: Machine, device: str) -> bool:
    """Whether an array writes nothing, not even to rebuild, until somebody else writes."""
    return await _state(machine, device) == "read-auto"


async def _state(machine: Machine, device: str) -> str:
    raw = await machine.read(f"/sys/block/{device}/md/array_state")
    return (raw or b"").decode("ascii", "replace").strip()


async def read(machine: Machine, device: str, uuid: str) -> Md | None:
    """An array; None where it is gone, does not run, or is of a level that the recorder does not know."""
    here = f"/sys/block/{device}"

    async def word(name: str) -> str:
        raw = await machine.read(f"{here}/md/{name}")
        return raw.decode("ascii", "replace").strip() if raw is not None else ""

    level = _LEVELS.get(await word("level"))
    drives = _number(await word("raid_disks"))
    if level is None or not drives or await idle(machine, device):
        return None
    members = []
    for path in await machine.find(f"{here}/md/dev-*"):
        name = path.rpartition("/dev-")[2]
        states = (await word(f"dev-{name}/state")).split(",")
        slot = await word(f"dev-{name}/slot")
        there = await machine.link(f"{path}/block") is not None
        errors = _number(await word(f"dev-{name}/errors"))
        members.append(Member(name, _role(states, slot, there), errors, there))
    in_sync = sum(member.role is Role.MEMBER for member in members)
    size = _number((await machine.read(f"{here}/size") or b"0").decode("ascii", "replace").strip())
    array = Array(
        uuid,
        level,
        drives,
        in_sync,
        await word("array_state") == "broken",
        size * _SECTOR,
        _number(await word("mismatch_cnt")),
        _work(await word("sync_action"), await word("sync_completed"), await word("sync_speed")),
    )
    return Md(device, array, tuple(members))


def _role(states: list[str], slot: str, there: bool) -> Role:
    if "faulty" in states or not there:
        return Role.FAULTY
    if "in_sync" in states:
        return Role.MEMBER
    return Role.SPARE if slot in ("none", "") else Role.REBUILDING


def _work(action: str, completed: str, speed: str) -> Work | None:
    """`sync_completed` is `1234 / 5678` sectors, or `none`; `sync_speed` in KiB a second."""
    activity = _ACTIVITIES.get(action)
    if activity is None:
        return None
    done, _, total = completed.partition("/")
    return Work(activity, _number(done) * _SECTOR, _number(total) * _SECTOR, _number(speed) * 1024.0)


def _number(text: str) -> int:
    text = text.strip()
    return int(text) if text.isdigit() else 0
