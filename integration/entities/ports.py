"""The PoE ports."""

from __future__ import annotations

from device.entities import Category, Entity, Permission, Platform, Thing
from device.poe.messages import PortShown
from device.poe.port import Mode, State
from integration.entities.reading import Reading, Row, choice, diagnostic, happenings, problem, thing
from integration.entities.subjects import happening

CLASSES = ("none", *map(str, range(9)))
_DIAGNOSTIC = Category.DIAGNOSTIC

PORT: tuple[Row[PortShown], ...] = (
    Row(
        Entity(
            "power",
            "Power delivery",
            Platform.SWITCH,
            "outlet",
            category=Category.CONFIG,
            permission=Permission.POE,
        ),
        lambda port: port.mode != Mode.OFF.value,
    ),
    Row(
        Entity("drawn", "Power", Platform.SENSOR, "power", "W", "measurement", precision=1),
        lambda port: None if port.drawn is None else port.drawn / 1000,
    ),
    Row(
        diagnostic("reserved", "Reserved power", "power", "W", enabled=False),
        lambda port: port.reserved / 1000,
    ),
    Row(
        Entity(
            "energy",
            "Energy",
            Platform.SENSOR,
            "energy",
            "Wh",
            "total_increasing",
            enabled=False,
            precision=1,
        ),
        lambda port: round(port.energy, 1),  # as it is shown: finer, it would be told each second
    ),
    Row(
        choice("state", "State", [each.value for each in State], category=_DIAGNOSTIC),
        lambda port: port.state,
    ),
    Row(
        choice("class", "Class", CLASSES, category=_DIAGNOSTIC),
        lambda port: "none" if port.power_class is None else str(port.power_class),
    ),
    Row(
        problem("problem", "Problem"),
        lambda port: port.state in (State.DENIED.value, State.FAULT.value),
    ),
    Row(
        Entity("link", "Link", Platform.BINARY_SENSOR, "connectivity", category=_DIAGNOSTIC),
        lambda port: None if port.link is None else port.link > 0,
    ),
    Row(diagnostic("speed", "Link speed", "data_rate", "Mbit/s", enabled=False), lambda port: port.link),
    Row(diagnostic("device", "Device"), lambda port: port.device or "none"),
    Row(
        Entity(
            "cycle",
            "Power cycle",
            Platform.BUTTON,
            "restart",
            category=Category.CONFIG,
            permission=Permission.POE,
        )
    ),
    Row(happenings("Event", happening("port"))),
)


def port_things(reading: Reading) -> list[Thing]:
    """One for each port."""
    return [
        thing(
            f"port-{port.port}",
            f"Port {port.port}" + (f" {port.name}" if port.name else ""),
            "PoE port",
            PORT,
            port,
            available=reading.poe.answers,
        )
        for port in reading.poe.ports
    ]
