"""Discovery of the engine: who it is, and what time it has (RFC 3411 s3.1.1, RFC 3412 s7, RFC 3414 s4)."""

from __future__ import annotations

import time

from conformance.case import Failed, Requirement, expect, provided
from conformance.snmp import ber, needs
from conformance.snmp.ber import Oid
from conformance.snmp.device import SILENCE_SECONDS, SYS_DESCR, Device
from conformance.snmp.suite import case
from conformance.snmp.wire import AUTH, GET, PRIV, REPORTABLE, Answer3, Message3, pdu, varbind

CONDITIONAL, OPTIONAL = Requirement.CONDITIONAL, Requirement.OPTIONAL
USM: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 1)
NOT_IN_WINDOW, UNKNOWN_ENGINE = (*USM, 2, 0), (*USM, 4, 0)
ENGINE: Oid = (1, 3, 6, 1, 6, 3, 10, 2, 1)


async def _told(device: Device) -> Answer3:
    """What discovery tells. Raises Failed."""
    found = await device.discover()
    if found is None:
        raise Failed("no answer")
    expect(found.pdu.kind == 0xA8, f"answered {found.pdu.said}")
    return found


@case(
    "engine.discovery",
    "An engine that is asked who it is reports usmStatsUnknownEngineIDs",
    "RFC 3414 s4, s3.2 (3)",
    CONDITIONAL,
    needs.v3,
)
async def discovery(device: Device) -> str:
    found = await _told(device)
    expect(found.pdu.names == [UNKNOWN_ENGINE], f"reported {[ber.dotted(each) for each in found.pdu.names]}")
    return f"engine {found.engine.hex()}"


@case("engine.counted", "The Report's counter grows", "RFC 3414 s3.2 (3)", CONDITIONAL, needs.v3)
async def counted(device: Device) -> str:
    first, second = [(await _told(device)).pdu.varbinds[0].value.number(ber.COUNTER32) for _ in range(2)]
    expect(second > first, f"{first}, then {second}")
    return f"{first}, then {second}"


@case(
    "engine.identity",
    "An engine's identity has 5 to 32 octets, and is not all of one kind",
    "RFC 3411 s5, SnmpEngineID",
    CONDITIONAL,
    needs.v3,
)
async def identity(device: Device) -> str:
    engine = (await _told(device)).engine
    expect(5 <= len(engine) <= 32, f"{len(engine)} octets")
    expect(set(engine) not in ({0}, {0xFF}), f"it is {engine.hex()}")
    expect(
        engine[0] & 0x80 != 0 or len(engine) == 12, f"{engine.hex()}: without the first bit it has 12 octets"
    )
    return engine.hex()


@case(
    "engine.same", "It is the same each time, and snmpEngineID says so", "RFC 3411 s5", CONDITIONAL, needs.v3
)
async def same(device: Device) -> str:
    found = {(await _told(device)).engine for _ in range(3)}
    expect(len(found) == 1, f"three discoveries, {len(found)} engines")
    row = (await device.get((*ENGINE, 1, 0), version=3)).only()
    provided(not row.exception, "snmpEngineID is not shown")
    expect(row.value.octets() in found, f"snmpEngineID is {row.value.body.hex()}")
    return row.value.body.hex()


@case(
    "engine.open",
    "The Report to a stranger is neither authenticated nor encrypted",
    "RFC 3414 s3.2 (3)",
    CONDITIONAL,
    needs.v3,
)
async def open_report(device: Device) -> str:
    found = await _told(device)
    expect(found.flags & (AUTH | PRIV) == 0, f"msgFlags {found.flags}")
    return "noAuthNoPriv"


@case(
    "engine.not-reportable",
    "Nothing is reportable of a Report or a Response",
    "RFC 3412 s6.4",
    CONDITIONAL,
    needs.v3,
)
async def not_reportable(device: Device) -> str:
    found = await _told(device)
    expect(not found.flags & REPORTABLE, "a Report asks for a Report")
    answer = await device.secured(device.template(pdu(GET, device.number(), [varbind(SYS_DESCR)])))
    expect(answer is not None and not answer.flags & REPORTABLE, "a Response asks for a Report")
    return "of both"


@case(
    "engine.model", "The answer names the user-based security model", "RFC 3412 s6.5", CONDITIONAL, needs.v3
)
async def model(device: Device) -> str:
    found = await _told(device)
    expect(found.model == 3, f"msgSecurityModel {found.model}")
    return "3"


@case("engine.max-size", "msgMaxSize is 484 at least", "RFC 3412 s6.3", CONDITIONAL, needs.v3)
async def max_size(device: Device) -> str:
    found = await _told(device)
    expect(484 <= found.max_size <= 2147483647, f"msgMaxSize {found.max_size}")
    return str(found.max_size)


@case("engine.message-id", "Any msgID comes back", "RFC 3412 s6.2", CONDITIONAL, needs.v3)
async def message_id(device: Device) -> str:
    for number in (0, 1, 255, 2147483647):
        # `secured` compares them.
        found = await device.secured(Message3(pdu(GET, 7, ()), message_id=number))
        expect(found is not None, f"{number}: no answer")
    return "0, 1, 255, 2147483647"


