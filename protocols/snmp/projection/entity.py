"""ENTITY-MIB (RFC 6933), ENTITY-SENSOR-MIB (RFC 3433) and ENTITY-STATE-MIB (RFC 4268): the recorder as a
thing with parts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from device.media import Utc
from protocols.snmp.ber import Oid
from protocols.snmp.projection.oids import HF_RECORDER, MIB2, ZERO
from protocols.snmp.syntax import (
    DATE,
    GAUGE,
    NAME,
    TEXT,
    TICKS,
    TRUTH,
    enumeration,
    octets,
    whole,
)
from protocols.snmp.tree import Column, Table, scalars


class Kind(IntEnum):
    """IANAPhysicalClass."""

    OTHER = 1
    CHASSIS = 3
    CONTAINER = 5
    POWER_SUPPLY = 6
    FAN = 7
    SENSOR = 8
    MODULE = 9
    PORT = 10
    PROCESSOR = 12  #: cpu
    DRIVE = 15  #: storageDrive


class Oper(IntEnum):
    """EntityOperState."""

    UNKNOWN = 1
    DISABLED = 2
    ENABLED = 3


@dataclass(frozen=True, slots=True)
class Part:
    """One physical entity."""

    index: int
    within: int  #: index of the part that holds it, 0 for the chassis
    position: int  #: among those of its kind in the same part; -1: not known
    kind: Kind
    name: str
    description: str
    hardware: str
    software: str
    serial: str
    maker: str
    model: str
    replaceable: bool
    oper: Oper
    alarm: int  #: bits of EntityAlarmStatus: critical 0x20, major 0x10, minor 0x08, warning 0x04
    since: Utc  #: of the last change of its state, 0: not known
    interface: int | None  #: ifIndex of a port


@dataclass(frozen=True, slots=True)
class Reading:
    """A sensor's part, and what it tells."""

    part: int
    unit: str  #: C | rpm | V | A | W
    value: int | None  #: thousandths of the unit; None: it does not answer
    taken: int  #: ticks of sysUpTime


@dataclass(frozen=True, slots=True)
class General:
    """What is said of all of them."""

    changed: int  #: ticks when a part came or went


_TYPES = (
    "other",
    "unknown",
    "voltsAC",
    "voltsDC",
    "amperes",
    "watts",
    "hertz",
    "celsius",
    "percentRH",
    "rpm",
    "cmm",
    "truthvalue",
)
_SENSORS = {"C": 8, "rpm": 10, "V": 4, "A": 5, "W": 6}
_UNITS = {
    "C": "degrees Celsius",
    "rpm": "revolutions per minute",
    "V": "volts",
    "A": "amperes",
    "W": "watts",
}
_LIMIT = 1_000_000_000
_CLASSES = (
    "other",
    "unknown",
    "chassis",
    "backplane",
    "container",
    "powerSupply",
    "fan",
    "sensor",
    "module",
    "port",
    "stack",
    "cpu",
    "energyObject",
    "battery",
    "storageDrive",
)


def _vendor(row: Part) -> Oid:
    return HF_RECORDER if row.kind is Kind.CHASSIS else ZERO


def _scale(row: Reading) -> int:
    """SensorDataScale: units(9), milli(8). Revolutions have no thousandths."""
    return 9 if row.unit == "rpm" else 8


def _value(row: Reading) -> int:
    if row.value is None:
        return 0
    value = row.value // 1000 if row.unit == "rpm" else row.value
    return max(-_LIMIT, min(_LIMIT, value))


