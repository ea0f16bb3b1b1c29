"""The outbox: whatever leaves the recorder waits here, on the disk, until the other side has acknowledged it.

    box = outbox.box("mqtt", Limits(octets=64_000_000, seconds=7 * 86_400))
    box.put([Draft("holdfast/S1/events", body)], mark="control:5f0a:17")
    letters = await box.some(100)
    box.ack(letters)

One box for each destination, in order. A letter can be taken as soon as it was put: the disk is written meanwhile, by
a thread of its own and as many letters in one commit as are waiting. What was acknowledged before it was written is
never written. For one thread, the loop's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from device.clock import Clock
from device.database import open_database
from device.errors import BadValue
from device.events.event import Event
from device.events.outbox import DeliveryComplete, DeliveryDropping, DeliveryRefused, Destination
from device.group_commit import GroupCommit
from device.media import MICROSECONDS, Utc

SCHEMA = (
    """
    CREATE TABLE letter(
        id INTEGER PRIMARY KEY, box TEXT NOT NULL, utc INTEGER NOT NULL, octets INTEGER NOT NULL,
        head TEXT NOT NULL, body BLOB NOT NULL);
    CREATE INDEX letter_of_box ON letter(box, id);
    CREATE TABLE box(name TEXT PRIMARY KEY, mark TEXT NOT NULL, dropped INTEGER NOT NULL) WITHOUT ROWID;
    """,
)

RECENT = 2048  #: letters of a box that are kept in memory too
LARGEST = 1 << 20  #: octets of one letter; what is larger is a file, and the letter names it
AT_ONCE = 4 << 20  #: octets that are taken at once
SLACK = (
    16  #: when a box is full, one of so many parts of it is dropped, so that it is not done for each letter
)
REFUSALS_EVERY = 60.0  #: seconds between two events about letters that a destination refuses
_END = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to leave."""

    head: str  #: what its sender alone understands, such as a topic or a file's name
    body: bytes
    file: int = 0  #: octets of the file that it names, where it names one

    @property
    def octets(self) -> int:
        """What it counts against the limit."""
        return len(self.head) + len(self.body) + self.file


