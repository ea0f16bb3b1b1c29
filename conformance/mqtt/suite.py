"""The MQTT suite, before its cases."""

from __future__ import annotations

from conformance.mqtt.device import Session, arguments, contact
from conformance.suite import Suite

SUITE: Suite[Session] = Suite(
    "mqtt",
    "MQTT 5.0 as a client, the recorder's topics, ONVIF's JSON, and Home Assistant's discovery",
    {
        "topic": "Topics",
        "status": "Presence: status, will, session",
        "state": "States",
        "event": "Events",
        "onvif": "Events as ONVIF's event broker sends them",
        "discovery": "Home Assistant's discovery",
        "command": "Commands",
    },
    arguments,
    contact,
)
case = SUITE.case
