"""Events of what people do with recordings. Part of the catalogue, which imports this module."""

from __future__ import annotations

from device.errors import Severity
from device.events.event import Count, Event, Instant, event


@event("evidence.locked", severity=Severity.NOTICE, about=("recording",))
class EvidenceLocked(Event):
    """Somebody keeps a span of a recording, whatever retention says."""

    recording: str
    lock: Count  #: its number
    start: Instant
    end: Instant
    why: str
    by: str  #: account


@event("evidence.unlocked", severity=Severity.NOTICE, about=("lock",))
class EvidenceUnlocked(Event):
    """Somebody ended an evidence lock."""

    lock: Count  #: its number
    by: str  #: account


@event("recording.deleted", severity=Severity.WARNING, about=("recording",))
class RecordingDeleted(Event):
    """Somebody removed what was recorded."""

    recording: str
    start: Instant
    end: Instant
    segments: Count
    by: str  #: account
