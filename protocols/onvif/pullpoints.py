"""Pull points: who has subscribed to what, what waits for him, and where he stands in the past (ONVIF Core s9.1).

Pure but for the waiting, which whoever makes them hands in (`Bell`).
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
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

    def since(self, seq: int, limit: int) -> list[Entry]:
        """Entries after that number, oldest first."""

    def before(self, seq: int, limit: int) -> list[Entry]:
        """Entries up to that number, newest first."""

    def place(self, utc: Utc) -> int:
        """The number of the last entry that is older than an instant; 0: none is."""

    def active(self) -> list[Entry]:
        """The raises whose clear has not come."""


@dataclass(slots=True)
class Past:
    """Where a pull point stands that reads the journal."""

    seq: int  #: forward: of the last entry that was read; backward: of the next one to read
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

    def synchronise(self, point: PullPoint) -> None:
        """Tell how every property stands (ONVIF Core s9.2)."""
        for told in self._standing.values():
            point.offer(replace(told, operation="Initialized", seq=0))

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
        place = self._history.place(Utc(utc + 1) if reverse else utc)
        # What was said a moment ago may not be in the journal yet: it waits until that was read to its end.
        kept = [] if reverse else [told for told in point.waiting if told.seq]
        point.waiting.clear()
        point.waiting.extend(kept)
        point.past = Past(place, reverse)
        if not reverse and place == 0:
            point.past.read.append(_begin(self._history.since(0, 1), utc))
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
        while not past.read and not past.over:
            if past.reverse:
                entries = self._history.before(past.seq, PAGE) if past.seq > 0 else []
            else:
                entries = self._history.since(past.seq, PAGE)
            for entry in entries:
                past.read += [told for told in self.topics.notifications(entry) if point.wanted.takes(told)]
            if entries:
                past.seq = entries[-1].seq - 1 if past.reverse else entries[-1].seq
            elif past.reverse:
                past.over = True
                past.read.append(_begin(self._history.since(0, 1), Utc(0)))
            else:  # the past has become the present: what was said meanwhile waits, some of it was read
                later = [told for told in point.waiting if told.seq == 0 or told.seq > past.seq]
                point.waiting.clear()
                point.waiting.extend(later)
                point.past = None
                return


def _is_switch(topic: Topic) -> bool:
    """A state that was off before anybody said so."""
    return any(item.type == "xs:boolean" for item in topic.data)


def _begin(oldest: list[Entry], otherwise: Utc) -> Notification:
    return Notification(BEGIN, oldest[0].utc if oldest else otherwise, {}, {})
