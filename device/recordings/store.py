"""Where plans, jobs and receivers outlive a restart. The control plane writes. The URL of a receiver is sealed, as
there may be a password in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from device.database import open_database, transaction
from device.recordings.model import Job, Plan, Receiver
from device.records import from_json, to_json
from device.vault import Vault

R = TypeVar("R", Plan, Job, Receiver)

SCHEMA = (
    """
    CREATE TABLE thing(
        kind TEXT NOT NULL, token TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (kind, token)) WITHOUT ROWID;
    """,
)


class Store:
    """One record each. Durable when a call returns."""

    def __init__(self, path: Path, vault: Vault) -> None:
        """Raises DatabaseFault."""
        self._database = open_database(path, SCHEMA)
        self._vault = vault

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def all(self, kind: type[R]) -> dict[str, R]:
        """All of a kind, by token."""
        rows = self._database.execute(
            "SELECT token, json FROM thing WHERE kind = ? ORDER BY token", (kind.__name__,)
        )
        return {token: self._opened(from_json(kind, text)) for token, text in rows}

    def put(self, *things: Plan | Job | Receiver) -> None:
        """Keep things, in the place of those of the same tokens: all of them, or none. Raises DatabaseFault."""
        with transaction(self._database):
            self._database.executemany(
                "INSERT OR REPLACE INTO thing VALUES (?, ?, ?)",
                [(type(each).__name__, each.token, to_json(self._sealed(each)).decode()) for each in things],
            )

    def _sealed(self, thing: Plan | Job | Receiver) -> Plan | Job | Receiver:
        if isinstance(thing, Receiver):
            return replace(thing, uri=self._vault.seal(thing.uri, thing.token))
        return thing

    def _opened(self, thing: R) -> R:
        if isinstance(thing, Receiver):
            return replace(thing, uri=self._vault.open(thing.uri, thing.token))
        return thing

    def drop(self, *things: Plan | Job | Receiver) -> None:
        """Forget things: all of them, or none. Raises DatabaseFault."""
        with transaction(self._database):
            self._database.executemany(
                "DELETE FROM thing WHERE kind = ? AND token = ?",
                [(type(each).__name__, each.token) for each in things],
            )
