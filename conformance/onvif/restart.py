"""Cases that let the device restart: only where they are asked for, behind all others."""

from __future__ import annotations

import asyncio
import time

from conformance.case import Failed, NotJudged
from conformance.onvif.device import Device

ALONE, LAST = 1, 2  #: `Case.alone`
_BACK_SECONDS = 180.0
_AT_ONCE_SECONDS = 20.0  #: after which a device that was never away is taken to be back
_DISRUPTIVE = "not asked for: it restarts the device (--disruptive)"


def asked_for(device: Device) -> None:
    """Raises NotJudged where restarts are not."""
    if not device.address.disruptive:
        raise NotJudged(_DISRUPTIVE)


async def until_back(device: Device) -> float:
    """Wait for the device, which was told to restart; the seconds that it took. Raises Failed."""
    began = time.monotonic()
    gone = False
    while (passed := time.monotonic() - began) < _BACK_SECONDS:
        await asyncio.sleep(0.5)
        try:
            await device.call("tds:GetSystemDateAndTime")
        except Failed:
            gone = True
            continue
        if gone or passed > _AT_ONCE_SECONDS:
            return passed
    raise Failed(f"it does not answer after {_BACK_SECONDS:g} s")


async def restart(device: Device) -> float:
    """Let it restart, and wait until the account is let in again; the seconds that it took. Raises NotJudged,
    Failed."""
    asked_for(device)
    await device.call("tds:SystemReboot")
    passed = await until_back(device)
    device.good("tds:GetUsers", await device.as_other(device.address.login, "tds:GetUsers"))
    return passed
