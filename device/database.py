"""Opening our SQLite databases: one way for settings, accounts, events and jobs."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from device.errors import Fault

LOCKED_TRIES = 200
LOCKED_PAUSE = 0.02  #: seconds


class DatabaseFault(Fault):
    """A database cannot be opened, or was made by a newer version of the recorder."""


def open_database(path: Path, schema: Sequence[str], *, readonly: bool = False) -> sqlite3.Connection:
    """Open, and bring up to date. Durable on commit (WAL, synchronous=FULL), readable by our user alone;
    what is deleted is overwritten, because there are secrets in it.

    `schema`: scripts that lead from one version to the next. They are only ever added to: `user_version`
    counts those that were applied. Whoever comes first applies them, a reader too, so that the planes may
    start in any order. Raises DatabaseFault.
    """
    try:
        if readonly:
            if not path.exists():
                open_database(path, schema).close()
            database = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
        else:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseFault(f"{path}: {error}") from None
    try:
        database.execute("PRAGMA busy_timeout = 10000")
        if not readonly:
            _write_ahead(database)
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA secure_delete = ON")
            _migrate(database, path, schema)
        elif _version(database) < len(schema):
            open_database(path, schema).close()
        elif _version(database) > len(schema):
            raise DatabaseFault(f"{path} was made by a newer version of the recorder.")
    except sqlite3.Error as error:
        database.close()
        raise DatabaseFault(f"{path}: {error}") from None
    except DatabaseFault:
        database.close()
        raise
    return database


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, and no other writer in between. Durable when left. Raises DatabaseFault."""
    try:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("COMMIT")
    except BaseException as error:
        if database.in_transaction:
            database.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise DatabaseFault(f"The database could not be written: {error}") from error
        raise


def changes(database: sqlite3.Connection) -> int:
    """A number that differs from the last one when another connection has committed (`PRAGMA
    data_version`)."""
    return int(database.execute("PRAGMA data_version").fetchone()[0])


def _write_ahead(database: sqlite3.Connection) -> None:
    """Turn to WAL. Where processes do so at once SQLite says that it is locked, and does not wait by itself."""
    for _ in range(LOCKED_TRIES):
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(LOCKED_PAUSE)
    raise DatabaseFault("The database is locked by another program.")


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _migrate(database: sqlite3.Connection, path: Path, schema: Sequence[str]) -> None:
    if _version(database) == len(schema):
        return
    with transaction(database):
        version = _version(database)  # another process may have been quicker
        if version > len(schema):
            raise DatabaseFault(f"{path} was made by a newer version of the recorder.")
        for script in schema[version:]:
            for statement in script.split(";"):
                if statement.strip():
                    database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(schema)}")
