"""What is asked of the control plane about the outbox."""

from __future__ import annotations

from dataclasses import dataclass

from device.media import Utc
from device.planes.wire import Request, message


@dataclass(frozen=True, slots=True)
class BoxShown:
    """What waits for one destination."""

    destination: str
    waiting: int  #: letters
    octets: int
    oldest: Utc | None  #: when the oldest was put; None: nothing waits
    sent: int  #: letters that were acknowledged since the start
    dropped: int  #: letters that were thrown away, ever
    fault: str  #: why nothing gets through; empty while it does


@message
class OutboxShown:
    """All destinations."""

    boxes: tuple[BoxShown, ...]
    fault: str  #: why the outbox cannot be written; empty while it can


@message
class AskOutbox(Request[OutboxShown]):
    """What waits to leave?"""
