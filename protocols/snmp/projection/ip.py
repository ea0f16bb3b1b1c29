"""IP-MIB (RFC 4293): our addresses and our neighbours', in the old tables and the new."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from protocols.snmp.ber import Oid
from protocols.snmp.projection.oids import MIB2
from protocols.snmp.syntax import ADDRESS, INTEGER32, MAC, NAME, TICKS, enumeration, named, whole
from protocols.snmp.tree import Column, Table, scalars

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
_PREFIX = (*MIB2, 4, 32, 1, 5)
_ROW_STATUS = enumeration("active", "notInService", "notReady", "createAndGo", "createAndWait", "destroy")
_STORAGE = enumeration("other", "volatile", "nonVolatile", "permanent", "readOnly")
_ORIGIN = {"manual": 2, "dhcp": 4, "linklayer": 5, "random": 6}


@dataclass(frozen=True, slots=True)
class AddressRow:
    """One of our addresses."""

    interface: int  #: ifIndex
    ip: Ip
    prefix: int
    origin: str  #: manual | dhcp | linklayer | random


@dataclass(frozen=True, slots=True)
class NeighbourRow:
    """An address of somebody else."""

    interface: int  #: ifIndex
    ip: Ip
    mac: bytes
    reachable: bool
    permanent: bool


@dataclass(frozen=True, slots=True)
class Forwarding:
    """What is said of IP as a whole."""

    forwards: bool


def inet(ip: Ip) -> Oid:
    """InetAddressType and InetAddress as an index (RFC 4001)."""
    return (1 if ip.version == 4 else 2, len(ip.packed), *ip.packed)


def _net(row: AddressRow) -> Oid:
    network = ipaddress.ip_network((row.ip, row.prefix), strict=False).network_address
    return (*_PREFIX, row.interface, *inet(network), row.prefix)


FORWARDING: Table[Forwarding] = scalars(
    "ip",
    (*MIB2, 4),
    Column(
        1, "ipForwarding", enumeration("forwarding", "notForwarding"), lambda row: 1 if row.forwards else 2
    ),
    Column(2, "ipDefaultTTL", whole(1, 255), lambda _: 64),
)

ADDRESSES_V4: Table[AddressRow] = Table(
    "ipAddrEntry",
    (*MIB2, 4, 20, 1),
    lambda row: tuple(row.ip.packed),
    (
        Column(1, "ipAdEntAddr", ADDRESS, lambda row: row.ip),
        Column(2, "ipAdEntIfIndex", INTEGER32, lambda row: row.interface),
        Column(3, "ipAdEntNetMask", ADDRESS, lambda row: ipaddress.ip_network((0, row.prefix)).netmask),
        Column(4, "ipAdEntBcastAddr", whole(0, 1), lambda _: 1),
        Column(5, "ipAdEntReasmMaxSize", whole(0, 65535), lambda _: 65535),
    ),
)

NEIGHBOURS_V4: Table[NeighbourRow] = Table(
    "ipNetToMediaEntry",
    (*MIB2, 4, 22, 1),
    lambda row: (row.interface, *row.ip.packed),
    (
        Column(1, "ipNetToMediaIfIndex", INTEGER32, lambda row: row.interface),
        Column(2, "ipNetToMediaPhysAddress", MAC, lambda row: row.mac),
        Column(3, "ipNetToMediaNetAddress", ADDRESS, lambda row: row.ip),
        Column(
            4,
            "ipNetToMediaType",
            enumeration("other", "invalid", "dynamic", "static"),
            lambda row: 4 if row.permanent else 3,
        ),
    ),
)

ADDRESSES: Table[AddressRow] = Table(
    "ipAddressEntry",
    (*MIB2, 4, 34, 1),
    lambda row: inet(row.ip),
    (
        Column(3, "ipAddressIfIndex", whole(1), lambda row: row.interface),
        Column(4, "ipAddressType", enumeration("unicast", "anycast", "broadcast"), lambda _: 1),
        Column(5, "ipAddressPrefix", NAME, _net),
        Column(
            6,
            "ipAddressOrigin",
            named({1: "other", 2: "manual", 4: "dhcp", 5: "linklayer", 6: "random"}),
            lambda row: _ORIGIN.get(row.origin, 1),
        ),
        Column(
            7,
            "ipAddressStatus",
            enumeration(
                "preferred",
                "deprecated",
                "invalid",
                "inaccessible",
                "unknown",
                "tentative",
                "duplicate",
                "optimistic",
            ),
            lambda _: 1,
        ),
        Column(8, "ipAddressCreated", TICKS, lambda _: 0),
        Column(9, "ipAddressLastChanged", TICKS, lambda _: 0),
        Column(10, "ipAddressRowStatus", _ROW_STATUS, lambda _: 1),
        Column(11, "ipAddressStorageType", _STORAGE, lambda _: 2),
    ),
)

NEIGHBOURS: Table[NeighbourRow] = Table(
    "ipNetToPhysicalEntry",
    (*MIB2, 4, 35, 1),
    lambda row: (row.interface, *inet(row.ip)),
    (
        Column(4, "ipNetToPhysicalPhysAddress", MAC, lambda row: row.mac),
        Column(5, "ipNetToPhysicalLastUpdated", TICKS, lambda _: 0),
        Column(
            6,
            "ipNetToPhysicalType",
            enumeration("other", "invalid", "dynamic", "static", "local"),
            lambda row: 4 if row.permanent else 3,
        ),
        Column(
            7,
            "ipNetToPhysicalState",
            enumeration("reachable", "stale", "delay", "probe", "invalid", "unknown", "incomplete"),
            lambda row: 1 if row.reachable else 2,
        ),
        Column(8, "ipNetToPhysicalRowStatus", _ROW_STATUS, lambda _: 1),
    ),
)

TABLES = (FORWARDING, ADDRESSES_V4, NEIGHBOURS_V4, ADDRESSES, NEIGHBOURS)
