"""What was done to the cameras, and when: JSON lines that a test holds against the recorder's ledger."""

from __future__ import annotations

import json
from pathlib import Path

from device.clock import Clock

Entry = dict[str, object]


class Journal:
    """Kept in memory, and appended to a file where one is given.

    Every entry has `utc` (microseconds, the true clock), `camera`, `fault` and `phase`: `begin` and `end`
    with `frames`, for each stream the number of the first frame that the change is in; `skip` with the `count`
    of frames from `frame` on that were never made, because the machine was too busy; `hit` with the indices
    of the `packets` of `frame` that were lost on purpose.
    """

    def __init__(self, clock: Clock, path: Path | None) -> None:
        self.entries: list[Entry] = []
        self._clock = clock
        self._file = path.open("a", encoding="utf-8", buffering=1) if path is not None else None

    def add(self, camera: int, fault: str, phase: str, **details: object) -> None:
        """Enter something that happens now."""
        entry: Entry = {"utc": self._clock.utc(), "camera": camera, "fault": fault, "phase": phase, **details}
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        """The file is complete."""
        if self._file is not None:
            self._file.close()
            self._file = None
