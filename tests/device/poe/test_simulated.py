"""The simulated hardware keeps the drivers' contract, in both its kinds."""

from __future__ import annotations

import pytest

from device.errors import BadValue, NotFound
from device.poe.power import watts
from device.poe.simulated import Ailment, SimulatedPse
from tests.device.poe.contract import Contract
from tests.device.poe.material import device, nobody


class Bench(SimulatedPse):
    """Is its own driver."""

    def __init__(self, *, autonomous: bool) -> None:
        super().__init__(16, autonomous=autonomous, changed=nobody)
        self.driver = self

    def short(self, port: int) -> None:
        self.ail(port, Ailment.SHORT)

    def hide(self, hidden: bool) -> None:
        self.broken = hidden


class TestThatAsksFirst(Contract):
    @pytest.fixture
    def rig(self) -> Bench:
        return Bench(autonomous=False)


class TestAutonomous(Contract):
    @pytest.fixture
    def rig(self) -> Bench:
        return Bench(autonomous=True)


def test_hands_cannot_do_the_impossible() -> None:
    bench = Bench(autonomous=False)
    bench.plug(1, device(3))
    with pytest.raises(BadValue, match="unplug it first"):
        bench.plug(1, device(3))
    with pytest.raises(NotFound, match="device"):
        bench.unplug(2)
    with pytest.raises(NotFound, match="device"):
        bench.draw(2, watts(1))
    with pytest.raises(NotFound, match="port"):
        bench.plug(17, device(3))
