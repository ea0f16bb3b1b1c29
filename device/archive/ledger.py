"""What lies in the archive, proven. A row is written after the proof and never before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.database import open_database, transaction
from device.media import Utc

SCHEMA = (
    """
    CREATE TABLE copy(
        target TEXT NOT NULL, token TEXT NOT NULL, name TEXT NOT NULL, utc INTEGER NOT NULL, duration INTEGER NOT NULL,
        size INTEGER NOT NULL, sha256 TEXT NOT NULL, proven INTEGER NOT NULL,
        PRIMARY KEY (target, token, name)) WITHOUT ROWID;
    CREATE INDEX copy_by_time ON copy(target, token, utc);
    """,
    # What was begun to be brought to a share, until the catalogue says that it lies there: its segment may be deleted
    # before that, and then this alone knows of its file there.
    """
    CREATE TABLE begun(
        target TEXT NOT NULL, token TEXT NOT NULL, name TEXT NOT NULL, utc INTEGER NOT NULL,
        PRIMARY KEY (target, token, name, utc)) WITHOUT ROWID;
    """,
)
_COLUMNS = "token, name, utc, duration, size, sha256, proven"


@dataclass(frozen=True, slots=True)
class Copy:
    """A segment that lies in the archive, whole."""

    token: str  #: of the recording
    name: str  #: of the segment's file; no other segment of the recording has it
    utc: Utc  #: of its first sample
    duration: int  #: microseconds
    size: int  #: octets
    sha256: str  #: hexadecimal
    proven: Utc  #: when it was read back


@dataclass(frozen=True, slots=True)
class Sum:
    """How much there is."""

    copies: int
    octets: int


class Ledger:
    """The copies in one target. For one thread at a time."""

    def __init__(self, path: Path, target: str, *, readonly: bool = False) -> None:
        """`target`: its identity. Raises DatabaseFault."""
        self._database = open_database(path, SCHEMA, readonly=readonly)
        self._target = target

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def add(self, copy: Copy) -> None:
        """Enter what was proven. Durable when it returns. Raises DatabaseFault."""
        values = (copy.token, copy.name, copy.utc, copy.duration, copy.size, copy.sha256, copy.proven)
        with transaction(self._database):
            self._database.execute(
                "INSERT OR REPLACE INTO copy VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (self._target, *values)
            )

    def get(self, token: str, name: str) -> Copy | None:
        """A segment that lies there."""
        row = self._database.execute(
            f"SELECT {_COLUMNS} FROM copy WHERE target = ? AND token = ? AND name = ?",  # noqa: S608 - words of ours
            (self._target, token, name),
        ).fetchone()
        return None if row is None else _copy(row)

    def has(self, token: str, name: str, utc: Utc) -> bool:
        """Whether a segment lies there. One of another time was recorded before the catalogue was lost, and is not
        this one."""
        copy = self.get(token, name)
        return copy is not None and copy.utc == utc

    def forget(self, token: str, name: str) -> None:
        """It was deleted there. Durable when it returns. Raises DatabaseFault."""
        with transaction(self._database):
            self._database.execute(
                "DELETE FROM copy WHERE target = ? AND token = ? AND name = ?", (self._target, token, name)
            )

    def begin(self, token: str, name: str, utc: Utc) -> None:
        """A segment is about to be brought there. Durable when it returns. Raises DatabaseFault."""
        with transaction(self._database):
            self._database.execute(
                "INSERT OR IGNORE INTO begun VALUES (?, ?, ?, ?)", (self._target, token, name, utc)
            )

    def begun(self) -> list[tuple[str, str, Utc]]:
        """Tokens, names and times of segments that were begun and are not settled."""
        rows = self._database.execute("SELECT token, name, utc FROM begun WHERE target = ?", (self._target,))
        return [(token, name, Utc(utc)) for token, name, utc in rows]

    def settle(self, token: str, name: str, utc: Utc) -> None:
        """The catalogue has it there, or nothing of it is there any more. Raises DatabaseFault."""
        with transaction(self._database):
            self._database.execute(
                "DELETE FROM begun WHERE target = ? AND token = ? AND name = ? AND utc = ?",
                (self._target, token, name, utc),
            )

    def newest(self, token: str) -> Utc | None:
        """Beginning of the newest segment of a recording that lies there."""
        (utc,) = self._database.execute(
            "SELECT max(utc) FROM copy WHERE target = ? AND token = ?", (self._target, token)
        ).fetchone()
        return None if utc is None else Utc(utc)

    def sum(self) -> Sum:
        """All of it."""
        row = self._database.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM copy WHERE target = ?", (self._target,)
        ).fetchone()
        return Sum(*row)


def target_of(path: Path, token: str, name: str, utc: Utc) -> str | None:
    """Identity of the archive that a segment lies in; None: in none. Raises DatabaseFault."""
    with closing(open_database(path, SCHEMA, readonly=True)) as database:
        row = database.execute(
            "SELECT target FROM copy WHERE token = ? AND name = ? AND utc = ? ORDER BY proven DESC",
            (token, name, utc),
        ).fetchone()
        return None if row is None else str(row[0])


def highest(path: Path) -> int:
    """The highest number of a segment that was ever brought to an archive: a catalogue that is made anew gives others,
    for a name there is given once. Raises DatabaseFault."""
    with closing(open_database(path, SCHEMA, readonly=True)) as database:
        (number,) = database.execute(
            "SELECT max(CAST(name AS INTEGER)) FROM (SELECT name FROM copy UNION ALL SELECT name FROM begun)"
        ).fetchone()
        return int(number or 0)


def copies(path: Path, target: str, token: str = "") -> Iterator[Copy]:
    """What lies in a target, by recording and time, while the recorder goes on. `token`: only of one recording. Raises
    DatabaseFault."""
    with closing(open_database(path, SCHEMA, readonly=True)) as database:
        rows = database.execute(
            f"SELECT {_COLUMNS} FROM copy"  # noqa: S608 - words of ours
            " WHERE target = ? AND ? IN ('', token) ORDER BY token, utc",
            (target, token),
        )
        for row in rows:
            yield _copy(row)


def _copy(row: tuple[Any, ...]) -> Copy:  # Any: as the columns are
    return Copy(row[0], row[1], Utc(row[2]), row[3], row[4], row[5], Utc(row[6]))
