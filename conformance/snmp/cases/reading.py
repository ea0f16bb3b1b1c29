"""GET and GETNEXT: values, exceptions, ends."""

from __future__ import annotations

from conformance.case import NotApplicable, Requirement, expect, provided
from conformance.snmp import ber, needs
from conformance.snmp.ber import COUNTER64, END_OF_VIEW, NO_SUCH_INSTANCE, NO_SUCH_OBJECT, Oid
from conformance.snmp.device import SYS_DESCR, Device
from conformance.snmp.suite import case
from conformance.snmp.wire import GET, NO_SUCH_NAME, TOO_BIG, V1, V2C, V3, Pdu, Varbind, pdu, varbind

MANDATORY, OPTIONAL, CONDITIONAL = Requirement.MANDATORY, Requirement.OPTIONAL, Requirement.CONDITIONAL
SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
NOWHERE: Oid = (1, 3, 6, 1, 4, 1, 4294967295, 1, 0)
GET_CLAUSE, NEXT_CLAUSE = "RFC 3416 s4.2.1", "RFC 3416 s4.2.2"


def _is(answer: Pdu, position: int, tag: int, of: Oid) -> None:
    """A varbind is that exception of that name. Raises Failed."""
    found = answer.varbinds[position]
    expect(found.value.tag == tag, f"{ber.dotted(of)} was answered by {found.said}")
    expect(found.name == of, f"{ber.dotted(of)} was answered for {ber.dotted(found.name)}")


def counter64(device: Device) -> Varbind:
    """A Counter64 that it shows. Raises NotApplicable."""
    found = next((each for each in device.facts.rows if each.value.tag == COUNTER64), None)
    if found is None:
        raise NotApplicable("the agent shows no Counter64")
    return found


# ------------------------------------------------------------------------------------------------ GET


def _typed(number: int, name: str, tag: int) -> None:
    @case(f"get.{name}", f"{name} is answered as {ber.WORDS[tag]}", f"RFC 3418 s2, {GET_CLAUSE}", MANDATORY)
    async def typed(device: Device) -> str:
        found = (await device.get((*SYSTEM, number, 0))).only()
        expect(found.value.tag == tag, f"answered {found.said}")
        return found.said


for _number, _name, _tag in (
    (1, "sysDescr", ber.OCTETS),
    (2, "sysObjectID", ber.NAME),
    (3, "sysUpTime", ber.TIMETICKS),
    (4, "sysContact", ber.OCTETS),
    (5, "sysName", ber.OCTETS),
    (6, "sysLocation", ber.OCTETS),
    (7, "sysServices", ber.INTEGER),
):
    _typed(_number, _name, _tag)


@case("get.no-such-object", "What is no object is noSuchObject", GET_CLAUSE, CONDITIONAL, needs.modern)
async def no_such_object(device: Device) -> str:
    answer = await device.get(NOWHERE)
    expect((answer.status, answer.index) == (0, 0), f"answered {answer.said}")
    _is(answer, 0, NO_SUCH_OBJECT, NOWHERE)
    return answer.varbinds[0].said


@case(
    "get.no-such-instance",
    "Another instance of an object is noSuchInstance",
    GET_CLAUSE,
    CONDITIONAL,
    needs.modern,
)
async def no_such_instance(device: Device) -> str:
    for name in ((*SYSTEM, 1, 1), (*SYSTEM, 1, 0, 0), (1, 3, 6, 1, 2, 1, 2, 2, 1, 2, 2147483647)):
        _is(await device.get(name), 0, NO_SUCH_INSTANCE, name)
    return "of two scalars and a column"


@case("get.without-instance", "A name without its .0 is no instance", GET_CLAUSE, CONDITIONAL, needs.modern)
async def without_instance(device: Device) -> str:
    found = (await device.get((*SYSTEM, 1))).only()
    expect(found.value.tag in (NO_SUCH_OBJECT, NO_SUCH_INSTANCE), f"answered {found.said}")
    return found.said


