"""The settings of ports and hardware: what fits together."""

from __future__ import annotations

import pytest

from device.errors import BadValue
from device.poe.budget import Priority
from device.poe.port import Mode, PortRules
from device.settings.ports import Poe, Port, PriorityName
from device.settings.section import InvalidSettings, check_key, validate

SWITCH = {"hardware": "switch", "switch": "10.0.0.2"}


def test_a_port_is_what_its_settings_say() -> None:
    port = Port(mode=Mode.POWER, priority=PriorityName.CRITICAL, name="Gate")
    assert port.rules() == PortRules(Mode.POWER, Priority.CRITICAL, False, "Gate")


@pytest.mark.parametrize("key", ["0", "01", "100", "-1", "x", ""])
def test_the_key_of_a_port_is_its_number(key: str) -> None:
    with pytest.raises(BadValue):
        check_key(Port, key)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"budget": 0}, "must be 1 to 5000 W"),
        ({"ports": 49}, "must be 1 to 48"),
        ({"hardware": "ethtool"}, "needs interfaces"),
        ({"hardware": "ethtool", "interfaces": ["a", "a"]}, "twice"),
        ({"interfaces": ["../etc"]}, "name of a network interface"),
        ({"hardware": "switch"}, "its address"),
        ({**SWITCH, "switch_version": "v2c"}, "switch_community"),
        ({**SWITCH, "switch_user": "a", "switch_auth": "short"}, "at least 8"),
        ({"switch": "a b"}, "pattern"),
        ({"switch_interfaces": [0]}, "must be an ifIndex"),
    ],
)
def test_what_does_not_fit_together_is_refused(values: dict[str, object], complaint: str) -> None:
    with pytest.raises(InvalidSettings, match=complaint):
        validate(Poe, "", values)


@pytest.mark.parametrize(
    "more",
    [
        {"switch_version": "v2c", "switch_community": "private"},
        {"switch_user": "manager", "switch_auth": "long enough"},
        {"switch_user": "manager", "switch_auth": "long enough", "switch_privacy": "also long"},
    ],
)
def test_a_switch_with_its_login_is_accepted(more: dict[str, object]) -> None:
    assert validate(Poe, "", {**SWITCH, **more}).switch == "10.0.0.2"
