"""Events of recordings, their jobs and receivers: what a video management system is told when one is made, changed or
gone (ONVIF Recording Control s5.29, Receiver s5.6). Part of the catalogue, which imports this module."""

from __future__ import annotations

from typing import NewType

from device.errors import Severity
from device.events.event import Event, event

RecordingId = NewType("RecordingId", str)
JobToken = NewType("JobToken", str)
ReceiverToken = NewType("ReceiverToken", str)


@event("recording.created", severity=Severity.NOTICE, about=("recording",))
class RecordingCreated(Event):
    """A recording was created from outside."""

    recording: RecordingId
    by: str


@event("recording.removed", severity=Severity.NOTICE, about=("recording",))
class RecordingDeleted(Event):
    """A recording that was created from outside was deleted, with all that was in it."""

    recording: RecordingId
    by: str


@event("recording.configured", severity=Severity.INFO, about=("recording",))
class RecordingConfigured(Event):
    """What a recording is to be was changed."""

    recording: RecordingId
    by: str


@event("recording.track-created", severity=Severity.INFO, about=("recording",))
class TrackCreated(Event):
    """A recording has one more track."""

    recording: RecordingId
    track: str


@event("recording.track-deleted", severity=Severity.INFO, about=("recording",))
class TrackDeleted(Event):
    """A recording has one track less."""

    recording: RecordingId
    track: str


@event("recording.track-configured", severity=Severity.INFO, about=("recording",))
class TrackConfigured(Event):
    """The description of a track was changed."""

    recording: RecordingId
    track: str


@event("recording.job-configured", severity=Severity.INFO, about=("job",))
class JobConfigured(Event):
    """A job was made, or is to do something else."""

    job: JobToken


@event("recording.job-state", severity=Severity.INFO, about=("job",))
class JobStateChanged(Event):
    """A job records, or does not any more."""

    job: JobToken
    state: str  #: Idle, Active, PartiallyActive or Error; empty: the job is no more


@event("receiver.state", severity=Severity.INFO, about=("receiver",))
class ReceiverChanged(Event):
    """A receiver is connected, or not any more."""

    receiver: ReceiverToken
    state: str  #: NotConnected, Connecting or Connected
    uri: str


@event("receiver.failed", severity=Severity.WARNING, about=("receiver",))
class ReceiverFailed(Event):
    """The stream of a receiver cannot be had. It is tried again."""

    receiver: ReceiverToken
    uri: str