@case("get.group", "A group, a table and an arc are no objects", GET_CLAUSE, CONDITIONAL, needs.modern)
async def group(device: Device) -> str:
    for name in (SYSTEM, (1, 3, 6, 1, 2, 1, 2, 2), (1, 3, 6, 1, 2, 1, 2, 2, 1), (1, 3), (0, 0)):
        found = (await device.get(name)).only()
        expect(found.value.tag in (NO_SUCH_OBJECT, NO_SUCH_INSTANCE), f"answered {found.said}")
        expect(found.name == name, f"{ber.dotted(name)} was answered for {ber.dotted(found.name)}")
    return "system, ifTable, ifEntry, org, zeroDotZero"


@case(
    "get.mixed", "What is there and what is not are answered together", GET_CLAUSE, CONDITIONAL, needs.modern
)
async def mixed(device: Device) -> str:
    answer = await device.get(SYS_DESCR, NOWHERE, (*SYSTEM, 5, 0))
    expect(answer.status == 0 and len(answer.varbinds) == 3, f"answered {answer.said}")
    _is(answer, 1, NO_SUCH_OBJECT, NOWHERE)
    expect(
        not answer.varbinds[0].exception and not answer.varbinds[2].exception,
        "the others are exceptions, too",
    )
    return answer.said


@case("get.v1-name", "In SNMPv1, what is not there is noSuchName", "RFC 1157 s4.1.2", CONDITIONAL, needs.v1)
async def v1_name(device: Device) -> str:
    for name in (NOWHERE, (*SYSTEM, 1, 1), SYSTEM):
        answer = await device.get(name, version=V1)
        expect(
            (answer.status, answer.index) == (NO_SUCH_NAME, 1), f"{ber.dotted(name)}: answered {answer.said}"
        )
    return "of an object, an instance and a group"


@case("get.v1-index", "error-index says which one, from 1", "RFC 1157 s4.1.2", CONDITIONAL, needs.v1)
async def v1_index(device: Device) -> str:
    for at in range(4):
        names = [SYS_DESCR] * 4
        names[at] = NOWHERE
        answer = await device.get(*names, version=V1)
        expect(
            (answer.status, answer.index) == (NO_SUCH_NAME, at + 1), f"the {at + 1}th: answered {answer.said}"
        )
    return "1 to 4"


@case(
    "get.v1-first", "Of several that are not there, the first is told", "RFC 1157 s4.1.2", OPTIONAL, needs.v1
)
async def v1_first(device: Device) -> str:
    answer = await device.get(SYS_DESCR, NOWHERE, (*SYSTEM, 1, 7), version=V1)
    expect((answer.status, answer.index) == (NO_SUCH_NAME, 2), f"answered {answer.said}")
    return answer.said


@case(
    "get.v1-same",
    "With an error, the varbinds come back as they were",
    "RFC 1157 s4.1.2",
    CONDITIONAL,
    needs.v1,
)
async def v1_same(device: Device) -> str:
    names = [SYS_DESCR, NOWHERE, (*SYSTEM, 5, 0)]
    answer = await device.get(*names, version=V1)
    expect(answer.names == names, f"the names are {[ber.dotted(each) for each in answer.names]}")
    expect(
        all(each.value.tag == ber.NULL for each in answer.varbinds), "values are not the NULLs of the request"
    )
    return answer.said


@case(
    "get.v1-counter64",
    "SNMPv1 has no Counter64: it is noSuchName",
    "RFC 3584 s4.2.2.1",
    CONDITIONAL,
    needs.v1,
    needs.modern,
)
async def v1_counter64(device: Device) -> str:
    wide = counter64(device)
    answer = await device.get(wide.name, version=V1)
    expect((answer.status, answer.index) == (NO_SUCH_NAME, 1), f"answered {answer.said}")
    return ber.dotted(wide.name)


@case("get.uptime", "sysUpTime grows with the time", "RFC 3418 s2", MANDATORY)
async def uptime(device: Device) -> str:
    import asyncio

    first = (await device.get((*SYSTEM, 3, 0))).only().value.number(ber.TIMETICKS)
    await asyncio.sleep(0.5)
    second = (await device.get((*SYSTEM, 3, 0))).only().value.number(ber.TIMETICKS)
    grown = (second - first) % (1 << 32)
    expect(30 <= grown <= 1000, f"half a second later it is {grown} ticks more")
    return f"{grown} hundredths in half a second"


