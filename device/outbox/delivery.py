"""Who carries letters: one loop for each destination, for ever, through every outage."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from device.clock import Clock
from device.errors import HoldfastError, Refused
from device.events.event import Event
from device.events.outbox import DeliveryBack, DeliveryFailing, Destination
from device.outbox.outbox import Box, Letter
from device.planes.backoff import Backoff, Patience

PATIENCE = Patience(stable=10.0, longest=60.0)
SLOW = 30.0  #: seconds; see `deliver`
EXPIRE_EVERY = 60.0  #: seconds between looks for what is too old


class Undeliverable(Refused):
    """The destination will never take this letter, however often it is sent."""


class Sender(Protocol):
    """Carries letters to one destination. Implemented in `protocols/`, for each wire."""

    #: How many letters it likes to be given at once.
    window: int

    async def send(self, letters: Sequence[Letter]) -> int:
        """Carry letters, in order. How many of the first of them the other side has acknowledged: one at least.

        May wait for a connection as long as it takes. May be cancelled at any time; what was not acknowledged is given
        again. Raises Undeliverable about the first of them; any other HoldfastError: trying again helps.
        """


async def deliver(
    box: Box,
    sender: Sender,
    clock: Clock,
    publish: Callable[[Event], object],
    chance: Callable[[], float],
    *,
    slow: float = SLOW,
) -> None:
    """Carry what is in a box, and what comes into it, for ever. `chance` gives a number from 0 to 1; `slow`: seconds
    without an acknowledgement after which the destination is said to fail."""
    delivery = _Delivery(box, clock, publish, chance, slow)
    await asyncio.gather(delivery.run(sender), _expire(box))


async def _expire(box: Box) -> None:
    while True:
        box.expire()
        await asyncio.sleep(EXPIRE_EVERY)


class _Delivery:
    """One box under way, and whether it fails."""

    def __init__(
        self,
        box: Box,
        clock: Clock,
        publish: Callable[[Event], object],
        chance: Callable[[], float],
        slow: float,
    ) -> None:
        self._box = box
        self._clock = clock
        self._publish = publish
        self._slow = slow
        self._backoff = Backoff(PATIENCE, chance)
        self._failing_since: float | None = None
        self._well_since = clock.monotonic()
        self._told_well = False

    async def run(self, sender: Sender) -> None:
        """For ever."""
        box = self._box
        while True:
            letters = await box.some(sender.window)
            try:
                count = await self._send(sender, letters)
            except Undeliverable as error:
                box.refuse(letters[0], str(error))
            except Exception as error:  # noqa: BLE001 - a defect in one sender must not end the others
                if not isinstance(error, HoldfastError):
                    sys.stderr.write(f"{box.name}: a sender failed: {error!r}\n")
                now = self._clock.monotonic()
                lived = 0.0 if self._failing_since is not None else now - self._well_since
                self._fails(str(error) or repr(error))
                await asyncio.sleep(self._backoff.ended(lived))
            else:
                box.ack(letters[:count])
                self._works()

    async def _send(self, sender: Sender, letters: Sequence[Letter]) -> int:
        sending = asyncio.ensure_future(sender.send(letters))
        try:
            done, _ = await asyncio.wait([sending], timeout=self._slow)
            if not done:
                self._fails(self._box.fault or f"nothing was acknowledged for {self._slow:g} s")
            return await sending
        finally:
            sending.cancel()

    def _fails(self, why: str) -> None:
        self._box.fault = why
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
            self._publish(DeliveryFailing(Destination(self._box.name), why))

    def _works(self) -> None:
        """The first time after a start too: a failure of before may still stand in the journal, which drops a clear
        that clears nothing."""
        self._box.fault = ""
        if self._failing_since is None and self._told_well:
            return
        now = self._clock.monotonic()
        down = 0.0 if self._failing_since is None else now - self._failing_since
        self._failing_since, self._well_since, self._told_well = None, now, True
        self._publish(DeliveryBack(Destination(self._box.name), down, self._box.waiting))
