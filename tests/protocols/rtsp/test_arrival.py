"""When a picture arrived, and what it comes before: however late it shows that the picture is complete."""

from __future__ import annotations

import pytest

from protocols.rtsp.depacketise.nal import MARKER_TRIALS
from tests.protocols.rtsp.kept import START, Camera, Client

KEY = (b"\x67\x42\xc0\x1e\xd9\x00\xa0\x47\xfe\x88", b"\x68\xce\x38\x80", b"\x65\x88" + bytes(300))
OTHER = (b"\x41\x9a" + bytes(300),)
SECONDS = 3600 / 90_000


@pytest.mark.parametrize("marker", [True, False])
def test_a_marker_that_is_not_believed_yet_costs_the_times_nothing(marker: bool) -> None:
    client, camera = Client(), Camera()
    for number in range(3 * MARKER_TRIALS):
        camera.picture(*(OTHER if number % 10 else KEY), marker=marker)
        client.feed(camera.take())
        client.wait(SECONDS)
    assert len(client.units) >= 3 * MARKER_TRIALS - 1
    for number, unit in enumerate(client.units):
        assert abs(unit.utc - START.utc - number * SECONDS * 1e6) < 1000


def test_a_loss_is_told_behind_the_picture_that_came_before_it() -> None:
    client, camera = Client(), Camera(mtu=1000)
    told: list[int] = []

    def lost(track: int, packets: int) -> None:
        told.append(len(client.units))

    client.intake.lost = lost  # type: ignore[method-assign]  # a spy
    for number in range(3 * MARKER_TRIALS):
        camera.picture(*(OTHER if number % 10 else KEY))
        if number in (5, 2 * MARKER_TRIALS + 5):
            camera.take()
        client.feed(camera.take())
    assert told == [5, 2 * MARKER_TRIALS + 5 - 1]
