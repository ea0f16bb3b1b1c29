"""Files that wait until a recipient has them: one entry in a folder for each, a file or a folder of files.

The outbox says how long they wait: an entry that no letter names any more, because it was delivered or dropped, goes
with the next sweep.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from device.errors import Fault

RESERVE = 500_000_000  #: octets that stay free on the disk that the recorder itself lives on


class SpoolFull(Fault):
    """The disk of the data folder has too little room for what is to be sent."""

    transient = True
    hint = "What waits for recipients that are away takes it: `holdfast outbox`."


class Spool:
    """The folder. For one thread, the loop's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._making: set[str] = set()

    @contextlib.contextmanager
    def making(self, entry: str) -> Iterator[Path]:
        """Where a new entry is to be made; it is not swept away before the end. Raises SpoolFull, OSError."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if (free := shutil.disk_usage(self.folder).free) < RESERVE:
            raise SpoolFull(f"{self.folder}: only {free // 1_000_000} MB are free.")
        self._making.add(entry)
        try:
            yield self.folder / entry
        finally:
            self._making.discard(entry)

    def entries(self) -> set[str]:
        """Those that are whole, or were left by somebody who ended while he made them."""
        if not self.folder.exists():
            return set()
        return {each.name for each in self.folder.iterdir()} - self._making

    def sweep(self, entries: Collection[str]) -> None:
        """Take entries away. Blocking."""
        for each in entries:
            path = self.folder / each
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
