"""SNMPv2-MIB (RFC 3418): the system and the snmp group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from protocols.snmp.agent import Counters
from protocols.snmp.ber import Oid
from protocols.snmp.projection.oids import HF_RECORDER, MIB2, SNMP_MODULES
from protocols.snmp.syntax import COUNTER, NAME, TEXT, TICKS, enumeration, whole
from protocols.snmp.tree import Column, Table, scalars

MODULES: tuple[tuple[Oid, str], ...] = (
    ((*SNMP_MODULES, 1), "The MIB module for SNMP entities (RFC 3418)."),
    ((*MIB2, 31), "The interfaces (RFC 2863)."),
    ((*MIB2, 48), "IP (RFC 4293)."),
    ((*MIB2, 25, 7), "Host resources (RFC 2790)."),
    ((*MIB2, 47), "Physical entities (RFC 6933)."),
    ((*MIB2, 99), "Sensors (RFC 3433)."),
    ((*MIB2, 131), "States of physical entities (RFC 4268)."),
    ((*MIB2, 105), "Power over Ethernet (RFC 3621)."),
    ((*SNMP_MODULES, 10, 3, 1, 1), "The SNMP management architecture (RFC 3411)."),
    ((*SNMP_MODULES, 11, 3, 1, 1), "Message processing and dispatching (RFC 3412)."),
    ((*SNMP_MODULES, 15, 2, 1, 1), "The user-based security model (RFC 3414)."),
    ((*SNMP_MODULES, 16, 2, 1, 1), "The view-based access control model (RFC 3415)."),
    ((*SNMP_MODULES, 12, 3, 1), "Targets of notifications (RFC 3413)."),
    ((*SNMP_MODULES, 13, 3, 1), "Notifications (RFC 3413)."),
    ((*MIB2, 92), "The log of notifications (RFC 3014)."),
    (HF_RECORDER[:-2], "The network video recorder."),
)  #: sysORID, sysORDescr


@dataclass(frozen=True, slots=True)
class System:
    """The system group."""

    description: str
    contact: str
    name: str
    location: str
    up: Callable[[], int]  #: hundredths of a second
    identity: Oid = HF_RECORDER  #: sysObjectID


@dataclass(frozen=True, slots=True)
class SnmpState:
    """The snmp group."""

    counters: Counters
    authentication_traps: bool


SYSTEM: Table[System] = scalars(
    "system",
    (*MIB2, 1),
    Column(1, "sysDescr", TEXT, lambda row: row.description),
    Column(2, "sysObjectID", NAME, lambda row: row.identity),
    Column(3, "sysUpTime", TICKS, lambda row: row.up()),
    Column(4, "sysContact", TEXT, lambda row: row.contact, writable=True),
    Column(5, "sysName", TEXT, lambda row: row.name, writable=True),
    Column(6, "sysLocation", TEXT, lambda row: row.location, writable=True),
    Column(7, "sysServices", whole(0, 127), lambda _: 72),  # end to end, and applications
    Column(8, "sysORLastChange", TICKS, lambda _: 0),
)

RESOURCES: Table[tuple[int, Oid, str]] = Table(
    "sysOREntry",
    (*MIB2, 1, 9, 1),
    lambda row: (row[0],),
    (
        Column(2, "sysORID", NAME, lambda row: row[1]),
        Column(3, "sysORDescr", TEXT, lambda row: row[2]),
        Column(4, "sysORUpTime", TICKS, lambda _: 0),
    ),
)


def _kind(tag: int) -> Callable[[SnmpState], int]:
    return lambda row: row.counters.kinds[tag - 0xA0]


SNMP: Table[SnmpState] = scalars(
    "snmp",
    (*MIB2, 11),
    Column(1, "snmpInPkts", COUNTER, lambda row: row.counters.received),
    Column(2, "snmpOutPkts", COUNTER, lambda row: row.counters.sent),
    Column(3, "snmpInBadVersions", COUNTER, lambda row: row.counters.bad_versions),
    Column(4, "snmpInBadCommunityNames", COUNTER, lambda row: row.counters.bad_communities),
    Column(5, "snmpInBadCommunityUses", COUNTER, lambda row: row.counters.bad_uses),
    Column(6, "snmpInASNParseErrs", COUNTER, lambda row: row.counters.parse_errors),
    Column(15, "snmpInGetRequests", COUNTER, _kind(0xA0)),
    Column(16, "snmpInGetNexts", COUNTER, _kind(0xA1)),
    Column(17, "snmpInSetRequests", COUNTER, _kind(0xA3)),
    Column(28, "snmpOutGetResponses", COUNTER, lambda row: row.counters.sent),
    Column(29, "snmpOutTraps", COUNTER, lambda row: row.counters.sent_traps),
    Column(
        30,
        "snmpEnableAuthenTraps",
        enumeration("enabled", "disabled"),
        lambda row: 1 if row.authentication_traps else 2,
        writable=True,
    ),
    Column(31, "snmpSilentDrops", COUNTER, lambda row: row.counters.silent_drops),
    Column(32, "snmpProxyDrops", COUNTER, lambda _: 0),
)

SERIAL: Table[int] = scalars(
    "snmpSet",
    (*SNMP_MODULES, 1, 1, 6),
    Column(1, "snmpSetSerialNo", whole(0, 2147483647), lambda row: row, writable=True),
)

TABLES = (SYSTEM, RESOURCES, SNMP, SERIAL)
