"""NOTIFICATION-LOG-MIB (RFC 3014): what was told can be read afterwards, and there is an end to it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocols.snmp.access import secret_of
from protocols.snmp.agent import Agent
from protocols.snmp.ber import COUNTER32, OCTETS, Oid, integer, name, tlv
from protocols.snmp.endpoint import Endpoint
from protocols.snmp.message import pdu
from protocols.snmp.notify import Notification, Outbox
from protocols.snmp.projection.log import CONTENT, ENTRIES, MOST
from protocols.snmp.projection.notifications import COLD_START, notification
from protocols.snmp.projection.oids import HF_NOTIFICATIONS
from protocols.snmp.projection.recorder import Projection
from protocols.snmp.usm import User
from tests.protocols.snmp.recorder import OFFLINE, PASSWORD, SETTINGS, recorder
from tests.protocols.snmp.rig import BASE, ENGINE, Manager, get, varbind
from tests.protocols.snmp.test_netsnmp import tool

STATISTICS: Oid = (*CONTENT[:-1], 2)
LOG = "." + ".".join(map(str, CONTENT[:-1]))


def logged(count: int) -> tuple[Agent, Projection]:
    """A recorder that said so much; the last is that a camera is gone."""
    agent, shown = recorder()
    for _ in range(count - 1):
        shown.told(Notification(COLD_START, ()))
    told = notification(OFFLINE, shown.find)
    assert told is not None
    shown.told(told)
    shown.log()
    return agent, shown


def read(agent: Agent, *names: Oid) -> list[bytes]:
    """As somebody who may read all."""
    secret = secret_of(SETTINGS)
    assert secret is not None
    found = Manager(User(secret, ENGINE)).ask(agent, pdu(0xA0, 1, map(varbind, names)))
    assert found is not None
    return [value for _, value in found[1].varbinds]


def test_what_was_told_is_in_the_log_with_its_varbinds() -> None:
    agent, _ = logged(3)
    entry, variable = (*CONTENT, 1, 1), (*CONTENT, 2, 1)
    assert read(agent, (*entry, 9, 0, 1), (*entry, 9, 0, 3)) == [
        name(COLD_START),
        name((*HF_NOTIFICATIONS, 4)),
    ]
    # The fifth varbind is hfEventName: a string.
    assert read(agent, (*variable, 3, 0, 3, 5), (*variable, 8, 0, 3, 5)) == [
        integer(6),
        tlv(OCTETS, b"camera.offline"),
    ]
    assert get(agent, (*STATISTICS, 1, 0)).varbinds[0][1] == integer(3, COUNTER32)


def test_the_oldest_are_forgotten_and_counted() -> None:
    agent, shown = logged(MOST + 5)
    assert get(agent, (*STATISTICS, 2, 0)).varbinds[0][1] == integer(5, COUNTER32)
    assert shown.tree.indexes(ENTRIES) == {(0, number) for number in range(6, MOST + 6)}


def test_a_community_reads_how_much_was_told_but_not_what() -> None:
    agent, _ = logged(2)
    found = get(agent, (*CONTENT, 1, 1, 9, 0, 1), (*STATISTICS, 1, 0))
    assert [value for _, value in found.varbinds] == [b"\x80\x00", integer(2, COUNTER32)]


@pytest.fixture
async def served() -> AsyncIterator[Endpoint]:
    agent, _ = logged(3)
    agent.started = time.monotonic()
    outbox = Outbox(agent.engine, agent.started, BASE, 1)
    async with Endpoint(agent, outbox, [("127.0.0.1", 0)], time.monotonic, lambda: None) as made:
        yield made


async def test_net_snmp_reads_it(served: Endpoint, tmp_path: Path) -> None:
    host, port = served.addresses[0]
    user = ("-v3", "-lauthPriv", "-uinitial", "-aSHA-256", f"-A{PASSWORD}", "-xAES", f"-X{PASSWORD}")
    said = await tool("snmpbulkwalk", *user, "-On", f"udp:{host}:{port}", LOG, folder=tmp_path)
    assert f"{LOG}.3.1.1.9.0.1 = OID: .1.3.6.1.6.3.1.1.5.1" in said
    assert f'{LOG}.3.2.1.8.0.3.5 = STRING: "camera.offline"' in said
    assert f"{LOG}.1.1.0 = Gauge32: {MOST}" in said
    assert "not increasing" not in said