@case(
    "get.too-big",
    "An answer that does not fit is tooBig, without varbinds",
    GET_CLAUSE,
    CONDITIONAL,
    needs.v3,
)
async def too_big(device: Device) -> str:
    longest = max(device.facts.rows, key=lambda each: len(each.element))
    count = 700 // (len(longest.element) + len(longest.name)) + 2
    asked = device.template(pdu(GET, device.number(), [varbind(longest.name)] * count)).but(max_size=484)
    answer = await device.secured(asked)
    provided(
        answer is not None,
        "no answer: it may have been dropped, as RFC 3416 s4.2.1 allows where tooBig does not fit, too",
    )
    assert answer is not None
    expect(answer.size <= 484, f"an answer of {answer.size} octets to one who takes 484")
    expect(answer.pdu.status == TOO_BIG, f"answered {answer.pdu.said}")
    expect((answer.pdu.index, len(answer.pdu.varbinds)) == (0, 0), f"answered {answer.pdu.said}")
    return answer.pdu.said


@case("get.every-row", "What a walk shows can be read, and has the same type", GET_CLAUSE, MANDATORY)
async def every_row(device: Device) -> str:
    rows = device.facts.rows[:: max(1, len(device.facts.rows) // 400)]
    gone = 0
    for at in range(0, len(rows), 8):
        asked = rows[at : at + 8]
        answer = await device.get(*(each.name for each in asked))
        if answer.status:  # of SNMPv1: one is gone
            gone += 1
            continue
        for before, now in zip(asked, answer.varbinds, strict=True):
            gone += now.exception
            expect(now.exception or now.value.tag == before.value.tag, f"{before.said} is now {now.said}")
    expect(gone <= len(rows) // 4 + 2, f"{gone} of {len(rows)} are gone")
    return f"{len(rows)} of {len(device.facts.rows)} rows"


# ------------------------------------------------------------------------------------------------ GETNEXT


@case("next.successor", "GETNEXT gives the next instance", NEXT_CLAUSE, MANDATORY)
async def successor(device: Device) -> str:
    found = (await device.next(SYS_DESCR)).only()
    expect(found.name == (*SYSTEM, 2, 0), f"after sysDescr.0 comes {found.said}")
    return found.said


@case("next.prefix", "After an object comes its first instance", NEXT_CLAUSE, MANDATORY)
async def prefix(device: Device) -> str:
    for name in ((*SYSTEM, 1), SYSTEM, (1, 3, 6, 1, 2, 1)):
        found = (await device.next(name)).only()
        expect(found.name == SYS_DESCR, f"after {ber.dotted(name)} comes {found.said}")
    return "sysDescr, system, mib-2"


@case("next.beginning", "After 0.0 comes the first of all", NEXT_CLAUSE, MANDATORY)
async def beginning(device: Device) -> str:
    found = (await device.next((0, 0))).only()
    expect(
        found.name == device.facts.rows[0].name,
        f"answered {found.said}, a walk began with {device.facts.rows[0].said}",
    )
    return found.said


@case("next.between", "A name that is not there has a next one", NEXT_CLAUSE, MANDATORY)
async def between(device: Device) -> str:
    for name, wanted in (
        ((*SYSTEM, 1, 0, 7), (*SYSTEM, 2, 0)),
        ((*SYSTEM, 1, 5), (*SYSTEM, 2, 0)),
        ((*SYSTEM, 4, 4294967295), (*SYSTEM, 5, 0)),
    ):
        found = (await device.next(name)).only()
        expect(found.name == wanted, f"after {ber.dotted(name)} comes {found.said}")
    return "below an instance, beside one, at the largest sub-identifier"


@case("next.long", "A name of 128 sub-identifiers has a next one", "RFC 2578 s3.5", MANDATORY)
async def long(device: Device) -> str:
    found = (await device.next((*SYS_DESCR, *[4294967295] * (128 - len(SYS_DESCR))))).only()
    expect(found.name == (*SYSTEM, 2, 0), f"answered {found.said}")
    return found.said


@case("next.several", "Several names are each answered with their next one", NEXT_CLAUSE, MANDATORY)
async def several(device: Device) -> str:
    names = [(*SYSTEM, number) for number in (6, 2, 4)]
    answer = await device.next(*names)
    expect(
        answer.names == [(*each, 0) for each in names],
        f"answered {[ber.dotted(each) for each in answer.names]}",
    )
    return answer.said


@case("next.column", "After the last row of a column comes the first of the next", NEXT_CLAUSE, CONDITIONAL)
async def column(device: Device) -> str:
    entry: Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1)
    last = [each.name for each in device.below((*entry, 1))]
    provided(bool(last) and bool(device.below((*entry, 2))), "no ifTable")
    found = (await device.next(last[-1])).only()
    expect(found.name == (*entry, 2, last[0][-1]), f"after {ber.dotted(last[-1])} comes {found.said}")
    return found.said


@case(
    "next.end",
    "At the end each name is answered by itself, with endOfMibView",
    NEXT_CLAUSE,
    CONDITIONAL,
    needs.modern,
)
async def end(device: Device) -> str:
    for name in ((2, 39), (2, 999, 1), device.facts.rows[-1].name):
        answer = await device.next(name)
        expect((answer.status, answer.index) == (0, 0), f"answered {answer.said}")
        _is(answer, 0, END_OF_VIEW, name)
    return f"after {ber.dotted(device.facts.rows[-1].name)}, and beyond"


@case("next.end-mixed", "The end of one does not end the others", NEXT_CLAUSE, CONDITIONAL, needs.modern)
async def end_mixed(device: Device) -> str:
    answer = await device.next((2, 39), SYS_DESCR, (2, 40))
    expect(answer.status == 0 and len(answer.varbinds) == 3, f"answered {answer.said}")
    _is(answer, 0, END_OF_VIEW, (2, 39))
    _is(answer, 2, END_OF_VIEW, (2, 40))
    expect(answer.names[1] == (*SYSTEM, 2, 0), f"the second is {answer.varbinds[1].said}")
    return answer.said


@case(
    "next.v1-end", "In SNMPv1 the end is noSuchName, with its index", "RFC 1157 s4.1.3", CONDITIONAL, needs.v1
)
async def v1_end(device: Device) -> str:
    answer = await device.next(SYS_DESCR, (2, 39), version=V1)
    expect((answer.status, answer.index) == (NO_SUCH_NAME, 2), f"answered {answer.said}")
    return answer.said


@case(
    "next.v1-counter64",
    "In SNMPv1, GETNEXT passes over Counter64",
    "RFC 3584 s4.2.2.1",
    CONDITIONAL,
    needs.v1,
    needs.modern,
)
async def v1_counter64_passed(device: Device) -> str:
    wide = counter64(device)
    before = max((each.name for each in device.facts.rows if each.name < wide.name), default=(0, 0))
    found = (await device.next(before, version=V1)).only()
    expect(
        found.value.tag != COUNTER64 and found.name > wide.name,
        f"after {ber.dotted(before)} comes {found.said}",
    )
    return f"over {ber.dotted(wide.name)} to {ber.dotted(found.name)}"


@case(
    "next.never-instance",
    "GETNEXT never answers noSuchInstance or noSuchObject",
    NEXT_CLAUSE,
    CONDITIONAL,
    needs.modern,
)
async def never_instance(device: Device) -> str:
    for row in device.facts.rows[:: max(1, len(device.facts.rows) // 60)]:
        found = (await device.next((*row.name, 0))).only()
        expect(found.value.tag not in (NO_SUCH_OBJECT, NO_SUCH_INSTANCE), f"answered {found.said}")
    return "at 60 places"


@case("next.same-v3", "v2c and v3 go the same way", NEXT_CLAUSE, CONDITIONAL, needs.v2c, needs.v3)
async def same_v3(device: Device) -> str:
    name: Oid = SYSTEM
    for _ in range(10):
        two, three = (
            (await device.next(name, version=V2C)).only(),
            (await device.next(name, version=V3)).only(),
        )
        expect(two.name == three.name, f"after {ber.dotted(name)}: {two.said}, {three.said}")
        name = two.name
    return "ten steps"


@case("get.kind", "GET and GETNEXT are answered by a Response", "RFC 3416 s4.2", MANDATORY)
async def kind(device: Device) -> str:
    # `ask` takes nothing else for an answer.
    for asked in (GET, 0xA1):
        await device.ask(asked, [varbind(SYS_DESCR)])
    return "both"
