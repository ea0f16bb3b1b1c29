"""Views: what somebody may not see is not there, in every operation (RFC 3415)."""

from __future__ import annotations

from conformance.case import Requirement, expect
from conformance.snmp import ber, needs
from conformance.snmp.ber import Oid, octets
from conformance.snmp.device import MODULES, SYS_DESCR, Device
from conformance.snmp.suite import case
from conformance.snmp.wire import (
    AUTHORIZATION_ERROR,
    GET,
    GETBULK,
    GETNEXT,
    NO_ACCESS,
    NO_CREATION,
    NO_SUCH_NAME,
    NOT_WRITABLE,
    SET,
    V1,
    V2C,
    V3,
    Varbind,
    message,
    pdu,
    varbind,
)

CONDITIONAL, MANDATORY = Requirement.CONDITIONAL, Requirement.MANDATORY
CLAUSE = "RFC 3415 s3.2, RFC 3413 s3.2"


def _hidden(device: Device) -> Varbind:
    found = device.facts.hidden
    assert found is not None, "the need says so"
    return found


def _before(device: Device, name: Oid) -> Oid:
    """The last name that the community sees before it."""
    return max((each.name for each in device.facts.rows if each.name < name), default=(0, 0))


@case("view.user", "The user reads what the community may not", CLAUSE, CONDITIONAL, needs.hidden)
async def user(device: Device) -> str:
    found = (await device.get(_hidden(device).name, version=V3)).only()
    expect(not found.exception, f"answered {found.said}")
    return ber.dotted(found.name)


@case(
    "view.get",
    "GET of what the view hides is an exception, not a value",
    f"{CLAUSE}, RFC 3416 s4.2.1",
    CONDITIONAL,
    needs.hidden,
)
async def get(device: Device) -> str:
    found = (await device.get(_hidden(device).name, version=V2C)).only()
    expect(found.value.tag in (ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE), f"answered {found.said}")
    return found.said


@case(
    "view.get-v1",
    "In SNMPv1 it is noSuchName",
    f"{CLAUSE}, RFC 3584 s4.2.2.2",
    CONDITIONAL,
    needs.hidden,
    needs.v1,
)
async def get_v1(device: Device) -> str:
    answer = await device.get(SYS_DESCR, _hidden(device).name, version=V1)
    expect((answer.status, answer.index) == (NO_SUCH_NAME, 2), f"answered {answer.said}")
    return answer.said


@case(
    "view.get-mixed",
    "What is hidden does not hide what is asked with it",
    f"{CLAUSE}, RFC 3416 s4.2.1",
    CONDITIONAL,
    needs.hidden,
)
async def get_mixed(device: Device) -> str:
    answer = await device.get(_hidden(device).name, SYS_DESCR, version=V2C)
    expect(
        answer.status == 0 and answer.varbinds[0].exception and not answer.varbinds[1].exception,
        f"answered {answer.said}",
    )
    return answer.said


def _steps(kind: int, name: str) -> None:
    @case(f"view.{name}", f"{name.upper()} steps over what the view hides", CLAUSE, CONDITIONAL, needs.hidden)
    async def steps(device: Device) -> str:
        hidden = _hidden(device)
        before = _before(device, hidden.name)
        shown = {each.name for each in device.facts.rows}
        answer = await device.ask(kind, [varbind(before)], version=V2C, second=30 if kind == GETBULK else 0)
        for found in answer.varbinds:
            expect(
                found.exception or found.name in shown or found.name[: len(MODULES)] != MODULES,
                f"shows {found.said}",
            )
        return f"from {ber.dotted(before)}"


_steps(GETNEXT, "next")
_steps(GETBULK, "bulk")


@case("view.next-v1", "So it does in SNMPv1", CLAUSE, CONDITIONAL, needs.hidden, needs.v1)
async def next_v1(device: Device) -> str:
    hidden = _hidden(device)
    answer = await device.next(_before(device, hidden.name), version=V1)
    expect(answer.status == NO_SUCH_NAME or answer.names[0] > hidden.name, f"answered {answer.said}")
    return answer.said


@case(
    "view.inside",
    "GETNEXT from a name inside what is hidden leads out of it",
    CLAUSE,
    CONDITIONAL,
    needs.hidden,
)
async def inside(device: Device) -> str:
    hidden = _hidden(device)
    found = (await device.next(hidden.name, version=V2C)).only()
    shown = {each.name for each in device.facts.rows}
    expect(
        found.exception or found.name in shown or found.name[: len(MODULES)] != MODULES, f"shows {found.said}"
    )
    return found.said


@case(
    "view.set",
    "SET of what the view hides is noAccess",
    f"{CLAUSE}, RFC 3416 s4.2.5 (1)",
    CONDITIONAL,
    needs.hidden,
)
async def set_hidden(device: Device) -> str:
    hidden = _hidden(device)
    word = device.address.write or device.address.community
    answer = await device.ask(SET, [varbind(hidden.name, hidden.element)], version=V2C, community=word)
    expect(
        answer.status in (NO_ACCESS, NO_CREATION, NOT_WRITABLE, AUTHORIZATION_ERROR),
        f"answered {answer.said}",
    )
    expect(answer.index in (0, 1), f"error-index {answer.index}")
    return answer.said


@case("view.rows", "Who may only read makes no rows", CLAUSE, CONDITIONAL, needs.reader)
async def rows(device: Device) -> str:
    name = (1, 3, 6, 1, 6, 3, 12, 1, 3, 1, 7, *b"reader")
    answer = await device.ask(
        SET, [varbind(name, b"\x02\x01\x05")], version=V2C, community=device.address.community
    )
    expect(
        answer.status in (NO_ACCESS, NO_CREATION, NOT_WRITABLE, AUTHORIZATION_ERROR),
        f"answered {answer.said}",
    )
    return answer.said


@case(
    "view.same",
    "The error of what may not be changed does not tell whether it is there",
    "RFC 3415 s3.2",
    Requirement.OPTIONAL,
    needs.reader,
)
async def same(device: Device) -> str:
    found = []
    for name in ((1, 3, 6, 1, 2, 1, 1, 4, 0), (1, 3, 6, 1, 2, 1, 1, 4, 1), (1, 3, 6, 1, 4, 1, 4294967295, 0)):
        answer = await device.ask(
            SET, [varbind(name, octets(b"x"))], version=V2C, community=device.address.community
        )
        found.append(answer.status)
    expect(len(set(found)) == 1, f"error-status {found} for what is there, what could be, and what is not")
    return answer.said


def _stranger(kind: int, name: str) -> None:
    @case(
        f"view.stranger-{name}",
        f"{name.upper()} of a community that nobody gave is not answered",
        "RFC 3584 s5.2.1",
        MANDATORY,
        needs.v2c,
    )
    async def stranger(device: Device) -> str:
        body = pdu(
            kind,
            device.number(),
            [varbind(SYS_DESCR, octets(b"x") if kind == SET else b"\x05\x00")],
            0,
            5 if kind == GETBULK else 0,
        )
        await device.silent(message(V2C, b"nobody-gave-this", body), name)
        return "no answer"


for _kind, _name in ((GET, "get"), (GETNEXT, "next"), (GETBULK, "bulk"), (SET, "set")):
    _stranger(_kind, _name)
