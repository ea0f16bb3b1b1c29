"""POWER-ETHERNET-MIB (RFC 3621): the ports that give power, all in group 1."""

from __future__ import annotations

from device.poe.budget import Priority
from device.poe.port import Detection, Mode, PortStatus, State, Status, Trouble
from protocols.snmp.projection.oids import MIB2
from protocols.snmp.syntax import COUNTER, GAUGE, TEXT, TRUTH, enumeration, whole
from protocols.snmp.tree import Column, Table

GROUP = 1
_DETECTION = {
    Detection.DISABLED: 1,
    Detection.SEARCHING: 2,
    Detection.DETECTED: 2,
    Detection.DELIVERING: 3,
    Detection.FAULT: 4,
}
_PRIORITY = {Priority.CRITICAL: 1, Priority.HIGH: 2, Priority.LOW: 3}


def _detection(row: PortStatus) -> int:
    """pethPsePortDetectionStatus. otherFault(6): a device waits, and is not given power."""
    return 6 if row.state is State.DENIED else _DETECTION[row.reading.detection]


def _class(row: PortStatus) -> int:
    """PowerClassification: class0(1) to class4(5); the classes of 802.3bt are shown as the highest of these."""
    return min(row.reading.power_class or 0, 4) + 1


PORTS: Table[PortStatus] = Table(
    "pethPsePortEntry",
    (*MIB2, 105, 1, 1, 1),
    lambda row: (GROUP, row.port),
    (
        Column(3, "pethPsePortAdminEnable", TRUTH, lambda row: row.rules.mode is not Mode.OFF, writable=True),
        Column(4, "pethPsePortPowerPairsControlAbility", TRUTH, lambda _: False),
        Column(5, "pethPsePortPowerPairs", enumeration("signal", "spare"), lambda _: 1),
        Column(
            6,
            "pethPsePortDetectionStatus",
            enumeration("disabled", "searching", "deliveringPower", "fault", "test", "otherFault"),
            _detection,
        ),
        Column(
            7,
            "pethPsePortPowerPriority",
            enumeration("critical", "high", "low"),
            lambda row: _PRIORITY[row.rules.priority],
            writable=True,
        ),
        Column(8, "pethPsePortMPSAbsentCounter", COUNTER, lambda _: 0),
        Column(9, "pethPsePortType", TEXT, lambda row: row.reading.device or row.rules.name),
        Column(
            10,
            "pethPsePortPowerClassifications",
            enumeration("class0", "class1", "class2", "class3", "class4"),
            _class,
        ),
        Column(
            11,
            "pethPsePortInvalidSignatureCounter",
            COUNTER,
            lambda row: row.counters.troubles[Trouble.SIGNATURE],
        ),
        Column(12, "pethPsePortPowerDeniedCounter", COUNTER, lambda row: row.counters.denied),
        Column(
            13, "pethPsePortOverLoadCounter", COUNTER, lambda row: row.counters.troubles[Trouble.OVERLOAD]
        ),
        Column(14, "pethPsePortShortCounter", COUNTER, lambda row: row.counters.troubles[Trouble.SHORT]),
    ),
)

MAIN: Table[tuple[Status, int]] = Table(
    "pethMainPseEntry",
    (*MIB2, 105, 1, 3, 1, 1),
    lambda _: (GROUP,),
    (
        Column(2, "pethMainPsePower", GAUGE, lambda row: row[0].budget // 1000),
        Column(
            3,
            "pethMainPseOperStatus",
            enumeration("on", "off", "faulty"),
            lambda row: 3 if row[0].budget < row[0].full else 1,
        ),
        Column(4, "pethMainPseConsumptionPower", GAUGE, lambda row: round(row[0].drawn / 1000)),
        Column(
            5,
            "pethMainPseUsageThreshold",
            whole(1, 99),
            lambda row: max(1, min(99, row[1])),
            writable=True,
        ),
    ),
)  #: the second of a row: per cent of the budget from which on a warning is given

CONTROL: Table[bool] = Table(
    "pethNotificationControlEntry",
    (*MIB2, 105, 1, 4, 1, 1),
    lambda _: (GROUP,),
    (Column(2, "pethNotificationControlEnable", TRUTH, lambda row: row),),
)

TABLES = (PORTS, MAIN, CONTROL)
