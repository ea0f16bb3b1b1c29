"""Black-box cases for devices that publish over MQTT: the suite is another client of the same broker."""

from conformance.mqtt import cases
from conformance.mqtt.suite import SUITE

__all__ = ["SUITE", "cases"]
