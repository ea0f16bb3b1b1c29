"""When a plane that ended is started again. Pure: chance and time are arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FIRST = 0.1  #: seconds, of the second attempt in a row


@dataclass(frozen=True, slots=True)
class Patience:
    """How a plane's restarts are spaced."""

    stable: float  #: seconds after it was ready from which its end counts as the first again
    longest: float  #: seconds; no wait is longer


#: Evidence is lost while it is down, so it is tried again within the second, for ever.
RECORDING = Patience(stable=1.0, longest=0.8)
OTHERS = Patience(stable=10.0, longest=10.0)


class Backoff:
    """At once the first time; then twice as long each time, up to `longest`, each wait spread by chance
    over its upper half, so that planes that fell together do not rise together."""

    def __init__(self, patience: Patience, chance: Callable[[], float]) -> None:
        """`chance` gives a number from 0 to 1."""
        self._patience = patience
        self._chance = chance
        self._failures = 0

    def ended(self, lived: float) -> float:
        """Seconds to wait. `lived`: seconds from when it said that it was ready; 0 where it never did."""
        if lived >= self._patience.stable:
            self._failures = 0
        self._failures += 1
        if self._failures == 1:
            return 0.0
        longest: float = min(FIRST * 2.0 ** min(self._failures - 2, 16), self._patience.longest)
        return longest * (0.5 + 0.5 * self._chance())
