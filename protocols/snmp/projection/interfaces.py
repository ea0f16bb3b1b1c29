"""IF-MIB (RFC 2863), and EtherLike-MIB's duplex status (RFC 3635)."""

from __future__ import annotations

from dataclasses import dataclass

from device.linux.host import Interface
from protocols.snmp.projection.oids import MIB2, ZERO
from protocols.snmp.syntax import (
    COUNTER,
    COUNTER64,
    GAUGE,
    INTEGER32,
    MAC,
    NAME,
    TEXT,
    TICKS,
    TRUTH,
    enumeration,
    octets,
    whole,
)
from protocols.snmp.tree import Column, Table, scalars

#: ARPHRD_* of linux/if_arp.h -> IANAifType; all others are other(1)
_KINDS = {1: 6, 32: 199, 512: 23, 768: 131, 769: 131, 772: 24, 776: 131, 778: 131, 801: 71, 803: 71, 824: 131}
#: IF_OPER_* of linux/if.h -> ifOperStatus
_OPERATIONAL = {1: 6, 2: 2, 3: 7, 4: 3, 5: 5, 6: 1}
_FULL, _HALF, _UNKNOWN = 3, 2, 1


@dataclass(frozen=True, slots=True)
class Row:
    """One interface, under its number for ever."""

    index: int
    is_: Interface
    changed: int  #: ticks of sysUpTime when it came to be as it is
    traps: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """What is said of all of them."""

    count: int
    changed: int  #: ticks when one came or went


def operational(row: Row) -> int:
    """ifOperStatus. The loopback device says `unknown`, and runs."""
    status = _OPERATIONAL.get(row.is_.operational, 4)
    if status == 4 and row.is_.running:
        return 1
    return status if row.is_.up else 2


def _duplex(row: Row) -> int | None:
    if not row.is_.physical or _KINDS.get(row.is_.kind) != 6:
        return None
    if row.is_.full_duplex is None:
        return _UNKNOWN
    return _FULL if row.is_.full_duplex else _HALF


_STATUS = ("up", "down", "testing", "unknown", "dormant", "notPresent", "lowerLayerDown")

NUMBER: Table[Totals] = scalars(
    "interfaces", (*MIB2, 2), Column(1, "ifNumber", INTEGER32, lambda row: row.count)
)

INTERFACES: Table[Row] = Table(
    "ifEntry",
    (*MIB2, 2, 2, 1),
    lambda row: (row.index,),
    (
        Column(1, "ifIndex", whole(1), lambda row: row.index),
        Column(2, "ifDescr", TEXT, lambda row: row.is_.name),
        Column(3, "ifType", whole(1, 303), lambda row: _KINDS.get(row.is_.kind, 1)),
        Column(4, "ifMtu", INTEGER32, lambda row: row.is_.mtu),
        Column(5, "ifSpeed", GAUGE, lambda row: row.is_.speed or 0),
        Column(6, "ifPhysAddress", MAC, lambda row: row.is_.mac),
        Column(7, "ifAdminStatus", enumeration("up", "down", "testing"), lambda row: 1 if row.is_.up else 2),
        Column(8, "ifOperStatus", enumeration(*_STATUS), operational),
        Column(9, "ifLastChange", TICKS, lambda row: row.changed),
        Column(10, "ifInOctets", COUNTER, lambda row: row.is_.received.octets),
        Column(
            11, "ifInUcastPkts", COUNTER, lambda row: row.is_.received.packets - row.is_.received.multicast
        ),
        Column(12, "ifInNUcastPkts", COUNTER, lambda row: row.is_.received.multicast),
        Column(13, "ifInDiscards", COUNTER, lambda row: row.is_.received.drops),
        Column(14, "ifInErrors", COUNTER, lambda row: row.is_.received.errors),
        Column(15, "ifInUnknownProtos", COUNTER, lambda _: 0),
        Column(16, "ifOutOctets", COUNTER, lambda row: row.is_.sent.octets),
        Column(17, "ifOutUcastPkts", COUNTER, lambda row: row.is_.sent.packets),
        Column(18, "ifOutNUcastPkts", COUNTER, lambda row: row.is_.sent.multicast),
        Column(19, "ifOutDiscards", COUNTER, lambda row: row.is_.sent.drops),
        Column(20, "ifOutErrors", COUNTER, lambda row: row.is_.sent.errors),
        Column(21, "ifOutQLen", GAUGE, lambda _: 0),
        Column(22, "ifSpecific", NAME, lambda _: ZERO),
    ),
)

