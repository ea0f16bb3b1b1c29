"""Messages: envelopes, request-ids, lengths, sizes."""

from __future__ import annotations

from conformance.case import Failed, Requirement, expect
from conformance.snmp import ber, needs
from conformance.snmp.ber import Oid, integer, octets, sequence
from conformance.snmp.device import ANSWER_SECONDS, SYS_DESCR, Device
from conformance.snmp.suite import case
from conformance.snmp.wire import GET, GETNEXT, RESPONSE, V1, V2C, message, pdu, read_message, varbind

SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)


async def _raw(device: Device, data: bytes, what: str, request: int) -> None:
    """It is answered by a Response of v2c. Raises Failed."""
    reply = await device.exchange(data, ANSWER_SECONDS, what)
    if reply is None:
        raise Failed(f"{what}: no answer")
    _, _, found = read_message(reply)
    expect(found.kind == RESPONSE, f"{what}: answered {found.said}")
    expect(found.request == request, f"{what}: request-id {request} was answered with {found.request}")
    expect(found.status == 0, f"{what}: answered {found.said}")


@case(
    "message.request-id",
    "Any request-id of 32 bits comes back",
    "RFC 3416 s3",
    Requirement.MANDATORY,
    needs.v2c,
)
async def request_id(device: Device) -> str:
    for number in (0, 1, -1, 127, 128, 255, 32768, 2147483647, -2147483648):
        body = pdu(GET, number, [varbind(SYS_DESCR)])
        await _raw(device, message(V2C, device.address.community, body), f"request-id {number}", number)
    return "of both signs and all lengths"


@case("message.version-v1", "SNMPv1 is answered in SNMPv1", "RFC 1157 s4", Requirement.CONDITIONAL, needs.v1)
async def version_v1(device: Device) -> str:
    return (await device.get(SYS_DESCR, version=V1)).only().said


@case(
    "message.version-v2c", "SNMPv2c is answered in SNMPv2c", "RFC 1901 s3", Requirement.CONDITIONAL, needs.v2c
)
async def version_v2c(device: Device) -> str:
    return (await device.get(SYS_DESCR, version=V2C)).only().said


@case(
    "message.length-long",
    "A length may be written longer than need be",
    "RFC 3417 s8",
    Requirement.MANDATORY,
    needs.v2c,
)
async def length_long(device: Device) -> str:
    number = device.number()
    body = pdu(GET, number, [varbind(SYS_DESCR)])
    inner = integer(V2C) + octets(device.address.community) + body
    for size in (1, 2, 3, 4):
        data = bytes((0x30, 0x80 | size)) + len(inner).to_bytes(size, "big") + inner
        await _raw(device, data, f"a length of {size} octets", number)
    return "in 2 to 5 octets"


@case("message.length-inner", "So may the lengths inside", "RFC 3417 s8", Requirement.MANDATORY, needs.v2c)
async def length_inner(device: Device) -> str:
    number = device.number()
    name = ber.name_body(SYS_DESCR)
    bind = (
        b"\x30\x82"
        + (len(name) + 6).to_bytes(2, "big")
        + b"\x06\x82"
        + len(name).to_bytes(2, "big")
        + name
        + b"\x05\x00"
    )
    listed = b"\x30\x83" + len(bind).to_bytes(3, "big") + bind
    inside = integer(number) + integer(0) + integer(0) + listed
    body = b"\xa0\x82" + len(inside).to_bytes(2, "big") + inside
    await _raw(device, message(V2C, device.address.community, body), "long lengths everywhere", number)
    return "of the PDU, the list, the varbind and the name"


@case("message.value-ignored", "The value in a GET is not looked at", "RFC 3416 s3", Requirement.MANDATORY)
async def value_ignored(device: Device) -> str:
    for value in (integer(7), octets(b"x"), ber.name((1, 3, 6)), b"\x43\x01\x05"):
        answer = await device.ask(GET, [varbind(SYS_DESCR, value)])
        expect(answer.only().value.tag == ber.OCTETS, f"answered {answer.said}")
    return "INTEGER, OCTET STRING, OBJECT IDENTIFIER, TimeTicks"


@case(
    "message.status-ignored",
    "error-status and error-index of a GET are not looked at",
    "RFC 3416 s4.2.1",
    Requirement.MANDATORY,
)
async def status_ignored(device: Device) -> str:
    answer = await device.ask(GET, [varbind(SYS_DESCR)], first=5, second=9)
    expect((answer.status, answer.index) == (0, 0), f"answered {answer.said}")
    return answer.said


@case("message.index-zero", "Without an error, error-index is 0", "RFC 3416 s3", Requirement.MANDATORY)
async def index_zero(device: Device) -> str:
    for kind in (GET, GETNEXT):
        answer = await device.ask(kind, [varbind(SYS_DESCR)])
        expect((answer.status, answer.index) == (0, 0), f"answered {answer.said}")
    return "of GET and GETNEXT"


@case("message.empty", "A list without varbinds is answered by one", "RFC 3416 s4.2.1", Requirement.MANDATORY)
async def empty(device: Device) -> str:
    answer = await device.ask(GET, [])
    expect(answer.status == 0 and not answer.varbinds, f"answered {answer.said}")
    return answer.said


