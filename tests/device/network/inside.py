"""The kernel's driver, in a network of its own: run by `test_drivers` inside new namespaces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from device.linux.run import run
from device.network.driver import NetworkUnavailable
from device.network.kernel import KernelNetwork
from device.settings.network import Ipv6, Network
from tests.device.network.contract import Contract, Names, Rig

OTHER_END = "far0"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async def ip(*argv: str) -> None:
        await run(["ip", *argv], within=30)

    await ip("link", "add", "lan0", "type", "veth", "peer", "name", OTHER_END)
    await ip("link", "set", OTHER_END, "up")
    yield Rig(KernelNetwork(tmp_path / "resolv.conf"), "lan0")
    await ip("link", "delete", "lan0")


class TestKernel(Contract, Names):
    """All of the contract."""

    async def test_it_says_that_it_has_no_dhcp(self, rig: Rig) -> None:
        for asked in (Network(interface="lan0"), rig.by_hand(ipv6=Ipv6.STATEFUL)):
            with pytest.raises(NetworkUnavailable, match="has no DHCP"):
                await rig.driver.apply(asked)

    async def test_an_interface_that_is_not_there_is_named(self, rig: Rig) -> None:
        with pytest.raises(NetworkUnavailable, match="No such file"):
            await rig.driver.apply(rig.by_hand().model_copy(update={"interface": "lan9"}))

    async def test_others_reach_the_address(self, rig: Rig) -> None:
        """The address is one, and not only told."""
        await rig.driver.apply(rig.by_hand())
        await run(["ip", "address", "add", "198.51.100.9/24", "dev", OTHER_END], within=30)
        told = await run(["ip", "-json", "route", "get", "198.51.100.9", "from", "198.51.100.7"], within=30)
        assert "198.51.100.9" in told
        assert ip_address("198.51.100.7") in [each.ip for each in rig.own(await rig.driver.read()).addresses]
