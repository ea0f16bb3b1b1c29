"""Home Assistant's discovery: what it would reject, or show wrongly."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from conformance.case import Requirement, expect, provided
from conformance.mqtt.client import Message
from conformance.mqtt.device import Session
from conformance.mqtt.reading import Component, components, json_object, long, none
from conformance.mqtt.suite import case

DOC = "Home Assistant, MQTT discovery"
TOP = {
    "device", "origin", "components", "availability", "availability_topic", "availability_mode", "qos", "encoding",
    "payload_available", "payload_not_available", "command_topic", "state_topic", "migrate_discovery",
}  # fmt: skip
DEVICE = {
    "identifiers", "connections", "name", "manufacturer", "model", "model_id", "serial_number", "sw_version",
    "hw_version", "via_device", "suggested_area", "configuration_url",
}  # fmt: skip
#: platform -> what it cannot do without; of several in one string one is enough.
DEMANDED = {
    "sensor": ("state_topic",),
    "binary_sensor": ("state_topic",),
    "switch": ("command_topic",),
    "select": ("command_topic", "options"),
    "button": ("command_topic",),
    "event": ("state_topic", "event_types"),
    "image": ("image_topic url_topic",),
    "update": ("state_topic",),
    "number": ("command_topic",),
    "text": ("command_topic",),
    "light": ("command_topic",),
    "lock": ("command_topic",),
    "siren": ("command_topic",),
    "camera": ("topic",),
    "device_tracker": ("state_topic",),
}
LASTING = {"sensor", "binary_sensor", "switch", "select", "image"}  #: platforms with a state that lasts
UNKNOWN = "None"


def _configs(session: Session) -> dict[str, dict[str, Any]]:  # Any: as JSON is
    """The messages that are about this device, by topic. Raises NotApplicable."""
    head, base = f"{session.facts.prefix}/", session.facts.base
    found = {
        topic: read
        for topic, message in session.facts.stored.items()
        if topic.startswith(head) and topic.endswith("/config") and (read := json_object(message)) is not None
    }
    ours = {
        topic: long(read) for topic, read in found.items() if f"{base}/" in session.facts.stored[topic].text
    }
    session.some([session.facts.stored[topic] for topic in ours], f"nothing below {head} is about {base}")
    return ours


def _components(session: Session) -> list[Component]:
    return [
        one for topic, said in _configs(session).items() for one in components(topic, said) if not one.removed
    ]


@case("discovery.json", "Every message is a JSON object", DOC, Requirement.CONDITIONAL)
async def form(session: Session) -> str:
    head = f"{session.facts.prefix}/"
    found = [m for t, m in session.facts.stored.items() if t.startswith(head) and t.endswith("/config")]
    session.some(found, f"nothing is retained below {head}")
    return none((each.topic for each in found if json_object(each) is None), len(found), "messages")


@case("discovery.topic", "Its topic's ids are of letters, digits, _ and -", DOC, Requirement.CONDITIONAL)
async def topic(session: Session) -> str:
    found = _configs(session)
    wrong = [
        name
        for name in found
        if not all(re.fullmatch(r"[A-Za-z0-9_-]+", each) for each in name.split("/")[1:-1])
        or name.count("/") not in (3, 4)
    ]
    return none(wrong, len(found), "messages")


@case(
    "discovery.device", "A device has an identifier or a connection, and a name", DOC, Requirement.CONDITIONAL
)
async def device(session: Session) -> str:
    found = _configs(session)

    def good(said: Any) -> bool:
        return (
            isinstance(said, dict)
            and bool(said.get("identifiers") or said.get("connections"))
            and bool(said.get("name"))
        )

    return none(
        (name for name, said in found.items() if not good(said.get("device"))), len(found), "messages"
    )


@case("discovery.origin", "A device's message says who made it", DOC, Requirement.CONDITIONAL)
async def origin(session: Session) -> str:
    found = {name: said for name, said in _configs(session).items() if "components" in said}
    provided(bool(found), "no message is of a device")
    wrong = [name for name, said in found.items() if not (said.get("origin") or {}).get("name")]
    return none(wrong, len(found), "messages")


@case(
    "discovery.keys",
    "There is no key that makes Home Assistant reject all of it",
    DOC,
    Requirement.CONDITIONAL,
)
async def keys(session: Session) -> str:
    found = _configs(session)
    wrong = []
    for name, said in found.items():
        if "components" in said:
            wrong += [f"{key} in {name}" for key in said.keys() - TOP]
        wrong += [f"device.{key} in {name}" for key in (said.get("device") or {}).keys() - DEVICE]
    return none(wrong, len(found), "messages")


@case("discovery.platform", "Every entity is of a platform that there is", DOC, Requirement.CONDITIONAL)
async def platform(session: Session) -> str:
    found = _components(session)
    return none(
        (f"{one.platform} in {one.topic}" for one in found if one.platform not in DEMANDED),
        len(found),
        "entities",
    )


@case("discovery.demanded", "An entity has what its platform cannot do without", DOC, Requirement.CONDITIONAL)
async def demanded(session: Session) -> str:
    found = [one for one in _components(session) if one.platform in DEMANDED]
    provided(bool(found), "there is no entity of a known platform")
    wrong = [
        f"{one.key or one.topic} has no {key}"
        for one in found
        for key in DEMANDED[one.platform]
        if not any(one.said.get(each) for each in key.split())
    ]
    return none(wrong, len(found), "entities")


@case("discovery.unique", "Every entity has an id of its own", DOC, Requirement.CONDITIONAL)
async def unique(session: Session) -> str:
    found = _components(session)
    ids = Counter((one.platform, one.said.get("unique_id")) for one in found)
    wrong = [f"{name or 'none'} ({count} times)" for (_, name), count in ids.items() if not name or count > 1]
    return none(wrong, len(found), "entities")


@case(
    "discovery.available",
    "Whether it can be reached is retained where the message says",
    DOC,
    Requirement.CONDITIONAL,
)
async def available(session: Session) -> str:
    topics = set()
    for said in _configs(session).values():
        rows = said.get("availability") or []
        topics |= {row["topic"] for row in ([rows] if isinstance(rows, dict) else rows) if row.get("topic")}
        topics |= {said["availability_topic"]} if said.get("availability_topic") else set()
    provided(bool(topics), "no message says where")
    return none(sorted(topics - session.facts.stored.keys()), len(topics), "topics")


def _stated(session: Session) -> list[Component]:
    """Entities whose state lasts, and what the broker keeps of it."""
    found = [one for one in _components(session) if one.platform in LASTING and one.said.get("state_topic")]
    provided(bool(found), "no entity has a state that lasts")
    return found


@case(
    "discovery.states",
    "What an entity shows is retained where the message says",
    DOC,
    Requirement.CONDITIONAL,
)
async def states(session: Session) -> str:
    found = _stated(session)
    return none(
        (one.said["state_topic"] for one in found if one.said["state_topic"] not in session.facts.stored),
        len(found),
        "entities",
    )


@case("discovery.values", "And it is a value that the entity can show", DOC, Requirement.CONDITIONAL)
async def values(session: Session) -> str:
    wrong, number = [], 0
    for one in _stated(session):
        kept = session.facts.stored.get(one.said["state_topic"])
        if kept is None or "value_template" in one.said or kept.text == UNKNOWN:
            continue
        number += 1
        if not _shows(one, kept.text):
            wrong.append(f"{one.key or one.topic}: {kept.text!r}")
    provided(number > 0, "no entity shows its payload as it is")
    return none(wrong, number, "values")


def _shows(one: Component, text: str) -> bool:
    match one.platform:
        case "binary_sensor" | "switch":
            return text in (one.said.get("payload_on", "ON"), one.said.get("payload_off", "OFF"))
        case "select":
            return text in one.said.get("options", ())
        case "sensor" if one.said.get("device_class") == "enum":
            return text in one.said.get("options", ())
        case "sensor" if one.said.get("unit_of_measurement") or one.said.get("state_class"):
            return re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text) is not None
    return True


@case(
    "discovery.parent", "A device that is part of another names one that there is", DOC, Requirement.OPTIONAL
)
async def parent(session: Session) -> str:
    devices = [said.get("device") or {} for said in _configs(session).values()]
    known = {name for each in devices for name in _list(each.get("identifiers"))}
    parts = [each["via_device"] for each in devices if each.get("via_device")]
    provided(bool(parts), "no device is part of another")
    return none(sorted(set(parts) - known), len(parts), "devices")


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value or []]


@case(
    "discovery.birth",
    "When Home Assistant is born, all of it is said again",
    f"{DOC}: birth and last will messages",
    Requirement.CONDITIONAL,
    slow=True,
)
async def birth(session: Session) -> str:
    topics = set(_configs(session))
    missing = set(topics)
    provided(session.options.act, "nothing may be sent (--act)")
    async with session.line() as line:
        line.subscribe(f"{session.facts.prefix}/#", stored=False)
        line.publish(f"{session.facts.prefix}/status", b"online")

        def complete(message: Message) -> bool:
            missing.discard(message.topic)
            return not missing

        await line.wait(complete, session.options.patience)
    expect(
        not missing,
        f"{len(missing)} of {len(topics)} were not said again, such as {min(missing, default='')}",
    )
    return f"{len(topics)} messages came again"
