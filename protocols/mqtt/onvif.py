"""Events as ONVIF's event broker sends them over MQTT (ONVIF Core, Event Broker): JSON, under the topic. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum

from device.media import Utc
from device.outbox.outbox import Draft
from protocols.mqtt.sender import draft
from protocols.mqtt.topics import level, utc_text

STANDARD = "tns1:"  #: topics of ONVIF's own stand without it, those of others keep their prefix
Value = bool | int | float | str | Enum


def onvif_draft(
    base: str,
    topic: str,
    utc: Utc,
    source: Mapping[str, Value],
    data: Mapping[str, object],
    *,
    is_property: bool,
    deleted: bool = False,
) -> Draft:
    """One message. `base`: what the topic begins with, such as holdfast/S1. `topic`: as it stands in ONVIF's messages,
    such as tns1:Device/HardwareFailure/FanFailure. `data`: values, and what is JSON already. A property is retained, so
    that who comes later knows how it stands; where it is `deleted` nothing is retained any more."""
    path = "/".join(level(name) for name in topic.removeprefix(STANDARD).split("/"))
    values = "/".join(level(str(_plain(value))) for value in source.values())
    name = f"{base}/onvif-ej/{path}" + (f"/&{values}" if source else "")
    said = {
        "UtcTime": utc_text(utc),
        "Source": {key: _plain(value) for key, value in source.items()},
        "Data": {key: _plain(value) for key, value in data.items()},
    }
    payload = b"" if deleted else json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    return draft(name, payload, retain=is_property)


def _plain(value: object) -> object:
    return str(value.value) if isinstance(value, Enum) else value
