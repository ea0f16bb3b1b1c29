"""Everything the recorder can say. An event is added here, in `hardware` where it is about the box, in `drives` or in
`evidence`, and as one row in each wire's table."""

from __future__ import annotations

from enum import Enum
from typing import NewType

from device.cameras.source import Cause
from device.errors import Severity
from device.events import automation as automation  # declares the events of rules and commands
from device.events import cameras as cameras  # declares what cameras tell
from device.events import drives as drives  # declares the events of the drives
from device.events import edge as edge  # declares the events of gaps that are filled later
from device.events import evidence as evidence  # declares what people do with recordings
from device.events import hardware as hardware  # declares the events of the box
from device.events import machine as machine  # declares the events of the machine's network and clock
from device.events import outbox as outbox  # declares the events of what leaves
from device.events import recordings as recordings  # declares the events of recordings, jobs and receivers
from device.events import shares as shares  # declares the events of shares that are recorded to
from device.events.event import Bytes, Count, Event, Instant, Percent, Seconds, event

CameraId = NewType("CameraId", str)  #: the key of a camera's settings
Token = NewType("Token", str)  #: of a recording: the camera, or the camera and `.sub`
VolumeId = NewType("VolumeId", str)  #: UUID
JobId = NewType("JobId", str)
SessionId = NewType("SessionId", str)  #: of somebody who watches; not the secret name that the protocol uses


class PlaneName(Enum):
    """The recorder's processes."""

    RECORDING = "recording"
    STREAMING = "streaming"
    CONTROL = "control"


# --------------------------------------------------------------------------------------------- the recorder


@event("recorder.started", severity=Severity.NOTICE)
class RecorderStarted(Event):
    """The recorder runs."""

    version: str
    serial: str


@event("recorder.stopped", severity=Severity.NOTICE)
class RecorderStopped(Event):
    """The recorder was told to stop."""

    reason: str


@event("recorder.plane-restarted", severity=Severity.ERROR, about=("plane",))
class PlaneRestarted(Event):
    """One of the recorder's processes ended that should not have, and runs again."""

    plane: PlaneName
    reason: str  #: signal 9, exit 1, silent
    restarts: Count  #: of this plane since the recorder started


@event("endpoint.failed", severity=Severity.ERROR, about=("protocol",), state="endpoint.failed")
class EndpointFailed(Event):
    """A protocol cannot be served. It is tried again."""

    protocol: str  #: such as snmp
    detail: str  #: which port, and what the system said


@event("endpoint.back", severity=Severity.NOTICE, about=("protocol",), clears=("endpoint.failed",))
class EndpointBack(Event):
    """It is served again."""

    protocol: str  #: such as snmp


@event("clock.stepped", severity=Severity.WARNING)
class ClockStepped(Event):
    """The wall clock was set. Recordings begin a new run."""

    step: Seconds  #: negative where it was put back


# ----------------------------------------------------------------------------------------------- cameras


@event("camera.offline", severity=Severity.ERROR, about=("camera", "stream"), state="camera.offline")
class CameraOffline(Event):
    """No picture comes from a camera."""

    camera: CameraId
    stream: str  #: main or sub
    cause: Cause
    detail: str  #: what the network or the camera said


@event("camera.online", severity=Severity.NOTICE, about=("camera", "stream"), clears=("camera.offline",))
class CameraOnline(Event):
    """A camera's picture comes again."""

    camera: CameraId
    stream: str  #: main or sub
    down: Seconds  #: how long it did not


@event(
    "camera.credentials-rejected",
    severity=Severity.ERROR,
    about=("camera", "stream"),
    state="camera.credentials-rejected",
)
class CredentialsRejected(Event):
    """A camera refused user and password. It is not asked again until they change."""

    camera: CameraId
    stream: str  #: main or sub
    detail: str


@event(
    "camera.credentials-accepted",
    severity=Severity.NOTICE,
    about=("camera", "stream"),
    clears=("camera.credentials-rejected",),
)
class CredentialsAccepted(Event):
    """A camera takes user and password again."""

    camera: CameraId
    stream: str  #: main or sub


@event(
    "camera.released",
    severity=Severity.INFO,
    about=("camera", "stream"),
    clears=("camera.offline", "camera.credentials-rejected", "video.frozen"),
)
class CameraReleased(Event):
    """A stream is no longer asked for: what was wrong with it does not matter any more."""

    camera: CameraId
    stream: str  #: main or sub


