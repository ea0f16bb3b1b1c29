"""Segments in an archive: what the recording core needs of whoever can reach it."""

from __future__ import annotations

from typing import Protocol

from device.media import Utc


class FarFile(Protocol):
    """One segment in an archive, open."""

    def read(self, offset: int, length: int) -> bytes:
        """These octets, fewer where it ends before. Raises HoldfastError where the archive does not give them."""

    def close(self) -> None:
        """Let go of it."""


class Far(Protocol):
    """Reads an archive. Any thread may use it."""

    def open(self, target: str, token: str, utc: Utc, name: str, octets: int) -> FarFile:
        """A segment by its recording, the time of its first sample, its file's name and length. Talks to nobody yet.

        `target`: identity of the archive that it was moved to; empty: of none, as far as its row says."""


class Proofs(Protocol):
    """What is known of an archive, for `holdfast check`."""

    def wrong(self, target: str, token: str, utc: Utc, name: str, octets: int, *, deep: bool) -> str | None:
        """What is wrong with a segment that was moved to `target`; None: nothing. `deep`: read it back."""
