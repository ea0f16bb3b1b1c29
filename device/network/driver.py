"""What the recorder needs of whatever sets the machine's network up."""

from __future__ import annotations

import asyncio
from typing import Protocol

from device.errors import MachineFault
from device.network.state import NetworkState, read_state
from device.settings.network import Network


class NetworkUnavailable(MachineFault):
    """The machine did not take its network's settings. It is tried again."""


class NetworkDriver(Protocol):
    """One way to set a network up."""

    async def read(self) -> NetworkState:
        """How it is now. Raises OSError."""

    async def apply(self, wanted: Network) -> None:
        """Make it so, whatever it was before; what is so already stays untouched. Raises NetworkUnavailable."""


class SystemNetwork:
    """The network is whoever manages the machine's to set up: it is read, and nothing else."""

    async def read(self) -> NetworkState:
        """NetworkDriver."""
        return await asyncio.to_thread(read_state)

    async def apply(self, wanted: Network) -> None:
        """NetworkDriver: there is nothing that could be applied."""
