"""The log of notifications (NOTIFICATION-LOG-MIB, RFC 3014)."""

from __future__ import annotations

import asyncio
import time

from conformance.case import Requirement, expect, provided
from conformance.snmp import ber, needs
from conformance.snmp.ber import Oid
from conformance.snmp.cases.traps import AUTHENTICATION_FAILURE, TOLD_SECONDS, aimed, strange
from conformance.snmp.device import Device
from conformance.snmp.suite import case
from conformance.snmp.wire import V3

CONDITIONAL = Requirement.CONDITIONAL
LIMIT: Oid = (1, 3, 6, 1, 2, 1, 92, 1, 1, 1, 0)
LOGGED: Oid = (1, 3, 6, 1, 2, 1, 92, 1, 2, 1, 0)
NAMES: Oid = (1, 3, 6, 1, 2, 1, 92, 1, 3, 1, 1, 9)  #: nlmLogNotificationID
_NO_LOG = "the user sees no NOTIFICATION-LOG-MIB"


@case(
    "trap.log",
    "A notification that is told is counted, and found in the log",
    "RFC 3014 s3, nlmLogNotificationID",
    CONDITIONAL,
    needs.v3,
)
async def told(device: Device) -> str:
    before = (await device.get(LOGGED, version=V3)).only()
    provided(not before.exception, _NO_LOG)
    known = {each.name for each in await device.walk(NAMES, version=V3)}
    async with device.facts.receivers, aimed(device, 9, inform=False):
        until = time.monotonic() + TOLD_SECONDS
        fresh: list[Oid] = []
        while AUTHENTICATION_FAILURE not in fresh and time.monotonic() < until:
            strange(device)
            await asyncio.sleep(1.0)
            found = await device.walk(NAMES, version=V3)
            fresh = [each.value.name() for each in found if each.name not in known]
    expect(AUTHENTICATION_FAILURE in fresh, f"no authenticationFailure in it within {TOLD_SECONDS:g} s")
    after = (await device.get(LOGGED, version=V3)).only().value.number(ber.COUNTER32)
    expect(after > before.value.number(ber.COUNTER32), f"{before.said}, and {after} afterwards")
    return f"{after} logged"


@case(
    "trap.log-bounded",
    "The log holds no more than its limit says, each entry under an index of its own",
    "RFC 3014 s3, nlmConfigGlobalEntryLimit",
    CONDITIONAL,
    needs.v3,
)
async def bounded(device: Device) -> str:
    limit, before = (await device.get(LIMIT, LOGGED, version=V3)).varbinds
    provided(not limit.exception and not before.exception, _NO_LOG)
    found = [each.name for each in await device.walk(NAMES, version=V3)]
    after = (await device.get(LOGGED, version=V3)).only()
    meanwhile = after.value.number(ber.COUNTER32) - before.value.number(ber.COUNTER32)
    most = limit.value.number(ber.GAUGE32)
    expect(most == 0 or len(found) <= most + meanwhile, f"{len(found)} entries, and a limit of {most}")
    expect(found == sorted(set(found)), "indexes come twice, or not in order")
    return f"{len(found)} of at most {most or 'any number of'} entries"
