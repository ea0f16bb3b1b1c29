"""Payloads, read as those who receive them read them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from conformance.case import expect
from conformance.mqtt.client import Message

_TIME = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]\d\d:\d\d)"
)
#: Home Assistant's short words that are looked at here (its `abbreviations.py`).
_SHORT = {
    "avty": "availability", "avty_t": "availability_topic", "cmd_t": "command_topic", "cmps": "components",
    "dev": "device", "dev_cla": "device_class", "evt_typ": "event_types", "ids": "identifiers", "cns": "connections",
    "img_t": "image_topic", "o": "origin", "ops": "options", "p": "platform", "pl_on": "payload_on",
    "pl_off": "payload_off", "stat_t": "state_topic", "t": "topic", "uniq_id": "unique_id",
    "unit_of_meas": "unit_of_measurement", "url_t": "url_topic",
}  # fmt: skip


def good_time(text: object) -> bool:
    """RFC 3339 s5.6."""
    return isinstance(text, str) and _TIME.fullmatch(text) is not None


def json_object(message: Message) -> dict[str, Any] | None:  # Any: as JSON is
    """The payload as a JSON object; None where it is none."""
    try:
        read = json.loads(message.payload)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def none(wrong: Iterable[object], of: int, what: str) -> str:
    """There is nothing wrong. Raises Failed with the first that is."""
    found = list(wrong)
    expect(not found, f"{len(found)} of {of} {what}, such as {found[0] if found else ''}")
    return f"{of} {what}"


@dataclass(frozen=True, slots=True)
class Component:
    """An entity in a discovery message."""

    topic: str  #: of the message
    key: str
    said: dict[str, Any]

    @property
    def platform(self) -> str:
        """What kind of entity it is."""
        return str(self.said.get("platform", ""))

    @property
    def removed(self) -> bool:
        """It is there to say that it is gone."""
        return set(self.said) <= {"platform"}


def long(said: Any) -> Any:  # Any: as JSON is
    """With Home Assistant's short words written out, and `~` put in."""
    if isinstance(said, list):
        return [long(each) for each in said]
    if not isinstance(said, dict):
        return said
    base = said.get("~")
    made = {_SHORT.get(key, key): long(value) for key, value in said.items() if key != "~"}
    return _based(made, base) if isinstance(base, str) else made


def _based(said: Any, base: str) -> Any:  # Any: as JSON is
    if isinstance(said, dict):
        return {
            key: _based(value, base) if isinstance(value, dict | list) or "topic" in key else value
            for key, value in said.items()
        }
    if isinstance(said, list):
        return [_based(each, base) for each in said]
    if isinstance(said, str):
        return base + said[1:] if said.startswith("~") else said[:-1] + base if said.endswith("~") else said
    return said


def components(topic: str, said: dict[str, Any]) -> Iterator[Component]:
    """The entities of a message: of a device, or the only one of an older message."""
    if isinstance(said.get("components"), dict):
        for key, each in said["components"].items():
            yield Component(topic, str(key), each if isinstance(each, dict) else {})
    else:
        # homeassistant/PLATFORM/[NODE/]OBJECT/config
        yield Component(topic, "", {"platform": topic.split("/")[1], **said})
