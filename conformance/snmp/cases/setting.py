"""SET: in two phases, with an error for each way to be wrong. What is changed is changed back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conformance.case import Failed, NotApplicable, Requirement, expect, provided
from conformance.snmp import ber, needs
from conformance.snmp.ber import Oid, integer, octets
from conformance.snmp.device import SYS_DESCR, Device
from conformance.snmp.suite import case
from conformance.snmp.wire import (
    AUTHORIZATION_ERROR,
    BAD_VALUE,
    INCONSISTENT_VALUE,
    NO_ACCESS,
    NO_CREATION,
    NO_SUCH_NAME,
    NOT_WRITABLE,
    NOTHING,
    SET,
    STATUS,
    V1,
    V2C,
    V3,
    WRONG_ENCODING,
    WRONG_LENGTH,
    WRONG_TYPE,
    WRONG_VALUE,
    Pdu,
    varbind,
)

MANDATORY, OPTIONAL, CONDITIONAL = Requirement.MANDATORY, Requirement.OPTIONAL, Requirement.CONDITIONAL
CONTACT: Oid = (1, 3, 6, 1, 2, 1, 1, 4, 0)
LOCATION: Oid = (1, 3, 6, 1, 2, 1, 1, 6, 0)
AUTHEN_TRAPS: Oid = (1, 3, 6, 1, 2, 1, 11, 30, 0)
SERIAL: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 6, 1, 0)
CLAUSE = "RFC 3416 s4.2.5"
ABSENT: Oid = (1, 3, 6, 1, 4, 1, 4294967295, 1, 0)


async def value(device: Device, name: Oid) -> bytes:
    """An instance's value as its element. Raises NotApplicable where there is none."""
    found = (await device.get(name)).only()
    if found.exception:
        raise NotApplicable(f"{ber.dotted(name)} is not there")
    return found.element


async def writable(device: Device, name: Oid) -> bytes:
    """The value of one that can be SET to what it is. Raises NotApplicable."""
    now = await value(device, name)
    answer = await device.set((name, now))
    provided(answer.status == 0, f"{ber.dotted(name)} cannot be SET: {answer.said}")
    return now


@asynccontextmanager
async def changing(device: Device, *names: Oid) -> AsyncIterator[tuple[bytes, ...]]:
    """The values of these, which can be SET; nobody else changes any meanwhile, and they are changed back. Raises
    NotApplicable."""
    async with device.facts.values:
        before = tuple([await writable(device, name) for name in names])
        try:
            yield before
        finally:
            for name, was in zip(names, before, strict=True):
                if await value(device, name) != was:
                    await device.set((name, was))


def refused(answer: Pdu, index: int, *wanted: int) -> None:
    """It was refused so. Raises Failed."""
    words = " or ".join(STATUS[each] for each in wanted)
    expect(answer.status in wanted, f"answered {answer.said}, not {words}")
    expect(answer.index == index, f"error-index {answer.index}, not {index}")


@case("set.value", "What is SET is read afterwards", CLAUSE, CONDITIONAL, needs.writer)
async def set_value(device: Device) -> str:
    async with changing(device, CONTACT) as (before,):
        for element in (*map(octets, (b"conformance", b"", b"x" * 200)), before):
            answer = await device.set((CONTACT, element))
            expect(answer.status == 0, f"answered {answer.said}")
            now = await value(device, CONTACT)
            expect(now == element, f"read {now.hex()}")
    return "sysContact"


@case("set.echo", "The Response carries the request's varbinds", CLAUSE, CONDITIONAL, needs.writer)
async def echo(device: Device) -> str:
    async with changing(device, CONTACT) as (before,):
        answer = await device.set((CONTACT, before))
    expect((answer.status, answer.index) == (0, 0), f"answered {answer.said}")
    expect(
        [(each.name, each.element) for each in answer.varbinds] == [(CONTACT, before)],
        "other varbinds come back",
    )
    return answer.said


