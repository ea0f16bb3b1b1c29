"""What the recorder needs of whatever keeps the machine's clock right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from device.errors import MachineFault, Refused
from device.media import Utc
from device.settings.clock import DateAndTime


class ClockUnavailable(MachineFault):
    """The machine did not take its clock's settings, or does not let its clock be set. It is tried again."""


class ClockKept(Refused):
    """The clock is the system's to set."""

    hint = "Set clock.keeper to say that Holdfast sets it."

    def __init__(self) -> None:
        super().__init__("The machine's clock is kept by its system: recordings rely on it.")


@dataclass(frozen=True, slots=True)
class ClockReading:
    """How the clock is."""

    server: str  #: that it follows now; empty: none
    offset: int = 0  #: microseconds that are added to the machine's clock where the time is shown


class ClockDriver(Protocol):
    """One way to keep a clock."""

    async def read(self) -> ClockReading:
        """How it is. Raises ClockUnavailable."""

    async def apply(self, wanted: DateAndTime) -> None:
        """Follow these servers, or none. Raises ClockUnavailable."""

    async def set(self, utc: Utc) -> None:
        """Set the clock. Raises ClockUnavailable, ClockKept."""


class SystemClockKeeper:
    """The clock is whoever manages the machine's to keep."""

    async def read(self) -> ClockReading:
        """ClockDriver: whom it follows is not known."""
        return ClockReading("")

    async def apply(self, wanted: DateAndTime) -> None:
        """ClockDriver: there is nothing that could be applied."""

    async def set(self, utc: Utc) -> None:  # noqa: ARG002 - whatever it is
        """ClockDriver."""
        raise ClockKept
