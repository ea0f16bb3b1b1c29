"""The published objects of AXIS-VIDEO-MIB, for management systems whose templates know them: a personality that is
off unless somebody asks for it. The numbers are public; the module's text is not ours, and not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from device.chassis.messages import ChassisShown
from device.events.journal import Entry
from protocols.snmp.ber import Oid
from protocols.snmp.notify import Notification
from protocols.snmp.projection.holdfast import CameraRow, StorageRow
from protocols.snmp.projection.notifications import ROWS, Told, about, text
from protocols.snmp.syntax import GAUGE, TEXT, enumeration, octets, whole
from protocols.snmp.tree import Column, Table, Tree

AXIS: Oid = (1, 3, 6, 1, 4, 1, 368)
PRODUCT: Oid = (*AXIS, 1, 1)  #: sysObjectID of every video product
VIDEO: Oid = (*AXIS, 4)
ALARM_NEW, ALARM_CLEARED, ALARM_SINGLE = ((*VIDEO, 2, 0, number) for number in (1, 2, 3))
_ALARM: Oid = (*VIDEO, 2)
_COMMON = 1  #: type of all our parts: the only one whose objects LibreNMS reads
_NAME_SIZE = 32
_STATUS = enumeration("ok", "failure")
_TELLS = frozenset(row.event for row in ROWS if isinstance(row, Told) and not row.standard)


@dataclass(frozen=True, slots=True)
class Part:
    """A fan, a power supply, a channel of video: it works or it does not."""

    id: int
    ok: bool


@dataclass(frozen=True, slots=True)
class Heat:
    """A temperature sensor."""

    id: int
    celsius: int | None  #: None: it is broken
    high: bool


@dataclass(frozen=True, slots=True)
class Disk:
    """A storage."""

    id: int
    name: str
    ok: bool


def short(name: str) -> str:
    """A name of at most 32 characters: of a longer one the middle is left out."""
    half = (_NAME_SIZE - 2) // 2
    return name if len(name.encode()) <= _NAME_SIZE else f"{name[:half]}..{name[-half:]}"


def description(version: str) -> str:
    """sysDescr of the form that templates look for; it says whose recorder this is."""
    return f"; AXIS compatible Holdfast; Video Server; {version}; ; ; 1"


def _common(row: Part | Heat) -> Oid:
    return (_COMMON, row.id)


def _works(row: Part) -> int:
    return 1 if row.ok else 2


def _sensor(row: Heat) -> int:
    if row.celsius is None:
        return 2
    return 3 if row.high else 1


def _celsius(row: Heat) -> int | None:
    return None if row.celsius is None else max(-176, min(150, row.celsius))


SUPPLIES: Table[Part] = Table(
    "powerSupplyEntry", (*VIDEO, 1, 1, 1), _common, (Column(3, "powerSupplyStatus", _STATUS, _works),)
)
FANS: Table[Part] = Table("fanEntry", (*VIDEO, 1, 2, 1), _common, (Column(3, "fanStatus", _STATUS, _works),))
HEATS: Table[Heat] = Table(
    "tempSensorEntry",
    (*VIDEO, 1, 3, 1),
    _common,
    (
        Column(3, "tempSensorStatus", enumeration("ok", "failure", "outOfBoundary"), _sensor),
        Column(4, "tempSensorValue", whole(-176, 150), _celsius, optional=True),
    ),
)
CHANNELS: Table[Part] = Table(
    "videoChannelEntry",
    (*VIDEO, 1, 4, 1),
    lambda row: (row.id,),
    (Column(2, "videoSignalStatus", enumeration("signalOk", "noSignal"), lambda row: 1 if row.ok else 2),),
)
DISKS: Table[Disk] = Table(
    "storageEntry",
    (*VIDEO, 1, 8, 1),
    lambda row: (row.id,),
    (
        Column(2, "storageName", octets(0, _NAME_SIZE), lambda row: short(row.name)),
        Column(3, "storageDisruptionDetected", enumeration("no", "yes"), lambda row: 1 if row.ok else 2),
    ),
)
TABLES: tuple[Table[Any], ...] = (SUPPLIES, FANS, HEATS, CHANNELS, DISKS)


class Personality:
    """Shows these objects while it is on."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.on = False

    def turn(self, on: bool) -> None:
        """On or off. What is shown comes with the next readings."""
        self.on = on
        if not on:
            for table in TABLES:
                self._tree.replace(table, [])

    def box(self, box: ChassisShown | None) -> None:
        """A new reading of the box; None: there is none."""
        if not self.on or box is None:
            return
        replace = self._tree.replace
        replace(SUPPLIES, [Part(number, each.ok) for number, each in enumerate(box.supplies, 1)])
        replace(FANS, [Part(number, each.ok) for number, each in enumerate(box.fans, 1)])
        heats = [
            Heat(
                number,
                None if each.celsius is None else round(each.celsius),
                each.celsius is not None and each.high is not None and each.celsius >= each.high,
            )
            for number, each in enumerate(box.temperatures, 1)
        ]
        replace(HEATS, heats)

    def recorder(self, cameras: tuple[CameraRow, ...], storages: tuple[StorageRow, ...]) -> None:
        """A new reading of cameras and storages."""
        if not self.on:
            return
        wanted = [each for each in cameras if each.state != "disabled"]
        self._tree.replace(CHANNELS, [Part(each.index, each.state == "online") for each in wanted])
        disks = [Disk(each.index, each.name or each.path, each.state == "ok") for each in storages]
        self._tree.replace(DISKS, disks)


def notification(entry: Entry, otherwise: Notification | None) -> Notification | None:
    """alarmNew, alarmCleared or alarmSingle for what HOLDFAST-MIB has a notification of its own for; of standard
    modules, and of what is not told, `otherwise`."""
    event = entry.event
    if event.name not in _TELLS:
        return otherwise
    kind, number = ALARM_SINGLE, entry.seq
    if type(event).raises:
        kind = ALARM_NEW
    elif type(event).clears:
        kind, number = ALARM_CLEARED, entry.raised or entry.seq
    name = type(event).raises or next(iter(type(event).clears), event.name)
    said = f"{about(event)} {text(event)}".strip()[:255]
    values = (GAUGE.encode(number), TEXT.encode(name), TEXT.encode(said))
    return Notification(kind, tuple(((*_ALARM, at, 0), value) for at, value in enumerate(values, 1)))