@case("set.echo-error", "So does the Response that refuses", CLAUSE, CONDITIONAL, needs.writer)
async def echo_error(device: Device) -> str:
    answer = await device.set((SYS_DESCR, octets(b"x")))
    expect(answer.status != 0, f"answered {answer.said}")
    expect(
        [(each.name, each.element) for each in answer.varbinds] == [(SYS_DESCR, octets(b"x"))],
        "other varbinds come back",
    )
    return answer.said


@case("set.whole", "Where one of several is refused, none is changed", CLAUSE, CONDITIONAL, needs.writer)
async def whole(device: Device) -> str:
    async with changing(device, CONTACT) as (before,):
        for bad in ((SYS_DESCR, octets(b"x")), (LOCATION, integer(5)), (ABSENT, integer(1))):
            for changes in (((CONTACT, octets(b"half")), bad), (bad, (CONTACT, octets(b"half")))):
                answer = await device.set(*changes)
                expect(answer.status != 0, f"answered {answer.said}")
                unchanged = await value(device, CONTACT) == before
                expect(unchanged, f"sysContact was changed by a SET that was refused: {answer.said}")
    return "with a fault before and behind it"


@case("set.several", "Several values are SET together", CLAUSE, CONDITIONAL, needs.writer)
async def several(device: Device) -> str:
    async with changing(device, CONTACT, LOCATION):
        answer = await device.set((CONTACT, octets(b"one")), (LOCATION, octets(b"two")))
        expect(answer.status == 0, f"answered {answer.said}")
        found = (await value(device, CONTACT), await value(device, LOCATION))
        expect(found == (octets(b"one"), octets(b"two")), "one of them is not what was SET")
    return "sysContact and sysLocation"


@case("set.index", "error-index says which one was refused", CLAUSE, CONDITIONAL, needs.writer)
async def index(device: Device) -> str:
    async with changing(device, CONTACT) as (before,):
        for at in (1, 2, 3):
            changes = [(CONTACT, before)] * 3
            changes[at - 1] = (SYS_DESCR, octets(b"x"))
            refused(await device.set(*changes), at, NOT_WRITABLE, NO_ACCESS)
    return "1 to 3"


@case("set.type", "Another type is wrongType", CLAUSE, CONDITIONAL, needs.writer)
async def wrong_type(device: Device) -> str:
    async with changing(device, CONTACT):
        for element in (integer(7), ber.name((1, 3, 6)), b"\x40\x04\x7f\0\0\1", b"\x44\x02\x04\x00"):
            refused(await device.set((CONTACT, element)), 1, WRONG_TYPE)
    return "INTEGER, OBJECT IDENTIFIER, IpAddress, Opaque for a string"


@case("set.null", "NULL is wrongType", CLAUSE, CONDITIONAL, needs.writer)
async def null(device: Device) -> str:
    async with changing(device, CONTACT):
        refused(await device.set((CONTACT, NOTHING)), 1, WRONG_TYPE)
    return "for sysContact"


@case("set.length", "A string that is too long is wrongLength", CLAUSE, CONDITIONAL, needs.writer)
async def wrong_length(device: Device) -> str:
    async with changing(device, CONTACT):
        refused(await device.set((CONTACT, octets(b"x" * 256))), 1, WRONG_LENGTH, WRONG_VALUE)
    return "256 octets for sysContact"


@case("set.value-wrong", "A number outside its enumeration is wrongValue", CLAUSE, CONDITIONAL, needs.writer)
async def wrong_value(device: Device) -> str:
    async with changing(device, AUTHEN_TRAPS):
        for number in (0, 3, -1, 2147483647):
            refused(await device.set((AUTHEN_TRAPS, integer(number))), 1, WRONG_VALUE)
    return "0, 3, -1 and 2147483647 for snmpEnableAuthenTraps"


@case(
    "set.encoding",
    "An INTEGER without octets is wrongEncoding, or dropped",
    CLAUSE,
    CONDITIONAL,
    needs.writer,
)
async def wrong_encoding(device: Device) -> str:
    async with changing(device, AUTHEN_TRAPS):
        try:
            answer = await device.set((AUTHEN_TRAPS, b"\x02\x00"))
        except Failed as silence:
            await device.alive()
            return str(silence)
        expect(answer.status in (WRONG_ENCODING, WRONG_VALUE, WRONG_LENGTH), f"answered {answer.said}")
    return answer.said


