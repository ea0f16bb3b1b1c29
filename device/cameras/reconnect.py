"""When to try a camera again. A state machine without a clock: the caller tells the time, and waits.

Recording is to go on within five seconds of the camera's return. Connecting and waiting for a key frame take
up to two of them, so nobody waits for longer than `LADDER[-1]`. It never gives up: a camera that was
unplugged for a month is recorded seconds after it is plugged in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device.cameras.source import Cause

#: Seconds before the first, second ... try after a session ended; the last repeats.
LADDER = (0.0, 0.5, 1.0, 2.0, 3.0)
JITTER = 0.25  #: of a step, taken off at random: cameras behind one switch are not to come back in step
STABLE = 60.0  #: seconds of stream after which the next end is a first one again
TRIES_WHILE_REJECTED = 3  #: for one version of the credentials: cameras lock accounts


@dataclass(frozen=True, slots=True)
class Hold:
    """Do not try again until the credentials change."""


class Ladder:
    """The ladder of one camera stream."""

    __slots__ = ("_jitter", "_rejected", "_since", "_step")

    def __init__(self, jitter: Callable[[], float]) -> None:
        """`jitter` gives numbers from 0 to 1."""
        self._jitter = jitter
        self._step = 0
        self._rejected = 0
        self._since: float | None = None  # when the running stream began

    def delivering(self, now: float) -> None:
        """The session delivers key frames. May be said as often as one likes."""
        self._rejected = 0
        if self._since is None:
            self._since = now

    def ended(self, cause: Cause, now: float) -> float | Hold:
        """A session ended, or could not begin. How many seconds to wait before the next, or Hold."""
        since, self._since = self._since, None
        if since is not None and now - since >= STABLE:
            self._step = 0
        if cause is Cause.REJECTED:
            self._rejected += 1
            if self._rejected >= TRIES_WHILE_REJECTED:
                return Hold()
        wait = LADDER[min(self._step, len(LADDER) - 1)]
        self._step += 1
        return wait * (1.0 - JITTER * self._jitter())

    def credentials_changed(self) -> None:
        """Others may be tried now, and at once."""
        self._rejected = 0
        self._step = 0
