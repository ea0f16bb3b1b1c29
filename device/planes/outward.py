"""What is asked of the control plane about those whom the recorder tells: syslog servers, recipients."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.media import Utc
from device.planes.wire import Request, message


@dataclass(frozen=True, slots=True)
class Tried:
    """How a test of one destination came out."""

    key: str  #: of its settings
    good: bool
    detail: str  #: what was done, or what went wrong


@message
class AllTried:
    """Each of them, in the order in which they were asked for."""

    tried: tuple[Tried, ...]


@message
class TrySyslog(Request[AllTried]):
    """Send a test message to syslog servers: to those of the settings, or to some that are not saved yet."""

    servers: str = field(
        default="", repr=False
    )  #: JSON object of key and values; empty: those of the settings


@message
class TryRecipient(Request[AllTried]):
    """Send something to a recipient, to see whether it arrives: one of the settings, or one that is not saved yet."""

    key: str
    values: str = field(
        default="", repr=False
    )  #: JSON object of the settings to try; empty: those that are saved


@message
class ArchiveShown:
    """The archive now."""

    enabled: bool
    place: str  #: UNC path; empty: none is set
    target: str  #: identity of the folder; empty: it was not claimed
    copies: int  #: segments that are proven to be there
    octets: int
    phase: str  #: off, waiting, copying or failing
    detail: str  #: what is copied, or what is wrong


@message
class AskArchive(Request[ArchiveShown]):
    """How far is the archive?"""


@message
class ClaimArchive(Request[ArchiveShown]):
    """Make the folder of the settings ours: it must be empty, or ours already."""

    by: str


@message
class MqttShown:
    """The session with the broker now."""

    enabled: bool
    broker: str  #: host and port; empty: none is set
    connected: bool
    since: Utc | None  #: when it came up or went down; None: never since the start
    fault: str  #: why it is down; empty while it is up
    waiting: int  #: messages that wait for it
    sent: int  #: messages that it has acknowledged since the start
    dropped: int  #: messages that were thrown away, ever
    topic: str  #: with which all topics begin


@message
class AskMqtt(Request[MqttShown]):
    """How is the session with the broker?"""
