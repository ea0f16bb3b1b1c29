"""A file system that was made anew has nothing of what the catalogue knows to be on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from device.cameras.source import Cause
from device.errors import Refused
from device.recording.retention import discard

BATCH = 200  #: segments in one transaction: it holds up the segments that are being recorded elsewhere


class InUse(Refused):
    """There is a volume of ours, and it is used."""


def forget(c: sqlite3.Connection, path: Path, ids: Callable[[], int]) -> bool:
    """Take a batch of what was recorded on the volumes of that folder out of the catalogue; whether more is left. Its
    time goes to the ledger, as deleted by a person."""
    volumes = [number for (number,) in c.execute("SELECT id FROM volume WHERE path = ?", (str(path),))]
    left = BATCH
    for volume in volumes:
        found = c.execute(
            "SELECT id, state FROM segment WHERE volume = ? ORDER BY id LIMIT ?", (volume, left)
        ).fetchall()
        for segment, state in found:
            if state == 1:
                discard(c, segment, Cause.DELETED, ids)
            c.execute("DELETE FROM segment WHERE id = ?", (segment,))
        left -= len(found)
        if not left:
            return True
        c.execute("DELETE FROM leftover WHERE volume = ?", (volume,))
        c.execute("DELETE FROM volume WHERE id = ?", (volume,))
    return False
