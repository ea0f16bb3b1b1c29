"""HOLDFAST-MIB: what the recorder knows and no standard has. `mib/HOLDFAST-MIB` says what each object means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device.cameras.source import Cause
from device.errors import Severity
from device.media import Utc
from device.poe.port import Mode, PortStatus, State, Status
from protocols.snmp.projection.oids import HF_OBJECTS
from protocols.snmp.syntax import (
    COUNTER,
    COUNTER64,
    DATE,
    GAUGE,
    GAUGE64,
    TEXT,
    TRUTH,
    enumeration,
    whole,
)
from protocols.snmp.tree import Column, Table, scalars

SEVERITY = enumeration("emergency", "alert", "critical", "error", "warning", "notice", "info")
CAMERA_STATES = ("disabled", "online", "offline", "rejected", "frozen", "unknown")
CAMERA_MODES = ("continuous", "schedule", "event", "off")
RECORDING_STATES = ("recording", "gap", "idle", "unknown")
STORAGE_STATES = ("ok", "full", "readOnly", "missing", "failed")
DRIVE_STATES = ("empty", "online", "rebuilding", "failed", "spare", "foreign", "unused")
HEALTH = ("unknown", "passed", "warning", "failed")
RAID_LEVELS = ("raid0", "raid1", "raid5", "raid6", "raid10", "none")
RAID_STATES = ("online", "degraded", "syncing", "failed")
DUE = tuple(cause for cause in Cause if cause.due)  #: in the order of hfGapCause
_CAUSES = tuple(
    "".join(word.capitalize() if n else word for n, word in enumerate(cause.value.split("_")))
    for cause in DUE
)


def severity(of: Severity) -> int:
    """The number of a severity in the MIB."""
    return min(of.value, Severity.INFO.value) + 1


@dataclass(frozen=True, slots=True)
class RecorderRow:
    """The recorder as a whole."""

    serial: str
    version: str
    worst: Severity | None  #: of the active alarms
    alarms: int
    cameras: int  #: that are to be recorded
    online: int
    bitrate: int  #: kilobits a second
    size: int  #: bytes of all storages
    video: int  #: bytes of all recordings
    age: Callable[[], int]  #: seconds since these were taken; -1: never


@dataclass(frozen=True, slots=True)
class RaidRow:
    """One array."""

    index: int
    name: str
    level: str  #: of RAID_LEVELS
    state: str  #: of RAID_STATES
    progress: int  #: hundredths of a per cent, -1: nothing runs
    drives: int
    missing: int
    faults_left: int
    size: int  #: bytes
    encrypted: bool
    mounted: bool


@dataclass(frozen=True, slots=True)
class DriveRow:
    """One bay."""

    bay: int
    state: str  #: of DRIVE_STATES
    model: str
    serial: str
    size: int  #: bytes
    health: str  #: of HEALTH
    temperature: int  #: degrees Celsius, -1000: not told
    hours: int
    errors: int
    raid: int  #: index of its array, 0: none


@dataclass(frozen=True, slots=True)
class StorageRow:
    """One storage."""

    index: int
    name: str
    path: str
    id: str  #: UUID
    state: str  #: of STORAGE_STATES
    size: int  #: bytes
    free: int
    used: int
    reserve: int
    detail: str


@dataclass(frozen=True, slots=True)
class CameraRow:
    """One camera."""

    index: int
    name: str
    key: str
    address: str
    state: str  #: of CAMERA_STATES
    reason: str
    since: Utc
    mode: str  #: of CAMERA_MODES
    packets: int
    lost: int
    octets: int
    bitrate: int  #: kilobits a second


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """One recording. Seconds of the last 24 hours."""

    index: int
    token: str
    camera: int
    stream: str  #: main | sub
    state: str  #: of RECORDING_STATES
    size: int  #: bytes
    first: Utc
    last: Utc
    recorded: int
    missing: int

    @property
    def completeness(self) -> int:
        """Hundredths of a per cent."""
        due = self.recorded + self.missing
        return self.recorded * 10000 // due if due else 10000


@dataclass(frozen=True, slots=True)
class GapRow:
    """What is missing of a recording for one cause."""

    recording: int
    cause: Cause
    seconds: int
    count: int


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One active alarm."""

    sequence: int
    raised: Utc
    severity: Severity
    name: str
    subject: str
    text: str


def _worst(row: RecorderRow) -> int:
    if row.worst is None or row.worst > Severity.WARNING:
        return 1
    return {Severity.WARNING: 2, Severity.ERROR: 3}.get(row.worst, 4)


