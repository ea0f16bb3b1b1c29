"""The recorder's clock. Nothing in the house reads the system's clock but through this room."""

from __future__ import annotations

import time
from typing import Protocol

from device.media import Utc


class Clock(Protocol):
    """Wall time to store, monotonic time to measure. A test hands in its own."""

    def utc(self) -> Utc:
        """Now, microseconds since 1970 UTC. May step when the system's clock is set."""

    def monotonic(self) -> float:
        """Seconds since some instant; never steps, never goes back."""


class SystemClock:
    """The clock of the machine."""

    def utc(self) -> Utc:
        """`CLOCK_REALTIME`."""
        return Utc(time.time_ns() // 1000)

    def monotonic(self) -> float:
        """`CLOCK_MONOTONIC`."""
        return time.monotonic()
