"""Where plans, jobs and receivers outlive a restart. The control plane writes."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from device.database import open_database, transaction
from device.recordings.model import Job, Plan, Receiver
from device.records import from_json, to_json

R = TypeVar("R", Plan, Job, Receiver)

SCHEMA = (
    """
    CREATE TABLE thing(
        kind TEXT NOT NULL, token TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (kind, token)) WITHOUT ROWID;
    """,
)


class Store:
    """One record each. Durable when a call returns."""

    def __init__(self, path: Path) -> None:
        """Raises DatabaseFault."""
        self._database = open_database(path, SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def all(self, kind: type[R]) -> dict[str, R]:
        """All of a kind, by token."""
        rows = self._database.execute(
            "SELECT token, json FROM thing WHERE kind = ? ORDER BY token", (kind.__name__,)
        )
        return {token: from_json(kind, text) for token, text in rows}

    def put(self, *things: Plan | Job | Receiver) -> None:
        """Keep things, in the place of those of the same tokens: all of them, or none. Raises DatabaseFault."""
        with transaction(self._database):
            self._database.executemany(
                "INSERT OR REPLACE INTO thing VALUES (?, ?, ?)",
                [(type(each).__name__, each.token, to_json(each).decode()) for each in things],
            )

    def drop(self, *things: Plan | Job | Receiver) -> None:
        """Forget things: all of them, or none. Raises DatabaseFault."""
        with transaction(self._database):
            self._database.executemany(
                "DELETE FROM thing WHERE kind = ? AND token = ?",
                [(type(each).__name__, each.token) for each in things],
            )
