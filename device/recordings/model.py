"""Recordings as a video management system knows them: what is to be recorded into what, and from where (ONVIF Recording
Control s5.1 to s5.3, Receiver s5.1). Pure.

A camera of the settings is a recording for each of its streams, with a job that records its own stream. A recording
that was created from outside has jobs that are created from outside too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from device.media import Kind
from device.recordings.names import FIRST
from device.records import record

PROFILE = "http://www.onvif.org/ver10/schema/Profile"  #: type of a source: a stream of a camera of ours
RECEIVER = "http://www.onvif.org/ver10/schema/Receiver"


class JobMode(Enum):
    """What is asked of a job."""

    IDLE = "Idle"
    ACTIVE = "Active"


class JobState(Enum):
    """What becomes of it."""

    IDLE = "Idle"
    ACTIVE = "Active"
    PARTIAL = "PartiallyActive"
    ERROR = "Error"


class ReceiverMode(Enum):
    """When a receiver is to be connected."""

    AUTO = "AutoConnect"
    ALWAYS = "AlwaysConnect"
    NEVER = "NeverConnect"


class ReceiverState(Enum):
    """Whether it is."""

    NOT_CONNECTED = "NotConnected"
    CONNECTING = "Connecting"
    CONNECTED = "Connected"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the video comes from, as a client says it: nothing of it is understood here."""

    id: str = ""
    name: str = ""
    location: str = ""
    description: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class TrackPlan:
    """A track that a recording is to have."""

    token: str
    kind: Kind
    description: str = ""


#: What every recording is made with (Recording Control s5.4).
TRACKS = tuple(TrackPlan(token, kind) for kind, token in FIRST.items())


@record
@dataclass(frozen=True, slots=True)
class Plan:
    """What a recording is to be."""

    token: str
    origin: Origin
    content: str = ""
    retention: float = 0.0  #: seconds; 0: without limit
    tracks: tuple[TrackPlan, ...] = TRACKS
    created: bool = False  #: from outside; else it is that of a camera's stream


@dataclass(frozen=True, slots=True)
class Link:
    """Which track of a source goes into which track of the recording."""

    tag: str
    destination: str


@dataclass(frozen=True, slots=True)
class JobSource:
    """One source of a job."""

    kind: str  #: PROFILE or RECEIVER
    token: str
    links: tuple[Link, ...]


@record
@dataclass(frozen=True, slots=True)
class Job:
    """What is to be recorded into a recording, and how much that matters."""

    token: str
    recording: str
    mode: JobMode
    priority: int  #: the higher wins
    sources: tuple[JobSource, ...]
    made: int = 0  #: among equals the later one wins
    own: bool = False  #: that of a camera of the settings: it is there as long as the camera


@record
@dataclass(frozen=True, slots=True)
class Receiver:
    """A stream of somebody else's, that may be connected."""

    token: str
    mode: ReceiverMode
    uri: str
    multicast: bool = False
    protocol: str = "UDP"  #: of tt:TransportProtocol
    auto: bool = False  #: made for a job, and gone with the last one that has it