EXTENSION: Table[Row] = Table(
    "ifXEntry",
    (*MIB2, 31, 1, 1, 1),
    lambda row: (row.index,),
    (
        Column(1, "ifName", TEXT, lambda row: row.is_.name),
        Column(2, "ifInMulticastPkts", COUNTER, lambda row: row.is_.received.multicast),
        Column(3, "ifInBroadcastPkts", COUNTER, lambda _: 0),
        Column(4, "ifOutMulticastPkts", COUNTER, lambda row: row.is_.sent.multicast),
        Column(5, "ifOutBroadcastPkts", COUNTER, lambda _: 0),
        Column(6, "ifHCInOctets", COUNTER64, lambda row: row.is_.received.octets),
        Column(
            7,
            "ifHCInUcastPkts",
            COUNTER64,
            lambda row: row.is_.received.packets - row.is_.received.multicast,
        ),
        Column(8, "ifHCInMulticastPkts", COUNTER64, lambda row: row.is_.received.multicast),
        Column(9, "ifHCInBroadcastPkts", COUNTER64, lambda _: 0),
        Column(10, "ifHCOutOctets", COUNTER64, lambda row: row.is_.sent.octets),
        Column(11, "ifHCOutUcastPkts", COUNTER64, lambda row: row.is_.sent.packets),
        Column(12, "ifHCOutMulticastPkts", COUNTER64, lambda row: row.is_.sent.multicast),
        Column(13, "ifHCOutBroadcastPkts", COUNTER64, lambda _: 0),
        Column(
            14,
            "ifLinkUpDownTrapEnable",
            enumeration("enabled", "disabled"),
            lambda row: 1 if row.traps else 2,
            writable=True,
        ),
        Column(15, "ifHighSpeed", GAUGE, lambda row: (row.is_.speed or 0) // 1_000_000),
        Column(16, "ifPromiscuousMode", TRUTH, lambda row: row.is_.promiscuous),
        Column(17, "ifConnectorPresent", TRUTH, lambda row: row.is_.physical),
        Column(18, "ifAlias", octets(0, 64), lambda row: row.is_.alias),
        Column(19, "ifCounterDiscontinuityTime", TICKS, lambda _: 0),
    ),
)

#: Nothing is stacked: every interface has nothing above and nothing below.
STACK: Table[tuple[int, int]] = Table(
    "ifStackEntry",
    (*MIB2, 31, 1, 2, 1),
    lambda row: row,
    (Column(3, "ifStackStatus", whole(1, 6), lambda _: 1),),
)

CHANGES: Table[Totals] = scalars(
    "ifMIBObjects", (*MIB2, 31, 1), Column(5, "ifTableLastChange", TICKS, lambda row: row.changed)
)
STACK_CHANGES: Table[Totals] = scalars(
    "ifStack", (*MIB2, 31, 1), Column(6, "ifStackLastChange", TICKS, lambda row: row.changed)
)

DUPLEX: Table[Row] = Table(
    "dot3StatsEntry",
    (*MIB2, 10, 7, 2, 1),
    lambda row: (row.index,),
    (
        Column(
            1,
            "dot3StatsIndex",
            whole(1),
            lambda row: None if _duplex(row) is None else row.index,
            optional=True,
        ),
        Column(
            19,
            "dot3StatsDuplexStatus",
            enumeration("unknown", "halfDuplex", "fullDuplex"),
            _duplex,
            optional=True,
        ),
    ),
)

TABLES = (NUMBER, INTERFACES, DUPLEX, EXTENSION, STACK, CHANGES, STACK_CHANGES)
