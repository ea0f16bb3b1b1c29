"""Things as Home Assistant discovers devices by MQTT: one message for each device, of Home Assistant 2024.11 and later.

Pure. An unknown key in `device` or at the top makes Home Assistant reject the whole message, so there is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from device.entities import Category, Entity, Permission, Platform, Thing
from protocols.mqtt.topics import OFF, ON, PRESS, Topics

STATELESS = (Platform.BUTTON, Platform.EVENT)
COMMANDED = (Platform.SWITCH, Platform.BUTTON, Platform.SELECT)


def object_id(serial: str, thing: str) -> str:
    """Of a device's discovery topic: letters, digits, _ and - only."""
    return "".join(
        char if char.isalnum() and char.isascii() else "_" for char in f"holdfast_{serial}_{thing}"
    )


def config_topic(prefix: str, serial: str, thing: str) -> str:
    """Where a device is described, retained; with an empty payload it is gone."""
    return f"{prefix}/device/{object_id(serial, thing)}/config"


def config(
    thing: Thing, topics: Topics, serial: str, version: str, recorder: str, allowed: frozenset[Permission]
) -> bytes:
    """The message. `recorder`: its name, which every device's begins with, so that those of two recorders are told
    apart. Entities that take commands that are not `allowed` are shown without them."""
    identifier = object_id(serial, thing.key)
    device: dict[str, object] = {
        "identifiers": [identifier],
        "name": f"{recorder} {thing.name}".strip(),
        "manufacturer": thing.manufacturer,
        "model": thing.model,
    }
    if thing.serial:
        device["serial_number"] = thing.serial
    if thing.version:
        device["sw_version"] = thing.version
    if thing.parent:
        device["via_device"] = object_id(serial, thing.parent)
    components = {}
    for entity in thing.entities:
        shown = _component(entity, thing, topics, identifier, allowed)
        if shown is not None:
            components[f"{identifier}_{_id(entity.key)}"] = shown
    message = {
        "device": device,
        "origin": {"name": "Holdfast", "sw_version": version},
        "availability": [{"topic": topics.status}, {"topic": topics.available(thing.key)}],
        "availability_mode": "all",
        "qos": 1,
        "components": components,
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def removed(before: Mapping[str, str], message: bytes) -> bytes | None:
    """The message with a mark for each component that was in it `before` (by id its platform), and is not any more: one
    that is only left out stays. None where nothing has gone."""
    told = json.loads(message)
    gone = {key: platform for key, platform in before.items() if key not in told["components"]}
    if not gone:
        return None
    told["components"] |= {key: {"platform": platform} for key, platform in gone.items()}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def components(message: bytes) -> dict[str, str]:
    """The components of a message, by id their platform."""
    return {key: each["platform"] for key, each in json.loads(message)["components"].items()}


def _id(key: str) -> str:
    return key.replace("-", "_")


def _component(
    entity: Entity, thing: Thing, topics: Topics, identifier: str, allowed: frozenset[Permission]
) -> dict[str, object] | None:
    platform, state = entity.platform, topics.state(thing.key, entity.key)
    commands = entity.permission in allowed
    if platform in COMMANDED and not commands:
        if platform is Platform.BUTTON:
            return None
        # What may not be switched is still seen.
        platform = Platform.BINARY_SENSOR if platform is Platform.SWITCH else Platform.SENSOR
    shown: dict[str, object] = {
        "platform": platform.value,
        "unique_id": f"{identifier}_{_id(entity.key)}",
        "name": entity.name,
    }
    category = entity.category
    if category is Category.CONFIG and platform in (Platform.SENSOR, Platform.BINARY_SENSOR):
        category = Category.DIAGNOSTIC  # Home Assistant lets only what can be changed be configuration
    optional = {
        "entity_category": category.value,
        "unit_of_measurement": entity.unit,
        "state_class": entity.state_class,
    }
    shown |= {key: value for key, value in optional.items() if value}
    if entity.device_class and platform is entity.platform:
        shown["device_class"] = entity.device_class
    if not entity.enabled:
        shown["enabled_by_default"] = False
    if entity.precision is not None:
        shown["suggested_display_precision"] = entity.precision
    match platform:
        case Platform.EVENT:
            shown |= {"state_topic": topics.happened(thing.key), "event_types": list(entity.options)}
        case Platform.BUTTON:
            shown |= {"command_topic": topics.command(thing.key, entity.key), "payload_press": PRESS}
        case Platform.SWITCH | Platform.BINARY_SENSOR:
            shown |= {"state_topic": state, "payload_on": ON, "payload_off": OFF}
        case Platform.SELECT:
            shown |= {"state_topic": state, "options": list(entity.options)}
        case Platform.IMAGE:
            shown |= {"image_topic": state, "content_type": "image/jpeg"}
        case _:
            shown["state_topic"] = state
            if entity.options:
                shown |= {"device_class": "enum", "options": list(entity.options)}
    if platform in (Platform.SWITCH, Platform.SELECT):
        shown["command_topic"] = topics.command(thing.key, entity.key)
    return shown
