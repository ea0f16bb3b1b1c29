"""The recorder as a whole."""

from __future__ import annotations

from device.entities import Category, Entity, Permission, Platform, Thing, Value
from device.errors import Severity
from integration.entities.reading import (
    RECORDER,
    Reading,
    Row,
    diagnostic,
    happenings,
    problem,
    thing,
    timestamp,
)
from integration.entities.subjects import happening

_WATTS = ("power", "W")
TRIGGER = "trigger-"  #: begins the key of a rule's manual trigger


def _well(reading: Reading) -> Value:
    if reading.recording is None:
        return None
    return sum(stream.well and stream.stream == "main" for stream in reading.recording.streams)


ROWS: tuple[Row[Reading], ...] = (
    Row(
        problem("problem", "Problem"),
        lambda reading: any(type(entry.event).severity <= Severity.ERROR for entry in reading.alarms),
    ),
    Row(
        Entity("alarms", "Active alarms", Platform.SENSOR, "", "alarms", "measurement"),
        lambda reading: len(reading.alarms),
    ),
    Row(
        Entity("recording", "Cameras recording", Platform.SENSOR, "", "cameras", "measurement"),
        _well,
    ),
    Row(diagnostic("cameras", "Cameras", "", "cameras"), lambda reading: len(reading.cameras)),
    Row(diagnostic("since", "Last start", "timestamp"), lambda reading: timestamp(reading.since)),
    Row(
        Entity("poe-drawn", "PoE power", Platform.SENSOR, *_WATTS, "measurement", precision=1),
        lambda reading: reading.poe.drawn / 1000,
    ),
    Row(diagnostic("poe-reserved", "PoE reserved", *_WATTS), lambda reading: reading.poe.reserved / 1000),
    Row(diagnostic("poe-budget", "PoE budget", *_WATTS), lambda reading: reading.poe.budget / 1000),
    Row(
        problem("poe-exceeded", "PoE budget exceeded", category=Category.DIAGNOSTIC),
        lambda reading: any(port.state == "denied" for port in reading.poe.ports),
    ),
    Row(happenings("Event", happening())),
)


def recorder_thing(reading: Reading) -> Thing:
    """The thing that all others belong to; its buttons are the rules' manual triggers."""
    more: list[tuple[Entity, Value]] = [
        (Entity(f"{TRIGGER}{key}", name, Platform.BUTTON, permission=Permission.RECORDING), None)
        for key, name in reading.triggers.items()
    ]
    return thing(
        RECORDER,
        "",
        "Network video recorder",
        ROWS,
        reading,
        more=more,
        parent="",
        serial=reading.serial,
        version=reading.version,
    )
