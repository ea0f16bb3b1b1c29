"""What lies in the archive, read back: piece by piece, the newest of them kept in memory.

Not on a disk: what is deleted would stay there in pieces, and a drive that is encrypted is not where they would lie.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from device.clock import Clock
from device.errors import HoldfastError, NotFound
from device.media import Utc

PIECE = 1 << 20  #: octets that are fetched at once
KEPT = 64  #: pieces of each archive
RESPITE = 10.0  #: seconds that a share which failed is left alone: whoever asks meanwhile is told at once


@dataclass(frozen=True, slots=True)
class Lying:
    """A segment that lies in an archive."""

    target: str  #: identity of the archive it was moved to; empty: its row does not say
    token: str  #: of the recording
    utc: Utc  #: of its first sample
    name: str  #: of its file
    octets: int


class Shelf(Protocol):
    """One archive, as one thread at a time may use it."""

    def fetch(self, lying: Lying, offset: int, end: int) -> bytes:
        """The octets from `offset` to `end`; fewer where it ends before. Raises HoldfastError."""

    def close(self) -> None:
        """End the connection."""


class Reading:
    """`device.recording.afar.Far`: any thread may use it, and one archive that is away holds up no other."""

    def __init__(
        self, shelf: Callable[[str], Shelf], where: Callable[[str, Utc, str], str | None], clock: Clock
    ) -> None:
        """`shelf` connects to an archive by its identity. `where` says in which a segment lies, by its recording, time
        and name. Both raise HoldfastError."""
        self._make = shelf
        self._where = where
        self._clock = clock
        self._turn = threading.Lock()
        self._doors: dict[str, _Door] = {}  #: by the archive's identity

    def open(self, target: str, token: str, utc: Utc, name: str, octets: int) -> _File:
        """`Far`."""
        return _File(self, Lying(target, token, utc, name, octets))

    def close(self) -> None:
        """End the connections, once whoever reads has read."""
        with self._turn:
            doors = list(self._doors.values())
            self._doors.clear()
        for door in doors:
            door.close()

    def read(self, lying: Lying, offset: int, length: int) -> bytes:
        """These octets, fewer where it ends before. Raises HoldfastError."""
        if not lying.target:
            target = self._where(lying.token, lying.utc, lying.name)
            if target is None:
                raise NotFound("segment in an archive", f"{lying.token} {lying.name}")
            lying = replace(lying, target=target)
        with self._turn:
            door = self._doors.get(lying.target)
            if door is None:
                door = self._doors[lying.target] = _Door(partial(self._make, lying.target), self._clock)
        return door.read(lying, offset, length)


class _Door:
    """One archive: one thread fetches, the others wait for it."""

    def __init__(self, shelf: Callable[[], Shelf], clock: Clock) -> None:
        self._make = shelf
        self._clock = clock
        self._turn = threading.Lock()
        self._shelf: Shelf | None = None
        self._failed: HoldfastError | None = None
        self._until = 0.0  #: monotonic: before, what failed is not tried again
        self._pieces: OrderedDict[tuple[Lying, int], bytes] = OrderedDict()

    def close(self) -> None:
        """End the connection."""
        with self._turn:
            self._let_go()
            self._pieces.clear()

    def read(self, lying: Lying, offset: int, length: int) -> bytes:
        """`Reading.read`."""
        end = min(offset + length, lying.octets)
        with self._turn:
            found = [
                self._piece(lying, at)[max(0, offset - at) : end - at]
                for at in range(offset - offset % PIECE, end, PIECE)
            ]
        return b"".join(found)

    def _piece(self, lying: Lying, at: int) -> bytes:
        key = lying, at
        piece = self._pieces.get(key)
        if piece is None:
            piece = self._pieces[key] = self._fetch(lying, at, min(at + PIECE, lying.octets))
            while len(self._pieces) > KEPT:
                self._pieces.popitem(last=False)
        self._pieces.move_to_end(key)
        return piece

    def _fetch(self, lying: Lying, offset: int, end: int) -> bytes:
        if self._failed is not None and self._clock.monotonic() < self._until:
            raise self._failed
        try:
            self._shelf = self._shelf or self._make()
        except HoldfastError as error:
            self._leave_alone(error)
            raise
        try:
            piece = self._shelf.fetch(lying, offset, end)
        except HoldfastError as error:
            if error.transient:
                self._let_go()
                self._leave_alone(error)
            raise
        self._failed = None
        return piece

    def _leave_alone(self, error: HoldfastError) -> None:
        self._failed, self._until = error, self._clock.monotonic() + RESPITE

    def _let_go(self) -> None:
        shelf, self._shelf = self._shelf, None
        if shelf is not None:
            shelf.close()


class _File:
    """`device.recording.afar.FarFile`."""

    def __init__(self, reading: Reading, lying: Lying) -> None:
        self._reading = reading
        self._lying = lying

    def read(self, offset: int, length: int) -> bytes:
        """`FarFile`."""
        return self._reading.read(self._lying, offset, length)

    def close(self) -> None:
        """`FarFile`."""