@case("set.read-only", "What cannot be changed is notWritable", CLAUSE, CONDITIONAL, needs.writer)
async def read_only(device: Device) -> str:
    for name, given in (
        (SYS_DESCR, octets(b"x")),
        ((1, 3, 6, 1, 2, 1, 1, 3, 0), b"\x43\x01\x05"),
        ((1, 3, 6, 1, 2, 1, 1, 7, 0), integer(1)),
    ):
        refused(await device.set((name, given)), 1, NOT_WRITABLE, NO_ACCESS)
    return "sysDescr, sysUpTime, sysServices"


@case("set.instance", "Another instance of a scalar cannot be made", CLAUSE, CONDITIONAL, needs.writer)
async def instance(device: Device) -> str:
    for name in ((*CONTACT[:-1], 1), (*CONTACT, 0), CONTACT[:-1]):
        refused(await device.set((name, octets(b"x"))), 1, NO_CREATION, NOT_WRITABLE, NO_ACCESS)
    return "sysContact.1, sysContact.0.0, sysContact"


@case("set.absent", "What is no object cannot be made", CLAUSE, CONDITIONAL, needs.writer)
async def absent(device: Device) -> str:
    answer = await device.set((ABSENT, integer(1)))
    refused(answer, 1, NO_ACCESS, NO_CREATION, NOT_WRITABLE)
    return answer.said


@case("set.empty", "A SET of nothing does nothing", CLAUSE, CONDITIONAL, needs.writer)
async def empty(device: Device) -> str:
    answer = await device.set()
    expect(answer.status == 0 and not answer.varbinds, f"answered {answer.said}")
    return answer.said


@case(
    "set.twice",
    "A name that is SET twice in one request has one of the two values",
    CLAUSE,
    CONDITIONAL,
    needs.writer,
)
async def twice(device: Device) -> str:
    async with changing(device, CONTACT) as (before,):
        answer = await device.set((CONTACT, octets(b"first")), (CONTACT, octets(b"second")))
        now = await value(device, CONTACT)
        fair = (before,) if answer.status else (octets(b"first"), octets(b"second"))
        expect(now in fair, f"answered {answer.said}, and it is {now.hex()}")
    return answer.said


@case(
    "set.serial",
    "snmpSetSerialNo takes its own value alone, and counts on",
    "RFC 3418 s2, RFC 2579 TestAndIncr",
    CONDITIONAL,
    needs.writer,
)
async def serial(device: Device) -> str:
    async with device.facts.values:
        now = (await device.get(SERIAL)).only()
        provided(not now.exception, "snmpSetSerialNo is not there")
        number = now.value.number()
        other = await device.set((SERIAL, integer((number + 7) % 2147483647)))
        refused(other, 1, INCONSISTENT_VALUE, WRONG_VALUE)
        answer = await device.set((SERIAL, integer(number)))
        expect(answer.status == 0, f"answered {answer.said}")
        after = (await device.get(SERIAL)).only().value.number()
        expect(after == (number + 1) % 2147483648, f"{number} became {after}")
    return f"{number} became {after}"


@case(
    "set.serial-guards",
    "A stale snmpSetSerialNo keeps the others from being SET",
    "RFC 3418 s2",
    CONDITIONAL,
    needs.writer,
)
async def serial_guards(device: Device) -> str:
    async with changing(device, CONTACT) as (before,):
        number = (await device.get(SERIAL)).only()
        provided(not number.exception, "snmpSetSerialNo is not there")
        stale = integer((number.value.number() + 9) % 2147483647)
        answer = await device.set((SERIAL, stale), (CONTACT, octets(b"stale")))
        now = await value(device, CONTACT)
        expect(answer.status != 0 and now == before, f"answered {answer.said}, and sysContact is {now.hex()}")
    return answer.said


