"""Keeps one camera stream coming: connects, watches, reconnects, for ever.

A station owns no socket and no disk. It runs one `Source` after another into one `Intake`, waits as the
ladder says, and tells how the stream is. A stream is well when key frames advance, not when a socket is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from device.cameras.reconnect import Hold, Ladder
from device.cameras.source import ROUND, Cause, Intake, Reception, SessionEnded, Source
from device.clock import Clock

#: A stream that comes back within this time was never "offline" to the people who watch events; the ledger
#: has it anyway.
OFFLINE_AFTER = 3.0  # seconds
_LOOK = 0.5  # seconds between looks at the counters


@dataclass(frozen=True, slots=True)
class Health:
    """How one camera stream is."""

    well: bool  #: key frames advance
    cause: Cause | None  #: why not; None while well
    detail: str  #: what the other side or the network said, for a person
    since: float  #: monotonic seconds of the last change
    attempts: int  #: sessions tried since it was last well
    held: bool  #: not tried again until the credentials change


class Station:
    """One camera stream, kept alive."""

    def __init__(
        self,
        connect: Callable[[], Source],
        intake: Intake,
        ladder: Ladder,
        clock: Clock,
        changed: Callable[[Health], None],
    ) -> None:
        """`connect` makes a fresh source; `changed` is called when health changes, at most once an outage
        each way."""
        self._connect = connect
        self._intake = intake
        self._ladder = ladder
        self._clock = clock
        self._changed = changed
        self._source: Source | None = None
        self._patience = ROUND
        self._released = asyncio.Event()
        self._totals = Reception()
        self.health = Health(False, Cause.CONNECTING, "", clock.monotonic(), 0, False)
        self._told_well: bool | None = None

    def attention(self, patience: float) -> None:
        """How late may what comes be? See `Source.attention`."""
        self._patience = patience
        if self._source is not None:
            self._source.attention(patience)

    def credentials_changed(self) -> None:
        """Let go of a stream that was held because the camera rejected us."""
        self._ladder.credentials_changed()
        self._released.set()

    @property
    def reception(self) -> Reception:
        """Counters since the station began, the running session included."""
        return _sum(self._totals, self._source.reception) if self._source else self._totals

    async def run(self) -> None:
        """Keep the stream until cancelled. Whoever cancels closes the intake, and says why."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._watch())
            both.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            ended = await self._session()
            now = self._clock.monotonic()
            step = self._ladder.ended(ended.cause, now)
            held = isinstance(step, Hold)
            self._set(Health(False, ended.cause, ended.detail, now, self.health.attempts + 1, held))
            await self._wait(step)

    async def _session(self) -> SessionEnded:
        source = self._source = self._connect()
        source.attention(self._patience)
        try:
            await source.run(self._intake)
        except SessionEnded as ended:
            self._intake.closed(ended.cause, ended.detail)
            return ended
        finally:
            self._totals = _sum(self._totals, source.reception)
            self._source = None
        return SessionEnded(Cause.LINK_LOST)

    async def _wait(self, step: float | Hold) -> None:
        if isinstance(step, Hold):
            self._released.clear()
            await self._released.wait()
        else:
            await asyncio.sleep(step)

    async def _watch(self) -> None:
        """Notice that key frames advance again, and tell of an outage once it has lasted."""
        while True:
            await asyncio.sleep(_LOOK)
            now = self._clock.monotonic()
            source = self._source
            if source is not None and source.reception.last_key > self.health.since and not self.health.well:
                self._ladder.delivering(now)
                self._set(Health(True, None, "", now, 0, False))
            if self.health.well and source is not None:
                self._ladder.delivering(now)
            if (
                not self.health.well
                and self._told_well is not False
                and now - self.health.since >= OFFLINE_AFTER
            ):
                self._told_well = False
                self._changed(self.health)

    def _set(self, health: Health) -> None:
        if not health.well and not self.health.well:  # the outage began earlier; only its reason is new
            health = Health(
                False, health.cause, health.detail, self.health.since, health.attempts, health.held
            )
        self.health = health
        if health.well and self._told_well is not True:
            self._told_well = True
            self._changed(health)


def _sum(a: Reception, b: Reception) -> Reception:
    return Reception(
        packets=a.packets + b.packets,
        lost=a.lost + b.lost,
        reordered=a.reordered + b.reordered,
        octets=a.octets + b.octets,
        samples=a.samples + b.samples,
        keys=a.keys + b.keys,
        dropped=a.dropped + b.dropped,
        malformed=a.malformed + b.malformed,
        last_sample=max(a.last_sample, b.last_sample),
        last_key=max(a.last_key, b.last_key),
    )
