"""Rows that managers make: RowStatus (RFC 2579) in snmpTargetParamsTable (RFC 3413)."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conformance.case import Requirement, expect, provided
from conformance.snmp import ber, needs
from conformance.snmp.ber import Oid, integer, octets
from conformance.snmp.cases.setting import refused
from conformance.snmp.device import Device
from conformance.snmp.suite import case
from conformance.snmp.wire import INCONSISTENT_NAME, INCONSISTENT_VALUE, NO_CREATION, WRONG_VALUE, Pdu

CONDITIONAL = Requirement.CONDITIONAL
PARAMS: Oid = (1, 3, 6, 1, 6, 3, 12, 1, 3, 1)
_MODEL, _SECURITY, _NAME, _LEVEL, _STORAGE, _STATUS = 2, 3, 4, 5, 6, 7
ACTIVE, NOT_IN_SERVICE, NOT_READY, CREATE_AND_GO, CREATE_AND_WAIT, DESTROY = range(1, 7)
CLAUSE = "RFC 2579, RowStatus"


def at(column: int, name: bytes) -> Oid:
    """An instance of snmpTargetParamsTable."""
    return (*PARAMS, column, *name)


def _full(name: bytes) -> list[tuple[Oid, bytes]]:
    """All that a row needs; volatile, so that nothing of it is kept."""
    return [
        (at(_MODEL, name), integer(3)),
        (at(_SECURITY, name), integer(3)),
        (at(_NAME, name), octets(b"conformance")),
        (at(_LEVEL, name), integer(3)),
        (at(_STORAGE, name), integer(2)),
    ]


async def status(device: Device, name: bytes, wanted: int) -> Pdu:
    """SET a row's status."""
    return await device.make((at(_STATUS, name), integer(wanted)))


async def create(device: Device, name: bytes) -> bool:
    """Make a row. False: it may not be made."""
    await destroy(device, name)
    answer = await device.make(*_full(name), (at(_STATUS, name), integer(CREATE_AND_GO)))
    return answer.status == 0


async def destroy(device: Device, name: bytes) -> Pdu:
    """Remove it, where it is there."""
    return await status(device, name, DESTROY)


async def _shown(device: Device, name: bytes) -> int | None:
    """RowStatus; None: there is no such row."""
    version, community = device.maker
    found = (await device.get(at(_STATUS, name), version=version, community=community)).only()
    return None if found.exception else found.value.number()


_names = itertools.count()


@asynccontextmanager
async def rows(device: Device) -> AsyncIterator[bytes]:
    """The name of a row that is not there; if there is one afterwards, it is removed. Raises NotApplicable where
    whoever was given may not make rows, or does not see them."""
    name = b"conf%d" % next(_names)  # cases may be tried side by side
    try:
        made = await create(device, name)
        seen = made and await _shown(device, name) is not None
        provided(made, "nobody who was given may make rows in snmpTargetParamsTable")
        provided(seen, "whoever makes rows does not see snmpTargetParamsTable")
        await destroy(device, name)
        yield name
    finally:
        await destroy(device, name)


@case(
    "row.create-and-go",
    "createAndGo makes a row that is active",
    CLAUSE,
    CONDITIONAL,
    needs.modern,
    needs.writer,
)
async def create_and_go(device: Device) -> str:
    async with rows(device) as name:
        expect(await create(device, name), "a row was not made")
        found = await _shown(device, name)
        expect(found == ACTIVE, f"its status is {found}")
    return "active"


@case(
    "row.create-and-wait",
    "createAndWait makes a row that waits for its values",
    CLAUSE,
    CONDITIONAL,
    needs.modern,
    needs.writer,
)
async def create_and_wait(device: Device) -> str:
    async with rows(device) as name:
        answer = await status(device, name, CREATE_AND_WAIT)
        expect(answer.status == 0, f"answered {answer.said}")
        found = await _shown(device, name)
        expect(found == NOT_READY, f"without its values its status is {found}")
        answer = await device.make(*_full(name))
        expect(answer.status == 0, f"its values: answered {answer.said}")
        found = await _shown(device, name)
        expect(found == NOT_IN_SERVICE, f"with its values its status is {found}")
        answer = await status(device, name, ACTIVE)
        expect(answer.status == 0 and await _shown(device, name) == ACTIVE, f"active: answered {answer.said}")
    return "notReady, notInService, active"


@case(
    "row.not-ready",
    "A row without its values cannot be active",
    CLAUSE,
    CONDITIONAL,
    needs.modern,
    needs.writer,
)
async def not_ready(device: Device) -> str:
    async with rows(device) as name:
        await status(device, name, CREATE_AND_WAIT)
        refused(await status(device, name, ACTIVE), 1, INCONSISTENT_VALUE)
        found = await _shown(device, name)
        expect(found == NOT_READY, f"its status is {found}")
    return "inconsistentValue"


