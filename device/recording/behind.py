"""A share behind a volume: the volume is its spool, and what is on the share is deleted here, too.

The share itself is reached by another plane, which says how much room it has.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from device.recording.retention import Age, Need
from device.recording.volume import Room


@dataclass(frozen=True, slots=True)
class Behind:
    """What is to be kept to on a share."""

    target: str  #: identity of its folder, under which the catalogue knows it as an archive
    keep: int | None = None  #: microseconds of age from which everything on it is deleted; None: no limit
    quota: int | None = None  #: bytes that recordings may take on it; None: no limit
    reserve_share: float = 0.01  #: of the share's size, always kept free


def dues(
    c: sqlite3.Connection, shares: Sequence[Behind], rooms: Mapping[str, Room]
) -> tuple[list[Need], list[Age]]:
    """What is to be deleted on some shares. `rooms`: how much each has, by target, as far as that is known."""
    needs, ages = [], []
    for share in shares:
        row = c.execute(
            "SELECT id, bytes FROM volume WHERE uuid = ? AND archive = 1", (share.target,)
        ).fetchone()
        if row is None:
            continue  # nothing was moved there yet
        number, octets = row
        if share.keep is not None:
            ages.append(Age(number, share.keep))
        excess = 0 if share.quota is None else octets - share.quota
        room = rooms.get(share.target)
        if room is not None:
            # What is garbage is removed there before long: nothing is deleted twice for the same want.
            (freeing,) = c.execute(
                "SELECT coalesce(sum(durable), 0) FROM segment INDEXED BY segment_loose"
                " WHERE state = 2 AND state <> 1 AND volume = ?",
                (number,),
            ).fetchone()
            excess = max(excess, round(room.size * share.reserve_share) - room.free - freeing)
        if excess > 0:
            needs.append(Need(number, excess))
    return needs, ages
