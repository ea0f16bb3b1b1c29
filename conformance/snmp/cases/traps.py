"""Notifications: a manager sets who is told, snmptrapd is told (RFC 3413 s3.3, RFC 3416 s4.2, RFC 3584 s3)."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conformance.case import NotApplicable, Requirement, expect, provided
from conformance.snmp import ber, needs
from conformance.snmp.ber import Oid, integer, octets
from conformance.snmp.cases.setting import AUTHEN_TRAPS
from conformance.snmp.device import SYS_DESCR, Device
from conformance.snmp.suite import case
from conformance.snmp.tools import Receiver, trapd
from conformance.snmp.wire import GET, SET, V2C, V3, Pdu, message, pdu, varbind

CONDITIONAL = Requirement.CONDITIONAL
ADDRESSES: Oid = (1, 3, 6, 1, 6, 3, 12, 1, 2, 1)
PARAMS: Oid = (1, 3, 6, 1, 6, 3, 12, 1, 3, 1)
NOTIFY: Oid = (1, 3, 6, 1, 6, 3, 13, 1, 1, 1)
UDP: Oid = (1, 3, 6, 1, 6, 1, 1)
NAME = b"conformance"
AUTHENTICATION_FAILURE: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5, 5)
FAILURE = "".join(f".{number}" for number in AUTHENTICATION_FAILURE)
TOLD_SECONDS = 30.0  #: in which a failure is told: agents tell of one in so many seconds
_UPTIME_FIRST = re.compile(
    r"\.1\.3\.6\.1\.2\.1\.1\.3\.0 = Timeticks: \(\d+\)[^\t\n]*\t\.1\.3\.6\.1\.6\.3\.1\.1\.4\.1\.0 = OID: "
    + re.escape(FAILURE)
)


async def _set(device: Device, *changes: tuple[Oid, bytes]) -> Pdu:
    return await device.ask(SET, [varbind(*change) for change in changes], version=V3)


async def _remove(device: Device) -> None:
    for entry, column in ((NOTIFY, 5), (ADDRESSES, 9), (PARAMS, 7)):
        await _set(device, ((*entry, column, *NAME), integer(6)))


@asynccontextmanager
async def aimed(device: Device, port: int, inform: bool) -> AsyncIterator[None]:
    """The user of v3 is told at our port. Raises NotApplicable where that cannot be SET."""
    probe = device.socket()
    host = probe.getsockname()[0]
    provided(probe.family == socket.AF_INET, "receivers are set by IPv4 address only")
    address = socket.inet_aton(host) + port.to_bytes(2, "big")
    await _remove(device)
    rows = (
        (((*PARAMS, 2, *NAME), integer(3)), ((*PARAMS, 3, *NAME), integer(3)),
         ((*PARAMS, 4, *NAME), octets(device.address.user.encode())), ((*PARAMS, 5, *NAME), integer(3)),
         ((*PARAMS, 6, *NAME), integer(2)), ((*PARAMS, 7, *NAME), integer(4))),
        (((*ADDRESSES, 2, *NAME), ber.name(UDP)), ((*ADDRESSES, 3, *NAME), octets(address)),
         ((*ADDRESSES, 4, *NAME), integer(100)), ((*ADDRESSES, 5, *NAME), integer(3)),
         ((*ADDRESSES, 6, *NAME), octets(NAME)), ((*ADDRESSES, 7, *NAME), octets(NAME)),
         ((*ADDRESSES, 8, *NAME), integer(2)), ((*ADDRESSES, 9, *NAME), integer(4))),
        (((*NOTIFY, 2, *NAME), octets(NAME)), ((*NOTIFY, 3, *NAME), integer(2 if inform else 1)),
         ((*NOTIFY, 4, *NAME), integer(2)), ((*NOTIFY, 5, *NAME), integer(4))),
    )  # fmt: skip
    before = (await device.get(AUTHEN_TRAPS, version=V3)).only()
    try:
        for row in rows:
            answer = await _set(device, *row)
            provided(answer.status == 0, f"the user cannot set who is told: {answer.said}")
        if before.element != integer(1):
            answer = await _set(device, (AUTHEN_TRAPS, integer(1)))
            provided(answer.status == 0, f"the user cannot switch authenticationFailure on: {answer.said}")
        yield
    finally:
        await _remove(device)
        if not before.exception and before.element != integer(1):
            await _set(device, (AUTHEN_TRAPS, before.element))


def strange(device: Device) -> None:
    """Come with a wrong community."""
    device.socket().send(message(V2C, b"conformance-stranger", pdu(GET, 7, [varbind(SYS_DESCR)])))


async def _fail(device: Device, receiver: Receiver, words: str) -> bool:
    """Come with a wrong community until that is told, or for long enough."""
    until = time.monotonic() + TOLD_SECONDS
    while time.monotonic() < until:
        strange(device)
        if await receiver.hears(words, 1.0):
            return True
    return False


@case(
    "trap.receivers", "The user can set who is told, and take it back", "RFC 3413 s4", CONDITIONAL, needs.v3
)
async def receivers(device: Device) -> str:
    async with device.facts.receivers, aimed(device, 9, inform=False):
        found = (await device.get((*ADDRESSES, 9, *NAME), version=V3)).only()
        expect(not found.exception and found.value.number() == 1, f"{found.said} after createAndGo")
    gone = (await device.get((*ADDRESSES, 9, *NAME), version=V3)).only()
    expect(gone.exception, f"{gone.said} after destroy")
    return "addresses, parameters and notifications"


@case(
    "trap.v3",
    "snmptrapd receives a trap of v3, authenticated and encrypted",
    "RFC 3413 s3.3, RFC 3414 s3.1",
    CONDITIONAL,
    needs.v3,
    needs.snmptrapd,
)
async def trap_v3(device: Device) -> str:
    async with (
        device.facts.receivers,
        trapd(device, 0, communities=False) as receiver,
        aimed(device, receiver.port, inform=False),
    ):
        heard = await _fail(device, receiver, FAILURE)
        expect(heard, f"no authenticationFailure within {TOLD_SECONDS:g} s of wrong communities")
        expect(
            _UPTIME_FIRST.search(receiver.said()) is not None, "sysUpTime and snmpTrapOID do not come first"
        )
    return "authenticationFailure"


@case(
    "trap.inform",
    "snmptrapd receives an Inform of v3 and acknowledges it: it comes once",
    "RFC 3416 s4.2.7, RFC 3413 s3.3",
    CONDITIONAL,
    needs.v3,
    needs.snmptrapd,
)
async def inform(device: Device) -> str:
    async with (
        device.facts.receivers,
        trapd(device, 0, communities=False) as receiver,
        aimed(device, receiver.port, inform=True),
    ):
        heard = await _fail(device, receiver, FAILURE)
        expect(heard, f"no authenticationFailure within {TOLD_SECONDS:g} s of wrong communities")
        count = receiver.said().count(FAILURE)
        await asyncio.sleep(3.0)
        more = receiver.said().count(FAILURE) - count
        expect(more <= 1, f"it came {more} more times although it was acknowledged")
    return "authenticationFailure, once"


@case(
    "trap.off",
    "With snmpEnableAuthenTraps disabled nothing is told",
    "RFC 3418 s2, snmpEnableAuthenTraps",
    CONDITIONAL,
    needs.v3,
    needs.snmptrapd,
)
async def off(device: Device) -> str:
    async with (
        device.facts.receivers,
        trapd(device, 0, communities=False) as receiver,
        aimed(device, receiver.port, inform=False),
    ):
        answer = await _set(device, (AUTHEN_TRAPS, integer(2)))
        provided(answer.status == 0, f"the user cannot switch authenticationFailure off: {answer.said}")
        for _ in range(5):
            strange(device)
        heard = await receiver.hears(FAILURE, 2.0)
        await _set(device, (AUTHEN_TRAPS, integer(1)))
        expect(not heard, "authenticationFailure was told")
    return "nothing within 2 s"


@case(
    "trap.community",
    "snmptrapd receives the traps that the agent is set to send",
    "RFC 3416 s4.2.6, RFC 1157 s4.1.6",
    CONDITIONAL,
    needs.snmptrapd,
)
async def community(device: Device) -> str:
    port = device.address.trap_port
    if port is None:
        raise NotApplicable("no port was given that the agent sends traps to (--trap-port)")
    async with device.facts.receivers, trapd(device, port, communities=True) as receiver:
        of_v1 = "Authentication Failure Trap"
        heard = await _fail(device, receiver, FAILURE) or of_v1 in receiver.said()
        expect(heard, f"no authenticationFailure within {TOLD_SECONDS:g} s of wrong communities")
        said = receiver.said()
        expect(
            of_v1 in said or _UPTIME_FIRST.search(said) is not None,
            "sysUpTime and snmpTrapOID do not come first",
        )
    return "authenticationFailure"
