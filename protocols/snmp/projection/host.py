"""HOST-RESOURCES-MIB (RFC 2790), and the part of UCD-SNMP-MIB that templates for Linux read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device.linux.host import Load, Memory
from device.media import Utc
from protocols.snmp.ber import Oid
from protocols.snmp.projection.oids import MIB2, ZERO
from protocols.snmp.syntax import (
    COUNTER,
    DATE,
    GAUGE,
    INTEGER32,
    NAME,
    TEXT,
    TICKS,
    TRUTH,
    enumeration,
    whole,
)
from protocols.snmp.tree import Column, Table, scalars

_TYPES = (*MIB2, 25, 2, 1)
RAM, VIRTUAL, FIXED_DISK, NETWORK_DISK = (*_TYPES, 2), (*_TYPES, 3), (*_TYPES, 4), (*_TYPES, 10)
_DEVICES = (*MIB2, 25, 3, 1)
PROCESSOR, NETWORK, DISK = (*_DEVICES, 3), (*_DEVICES, 4), (*_DEVICES, 6)
_UCD = (1, 3, 6, 1, 4, 1, 2021)
_MOST = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class HostState:
    """The hrSystem group, and all memory."""

    up: Callable[[], int]  #: hundredths of a second since the machine started
    now: Callable[[], Utc]
    processes: int
    memory: Memory


@dataclass(frozen=True, slots=True)
class Space:
    """Memory or a file system."""

    index: int
    kind: Oid
    name: str
    size: int  #: bytes
    used: int

    @property
    def unit(self) -> int:
        """Octets of an allocation unit: hrStorageSize is an Integer32, so large storages have large units."""
        unit = 4096
        while self.size // unit > _MOST:
            unit *= 2
        return unit


@dataclass(frozen=True, slots=True)
class Device:
    """One device. `busy`: of a processor, per cent."""

    index: int
    kind: Oid
    name: str
    running: bool
    busy: int | None
    size: int | None  #: of a disk, bytes
    removable: bool
    read_only: bool
    interface: int | None  #: ifIndex


@dataclass(frozen=True, slots=True)
class LoadRow:
    """One of the three load averages."""

    index: int
    name: str
    load: float


SYSTEM: Table[HostState] = scalars(
    "hrSystem",
    (*MIB2, 25, 1),
    Column(1, "hrSystemUptime", TICKS, lambda row: row.up()),
    Column(2, "hrSystemDate", DATE, lambda row: row.now(), live=True),
    Column(6, "hrSystemProcesses", GAUGE, lambda row: row.processes),
    Column(7, "hrSystemMaxProcesses", INTEGER32, lambda _: 0),
)
MEMORY: Table[HostState] = scalars(
    "hrStorage", (*MIB2, 25, 2), Column(2, "hrMemorySize", INTEGER32, lambda row: row.memory.total // 1024)
)
STORAGE: Table[Space] = Table(
    "hrStorageEntry",
    (*MIB2, 25, 2, 3, 1),
    lambda row: (row.index,),
    (
        Column(1, "hrStorageIndex", whole(1), lambda row: row.index),
        Column(2, "hrStorageType", NAME, lambda row: row.kind),
        Column(3, "hrStorageDescr", TEXT, lambda row: row.name),
        Column(4, "hrStorageAllocationUnits", whole(1), lambda row: row.unit),
        Column(5, "hrStorageSize", whole(0), lambda row: row.size // row.unit),
        Column(6, "hrStorageUsed", whole(0), lambda row: row.used // row.unit),
        Column(7, "hrStorageAllocationFailures", COUNTER, lambda _: 0),
    ),
)
DEVICES: Table[Device] = Table(
    "hrDeviceEntry",
    (*MIB2, 25, 3, 2, 1),
    lambda row: (row.index,),
    (
        Column(1, "hrDeviceIndex", whole(1), lambda row: row.index),
        Column(2, "hrDeviceType", NAME, lambda row: row.kind),
        Column(3, "hrDeviceDescr", TEXT, lambda row: row.name[:64]),
        Column(4, "hrDeviceID", NAME, lambda _: ZERO),
        Column(
            5,
            "hrDeviceStatus",
            enumeration("unknown", "running", "warning", "testing", "down"),
            lambda row: 2 if row.running else 5,
        ),
        Column(6, "hrDeviceErrors", COUNTER, lambda _: 0),
    ),
)
PROCESSORS: Table[Device] = Table(
    "hrProcessorEntry",
    (*MIB2, 25, 3, 3, 1),
    lambda row: (row.index,),
    (
        Column(1, "hrProcessorFrwID", NAME, lambda _: ZERO),
        Column(2, "hrProcessorLoad", whole(0, 100), lambda row: row.busy),
    ),
)
NETWORKS: Table[Device] = Table(
    "hrNetworkEntry",
    (*MIB2, 25, 3, 4, 1),
    lambda row: (row.index,),
    (Column(1, "hrNetworkIfIndex", whole(0), lambda row: row.interface),),
)
DISKS: Table[Device] = Table(
    "hrDiskStorageEntry",
    (*MIB2, 25, 3, 6, 1),
    lambda row: (row.index,),
    (
        Column(
            1,
            "hrDiskStorageAccess",
            enumeration("readWrite", "readOnly"),
            lambda row: 2 if row.read_only else 1,
        ),
        Column(
            2,
            "hrDiskStorageMedia",
            enumeration(
                "other",
                "unknown",
                "hardDisk",
                "floppyDisk",
                "opticalDiskROM",
                "opticalDiskWORM",
                "opticalDiskRW",
                "ramDisk",
            ),
            lambda _: 3,
        ),
        Column(3, "hrDiskStorageRemoveble", TRUTH, lambda row: row.removable),
        Column(4, "hrDiskStorageCapacity", whole(0), lambda row: min((row.size or 0) // 1024, _MOST)),
    ),
)
UCD_MEMORY: Table[HostState] = scalars(
    "memory",
    (*_UCD, 4),
    Column(1, "memIndex", INTEGER32, lambda _: 0),
    Column(2, "memErrorName", TEXT, lambda _: "swap"),
    Column(3, "memTotalSwap", INTEGER32, lambda row: row.memory.swap_total // 1024),
    Column(4, "memAvailSwap", INTEGER32, lambda row: row.memory.swap_free // 1024),
    Column(5, "memTotalReal", INTEGER32, lambda row: row.memory.total // 1024),
    Column(6, "memAvailReal", INTEGER32, lambda row: row.memory.free // 1024),
    Column(11, "memTotalFree", INTEGER32, lambda row: (row.memory.free + row.memory.swap_free) // 1024),
    Column(14, "memBuffer", INTEGER32, lambda row: row.memory.buffers // 1024),
    Column(15, "memCached", INTEGER32, lambda row: row.memory.cached // 1024),
)


LOADS: Table[LoadRow] = Table(
    "laEntry",
    (*_UCD, 10, 1),
    lambda row: (row.index,),
    (
        Column(1, "laIndex", whole(0), lambda row: row.index),
        Column(2, "laNames", TEXT, lambda row: row.name),
        Column(3, "laLoad", TEXT, lambda row: f"{row.load:.2f}"),
        Column(5, "laLoadInt", INTEGER32, lambda row: round(row.load * 100)),
    ),
)

TABLES = (SYSTEM, MEMORY, STORAGE, DEVICES, PROCESSORS, NETWORKS, DISKS, UCD_MEMORY, LOADS)


def loads(load: Load) -> list[LoadRow]:
    """The rows of laTable."""
    return [
        LoadRow(number, f"Load-{minutes}", value)
        for number, (minutes, value) in enumerate(zip((1, 5, 15), load.loads, strict=True), 1)
    ]
