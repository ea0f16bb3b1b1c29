"""The helm: movements that nobody holds on to are stopped, whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from device.cameras import helm as steering
from device.cameras.control import Unreachable
from device.cameras.helm import Helm
from device.cameras.ptz import Vector
from device.clock import SystemClock
from integration.virtual_camera.head import Motor

WITHIN = 30.0  #: seconds
RIGHT = Vector(pan=0.1)


class Noted(Motor):
    """A motor that notes what it is told, and does not answer so many times."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.told: list[str] = []
        self.deaf = 0

    async def move(self, velocity: Vector, seconds: float) -> None:
        self.told.append("move")
        await super().move(velocity, seconds)

    async def stop(self) -> None:
        self.told.append("stop")
        if self.deaf:
            self.deaf -= 1
            raise Unreachable("It does not answer.")
        await super().stop()


async def until(holds: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(WITHIN):
        while not holds():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)


async def test_a_movement_that_nobody_renews_is_stopped() -> None:
    head = Noted()
    helm = Helm(head, SystemClock())
    await helm.move(RIGHT, 0.05)
    await until(lambda: head.told == ["move", "stop"])
    assert not (await head.stand()).moving


async def test_what_goes_on_is_told_the_camera_once_and_stopped_once() -> None:
    head = Noted()
    helm = Helm(head, SystemClock())
    for _ in range(5):
        await helm.move(RIGHT, 5.0)
    await helm.move(Vector(tilt=0.1), 5.0)
    await helm.stop()
    assert head.told == ["move", "move", "stop"]
    await helm.move(Vector(), 5.0)
    assert head.told[3:] == ["stop"], "no velocity is a stop"


async def test_a_camera_that_does_not_hear_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "AGAIN", (0.01, 0.01, 0.01))
    head = Noted()
    helm = Helm(head, SystemClock())
    head.deaf = 2
    await helm.move(RIGHT, 0.01)
    await until(lambda: head.told == ["move", "stop", "stop", "stop"])
    assert not (await head.stand()).moving
    head.deaf = 1
    await helm.move(RIGHT, 0.2)
    with pytest.raises(Unreachable):
        await helm.stop()
    await until(lambda: head.told[4:] == ["move", "stop", "stop"])


async def test_going_somewhere_ends_a_movement_and_leaving_stops_it() -> None:
    head = Noted()
    helm = Helm(head, SystemClock())
    await helm.move(RIGHT, 5.0)
    await helm.go(lambda each: each.recall("2"))
    await helm.move(RIGHT, 5.0)
    assert head.told == ["move", "move"], "it was told anew: it goes elsewhere now"
    await helm.close()
    assert head.told == ["move", "move", "stop"]
    with pytest.raises(Unreachable):
        await helm.move(RIGHT, 5.0)