@case(
    "row.go-incomplete",
    "createAndGo without values makes nothing",
    CLAUSE,
    CONDITIONAL,
    needs.modern,
    needs.writer,
)
async def go_incomplete(device: Device) -> str:
    async with rows(device) as name:
        answer = await status(device, name, CREATE_AND_GO)
        found = await _shown(device, name)
        expect(answer.status == INCONSISTENT_VALUE, f"answered {answer.said}, not inconsistentValue")
        expect(found is None, f"and yet there is a row with status {found}")
    return answer.said


@case("row.exists", "What is there cannot be created", CLAUSE, CONDITIONAL, needs.modern, needs.maker)
async def exists(device: Device) -> str:
    async with rows(device) as name:
        await create(device, name)
        for wanted in (CREATE_AND_GO, CREATE_AND_WAIT):
            refused(await status(device, name, wanted), 1, INCONSISTENT_VALUE)
        expect(await _shown(device, name) == ACTIVE, "the row is not what it was")
    return "inconsistentValue"


@case(
    "row.not-ready-set",
    "notReady and numbers that are no status are wrongValue",
    CLAUSE,
    CONDITIONAL,
    needs.modern,
    needs.writer,
)
async def not_ready_set(device: Device) -> str:
    async with rows(device) as name:
        await create(device, name)
        for wanted in (NOT_READY, 0, 7):
            refused(await status(device, name, wanted), 1, WRONG_VALUE, INCONSISTENT_VALUE)
    return "3, 0 and 7"


@case(
    "row.absent",
    "A row that is not there can be destroyed, but not changed",
    CLAUSE,
    CONDITIONAL,
    needs.modern,
    needs.writer,
)
async def absent(device: Device) -> str:
    async with rows(device) as name:
        answer = await destroy(device, name)
        expect(answer.status == 0, f"destroy: answered {answer.said}")
        for wanted in (ACTIVE, NOT_IN_SERVICE):
            answer = await status(device, name, wanted)
            expect(
                answer.status in (INCONSISTENT_VALUE, INCONSISTENT_NAME, NO_CREATION),
                f"{wanted}: answered {answer.said}",
            )
    return answer.said


@case("row.destroy", "destroy takes the row away at once", CLAUSE, CONDITIONAL, needs.modern, needs.maker)
async def destroyed(device: Device) -> str:
    async with rows(device) as name:
        await create(device, name)
        answer = await destroy(device, name)
        expect(answer.status == 0 and await _shown(device, name) is None, f"answered {answer.said}")
        version, community = device.maker
        names = [each.name for each in await device.walk(PARAMS, version=version, community=community)]
        left = [ber.dotted(each) for each in names if each[len(PARAMS) + 1 :] == tuple(name)]
        expect(not left, f"a walk finds {left}")
    return answer.said


@case(
    "row.order",
    "In one SET, the status may stand before the values",
    f"{CLAUSE}, RFC 3416 s4.2.5",
    CONDITIONAL,
    needs.modern,
    needs.writer,
)
async def order(device: Device) -> str:
    async with rows(device) as name:
        answer = await device.make((at(_STATUS, name), integer(CREATE_AND_GO)), *reversed(_full(name)))
        expect(answer.status == 0 and await _shown(device, name) == ACTIVE, f"answered {answer.said}")
    return answer.said


@case(
    "row.whole",
    "A row and a fault in one SET make no row",
    "RFC 3416 s4.2.5",
    CONDITIONAL,
    needs.modern,
    needs.writer,
)
async def whole(device: Device) -> str:
    async with rows(device) as name:
        fault = ((1, 3, 6, 1, 2, 1, 1, 1, 0), octets(b"x"))
        answer = await device.make(*_full(name), (at(_STATUS, name), integer(CREATE_AND_GO)), fault)
        found = await _shown(device, name)
        expect(answer.status != 0 and answer.index == 7, f"answered {answer.said}")
        expect(found is None, f"and yet there is a row with status {found}")
    return answer.said


@case(
    "row.name-long",
    "An index of 33 octets is refused",
    "RFC 3413 s4.1.2, SIZE (1..32)",
    CONDITIONAL,
    needs.modern,
    needs.writer,
)
async def name_long(device: Device) -> str:
    async with rows(device):
        name = b"n" * 33
        answer = await device.make(*_full(name), (at(_STATUS, name), integer(CREATE_AND_GO)))
        if answer.status == 0:
            await destroy(device, name)
        expect(answer.status != 0, f"answered {answer.said}")
    return answer.said
