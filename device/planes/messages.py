"""What the planes say to each other. Every message is a frozen dataclass; its class says what answers it.

A field that is added needs a default, and none is ever renamed: the planes of two versions talk during an
upgrade. Who serves what:  every plane Ping, Shutdown and SubscribeEvents;  recording what follows them up
to DeleteSpan; streaming AskStreaming and ExportSpan;  control the settings, the accounts, the jobs and ExportStart.
"""

from __future__ import annotations

from dataclasses import field

from device.media import Sample, Track, Utc
from device.planes.wire import Request, Subscription, message


@message
class Done:
    """It was done, and what had to be kept is on the disk."""


# ------------------------------------------------------------------------------------------- every plane


@message
class Pong:
    """The plane's loop runs."""

    plane: str
    pid: int
    since: Utc  #: start of this process


@message
class Ping(Request[Pong]):
    """Are you there?"""


@message
class Shutdown(Request[Done]):
    """End in good order. Answered before it is done."""


@message
class EventItem:
    """One entry of the plane's journal, already durable there."""

    seq: int
    utc: Utc
    origin: str
    origin_seq: int
    raised: int
    event: str  #: as `device.events.catalogue.dump` writes it


@message
class SubscribeEvents(Subscription[EventItem]):
    """The journal from an entry on, and then what is added, as it becomes durable."""

    origin: str  #: the journal that `after` was read from; another one is read from its beginning
    after: int  #: last entry known


# ---------------------------------------------------------------------------------------------- recording


@message
class StreamStatus:
    """One stream of a camera, as the recording plane sees it now."""

    camera: str
    stream: str  #: main | sub
    token: str  #: of the recording
    well: bool  #: key frames advance
    cause: str  #: why not (device.cameras.source.Cause), empty while well
    detail: str
    since: Utc  #: of the last change of health
    tracks: tuple[Track, ...]
    acknowledged: Utc  #: end of the last sample that is safe on the disk; 0 before the first
    packets: int
    lost: int  #: packets
    octets: int
    samples: int
    watched: bool  #: somebody taps it


@message
class VolumeStatus:
    """One storage."""

    uuid: str
    path: str
    state: str  #: device.recording.notices.VolumeState
    total: int  #: bytes of the file system
    free: int  #: bytes
    used: int  #: bytes that are taken, by whatever
    detail: str = ""


@message
class RecordingStatus:
    """The recording plane now."""

    since: Utc
    streams: tuple[StreamStatus, ...]
    volumes: tuple[VolumeStatus, ...]


@message
class AskRecording(Request[RecordingStatus]):
    """How is recording going?"""


@message
class TapTracks:
    """In a tap, before the first sample, and again whenever a run begins or the tracks change."""

    run: int
    tracks: tuple[Track, ...]


@message
class TapLost:
    """In a tap: the listener was too slow; the next sample of a video track is a key frame."""

    samples: int


@message
class Tap(Subscription[TapTracks | TapLost | Sample]):
    """Live samples of a recording, from the next key frame on, while somebody watches."""

    token: str


@message
class TapPatience(Request[Done]):
    """Those who tap a recording are content with samples that are up to so many seconds old; whoever taps it next is
    not. Refused with NotFound, BadValue."""

    token: str
    seconds: float  #: 0: each at once


@message
class Locked:
    """An evidence lock is in force."""

    lock: int


@message
class Lock(Request[Locked]):
    """Keep a span whatever retention says."""

    token: str
    start: Utc
    end: Utc
    until: Utc | None  #: None: until it is unlocked
    who: str
    why: str


@message
class Unlock(Request[Done]):
    """End an evidence lock. NotFound where there is none."""

    lock: int
    who: str


@message
class TriggerEvent(Request[Done]):
    """Something happened at a camera: in event mode the time around it is kept."""

    camera: str
    utc: Utc
    until: Utc | None  #: end of what happened; None: a moment
    why: str


@message
class Deleted:
    """What was removed by a person."""

    segments: int
    octets: int


@message
class DeleteSpan(Request[Deleted]):
    """Remove what was recorded. Whole segments go, locked ones stay."""

    token: str
    start: Utc
    end: Utc
    who: str


@message
class Forgotten:
    """What is no more was taken out of the catalogue."""

    left: bool  #: not all of it: ask again


@message
class ForgetVolumes(Request[Forgotten]):
    """The file system in this folder is a new one: what the catalogue knows to be there is gone. InUse."""

    path: str