@case("set.v3", "The user may SET, too", CLAUSE, CONDITIONAL, needs.v3, needs.writer)
async def by_user(device: Device) -> str:
    async with changing(device, CONTACT) as (before,):
        answer = await device.ask(SET, [varbind(CONTACT, before)], version=V3)
        provided(answer.status == 0, f"the user may not: {answer.said}")
        answer = await device.ask(SET, [varbind(CONTACT, octets(b"by v3"))], version=V3)
        expect(
            answer.status == 0 and await value(device, CONTACT) == octets(b"by v3"),
            f"answered {answer.said}",
        )
    return "sysContact"


# ------------------------------------------------------------------------------------------------ SNMPv1


async def _v1(device: Device, *changes: tuple[Oid, bytes]) -> Pdu:
    listed = [varbind(*change) for change in changes]
    return await device.ask(SET, listed, version=V1, community=device.address.write)


@case("set.v1", "SNMPv1 can SET", "RFC 1157 s4.1.5", CONDITIONAL, needs.v1, needs.write_community)
async def v1(device: Device) -> str:
    async with changing(device, CONTACT):
        answer = await _v1(device, (CONTACT, octets(b"by v1")))
        expect(
            answer.status == 0 and await value(device, CONTACT) == octets(b"by v1"),
            f"answered {answer.said}",
        )
    return answer.said


@case(
    "set.v1-value",
    "In SNMPv1 what is wrong with a value is badValue",
    "RFC 3584 s4.3",
    CONDITIONAL,
    needs.v1,
    needs.write_community,
)
async def v1_value(device: Device) -> str:
    async with changing(device, CONTACT):
        refused(await _v1(device, (CONTACT, integer(7))), 1, BAD_VALUE)
        refused(await _v1(device, (CONTACT, octets(b"x" * 256))), 1, BAD_VALUE)
    return "type and length"


@case(
    "set.v1-name",
    "In SNMPv1 what cannot be changed is noSuchName",
    "RFC 3584 s4.3, RFC 1157 s4.1.5",
    CONDITIONAL,
    needs.v1,
    needs.write_community,
)
async def v1_name(device: Device) -> str:
    for name in (SYS_DESCR, ABSENT, (*CONTACT[:-1], 1)):
        refused(await _v1(device, (name, octets(b"x"))), 1, NO_SUCH_NAME)
    return "sysDescr, an unknown object, sysContact.1"


@case(
    "set.v1-index",
    "In SNMPv1 error-index says which one",
    "RFC 1157 s4.1.5",
    CONDITIONAL,
    needs.v1,
    needs.write_community,
)
async def v1_index(device: Device) -> str:
    async with changing(device, CONTACT) as (before,):
        refused(await _v1(device, (CONTACT, before), (SYS_DESCR, octets(b"x"))), 2, NO_SUCH_NAME)
    return "the second"


# ------------------------------------------------------------------------------------------------ who may not


async def _read_only(device: Device, version: int) -> Pdu:
    """What the reading community is answered that would change a value; and nothing is changed."""
    async with device.facts.values:
        before = await value(device, CONTACT)
        changes = [varbind(CONTACT, octets(b"by a reader"))]
        answer = await device.ask(SET, changes, version=version, community=device.address.community)
        expect(await value(device, CONTACT) == before, f"answered {answer.said}, and yet it was changed")
    return answer


@case(
    "set.reader",
    "The community that may read cannot SET",
    "RFC 3415 s3.2, RFC 3416 s4.2.5",
    CONDITIONAL,
    needs.reader,
)
async def reader(device: Device) -> str:
    answer = await _read_only(device, V2C)
    expect(answer.status in (NO_ACCESS, NOT_WRITABLE, AUTHORIZATION_ERROR), f"answered {answer.said}")
    return answer.said


@case("set.reader-v1", "Nor in SNMPv1", "RFC 3584 s4.3", CONDITIONAL, needs.reader, needs.v1)
async def reader_v1(device: Device) -> str:
    answer = await _read_only(device, V1)
    refused(answer, 1, NO_SUCH_NAME)
    return answer.said
