"""What the recorder needs of PoE hardware."""

from __future__ import annotations

from typing import Protocol

from device.errors import Fault
from device.poe.port import Reading


class PoeUnavailable(Fault):
    """The PoE hardware does not answer, or refused an order. The ports go on as they are."""

    transient = True
    hint = "The ports keep what they have. `holdfast events` tells when it answers again."


class PoeDriver(Protocol):
    """Hardware with ports that give power. Every method may raise PoeUnavailable."""

    autonomous: bool
    """Whether the hardware powers what it finds by itself, within a budget of its own. Then a port is refused by
    turning it off a moment after it came on. Otherwise the hardware finds a device (`Detection.DETECTED`), and waits
    for `set_power`."""

    interval: float
    """Seconds from one `read` to the next."""

    async def read(self) -> Reading:
        """How it is, of all ports at one time."""

    async def set_power(self, port: int, on: bool) -> None:
        """Allow a port to give power, or take it away. Nothing happens where it is so already."""

    async def set_ethernet(self, port: int, on: bool) -> None:
        """Switch the network of a port. Only asked where its reading says that it can be switched."""

    async def close(self) -> None:
        """Let go of the hardware. The ports go on as they are."""
