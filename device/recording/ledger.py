"""The ledger of one recording: what is claimed for every microsecond since it was created.

Pure: it is told what was recorded and what stopped, and hands on *claims*: spans of samples, and gaps with
their causes. Within an epoch (house rule: the wall clock never runs back in one) each claim begins where the
one before ended. When the clock is set back, the next epoch begins that much earlier; so true time, utc + the
sum of `back`, has no hole.

Claims are made when video comes and kept when it is durable: a claim whose write fails becomes a gap of the
same span, so a failure never leaves a hole either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from device.cameras.source import Cause
from device.media import Utc

JITTER = 2_000_000  #: microseconds between two samples of one run that are no gap, where no packet was lost
LOSS = 1_000  #: microseconds: a loss that leaves less than this between two samples cost no picture


#: Gaps that a camera's card may fill. A step of the clock is time that never was.
FILLABLE = frozenset(cause for cause in Cause if cause.due and cause is not Cause.CLOCK_STEP)


@dataclass(frozen=True, slots=True)
class Gap:
    """A span without video, [t0, t1); `t1` None while it lasts; t1 == t0: it was nothing after all."""

    id: int
    recording: int
    epoch: int
    t0: Utc
    t1: Utc | None
    cause: Cause
    inside: int = 0  #: id of the segment in whose span it lies, or 0
    lost: int = 0  #: packets
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """What a fragment claims: [t0, t1), and the loss before it."""

    lead: Gap | None  #: where not None, lies before the span and touches it
    epoch: int
    t0: Utc
    t1: Utc


class Ledger:
    """Where the claims of one recording have got to."""

    def __init__(
        self,
        recording: int,
        epoch: int,
        end: Utc,
        *,
        ids: Callable[[], int],
        emit: Callable[[Gap], None],
    ) -> None:
        """`end` is where the next claim begins; `emit` gets every gap that begins or ends, again with the
        same id when it changes."""
        self.recording = recording
        self.epoch = epoch
        self.end = end
        self.gap: Gap | None = None  #: the one that lasts
        self._ids = ids
        self._emit = emit

    def go_on(self, gap: Gap) -> None:
        """The gap that the ledger ends with lasts, after all."""
        self.gap = replace(gap, t1=None)
        self._emit(self.gap)

    def missing(self, cause: Cause, at: Utc, detail: str = "") -> bool:
        """From the last sample on, nothing is recorded; or, since `at`, for another cause. True where that is
        news."""
        if self.gap is None:
            self.gap = Gap(self._ids(), self.recording, self.epoch, self.end, None, cause, detail=detail)
        elif self.gap.cause is cause:
            return False
        elif at <= self.gap.t0:
            self.gap = replace(self.gap, cause=cause, detail=detail)
        else:
            self._emit(replace(self.gap, t1=at))
            self.end = at
            self.gap = Gap(self._ids(), self.recording, self.epoch, at, None, cause, detail=detail)
        self._emit(self.gap)
        return True

    def recorded(self, utc: Utc, utc_end: Utc, lost: int) -> Span:
        """Samples from `utc` to `utc_end` were laid down, after `lost` packets. Closes the gap that
        lasted."""
        lead = None
        begin = max(utc, self.end)
        if self.gap is not None:
            self._emit(replace(self.gap, t1=begin))
            self.gap = None
        elif (lost and begin - self.end >= LOSS) or begin - self.end > JITTER:
            cause = Cause.PACKET_LOSS if lost else Cause.SILENT
            lead = Gap(self._ids(), self.recording, self.epoch, self.end, begin, cause, lost=lost)
        else:
            begin = self.end
        self.end = max(begin, utc_end)
        return Span(lead, self.epoch, begin, self.end)

    def pass_over(self, at: Utc, cause: Cause, detail: str = "") -> None:
        """Enter a finished gap from the end of the last claim to `at` (nothing where that is not later)."""
        if self.gap is not None:
            raise ValueError("a gap lasts already")
        if at > self.end:
            self._emit(Gap(self._ids(), self.recording, self.epoch, self.end, at, cause, detail=detail))
            self.end = at

    def stepped(self, step: int, epoch: int, at: Utc) -> None:
        """The wall clock was set by `step` microseconds when it said `at`; set back, `epoch` is the new one.

        What was recorded goes on right behind it. Forward, the time that never was is a gap; backward, the
        claims go on in the new epoch, `step` earlier.
        """
        lasting = self.gap
        if lasting is not None:
            at = max(at, lasting.t0)
            self._emit(replace(lasting, t1=at))
            self.end, self.gap = at, None
        if step > 0:
            self.pass_over(Utc(self.end + step), Cause.CLOCK_STEP)
        else:
            self.end = Utc(self.end + step)
            self.epoch = epoch
        if lasting is not None:
            self.missing(lasting.cause, self.end, lasting.detail)
