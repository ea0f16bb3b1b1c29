"""Standard objects: what every agent shows, and what it promises where it shows it."""

from __future__ import annotations

import asyncio

from conformance.case import Requirement, expect, provided
from conformance.snmp import ber
from conformance.snmp.ber import COUNTER32, COUNTER64, GAUGE32, INTEGER, NAME, OCTETS, TIMETICKS, Oid
from conformance.snmp.device import Device
from conformance.snmp.suite import case

MANDATORY, OPTIONAL, CONDITIONAL = Requirement.MANDATORY, Requirement.OPTIONAL, Requirement.CONDITIONAL
MIB2: Oid = (1, 3, 6, 1, 2, 1)
IF: Oid = (*MIB2, 2, 2, 1)
IFX: Oid = (*MIB2, 31, 1, 1, 1)
IF_TYPES = {
    **dict.fromkeys((1, 3, 4, 7, 8), INTEGER),
    **dict.fromkeys((2, 6), OCTETS),
    **dict.fromkeys((5, 21), GAUGE32),
    9: TIMETICKS,
    **dict.fromkeys(range(10, 21), COUNTER32),
    22: NAME,
}
IFX_TYPES = {
    **dict.fromkeys((1, 18), OCTETS),
    **dict.fromkeys(range(2, 6), COUNTER32),
    **dict.fromkeys(range(6, 14), COUNTER64),
    **dict.fromkeys((14, 16, 17), INTEGER),
    15: GAUGE32,
    19: TIMETICKS,
}


def column(device: Device, entry: Oid, number: int) -> dict[Oid, ber.Element]:
    """Index -> value."""
    prefix = (*entry, number)
    return {each.name[len(prefix) :]: each.value for each in device.below(prefix)}


@case("object.system", "The system group is whole", "RFC 3418 s2, systemGroup", MANDATORY)
async def system(device: Device) -> str:
    missing = [number for number in range(1, 8) if device.row((*MIB2, 1, number, 0)) is None]
    expect(not missing, f"missing: {missing}")
    return "seven objects"


@case("object.description", "sysDescr is printable and says something", "RFC 3418 s2, sysDescr", MANDATORY)
async def description(device: Device) -> str:
    text = device.facts.description
    expect(bool(text.strip()) and text.isprintable(), f"sysDescr is {text!r}")
    return text[:80]


@case("object.identity", "sysObjectID lies below enterprises", "RFC 3418 s2, sysObjectID", MANDATORY)
async def identity(device: Device) -> str:
    row = device.row((*MIB2, 1, 2, 0))
    expect(row is not None, "it is not there")
    assert row is not None
    expect(
        row.value.name()[:7] != (1, 3, 6, 1, 4, 1, 0) and row.value.name()[:6] == (1, 3, 6, 1, 4, 1),
        f"it is {row.said}",
    )
    return row.said


@case(
    "object.resources",
    "sysORTable says which modules there are, and since when",
    "RFC 3418 s2, sysORTable",
    MANDATORY,
)
async def resources(device: Device) -> str:
    entry = (*MIB2, 1, 9, 1)
    identities, times = column(device, entry, 2), column(device, entry, 4)
    expect(bool(identities), "it is empty")
    expect(
        identities.keys() == times.keys() == column(device, entry, 3).keys(),
        "its columns have different rows",
    )
    now = (await device.get((*MIB2, 1, 3, 0))).only().value.number(TIMETICKS)
    late = [index for index, each in times.items() if each.number(TIMETICKS) > now]
    expect(not late, f"modules came after now: {late}")
    return f"{len(identities)} modules"


@case("object.snmp", "The snmp group is whole", "RFC 3418 s2, snmpGroup", MANDATORY)
async def snmp(device: Device) -> str:
    missing = [number for number in (1, 3, 4, 5, 6, 30, 31, 32) if device.row((*MIB2, 11, number, 0)) is None]
    expect(not missing, f"missing: {missing}")
    return "eight objects"


@case(
    "object.authentication-traps",
    "snmpEnableAuthenTraps is enabled(1) or disabled(2)",
    "RFC 3418 s2",
    MANDATORY,
)
async def authentication_traps(device: Device) -> str:
    row = device.row((*MIB2, 11, 30, 0))
    provided(row is not None, "it is not there")
    assert row is not None
    expect(row.value.number() in (1, 2), row.said)
    return row.said