@event("video.frozen", severity=Severity.ERROR, about=("camera", "stream"), state="video.frozen")
class VideoFrozen(Event):
    """A camera is connected, but its key frames do not advance."""

    camera: CameraId
    stream: str  #: main or sub
    since: Instant  #: last key frame
    packets: bool  #: whether anything arrives at all


@event("video.resumed", severity=Severity.NOTICE, about=("camera", "stream"), clears=("video.frozen",))
class VideoResumed(Event):
    """A camera's key frames advance again."""

    camera: CameraId
    stream: str  #: main or sub


@event("camera.packet-loss", severity=Severity.WARNING, about=("camera", "stream"))
class PacketLoss(Event):
    """Packets of a camera were lost on the way. Told within a minute, then at most every ten minutes."""

    camera: CameraId
    stream: str  #: main or sub
    lost: Count  #: packets
    received: Count  #: packets in the same time
    over: Seconds  #: that time


@event("camera.audio-unsupported", severity=Severity.WARNING, about=("camera", "stream"))
class AudioUnsupported(Event):
    """A camera sends audio that cannot be recorded. Its video is."""

    camera: CameraId
    stream: str  #: main or sub
    encoding: str  #: as the camera calls it


@event("camera.codec-changed", severity=Severity.NOTICE, about=("camera", "stream"))
class CodecChanged(Event):
    """A camera's picture changed its codec or its size while it was recorded."""

    camera: CameraId
    stream: str  #: main or sub
    before: str  #: such as H264 1920x1080
    after: str


# --------------------------------------------------------------------------------------------- recording


@event("recording.gap-opened", severity=Severity.ERROR, about=("recording",), state="recording.gap")
class GapOpened(Event):
    """A camera that should be recorded is not."""

    recording: Token
    start: Instant  #: end of the last frame that was recorded
    cause: Cause
    detail: str


@event("recording.gap-closed", severity=Severity.NOTICE, about=("recording",), clears=("recording.gap",))
class GapClosed(Event):
    """A camera is recorded again, or need not be any more."""

    recording: Token
    start: Instant
    end: Instant  #: first frame that is recorded again, or since when it need not be
    cause: Cause  #: why it was not, at first


@event("recording.overload", severity=Severity.ERROR, about=("recording", "volume"))
class Overload(Event):
    """A storage could not keep up: whole groups of pictures were dropped. The span is in the ledger."""

    recording: Token
    volume: VolumeId
    waiting: Bytes  #: that had not been written


@event("catalogue.failed", severity=Severity.CRITICAL, state="catalogue.failed")
class CatalogueFailed(Event):
    """The catalogue cannot be written: nothing new is acknowledged."""

    detail: str


@event("catalogue.back", severity=Severity.NOTICE, clears=("catalogue.failed",))
class CatalogueBack(Event):
    """The catalogue can be written again."""


@event("catalogue.rebuilt", severity=Severity.ERROR)
class CatalogueRebuilt(Event):
    """The catalogue was lost, and was made anew from the segments; evidence locks and the causes of gaps are gone."""

    recordings: Count
    segments: Count
    skipped: Count  #: files that could not be read; they were left


@event("catalogue.recovery-problem", severity=Severity.ERROR)
class RecoveryProblem(Event):
    """What the start after a crash found and could not set right."""

    detail: str


# ----------------------------------------------------------------------------------------------- storage


@event("storage.low", severity=Severity.WARNING, about=("volume",), state="storage.low")
class StorageLow(Event):
    """A storage comes near to its reserve: soon the oldest recordings are overwritten."""

    volume: VolumeId
    path: str
    free: Bytes
    reserve: Bytes


@event("storage.full", severity=Severity.CRITICAL, about=("volume",), state="storage.full")
class StorageFull(Event):
    """A storage has no room left, and nothing on it may be deleted."""

    volume: VolumeId
    path: str
    free: Bytes


@event("storage.ok", severity=Severity.NOTICE, about=("volume",), clears=("storage.low", "storage.full"))
class StorageOk(Event):
    """A storage has room again."""

    volume: VolumeId
    path: str
    free: Bytes


@event(
    "retention.below-minimum", severity=Severity.CRITICAL, about=("volume",), state="retention.below-minimum"
)
class RetentionBelowMinimum(Event):
    """A storage is full of what may not be deleted yet: recording stops rather than break the promise."""

    volume: VolumeId
    path: str
    needed: Bytes  #: that could not be freed
    locked: bool  #: evidence locks are in the way


