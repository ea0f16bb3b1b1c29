"""The box, the drives, the array, the storages."""

from __future__ import annotations

from collections.abc import Iterator

from device.chassis.lights import Place
from device.chassis.messages import ChassisShown
from device.entities import Category, Entity, Permission, Platform, Thing, Value
from device.planes.messages import VolumeStatus
from device.raid.messages import ArrayShown, BayShown, RaidShown
from device.raid.state import Activity, Condition, Health, Status
from device.recording.notices import VolumeState
from integration.entities.reading import (
    Reading,
    Row,
    choice,
    diagnostic,
    gigabytes,
    happenings,
    problem,
    thing,
)
from integration.entities.subjects import happening, storage_key

_DIAGNOSTIC = Category.DIAGNOSTIC
COLORS = ("green", "amber", "red", "off")
NO_ARRAY = "none"


def _light(box: ChassisShown) -> Value:
    product = (light for light in box.lights if light.place == Place.PRODUCT.value)
    return next((light.color or "off" for light in product), None)


CHASSIS: tuple[Row[ChassisShown], ...] = (
    Row(choice("light", "Status light", COLORS, category=_DIAGNOSTIC), _light),
    Row(
        Entity("buzzer", "Buzzer", Platform.BINARY_SENSOR, "sound", category=_DIAGNOSTIC),
        lambda box: box.buzzer,
    ),
    Row(Entity("silence", "Silence buzzer", Platform.BUTTON, permission=Permission.CHASSIS)),
    Row(happenings("Event", happening(group="chassis"))),
)

DRIVE: tuple[Row[BayShown], ...] = (
    Row(choice("condition", "Condition", [each.value for each in Condition]), lambda bay: bay.condition),
    Row(problem("problem", "Problem"), lambda bay: bay.condition == Condition.BROKEN.value),
    Row(
        choice("health", "Health", [*(each.value for each in Health), "none"], category=_DIAGNOSTIC),
        lambda bay: bay.health or "none",
    ),
    Row(diagnostic("temperature", "Temperature", "temperature", "°C"), lambda bay: bay.temperature),
    Row(diagnostic("hours", "Power-on time", "duration", "h", enabled=False), lambda bay: bay.hours),
    Row(
        diagnostic("capacity", "Capacity", "data_size", "GB", enabled=False), lambda bay: gigabytes(bay.size)
    ),
    Row(happenings("Event", happening("bay"))),
)


def _array(of: RaidShown) -> ArrayShown | None:
    return of.array


def _progress(raid: RaidShown) -> Value:
    array = raid.array
    if array is None or not array.total:
        return 0
    return round(100 * array.done / array.total, 1)


ARRAY: tuple[Row[RaidShown], ...] = (
    Row(
        choice("status", "Status", [*(each.value.lower() for each in Status), NO_ARRAY]),
        lambda raid: NO_ARRAY if raid.array is None else raid.array.status.lower(),
    ),
    Row(
        problem("problem", "Problem"),
        lambda raid: (
            raid.array is not None and raid.array.status in (Status.DEGRADED.value, Status.FAILED.value)
        ),
    ),
    Row(
        choice("activity", "Activity", [*(each.value for each in Activity), NO_ARRAY], category=_DIAGNOSTIC),
        lambda raid: NO_ARRAY if raid.array is None else raid.array.activity or NO_ARRAY,
    ),
    Row(diagnostic("progress", "Progress", "", "%"), _progress),
    Row(diagnostic("level", "Level"), lambda raid: "none" if raid.array is None else str(raid.array.level)),
    Row(
        diagnostic("capacity", "Capacity", "data_size", "GB"),
        lambda raid: None if raid.array is None else gigabytes(raid.array.size),
    ),
    Row(problem("locked", "Locked", category=_DIAGNOSTIC), lambda raid: raid.locked),
    Row(happenings("Event", happening(group="raid"))),
)

STORAGE: tuple[Row[VolumeStatus], ...] = (
    Row(choice("state", "State", [each.value for each in VolumeState]), lambda volume: volume.state),
    Row(problem("problem", "Problem"), lambda volume: volume.state != VolumeState.OK.value),
    Row(diagnostic("capacity", "Capacity", "data_size", "GB"), lambda volume: gigabytes(volume.total)),
    Row(diagnostic("free", "Free", "data_size", "GB"), lambda volume: gigabytes(volume.free)),
    Row(diagnostic("recordings", "Recordings", "data_size", "GB"), lambda volume: gigabytes(volume.used)),
    Row(
        Entity("used", "Used", Platform.SENSOR, "", "%", "measurement"),
        lambda volume: round(100 * (volume.total - volume.free) / volume.total, 1) if volume.total else None,
    ),
    Row(happenings("Event", happening("volume"))),
)


def chassis_things(reading: Reading) -> Iterator[Thing]:
    """The box, where the recorder knows one."""
    box = reading.box
    if box.hardware == "none":
        return
    more: list[tuple[Entity, Value]] = [
        (
            diagnostic(_key("temperature", each.name), f"Temperature {each.name}", "temperature", "°C"),
            each.celsius,
        )
        for each in box.temperatures
    ]
    for fan in box.fans:
        more.append((diagnostic(_key("fan", fan.name), f"Fan {fan.name} speed", "", "rpm"), fan.rpm))
        more.append(
            (problem(_key("fan-problem", fan.name), f"Fan {fan.name}", category=_DIAGNOSTIC), not fan.ok)
        )
    for supply in box.supplies:
        entity = problem(_key("supply", supply.name), f"Power supply {supply.name}", category=_DIAGNOSTIC)
        more.append((entity, not supply.ok))
    yield thing("chassis", "Box", "Chassis", CHASSIS, box, more=more, available=box.answers)


def _key(kind: str, name: str) -> str:
    return f"{kind}-" + "".join(char if char.isalnum() else "-" for char in name.lower())


def drive_things(reading: Reading) -> list[Thing]:
    """One for each bay."""
    return [
        thing(
            f"drive-{bay.bay}",
            f"Drive {bay.bay}",
            bay.model or "Drive bay",
            DRIVE,
            bay,
            serial=bay.serial,
            available=reading.raid.answers,
        )
        for bay in reading.raid.bays
    ]


def array_things(reading: Reading) -> Iterator[Thing]:
    """The array, where there are bays for one."""
    if reading.raid.bays:
        yield thing("array", "Array", "RAID", ARRAY, reading.raid, available=reading.raid.answers)


def storage_things(reading: Reading) -> list[Thing]:
    """One for each storage that video is kept on."""
    known = {volume.uuid: volume for volume in (reading.recording.volumes if reading.recording else ())}
    found = []
    for uuid, storage in reading.storages.items():
        volume = known.get(uuid) or VolumeStatus(uuid, storage.path, VolumeState.MISSING.value, 0, 0, 0)
        name = f"Storage {storage.name or uuid[:8]}"
        there = reading.recording is not None and storage.enabled
        found.append(thing(storage_key(uuid), name, "Storage", STORAGE, volume, available=there))
    return found
