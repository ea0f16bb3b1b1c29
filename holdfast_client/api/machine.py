"""Machine. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import TypedDict, cast

from holdfast_client.api.settings import TrialShown
from holdfast_client.connection import Connection


class AddressShown(TypedDict):
    """An address of an interface."""

    ip: str
    prefix: int
    origin: str


class ClockRead(TypedDict):
    """The recorder's clock."""

    keeper: str
    fault: str
    now: str
    zone: str
    posix: str
    server: str


class InterfaceShown(TypedDict):
    """A network interface."""

    name: str
    mac: str
    mtu: int
    up: bool
    mbit: int | None
    addresses: list[AddressShown]


class NetworkShown(TypedDict):
    """The machine's network now."""

    keeper: str
    fault: str
    hostname: str
    interfaces: list[InterfaceShown]
    dns: list[str]
    search: list[str]
    gateways: list[str]
    ntp: list[str]


class NewTime(TypedDict):
    """A time to set the clock to."""

    now: str


class MachinePart:
    """Machine."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def network(self) -> NetworkShown:
        """The machine's network as it is now."""
        return cast("NetworkShown", await self._connection.ask("GET", "/api/network"))

    async def trial(self) -> TrialShown:
        """A change of the network that is being tried, or how the last one ended."""
        return cast("TrialShown", await self._connection.ask("GET", "/api/network/trial"))

    async def keep(self) -> TrialShown:
        """Confirm a change of the network. By a connection from before it: 409, and the connection ends."""
        return cast("TrialShown", await self._connection.ask("POST", "/api/network/trial"))

    async def take_back(self) -> TrialShown:
        """Take a change of the network back that is being tried."""
        return cast("TrialShown", await self._connection.ask("DELETE", "/api/network/trial"))

    async def clock(self) -> ClockRead:
        """The recorder's clock, and whom it follows."""
        return cast("ClockRead", await self._connection.ask("GET", "/api/clock"))

    async def set_clock(self, body: NewTime) -> None:
        """Set the clock by hand, where it is not set by the network."""
        await self._connection.ask("POST", "/api/clock", body=body)
