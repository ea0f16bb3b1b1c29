"""A segment moves to the archive: its row says so from one instant on, and only then its file here is unlinked.

    proven on the share  ->  its row says the archive, `leftover` says its file here
                         ->  unlink, fsync of the folder  ->  `leftover` forgets it

Whatever stops in between, the row names a place where all of it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from device.media import Utc
from device.recording.retention import locked
from device.recording.segments import State


@dataclass(frozen=True, slots=True)
class Proven:
    """A segment whose copy was read back from the archive, just now."""

    segment: int
    octets: int  #: of the copy


def archive(
    c: sqlite3.Connection,
    target: str,
    place: str,
    proven: Sequence[Proven],
    now: Utc,
    *,
    evidence: bool = False,
) -> list[int]:
    """Let these segments lie in the archive `target`; returns which of them do now. `place`: for a person to read.

    One that is no longer closed, or has another length than its copy, stays where it is; and one that is locked, unless
    `evidence`: what is here is the spool of where it is to be kept.
    """
    c.execute(
        "INSERT INTO volume(uuid, path, archive) VALUES (?, ?, 1) ON CONFLICT(uuid) DO UPDATE SET path = excluded.path",
        (target, f"archive:{place}"),
    )
    (there,) = c.execute("SELECT id FROM volume WHERE uuid = ?", (target,)).fetchone()
    moved = []
    for each in proven:
        row = c.execute(
            "SELECT s.volume, s.recording, s.t0, s.t0 + s.dur, s.hour, r.token FROM segment AS s"
            " JOIN recording AS r ON r.id = s.recording JOIN volume AS v ON v.id = s.volume"
            " WHERE s.id = ? AND s.state = ? AND s.durable = ? AND v.archive = 0",
            (each.segment, int(State.CLOSED), each.octets),
        ).fetchone()
        if row is None:
            continue
        volume, recording, t0, end, hour, token = row
        if not evidence and locked(c, recording, t0, end, now):
            continue
        c.execute(
            "INSERT INTO leftover(segment, volume, token, hour, octets) VALUES (?, ?, ?, ?, ?)",
            (each.segment, volume, token, hour, each.octets),
        )
        c.execute("UPDATE segment SET volume = ? WHERE id = ?", (there, each.segment))
        c.execute("UPDATE volume SET bytes = bytes - ? WHERE id = ?", (each.octets, volume))
        c.execute("UPDATE volume SET bytes = bytes + ? WHERE id = ?", (each.octets, there))
        moved.append(each.segment)
    return moved


def erased(c: sqlite3.Connection, segments: Sequence[int]) -> None:
    """Their files in the archive are gone: so are the rows, which were garbage."""
    c.executemany(
        "DELETE FROM segment WHERE id = ? AND state = 2 AND volume IN (SELECT id FROM volume WHERE archive = 1)",
        [(segment,) for segment in segments],
    )
