"""What drives say of themselves, in smartctl's words."""

from __future__ import annotations

import json

import pytest

from device.raid.linux.drives import Smart, told
from device.raid.state import Health

ATA = {
    "smart_status": {"passed": True},
    "temperature": {"current": 31},
    "power_on_time": {"hours": 17_520},
}


@pytest.mark.proves("M-354", "M-355")
@pytest.mark.parametrize(
    ("said", "code", "wanted"),
    [
        (ATA, 0, Smart(Health.PASSED, 31.0, 17_520)),
        (ATA, 64, Smart(Health.PASSED, 31.0, 17_520)),  # its error log has entries, of long ago
        ({**ATA, "smart_status": {"passed": False}}, 8, Smart(Health.FAILING, 31.0, 17_520)),
        (ATA, 8, Smart(Health.FAILING, 31.0, 17_520)),
        (ATA, 4, Smart(Health.UNKNOWN, 31.0, 17_520)),  # a command to the drive failed
        ({"smart_support": {"available": False}}, 4, Smart(Health.UNKNOWN, None, None)),
        ({"messages": [{"string": "Unable to detect device type"}]}, 1, Smart(Health.UNKNOWN, None, None)),
    ],
)
def test_a_drive_that_says_it_fails_is_failing_and_one_that_says_nothing_is_unknown(
    said: dict[str, object], code: int, wanted: Smart
) -> None:
    assert told(json.dumps(said), code) == wanted


@pytest.mark.parametrize(
    "said", ["", "{", "[]", "null", '{"smart_status": 7, "temperature": {"current": "x"}}']
)
def test_what_is_no_answer_of_smartctl_is_unknown(said: str) -> None:
    assert told(said, 0) == Smart(Health.UNKNOWN, None, None)
