"""NOTIFICATION-LOG-MIB (RFC 3014): what was told lately, for a manager that was not there. One log, the one without a
name; it holds what the agent said since it started, whoever heard it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from device.media import Utc
from protocols.snmp import ber
from protocols.snmp.ber import Oid
from protocols.snmp.notify import Notification, Varbind
from protocols.snmp.projection.oids import MIB2
from protocols.snmp.syntax import COUNTER, DATE, GAUGE, NAME, TEXT, TICKS, Syntax, enumeration, octets
from protocols.snmp.tree import Column, Table, scalars

MOST = 64  #: notifications that are kept, nlmConfigGlobalEntryLimit
_BASE: Oid = (*MIB2, 92, 1)
CONTENT: Oid = (*_BASE, 3)  #: nlmLog: what was said, and to some of it not everybody may listen
_UNNAMED = (0,)  # the index that a name of no octets makes (RFC 2578 s7.7)
_ENABLED, _OPERATIONAL, _READ_ONLY, _ACTIVE = 1, 2, 5, 1


@dataclass(frozen=True, slots=True)
class Logged:
    """A notification that was told."""

    index: int  #: one more each time since the start
    ticks: int  #: sysUpTime
    utc: Utc
    engine: bytes  #: ours
    what: Notification


@dataclass(frozen=True, slots=True)
class Variable:
    """One of its varbinds."""

    entry: int
    number: int
    varbind: Varbind


@dataclass(frozen=True, slots=True)
class Totals:
    """How many were told, and how many of them were forgotten: of the same instant as the rows."""

    logged: int
    bumped: int


class Log:
    """The last notifications. Those that are too many for it are forgotten, the oldest first."""

    def __init__(self, engine: bytes) -> None:
        self._engine = engine
        self.entries: deque[Logged] = deque(maxlen=MOST)
        self.logged = 0

    def totals(self) -> Totals:
        """How many there were."""
        return Totals(self.logged, self.logged - len(self.entries))

    def add(self, what: Notification, ticks: int, utc: Utc) -> None:
        """It is told now."""
        self.logged += 1
        self.entries.append(Logged(self.logged, ticks, utc, self._engine, what))

    def variables(self) -> list[Variable]:
        """The varbinds of all of them."""
        return [
            Variable(entry.index, number, varbind)
            for entry in self.entries
            for number, varbind in enumerate(entry.what.varbinds, 1)
        ]


LIMITS: Table[Log] = scalars(
    "nlmConfig",
    (*_BASE, 1),
    Column(1, "nlmConfigGlobalEntryLimit", GAUGE, lambda _: MOST),
    Column(2, "nlmConfigGlobalAgeOut", GAUGE, lambda _: 0),  # none is too old
)
LOGS: Table[Log] = Table(
    "nlmConfigLogEntry",
    (*_BASE, 1, 3, 1),
    lambda _: _UNNAMED,
    (
        Column(2, "nlmConfigLogFilterName", TEXT, lambda _: ""),
        Column(3, "nlmConfigLogEntryLimit", GAUGE, lambda _: MOST),
        Column(4, "nlmConfigLogAdminStatus", enumeration("enabled", "disabled"), lambda _: _ENABLED),
        Column(
            5,
            "nlmConfigLogOperStatus",
            enumeration("disabled", "operational", "noFilter"),
            lambda _: _OPERATIONAL,
        ),
        Column(
            6,
            "nlmConfigLogStorageType",
            enumeration("other", "volatile", "nonVolatile", "permanent", "readOnly"),
            lambda _: _READ_ONLY,
        ),
        Column(
            7,
            "nlmConfigLogEntryStatus",
            enumeration("active", "notInService", "notReady", "createAndGo", "createAndWait", "destroy"),
            lambda _: _ACTIVE,
        ),
    ),
)
TOTALS: Table[Totals] = scalars(
    "nlmStats",
    (*_BASE, 2),
    Column(1, "nlmStatsGlobalNotificationsLogged", COUNTER, lambda row: row.logged),
    Column(2, "nlmStatsGlobalNotificationsBumped", COUNTER, lambda row: row.bumped),
)
STATISTICS: Table[Totals] = Table(
    "nlmStatsLogEntry",
    (*_BASE, 2, 3, 1),
    lambda _: _UNNAMED,
    (
        Column(1, "nlmStatsLogNotificationsLogged", COUNTER, lambda row: row.logged),
        Column(2, "nlmStatsLogNotificationsBumped", COUNTER, lambda row: row.bumped),
    ),
)
ENTRIES: Table[Logged] = Table(
    "nlmLogEntry",
    (*CONTENT, 1, 1),
    lambda row: (*_UNNAMED, row.index),
    (
        Column(2, "nlmLogTime", TICKS, lambda row: row.ticks),
        Column(3, "nlmLogDateAndTime", DATE, lambda row: row.utc),
        # Where all of a log is of one engine, this is empty; addresses are of what was received.
        Column(4, "nlmLogEngineID", octets(0, 32), lambda _: b""),
        Column(7, "nlmLogContextEngineID", octets(0, 32), lambda row: row.engine),
        Column(8, "nlmLogContextName", TEXT, lambda _: ""),
        Column(9, "nlmLogNotificationID", NAME, lambda row: row.what.name),
    ),
)

# In the order of nlmLogVariableValueType: the tag of such values, the column that holds them, and its type.
_VALUES: tuple[tuple[int, int, str, str], ...] = (
    (ber.COUNTER32, 4, "nlmLogVariableCounter32Val", "Counter32"),
    (ber.GAUGE32, 5, "nlmLogVariableUnsigned32Val", "Gauge32"),
    (ber.TIMETICKS, 6, "nlmLogVariableTimeTicksVal", "TimeTicks"),
    (ber.INTEGER, 7, "nlmLogVariableInteger32Val", "INTEGER"),
    (ber.IP_ADDRESS, 9, "nlmLogVariableIpAddressVal", "IpAddress"),
    (ber.OCTETS, 8, "nlmLogVariableOctetStringVal", "OCTET STRING"),
    (ber.NAME, 10, "nlmLogVariableOidVal", "OBJECT IDENTIFIER"),
    (ber.COUNTER64, 11, "nlmLogVariableCounter64Val", "Counter64"),
)
_TYPES = {tag: number for number, (tag, *_) in enumerate(_VALUES, 1)}
_TYPE_NAMES = (
    "counter32", "unsigned32", "timeTicks", "integer32", "ipAddress", "octetString", "objectId", "counter64", "opaque",
)  # fmt: skip


def _as_it_was_told(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def _of(tag: int) -> Callable[[Variable], bytes | None]:
    def read(row: Variable) -> bytes | None:
        return row.varbind[1] if row.varbind[1][0] == tag else None

    return read


def _value(tag: int, number: int, name: str, base: str) -> Column[Variable]:
    low, high = (-(1 << 31), (1 << 31) - 1) if tag == ber.INTEGER else (0, (1 << 64) - 1)
    return Column(number, name, Syntax(base, tag, _as_it_was_told, low, high), _of(tag), optional=True)


VARIABLES: Table[Variable] = Table(
    "nlmLogVariableEntry",
    (*CONTENT, 2, 1),
    lambda row: (*_UNNAMED, row.entry, row.number),
    (
        Column(2, "nlmLogVariableID", NAME, lambda row: row.varbind[0]),
        Column(
            3,
            "nlmLogVariableValueType",
            enumeration(*_TYPE_NAMES),
            lambda row: _TYPES[row.varbind[1][0]],
        ),
        *sorted((_value(*each) for each in _VALUES), key=lambda column: column.number),
    ),
)
TABLES: tuple[Table[Log] | Table[Totals] | Table[Logged] | Table[Variable], ...] = (
    LIMITS,
    LOGS,
    TOTALS,
    STATISTICS,
    ENTRIES,
    VARIABLES,
)
