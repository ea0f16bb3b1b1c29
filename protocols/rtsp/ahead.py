"""Looking ahead in a recording: whether a unit is the last before a gap is known once the next one is read. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from device.media import MICROSECONDS, Sample
from protocols.rtsp.library import Break, Edge
from protocols.rtsp.sender import video_of
from protocols.rtsp.stamps import Mark

SPAN = 2 * MICROSECONDS  #: recorded time; a track that says nothing for longer is not waited for
ITEMS = 512


@dataclass(slots=True)
class Ahead:
    """The items of a store in their order, each with what only those behind it tell.

    A unit is held until the next of its track came, or a break, or the end, or `SPAN` of the others.
    """

    reverse: bool
    _held: deque[tuple[Sample | Break, Mark]] = field(default_factory=deque)
    _newest: dict[int, int] = field(
        default_factory=dict
    )  #: of each track since the last break: its number ...
    _given: int = 0  #: ... among all items; so many have left
    _tracks: int = 0
    _lead: int = 0  #: the track whose key frames begin groups of pictures
    _fresh: set[int] = field(default_factory=set)  #: tracks whose next unit continues nothing
    _over: bool = False

    def put(self, item: Sample | Break | Edge) -> None:
        """What the store gave next."""
        if isinstance(item, Sample):
            if self.reverse and item.key and item.track == self._lead:
                self._fresh = set(range(self._tracks))
            self._newest[item.track] = self._given + len(self._held)
            self._held.append((item, Mark(discontinuity=item.track in self._fresh)))
            self._fresh.discard(item.track)
            return
        self._settle(end=True, terminal=isinstance(item, Edge))
        if isinstance(item, Break):
            lead = video_of(item.tracks)
            self._lead, self._tracks = lead if lead is not None else 0, len(item.tracks)
            self._fresh = set(range(self._tracks))
            self._held.append((item, Mark()))

    def close(self) -> None:
        """The store has no more."""
        self._settle(end=False, terminal=True)
        self._over = True

    def take(self) -> tuple[Sample | Break, Mark] | None:
        """The next that is known; None where more must be put before."""
        if not self._held or not self._known(self._held[0][0]):
            return None
        self._given += 1
        return self._held.popleft()

    @property
    def over(self) -> bool:
        """Nothing is held, and nothing comes."""
        return self._over and not self._held

    def _known(self, item: Sample | Break) -> bool:
        if isinstance(item, Break) or self._newest.get(item.track) != self._given:
            return True
        last = self._held[-1][0]
        far = isinstance(last, Sample) and abs(last.utc - item.utc) > SPAN
        return far or len(self._held) > ITEMS

    def _settle(self, *, end: bool, terminal: bool) -> None:
        """The newest of each track is the last of it here."""
        for number in self._newest.values():
            place = number - self._given
            if place >= 0:
                item, mark = self._held[place]
                self._held[place] = (
                    item,
                    replace(mark, end=mark.end or end, terminal=mark.terminal or terminal),
                )
        self._newest.clear()
