"""Stored media to one listener: what is sent, and when. Pure; the reading and the waiting are the shell's.

How a span is played is an object, chosen at PLAY by its manner.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

from device.media import MICROSECONDS, Kind, Sample, Track, Utc
from protocols.rtsp.library import Break
from protocols.rtsp.manner import Manner
from protocols.rtsp.sender import Sender, video_of

LEAD_TCP = 1.0  #: seconds that are sent ahead, so that a player does not starve at the first hiccup
LEAD_UDP = 0.0  #: a datagram socket has no back-pressure: what is sent ahead is lost
SOUND_STEP = 1000  #: microseconds between blocks of sound that would stand in each other's place
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
    lead: int = 0  #: the one of them whose key frames begin groups of pictures
    _heard: dict[int, Utc] = field(
        default_factory=dict
    )  #: track of sound -> time of the newest that was sent

    def broke(self, item: Break) -> None:
        """Raises Ended."""
        if not self.sender.broke(item):
            raise Ended("the stream became another")
        self.tracks = item.tracks
        self.lead = video_of(item.tracks) or 0
        self._heard.clear()

    def pick(self, sample: Sample) -> Sample | None:
        """It, if it is sent; sound never with a time before that of the sound in front of it.

        All samples of a fragment stand where its first one says. Where the line of arrivals was pulled back since the
        fragment before, as it is in a session's first seconds, its first blocks of sound would be earlier than the last
        ones of that. Pictures are further apart; and theirs step back by themselves, where there are B-frames."""
        if self.tracks[sample.track].kind is not Kind.AUDIO:
            return sample
        if not self.plain:
            return None
        newest = self._heard.get(sample.track)
        if newest is not None and sample.utc <= newest:
            sample = replace(sample, utc=Utc(newest + SOUND_STEP))
        self._heard[sample.track] = sample.utc
        return sample


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
        sample = self.selection.pick(item)
        if sample is None:
            return None
        position = self.sender.position(sample.utc)
        if not self.manner.reverse:
            return Due(sample, position)
        if sample.key and sample.track == self.selection.lead and position > self._highest:
            self._due, self._highest = self._highest, position
        return Due(sample, self._due)

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
        sample = self.selection.pick(item)
        return Due(sample, 0) if sample is not None else None

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
