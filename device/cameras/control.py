"""What the recorder needs of a camera besides its streams: what it is, where its streams are, what it sees.

A `Control` speaks a wire (ONVIF, in `protocols/`, handed in by `integration/`). It bears what cameras do wrong as far
as it can, and says whose fault it is where it cannot.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from device.cameras.ptz import Head
from device.errors import PeerFault, Refused
from device.media import Utc


class Kind(Enum):
    """What a camera tells."""

    MOTION = "motion"
    TAMPERING = "tampering"  #: covered, turned away, out of focus
    INPUT = "input"  #: a digital input


@dataclass(frozen=True, slots=True)
class Profile:
    """One stream that a camera offers."""

    token: str  #: the camera's
    name: str
    source: str  #: token of the video source; empty: it does not tell
    encoding: str  #: such as H264; empty: it does not tell
    width: int  #: pixels; 0: it does not tell
    height: int
    fps: float  #: 0: it does not tell
    url: str  #: of the stream, without user and password; empty: there is none
    snapshot: str  #: URL of a picture; empty: there is none
    node: str = ""  #: token of what moves the camera; empty: nothing does


@dataclass(frozen=True, slots=True)
class Portrait:
    """What a camera says of itself."""

    manufacturer: str
    model: str
    firmware: str
    serial: str
    mac: str  #: with colons; empty: it does not tell
    clock_offset: float  #: seconds that its clock is ahead of ours
    events: bool  #: it has an event service
    profiles: tuple[Profile, ...]  #: in the camera's order


@dataclass(frozen=True, slots=True)
class Happening:
    """A camera tells that something is so, or no more."""

    kind: Kind
    source: str  #: of the camera: a video source, a rule, an input
    on: bool
    utc: Utc  #: by our clock


@dataclass(frozen=True, slots=True)
class Card:
    """What a camera has recorded itself of one of its profiles."""

    url: str  #: where it is replayed, without user and password
    recording: str  #: its token there
    ahead: int  #: microseconds that the camera's clock is ahead of ours, to a second or so


class Control(Protocol):
    """One camera, as one talks with it. Each call raises the errors below."""

    async def describe(self) -> Portrait:
        """What it is, and what it offers now."""

    async def snapshot(self, token: str) -> bytes:
        """A picture of a profile, as JPEG."""

    async def head(self, profile: Profile) -> Head:
        """What moves the camera, as a profile of `Portrait.profiles` says."""

    async def card(self, profile: Profile) -> Card:
        """Its own recording of what a profile shows."""

    async def reboot(self) -> str:
        """Let it restart; what it says to that."""

    def happenings(self) -> AsyncIterator[Happening]:
        """What it sees from now on, how things stand first; until it cannot be heard any more."""

    async def close(self) -> None:
        """Let go of it."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a camera's control."""

    url: str  #: of its device service
    user: str = ""
    password: str = field(default="", repr=False)


class Unreachable(PeerFault):
    """Nothing answers at the camera's address: the network's fault, or the camera is off."""

    hint = "Check that the camera has power, that the address is right, and that a route leads there."


class LoginRefused(Refused):
    """The camera refuses user and password. Asking again may lock the account, so it is not asked for a while."""

    hint = "Correct the camera's user and password; for ONVIF many cameras have users of their own."


class NotUnderstood(PeerFault):
    """The camera answers, but not as ONVIF says: the camera's fault, or something else listens there."""

    hint = "Check that ONVIF is switched on in the camera, and that the port is that of its web server."


class Declines(Refused):
    """The camera could do what is asked for, and does not, for a reason of its own."""


class Lacks(Refused):
    """The camera does not have what is asked for."""
