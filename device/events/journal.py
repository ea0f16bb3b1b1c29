"""The journal: every event with its time and number, on the disk, up to a bound; and which states hold now.

Each plane has a journal of its own and is its only writer. The control plane takes the others' entries into
its own (`adopt`), each exactly once. Entries are numbered when they are said, and written by a thread a
moment later, several in one commit: who listens in the same process hears them at once, other processes
when they are durable.

A number is one event's for ever, though it may have been told before the event was on the disk, and the power went:
how far numbers may be given is on the disk before they are, and whoever opens a journal that was not closed begins
behind that. Where a journal was closed they go on by one.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from device.clock import Clock
from device.database import DatabaseFault, open_database, transaction
from device.events.event import Event, dump, load, subject
from device.group_commit import GroupCommit
from device.media import Utc
from device.records import BadRecord

AHEAD = 8192  #: numbers that are set aside on the disk before they are given; half of them at least are left

SCHEMA = (
    """
    CREATE TABLE origin(name TEXT NOT NULL);
    CREATE TABLE entry(
        seq INTEGER PRIMARY KEY, utc INTEGER NOT NULL, origin TEXT NOT NULL, origin_seq INTEGER NOT NULL,
        raised INTEGER NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL);
    CREATE TABLE active(
        plane TEXT NOT NULL, state TEXT NOT NULL, subject TEXT NOT NULL,
        seq INTEGER NOT NULL, utc INTEGER NOT NULL, origin TEXT NOT NULL, origin_seq INTEGER NOT NULL,
        json TEXT NOT NULL, PRIMARY KEY (plane, state, subject)) WITHOUT ROWID;
    CREATE TABLE adopted(plane TEXT PRIMARY KEY, origin TEXT NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
    """,
    "CREATE INDEX entry_by_time ON entry(utc, seq);",
    # A journal of before there was this table is taken for one that was killed.
    """
    CREATE TABLE given(upto INTEGER NOT NULL);
    INSERT INTO given SELECT coalesce(max(seq) + 8192, 0) FROM entry;
    """,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it stands in a journal."""

    seq: int  #: 1, 2, 3 ... in this journal; behind a kill it leaps
    utc: Utc
    origin: str  #: plane:journal, where it was said
    origin_seq: int  #: its number there
    raised: int  #: of an event that clears: `seq` of the raise that ended with it; else 0
    event: Event

    @property
    def plane(self) -> str:
        """The plane that said it."""
        return self.origin.partition(":")[0]


State = tuple[str, str, str]  #: plane, state, subject


class Journal:
    """One plane's journal. For one thread, the loop's; only the writing has another."""

    def __init__(self, path: Path, plane: str, clock: Clock, *, keep: int) -> None:
        """`keep`: entries; older ones go. Raises DatabaseFault."""
        self._clock = clock
        self._keep = keep
        self._writing = open_database(path, SCHEMA)  # the writer thread's
        self._database = open_database(path, SCHEMA)  # all that it sees is durable
        with transaction(self._database):
            self.origin = self._named(plane)
            found, count, upto = self._database.execute(
                "SELECT coalesce(max(seq), 0), count(*), (SELECT upto FROM given) FROM entry"
            ).fetchone()
            self._found: int = found  # number of the last entry that a former life left
            self._begun: int = max(found, upto)  # this life's numbers come behind it
            self._given = self._begun + AHEAD  # numbers up to here may be given, as the disk has it
            self._count: int = count  # entries on the disk
            self._database.execute("UPDATE given SET upto = ?", (self._given,))
        self.last: int = self._begun  #: number of the last entry
        self.durable = self.last  #: number of the last entry that is on the disk
        self._active = self._read_active()
        self._adopted: dict[str, tuple[str, int]] = {
            plane: (origin, seq)
            for plane, origin, seq in self._database.execute("SELECT plane, origin, seq FROM adopted")
        }
        self._commits = GroupCommit(
            self._writing, f"journal {path.stem}", self._write, self._written, lambda said: said[-keep:]
        )

    def close(self) -> None:
        """Write what is waiting, and close."""
        self._commits.close()
        if self.durable == self.last:
            with contextlib.suppress(DatabaseFault), transaction(self._database):  # else the numbers leap
                self._database.execute("UPDATE given SET upto = ?", (self.last,))
        self._database.close()

    @property
    def fault(self) -> Exception | None:
        """Why the last write failed; it is tried again."""
        return self._commits.fault

    @property
    def said(self) -> int:
        """Entries of this life."""
        return self.last - self._begun

    def lost(self, seq: int) -> bool:
        """Whether an entry of a former life, if there ever was one, did not get onto the disk, nor will."""
        return self._found < seq <= self._begun

    # ------------------------------------------------------------------------------------------ saying

    def append(self, event: Event) -> Entry | None:
        """Enter what this plane says, now. None, and nothing is entered, where it would say nothing new:
        the raise of a state that holds already, or the clear of one that does not."""
        plane = self.origin.partition(":")[0]
        about = subject(event)
        if event.raises and (plane, event.raises, about) in self._active:
            return None
        if event.clears and not any((plane, state, about) in self._active for state in event.clears):
            return None
        return self._enter(self._clock.utc(), self.origin, self.last + 1, event, about)

    def adopt(self, utc: Utc, origin: str, origin_seq: int, event: Event) -> Entry | None:
        """Enter what another plane has said. None where it was adopted before: entries of one journal come
        in order."""
        plane = origin.partition(":")[0]
        known, last = self._adopted.get(plane, ("", 0))
        if known == origin and origin_seq <= last:
            return None
        if known != origin:  # the plane's journal was made anew: it knows nothing of what it raised before
            self._active = {
                state: held
                for state, held in self._active.items()
                if state[0] != plane or held.origin == origin
            }
        self._adopted[plane] = (origin, origin_seq)
        return self._enter(utc, origin, origin_seq, event, subject(event))

    def adopted(self, plane: str) -> tuple[str, int]:
        """Origin and number of the last entry that was adopted from a plane; ("", 0): none."""
        return self._adopted.get(plane, ("", 0))

    def _enter(self, utc: Utc, origin: str, origin_seq: int, event: Event, about: str) -> Entry:
        self.last += 1
        plane = origin.partition(":")[0]
        raised = 0
        for state in event.clears:
            if held := self._active.pop((plane, state, about), None):
                raised = raised or held.seq
        entry = Entry(self.last, utc, origin, origin_seq, raised, event)
        if event.raises:
            self._active[plane, event.raises, about] = entry
        self._commits.put(_Said(entry, about))
        return entry

    def flush(self) -> Future[None]:
        """Done when everything that was entered so far is on the disk."""
        return self._commits.flush()

    # ----------------------------------------------------------------------------------------- reading

    def active(self) -> list[Entry]:
        """The raises whose clear has not come, oldest first."""
        return sorted(self._active.values(), key=lambda entry: entry.seq)

    def since(self, seq: int, limit: int) -> list[Entry]:
        """The durable entries after that number, oldest first, at most `limit`."""
        rows = self._database.execute(
            "SELECT seq, utc, origin, origin_seq, raised, json FROM entry WHERE seq > ? ORDER BY seq LIMIT ?",
            (seq, limit),
        )
        return list(_entries(rows))

    def before(self, seq: int, limit: int) -> list[Entry]:
        """The durable entries up to that number, newest first, at most `limit`."""
        rows = self._database.execute(
            "SELECT seq, utc, origin, origin_seq, raised, json FROM entry WHERE seq <= ? ORDER BY seq DESC LIMIT ?",
            (seq, limit),
        )
        return list(_entries(rows))

    def later(self, utc: Utc, seq: int, limit: int) -> list[Entry]:
        """The durable entries after that instant, and those of it with a greater number: in the order of time, which is
        not that of their numbers, for other planes' entries come a moment after they were said. At most `limit`."""
        rows = self._database.execute(
            "SELECT seq, utc, origin, origin_seq, raised, json FROM entry WHERE (utc, seq) > (?, ?)"
            " ORDER BY utc, seq LIMIT ?",
            (utc, seq, limit),
        )
        return list(_entries(rows))

    def earlier(self, utc: Utc, seq: int, limit: int) -> list[Entry]:
        """The same before that instant, and those of it with a smaller number, the newest first."""
        rows = self._database.execute(
            "SELECT seq, utc, origin, origin_seq, raised, json FROM entry WHERE (utc, seq) < (?, ?)"
            " ORDER BY utc DESC, seq DESC LIMIT ?",
            (utc, seq, limit),
        )
        return list(_entries(rows))

    def told(self, name: str, start: Utc, end: Utc, limit: int) -> list[Entry]:
        """The durable entries of a span whose name begins so, newest first, at most `limit`."""
        rows = self._database.execute(
            "SELECT seq, utc, origin, origin_seq, raised, json FROM entry"
            " WHERE substr(name, 1, ?) = ? AND utc >= ? AND utc < ? ORDER BY seq DESC LIMIT ?",
            (len(name), name, start, end, limit),
        )
        return list(_entries(rows))

    def latest(self, limit: int) -> list[Entry]:
        """The last durable entries, newest first."""
        rows = self._database.execute(
            "SELECT seq, utc, origin, origin_seq, raised, json FROM entry ORDER BY seq DESC LIMIT ?", (limit,)
        )
        return list(_entries(rows))

    # ----------------------------------------------------------------------------------------- within

    def _named(self, plane: str) -> str:
        """A journal that is made anew counts from 1 again: its name says that it is another."""
        row = self._database.execute("SELECT name FROM origin").fetchone()
        if row is None:
            row = (f"{plane}:{secrets.token_hex(4)}",)
            self._database.execute("INSERT INTO origin VALUES (?)", row)
        return str(row[0])

    def _read_active(self) -> dict[State, Entry]:
        found: dict[State, Entry] = {}
        rows = self._database.execute(
            "SELECT plane, state, subject, seq, utc, origin, origin_seq, json FROM active"
        )
        for plane, state, about, seq, utc, origin, origin_seq, text in rows:
            for entry in _entries([(seq, utc, origin, origin_seq, 0, text)]):
                found[plane, state, about] = entry
        return found

    def _write(self, entries: list[_Said]) -> None:
        """In the writer's thread."""
        database = self._writing
        for said in entries:
            entry, event = said.entry, said.entry.event
            text = dump(event)
            database.execute(
                "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)",
                (entry.seq, entry.utc, entry.origin, entry.origin_seq, entry.raised, event.name, text),
            )
            if entry.origin != self.origin:
                database.execute(
                    "DELETE FROM active WHERE plane = ? AND origin <> ?", (entry.plane, entry.origin)
                )
                database.execute(
                    "INSERT OR REPLACE INTO adopted VALUES (?, ?, ?)",
                    (entry.plane, entry.origin, entry.origin_seq),
                )
            for state in event.clears:
                database.execute(
                    "DELETE FROM active WHERE plane = ? AND state = ? AND subject = ?",
                    (entry.plane, state, said.subject),
                )
            if event.raises:
                key = (entry.plane, event.raises, said.subject)
                what = (entry.seq, entry.utc, entry.origin, entry.origin_seq, text)
                database.execute("INSERT OR REPLACE INTO active VALUES (?, ?, ?, ?, ?, ?, ?, ?)", key + what)
        if (over := self._count + len(entries) - self._keep) > 0:
            database.execute(
                "DELETE FROM entry WHERE seq IN (SELECT seq FROM entry ORDER BY seq LIMIT ?)", (over,)
            )
        if (upto := self._ahead(entries)) != self._given:
            database.execute("UPDATE given SET upto = ?", (upto,))

    def _written(self, entries: list[_Said]) -> None:
        self._count = min(self._count + len(entries), self._keep)
        self._given = self._ahead(entries)
        self.durable = entries[-1].entry.seq

    def _ahead(self, entries: list[_Said]) -> int:
        """Up to where numbers may be given, once these are on the disk."""
        last = entries[-1].entry.seq
        return self._given if self._given - last > AHEAD // 2 else last + AHEAD


@dataclass(frozen=True, slots=True)
class _Said:
    """An entry that is to be written."""

    entry: Entry
    subject: str


def _entries(rows: Iterable[tuple[int, int, str, int, int, str]]) -> Iterable[Entry]:
    """Rows as entries. One that this version does not know is passed over."""
    for seq, utc, origin, origin_seq, raised, text in rows:
        try:
            yield Entry(seq, Utc(utc), origin, origin_seq, raised, load(text))
        except BadRecord:
            continue


def peek(path: Path, limit: int) -> tuple[str, list[Entry]]:
    """The name of a journal and its last durable entries, oldest first, while its plane goes on writing.
    Raises DatabaseFault."""
    database = open_database(path, SCHEMA, readonly=True)
    try:
        (name,) = database.execute("SELECT name FROM origin").fetchone() or ("",)
        rows = database.execute(
            "SELECT seq, utc, origin, origin_seq, raised, json FROM entry ORDER BY seq DESC LIMIT ?", (limit,)
        )
        return str(name), list(_entries(rows))[::-1]
    finally:
        database.close()