@case(
    "engine.unknown",
    "A message for another engine is reported, too",
    "RFC 3414 s3.2 (3)",
    CONDITIONAL,
    needs.v3,
)
async def unknown(device: Device) -> str:
    body = pdu(GET, device.number(), [varbind(SYS_DESCR)])
    for flags in (REPORTABLE, AUTH | REPORTABLE, AUTH | PRIV | REPORTABLE):
        asked = device.template(body, flags).but(engine=b"\x80\x00\x1f\x88\x04somebody else")
        await device.reported(asked, UNKNOWN_ENGINE)
    return "at all levels"


@case(
    "engine.unreportable",
    "Who does not ask for Reports gets none",
    "RFC 3412 s7.1 (3a), s6.4",
    CONDITIONAL,
    needs.v3,
)
async def unreportable(device: Device) -> str:
    asked = Message3(pdu(GET, 7, ()), flags=0)
    found = await device.secured(asked, SILENCE_SECONDS)
    # For a PDU of the confirmed class the Report may be sent whatever the flag says (RFC 3412 s7.1 (3)).
    provided(found is None, "reported, as RFC 3412 s7.1 allows where the PDU can be read")
    await device.alive()
    return "no answer"


@case(
    "engine.request-id",
    "The Report has the request's request-id, where it can be read",
    "RFC 3412 s7.1 (3b)",
    OPTIONAL,
    needs.v3,
)
async def request_id(device: Device) -> str:
    asked = Message3(pdu(GET, 4711, ()), message_id=device.number())
    found = await device.secured(asked)
    expect(
        found is not None and found.pdu.request == 4711, f"request-id {found.pdu.request if found else None}"
    )
    return "4711"


@case("engine.context", "A Report's context is the engine's own", "RFC 3412 s7.1 (3c)", CONDITIONAL, needs.v3)
async def context(device: Device) -> str:
    found = await _told(device)
    expect(found.context_engine == found.engine, f"contextEngineID {found.context_engine.hex()}")
    expect(found.context == b"", f"contextName {found.context!r}")
    return "its own, and no name"


@case(
    "engine.time",
    "A user who does not know the time is told, authentically",
    "RFC 3414 s4, s3.2 (7)",
    CONDITIONAL,
    needs.v3,
)
async def time_told(device: Device) -> str:
    asked = device.template(pdu(GET, device.number(), [varbind(SYS_DESCR)]), AUTH | REPORTABLE).but(
        boots=0, time=0
    )
    found = await device.reported(asked, NOT_IN_WINDOW)
    expect(bool(found.flags & AUTH), "the Report is not authenticated: anybody could tell a false time")
    return f"boots {found.boots}, time {found.time}"


@case("engine.recovers", "One Report is enough to be answered", "RFC 3414 s4", CONDITIONAL, needs.v3)
async def recovers(device: Device) -> str:
    body = pdu(GET, device.number(), [varbind(SYS_DESCR)])
    told = await device.reported(device.template(body).but(boots=0, time=0), NOT_IN_WINDOW)
    answer = await device.secured(device.template(body).but(boots=told.boots, time=told.time))
    expect(answer is not None and answer.pdu.kind == 0xA2, "and yet not")
    return f"boots {told.boots}, time {told.time}"


@case(
    "engine.boots",
    "snmpEngineBoots is 1 at least, and the same in messages and in the MIB",
    "RFC 3414 s2.2.2, RFC 3411 s5",
    CONDITIONAL,
    needs.v3,
)
async def boots(device: Device) -> str:
    row = (await device.get((*ENGINE, 2, 0), version=3)).only()
    provided(not row.exception, "snmpEngineBoots is not shown")
    number = row.value.number()
    expect(number >= 1, f"{number}")
    expect(number == device.facts.boots, f"{number} in the MIB, {device.facts.boots} in messages")
    return str(number)


@case(
    "engine.clock",
    "snmpEngineTime goes on like a clock, and agrees with messages",
    "RFC 3414 s2.2.1, RFC 3411 s5",
    CONDITIONAL,
    needs.v3,
)
async def clock(device: Device) -> str:
    row = (await device.get((*ENGINE, 3, 0), version=3)).only()
    provided(not row.exception, "snmpEngineTime is not shown")
    shown, reckoned = row.value.number(), time.monotonic() - device.facts.epoch
    expect(
        abs(shown - reckoned) <= 3, f"{shown} s, where {reckoned:.0f} s were expected since the first contact"
    )
    return f"{shown} s"


@case("engine.uptime", "snmpEngineTime does not lag behind sysUpTime", "RFC 3411 s5", OPTIONAL, needs.v3)
async def uptime(device: Device) -> str:
    answer = await device.get((*ENGINE, 3, 0), (1, 3, 6, 1, 2, 1, 1, 3, 0), version=3)
    provided(not answer.varbinds[0].exception, "snmpEngineTime is not shown")
    seconds, ticks = answer.varbinds[0].value.number(), answer.varbinds[1].value.number(ber.TIMETICKS)
    expect(seconds >= ticks // 100 - 1, f"{seconds} s, and sysUpTime is {ticks / 100:.0f} s")
    return f"{seconds} s and {ticks / 100:.0f} s"
