"""What a bench needs of whatever it measures: ours and the peers are the same to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.measure import Groups


@dataclass(frozen=True, slots=True)
class Running:
    """A recorder at work."""

    groups: Groups  #: its planes, or itself
    lost: int | None  #: packets that it missed since it began; None where it does not count


class Contender(Protocol):
    """A recorder whose cost is measured."""

    @property
    def name(self) -> str:
        """Key in reports."""

    @property
    def title(self) -> str:
        """As tables say it."""

    def recording(
        self, urls: Sequence[str], folder: Path, log: Path
    ) -> AbstractContextManager[Callable[[], Running]]:
        """Record the cameras into `folder` until the context ends. Gives a function that tells its state."""


class Writer(Protocol):
    """A recorder that is cut off."""

    @property
    def name(self) -> str:
        """Key in reports."""

    @property
    def title(self) -> str:
        """As tables say it."""

    @property
    def disks(self) -> Sequence[str]:
        """Names of the file systems that it needs."""

    def recording(
        self, urls: Mapping[int, str], disks: Mapping[str, Path], log: Path
    ) -> AbstractContextManager[Callable[[], Iterable[int]]]:
        """Record the cameras until the context ends. Gives a function that tells its processes."""

    def frames(self, disks: Mapping[str, Path], cameras: Iterable[int]) -> Mapping[int, int]:
        """Frames that can be shown of each camera, from disks that were mounted after a cut."""
