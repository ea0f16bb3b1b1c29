"""The audit trail: append-only, and chained, so that what was changed afterwards shows.

Each entry is one line of JSON. Its hash is the SHA-256 of the hash before it and of the line, in hexadecimal and
octets; the recorder signs each hash (Ed25519). Whoever holds the recorder's public key can verify the trail, and
whoever holds any one hash - every audit message to a syslog server carries its own - can tell that nothing before it
was taken away.

The trail follows the control plane's journal: an entry of the journal is in it exactly once, whatever the power does.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from device.audit.logs import BY_EVENT, what
from device.database import open_database, transaction
from device.events.event import dump
from device.events.journal import Entry
from device.events.words import plain
from device.signature import PublicKey, Signer

KEEP = 1_000_000  #: entries; before the oldest go, their place is taken by a signed hash
_GO = 10_000  #: that go at once
BEGINNING = "0" * 64  #: the hash before the first entry

SCHEMA = (
    """
    CREATE TABLE entry(
        number INTEGER PRIMARY KEY, journal TEXT NOT NULL, seq INTEGER NOT NULL,
        line TEXT NOT NULL, hash TEXT NOT NULL, signature BLOB NOT NULL, UNIQUE (journal, seq));
    CREATE TABLE anchor(number INTEGER NOT NULL, hash TEXT NOT NULL, signature BLOB NOT NULL);
    CREATE TABLE position(journal TEXT NOT NULL, seq INTEGER NOT NULL);
    """,
)
#: They keep us from mistakes of our own; who can write the file can take them away, and then the chain tells.
_GUARDS = (
    """CREATE TRIGGER IF NOT EXISTS unchanged BEFORE UPDATE ON entry
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS kept BEFORE DELETE ON entry
        WHEN OLD.number > coalesce((SELECT number FROM anchor), 0)
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry's place in the trail."""

    number: int  #: 1, 2, 3 ...
    hash: str  #: 64 hexadecimal figures


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a trail."""

    entries: int  #: that were looked at
    first: int  #: number of the first that is kept; 0: there is none
    head: Receipt | None  #: the last
    problem: str  #: what is wrong, and where; empty: nothing


class Trail:
    """The audit trail of one recorder. For one thread; the control plane is its only writer."""

    def __init__(self, path: Path, signer: Signer, *, keep: int = KEEP) -> None:
        """Raises DatabaseFault."""
        self._database = open_database(path, SCHEMA)
        self._signer = signer
        self._keep = keep
        for guard in _GUARDS:
            self._database.execute(guard)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @property
    def position(self) -> tuple[str, int]:
        """The journal, and the number in it up to which it was looked at; ("", 0): nothing yet."""
        row = self._database.execute("SELECT journal, seq FROM position").fetchone()
        return ("", 0) if row is None else (str(row[0]), int(row[1]))

    @property
    def head(self) -> Receipt | None:
        """The last entry; None: there is none."""
        return _head(self._database)

    def take(self, journal: str, entries: Sequence[Entry]) -> None:
        """Add what is somebody's doing of the journal's next entries. Durable when it returns. Raises
        DatabaseFault."""
        if not entries:
            return
        head = self.head or Receipt(0, BEGINNING)
        with transaction(self._database):
            for entry in entries:
                if entry.event.name not in BY_EVENT:
                    continue
                line = _line(head.number + 1, entry)
                head = Receipt(head.number + 1, chained(head.hash, line))
                signature = self._signer.sign(head.hash.encode())
                self._database.execute(
                    "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)",
                    (head.number, journal, entry.seq, line, head.hash, signature),
                )
            self._forget(head.number)
            self._database.execute("DELETE FROM position")
            self._database.execute("INSERT INTO position VALUES (?, ?)", (journal, entries[-1].seq))

    def receipt(self, journal: str, seq: int) -> Receipt | None:
        """Where an entry of the journal stands; None: it is not in the trail, or not any more."""
        row = self._database.execute(
            "SELECT number, hash FROM entry WHERE journal = ? AND seq = ?", (journal, seq)
        ).fetchone()
        return None if row is None else Receipt(*row)

    def _forget(self, last: int) -> None:
        """The oldest go when there are too many: the anchor says what the hash before the first of the others is."""
        gone = last - self._keep
        (first,) = self._database.execute("SELECT min(number) FROM entry").fetchone()
        if first is None or gone - first < min(_GO, self._keep):
            return
        number, hashed, signature = self._database.execute(
            "SELECT number, hash, signature FROM entry WHERE number = ?", (gone,)
        ).fetchone()
        self._database.execute("DELETE FROM anchor")
        self._database.execute("INSERT INTO anchor VALUES (?, ?, ?)", (number, hashed, signature))
        self._database.execute("DELETE FROM entry WHERE number <= ?", (number,))


def chained(before: str, line: str) -> str:
    """The hash of an entry: `before` is that of the one before it."""
    return hashlib.sha256(before.encode() + line.encode()).hexdigest()


def _line(number: int, entry: Entry) -> str:
    event, row = entry.event, BY_EVENT[entry.event.name]
    said = {
        "number": number,
        "utc": entry.utc,
        "who": plain(getattr(event, row.who)),
        "peer": plain(getattr(event, "peer", "")),
        "deed": row.deed.value,
        "what": what(event),
        "event": json.loads(dump(event)),
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _head(database: sqlite3.Connection) -> Receipt | None:
    row = database.execute("SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1").fetchone()
    return None if row is None else Receipt(*row)


def latest(
    path: Path, limit: int, *, before: int | None = None, who: str = "", deed: str = ""
) -> list[dict[str, object]]:
    """The last entries, oldest first, while the recorder goes on writing: their lines, parsed, each with its `hash`.
    `before`: only those with a smaller number; `who`, `deed`: only those of that account and of that kind. Raises
    DatabaseFault."""
    with closing(open_database(path, SCHEMA, readonly=True)) as database:
        rows = database.execute(
            """SELECT line, hash FROM entry WHERE number < coalesce(?, number + 1)
                AND ? IN ('', json_extract(line, '$.who')) AND ? IN ('', json_extract(line, '$.deed'))
                ORDER BY number DESC LIMIT ?""",
            (before, who, deed, limit),
        )
        return [{**json.loads(line), "hash": hashed} for line, hashed in rows][::-1]


def verify(path: Path, key: PublicKey, known: Iterable[Receipt] = ()) -> Verdict:
    """Go through the whole trail, while the recorder goes on writing. `known`: places that somebody else has kept, such
    as a syslog server. Raises DatabaseFault."""
    with closing(open_database(path, SCHEMA, readonly=True)) as database:
        database.execute("BEGIN")  # one moment's trail, though another process adds to it
        return _verdict(database, key, list(known))


def _verdict(database: sqlite3.Connection, key: PublicKey, known: Sequence[Receipt]) -> Verdict:
    before = database.execute("SELECT number, hash, signature FROM anchor").fetchone() or (0, BEGINNING, None)
    looked, first, head = 0, 0, None
    found = {}
    problem = (
        "" if before[2] is None or key.verifies(before[2], before[1].encode()) else "the anchor: not signed"
    )
    for number, hashed, wrong in _checked(database, key, before[0], before[1]):
        looked, first, head = looked + 1, first or number, Receipt(number, hashed)
        found[number] = hashed
        problem = problem or wrong
    for receipt in known:
        if receipt.number > before[0] and found.get(receipt.number) != receipt.hash:
            gone = "is missing" if receipt.number not in found else "is another than it was"
            problem = problem or f"entry {receipt.number}: {gone}"
    return Verdict(looked, first, head, problem)


def _checked(
    database: sqlite3.Connection, key: PublicKey, number: int, before: str
) -> Iterator[tuple[int, str, str]]:
    """Number and hash of each entry, and what is wrong with it."""
    for found, line, hashed, signature in database.execute(
        "SELECT number, line, hash, signature FROM entry ORDER BY number"
    ):
        wrong = ""
        if found != number + 1:
            wrong = f"entry {number + 1}: is missing"
        elif chained(before, line) != hashed:
            wrong = f"entry {found}: was changed"
        elif not key.verifies(signature, hashed.encode()):
            wrong = f"entry {found}: was not signed by this recorder"
        yield found, hashed, wrong
        number, before = found, hashed