@case("message.order", "Varbinds are answered in their order", "RFC 3416 s4.2.1", Requirement.MANDATORY)
async def order(device: Device) -> str:
    names = [(*SYSTEM, number, 0) for number in (6, 1, 5, 3, 2, 4)]
    answer = await device.get(*names)
    expect(answer.names == names, f"answered {[ber.dotted(each) for each in answer.names]}")
    return "six of the system group, backwards and mixed"


@case(
    "message.twice", "A name that is asked twice is answered twice", "RFC 3416 s4.2.1", Requirement.MANDATORY
)
async def twice(device: Device) -> str:
    answer = await device.get(SYS_DESCR, (*SYSTEM, 5, 0), SYS_DESCR)
    expect(len(answer.varbinds) == 3 and answer.varbinds[0] == answer.varbinds[2], f"answered {answer.said}")
    return answer.said


@case("message.size-484", "Messages of 484 octets are taken", "RFC 3417 s3.2.1", Requirement.MANDATORY)
async def size_484(device: Device) -> str:
    answer = await device.get(*[(*SYSTEM, 3, 0)] * 24)
    expect(answer.status == 0 and len(answer.varbinds) == 24, f"answered {answer.said}")
    return "24 varbinds"


@case("message.size-1472", "Messages of 1472 octets are taken", "RFC 3417 s3.2.1", Requirement.OPTIONAL)
async def size_1472(device: Device) -> str:
    answer = await device.get(*[(*SYSTEM, 3, 0)] * 80)
    expect(answer.status in (0, 1), f"answered {answer.said}")
    return answer.said


@case(
    "message.well-formed",
    "Every value that is shown is written as its type",
    "RFC 3417 s8, RFC 2578 s7",
    Requirement.MANDATORY,
)
async def well_formed(device: Device) -> str:
    # Each of them was read strictly at the first contact: a fault would have ended that.
    expect(bool(device.facts.rows), "nothing is shown")
    exceptions = [
        each
        for each in device.facts.rows
        if each.value.tag in (ber.NULL, ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE)
    ]
    expect(not exceptions, f"in a walk: {exceptions[0].said if exceptions else ''}")
    return f"{len(device.facts.rows)} values"


@case(
    "message.names", "Names have 2 to 128 sub-identifiers of 32 bits", "RFC 2578 s3.5", Requirement.MANDATORY
)
async def names(device: Device) -> str:
    longest = max((each.name for each in device.facts.rows), key=len)
    expect(len(longest) <= 128, f"{ber.dotted(longest)} has {len(longest)}")
    return f"the longest has {len(longest)}"


@case(
    "message.at-once",
    "Twenty requests at once are all answered, each with its own answer",
    "RFC 3413 s3.2",
    Requirement.OPTIONAL,
    needs.v2c,
)
async def at_once(device: Device) -> str:
    import asyncio

    found = await asyncio.gather(*(device.get((*SYSTEM, 1 + number % 6, 0)) for number in range(20)))
    for number, answer in enumerate(found):
        expect(answer.only().name == (*SYSTEM, 1 + number % 6, 0), f"answered {answer.said}")
    return "twenty"


@case(
    "message.community-echo", "The community comes back", "RFC 3584 s5.2", Requirement.CONDITIONAL, needs.v2c
)
async def community_echo(device: Device) -> str:
    number = device.number()
    reply = await device.exchange(
        message(V2C, device.address.community, pdu(GET, number, [])), ANSWER_SECONDS, "v2c"
    )
    if reply is None:
        raise Failed("no answer")
    expect(read_message(reply)[1] == device.address.community, "another community came back")
    return f"{len(device.address.community)} octets"


def _wrong(name: str, title: str, change: str) -> None:
    @case(
        f"message.{name}",
        f"{title} is answered with silence",
        "RFC 3584 s5.2.1, RFC 1157 s4.1",
        Requirement.MANDATORY,
        needs.v2c,
    )
    async def wrong(device: Device) -> str:
        right = device.address.community
        word = {
            "other": b"not-" + right,
            "longer": right + b"x",
            "shorter": right[:-1],
            "case": right.swapcase(),
            "empty": b"",
            "nul": right + b"\0",
        }[change]
        if word == right:
            word = right + b"X"
        for version in device.facts.versions & {V1, V2C}:
            body = pdu(GET, device.number(), [varbind(SYS_DESCR)])
            await device.silent(message(version, word, body), title)
        return "no answer"


for _name, _title, _change in (
    ("community-unknown", "Another community", "other"),
    ("community-longer", "The community and one letter more", "longer"),
    ("community-shorter", "The community without its last letter", "shorter"),
    ("community-case", "The community in other case", "case"),
    ("community-empty", "An empty community", "empty"),
    ("community-nul", "The community and a NUL", "nul"),
):
    _wrong(_name, _title, _change)


def _version(number: int) -> None:
    @case(
        f"message.version-{number}",
        f"A message of version {number} is dropped",
        "RFC 3412 s4.2.1",
        Requirement.MANDATORY,
    )
    async def version(device: Device) -> str:
        body = pdu(GET, device.number(), [varbind(SYS_DESCR)])
        word = device.address.community or b"public"
        await device.silent(sequence(integer(number), octets(word), body), f"version {number}")
        return "no answer"


for _number in (2, 4, 255, 2147483647):
    _version(_number)
