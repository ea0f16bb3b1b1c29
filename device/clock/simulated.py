"""A clock that is set without being set: what is shown differs from the machine's clock, by which recordings go on."""

from __future__ import annotations

from collections.abc import Callable

from device.clock import Clock
from device.clock.driver import ClockReading
from device.media import Utc
from device.settings.clock import DateAndTime, TimeSource


class SimulatedClock:
    """Its servers answer at once."""

    def __init__(self, machine: Clock, leased: Callable[[], tuple[str, ...]]) -> None:
        """`leased`: the servers that DHCP names now."""
        self._machine = machine
        self._leased = leased
        self._wanted = DateAndTime()
        self._offset = 0

    async def read(self) -> ClockReading:
        """ClockDriver."""
        return ClockReading(next(iter(self._servers()), ""), self._offset)

    async def apply(self, wanted: DateAndTime) -> None:
        """ClockDriver."""
        self._wanted = wanted
        if self._servers():
            self._offset = 0

    async def set(self, utc: Utc) -> None:
        """ClockDriver."""
        self._offset = utc - self._machine.utc()

    def _servers(self) -> tuple[str, ...]:
        return servers(self._wanted, self._leased())


def servers(wanted: DateAndTime, leased: tuple[str, ...]) -> tuple[str, ...]:
    """Whom the clock follows by these settings. `leased`: the servers that DHCP names."""
    if not wanted.synchronized:
        return ()
    return wanted.servers if wanted.source is not TimeSource.DHCP else leased or wanted.fallback