@dataclass(frozen=True, slots=True)
class Letter:
    """A draft that has its place in the order."""

    id: int  #: grows, over all boxes
    utc: Utc  #: when it was put
    head: str
    body: bytes
    file: int  #: see `Draft.file`

    @property
    def octets(self) -> int:
        """See `Draft.octets`."""
        return len(self.head) + len(self.body) + self.file


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait for one destination. The oldest is dropped first, and counted."""

    octets: int
    seconds: float  #: of age, by the wall clock


class TooLarge(BadValue):
    """A letter has more than `LARGEST` octets."""


@dataclass(slots=True)
class _Work:
    """What is to be written of one box."""

    box: str
    letters: list[Letter] = field(default_factory=list)
    acked: int = 0  #: all letters up to this number are done with
    mark: str | None = None
    dropped: int | None = None
    forget: bool = False


class Outbox:
    """All boxes of one data folder."""

    def __init__(self, path: Path, clock: Clock, publish: Callable[[Event], object]) -> None:
        """Raises DatabaseFault."""
        self.clock = clock
        self.publish = publish
        self._writing = open_database(path, SCHEMA)  # the writer thread's
        self.database = open_database(path, SCHEMA)  # all that it sees is durable
        (last,) = self.database.execute("SELECT max(id) FROM letter").fetchone()
        self.last: int = last or 0  #: number of the last letter
        self.durable = self.last  #: number of the last letter that is on the disk, or needs not be any more
        self._boxes: dict[str, Box] = {}
        self.forgotten: dict[
            str, int
        ] = {}  #: boxes that may still be on the disk: nothing in them up to a number counts
        self._commits = GroupCommit(
            self._writing,
            "outbox",
            self._write,
            self._written,
            lambda works: list(_together(works).values()),  # without what was acknowledged meanwhile
        )

    def close(self) -> None:
        """Write what is waiting, and close."""
        self._commits.close()
        self.database.close()

    @property
    def fault(self) -> Exception | None:
        """Why the last write failed; it is tried again."""
        return self._commits.fault

    def box(self, name: str, limits: Limits) -> Box:
        """The box of a destination, with what has waited in it since before the start. Asked for again, the same box
        with other limits."""
        if name not in self._boxes:
            self._boxes[name] = Box(self, name, limits)
        box = self._boxes[name]
        box.limits = limits
        return box

    def boxes(self) -> list[Box]:
        """Those that were asked for."""
        return list(self._boxes.values())

    def forget(self, name: str) -> None:
        """A destination is gone: so is all that waits for it, and its mark."""
        self._boxes.pop(name, None)
        self.forgotten[name] = self.last
        self.work(_Work(name, acked=self.last, forget=True))

    def forget_all(self) -> None:
        """All destinations are gone."""
        for name in self.known():
            self.forget(name)

    def known(self) -> list[str]:
        """Names of the boxes that are on the disk: those that nobody asks for any more can be forgotten."""
        rows = self.database.execute("SELECT name FROM box UNION SELECT DISTINCT box FROM letter ORDER BY 1")
        return [str(name) for (name,) in rows]

    def flush(self) -> Future[None]:
        """Done when everything so far is on the disk."""
        return self._commits.flush()

    def work(self, work: _Work) -> None:
        """Have something written."""
        self._commits.put(work)

    # ---------------------------------------------------------------------------------- the writer's thread

    def _write(self, works: list[_Work]) -> None:
        database = self._writing
        for name, written in _together(works).items():
            if written.acked:
                database.execute("DELETE FROM letter WHERE box = ? AND id <= ?", (name, written.acked))
            if written.forget:
                database.execute("DELETE FROM box WHERE name = ?", (name,))
            database.executemany(
                "INSERT INTO letter VALUES (?, ?, ?, ?, ?, ?)",
                [(one.id, name, one.utc, one.octets, one.head, one.body) for one in written.letters],
            )
            if written.mark is not None or written.dropped is not None:
                database.execute(
                    "INSERT INTO box VALUES (:name, coalesce(:mark, ''), coalesce(:dropped, 0))"
                    " ON CONFLICT (name) DO UPDATE SET mark = coalesce(:mark, mark),"
                    " dropped = coalesce(:dropped, dropped)",
                    {"name": name, "mark": written.mark, "dropped": written.dropped},
                )

    def _written(self, works: list[_Work]) -> None:
        self.durable = max([self.durable, *(one.id for work in works for one in work.letters)])


class Box:
    """What waits for one destination, oldest first."""

    def __init__(self, outbox: Outbox, name: str, limits: Limits) -> None:
        self.name = name
        self.limits = limits
        self._outbox = outbox
        forgotten = outbox.forgotten.get(name, 0)
        self._acked = forgotten  #: all letters up to this number are done with
        count, octets = outbox.database.execute(
            "SELECT count(*), coalesce(sum(octets), 0) FROM letter WHERE box = ? AND id > ?",
            (name, forgotten),
        ).fetchone()
        self.waiting: int = count  #: letters
        self.octets: int = octets
        row = outbox.database.execute("SELECT mark, dropped FROM box WHERE name = ?", (name,)).fetchone()
        mark, dropped = ("", 0) if row is None or forgotten else row
        self.mark: str = mark  #: what was given with the last letters; empty: nothing ever was
        self.dropped: int = dropped  #: letters, ever
        self.sent = 0  #: letters that were acknowledged since the start
        self.fault = ""  #: why nothing gets through; empty while it does. Kept by who delivers
        self._recent: deque[Letter] = deque()
        self._behind = count > 0  #: there are letters on the disk that come before those in memory
        self._dropping: bool | None = None  #: what was told; None: nothing, though a former life may have
        self._refused_at: float | None = None
        self._some = asyncio.Event()
        if count:
            self._some.set()

    # -------------------------------------------------------------------------------------------- putting

    def put(self, drafts: Sequence[Draft], *, mark: str | None = None) -> None:
        """Let them leave, all or none. `mark`: where their source has come to, kept with them in one commit. Raises
        TooLarge."""
        for draft in drafts:
            if (size := draft.octets - draft.file) > LARGEST:
                raise TooLarge("letter", f"has {size} octets; at most {LARGEST} can be sent")
        utc = self._outbox.clock.utc()
        letters = []
        for draft in drafts:
            self._outbox.last += 1
            letters.append(Letter(self._outbox.last, utc, draft.head, draft.body, draft.file))
        if mark is not None:
            self.mark = mark
        self._outbox.work(_Work(self.name, letters, mark=mark))
        self._recent.extend(letters)
        self.waiting += len(letters)
        self.octets += sum(letter.octets for letter in letters)
        while len(self._recent) > RECENT and self._recent[0].id <= self._outbox.durable:
            self._recent.popleft()
            self._behind = True
        if self.octets > self.limits.octets:
            self._make_room()
        self._some.set()

    # -------------------------------------------------------------------------------------------- taking

    async def some(self, most: int) -> list[Letter]:
        """The oldest letters, at most so many; waits until there is one. They stay until they are acknowledged."""
        while not (letters := self.take(most)):
            self._some.clear()
            await self._some.wait()
        return letters

    def take(self, most: int) -> list[Letter]:
        """The same, without waiting."""
        if self._behind:
            first = self._recent[0].id if self._recent else _END
            rows = self._outbox.database.execute(
                "SELECT id, utc, head, body, octets - length(head) - length(body) FROM letter"
                " WHERE box = ? AND id > ? AND id < ? ORDER BY id LIMIT ?",
                (self.name, self._acked, first, most),
            )
            if found := _portion((Letter(*row) for row in rows), most):
                return found
            self._behind = False
        return _portion(iter(self._recent), most)

    def heads(self) -> set[str]:
        """Of all letters that wait."""
        rows = self._outbox.database.execute(
            "SELECT head FROM letter WHERE box = ? AND id > ?", (self.name, self._acked)
        )
        return {head for (head,) in rows} | {letter.head for letter in self._recent}

    def ack(self, letters: Sequence[Letter]) -> None:
        """The first letters of those that were taken are done with."""
        self.sent += self._done(letters)
        if not self.waiting and self._dropping is not False:
            self._dropping = False
            self._outbox.publish(DeliveryComplete(Destination(self.name), self.dropped))

    def refuse(self, letter: Letter, why: str) -> None:
        """The destination will never take this one: it is dropped, so that the others get through."""
        self._drop([letter])
        now = self._outbox.clock.monotonic()
        if self._refused_at is None or now - self._refused_at >= REFUSALS_EVERY:
            self._refused_at = now
            self._outbox.publish(DeliveryRefused(Destination(self.name), letter.head[:200], why))

    def fails(self, why: str) -> None:
        """Nothing gets through. Empty: it does again."""
        self.fault = why

    def expire(self) -> None:
        """Drop what is older than the limit."""
        oldest = self._outbox.clock.utc() - round(self.limits.seconds * MICROSECONDS)
        while old := [letter for letter in self.take(RECENT) if letter.utc < oldest]:
            self._tell_dropping("old")
            self._drop(old)

    def _done(self, letters: Sequence[Letter]) -> int:
        """Whoever took them may be late: some were dropped meanwhile."""
        fresh = [letter for letter in letters if letter.id > self._acked]
        if not fresh:
            return 0
        self._acked = fresh[-1].id
        self.waiting -= len(fresh)
        self.octets -= sum(letter.octets for letter in fresh)
        while self._recent and self._recent[0].id <= self._acked:
            self._recent.popleft()
        self._outbox.work(_Work(self.name, acked=self._acked))
        return len(fresh)

    def _drop(self, letters: Sequence[Letter]) -> None:
        self.dropped += self._done(letters)
        self._outbox.work(_Work(self.name, dropped=self.dropped))

    def _make_room(self) -> None:
        self._tell_dropping("full")
        goal = self.limits.octets - self.limits.octets // SLACK
        while self.octets > goal and (letters := self.take(RECENT)):
            excess, cut = self.octets - goal, 0
            while excess > 0 and cut < len(letters):
                excess -= letters[cut].octets
                cut += 1
            self._drop(letters[:cut])

    def _tell_dropping(self, why: str) -> None:
        if not self._dropping:
            self._dropping = True
            self._outbox.publish(DeliveryDropping(Destination(self.name), why, self.waiting))


def _portion(letters: Iterator[Letter], most: int) -> list[Letter]:
    """At most so many, and not many more octets than `AT_ONCE`."""
    found: list[Letter] = []
    octets = 0
    for letter in letters:
        if len(found) >= most or octets >= AT_ONCE:
            break
        found.append(letter)
        octets += letter.octets
    return found


def _together(works: Sequence[_Work]) -> dict[str, _Work]:
    """What has to be written of each box, without the letters that are done with already."""
    found: dict[str, _Work] = {}
    for work in works:
        written = found.setdefault(work.box, _Work(work.box))
        if work.forget:
            written.letters.clear()
            written.mark = written.dropped = None
            written.forget = True
        written.letters.extend(work.letters)
        written.acked = max(written.acked, work.acked)
        written.mark = work.mark if work.mark is not None else written.mark
        written.dropped = work.dropped if work.dropped is not None else written.dropped
    for written in found.values():
        written.letters = [one for one in written.letters if one.id > written.acked]
    return found
