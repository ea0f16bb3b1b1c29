"""What the pure side of the RTSP server asks of the side that has sockets, and what it is told in return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from device.media import Utc
from protocols.rtsp.manner import Manner
from protocols.rtsp.range import Now
from protocols.rtsp.registry import Session


@dataclass(frozen=True, slots=True)
class Write:
    """Send these octets to the peer, in order with all else."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Resolve:
    """Ask the library. To be answered with an `Opened`, or an error."""

    path: str
    query: Mapping[str, str]
    account: str


@dataclass(frozen=True, slots=True)
class Play:
    """Find where playing begins. To be answered with a `Started`, or an error; media follows after the
    answer."""

    session: Session
    start: Utc | Now | None = None  #: None: from where it stands, or from the beginning
    end: Utc | None = None  #: in the direction of play; None: as far as there is anything
    manner: Manner | None = None  #: None: as before; then, without a start or an end, exactly where it stands
    cseq: int = 0  #: of the request


@dataclass(frozen=True, slots=True)
class Started:
    """Where playing begins."""

    start: Utc | None  #: stored media: wall time where play begins; live: None
    end: Utc | None
    manner: Manner
    #: track -> its first sequence number, None where it is not known yet, and RTP time at `start`
    info: Mapping[int, tuple[int | None, int]]


@dataclass(frozen=True, slots=True)
class Pause:
    """Send no more media until the next Play."""

    session: Session
    at: Utc | None = None  #: when play reaches this; None: now


@dataclass(frozen=True, slots=True)
class Release:
    """The session is gone: stop, and free what it holds."""

    session: Session


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell that somebody gave a wrong name or password."""

    account: str  #: as it was given


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection once all is written."""


Effect = Write | Resolve | Play | Pause | Release | Refuse | Close
