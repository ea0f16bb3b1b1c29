"""Stored media to one listener: what is sent, and when. Pure; the reading and the waiting are the shell's.

How a span is played is an object, chosen at PLAY by its manner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from device.media import MICROSECONDS, Kind, Sample, Track
from protocols.rtsp.library import Break
from protocols.rtsp.manner import Manner
from protocols.rtsp.sender import Sender

LEAD_TCP = 1.0  #: seconds that are sent ahead, so that a player does not starve at the first hiccup
LEAD_UDP = 0.0  #: a datagram socket has no back-pressure: what is sent ahead is lost
LATE_SECONDS = 2.0  #: behind by more than this, the listener paused: go on from there, without a rush


class Ended(Exception):
    """A player cannot follow any further: the codec changed. The reason goes into the BYE."""


@dataclass(frozen=True, slots=True)
class Due:
    """A sample, and where on the time line of this playback it belongs."""

    sample: Sample
    position: int  #: microseconds


class Playout(Protocol):
    """How a span is played."""

    def take(self, item: Sample | Break) -> Due | None:
        """The next thing from the store; None where nothing of it is sent. Raises Ended."""

    def restart(self, position: int, now: float) -> None:
        """`position` is due now: play begins, or goes on after a pause."""

    def at(self, due: Due, now: float) -> float:
        """When to send, on the clock of `now`."""


@dataclass(slots=True)
class Selection:
    """What of a passage is sent: all of it, or without the sound, which backwards or hurried is noise."""

    sender: Sender
    plain: bool
    tracks: tuple[Track, ...] = ()  #: that come now

    def broke(self, item: Break) -> None:
        """Raises Ended."""
        if not self.sender.broke(item):
            raise Ended("the stream became another")
        self.tracks = item.tracks

    def has(self, sample: Sample) -> bool:
        """Whether it is sent."""
        return self.plain or self.tracks[sample.track].kind is not Kind.AUDIO


@dataclass(slots=True)
class Paced:
    """At the speed of life times the scale. Gaps are passed over."""

    sender: Sender
    manner: Manner
    lead: float  #: seconds
    selection: Selection
    _zero: float = 0.0  #: when position 0 is due
    _due: int = 0  #: backwards: where the group at hand begins to be shown
    _highest: int = 0  #: backwards: where it ends

    def take(self, item: Sample | Break) -> Due | None:
        """Samples in the order of the store. Forward each is due when its own time has come; backwards a group of
        pictures is due as a whole when the last of it, which is shown first, is."""
        if isinstance(item, Break):
            self.selection.broke(item)
            self._due = self._highest = self.sender.position(item.utc)
            return None
        if not self.selection.has(item):
            return None
        position = self.sender.position(item.utc)
        if not self.manner.reverse:
            return Due(item, position)
        if item.key and position > self._highest:
            self._due, self._highest = self._highest, position
        return Due(item, self._due)

    def restart(self, position: int, now: float) -> None:
        """`position` is due now."""
        self._zero = now - position / (MICROSECONDS * self.manner.speed)

    def at(self, due: Due, now: float) -> float:
        """Its time, less the lead; a playback that fell behind is not hurried."""
        when = self._zero + due.position / (MICROSECONDS * self.manner.speed) - self.lead
        if now - when > self.lead + LATE_SECONDS:
            self.restart(due.position, now)
        return when


@dataclass(slots=True)
class Unpaced:
    """As fast as the transport takes it, in recorded time (ONVIF Streaming s6.5.3, `Rate-Control: no`)."""

    selection: Selection

    def take(self, item: Sample | Break) -> Due | None:
        """Samples in the order of the store."""
        if isinstance(item, Break):
            self.selection.broke(item)
            return None
        return Due(item, 0) if self.selection.has(item) else None

    def restart(self, position: int, now: float) -> None:
        """Nothing is due at any time."""

    def at(self, due: Due, now: float) -> float:  # noqa: ARG002 - whatever it is
        """Now."""
        return now


def playout(sender: Sender, manner: Manner, lead: float) -> Playout:
    """How a manner is played."""
    sender.turn(manner.scale, recorded=not manner.paced)
    selection = Selection(sender, manner.plain)
    return Paced(sender, manner, lead, selection) if manner.paced else Unpaced(selection)
