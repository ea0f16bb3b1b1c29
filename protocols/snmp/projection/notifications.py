"""Every event of the recorder as a notification, in one table.

A row names the notification and the objects that it carries besides those that all of HOLDFAST-MIB's do
(`hfEvent...`): a column, and what finds its row. A row may also say why nobody is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from device.events.event import Event
from device.events.journal import Entry
from device.events.words import fields
from protocols.snmp.ber import Oid
from protocols.snmp.notify import Notification, Varbind
from protocols.snmp.projection import holdfast, interfaces, power
from protocols.snmp.projection.oids import HF_NOTIFICATIONS, HF_OBJECTS, MIB2, SNMP_TRAPS
from protocols.snmp.syntax import DATE, GAUGE, TEXT
from protocols.snmp.tree import Table

COLD_START = (*SNMP_TRAPS, 1)
WARM_START = (*SNMP_TRAPS, 2)
LINK_DOWN = (*SNMP_TRAPS, 3)
LINK_UP = (*SNMP_TRAPS, 4)
AUTHENTICATION_FAILURE = (*SNMP_TRAPS, 5)
_POE = (*MIB2, 105, 0)


@dataclass(frozen=True, slots=True)
class Objects:
    """Columns of one table that a notification carries, and which field of the event says of which row."""

    table: Table[Any]  #: Any: rows of the table's own type
    columns: tuple[str, ...]
    field: str  #: empty: the table is a group of scalars


@dataclass(frozen=True, slots=True)
class Told:
    """An event that is told."""

    event: str
    notification: str  #: its descriptor
    name: Oid
    objects: Objects | None
    standard: bool = False  #: of a standard MIB: it carries what that says, and nothing of ours
    state: str = (
        ""  #: hfCameraState as the event makes it; the snapshot may be of before. Empty: of the snapshot
    )


@dataclass(frozen=True, slots=True)
class Silent:
    """An event that is not told."""

    event: str
    because: str


_CAMERA = Objects(holdfast.CAMERAS, ("hfCameraName", "hfCameraState"), "camera")
_STATE: Oid = (*holdfast.CAMERAS.entry, 5)  #: hfCameraState
_CAMERA_NAME = Objects(holdfast.CAMERAS, ("hfCameraName",), "camera")
_LOSS = Objects(holdfast.CAMERAS, ("hfCameraName", "hfCameraLost"), "camera")
_RECORDING = Objects(holdfast.RECORDINGS, ("hfRecordingToken", "hfRecordingState"), "recording")
_STORAGE = Objects(holdfast.STORAGES, ("hfStoragePath", "hfStorageState", "hfStorageFree"), "volume")
_LINK = Objects(interfaces.INTERFACES, ("ifIndex", "ifAdminStatus", "ifOperStatus"), "port")
_POWER = Objects(power.PORTS, ("pethPsePortDetectionStatus",), "port")
_USAGE = Objects(power.MAIN, ("pethMainPseConsumptionPower",), "")
_DENIED = Objects(holdfast.POE_PORTS, ("hfPoePortName", "hfPoePortState", "hfPoePortReason"), "port")
_PORT = Objects(holdfast.POE_PORTS, ("hfPoePortName", "hfPoePortState"), "port")
_CYCLES = Objects(holdfast.POE_PORTS, ("hfPoePortName", "hfPoePortCycles"), "port")
_DRIVE = Objects(holdfast.DRIVES, ("hfDriveSerial", "hfDriveState"), "bay")
_HEAT = Objects(holdfast.DRIVES, ("hfDriveSerial", "hfDriveTemperature"), "bay")
_BUDGET = Objects(holdfast.POE, ("hfPoeBudget",), "")


def _own(
    number: int, event: str, notification: str, objects: Objects | None = None, *, state: str = ""
) -> Told:
    return Told(event, notification, (*HF_NOTIFICATIONS, number), objects, state=state)


_TRIED = "whoever tries another network looks at it; where it is taken back, it is as managers know it"
_OF_THE_SYSTEM = "the video management system that makes recordings and jobs is told by ONVIF"

#: The order of rows is that of the catalogue; the numbers are those of HOLDFAST-MIB.
ROWS: tuple[Told | Silent, ...] = (
    Told("recorder.started", "coldStart", COLD_START, None, standard=True),
    _own(1, "recorder.stopped", "hfRecorderStopped"),
    _own(2, "recorder.plane-restarted", "hfPlaneRestarted"),
    _own(3, "clock.stepped", "hfClockStepped"),
    _own(4, "camera.offline", "hfCameraOffline", _CAMERA, state="offline"),
    _own(5, "camera.online", "hfCameraOnline", _CAMERA, state="online"),
    _own(6, "camera.credentials-rejected", "hfCameraRejected", _CAMERA, state="rejected"),
    _own(7, "camera.credentials-accepted", "hfCameraAccepted", _CAMERA),
    _own(8, "camera.released", "hfCameraReleased", _CAMERA),
    _own(9, "video.frozen", "hfVideoFrozen", _CAMERA, state="frozen"),
    _own(10, "video.resumed", "hfVideoResumed", _CAMERA, state="online"),
    _own(11, "camera.packet-loss", "hfPacketLoss", _LOSS),
    _own(12, "camera.codec-changed", "hfCodecChanged", _CAMERA_NAME),
    _own(13, "camera.audio-unsupported", "hfAudioUnsupported", _CAMERA_NAME),
    _own(14, "recording.gap-opened", "hfGapOpened", _RECORDING),
    _own(15, "recording.gap-closed", "hfGapClosed", _RECORDING),
    _own(16, "recording.overload", "hfOverload", _RECORDING),
    _own(17, "catalogue.failed", "hfCatalogueFailed"),
    _own(18, "catalogue.back", "hfCatalogueBack"),
    _own(77, "catalogue.rebuilt", "hfCatalogueRebuilt"),
    _own(78, "catalogue.recovery-problem", "hfRecoveryProblem"),
    _own(19, "storage.low", "hfStorageLow", _STORAGE),
    _own(20, "storage.full", "hfStorageFull", _STORAGE),
    _own(21, "storage.ok", "hfStorageOk", _STORAGE),
    _own(22, "retention.below-minimum", "hfRetentionBroken", _STORAGE),
    _own(23, "retention.kept", "hfRetentionKept", _STORAGE),
    _own(24, "volume.failed", "hfVolumeFailed", _STORAGE),
    _own(25, "volume.missing", "hfVolumeMissing", _STORAGE),
    _own(26, "volume.read-only", "hfVolumeReadOnly", _STORAGE),
    _own(27, "volume.back", "hfVolumeBack", _STORAGE),
    _own(28, "login.failed", "hfLoginFailed"),
    _own(29, "account.created", "hfAccountCreated"),
    _own(30, "account.changed", "hfAccountChanged"),
    _own(31, "account.deleted", "hfAccountDeleted"),
    _own(32, "settings.changed", "hfSettingsChanged"),
    Silent("job.started", "a job that nothing is wrong with is of interest to who started it"),
    Silent("job.finished", "a job that nothing is wrong with is of interest to who started it"),
    _own(33, "job.failed", "hfJobFailed"),
    _own(34, "export.finished", "hfExportFinished"),
    Told("poe.port-powered", "pethPsePortOnOffNotification", (*_POE, 1), _POWER, standard=True),
    Told("poe.port-unpowered", "pethPsePortOnOffNotification", (*_POE, 1), _POWER, standard=True),
    Told("poe.usage-high", "pethMainPowerUsageOnNotification", (*_POE, 2), _USAGE, standard=True),
    Told("poe.usage-normal", "pethMainPowerUsageOffNotification", (*_POE, 3), _USAGE, standard=True),
    _own(35, "poe.unavailable", "hfPoeLost"),
    _own(36, "poe.available", "hfPoeBack"),
    _own(37, "poe.budget-changed", "hfPoeBudgetChanged", _BUDGET),
    _own(38, "poe.port-denied", "hfPoePortDenied", _DENIED),
    _own(39, "poe.port-admitted", "hfPoePortAdmitted", _PORT),
    _own(40, "poe.port-fault", "hfPoePortFault", _DENIED),
    _own(41, "poe.port-recovered", "hfPoePortRecovered", _PORT),
    _own(42, "poe.port-cycled", "hfPoePortCycled", _CYCLES),
    _own(43, "port.link-up", "hfPortLinkUp", _PORT),
    _own(44, "port.link-down", "hfPortLinkDown", _PORT),
    _own(45, "drive.inserted", "hfDriveInserted", _DRIVE),
    _own(46, "drive.removed", "hfDriveRemoved", _DRIVE),
    _own(47, "drive.broken", "hfDriveBroken", _DRIVE),
    _own(48, "drive.well", "hfDriveWell", _DRIVE),
    _own(49, "drive.hot", "hfDriveHot", _HEAT),
    _own(50, "drive.cool", "hfDriveCool", _HEAT),
    _own(51, "raid.degraded", "hfRaidDegraded"),
    _own(52, "raid.failed", "hfRaidFailed"),
    _own(53, "raid.online", "hfRaidOnline"),
    _own(54, "raid.rebuild-started", "hfRebuildStarted"),
    _own(55, "raid.rebuild-ended", "hfRebuildEnded"),
    _own(56, "raid.locked", "hfRaidLocked"),
    _own(57, "raid.unlocked", "hfRaidUnlocked"),
    _own(58, "raid.mismatch", "hfRaidMismatch"),
    _own(59, "raid.unavailable", "hfRaidUnavailable"),
    _own(60, "raid.available", "hfRaidAvailable"),
    _own(61, "endpoint.failed", "hfEndpointFailed"),
    _own(62, "endpoint.back", "hfEndpointBack"),
    _own(63, "chassis.temperature-high", "hfTemperatureHigh"),
    _own(64, "chassis.temperature-critical", "hfTemperatureCritical"),
    _own(65, "chassis.temperature-normal", "hfTemperatureNormal"),
    _own(66, "chassis.fan-failed", "hfFanFailed"),
    _own(67, "chassis.fan-ok", "hfFanOk"),
    _own(68, "chassis.supply-failed", "hfSupplyFailed"),
    _own(69, "chassis.supply-ok", "hfSupplyOk"),
    _own(70, "chassis.buzzer-started", "hfBuzzerStarted"),
    _own(71, "chassis.buzzer-silenced", "hfBuzzerSilenced"),
    _own(72, "chassis.shutdown-requested", "hfShutdownRequested"),
    _own(73, "chassis.connect-requested", "hfConnectRequested"),
    _own(74, "chassis.reset-requested", "hfResetRequested"),
    _own(75, "chassis.unavailable", "hfChassisLost"),
    _own(76, "chassis.available", "hfChassisBack"),
    Silent("command.received", "what it does is an event of its own"),
    Silent("rule.active", "whom a rule tells is a matter of its action"),
    Silent("rule.ended", "whom a rule tells is a matter of its action"),
    _own(79, "rule.action-failed", "hfRuleActionFailed"),
    _own(80, "rule.overrun", "hfRuleOverrun"),
    _own(81, "rule.told", "hfRuleTold"),
    _own(82, "delivery.failing", "hfDeliveryFailing"),
    _own(83, "delivery.back", "hfDeliveryBack"),
    _own(84, "delivery.dropping", "hfDeliveryDropping"),
    _own(85, "delivery.complete", "hfDeliveryComplete"),
    _own(86, "delivery.refused", "hfDeliveryRefused"),
    Silent("session.opened", "who watches is a matter of the audit log, and can change every second"),
    Silent(
        "recording.filled",
        "the outage and its end were told; how much is missing still is in the table of recordings",
    ),
    Silent("recording.created", _OF_THE_SYSTEM),
    Silent("recording.removed", _OF_THE_SYSTEM),
    Silent("recording.configured", _OF_THE_SYSTEM),
    Silent("recording.track-created", _OF_THE_SYSTEM),
    Silent("recording.track-deleted", _OF_THE_SYSTEM),
    Silent("recording.track-configured", _OF_THE_SYSTEM),
    Silent("recording.job-configured", _OF_THE_SYSTEM),
    Silent("recording.job-state", _OF_THE_SYSTEM),
    Silent("receiver.state", _OF_THE_SYSTEM),
    Silent("receiver.failed", _OF_THE_SYSTEM),
    Silent("camera.motion", "what a camera sees is no manager's business; a rule can tell him"),
    Silent("camera.motion-ended", "what a camera sees is no manager's business; a rule can tell him"),
    Silent("camera.tampering", "what a camera sees is no manager's business; a rule can tell him"),
    Silent("camera.tampering-ended", "what a camera sees is no manager's business; a rule can tell him"),
    Silent("camera.input-active", "what a camera sees is no manager's business; a rule can tell him"),
    Silent("camera.input-inactive", "what a camera sees is no manager's business; a rule can tell him"),
    Silent("camera.control-lost", "whether video comes is told by hfCameraOffline"),
    Silent("camera.control-back", "whether video comes is told by hfCameraOffline"),
    Silent(
        "camera.address-followed",
        "an address that changed, or a restart, shows in hfCameraOffline where it matters",
    ),
    Silent(
        "camera.restarted", "an address that changed, or a restart, shows in hfCameraOffline where it matters"
    ),
    Silent("camera.moved", "where a camera looks is no manager's business; the audit log has it"),
    Silent("camera.preset-changed", "where a camera looks is no manager's business; the audit log has it"),
    Silent("session.closed", "who watches is a matter of the audit log, and can change every second"),
    _own(87, "evidence.locked", "hfEvidenceLocked"),
    _own(88, "evidence.unlocked", "hfEvidenceUnlocked"),
    _own(89, "recording.deleted", "hfRecordingDeleted"),
    _own(90, "storage.spool-overrun", "hfSpoolOverrun", _STORAGE),
    Silent("clock.set", "that the clock was set is told by hfClockStepped"),
    Silent("clock.synchronized", "a clock that is right is no news to a manager"),
    _own(91, "machine.refused", "hfMachineRefused"),
    _own(92, "machine.obeyed", "hfMachineObeyed"),
    _own(93, "volume.released", "hfVolumeReleased"),
    Silent("network.tried", _TRIED),
    Silent("network.kept", _TRIED),
    Silent("network.taken-back", _TRIED),
)

BY_EVENT = {row.event: row for row in ROWS}

Finder = Callable[[Objects, object], Sequence[Varbind]]  #: objects, and the value of their field -> varbinds


def text(event: Event) -> str:
    """The fields of an event, for a person: `cause=unreachable detail=...`."""
    skipped = type(event).about
    return " ".join(f"{name}={value}" for name, value in fields(event) if name not in skipped)[:255]


def about(event: Event) -> str:
    """The values that identify whom an event is about, separated by spaces."""
    values = (getattr(event, name) for name in type(event).about)
    return " ".join(str(getattr(value, "value", value)) for value in values)[:255]


def _event_objects(entry: Entry) -> tuple[Varbind, ...]:
    event = entry.event
    encoded = (
        GAUGE.encode(entry.seq),
        GAUGE.encode(entry.raised),
        DATE.encode(entry.utc),
        holdfast.SEVERITY.encode(holdfast.severity(type(event).severity)),
        TEXT.encode(event.name),
        TEXT.encode(about(event)),
        TEXT.encode(text(event)),
    )
    return tuple(((*HF_OBJECTS, 9, number, 0), value) for number, value in enumerate(encoded, 1))


def notification(entry: Entry, find: Finder) -> Notification | None:
    """What is told of an event; None: nothing."""
    row = BY_EVENT.get(entry.event.name)
    if row is None or isinstance(row, Silent):
        return None
    found: Sequence[Varbind] = ()
    if row.objects is not None:
        value = getattr(entry.event, row.objects.field) if row.objects.field else None
        found = find(row.objects, value)
    if row.state and getattr(entry.event, "stream", "main") == "main":
        state = holdfast.CAMERA_STATE.encode(holdfast.CAMERA_STATES.index(row.state) + 1)
        found = [(name, state if name[: len(_STATE)] == _STATE else value) for name, value in found]
    if row.standard:
        return Notification(row.name, tuple(found))
    return Notification(row.name, (*_event_objects(entry), *found))
