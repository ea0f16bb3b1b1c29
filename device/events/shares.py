"""Events of shares that are recorded to. Part of the catalogue, which imports this module."""

from __future__ import annotations

from device.errors import Severity
from device.events.event import Bytes, Count, Event, event


@event("storage.spool-overrun", severity=Severity.ERROR, about=("volume",))
class SpoolOverrun(Event):
    """A share was away for longer than its spool holds: the oldest of what is not on it yet was deleted."""

    volume: str  #: UUID of the storage
    path: str  #: of the spool
    segments: Count
    octets: Bytes