@case(
    "object.engine",
    "snmpEngineID, Boots, Time and MaxMessageSize are there",
    "RFC 3411 s5, snmpEngineGroup",
    MANDATORY,
)
async def engine(device: Device) -> str:
    missing = [
        number for number in range(1, 5) if device.row((1, 3, 6, 1, 6, 3, 10, 2, 1, number, 0)) is None
    ]
    expect(not missing, f"missing: {missing}")
    return "four objects"


@case("object.processing", "snmpMPDStats are there", "RFC 3412 s9", CONDITIONAL)
async def processing(device: Device) -> str:
    missing = [number for number in (1, 2, 3) if device.row((1, 3, 6, 1, 6, 3, 11, 2, 1, number, 0)) is None]
    expect(not missing, f"missing: {missing}")
    return "three objects"


@case("object.usm", "usmStats are there", "RFC 3414 s5", CONDITIONAL)
async def usm(device: Device) -> str:
    missing = [
        number for number in range(1, 7) if device.row((1, 3, 6, 1, 6, 3, 15, 1, 1, number, 0)) is None
    ]
    expect(not missing, f"missing: {missing}")
    return "six objects"


@case("object.interfaces", "ifNumber is the number of rows of ifTable", "RFC 2863 s6", CONDITIONAL)
async def interfaces(device: Device) -> str:
    row = device.row((*MIB2, 2, 1, 0))
    provided(row is not None, "there is no ifNumber")
    assert row is not None
    found = column(device, IF, 1)
    expect(row.value.number() == len(found), f"ifNumber is {row.value.number()}, rows are {len(found)}")
    return f"{len(found)} interfaces"


@case(
    "object.interface-index",
    "ifIndex is the index, and 1 at least",
    "RFC 2863 s6, InterfaceIndex",
    CONDITIONAL,
)
async def interface_index(device: Device) -> str:
    found = column(device, IF, 1)
    provided(bool(found), "there is no ifTable")
    wrong = [index for index, each in found.items() if index != (each.number(),) or index[0] < 1]
    expect(not wrong, f"not so at {wrong}")
    return f"{len(found)} interfaces"


def _types(name: str, entry: Oid, types: dict[int, int], clause: str) -> None:
    @case(f"object.{name}", f"The columns of {name} have their types, and the same rows", clause, CONDITIONAL)
    async def checked(device: Device) -> str:
        rows = column(device, IF, 1).keys()
        present = [number for number in types if column(device, entry, number)]
        provided(bool(present), f"there is no {name}")
        for number in present:
            found = column(device, entry, number)
            for index, value in found.items():
                expect(
                    value.tag == types[number],
                    f"column {number}, row {ber.dotted(index)}: {ber.WORDS.get(value.tag)}",
                )
            strange = found.keys() - rows
            expect(not strange, f"column {number} has rows that ifTable has not: {sorted(strange)[:3]}")
        return f"{len(present)} columns"


_types("ifTable", IF, IF_TYPES, "RFC 2863 s6, ifTable")
_types("ifXTable", IFX, IFX_TYPES, "RFC 2863 s6, ifXTable")


@case(
    "object.interface-states",
    "ifAdminStatus and ifOperStatus are of their enumerations",
    "RFC 2863 s6",
    CONDITIONAL,
)
async def interface_states(device: Device) -> str:
    provided(bool(column(device, IF, 7)), "there is no ifTable")
    for number, most in ((7, 3), (8, 7)):
        wrong = [
            index for index, each in column(device, IF, number).items() if not 1 <= each.number() <= most
        ]
        expect(not wrong, f"column {number}: not so at {wrong}")
    return "all"


@case("object.interface-speed", "ifSpeed and ifHighSpeed agree", "RFC 2863 s6", CONDITIONAL)
async def interface_speed(device: Device) -> str:
    high = column(device, IFX, 15)
    provided(bool(high), "there is no ifHighSpeed")
    for index, each in column(device, IF, 5).items():
        if index in high:
            wide, narrow = high[index].number(GAUGE32), each.number(GAUGE32)
            wanted = 4294967295 if wide > 4294 else wide * 1_000_000
            expect(
                abs(wanted - narrow) <= 1_000_000 or narrow == wanted,
                f"{ber.dotted(index)}: {narrow} bit/s and {wide} Mbit/s",
            )
    return f"{len(high)} interfaces"


