"""GETBULK, and whole walks."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

from conformance.case import Requirement, expect, provided
from conformance.snmp import ber, needs
from conformance.snmp.ber import END_OF_VIEW, Oid
from conformance.snmp.device import ANSWER_SECONDS, SYS_DESCR, Device
from conformance.snmp.suite import case
from conformance.snmp.wire import GETBULK, V1, V2C, V3, message, pdu, varbind

MANDATORY, OPTIONAL, CONDITIONAL = Requirement.MANDATORY, Requirement.OPTIONAL, Requirement.CONDITIONAL
SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
MIB2: Oid = (1, 3, 6, 1, 2, 1)
CLAUSE = "RFC 3416 s4.2.3"
PATH = 1472  #: octets that one Ethernet frame carries over IPv4 and UDP
MOST_AMPLIFIED = 60  #: times the request's size


@case("bulk.count", "max-repetitions says how many", CLAUSE, CONDITIONAL, needs.modern)
async def count(device: Device) -> str:
    for number in (1, 2, 5, 7):
        answer = await device.bulk(0, number, SYSTEM)
        expect(answer.status == 0 and len(answer.varbinds) == number, f"{number}: answered {answer.said}")
    return "1, 2, 5 and 7"


@case("bulk.as-next", "GETBULK gives what GETNEXT gives", CLAUSE, CONDITIONAL, needs.modern)
async def as_next(device: Device) -> str:
    answer = await device.bulk(0, 6, SYSTEM)
    name: Oid = SYSTEM
    for found in answer.names:
        name = (await device.next(name)).only().name
        expect(found == name, f"{ber.dotted(found)}, not {ber.dotted(name)}")
    return "six steps"


@case("bulk.non-repeaters", "The first non-repeaters are asked for once", CLAUSE, CONDITIONAL, needs.modern)
async def non_repeaters(device: Device) -> str:
    answer = await device.bulk(2, 3, SYSTEM, (*SYSTEM, 5), (*SYSTEM, 1))
    expect(len(answer.varbinds) == 5, f"answered {answer.said}")
    expect(
        answer.names[:2] == [SYS_DESCR, (*SYSTEM, 5, 0)],
        f"they are {[ber.dotted(each) for each in answer.names[:2]]}",
    )
    expect(answer.names[2:4] == [SYS_DESCR, (*SYSTEM, 2, 0)], "the repeater does not begin behind them")
    return answer.said


@case(
    "bulk.non-repeaters-all",
    "More non-repeaters than names: all are asked for once",
    CLAUSE,
    CONDITIONAL,
    needs.modern,
)
async def non_repeaters_all(device: Device) -> str:
    for number in (2, 5, 2147483647):
        answer = await device.bulk(number, 10, SYSTEM, (*SYSTEM, 5))
        expect(answer.names == [SYS_DESCR, (*SYSTEM, 5, 0)], f"{number}: answered {answer.said}")
    return "2, 5 and 2147483647 of two"


@case("bulk.non-repeaters-negative", "Negative non-repeaters are none", CLAUSE, CONDITIONAL, needs.modern)
async def non_repeaters_negative(device: Device) -> str:
    answer = await device.bulk(-5, 2, SYSTEM)
    expect(len(answer.varbinds) == 2, f"answered {answer.said}")
    return answer.said


@case("bulk.zero", "max-repetitions 0 repeats nothing", CLAUSE, CONDITIONAL, needs.modern)
async def zero(device: Device) -> str:
    answer = await device.bulk(0, 0, SYSTEM)
    expect(answer.status == 0 and not answer.varbinds, f"answered {answer.said}")
    answer = await device.bulk(1, 0, SYSTEM, (*SYSTEM, 5))
    expect(answer.names == [SYS_DESCR], f"with one non-repeater: answered {answer.said}")
    return "none, and the non-repeater alone"


@case("bulk.negative", "Negative max-repetitions repeat nothing", CLAUSE, CONDITIONAL, needs.modern)
async def negative(device: Device) -> str:
    for number in (-1, -2147483648):
        answer = await device.bulk(0, number, SYSTEM)
        expect(answer.status == 0 and not answer.varbinds, f"{number}: answered {answer.said}")
    return "-1 and -2147483648"


@case(
    "bulk.huge",
    "max-repetitions of 2147483647 are answered with what fits",
    CLAUSE,
    CONDITIONAL,
    needs.modern,
)
async def huge(device: Device) -> str:
    began = time.monotonic()
    answer = await device.bulk(0, 2147483647, MIB2)
    expect(answer.status == 0 and bool(answer.varbinds), f"answered {answer.said}")
    return f"{len(answer.varbinds)} varbinds in {(time.monotonic() - began) * 1000:.0f} ms"


@case("bulk.empty", "GETBULK of nothing is answered by nothing", CLAUSE, CONDITIONAL, needs.modern)
async def empty(device: Device) -> str:
    answer = await device.bulk(0, 10)
    expect(answer.status == 0 and not answer.varbinds, f"answered {answer.said}")
    return answer.said


@case("bulk.rows", "Several repeaters are answered row by row", CLAUSE, CONDITIONAL, needs.modern)
async def rows(device: Device) -> str:
    answer = await device.bulk(0, 3, SYSTEM, (*SYSTEM, 4))
    expect(len(answer.varbinds) == 6, f"answered {answer.said}")
    wanted = [(*SYSTEM, number, 0) for number in (1, 4, 2, 5, 3, 6)]
    expect(answer.names == wanted, f"the order is {[ber.dotted(each) for each in answer.names]}")
    return "two columns, three rows"


@case("bulk.end", "Beyond the end it is endOfMibView with the last name", CLAUSE, CONDITIONAL, needs.modern)
async def end(device: Device) -> str:
    answer = await device.bulk(0, 3, (2, 39))
    expect(answer.status == 0 and bool(answer.varbinds), f"answered {answer.said}")
    for each in answer.varbinds:
        expect(each.value.tag == END_OF_VIEW and each.name == (2, 39), f"answered {each.said}")
    return answer.said


@case("bulk.end-mixed", "The end of one repeater does not end the others", CLAUSE, CONDITIONAL, needs.modern)
async def end_mixed(device: Device) -> str:
    answer = await device.bulk(0, 2, (2, 39), SYSTEM)
    ends = [each.value.tag == END_OF_VIEW for each in answer.varbinds]
    expect(ends in ([True, False], [True, False] * 2), f"answered {answer.said}, not one end a row")
    return answer.said


@case("bulk.end-non-repeater", "A non-repeater at the end is endOfMibView", CLAUSE, CONDITIONAL, needs.modern)
async def end_non_repeater(device: Device) -> str:
    answer = await device.bulk(1, 1, (2, 39), SYSTEM)
    expect(
        len(answer.varbinds) == 2 and answer.varbinds[0].value.tag == END_OF_VIEW, f"answered {answer.said}"
    )
    return answer.said


@case("bulk.end-stops", "Rows of nothing but ends are not repeated for ever", CLAUSE, OPTIONAL, needs.modern)
async def end_stops(device: Device) -> str:
    answer = await device.bulk(0, 1000, (2, 39), (2, 40))
    expect(len(answer.varbinds) <= 2, f"answered {answer.said}")
    return answer.said


@case("bulk.tail", "The last rows and the end come in one answer", CLAUSE, CONDITIONAL, needs.modern)
async def tail(device: Device) -> str:
    start = device.facts.rows[-4].name if len(device.facts.rows) > 4 else (0, 0)
    answer = await device.bulk(0, 8, start)
    expect(answer.status == 0, f"answered {answer.said}")
    expect(not answer.varbinds[0].exception, f"answered {answer.varbinds[0].said}")
    expect(answer.varbinds[-1].value.tag == END_OF_VIEW, f"the last is {answer.varbinds[-1].said}")
    return answer.said


@case(
    "bulk.truncated",
    "What does not fit is left out, never an error",
    f"{CLAUSE}, RFC 3412 s6.3",
    CONDITIONAL,
    needs.v3,
)
async def truncated(device: Device) -> str:
    for size in (484, 700, 1400):
        asked = device.template(pdu(GETBULK, device.number(), [varbind(MIB2)], 0, 200)).but(max_size=size)
        answer = await device.secured(asked)
        expect(answer is not None, f"msgMaxSize {size}: no answer")
        assert answer is not None
        expect(
            answer.pdu.status == 0 and bool(answer.pdu.varbinds),
            f"msgMaxSize {size}: answered {answer.pdu.said}",
        )
        expect(answer.size <= size, f"{answer.size} octets to one who takes {size}")
    return "msgMaxSize of 484, 700 and 1400"


async def _answered(device: Device, repetitions: int) -> tuple[int, int]:
    """Octets of a request and of its answer."""
    data = message(
        V2C, device.address.community, pdu(GETBULK, device.number(), [varbind((1, 3))], 0, repetitions)
    )
    answer = await device.exchange(data, ANSWER_SECONDS, "v2c")
    expect(answer is not None, "no answer")
    return len(data), len(answer or b"")


@case(
    "bulk.path",
    "An answer to a small request fits in one frame",
    "RFC 3416 s4.2.3, RFC 3417 s3.2.1",
    OPTIONAL,
    needs.v2c,
)
async def path(device: Device) -> str:
    _, size = await _answered(device, 10_000)
    expect(size <= PATH, f"{size} octets, which are cut into fragments on the way")
    return f"{size} octets"


@case(
    "bulk.amplification",
    "A forged sender's victim gets less than 60 times the octets",
    "RFC 3416 s4.2.3",
    OPTIONAL,
    needs.v2c,
)
async def amplification(device: Device) -> str:
    asked, size = await _answered(device, 10_000)
    expect(size <= MOST_AMPLIFIED * asked, f"{size} octets for {asked}: {size // asked} times")
    return f"{size / asked:.0f} times"


# ------------------------------------------------------------------------------------------------ walks


def _increasing(names: list[Oid]) -> None:
    for before, after in pairwise(names):
        expect(before < after, f"after {ber.dotted(before)} comes {ber.dotted(after)}")


@case("walk.order", "A walk's names grow, number by number", "RFC 3416 s4.2.2", MANDATORY)
async def order(device: Device) -> str:
    names = [each.name for each in await device.walk(())]
    _increasing(names)
    expect(len(names) == len(set(names)), "a name comes twice")
    return f"{len(names)} rows"


async def _whole(device: Device, names: list[Oid], without: tuple[int, ...] = ()) -> None:
    """Nothing is missing that was there at the first contact and still is, but for some types. Raises Failed."""
    again = {each.name for each in await device.walk((), repetitions=0 if device.version == V1 else 20)}
    stayed = {each.name for each in device.facts.rows if each.value.tag not in without} & again
    missing = stayed - set(names)
    # What comes and goes, such as connections, may go for the while of this walk.
    few = len(names) // 100
    expect(len(missing) <= few, f"{len(missing)} are missing, such as {ber.dotted(min(missing, default=()))}")


def _bulk(size: int) -> None:
    @case(
        f"walk.bulk-{size}",
        f"A walk by GETBULK of {size} finds the same rows",
        CLAUSE,
        CONDITIONAL,
        needs.modern,
    )
    async def bulk(device: Device) -> str:
        names = [each.name for each in await device.walk((), repetitions=size)]
        _increasing(names)
        await _whole(device, names)
        return f"{len(names)} rows"


for _size in (1, 2, 7, 50):
    _bulk(_size)


@case(
    "walk.v1",
    "A walk of SNMPv1 finds all but Counter64",
    "RFC 3584 s4.2.2.1",
    CONDITIONAL,
    needs.v1,
    needs.v2c,
)
async def v1(device: Device) -> str:
    names = [each.name for each in await device.walk((), version=V1)]
    _increasing(names)
    await _whole(device, names, (ber.COUNTER64,))
    return f"{len(names)} rows"


@case("walk.v3", "A walk of v3 finds what that of v2c finds", CLAUSE, CONDITIONAL, needs.v2c, needs.v3)
async def v3(device: Device) -> str:
    names = [each.name for each in await device.walk((), repetitions=20, version=V3)]
    await _whole(device, names)
    return f"{len(names)} rows"


@case("walk.between", "Other requests are answered while somebody walks", "RFC 3413 s3.2", MANDATORY)
async def between(device: Device) -> str:
    walking = asyncio.create_task(device.walk(MIB2, repetitions=0 if device.version == V1 else 5))
    asked = 0
    while not walking.done():
        await device.alive()
        asked += 1
    await walking
    return f"{asked} GETs during {len(walking.result())} rows"


@case(
    "walk.changing",
    "A walk ends, and its names grow, while rows come and go",
    "RFC 3416 s4.2.2",
    CONDITIONAL,
    needs.modern,
    needs.maker,
)
async def changing(device: Device) -> str:
    from conformance.snmp.cases.rows import create, destroy

    first = await create(device, b"cw0")
    await destroy(device, b"cw0")
    provided(first, "rows cannot be made in snmpTargetParamsTable")
    version, community = device.maker

    async def turn() -> int:
        turns = 0
        while not walking.done():
            await create(device, b"cw%d" % (turns % 3))
            await destroy(device, b"cw%d" % ((turns + 1) % 3))
            turns += 1
        for number in range(3):
            await destroy(device, b"cw%d" % number)
        return turns

    root = (1, 3, 6, 1, 6, 3)
    walking = asyncio.create_task(_walks(device, root, version, community))
    turns = await turn()
    return f"{walking.result()} rows in three walks, {turns} changes meanwhile"


async def _walks(device: Device, root: Oid, version: int, community: bytes | None) -> int:
    found = 0
    for size in (0, 3, 20):
        names = [
            each.name
            for each in await device.walk(root, repetitions=size, version=version, community=community)
        ]
        _increasing(names)
        found += len(names)
    return found


@case("walk.stable", "Two walks find the same objects with the same types", "RFC 2578 s10.2", MANDATORY)
async def stable(device: Device) -> str:
    again = {
        each.name: each.value.tag
        for each in await device.walk((), repetitions=0 if device.version == V1 else 20)
    }
    for before in device.facts.rows:
        tag = again.get(before.name, before.value.tag)
        expect(tag == before.value.tag, f"{before.said} has tag {tag:#04x} now")
    return f"{len(again)} rows"