@event("retention.kept", severity=Severity.NOTICE, about=("volume",), clears=("retention.below-minimum",))
class RetentionKept(Event):
    """The promised retention fits on the storage again."""

    volume: VolumeId
    path: str


@event("volume.failed", severity=Severity.CRITICAL, about=("volume",), state="volume.failed")
class VolumeFailed(Event):
    """A storage could not be written."""

    volume: VolumeId
    path: str
    detail: str


@event("volume.missing", severity=Severity.CRITICAL, about=("volume",), state="volume.missing")
class VolumeMissing(Event):
    """A storage is not there, or what is there is not it."""

    volume: VolumeId
    path: str
    detail: str


@event("volume.read-only", severity=Severity.CRITICAL, about=("volume",), state="volume.read-only")
class VolumeReadOnly(Event):
    """A storage became read-only."""

    volume: VolumeId
    path: str


@event(
    "volume.back",
    severity=Severity.NOTICE,
    about=("volume",),
    clears=("volume.failed", "volume.missing", "volume.read-only"),
)
class VolumeBack(Event):
    """A storage can be written again."""

    volume: VolumeId
    path: str


@event(
    "volume.released",
    severity=Severity.INFO,
    about=("volume",),
    clears=(
        "storage.low",
        "storage.full",
        "retention.below-minimum",
        "volume.failed",
        "volume.missing",
        "volume.read-only",
    ),
)
class VolumeReleased(Event):
    """A storage is no longer used: what was wrong with it does not matter any more."""

    volume: VolumeId
    path: str


# -------------------------------------------------------------------------------------- settings, accounts


@event("settings.changed", severity=Severity.NOTICE, about=("section", "key"))
class SettingsChanged(Event):
    """Somebody changed settings."""

    section: str
    key: str  #: of the entry, empty where the section is not a collection
    fields: tuple[str, ...]
    by: str  #: account


@event("account.created", severity=Severity.NOTICE, about=("account",))
class AccountCreated(Event):
    """There is a new account."""

    account: str
    role: str
    by: str  #: account, empty for the first


@event("account.changed", severity=Severity.NOTICE, about=("account",))
class AccountChanged(Event):
    """An account has another password or role."""

    account: str
    what: str  #: password or role
    by: str


@event("account.deleted", severity=Severity.NOTICE, about=("account",))
class AccountDeleted(Event):
    """An account is gone."""

    account: str
    by: str


@event("login.failed", severity=Severity.WARNING, about=("account",))
class LoginFailed(Event):
    """Somebody gave a wrong name or password."""

    account: str  #: as it was given
    peer: str  #: address
    protocol: str  #: such as https, rtsp


# ---------------------------------------------------------------------------------------------- streaming


@event("session.opened", severity=Severity.INFO, about=("session",))
class SessionOpened(Event):
    """Somebody set up a stream, live or recorded."""

    session: SessionId
    account: str  #: empty where none is asked
    peer: str  #: address
    protocol: str  #: rtsp or rtsps
    path: str  #: what is watched, such as /live/c-7f3k2m
    transport: str  #: interleaved, udp or multicast


@event("session.closed", severity=Severity.INFO, about=("session",))
class SessionClosed(Event):
    """A stream that somebody had set up came to its end."""

    session: SessionId
    account: str
    peer: str
    protocol: str
    path: str
    reason: str  #: teardown, disconnected, timed out, too slow, stopped or revoked
    after: Seconds  #: since it was set up


# -------------------------------------------------------------------------------------------------- jobs


@event("job.started", severity=Severity.INFO, about=("job",))
class JobStarted(Event):
    """A long work began."""

    job: JobId
    kind: str
    by: str


@event("job.finished", severity=Severity.INFO, about=("job",))
class JobFinished(Event):
    """A long work is done."""

    job: JobId
    kind: str
    took: Seconds


@event("job.failed", severity=Severity.ERROR, about=("job",))
class JobFailed(Event):
    """A long work ended without success."""

    job: JobId
    kind: str
    done: Percent
    error: str


@event("export.finished", severity=Severity.NOTICE, about=("recording",))
class ExportFinished(Event):
    """A span of a recording was written to a file."""

    recording: Token
    start: Instant
    end: Instant
    file: str
    size: Bytes
    sha256: str  #: of the file, hexadecimal; empty where it was streamed
    by: str
