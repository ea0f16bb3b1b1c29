"""What every driver promises, whatever hardware is behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import pytest

from device.errors import HoldfastError
from device.events.event import Event
from device.poe.driver import PoeDriver, PoeUnavailable
from device.poe.port import Detection, PortReading, State
from device.poe.power import watts
from device.poe.service import PoeService
from device.poe.simulated import Device
from tests.device.clock.simulated import SimulatedClock
from tests.device.poe.material import device, rules


class Rig(Protocol):
    """Hardware with 16 ports that a test lays hands on."""

    driver: PoeDriver

    def plug(self, port: int, device: Device) -> None:
        """Connect a device."""

    def unplug(self, port: int) -> object:
        """Take it away."""

    def short(self, port: int) -> None:
        """Let its cable be shorted."""

    def hide(self, hidden: bool) -> None:
        """Let the hardware not answer."""


async def port(rig: Rig, number: int) -> PortReading:
    """What the driver reads of a port."""
    return (await rig.driver.read()).ports[number - 1]


async def until(service: PoeService, holds: Callable[[list[State]], bool]) -> None:
    """Wait until something holds of the states of all ports."""

    def states() -> list[State]:
        return [each.state for each in service.status().ports]

    async with asyncio.timeout(30):
        while len(states()) < 16 or not holds(states()):  # noqa: ASYNC110 - hardware has no event
            await asyncio.sleep(0.02)


class Contract:
    """Each driver's test class is a child of it, with a fixture `rig`."""

    async def test_all_ports_are_told_in_order(self, rig: Rig) -> None:
        reading = await rig.driver.read()
        assert [each.port for each in reading.ports] == list(range(1, 17))

    async def test_an_empty_port_searches(self, rig: Rig) -> None:
        told = await port(rig, 2)
        assert (told.detection, told.drawn or 0, told.trouble) == (Detection.SEARCHING, 0, None)

    async def test_a_device_is_found_with_its_class_and_powered_when_told(self, rig: Rig) -> None:
        rig.plug(3, device(4))
        await rig.driver.set_power(3, True)
        told = await port(rig, 3)
        assert (told.on, told.detection, told.power_class) == (True, Detection.DELIVERING, 4)
        assert told.drawn in (None, watts(15))

    async def test_power_is_taken_away_and_given_back(self, rig: Rig) -> None:
        rig.plug(3, device(3))
        await rig.driver.set_power(3, True)
        await rig.driver.set_power(3, False)
        told = await port(rig, 3)
        assert not told.on
        assert told.detection in (Detection.DISABLED, Detection.DETECTED)
        assert not told.drawn
        await rig.driver.set_power(3, True)
        assert (await port(rig, 3)).detection is Detection.DELIVERING

    async def test_an_order_given_twice_is_as_one(self, rig: Rig) -> None:
        rig.plug(3, device(3))
        for _ in range(2):
            await rig.driver.set_power(3, True)
            assert (await port(rig, 3)).detection is Detection.DELIVERING

    async def test_other_ports_stay_as_they_are(self, rig: Rig) -> None:
        for number in (1, 2, 16):
            rig.plug(number, device(3))
            await rig.driver.set_power(number, True)
        await rig.driver.set_power(2, False)
        reading = await rig.driver.read()
        powered = [each.port for each in reading.ports if each.detection is Detection.DELIVERING]
        assert powered == [1, 16]

    async def test_a_device_that_is_gone_is_gone(self, rig: Rig) -> None:
        rig.plug(3, device(3))
        await rig.driver.set_power(3, True)
        rig.unplug(3)
        assert (await port(rig, 3)).detection is Detection.SEARCHING

    async def test_a_short_circuit_is_a_fault_that_has_a_name(self, rig: Rig) -> None:
        await rig.driver.read()
        rig.plug(5, device(3))
        await rig.driver.set_power(5, True)
        rig.short(5)
        told = await port(rig, 5)
        assert told.detection is Detection.FAULT
        assert told.trouble is not None
        assert told.trouble.value == "short"

    async def test_the_network_of_a_port_is_switched_where_it_can_be_and_power_stays(self, rig: Rig) -> None:
        rig.plug(4, device(3))
        await rig.driver.set_power(4, True)
        if (await port(rig, 4)).ethernet is None:
            pytest.skip("this driver says that it cannot switch the network of a port")
        await rig.driver.set_ethernet(4, False)
        told = await port(rig, 4)
        assert (told.ethernet, told.link, told.detection) == (False, 0, Detection.DELIVERING)
        await rig.driver.set_ethernet(4, True)
        told = await port(rig, 4)
        assert (told.ethernet, told.link) == (True, 100)

    @pytest.mark.parametrize("number", [0, 17, 49])
    async def test_a_port_that_is_not_there_is_refused(self, rig: Rig, number: int) -> None:
        with pytest.raises(HoldfastError):
            await rig.driver.set_power(number, True)

    async def test_hardware_that_does_not_answer_is_said_to_be_unavailable_and_comes_back(
        self, rig: Rig
    ) -> None:
        await rig.driver.read()
        rig.hide(True)
        with pytest.raises(PoeUnavailable) as caught:
            await rig.driver.read()
        assert caught.value.transient
        with pytest.raises(PoeUnavailable):
            await rig.driver.set_power(1, False)
        rig.hide(False)
        assert len((await rig.driver.read()).ports) == 16

    @pytest.mark.proves("M-042", "M-047", "M-048")
    async def test_the_manuals_example_and_a_device_too_many(self, rig: Rig) -> None:
        for number in range(1, 10):
            rig.plug(number, device(4))
        for number in (10, 11):
            rig.plug(number, device(3))
        said: list[Event] = []
        service = PoeService("hardware", rig.driver, rules(305), SimulatedClock(), said.append, lambda: None)
        governing = asyncio.create_task(service.run())
        try:
            await until(service, lambda states: states[:11] == [State.POWERED] * 11)
            assert service.status().reserved == watts(301)
            rig.plug(12, device(4))
            await until(service, lambda states: states[11] is State.DENIED)
            while (await port(rig, 12)).detection is Detection.DELIVERING:  # noqa: ASYNC110 - hardware has no event
                await asyncio.sleep(0.02)  # until the order has been given
            assert service.status().reserved == watts(301)
            assert [each.name for each in said].count("poe.port-denied") == 1
        finally:
            governing.cancel()
            await asyncio.gather(governing, return_exceptions=True)
