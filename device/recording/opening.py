"""Opening the catalogue: whose it is, what its last end left, and what a recorder has to know to go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from device.cameras.source import Cause
from device.errors import BadValue
from device.media import Utc
from device.recording.epochs import FIRST, Epochs
from device.recording.ledger import Ledger
from device.recording.notices import CatalogueRebuilt, Notice, RecoveryProblem
from device.recording.rebuild import Rebuilt, holding, restore
from device.recording.recovery import Frontier, Recovered, frontier, recover
from device.recording.segments import Ids
from device.recording.shelf import VolumeSettings

#: Takes on the volumes of the settings, and says where those are that can be looked into, by number.
TakeOn = Callable[[sqlite3.Connection], Mapping[int, Path]]


@dataclass(slots=True)
class Known:
    """A recording of the catalogue."""

    id: int
    frontier: Frontier
    ledger: Ledger | None = None  #: while nobody records it


@dataclass(frozen=True, slots=True)
class Opened:
    """What the catalogue knows."""

    ids: Ids
    tracks: dict[str, int]  #: ids by description
    epochs: Epochs
    known: dict[str, Known]  #: recordings by token
    why_down: Cause  #: why nothing was recorded until now
    recovered: Recovered
    rebuilt: Rebuilt | None  #: what was found, where the catalogue had been lost
    notices: list[Notice]  #: to be told


def opened(
    c: sqlite3.Connection,
    recorder: str,
    settings: Sequence[VolumeSettings],
    take_on: TakeOn,
    *,
    above: int,
    now: Utc,
) -> Opened:
    """Make or mend what is in the catalogue, in one transaction. `above`: all new ids are larger. Raises BadValue
    where it is another recorder's."""
    c.execute("BEGIN IMMEDIATE")
    rebuilt = None
    row = c.execute("SELECT id, alive, stopped, last_id FROM recorder").fetchone()
    if row is None and (full := holding(settings, recorder)):
        # The catalogue was lost. With a new one the files' names would be given again.
        rebuilt = restore(c, full, recorder)
        row = c.execute("SELECT id, alive, stopped, last_id FROM recorder").fetchone()
    if row is None:
        c.execute("INSERT INTO recorder VALUES (?, ?, NULL, 0)", (recorder, now))
        c.execute("INSERT INTO epoch(id, t0, back) VALUES (?, ?, 0)", (FIRST, now))
        row = (recorder, now, None, 0)
    owner, alive, stopped, last = row
    if owner != recorder:
        c.execute("ROLLBACK")
        raise BadValue("recorder", f"the catalogue belongs to {owner}")
    (highest,) = c.execute(
        "SELECT max((SELECT coalesce(max(id), 0) FROM segment), (SELECT coalesce(max(id), 0) FROM gap),"
        " (SELECT coalesce(max(id), 0) FROM run))"
    ).fetchone()
    ids = Ids(max(last, highest, above))
    recovered = recover(c, take_on(c), ids, Utc(alive))
    notices: list[Notice] = []
    if rebuilt is not None:
        recovered.problems += rebuilt.skipped
        notices.append(CatalogueRebuilt(now, rebuilt.recordings, rebuilt.segments, len(rebuilt.skipped)))
    notices += [RecoveryProblem(now, each) for each in recovered.problems]
    epochs, known = _known(c, Utc(max(alive, 0)), now)
    tracks = {text: number for number, text in c.execute("SELECT id, description FROM tracks")}
    c.execute("UPDATE recorder SET stopped = NULL, alive = ? WHERE id = ?", (now, recorder))
    c.execute("COMMIT")
    why_down = Cause(stopped) if stopped else Cause.RECORDER_DOWN
    return Opened(ids, tracks, epochs, known, why_down, recovered, rebuilt, notices)


def _known(c: sqlite3.Connection, alive: Utc, now: Utc) -> tuple[Epochs, dict[str, Known]]:
    """Where each recording's ledger ends. An epoch begins where the clock went back while we were down."""
    epochs, known = Epochs.of(c), {}
    latest = alive
    for number, token, epoch, created in c.execute(
        "SELECT id, token, epoch, created FROM recording"
    ).fetchall():
        end = frontier(c, number) or Frontier(epoch, Utc(created), None)
        known[token] = Known(number, end)
        latest = max(latest, epochs.today(end.epoch, end.utc))
    if latest > now:
        c.execute(*epochs.begin(now, latest - now))
    return epochs, known
