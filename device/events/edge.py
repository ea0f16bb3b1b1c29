"""Events of gaps that are filled later. Part of the catalogue, which imports this module."""

from __future__ import annotations

from device.errors import Severity
from device.events.event import Bytes, Event, Instant, event


@event("recording.filled", severity=Severity.NOTICE, about=("recording",))
class RecordingFilled(Event):
    """What was missing came later from the camera's own card, and is recorded after all."""

    recording: str
    start: Instant
    end: Instant
    octets: Bytes
    source: str  #: where it came from