# ---------------------------------------------------------------------------------------------- streaming


@message
class SessionStatus:
    """One client of the streaming plane."""

    protocol: str  #: rtsp | rtsps
    peer: str  #: address
    account: str  #: empty: nobody is asked
    path: str


@message
class StreamingStatus:
    """The streaming plane now."""

    since: Utc
    sessions: tuple[SessionStatus, ...]
    rtsp: int = 0  #: port of RTSP; 0: nobody is served at the moment
    rtsps: int = 0  #: port of RTSPS, likewise


@message
class AskStreaming(Request[StreamingStatus]):
    """Who watches?"""


@message
class ExportStep:
    """How far an export is."""

    phase: str
    done: int  #: bytes
    total: int


@message
class ExportDone:
    """An export is on the disk, whole and signed."""

    manifest: str  #: path
    files: tuple[str, ...]  #: paths
    octets: int
    frames: int
    gaps: int
    fingerprint: str  #: of the key that signed it


@message
class ExportSpan(Subscription[ExportStep | ExportDone]):
    """Write a span to files, in a thread of the streaming plane. Who closes the stream ends it, and nothing is
    left of it."""

    tokens: tuple[str, ...]
    start: Utc
    end: Utc
    form: str  #: device.recording.export.planner.Form
    path: str  #: absolute; a file that ends with the form's suffix, or a folder
    largest: int | None  #: bytes of one file
    by: str


# ------------------------------------------------------------------------------------------------ control


@message
class JobStarted:
    """A long work has begun, or waits for its turn."""

    id: str


@message
class ExportStart(Request[JobStarted]):
    """Export a span as a job: see ExportSpan."""

    tokens: tuple[str, ...]
    start: Utc
    end: Utc
    form: str
    path: str
    largest: int | None
    by: str


@message
class SettingsEntry:
    """One section, or one entry of a collection."""

    section: str
    key: str  #: empty for a section that is not a collection
    version: int  #: 0: never set
    values: str  #: JSON object; a secret is {"set": bool}


@message
class SettingsShown:
    """What was asked for."""

    entries: tuple[SettingsEntry, ...]


@message
class SettingsGet(Request[SettingsShown]):
    """Read settings. An empty section: all; an empty key: every entry of the section."""

    section: str = ""
    key: str = ""


@message
class SettingsStored:
    """Settings were changed, and are durable."""

    version: int
    fields: tuple[str, ...]  #: that really changed


@message
class SettingsSet(Request[SettingsStored]):
    """Change some fields. Makes the entry of a collection where there is none."""

    section: str
    key: str
    changes: str = field(repr=False)  #: JSON object of the fields to change; may hold secrets
    by: str
    expect: int | None = None  #: the version that the asker has seen; another one is a Conflict


@message
class SettingsRemove(Request[Done]):
    """Remove an entry of a collection."""

    section: str
    key: str
    by: str


@message
class AccountShown:
    """One account."""

    name: str
    role: str
    created: Utc


@message
class AccountsShown:
    """All accounts, by name."""

    accounts: tuple[AccountShown, ...]


@message
class AccountsList(Request[AccountsShown]):
    """Which accounts are there?"""


@message
class AccountCreate(Request[Done]):
    """Make an account. The first one must be an administrator's."""

    name: str
    password: str = field(repr=False)
    role: str
    by: str


@message
class AccountPassword(Request[Done]):
    """Give an account another password."""

    name: str
    password: str = field(repr=False)
    by: str


@message
class AccountDelete(Request[Done]):
    """Remove an account. The last administrator stays."""

    name: str
    by: str


@message
class FactoryReset(Request[Done]):
    """Take the recorder back to factory default; the answer is that it begins. Recordings stay."""

    by: str
    restore: bool = False  #: keep what makes it reachable


@message
class JobShown:
    """One job."""

    id: str
    kind: str
    phase: str
    state: str  #: device.jobs.State
    done: int
    total: int  #: 0: not known
    unit: str
    eta: float | None  #: seconds that are left
    error: str
    result: str = ""  #: of a job that is done


@message
class JobsShown:
    """All jobs, newest first."""

    jobs: tuple[JobShown, ...]


@message
class JobsList(Request[JobsShown]):
    """Which jobs are there?"""


@message
class JobCancel(Request[Done]):
    """Stop a job."""

    id: str
    by: str
