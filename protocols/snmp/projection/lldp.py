"""LLDP-MIB (IEEE 802.1AB-2005): who we are to our neighbours, and who they are."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from protocols.snmp.ber import Oid
from protocols.snmp.projection.oids import LLDP, MIB2
from protocols.snmp.syntax import GAUGE, INTEGER32, NAME, TEXT, TICKS, enumeration, octets
from protocols.snmp.tree import Column, Table, scalars

CHASSIS_MAC, PORT_NAME = 4, 5  #: LldpChassisIdSubtype macAddress, LldpPortIdSubtype interfaceName
_CHASSIS = enumeration(
    "chassisComponent",
    "interfaceAlias",
    "portComponent",
    "macAddress",
    "networkAddress",
    "interfaceName",
    "local",
)
_PORT = enumeration(
    "interfaceAlias",
    "portComponent",
    "macAddress",
    "networkAddress",
    "interfaceName",
    "agentCircuitId",
    "local",
)
_STATION = b"\x01"  #: LldpSystemCapabilitiesMap, bit 7: stationOnly


@dataclass(frozen=True, slots=True)
class Local:
    """What we say of ourselves."""

    chassis: bytes  #: MAC address
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class LocalPort:
    """One of our ports."""

    index: int  #: ifIndex
    name: str


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """An address by which we can be managed."""

    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    interface: int


@dataclass(frozen=True, slots=True)
class Remote:
    """What a neighbour says of itself."""

    heard: int  #: ticks of sysUpTime
    port: int  #: our port
    index: int
    chassis_kind: int
    chassis: bytes
    port_kind: int
    port_id: bytes
    port_description: str
    name: str
    description: str
    supported: bytes
    enabled: bytes


@dataclass(frozen=True, slots=True)
class Statistics:
    """How the list of neighbours changed."""

    changed: int  #: ticks
    inserts: int
    deletes: int
    ageouts: int


def _address(row: LocalAddress) -> Oid:
    return (1 if row.ip.version == 4 else 2, len(row.ip.packed), *row.ip.packed)


_OBJECTS = (*LLDP, 1)

STATISTICS: Table[Statistics] = scalars(
    "lldpStatistics",
    (*_OBJECTS, 2),
    Column(1, "lldpStatsRemTablesLastChangeTime", TICKS, lambda row: row.changed),
    Column(2, "lldpStatsRemTablesInserts", GAUGE, lambda row: row.inserts),
    Column(3, "lldpStatsRemTablesDeletes", GAUGE, lambda row: row.deletes),
    Column(4, "lldpStatsRemTablesDrops", GAUGE, lambda _: 0),
    Column(5, "lldpStatsRemTablesAgeouts", GAUGE, lambda row: row.ageouts),
)
LOCAL: Table[Local] = scalars(
    "lldpLocalSystemData",
    (*_OBJECTS, 3),
    Column(1, "lldpLocChassisIdSubtype", _CHASSIS, lambda _: CHASSIS_MAC),
    Column(2, "lldpLocChassisId", octets(1, 255), lambda row: row.chassis),
    Column(3, "lldpLocSysName", TEXT, lambda row: row.name),
    Column(4, "lldpLocSysDesc", TEXT, lambda row: row.description),
    Column(5, "lldpLocSysCapSupported", octets(1, 2), lambda _: _STATION),
    Column(6, "lldpLocSysCapEnabled", octets(1, 2), lambda _: _STATION),
)
LOCAL_PORTS: Table[LocalPort] = Table(
    "lldpLocPortEntry",
    (*_OBJECTS, 3, 7, 1),
    lambda row: (row.index,),
    (
        Column(2, "lldpLocPortIdSubtype", _PORT, lambda _: PORT_NAME),
        Column(3, "lldpLocPortId", octets(1, 255), lambda row: row.name),
        Column(4, "lldpLocPortDesc", TEXT, lambda row: row.name),
    ),
)
LOCAL_ADDRESSES: Table[LocalAddress] = Table(
    "lldpLocManAddrEntry",
    (*_OBJECTS, 3, 8, 1),
    _address,
    (
        Column(3, "lldpLocManAddrLen", INTEGER32, lambda row: len(row.ip.packed) + 1),
        Column(
            4,
            "lldpLocManAddrIfSubtype",
            enumeration("unknown", "ifIndex", "systemPortNumber"),
            lambda _: 2,
        ),
        Column(5, "lldpLocManAddrIfId", INTEGER32, lambda row: row.interface),
        Column(6, "lldpLocManAddrOID", NAME, lambda row: (*MIB2, 2, 2, 1, 1, row.interface)),
    ),
)
REMOTES: Table[Remote] = Table(
    "lldpRemEntry",
    (*_OBJECTS, 4, 1, 1),
    lambda row: (row.heard, row.port, row.index),
    (
        Column(4, "lldpRemChassisIdSubtype", _CHASSIS, lambda row: row.chassis_kind),
        Column(5, "lldpRemChassisId", octets(1, 255), lambda row: row.chassis),
        Column(6, "lldpRemPortIdSubtype", _PORT, lambda row: row.port_kind),
        Column(7, "lldpRemPortId", octets(1, 255), lambda row: row.port_id),
        Column(8, "lldpRemPortDesc", TEXT, lambda row: row.port_description),
        Column(9, "lldpRemSysName", TEXT, lambda row: row.name),
        Column(10, "lldpRemSysDesc", TEXT, lambda row: row.description),
        Column(11, "lldpRemSysCapSupported", octets(1, 2), lambda row: row.supported),
        Column(12, "lldpRemSysCapEnabled", octets(1, 2), lambda row: row.enabled),
    ),
)

TABLES = (STATISTICS, LOCAL, LOCAL_PORTS, LOCAL_ADDRESSES, REMOTES)