SYSTEM: Table[RecorderRow] = scalars(
    "hfSystem",
    (*HF_OBJECTS, 1),
    Column(1, "hfSerialNumber", TEXT, lambda row: row.serial),
    Column(2, "hfSoftwareVersion", TEXT, lambda row: row.version),
    Column(3, "hfState", enumeration("ok", "warning", "error", "critical"), _worst),
    Column(4, "hfActiveAlarms", GAUGE, lambda row: row.alarms),
    Column(5, "hfCamerasEnabled", GAUGE, lambda row: row.cameras),
    Column(6, "hfCamerasOnline", GAUGE, lambda row: row.online),
    Column(7, "hfBitrate", GAUGE, lambda row: row.bitrate),
    Column(8, "hfStorageTotal", GAUGE64, lambda row: row.size),
    Column(9, "hfVideoTotal", GAUGE64, lambda row: row.video),
    Column(10, "hfStatusAge", whole(-1), lambda row: row.age(), live=True),
)

POE: Table[Status] = scalars(
    "hfPoe",
    (*HF_OBJECTS, 2),
    Column(1, "hfPoeBudget", GAUGE, lambda row: row.budget),
    Column(2, "hfPoeReserved", GAUGE, lambda row: row.reserved),
    Column(3, "hfPoeConsumed", GAUGE, lambda row: row.drawn),
)
POE_MODES = (Mode.BOTH, Mode.POWER, Mode.OFF)
_POE_STATES = tuple(State)
IDLE, CYCLE = 1, 2  #: hfPoePortCycle
POE_PORTS: Table[PortStatus] = Table(
    "hfPoePortEntry",
    (*HF_OBJECTS, 2, 4, 1),
    lambda row: (row.port,),
    (
        Column(2, "hfPoePortName", TEXT, lambda row: row.rules.name),
        Column(
            3,
            "hfPoePortMode",
            enumeration("powerAndEthernet", "powerOnly", "off"),
            lambda row: POE_MODES.index(row.rules.mode) + 1,
            writable=True,
        ),
        Column(
            4,
            "hfPoePortState",
            enumeration(*(state.value for state in _POE_STATES)),
            lambda row: _POE_STATES.index(row.state) + 1,
        ),
        Column(
            5,
            "hfPoePortClass",
            whole(-1, 8),
            lambda row: -1 if row.reading.power_class is None else row.reading.power_class,
        ),
        Column(6, "hfPoePortReserved", GAUGE, lambda row: row.reserved),
        Column(7, "hfPoePortConsumed", GAUGE, lambda row: row.reading.drawn or 0),
        Column(8, "hfPoePortReason", TEXT, lambda row: row.reason),
        Column(9, "hfPoePortCycles", COUNTER, lambda row: row.counters.cycles),
        Column(
            10,
            "hfPoePortCycle",
            enumeration("idle", "cycle"),
            lambda row: CYCLE if row.state is State.CYCLING else IDLE,
            writable=True,
        ),
    ),
)

RAIDS: Table[RaidRow] = Table(
    "hfRaidEntry",
    (*HF_OBJECTS, 3, 1, 1),
    lambda row: (row.index,),
    (
        Column(2, "hfRaidName", TEXT, lambda row: row.name),
        Column(3, "hfRaidLevel", enumeration(*RAID_LEVELS), lambda row: RAID_LEVELS.index(row.level) + 1),
        Column(4, "hfRaidState", enumeration(*RAID_STATES), lambda row: RAID_STATES.index(row.state) + 1),
        Column(5, "hfRaidProgress", whole(-1, 10000), lambda row: row.progress),
        Column(6, "hfRaidDrives", GAUGE, lambda row: row.drives),
        Column(7, "hfRaidDrivesMissing", GAUGE, lambda row: row.missing),
        Column(8, "hfRaidFaultsLeft", GAUGE, lambda row: row.faults_left),
        Column(9, "hfRaidSize", GAUGE64, lambda row: row.size),
        Column(10, "hfRaidEncrypted", TRUTH, lambda row: row.encrypted),
        Column(11, "hfRaidMounted", TRUTH, lambda row: row.mounted),
    ),
)

DRIVES: Table[DriveRow] = Table(
    "hfDriveEntry",
    (*HF_OBJECTS, 4, 1, 1),
    lambda row: (row.bay,),
    (
        Column(2, "hfDriveState", enumeration(*DRIVE_STATES), lambda row: DRIVE_STATES.index(row.state) + 1),
        Column(3, "hfDriveModel", TEXT, lambda row: row.model),
        Column(4, "hfDriveSerial", TEXT, lambda row: row.serial),
        Column(5, "hfDriveSize", GAUGE64, lambda row: row.size),
        Column(6, "hfDriveHealth", enumeration(*HEALTH), lambda row: HEALTH.index(row.health) + 1),
        Column(7, "hfDriveTemperature", whole(-1000, 1000), lambda row: row.temperature),
        Column(8, "hfDriveHours", COUNTER, lambda row: row.hours),
        Column(9, "hfDriveErrors", GAUGE, lambda row: row.errors),
        Column(10, "hfDriveRaidIndex", GAUGE, lambda row: row.raid),
    ),
)

