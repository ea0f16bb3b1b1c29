"""What a switch's tables mean. Pure: cells in, a reading out.

A cell is one value under its object identifier. Only what is listed here is ever asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from device.poe.port import MOST_PORTS, Detection, PortReading, Reading, Trouble
from device.poe.power import Milliwatts

Oid = tuple[int, ...]
Value = int | str
Cells = Mapping[Oid, Value]


def oid(text: str) -> Oid:
    """An object identifier in numbers."""
    return tuple(int(part) for part in text.split("."))


PORTS = oid("1.3.6.1.2.1.105.1.1.1")  #: pethPsePortEntry, indexed by group and port
ADMIN, STATUS, TYPE, CLASS = 3, 6, 9, 10
COUNTERS = {11: Trouble.SIGNATURE, 13: Trouble.OVERLOAD, 14: Trouble.SHORT}
MAIN = oid("1.3.6.1.2.1.105.1.3.1.1")  #: pethMainPseEntry, indexed by group
MAIN_POWER = 2  #: watts
COLUMNS = (ADMIN, STATUS, TYPE, CLASS, *COUNTERS)

IF_ADMIN = oid("1.3.6.1.2.1.2.2.1.7")  #: ifAdminStatus, indexed by ifIndex
IF_OPER = oid("1.3.6.1.2.1.2.2.1.8")
IF_SPEED = oid("1.3.6.1.2.1.31.1.1.1.15")  #: ifHighSpeed, Mbit/s
UP, DOWN = 1, 2
ENABLED, DISABLED = 1, 2

_DETECTIONS = {
    1: Detection.DISABLED,
    2: Detection.SEARCHING,
    3: Detection.DELIVERING,
    4: Detection.FAULT,
    5: Detection.SEARCHING,  # test
    6: Detection.FAULT,  # otherFault
}


@dataclass(frozen=True, slots=True)
class Meter:
    """A vendor's column for what a port gives: RFC 3621 has none."""

    vendor: str
    column: Oid
    unit: int  #: milliwatts
    grouped: bool  #: indexed by group and port, as RFC 3621; else by port


#: The first that a switch has is taken. Cisco's is read in its MIB; the others are taken from programs that use them.
METERS = (
    Meter("Cisco", oid("1.3.6.1.4.1.9.9.402.1.2.1.9"), 1, True),
    Meter("Cisco Small Business", oid("1.3.6.1.4.1.9.6.1.101.108.1.1.5"), 1, True),
    Meter("Marvell, Dell", oid("1.3.6.1.4.1.89.108.1.1.5"), 1, True),
    Meter("Netgear", oid("1.3.6.1.4.1.4526.10.15.1.1.1.2"), 1, True),
    Meter("EdgeSwitch", oid("1.3.6.1.4.1.4413.1.1.15.1.1.1.2"), 1, True),
    Meter("HP, Aruba", oid("1.3.6.1.4.1.11.2.14.11.1.9.1.1.1.8"), 1, True),
    Meter("TP-Link", oid("1.3.6.1.4.1.11863.6.56.1.1.2.1.1.7"), 100, False),
)


class Tables:
    """Reads the tables of one switch, one after the other: what is wrong at a port shows in which counter grew."""

    def __init__(self, group: int, interfaces: Sequence[int], meter: Meter | None) -> None:
        """`interfaces`: the ifIndex of ports 1, 2, 3 ... as far as they are known."""
        self._group = group
        self._interfaces = interfaces
        self._meter = meter
        self._counted: dict[tuple[int, int], int] = {}
        self._troubles: dict[int, Trouble] = {}

    def interface(self, port: int) -> int | None:
        """The ifIndex of a port, None where it is not known."""
        return self._interfaces[port - 1] if 1 <= port <= len(self._interfaces) else None

    def reading(self, cells: Cells) -> Reading:
        """What the cells of all tables say. Cells that make no sense are as if they were not there."""
        numbers = sorted(
            key[-1]
            for key in cells
            if key[:-2] == (*PORTS, STATUS) and key[-2] == self._group and 1 <= key[-1] <= MOST_PORTS
        )
        power = _number(cells, (*MAIN, MAIN_POWER, self._group))
        capacity = (
            Milliwatts(power * 1000) if power is not None and power > 0 else None
        )  # some say 0 for "not told"
        return Reading(tuple(self._port(number, cells) for number in numbers), capacity)

    def _port(self, number: int, cells: Cells) -> PortReading:
        def cell(column: int) -> int | None:
            return _number(cells, (*PORTS, column, self._group, number))

        on = cell(ADMIN) != DISABLED
        detection = _DETECTIONS.get(cell(STATUS) or 0, Detection.SEARCHING) if on else Detection.DISABLED
        trouble = self._trouble(number, cells)
        power_class = cell(CLASS)  # 1 is class 0
        classified = detection is Detection.DELIVERING and power_class is not None and 1 <= power_class <= 9
        interface = self.interface(number)
        admin = None if interface is None else _number(cells, (*IF_ADMIN, interface))
        device = cells.get((*PORTS, TYPE, self._group, number), "")
        return PortReading(
            number,
            on,
            detection,
            power_class - 1 if classified and power_class is not None else None,
            self._drawn(number, cells),
            None,
            trouble if detection is Detection.FAULT else None,
            None if admin is None else admin == UP,
            None if interface is None else _link(interface, cells),
            device[:64] if isinstance(device, str) and detection is Detection.DELIVERING else "",
        )

    def _drawn(self, number: int, cells: Cells) -> Milliwatts | None:
        if self._meter is None:
            return None
        index = (self._group, number) if self._meter.grouped else (number,)
        value = _number(cells, (*self._meter.column, *index))
        return None if value is None or value < 0 else Milliwatts(value * self._meter.unit)

    def _trouble(self, number: int, cells: Cells) -> Trouble:
        """The trouble whose counter grew last."""
        for column, trouble in COUNTERS.items():
            count = _number(cells, (*PORTS, column, self._group, number))
            if count is None:
                continue
            before = self._counted.get((number, column))
            if before is not None and count > before:
                self._troubles[number] = trouble
            self._counted[number, column] = count
        return self._troubles.get(number, Trouble.OTHER)


def _link(interface: int, cells: Cells) -> int | None:
    if _number(cells, (*IF_OPER, interface)) != UP:
        return 0
    return _number(cells, (*IF_SPEED, interface)) or None


def _number(cells: Cells, key: Oid) -> int | None:
    value = cells.get(key)
    return value if isinstance(value, int) else None
