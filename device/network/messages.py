"""What is asked of the control plane about the machine's network."""

from __future__ import annotations

from dataclasses import dataclass

from device.network.state import NetworkState
from device.planes.wire import Request, message


@dataclass(frozen=True, slots=True)
class AddressShown:
    """An address of an interface."""

    ip: str
    prefix: int
    origin: str  #: manual | dhcp | ra | linklayer | random


@dataclass(frozen=True, slots=True)
class InterfaceShown:
    """A network interface."""

    name: str
    mac: str
    mtu: int
    up: bool
    mbit: int | None
    addresses: tuple[AddressShown, ...]


@message
class NetworkShown:
    """The machine's network now."""

    keeper: str  #: device.settings.network.NetworkKeeper
    fault: str  #: why the machine is not as the settings say; empty: it is
    hostname: str
    interfaces: tuple[InterfaceShown, ...]
    dns: tuple[str, ...]
    search: tuple[str, ...]
    gateways: tuple[str, ...]
    ntp: tuple[str, ...]  #: servers that DHCP names


@message
class AskNetwork(Request[NetworkShown]):
    """How is the network?"""


def shown(state: NetworkState, keeper: str, fault: str) -> NetworkShown:
    """A state, as the other planes and the API see it."""
    interfaces = tuple(
        InterfaceShown(
            one.name,
            one.mac,
            one.mtu,
            one.up,
            one.mbit,
            tuple(AddressShown(str(each.ip), each.prefix, each.origin) for each in one.addresses),
        )
        for one in state.interfaces
    )
    dns, gateways = tuple(map(str, state.dns)), tuple(map(str, state.gateways))
    return NetworkShown(
        keeper, fault, state.hostname, interfaces, dns, state.search, gateways, state.lease.ntp
    )
