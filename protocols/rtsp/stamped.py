"""The timeline of what is replayed: its units say when they were taken (ONVIF Streaming s6.3). Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from device.media import Utc
from protocols.rtsp.rtcp import SenderReport
from protocols.rtsp.rtp import apart
from protocols.rtsp.stamps import Told

if TYPE_CHECKING:
    from protocols.rtsp.timeline import Instant

KEPT = 64  #: timestamps of a track whose times are remembered: a unit is whole when the next one has begun


class Stamped:
    """Stands where `Timeline` does. A unit of which nothing is told has time 0, and nobody can use it."""

    broken = False  #: times are told, and never guessed

    def __init__(self, tracks: int) -> None:
        self._told: list[OrderedDict[int, Utc]] = [OrderedDict() for _ in range(tracks)]
        self._last: list[int | None] = [None] * tracks  # media time of the newest unit
        self._utc = [Utc(0)] * tracks

    def tell(self, track: int, told: Told) -> None:
        """The extension of a packet of a track came."""
        times = self._told[track]
        times[told.timestamp] = told.utc
        while len(times) > KEPT:
            times.popitem(last=False)

    def place(self, track: int, timestamp: int, arrival: float) -> tuple[int, Utc]:  # noqa: ARG002 - as a Timeline
        """Media time in ticks, unwrapped, and wall time of a unit, by the clock of whoever recorded it."""
        last = self._last[track]
        time = timestamp if last is None else last + apart(timestamp, last)
        self._last[track] = time
        self._utc[track] = self._told[track].get(timestamp, Utc(0))
        return time, self._utc[track]

    def again(self, track: int) -> Utc:
        """Wall time of the newest unit of `track`."""
        return self._utc[track]

    def observe(self, now: Instant) -> None:
        """When it arrives does not matter."""

    def guesses(self, now: float) -> bool:  # noqa: ARG002 - as a Timeline
        """Never."""
        return False

    def restart(self) -> None:
        """Nothing is broken."""

    def reordered(self, reorders: bool) -> None:
        """Each unit says its own time, in whatever order they come."""

    def report(self, track: int, report: SenderReport, arrival: float) -> None:
        """The extension says more."""
