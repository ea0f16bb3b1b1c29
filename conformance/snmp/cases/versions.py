"""v1, v2c and v3 side by side (RFC 3584), and what the agent counts (RFC 3418)."""

from __future__ import annotations

from conformance.case import Requirement, expect, provided
from conformance.snmp import ber, needs
from conformance.snmp.ber import Oid, integer, octets, sequence, tlv
from conformance.snmp.device import SILENCE_SECONDS, SYS_DESCR, Device
from conformance.snmp.suite import case
from conformance.snmp.wire import (
    GET,
    GETBULK,
    INFORM,
    SET,
    TRAP,
    TRAP_V1,
    V1,
    V2C,
    VERSIONS,
    message,
    pdu,
    varbind,
)

MANDATORY, OPTIONAL, CONDITIONAL = Requirement.MANDATORY, Requirement.OPTIONAL, Requirement.CONDITIONAL
SNMP: Oid = (1, 3, 6, 1, 2, 1, 11)


@case("version.same", "Every version tells the same", "RFC 3584 s4", MANDATORY)
async def same(device: Device) -> str:
    for name in (SYS_DESCR, (1, 3, 6, 1, 2, 1, 1, 2, 0), (1, 3, 6, 1, 2, 1, 1, 7, 0)):
        found = {(await device.get(name, version=each)).only().element for each in device.facts.versions}
        expect(len(found) == 1, f"{ber.dotted(name)} is {[each.hex() for each in found]}")
    return " and ".join(VERSIONS[each] for each in sorted(device.facts.versions))


def _not_v1(name: str, kind: int, title: str) -> None:
    @case(
        f"version.v1-{name}",
        f"{title} in a message of SNMPv1 is dropped",
        "RFC 1157 s4.1, RFC 3584 s4",
        CONDITIONAL,
        needs.v1,
    )
    async def not_v1(device: Device) -> str:
        body = pdu(kind, device.number(), [varbind(SYS_DESCR)], 0, 3 if kind == GETBULK else 0)
        await device.silent(message(V1, device.address.community, body), title)
        return "no answer"


for _name, _kind, _title in (
    ("bulk", GETBULK, "GETBULK"),
    ("inform", INFORM, "Inform"),
    ("trap-v2", TRAP, "a v2 Trap"),
):
    _not_v1(_name, _kind, _title)


@case("version.v1-trap", "A Trap of SNMPv1 to an agent is dropped", "RFC 1157 s4.1.6", CONDITIONAL, needs.v1)
async def v1_trap(device: Device) -> str:
    inside = (
        ber.name((1, 3, 6, 1, 4, 1, 8072)) + b"\x40\x04\x7f\0\0\1" + integer(6) + integer(1) + b"\x43\x01\x00"
    )
    await device.silent(message(V1, device.address.community, tlv(TRAP_V1, inside + sequence())), "a Trap")
    return "no answer"


@case(
    "version.v1-exceptions",
    "SNMPv1 has neither exceptions nor errors of v2",
    "RFC 3584 s4.2.2.2, s4.3",
    CONDITIONAL,
    needs.v1,
)
async def v1_exceptions(device: Device) -> str:
    asked = ((1, 3), (0, 0), (*SYS_DESCR[:-1], 9), (2, 39))
    for kind in (GET, 0xA1, SET):
        for name in asked:
            answer = await device.ask(kind, [varbind(name)], version=V1)
            expect(answer.status <= 5, f"answered {answer.said}")
            expect(not any(each.exception for each in answer.varbinds), f"answered {answer.varbinds[0].said}")
    return f"{3 * len(asked)} requests"


@case(
    "version.v2-errors",
    "v2c has none of the errors that only SNMPv1 has",
    "RFC 3416 s3",
    CONDITIONAL,
    needs.v2c,
)
async def v2_errors(device: Device) -> str:
    word = device.address.write or device.address.community
    changes = (
        (SYS_DESCR, octets(b"x")),
        ((1, 3), integer(1)),
        ((1, 3, 6, 1, 2, 1, 1, 4, 0), integer(3)),
        ((1, 3, 6, 1, 2, 1, 1, 4, 1), octets(b"x")),
    )
    for change in changes:
        answer = await device.ask(SET, [varbind(*change)], version=V2C, community=word)
        expect(answer.status not in (2, 3, 4), f"{ber.dotted(change[0])}: answered {answer.said}")
    return f"{len(changes)} SETs"


# ------------------------------------------------------------------------------------------------ what is counted


async def _count(device: Device, number: int) -> int:
    found = (await device.get((*SNMP, number, 0))).only()
    provided(not found.exception, f"{ber.dotted((*SNMP, number, 0))} is not there")
    return found.value.number(ber.COUNTER32)


async def _counts(device: Device, number: int, data: bytes, what: str) -> str:
    before = await _count(device, number)
    for _ in range(3):
        await device.exchange(data, SILENCE_SECONDS / 5, what)
    grown = await _count(device, number) - before
    expect(grown >= 3, f"three of them, and it grew by {grown}")
    return f"3 of them: {grown} more"


@case("version.in-packets", "snmpInPkts counts what comes", "RFC 3418 s2", CONDITIONAL)
async def in_packets(device: Device) -> str:
    before = await _count(device, 1)
    for _ in range(4):
        await device.alive()
    grown = await _count(device, 1) - before
    expect(grown >= 5, f"five came, and it grew by {grown}")
    return f"{grown} more"


@case("version.bad-versions", "snmpInBadVersions counts other versions", "RFC 3418 s2", CONDITIONAL)
async def bad_versions(device: Device) -> str:
    data = sequence(integer(77), octets(b"public"), pdu(GET, 7, [varbind(SYS_DESCR)]))
    return await _counts(device, 3, data, "version 77")


@case(
    "version.bad-communities",
    "snmpInBadCommunityNames counts unknown communities",
    "RFC 3418 s2",
    CONDITIONAL,
    needs.v2c,
)
async def bad_communities(device: Device) -> str:
    data = message(V2C, b"conformance-unknown", pdu(GET, 7, [varbind(SYS_DESCR)]))
    return await _counts(device, 4, data, "an unknown community")


@case(
    "version.bad-uses",
    "snmpInBadCommunityUses counts SETs of communities that only read",
    "RFC 3418 s2",
    CONDITIONAL,
    needs.reader,
)
async def bad_uses(device: Device) -> str:
    data = message(
        V2C, device.address.community, pdu(SET, 7, [varbind((1, 3, 6, 1, 2, 1, 1, 4, 0), octets(b"x"))])
    )
    return await _counts(device, 5, data, "a SET")


@case("version.parse-errors", "snmpInASNParseErrs counts what cannot be read", "RFC 3418 s2", CONDITIONAL)
async def parse_errors(device: Device) -> str:
    data = message(V2C, device.address.community or b"public", pdu(GET, 7, [varbind(SYS_DESCR)]))[:-2]
    return await _counts(device, 6, data, "a message that is cut")


@case("version.no-more", "The counters of the snmp group do not go back", "RFC 3418 s2", CONDITIONAL)
async def no_more(device: Device) -> str:
    numbers = [number for number in (1, 3, 4, 5, 6, 31, 32) if device.row((*SNMP, number, 0)) is not None]
    provided(bool(numbers), "there is no snmp group")
    for number in numbers:
        row = device.row((*SNMP, number, 0))
        assert row is not None
        now = await _count(device, number)
        expect(now >= row.value.number(ber.COUNTER32), f"{ber.dotted((*SNMP, number, 0))} went back to {now}")
    return f"{len(numbers)} counters"
