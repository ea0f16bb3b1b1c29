"""What every driver of a network promises."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from device.network.driver import NetworkDriver
from device.network.state import Interface, NetworkState
from device.settings.network import Ipv4, Ipv6, Network


@dataclass(frozen=True, slots=True)
class Rig:
    """A driver, and the interface that it may set up."""

    driver: NetworkDriver
    interface: str

    def by_hand(self, **more: object) -> Network:
        """Settings without DHCP."""
        plain: dict[str, object] = {
            "interface": self.interface,
            "ipv4": Ipv4.MANUAL,
            "ipv4_address": "198.51.100.7",
            "ipv6": Ipv6.MANUAL,
            "link_local": False,
            "hostname_automatic": False,
            "dns_automatic": False,
        }
        return Network.model_validate(plain | more)

    def own(self, state: NetworkState) -> Interface:
        """The interface in a state."""
        return next(each for each in state.interfaces if each.name == self.interface)

    def addresses(self, state: NetworkState) -> set[str]:
        """Its addresses but for those of the link."""
        return {f"{each.ip}/{each.prefix}" for each in self.own(state).addresses if not each.ip.is_link_local}

    async def until(self, so: Callable[[NetworkState], bool]) -> NetworkState:
        """The first state that is so. A machine may take a moment."""
        deadline = time.monotonic() + 60
        while not so(state := await self.driver.read()):
            assert time.monotonic() < deadline, state
            await asyncio.sleep(0.05)
        return state


class Contract:
    """Each driver's test class is a child of it, with a fixture `rig`."""

    async def test_an_address_by_hand_takes_the_place_of_the_one_before(self, rig: Rig) -> None:
        await rig.driver.apply(rig.by_hand(ipv4_prefix=28))
        state = await rig.until(lambda state: rig.addresses(state) == {"198.51.100.7/28"})
        assert [each.origin for each in rig.own(state).addresses if each.ip.version == 4] == ["manual"]
        await rig.driver.apply(rig.by_hand(ipv4_address="198.51.100.8"))
        await rig.until(lambda state: rig.addresses(state) == {"198.51.100.8/24"})

    async def test_a_router_by_hand_is_told_and_goes_again(self, rig: Rig) -> None:
        await rig.driver.apply(rig.by_hand(ipv4_router="198.51.100.1"))
        await rig.until(lambda state: ip_address("198.51.100.1") in state.gateways)
        await rig.driver.apply(rig.by_hand(ipv4_router="198.51.100.2"))
        await rig.until(
            lambda state: (
                [each for each in state.gateways if each.version == 4] == [ip_address("198.51.100.2")]
            )
        )
        await rig.driver.apply(rig.by_hand())
        await rig.until(lambda state: not [each for each in state.gateways if each.version == 4])

    async def test_version_6_has_an_address_by_hand_and_can_be_switched_off(self, rig: Rig) -> None:
        await rig.driver.apply(rig.by_hand(ipv6_address="2001:db8:5::7", ipv6_router="2001:db8:5::1"))
        state = await rig.until(lambda state: "2001:db8:5::7/64" in rig.addresses(state))
        assert (
            ip_address("2001:db8:5::1") in (await rig.until(lambda state: len(state.gateways) > 0)).gateways
        )
        assert any(each.origin == "linklayer" for each in rig.own(state).addresses if each.ip.version == 6)
        await rig.driver.apply(rig.by_hand(ipv6=Ipv6.OFF, ipv6_address="2001:db8:5::7"))
        await rig.until(lambda state: all(each.ip.version == 4 for each in rig.own(state).addresses))

    async def test_a_link_local_address_where_there_is_no_dhcp(self, rig: Rig) -> None:
        await rig.driver.apply(rig.by_hand(ipv4=Ipv4.NONE, link_local=True))

        def local(state: NetworkState) -> bool:
            return [
                (each.ip.is_link_local, each.origin)
                for each in rig.own(state).addresses
                if each.ip.version == 4
            ] == [(True, "linklayer")]

        await rig.until(local)
        await rig.driver.apply(rig.by_hand(link_local=False))
        await rig.until(lambda state: rig.addresses(state) == {"198.51.100.7/24"} and not local(state))

    async def test_what_is_so_already_stays(self, rig: Rig) -> None:
        wanted = rig.by_hand(ipv4_router="198.51.100.1")
        await rig.driver.apply(wanted)
        before = await rig.until(lambda state: len(state.gateways) > 0 and bool(rig.addresses(state)))
        await rig.driver.apply(wanted)
        assert await rig.driver.read() == before


class Names:
    """What a driver promises that has the machine's name and resolver to itself."""

    async def test_name_and_name_servers_by_hand(self, rig: Rig) -> None:
        servers = ("198.51.100.53", "2001:db8::53")
        await rig.driver.apply(
            rig.by_hand(hostname="recorder-1", dns_servers=servers, search_domains=("example.org",))
        )
        state = await rig.until(lambda state: state.hostname == "recorder-1")
        assert tuple(map(str, state.dns)) == servers
        assert state.search == ("example.org",)
