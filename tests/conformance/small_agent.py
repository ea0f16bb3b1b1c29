"""A small recorder's agent for the SNMP suite, and the same with one thing wrong when it is told to.

Wrong are the datagrams: what comes is changed before the agent sees it, or what goes out afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from protocols.snmp import ber
from protocols.snmp.agent import Agent
from protocols.snmp.ber import OCTETS, SEQUENCE, Oid, integer, tlv
from protocols.snmp.message import (
    GET,
    GETBULK,
    GETNEXT,
    NO_SUCH_OBJECT,
    SET,
    V1,
    V2C,
    V3,
    Pdu,
    community_message,
    read_pdu,
)
from protocols.snmp.projection import system
from protocols.snmp.syntax import Value
from protocols.snmp.writers import Setter, Setters, Undo
from tests.protocols.snmp.recorder import PASSWORD, recorder

USER, COMMUNITY, WRITE = "initial", "public", "write"
AUTHENTICATION = "SHA-256"


@dataclass(slots=True)
class Names:
    """What managers may change."""

    agent: Agent
    texts: dict[str, str] = field(
        default_factory=lambda: {"sysContact": "anna", "sysName": "villa", "sysLocation": ""}
    )
    traps: bool = True
    serial: int = 5

    def show(self) -> None:
        """As it is now."""
        tree, texts = self.agent.tree, self.texts
        row = system.System(
            "A small recorder", texts["sysContact"], texts["sysName"], texts["sysLocation"], self.ticks
        )
        tree.replace(system.SYSTEM, [row])
        tree.replace(system.SNMP, [system.SnmpState(self.agent.counters, self.traps)])
        tree.replace(system.SERIAL, [self.serial])

    def ticks(self) -> int:
        """sysUpTime."""
        return int((self.agent.now - self.agent.started) * 100)

    def write(self) -> None:
        """Take SETs."""

        def zero(index: Oid) -> bool:
            return index == (0,)

        setters = {name: self._setter("texts", name) for name in self.texts}
        self.agent.tree.write_with(system.SYSTEM, Setters(system.SYSTEM, setters, zero))
        traps = {"snmpEnableAuthenTraps": self._setter("traps", "")}
        self.agent.tree.write_with(system.SNMP, Setters(system.SNMP, traps, zero))
        serial = {"snmpSetSerialNo": self._setter("serial", "")}
        self.agent.tree.write_with(system.SERIAL, Setters(system.SERIAL, serial, zero))

    def _setter(self, what: str, name: str) -> Setter:
        def apply(_: Oid, value: Value) -> Undo:
            before = (dict(self.texts), self.traps, self.serial)
            if what == "texts":
                assert isinstance(value, bytes)
                self.texts[name] = value.decode()
            elif what == "traps":
                self.traps = value == 1
            else:
                assert isinstance(value, int)
                self.serial = value + 1
            self.show()

            def undo() -> None:
                self.texts, self.traps, self.serial = before
                self.show()

            return undo

        return Setter(lambda _, value: what != "serial" or value == self.serial, apply)


Answer = Callable[[bytes], bytes | None]
Fault = Callable[[Answer, bytes], bytes | None]  #: the agent, and a datagram -> what goes out


class Asked(NamedTuple):
    """What a message asks."""

    request: bytes  #: the request-id, as its element
    pdu: Pdu


def _request(data: bytes) -> tuple[int, bytes, Asked] | None:
    """Version, community and PDU of a message of v1 or v2c; None of another."""
    try:
        start, end = ber.element(data, 0, len(data), SEQUENCE)
        version, at = ber.read_integer(data, start, end)
        if version == V3:
            return None
        word, stop = ber.element(data, at, end, OCTETS)
        return version, data[word:stop], Asked(*read_pdu(data, stop, end))
    except ber.Malformed:
        return None


def _again(
    version: int,
    word: bytes,
    asked: Asked,
    *,
    kind: int | None = None,
    first: int | None = None,
    second: int | None = None,
    names: list[bytes] | None = None,
) -> bytes:
    """The request with some parts changed."""
    listed = asked.pdu.varbinds if names is None else tlv(
        SEQUENCE, b"".join(tlv(SEQUENCE, tlv(ber.NAME, name) + b"\x05\x00") for name in names)
    )  # fmt: skip
    body = (
        asked.request
        + integer(asked.pdu.first if first is None else first)
        + integer(asked.pdu.second if second is None else second)
        + listed
    )
    return community_message(version, word, tlv(asked.pdu.kind if kind is None else kind, body))


def _replaced(old: bytes, new: bytes, *, version: int = V2C) -> Fault:
    """In answers of that version, octets for others of the same number."""
    assert len(old) == len(new)

    def fault(answer: Answer, data: bytes) -> bytes | None:
        asked, reply = _request(data), answer(data)
        return reply if reply is None or asked is None or asked[0] != version else reply.replace(old, new)

    return fault


def _asked_otherwise(change: Callable[[int, bytes, Asked], bytes | None]) -> Fault:
    """Another request is answered in its place; None: this one is."""

    def fault(answer: Answer, data: bytes) -> bytes | None:
        asked = _request(data)
        other = None if asked is None else change(*asked)
        return answer(data if other is None else other)

    return fault


def _anybody(version: int, word: bytes, asked: Asked) -> bytes | None:
    return None if word in (b"public", b"write") else _again(version, b"public", asked)


def _writes(version: int, word: bytes, asked: Asked) -> bytes | None:
    return _again(version, b"write", asked) if asked.pdu.kind == SET and word == b"public" else None


def _bulk_of(change: Callable[[int], int]) -> Fault:
    return _asked_otherwise(
        lambda version, word, asked: (
            _again(version, word, asked, second=change(asked.pdu.second))
            if asked.pdu.kind == GETBULK
            else None
        )
    )


def _silent_bulk(answer: Answer, data: bytes) -> bytes | None:
    asked = _request(data)
    return (
        None
        if asked is not None and asked[2].pdu.kind == GETBULK and asked[2].pdu.second <= 0
        else answer(data)
    )


def _v1_bulk(answer: Answer, data: bytes) -> bytes | None:
    asked = _request(data)
    if asked is not None and asked[0] == V1 and asked[2].pdu.kind == GETBULK:
        return answer(_again(V1, asked[1], asked[2], kind=GETNEXT, first=0, second=0))
    return answer(data)


def _same_request_id(answer: Answer, data: bytes) -> bytes | None:
    asked, reply = _request(data), answer(data)
    if reply is None or asked is None or asked[2].request != integer(2147483647):
        return reply
    return reply.replace(integer(2147483647), integer(2147483646), 1)


def _trailing(answer: Answer, data: bytes) -> bytes | None:
    size = data[1] + 2 if len(data) > 2 and data[1] < 0x80 else len(data)
    return answer(data[:size])


def _version_two(answer: Answer, data: bytes) -> bytes | None:
    return answer(data[:2] + b"\x02\x01\x01" + data[5:] if data[2:5] == b"\x02\x01\x02" else data)


def _responds(answer: Answer, data: bytes) -> bytes | None:
    asked = _request(data)
    if asked is not None and asked[2].pdu.kind == 0xA2:
        return answer(_again(asked[0], asked[1], asked[2], kind=GET))
    return answer(data)


def _loops(answer: Answer, data: bytes) -> bytes | None:
    """After ifNumber comes sysDescr again."""
    asked = _request(data)
    number = ber.name_body((1, 3, 6, 1, 2, 1, 2, 1, 0))
    if asked is not None and asked[2].pdu.kind in (GETNEXT, GETBULK) and asked[2].pdu.names == (number,):
        return answer(_again(asked[0], asked[1], asked[2], names=[ber.name_body((1, 3, 6, 1, 2, 1))]))
    return answer(data)


def _half(answer: Answer, data: bytes) -> bytes | None:
    """A SET of several is done one by one."""
    asked = _request(data)
    if asked is not None and asked[2].pdu.kind == SET and len(asked[2].pdu.names) > 1:
        version, word, (request, pdu) = asked
        for name, value in zip(pdu.names, pdu.values, strict=True):
            one = tlv(SEQUENCE, tlv(SEQUENCE, tlv(ber.NAME, name) + value))
            answer(community_message(version, word, tlv(SET, request + integer(0) + integer(0) + one)))
    return answer(data)


def _v3(change: Callable[[bytes], bytes | None]) -> Fault:
    """Of v3 alone."""

    def fault(answer: Answer, data: bytes) -> bytes | None:
        if data[:1] != b"\x30" or b"\x02\x01\x03" not in data[:8]:
            return answer(data)
        changed = change(data)
        return None if changed is None else answer(changed)

    return fault


def _no_reports(answer: Answer, data: bytes) -> bytes | None:
    reply = answer(data)
    usm = ber.name_body((1, 3, 6, 1, 6, 3, 15, 1, 1))
    told = b"\x30\x0f\x06\x0a" + usm
    silent = any(told + bytes((number, 0)) in (reply or b"") for number in (3, 5))
    return None if silent else reply


#: fault -> what it does to datagrams, and the case that must find it.
FAULTS: dict[str, tuple[Fault, str]] = {
    "request-id": (_same_request_id, "message.request-id"),
    "version": (_version_two, "message.version-2"),
    "anybody": (_asked_otherwise(_anybody), "message.community-unknown"),
    "strangers-set": (_asked_otherwise(_anybody), "view.stranger-set"),
    "trailing": (_trailing, "malformed.trailing"),
    "responds": (_responds, "malformed.response"),
    "exception": (_replaced(NO_SUCH_OBJECT, b"\x05\x00"), "get.no-such-object"),
    "instance": (_replaced(b"\x81\x00", b"\x80\x00"), "get.no-such-instance"),
    "type": (_replaced(b"\x02\x01\x48", b"\x42\x01\x48"), "get.sysServices"),
    "end": (_replaced(b"\x82\x00", b"\x80\x00"), "next.end"),
    "v1-index": (_replaced(b"\x02\x01\x02\x02\x01\x02", b"\x02\x01\x02\x02\x01\x01", version=V1), "get.v1-index"),
    "v1-status": (_replaced(b"\x02\x01\x02\x02\x01\x02", b"\x02\x01\x05\x02\x01\x02", version=V1), "next.v1-end"),
    "bulk-one-less": (_bulk_of(lambda count: count - 1), "bulk.count"),
    "bulk-one": (_bulk_of(lambda count: max(count, 1)), "bulk.zero"),
    "bulk-silent": (_silent_bulk, "bulk.negative"),
    "v1-bulk": (_v1_bulk, "version.v1-bulk"),
    "loops": (_loops, "walk.order"),
    "writes": (_asked_otherwise(_writes), "set.reader"),
    "half": (_half, "set.whole"),
    "no-echo": (_replaced(b"\x04\x01x", b"\x04\x01y"), "set.echo-error"),
    "wrong-type": (_replaced(b"\x02\x01\x07\x02\x01\x01", b"\x02\x01\x05\x02\x01\x01"), "set.type"),
    "not-writable": (_replaced(b"\x02\x01\x11\x02\x01\x01", b"\x02\x01\x05\x02\x01\x01"), "set.read-only"),
    "length": (_replaced(b"\x02\x01\x08\x02\x01\x01", b"\x02\x01\x05\x02\x01\x01"), "set.length"),
    "v3-silent": (_no_reports, "user.unknown"),
    "v3-digest": (_no_reports, "user.digest"),
    "reportable": (_v3(lambda data: None if b"\x04\x01\xff" in data else data), "user.flags-reserved"),
}  # fmt: skip


class _Protocol(asyncio.DatagramProtocol):
    """One socket."""

    def __init__(self, agent: Agent, fault: Fault | None) -> None:
        self._agent = agent
        self._fault = fault

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._transport = cast(
            asyncio.DatagramTransport, transport
        )  # its class does not say so in Python 3.11

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        """A request."""

        def answer(asked: bytes) -> bytes | None:
            return self._agent.handle(asked, peer[0], time.monotonic())

        reply = answer(data) if self._fault is None else self._fault(answer, data)
        if reply is not None:
            self._transport.sendto(reply, peer)


@asynccontextmanager
async def serving(fault: str) -> AsyncIterator[int]:
    """On a free port of the loopback address, which is given."""
    agent, _ = recorder()
    agent.started = time.monotonic() - 1000  # up for long enough to be asked of before
    names = Names(agent)
    names.write()
    names.show()
    change = FAULTS[fault][0] if fault else None
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Protocol(agent, change), ("127.0.0.1", 0)
    )
    try:
        yield int(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()


__all__ = ["AUTHENTICATION", "COMMUNITY", "FAULTS", "PASSWORD", "USER", "WRITE", "serving"]
