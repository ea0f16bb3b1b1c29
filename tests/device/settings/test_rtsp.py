"""The settings of the RTSP server that their types alone do not limit."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from device.settings.rtsp import Rtsp


def test_multicast_is_off_unless_a_person_wants_it() -> None:
    assert not Rtsp().multicast


@pytest.mark.parametrize("text", ["239.192.77.0/24", "239.0.0.0/16", "232.1.2.3/32"])
def test_a_range_of_multicast_addresses(text: str) -> None:
    assert Rtsp(multicast_range=text).multicast_range == text


@pytest.mark.parametrize("text", ["10.0.0.0/24", "239.0.0.0/8", "239.192.77.1/24", "ff02::/16", "x", ""])
def test_what_is_no_such_range_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="multicast_range"):
        Rtsp(multicast_range=text)


@pytest.mark.parametrize("port", [1022, 5005, 65_002])
def test_a_port_that_leaves_no_room_for_rtcp_is_refused(port: int) -> None:
    with pytest.raises(ValidationError, match="multicast_port"):
        Rtsp(multicast_port=port)
