"""Whether a session still does what it is for, and how seldom its socket may wake us. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from device.cameras.source import Cause, Reception, SessionEnded

BATCH = 0.028  #: seconds of the stream that are let gather in the socket
BATCH_LIMIT = 64 * 1024  #: octets
BATCH_LEAST = 4 * 1024  #: octets; below it batching saves nothing
STALL = 1.0  #: seconds for which a socket that did not wake us is left alone


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of one session, seconds."""

    connect: float = 2.5  #: for the connection; a new try begins sooner than the third SYN of the old
    answer: float = 5.0  #: for each answer
    silent: float = 10.0  #: without any packet
    first_key: float = 30.0  #: from PLAY to the first key frame
    frozen: float = 10.0  #: between key frames, or three times the longest distance between two so far


class Health:
    """Judges a session by its counters; to be asked about once a second."""

    __slots__ = ("_begun", "_key", "_longest", "_packets", "_packets_at", "_patience", "_video")

    def __init__(self, patience: Patience, video: bool, now: float) -> None:
        self._patience = patience
        self._video = video
        self._begun = self._packets_at = now
        self._packets = 0
        self._key = 0.0
        self._longest = 0.0

    def verdict(self, reception: Reception, now: float, parameters: bool) -> SessionEnded | None:
        """Why the session should end now, or None. `parameters`: a decoder could start at the next key
        frame.
        """
        if reception.packets != self._packets:
            self._packets = reception.packets
            self._packets_at = now
        elif now - self._packets_at >= self._patience.silent:
            return SessionEnded(Cause.SILENT, f"nothing arrived for {self._patience.silent:g} s")
        if not self._video:
            return None
        if reception.last_key != self._key:
            if self._key:
                self._longest = max(self._longest, reception.last_key - self._key)
            self._key = reception.last_key
        if not self._key:
            if now - self._begun < self._patience.first_key:
                return None
            cause = Cause.FROZEN if parameters else Cause.NO_PICTURE
            return SessionEnded(cause, f"no key frame in the first {self._patience.first_key:g} s")
        limit = max(self._patience.frozen, 3 * self._longest)
        if now - self._key >= limit:
            return SessionEnded(Cause.FROZEN, f"no key frame for {limit:g} s")
        return None


class Batch:
    """How many octets should be waiting before the socket wakes us (SO_RCVLOWAT)."""

    __slots__ = ("_octets", "_rate", "_since", "_stalled", "current")

    def __init__(self, now: float) -> None:
        self._octets = 0
        self._rate = 0.0
        self._since = now
        self._stalled = now
        self.current = 1  #: octets

    def arrived(self, octets: int) -> None:
        """The socket woke us with so many."""
        self._octets += octets

    def tick(self, now: float, low_latency: bool) -> int:
        """What to ask for from now on; to be called some eight times a second. After a tick in which nothing
        woke us it is 1, so that what did arrive is not kept waiting.
        """
        passed = now - self._since
        if passed <= 0:
            return self.current
        if self._octets:
            weight = min(1.0, passed)
            self._rate += (self._octets / passed - self._rate) * weight
        elif self.current > 1:
            self._stalled = now
            self._rate = 0.0
        self._octets = 0
        self._since = now
        wanted = min(BATCH_LIMIT, int(self._rate * BATCH))
        if low_latency or wanted < BATCH_LEAST or now - self._stalled < STALL:
            wanted = 1
        if wanted == 1 or abs(wanted - self.current) * 4 > self.current:
            self.current = wanted
        return self.current
