"""What the pure side of the RTSP server asks of the side that has sockets, and what it is told in return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from device.media import Utc
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
    seek: bool  #: begin at `start`; false: go on where it stands, or begin at the origin
    start: Utc | None = None
    end: Utc | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """Where playing begins."""

    start: Utc | None  #: stored media: wall time of the first sample; live: None
    end: Utc | None
    info: Mapping[int, tuple[int, int]]  #: track -> its first sequence number, and RTP time at `start`


@dataclass(frozen=True, slots=True)
class Pause:
    """Send no more media until the next Play."""

    session: Session


@dataclass(frozen=True, slots=True)
class Release:
    """The session is gone: stop, and free what it holds."""

    session: Session


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection once all is written."""


Effect = Write | Resolve | Play | Pause | Release | Close
