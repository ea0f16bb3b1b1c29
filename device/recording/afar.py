"""Segments in an archive: what the recording core needs of whoever can reach it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from device.media import Utc
from device.recording.scan import Bytes


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


@dataclass(frozen=True, slots=True)
class FarSegment:
    """A segment's file in an archive, by its name."""

    where: str  #: for a person
    token: str
    day: str  #: YYYY-MM-DD in UTC, of its folder
    number: int
    file: AbstractContextManager[Bytes]  #: opens it; raises HoldfastError, as reading it does


class Archived(Protocol):
    """All of an archive, for a catalogue that is made anew."""

    @property
    def target(self) -> str:
        """Identity of the archive."""

    @property
    def place(self) -> str:
        """Where it is, for a person."""

    def segments(self) -> Iterator[FarSegment]:
        """What lies there. Raises HoldfastError."""


class Proofs(Protocol):
    """What is known of an archive, for `holdfast check`."""

    def wrong(self, target: str, token: str, utc: Utc, name: str, octets: int, *, deep: bool) -> str | None:
        """What is wrong with a segment that was moved to `target`; None: nothing. `deep`: read it back."""
