"""A small device at a real broker: a status, a switch that obeys and one that does not, and one fault at a time."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

BASE = "small/7"
NAME = "small-device"
CONFIG = "homeassistant/device/small_7/config"


def config() -> dict[str, Any]:
    """Its discovery message."""
    return {
        "device": {"identifiers": ["small_7"], "name": "Small"},
        "origin": {"name": "test"},
        "availability": [{"topic": f"{BASE}/status"}],
        "components": {
            "power": {
                "platform": "switch",
                "unique_id": "small_7_power",
                "state_topic": f"{BASE}/state/port/power",
                "command_topic": f"{BASE}/set/port/power",
            }
        },
    }


class SmallDevice:
    """Runs in paho's thread until the block ends. `fault`: the one thing that it does wrong."""

    def __init__(self, port: int, fault: str = "") -> None:
        self._port = port
        self._fault = fault
        self._state = {"port/power": b"ON", "lamp/power": b"ON"}
        self._told = 0
        self._ready = threading.Event()
        self._client = self._make()

    def _make(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id=NAME, protocol=MQTTProtocolVersion.MQTTv5)
        if self._fault != "no will":
            client.will_set(f"{BASE}/status", b"offline", qos=1, retain=self._fault != "will not retained")
        client.on_connect, client.on_message = self._connected, self._received
        return client

    def __enter__(self) -> SmallDevice:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
        if self._fault != "no session":
            properties.SessionExpiryInterval = 600
        self._client.connect("127.0.0.1", self._port, clean_start=False, properties=properties)
        self._client.loop_start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def cut(self) -> None:
        """Its network cable is pulled."""
        self._client.loop_stop()
        sock = self._client.socket()
        assert sock is not None
        sock.close()

    def _connected(self, client: Client, *_: object) -> None:
        client.subscribe([(f"{BASE}/set/+/+", 1), ("homeassistant/status", 1)])
        client.publish(f"{BASE}/status", b"online", qos=1, retain=True)
        self._say_all()
        self._ready.set()

    def _say_all(self) -> None:
        self._client.publish(CONFIG, json.dumps(config()), qos=1, retain=True)
        for name, payload in self._state.items():
            self._client.publish(f"{BASE}/state/{name}", payload, qos=1, retain=True)

    def _received(self, client: Client, _data: object, message: MQTTMessage) -> None:
        if message.topic == "homeassistant/status":
            if self._fault != "no birth":
                self._say_all()
            return
        entity = message.topic.removeprefix(f"{BASE}/set/")
        result = self._obey(entity, bytes(message.payload))
        if self._fault == "silent":
            return
        self._told += 1
        said = {
            "id": f"small:{self._told}",
            "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "severity": "notice",
            "entity": entity.rpartition("/")[2],
            "result": result,
        }
        client.publish(f"{BASE}/event/command/received/{entity.partition('/')[0]}", json.dumps(said), qos=1)

    def _obey(self, entity: str, payload: bytes) -> str:
        if self._fault == "does anything":
            return "done"
        if entity not in self._state:
            return "there is no such thing"
        if payload not in (b"ON", b"OFF"):
            return "must be ON or OFF"
        if entity == "lamp/power" and self._fault != "obeys everybody":
            return "not allowed"
        if self._fault != "does nothing":
            self._state[entity] = payload
            self._client.publish(f"{BASE}/state/{entity}", payload, qos=1, retain=True)
        return "done"
