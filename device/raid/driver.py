"""What the recorder needs of drives, md, dm-crypt and file systems: small things, one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from device.raid.level import Level
from device.raid.state import Kind, Reading


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of a file system found."""

    clean: bool
    report: str  #: the last lines of what the checker said, for a person


class RaidDriver(Protocol):
    """Drives in bays and what is made of them.

    Every method may raise `errors.DriverFault` (the program failed, hung or is missing); a method that cannot
    be done now raises one of the other errors of that module, and has done nothing then. Each can be done
    again after it was cut by a restart.
    """

    name: str

    async def read(self) -> Reading:
        """How everything is."""

    async def wait(self, seconds: float) -> None:
        """Return when something may have changed, and at the latest after so long."""

    async def create(self, level: Level, bays: Sequence[int], spares: Sequence[int]) -> str:
        """Make an array of these drives, whatever is on them; returns its UUID."""

    async def assemble(self) -> None:
        """Put the recorder's own array together from the drives that are there, as after a start."""

    async def dissolve(self) -> None:
        """End the array and take its marks off its drives: what was on it is lost."""

    async def add(self, bay: int) -> None:
        """Give the drive in a bay to the array: it is rebuilt where one is missing, else it is a spare."""

    async def remove(self, bay: int) -> None:
        """Take a drive that is faulty, a spare, or gone from its bay out of the array."""

    async def scrub(self, on: bool) -> None:
        """Begin or end to read and compare everything."""

    async def lock(self, password: str) -> None:
        """Encrypt the array with this password: what was on it is lost. It is open then."""

    async def open(self, password: str) -> None:
        """Open the lock. Raises WrongPassword."""

    async def close(self) -> None:
        """Close the lock."""

    async def change_password(self, old: str, new: str) -> None:
        """While everything goes on. Raises WrongPassword."""

    async def make(self, kind: Kind) -> None:
        """Make a file system on the array, or behind its open lock: what was there is lost, the lock stays."""

    async def clear(self) -> None:
        """Take lock and file system off the array: what was there is lost."""

    async def check(self, repair: bool) -> Verdict:
        """Check the file system, which is not mounted; `repair` may give up what cannot be saved."""

    async def mount(self, read_only: bool) -> None:
        """Mount the file system, or mount it anew so."""

    async def unmount(self) -> None:
        """Raises Busy where something holds it."""
