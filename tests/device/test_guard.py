"""What leads into the recorder, and what would be safer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.accounts.role import Role
from device.guard import Advice, Way, advice, ways
from device.settings.mqtt import Mqtt
from device.settings.onvif import Onvif
from device.settings.rtsp import Rtsp
from device.settings.sections import SECTIONS
from device.settings.snmp import Snmp
from device.settings.store import Store
from device.settings.syslog import Syslog
from device.settings.tls import Tls
from device.vault import Vault
from tests.device.clock.simulated import SimulatedClock

ROLES = (Role.ADMINISTRATOR, Role.VIEWER)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Store]:
    """Of a new recorder."""
    store = Store(tmp_path / "s.db", Vault(b"k" * 32), SECTIONS, SimulatedClock(), readonly=False)
    yield store
    store.close()


def test_a_new_recorder_has_its_own_certificate_and_its_logs_alone(settings: Store) -> None:
    assert advice(settings, True, ROLES) == [Advice.CERTIFICATE, Advice.LOGS_HERE_ONLY]
    assert Way("SNMP v3", "AES") in ways(settings)
    assert Way("RTSP", "") in ways(settings)


@pytest.mark.proves("M-093")
def test_what_is_less_safe_is_said_gravest_first(settings: Store) -> None:
    settings.patch(Rtsp, {"anonymous": True}, by="test")
    settings.patch(Snmp, {"version": "all"}, by="test")
    settings.patch(Mqtt, {"enabled": True, "host": "broker.test", "tls": False}, by="test")
    settings.patch(Syslog, {"host": "logs.test", "transport": "udp"}, key="one", by="test")
    assert advice(settings, False, [Role.ADMINISTRATOR]) == [
        Advice.ANONYMOUS,
        Advice.COMMUNITIES,
        Advice.BROKER_IN_CLEAR,
        Advice.LOGS_IN_CLEAR,
        Advice.EVERYBODY_RULES,
    ]
    assert {Way("SNMP v1, v2c", ""), Way("MQTT", "")} <= set(ways(settings))


@pytest.mark.proves("M-090", "M-091")
def test_a_way_that_is_closed_is_none_and_the_policy_says_what_encrypts(settings: Store) -> None:
    settings.patch(Onvif, {"enabled": False}, by="test")
    settings.patch(Snmp, {"version": "off"}, by="test")
    settings.patch(Tls, {"policy": "fips"}, by="test")
    settings.patch(Rtsp, {"enabled": False}, by="test")
    assert ways(settings) == [Way("HTTPS", "TLS 1.2")]