PARTS: Table[Part] = Table(
    "entPhysicalEntry",
    (*MIB2, 47, 1, 1, 1, 1),
    lambda row: (row.index,),
    (
        Column(2, "entPhysicalDescr", TEXT, lambda row: row.description),
        Column(3, "entPhysicalVendorType", NAME, _vendor),
        Column(4, "entPhysicalContainedIn", whole(0), lambda row: row.within),
        Column(5, "entPhysicalClass", enumeration(*_CLASSES), lambda row: row.kind),
        Column(6, "entPhysicalParentRelPos", whole(-1), lambda row: row.position),
        Column(7, "entPhysicalName", TEXT, lambda row: row.name),
        Column(8, "entPhysicalHardwareRev", TEXT, lambda row: row.hardware),
        Column(9, "entPhysicalFirmwareRev", TEXT, lambda _: ""),
        Column(10, "entPhysicalSoftwareRev", TEXT, lambda row: row.software),
        Column(11, "entPhysicalSerialNum", octets(0, 32), lambda row: row.serial[:32]),
        Column(12, "entPhysicalMfgName", TEXT, lambda row: row.maker),
        Column(13, "entPhysicalModelName", TEXT, lambda row: row.model),
        Column(14, "entPhysicalAlias", octets(0, 32), lambda _: ""),
        Column(15, "entPhysicalAssetID", octets(0, 32), lambda _: ""),
        Column(16, "entPhysicalIsFRU", TRUTH, lambda row: row.replaceable),
        Column(17, "entPhysicalMfgDate", DATE, lambda _: 0),
        Column(18, "entPhysicalUris", TEXT, lambda _: ""),
        Column(19, "entPhysicalUUID", octets(0, 16), lambda _: b""),
    ),
)

_IF_INDEX = (*MIB2, 2, 2, 1, 1)
ALIASES: Table[Part] = Table(
    "entAliasMappingEntry",
    (*MIB2, 47, 1, 3, 2, 1),
    lambda row: (row.index, 0),
    (
        Column(
            2,
            "entAliasMappingIdentifier",
            NAME,
            lambda row: None if row.interface is None else (*_IF_INDEX, row.interface),
            optional=True,
        ),
    ),
)

CHANGES: Table[General] = scalars(
    "entityGeneral", (*MIB2, 47, 1, 4), Column(1, "entLastChangeTime", TICKS, lambda row: row.changed)
)

SENSORS: Table[Reading] = Table(
    "entPhySensorEntry",
    (*MIB2, 99, 1, 1, 1),
    lambda row: (row.part,),
    (
        Column(1, "entPhySensorType", enumeration(*_TYPES), lambda row: _SENSORS[row.unit]),
        Column(2, "entPhySensorScale", whole(1, 17), _scale),
        Column(3, "entPhySensorPrecision", whole(-8, 9), lambda _: 0),
        Column(4, "entPhySensorValue", whole(-_LIMIT, _LIMIT), _value),
        Column(
            5,
            "entPhySensorOperStatus",
            enumeration("ok", "unavailable", "nonoperational"),
            lambda row: 2 if row.value is None else 1,
        ),
        Column(6, "entPhySensorUnitsDisplay", TEXT, lambda row: _UNITS[row.unit]),
        Column(7, "entPhySensorValueTimeStamp", TICKS, lambda row: row.taken),
        Column(8, "entPhySensorValueUpdateRate", GAUGE, lambda _: 1000),
    ),
)

STATES: Table[Part] = Table(
    "entStateEntry",
    (*MIB2, 131, 1, 1, 1),
    lambda row: (row.index,),
    (
        Column(1, "entStateLastChanged", DATE, lambda row: row.since),
        Column(2, "entStateAdmin", enumeration("unknown", "locked", "shuttingDown", "unlocked"), lambda _: 4),
        Column(
            3,
            "entStateOper",
            enumeration("unknown", "disabled", "enabled", "testing"),
            lambda row: row.oper,
        ),
        Column(4, "entStateUsage", enumeration("unknown", "idle", "active", "busy"), lambda _: 1),
        Column(5, "entStateAlarm", octets(1, 1), lambda row: bytes((row.alarm,))),
        Column(
            6,
            "entStateStandby",
            enumeration("unknown", "hotStandby", "coldStandby", "providingService"),
            lambda _: 1,
        ),
    ),
)

TABLES = (PARTS, ALIASES, CHANGES, SENSORS, STATES)
