"""What every driver of a box promises."""

from __future__ import annotations

from typing import Protocol

import pytest

from device.chassis.buttons import Button
from device.chassis.driver import ChassisDriver, ChassisUnavailable
from device.chassis.lights import AMBER, BLINKS_GREEN, GREEN, OFF, RED, Led, Light, Place

PRODUCT, DRIVE_2 = Led(Place.PRODUCT.value, 1), Led(Place.DRIVE.value, 2)


class Rig(Protocol):
    """A box that a test lays hands on: one sensor `board`, one fan, two supplies, at least."""

    driver: ChassisDriver

    def heat(self, celsius: float | None) -> None:
        """Let the sensor tell so much, or be broken."""

    def fan(self, ok: bool) -> None:
        """Let the fan stand still, or turn."""

    def supply(self, ok: bool) -> None:
        """Let one supply fail, or work."""

    def press(self, button: Button, down: bool) -> None:
        """Press a button, or let it go."""

    def seen(self, led: Led) -> Light:
        """A light, as an eye sees it."""

    def heard(self) -> bool:
        """Whether the buzzer sounds."""

    def hide(self) -> None:
        """Let the lights not answer."""


class Contract:
    """Each driver's test class is a child of it, with a fixture `rig`."""

    async def test_temperatures_are_told_with_their_limits(self, rig: Rig) -> None:
        rig.heat(41.5)
        sensor = next(each for each in (await rig.driver.read()).temperatures if "board" in each.name)
        assert (sensor.celsius, sensor.high, sensor.critical) == (41.5, 60.0, 70.0)

    async def test_a_broken_sensor_tells_no_temperature(self, rig: Rig) -> None:
        rig.heat(None)
        sensor = next(each for each in (await rig.driver.read()).temperatures if "board" in each.name)
        assert sensor.celsius is None

    async def test_a_fan_fails_and_comes_back(self, rig: Rig) -> None:
        assert all(each.ok and each.rpm for each in (await rig.driver.read()).fans)
        rig.fan(False)
        assert [each.ok for each in (await rig.driver.read()).fans].count(False) == 1
        rig.fan(True)
        assert all(each.ok for each in (await rig.driver.read()).fans)

    async def test_a_supply_fails_and_comes_back(self, rig: Rig) -> None:
        assert [each.ok for each in (await rig.driver.read()).supplies] == [True, True]
        rig.supply(False)
        assert [each.ok for each in (await rig.driver.read()).supplies].count(False) == 1
        rig.supply(True)
        assert [each.ok for each in (await rig.driver.read()).supplies] == [True, True]

    async def test_presses_come_in_order_and_each_once(self, rig: Rig) -> None:
        await rig.driver.read()
        rig.press(Button.POWER, True)
        rig.press(Button.POWER, False)
        rig.press(Button.CONTROL, True)
        told = await rig.driver.read()
        expected = [(Button.POWER, True), (Button.POWER, False), (Button.CONTROL, True)]
        assert [(edge.button, edge.down) for edge in told.edges] == expected
        assert told.held == {Button.CONTROL}
        assert (await rig.driver.read()).edges == ()

    @pytest.mark.parametrize("light", [GREEN, AMBER, RED, OFF, BLINKS_GREEN])
    async def test_a_light_is_as_it_was_told(self, rig: Rig, light: Light) -> None:
        await rig.driver.show({PRODUCT: RED, DRIVE_2: GREEN})
        await rig.driver.show({PRODUCT: light})
        assert rig.seen(PRODUCT) == light
        assert rig.seen(DRIVE_2) == GREEN

    async def test_a_light_that_the_box_does_not_have_harms_nothing(self, rig: Rig) -> None:
        await rig.driver.show({Led(Place.NETWORK.value, 9): GREEN, PRODUCT: AMBER})
        assert rig.seen(PRODUCT) == AMBER

    async def test_the_buzzer_is_switched(self, rig: Rig) -> None:
        await rig.driver.sound(True)
        assert rig.heard()
        await rig.driver.sound(False)
        assert not rig.heard()

    async def test_lights_that_do_not_answer_are_said_to_be_unavailable(self, rig: Rig) -> None:
        rig.hide()
        with pytest.raises(ChassisUnavailable):
            await rig.driver.show({PRODUCT: GREEN})
