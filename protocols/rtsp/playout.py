"""Stored media to one listener: what is sent, and when. Pure; the reading and the waiting are the shell's.

How a span is played is an object, chosen at PLAY: `Forward` is play at the speed of life. Other scales,
reverse, and the ONVIF forms (Rate-Control, header extension) are other objects with the same three methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from device.media import MICROSECONDS, Sample
from protocols.rtsp.library import Break
from protocols.rtsp.sender import Packets, Sender

LEAD_TCP = 1.0  #: seconds that are sent ahead, so that a player does not starve at the first hiccup
LEAD_UDP = 0.0  #: a datagram socket has no back-pressure: what is sent ahead is lost
LATE_SECONDS = 2.0  #: behind by more than this, the listener paused: go on from there, without a rush


class Ended(Exception):
    """A player cannot follow any further: the codec changed. The reason goes into the BYE."""


@dataclass(frozen=True, slots=True)
class Due:
    """Packets, and where on the time line of this playback they belong."""

    packets: Packets
    position: int  #: microseconds


class Playout(Protocol):
    """How a span is played."""

    def take(self, item: Sample | Break, now: float) -> Due | None:
        """The next thing from the store; None where nothing of it is sent. Raises Ended."""

    def restart(self, position: int, now: float) -> None:
        """`position` is due now: play begins, or goes on after a pause."""

    def at(self, due: Due, now: float) -> float:
        """When to send, on the clock of `now`."""


@dataclass(slots=True)
class Forward:
    """Scale 1, forward, all frames. Gaps are passed over."""

    sender: Sender
    lead: float  #: seconds
    _zero: float = 0.0  #: when position 0 is due

    def take(self, item: Sample | Break, now: float) -> Due | None:
        """Samples in decoding order, each due when its own time has come."""
        if isinstance(item, Break):
            if not self.sender.broke(item):
                raise Ended("the stream became another")
            return None
        packets = self.sender.packets(item, now)
        return Due(packets, self.sender.position(item.utc)) if packets is not None else None

    def restart(self, position: int, now: float) -> None:
        """`position` is due now."""
        self._zero = now - position / MICROSECONDS

    def at(self, due: Due, now: float) -> float:
        """Its time, less the lead; a playback that fell behind is not hurried."""
        when = self._zero + due.position / MICROSECONDS - self.lead
        if now - when > self.lead + LATE_SECONDS:
            self.restart(due.position, now)
        return when
