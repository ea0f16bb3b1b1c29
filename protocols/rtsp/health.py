"""Whether a session still does what it is for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from device.cameras.source import Cause, Reception, SessionEnded


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
        """Why the session should end now, or None. `parameters`: there are sets that a decoder could start
        with, and the newest ones are not broken.
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
        cause = Cause.FROZEN if parameters else Cause.NO_PICTURE
        if not self._key:
            if now - self._begun < self._patience.first_key:
                return None
            return SessionEnded(cause, f"no key frame in the first {self._patience.first_key:g} s")
        limit = max(self._patience.frozen, 3 * self._longest)
        if now - self._key >= limit:
            return SessionEnded(cause, f"no key frame for {limit:g} s")
        return None