@case("object.wide-counters", "Counters of 64 bits agree with those of 32", "RFC 2863 s3.1.6", CONDITIONAL)
async def wide_counters(device: Device) -> str:
    provided(bool(column(device, IFX, 6)), "there are no counters of 64 bits")
    checked = 0
    for wide, narrow in ((6, 10), (10, 16)):
        for index in column(device, IFX, wide):
            answer = await device.get((*IFX, wide, *index), (*IF, narrow, *index), (*IFX, wide, *index))
            if any(each.exception for each in answer.varbinds):
                continue
            first, low, second = (each.value for each in answer.varbinds)
            between = (low.number(COUNTER32) - first.number(COUNTER64)) % (1 << 32)
            span = second.number(COUNTER64) - first.number(COUNTER64)
            # Computed one after the other, the narrow one lies between two of the wide one, or a little beside.
            expect(
                between <= span + 1_000_000 or between >= (1 << 32) - 1_000_000,
                f"{ber.dotted(index)}: {first.number(COUNTER64)} and {low.number(COUNTER32)}",
            )
            checked += 1
    return f"{checked} pairs"


@case(
    "object.counters-grow", "Counters of interfaces do not go back", "RFC 2578 s7.1.6, s7.1.10", CONDITIONAL
)
async def counters_grow(device: Device) -> str:
    names = [(*IFX, 6, *index) for index in column(device, IFX, 6)][:8] or [
        (*IF, 10, *index) for index in column(device, IF, 10)
    ][:8]
    provided(bool(names), "there are no interfaces")
    before = {name: device.row(name) for name in names}
    await asyncio.sleep(1.2)
    for now in (await device.get(*names)).varbinds:
        old = before[now.name]
        if old is not None and now.value.tag == COUNTER64:
            expect(now.value.number(COUNTER64) >= old.value.number(COUNTER64), f"{old.said}, then {now.said}")
    return f"{len(names)} counters"


@case(
    "object.host-uptime",
    "hrSystemUptime is the machine's, not less than the agent's",
    "RFC 2790 s4, hrSystemUptime",
    CONDITIONAL,
)
async def host_uptime(device: Device) -> str:
    answer = await device.get((*MIB2, 25, 1, 1, 0), (*MIB2, 1, 3, 0))
    provided(answer.status == 0 and not answer.varbinds[0].exception, "there is no hrSystemUptime")
    machine, agent = (each.value.number(TIMETICKS) for each in answer.varbinds)
    expect(machine >= agent - 200, f"{machine} ticks, and sysUpTime is {agent}")
    return f"{machine / 100:.0f} s"


@case(
    "object.storage", "hrStorageTable's sizes fit in their types", "RFC 2790 s4, hrStorageTable", CONDITIONAL
)
async def storage(device: Device) -> str:
    entry = (*MIB2, 25, 2, 3, 1)
    units, sizes, used = (column(device, entry, number) for number in (4, 5, 6))
    provided(bool(sizes), "there is no hrStorageTable")
    for index, size in sizes.items():
        expect(units[index].number() >= 1, f"{ber.dotted(index)}: units of {units[index].number()} octets")
        expect(
            0 <= used[index].number() <= size.number() or size.number() == 0,
            f"{ber.dotted(index)}: {used[index].number()} of {size.number()}",
        )
    return f"{len(sizes)} storages"


@case(
    "object.sensors", "A sensor's value goes with its type, scale and precision", "RFC 3433 s4", CONDITIONAL
)
async def sensors(device: Device) -> str:
    entry = (*MIB2, 99, 1, 1, 1)
    values = column(device, entry, 4)
    provided(bool(values), "there is no entPhySensorTable")
    for number, low, high in ((1, 1, 14), (2, 1, 17), (3, -8, 9), (5, 1, 3)):
        found = column(device, entry, number)
        expect(found.keys() == values.keys(), f"column {number} has other rows")
        wrong = [index for index, each in found.items() if not low <= each.number() <= high]
        expect(not wrong, f"column {number}: outside its enumeration at {wrong}")
    return f"{len(values)} sensors"
