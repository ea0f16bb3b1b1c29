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
_FROZEN = (Cause.FROZEN, Cause.NO_PICTURE, Cause.SILENT)
_LOSS_SOON, _LOSS_AGAIN = 60.0, 600.0  # seconds until lost packets are told; and from then on


@dataclass(frozen=True, slots=True)
class Health:
    """How one camera stream is."""

    well: bool  #: key frames advance
    cause: Cause | None  #: why not; None while well
    detail: str  #: what the other side or the network said, for a person
    since: float  #: monotonic seconds of the last change
    attempts: int  #: sessions tried since it was last well
    held: bool  #: not tried again until the credentials change


@dataclass(frozen=True, slots=True)
class Frozen:
    """A session was open, and no key frame came."""

    since: float  #: monotonic seconds of the last key frame, or of when the stream was last well
    packets: bool  #: whether anything came at all


@dataclass(frozen=True, slots=True)
class Loss:
    """Packets that did not come."""

    lost: int
    received: int  #: packets, in the same time
    over: float  #: seconds


class Losses:
    """Says when losses of one stream are to be told: soon, and then not every minute for days."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._every = _LOSS_SOON
        self._packets = self._lost = 0

    def due(self, now: float) -> bool:
        """Whether it is time to look."""
        return now - self._since >= self._every

    def look(self, reception: Reception, now: float) -> Loss | None:
        """What was lost since the last look, or None. After a loss it is due again in ten minutes, else in one."""
        loss = Loss(reception.lost - self._lost, reception.packets - self._packets, now - self._since)
        self._packets, self._lost, self._since = reception.packets, reception.lost, now
        self._every = _LOSS_AGAIN if loss.lost else _LOSS_SOON
        return loss if loss.lost else None


class Station:
    """One camera stream, kept alive."""

    def __init__(
        self,
        connect: Callable[[], Source],
        intake: Intake,
        ladder: Ladder,
        clock: Clock,
        changed: Callable[[Health], None],
        frozen: Callable[[Frozen | None], None],
        lossy: Callable[[Loss], None],
    ) -> None:
        """`connect` makes a fresh source; `changed` is called when health changes, at most once an outage
        each way; `frozen` when key frames stop within a session, and with None when they advance again;
        `lossy` when packets were lost, now and then."""
        self._connect = connect
        self._intake = intake
        self._ladder = ladder
        self._clock = clock
        self._changed = changed
        self._frozen = frozen
        self._lossy = lossy
        self._losses = Losses(clock.monotonic())
        self._source: Source | None = None
        self._patience = ROUND
        self._released = asyncio.Event()
        self._totals = Reception()
        self.health = Health(False, Cause.CONNECTING, "", clock.monotonic(), 0, False)
        self._told_well: bool | None = None
        self._told_frozen: bool | None = None

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
            if ended.cause in _FROZEN and self._told_frozen is not True:
                self._told_frozen = True
                since = self.reception.last_key or self.health.since
                self._frozen(Frozen(since, ended.cause is not Cause.SILENT))
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
            if self._losses.due(now) and (loss := self._losses.look(self.reception, now)) is not None:
                self._lossy(loss)
            source = self._source
            # Many a camera sends one key frame when it is asked to play, frozen or not.
            if source is not None and source.reception.keys > 1 and self._told_frozen is not False:
                self._told_frozen = False
                self._frozen(None)
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