STORAGES: Table[StorageRow] = Table(
    "hfStorageEntry",
    (*HF_OBJECTS, 5, 1, 1),
    lambda row: (row.index,),
    (
        Column(2, "hfStorageName", TEXT, lambda row: row.name),
        Column(3, "hfStoragePath", TEXT, lambda row: row.path),
        Column(4, "hfStorageId", TEXT, lambda row: row.id),
        Column(
            5, "hfStorageState", enumeration(*STORAGE_STATES), lambda row: STORAGE_STATES.index(row.state) + 1
        ),
        Column(6, "hfStorageSize", GAUGE64, lambda row: row.size),
        Column(7, "hfStorageFree", GAUGE64, lambda row: row.free),
        Column(8, "hfStorageUsed", GAUGE64, lambda row: row.used),
        Column(9, "hfStorageReserve", GAUGE64, lambda row: row.reserve),
        Column(10, "hfStorageDetail", TEXT, lambda row: row.detail),
    ),
)

CAMERA_STATE = enumeration(*CAMERA_STATES)
CAMERAS: Table[CameraRow] = Table(
    "hfCameraEntry",
    (*HF_OBJECTS, 6, 1, 1),
    lambda row: (row.index,),
    (
        Column(2, "hfCameraName", TEXT, lambda row: row.name),
        Column(3, "hfCameraKey", TEXT, lambda row: row.key),
        Column(4, "hfCameraAddress", TEXT, lambda row: row.address),
        Column(5, "hfCameraState", CAMERA_STATE, lambda row: CAMERA_STATES.index(row.state) + 1),
        Column(6, "hfCameraReason", TEXT, lambda row: row.reason),
        Column(7, "hfCameraSince", DATE, lambda row: row.since),
        Column(8, "hfCameraMode", enumeration(*CAMERA_MODES), lambda row: CAMERA_MODES.index(row.mode) + 1),
        Column(9, "hfCameraPackets", COUNTER64, lambda row: row.packets),
        Column(10, "hfCameraLost", COUNTER64, lambda row: row.lost),
        Column(11, "hfCameraOctets", COUNTER64, lambda row: row.octets),
        Column(12, "hfCameraBitrate", GAUGE, lambda row: row.bitrate),
    ),
)

RECORDINGS: Table[RecordingRow] = Table(
    "hfRecordingEntry",
    (*HF_OBJECTS, 7, 1, 1),
    lambda row: (row.index,),
    (
        Column(2, "hfRecordingToken", TEXT, lambda row: row.token),
        Column(3, "hfRecordingCamera", GAUGE, lambda row: row.camera),
        Column(
            4, "hfRecordingStream", enumeration("main", "sub"), lambda row: 2 if row.stream == "sub" else 1
        ),
        Column(
            5,
            "hfRecordingState",
            enumeration(*RECORDING_STATES),
            lambda row: RECORDING_STATES.index(row.state) + 1,
        ),
        Column(6, "hfRecordingBytes", GAUGE64, lambda row: row.size),
        Column(7, "hfRecordingFirst", DATE, lambda row: row.first),
        Column(8, "hfRecordingLast", DATE, lambda row: row.last),
        Column(9, "hfRecordingDue", GAUGE, lambda row: row.recorded + row.missing),
        Column(10, "hfRecordingRecorded", GAUGE, lambda row: row.recorded),
        Column(11, "hfRecordingMissing", GAUGE, lambda row: row.missing),
        Column(12, "hfRecordingCompleteness", whole(0, 10000), lambda row: row.completeness),
    ),
)

GAPS: Table[GapRow] = Table(
    "hfGapEntry",
    (*HF_OBJECTS, 7, 2, 1),
    lambda row: (row.recording, DUE.index(row.cause) + 1),
    (
        Column(2, "hfGapSeconds", GAUGE, lambda row: row.seconds),
        Column(3, "hfGapCount", GAUGE, lambda row: row.count),
    ),
)

ALARM_STATE: Table[int] = scalars(
    "hfAlarms", (*HF_OBJECTS, 8), Column(1, "hfAlarmLast", GAUGE, lambda row: row)
)
ALARMS: Table[AlarmRow] = Table(
    "hfAlarmEntry",
    (*HF_OBJECTS, 8, 2, 1),
    lambda row: (row.sequence,),
    (
        Column(2, "hfAlarmRaised", DATE, lambda row: row.raised),
        Column(3, "hfAlarmSeverity", SEVERITY, lambda row: severity(row.severity)),
        Column(4, "hfAlarmName", TEXT, lambda row: row.name),
        Column(5, "hfAlarmSubject", TEXT, lambda row: row.subject),
        Column(6, "hfAlarmText", TEXT, lambda row: row.text),
    ),
)

TABLES = (
    SYSTEM,
    POE,
    POE_PORTS,
    RAIDS,
    DRIVES,
    STORAGES,
    CAMERAS,
    RECORDINGS,
    GAPS,
    ALARM_STATE,
    ALARMS,
)
