"""Drives of Linux: which are in the bays, what they say of themselves, and what is on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType

from device.linux.machine import Machine
from device.linux.run import ProgramFailed, ProgramHung, ProgramMissing
from device.raid.state import Health

#: Where a bay is connected: the last part of what /sys/block/X/device leads to; `0:0:2:0` of SCSI and SATA, `nvme1`.
Place = NewType("Place", str)

PROBE_SECONDS = 30.0
_FAILING = 8  #: bit of smartctl's exit code
_UNREAD = 7  #: bits of it that say that it could not tell


@dataclass(frozen=True, slots=True)
class Block:
    """A disk as the kernel has it now."""

    device: str  #: sda
    place: Place
    serial: str
    model: str
    size: int  #: bytes


@dataclass(frozen=True, slots=True)
class Smart:
    """What a drive says of itself."""

    health: Health
    temperature: float | None
    hours: int | None


UNTOLD = Smart(Health.UNKNOWN, None, None)


@dataclass(frozen=True, slots=True)
class Content:
    """What is on a device, by its marks. Empty strings where there is none."""

    kind: str  #: linux_raid_member, crypto_LUKS, xfs ...
    label: str
    uuid: str

    @property
    def blank(self) -> bool:
        """Whether nothing is on it that anybody would know."""
        return not self.kind


async def blocks(machine: Machine, places: Sequence[Place]) -> dict[int, Block]:
    """The drives in the bays, by bay: 1 is the first of `places`."""
    bays = {place: bay for bay, place in enumerate(places, 1)}
    found = {}
    for path in await machine.find("/sys/block/*"):
        target = await machine.link(f"{path}/device")
        if target is None:
            continue
        bay = bays.get(Place(target.rpartition("/")[2]))
        if bay is None:
            continue
        sectors = await _text(machine, f"{path}/size")
        found[bay] = Block(
            path.rpartition("/")[2],
            places[bay - 1],
            await _serial(machine, path),
            await _text(machine, f"{path}/device/model"),
            int(sectors) * 512 if sectors.isdigit() else 0,
        )
    return found


async def _serial(machine: Machine, path: str) -> str:
    """SCSI's unit serial number page, or what virtio and NVMe tell."""
    page = await machine.read(f"{path}/device/vpd_pg80")
    if page is not None and len(page) > 4:
        return page[4:].decode("ascii", "replace").strip("\0 \n")
    return await _text(machine, f"{path}/serial") or await _text(machine, f"{path}/device/serial")


async def _text(machine: Machine, path: str) -> str:
    return (await machine.read(path) or b"").decode("utf-8", "replace").strip("\0 \n")


async def content(machine: Machine, device: str) -> Content:
    """What is on a device. Raises ProgramMissing, ProgramHung."""
    try:
        said = await machine.run(("blkid", "-p", "-o", "export", f"/dev/{device}"), within=PROBE_SECONDS)
    except ProgramFailed:  # 2: nothing known is on it, or it cannot be read
        return Content("", "", "")
    fields = dict(line.partition("=")[::2] for line in said.splitlines())
    return Content(
        fields.get("TYPE", "") or fields.get("PTTYPE", ""), fields.get("LABEL", ""), fields.get("UUID", "")
    )


async def smart(machine: Machine, device: str) -> Smart:
    """What a drive says of itself; a drive that cannot tell, or no smartmontools, is UNKNOWN and no error."""
    try:
        said = await machine.run(("smartctl", "--json", "-H", "-A", f"/dev/{device}"), within=PROBE_SECONDS)
        code = 0
    except ProgramFailed as error:
        said, code = error.printed, error.code
    except (ProgramMissing, ProgramHung):
        return UNTOLD
    return told(said, code)


def told(said: str, code: int) -> Smart:
    """From smartctl's JSON and its exit code, a mask of bits."""
    try:
        fields = json.loads(said)
    except ValueError:
        return UNTOLD
    if not isinstance(fields, dict):
        return UNTOLD
    passed = _in(fields, "smart_status", "passed")
    if passed is False or code & _FAILING:
        health = Health.FAILING
    elif passed is True and not code & _UNREAD:
        health = Health.PASSED
    else:
        health = Health.UNKNOWN
    degrees, hours = _in(fields, "temperature", "current"), _in(fields, "power_on_time", "hours")
    return Smart(
        health,
        float(degrees) if isinstance(degrees, int | float) else None,
        hours if type(hours) is int else None,
    )


def _in(fields: dict[str, object], *path: str) -> object:
    at: object = fields
    for name in path:
        if not isinstance(at, dict):
            return None
        at = at.get(name)
    return at
