"""Pull points: who has subscribed to what, what waits for him, and where he stands in the past (ONVIF Core s9.1).

Pure but for the waiting, which whoever makes them hands in (`Bell`).
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Set
from dataclasses import dataclass, field, replace
from typing import Protocol

from device.events.journal import Entry
from device.media import Utc
from protocols.onvif.filters import Wanted
from protocols.onvif.topics import BEGIN, Notification, Topic, Topics

MOST = 64  #: pull points
WAITING = 1000  #: messages that wait in one; then the oldest are dropped
PAGE = 200  #: entries of the journal that are read at once
Sees = Callable[[Notification], bool]


class Bell(Protocol):
    """Something that one may wait for."""

    def ring(self) -> None:
        """Wake whoever waits."""

    async def wait(self, seconds: float) -> None:
        """Until it rings, or so long. A ring while nobody waits is not kept."""


class History(Protocol):
    """The recorder's journal (`device.events.journal.Journal`)."""

    def later(self, utc: Utc, seq: int, limit: int) -> list[Entry]:
        """Entries after that instant, or of it with a greater number, by time."""

    def earlier(self, utc: Utc, seq: int, limit: int) -> list[Entry]:
        """Entries before that instant, or of it with a smaller number, the newest first."""

    def active(self) -> list[Entry]:
        """The raises whose clear has not come."""


@dataclass(slots=True)
class Past:
    """Where a pull point stands that reads the journal."""

    utc: Utc  #: of the last entry that was read, and
    seq: int  #: its number; at first where it begins, and 0
    reverse: bool
    read: deque[Notification] = field(default_factory=deque)  #: and not pulled yet
    over: bool = False  #: backward: the oldest was read


@dataclass(slots=True, eq=False)
class PullPoint:
    """One subscription."""

    id: str
    account: str
    wanted: Wanted
    deadline: float  #: monotonic seconds
    bell: Bell
    waiting: deque[Notification] = field(default_factory=lambda: deque(maxlen=WAITING))
    past: Past | None = None
    pulled: bool = False  #: a request waits at it
    ended: bool = False

    def offer(self, told: Notification) -> None:
        """A message, if it is wanted."""
        if self.wanted.takes(told):
            self.waiting.append(told)
            self.bell.ring()


class PullPoints:
    """All pull points, and how every property stands."""

    def __init__(self, topics: Topics, history: History, bell: Callable[[], Bell]) -> None:
        self.topics = topics
        self._history = history
        self._bell = bell
        self._points: dict[str, PullPoint] = {}
        self._standing: dict[object, Notification] = {}
        for entry in history.active():
            for told in topics.notifications(entry):
                self._standing[told.key] = told

    def __len__(self) -> int:
        return len(self._points)

    # ------------------------------------------------------------------------------------- what is told

    def heard(self, entry: Entry) -> None:
        """Something was said."""
        for told in self.topics.notifications(entry):
            self.tell(told)

    def tell(self, told: Notification) -> None:
        """A message for all who want it. That a property is as it was is told to nobody."""
        if told.topic.is_property:
            before = self._standing.get(told.key)
            if told.operation == "Deleted":
                self._standing.pop(told.key, None)
            elif before is not None and before.data == told.data:
                return
            else:
                if before is None and not _is_switch(told.topic):
                    told = replace(
                        told, operation="Initialized"
                    )  # what it is about is new (ONVIF Core s9.4.3)
                self._standing[told.key] = told
        for point in self._points.values():
            point.offer(told)

    def standing(self) -> list[Notification]:
        """How every property stands."""
        return [replace(told, operation="Initialized", seq=0) for told in self._standing.values()]

    def synchronise(self, point: PullPoint) -> None:
        """Tell how every property stands (ONVIF Core s9.2)."""
        for told in self.standing():
            point.offer(told)

    # ------------------------------------------------------------------------------------- who is told

    def create(self, account: str, wanted: Wanted, deadline: float) -> PullPoint | None:
        """A new one; None where there is no room."""
        if len(self._points) >= MOST:
            return None
        point = PullPoint(secrets.token_hex(8), account, wanted, deadline, self._bell())
        self._points[point.id] = point
        self.synchronise(point)
        return point

    def find(self, name: str) -> PullPoint | None:
        """The one of that id."""
        return self._points.get(name)

    def remove(self, point: PullPoint) -> None:
        """It ends, and whoever waits at it is answered."""
        self._points.pop(point.id, None)
        point.ended = True
        point.bell.ring()

    def close(self) -> None:
        """End all of them."""
        for point in list(self._points.values()):
            self.remove(point)

    def expire(self, now: float) -> None:
        """End those whose time is over. One at which somebody waits lives."""
        for point in [each for each in self._points.values() if each.deadline <= now and not each.pulled]:
            self.remove(point)

    # ------------------------------------------------------------------------------------- what is pulled

    def seek(self, point: PullPoint, utc: Utc, *, reverse: bool) -> None:
        """Go back: what is pulled from now on begins at that instant (ONVIF Core s9.1.4)."""
        # What was said a moment ago may not be in the journal yet: it waits until that was read to its end.
        _forget(
            point.waiting, {told.seq for told in point.waiting if reverse or not told.seq or told.utc < utc}
        )
        point.past = Past(Utc(utc + 1) if reverse else utc, 0, reverse)
        if not reverse and not self._history.earlier(utc, 0, 1):
            point.past.read.append(self._begin(utc))
        point.bell.ring()

    def take(self, point: PullPoint, most: int, sees: Sees) -> list[Notification]:
        """What waits in it, at most so many; they are gone from it then, and so is what whoever pulls may not see."""
        taken: list[Notification] = []
        while len(taken) < most:
            if point.past is not None:
                self._read(point, point.past)
            queue = point.waiting if point.past is None else point.past.read
            if not queue:
                break
            told = queue.popleft()
            if sees(told):
                taken.append(told)
        return taken

    def _read(self, point: PullPoint, past: Past) -> None:
        """Read on in the journal until there is a message that is wanted, or no more of them."""
        while point.past is past and not past.read and not past.over:
            read = self._history.earlier if past.reverse else self._history.later
            entries = read(past.utc, past.seq, PAGE)
            for entry in entries:
                past.read += [told for told in self.topics.notifications(entry) if point.wanted.takes(told)]
            if entries:
                past.utc, past.seq = entries[-1].utc, entries[-1].seq
                _forget(point.waiting, {entry.seq for entry in entries})
            elif past.reverse:
                past.over = True
                past.read.append(self._begin(Utc(0)))
            else:  # the past has become the present
                point.past = None

    def _begin(self, otherwise: Utc) -> Notification:
        oldest = self._history.later(Utc(0), 0, 1)
        return Notification(BEGIN, oldest[0].utc if oldest else otherwise, {}, {})


def _is_switch(topic: Topic) -> bool:
    """A state that was off before anybody said so."""
    return any(item.type == "xs:boolean" for item in topic.data)


def _forget(waiting: deque[Notification], numbers: Set[int]) -> None:
    """Drop those with one of these numbers."""
    kept = [told for told in waiting if told.seq not in numbers]
    waiting.clear()
    waiting.extend(kept)
