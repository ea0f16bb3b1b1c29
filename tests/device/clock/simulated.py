"""A clock that goes when it is told to."""

from __future__ import annotations

from device.media import MICROSECONDS, Utc


class SimulatedClock:
    """Wall and monotonic time run together with `run`; `step` sets the wall clock alone, as NTP or a person
    does."""

    def __init__(self) -> None:
        self._utc = Utc(1_700_000_000 * MICROSECONDS)
        self._monotonic = 1000.0

    def utc(self) -> Utc:
        return self._utc

    def monotonic(self) -> float:
        return self._monotonic

    def run(self, seconds: float) -> None:
        """Time passes."""
        self._monotonic += seconds
        self._utc = Utc(self._utc + round(seconds * MICROSECONDS))

    def step(self, seconds: float) -> None:
        """The wall clock is set, forward or back."""
        self._utc = Utc(self._utc + round(seconds * MICROSECONDS))
