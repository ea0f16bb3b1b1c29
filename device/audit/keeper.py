"""Keeps the audit trail at its journal's heels."""

from __future__ import annotations

import asyncio
import sys

from device.audit.trail import Receipt, Trail
from device.database import DatabaseFault
from device.events.bus import Bus
from device.events.follow import durable

_PAUSE = 1.0  # seconds after the trail could not be written


class Keeper:
    """Writes into a trail what becomes durable in a journal, and says where it has come to."""

    def __init__(self, bus: Bus, trail: Trail) -> None:
        self._bus = bus
        self._trail = trail
        self._moved = asyncio.Condition()

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self._follow()
            except DatabaseFault as error:  # nothing is lost: the journal keeps it, and it is read again
                sys.stderr.write(f"The audit trail: {error}\n")
                await asyncio.sleep(_PAUSE)

    async def _follow(self) -> None:
        async for entries in durable(self._bus, self._reached()):
            self._trail.take(self._bus.journal.origin, entries)
            async with self._moved:
                self._moved.notify_all()

    def _reached(self) -> int:
        journal, seq = self._trail.position
        return seq if journal == self._bus.journal.origin else 0

    async def receipt(self, seq: int) -> Receipt | None:
        """Where an entry of the journal stands in the trail; waits until that was looked at. None: it is nobody's
        doing, or the trail does not have it any more."""
        journal = self._bus.journal
        async with self._moved:
            # A number that the journal has not come to is of one that was there before it.
            never = journal.lost(seq) or seq > journal.last
            await self._moved.wait_for(lambda: never or self._reached() >= seq)
        return self._trail.receipt(self._bus.journal.origin, seq)
