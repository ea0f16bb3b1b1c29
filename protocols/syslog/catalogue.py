"""Every event of the recorder as a message, in one table. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from device.audit.logs import Log, log_of
from device.audit.trail import Receipt
from device.errors import Severity
from device.events.journal import Entry
from device.events.words import fields, said
from device.media import Utc
from protocols.syslog.message import Element, Message

ENTERPRISE = "32473"  #: of our SD-IDs: RFC 5612's until one is assigned
SEQUENCES = (1 << 31) - 1  #: of `meta sequenceId` (RFC 5424 s7.3.1)

#: RFC 5424 s6.2.1, table 1: system daemons, security messages, log audit.
FACILITIES = {Log.SYSTEM: 3, Log.ACCESS: 10, Log.AUDIT: 13}


@dataclass(frozen=True, slots=True)
class Row:
    """An event on this wire."""

    event: str
    name: str  #: MSGID
    data: str  #: SD-ID, before `@`: its parameters are the event's fields


ROWS: tuple[Row, ...] = (
    #   event, MSGID, SD-ID
    Row("recorder.started", "RECORDER-STARTED", "recorder"),
    Row("recorder.stopped", "RECORDER-STOPPED", "recorder"),
    Row("recorder.plane-restarted", "RECORDER-PLANE-RESTARTED", "recorder"),
    Row("endpoint.failed", "ENDPOINT-FAILED", "endpoint"),
    Row("endpoint.back", "ENDPOINT-BACK", "endpoint"),
    Row("clock.stepped", "CLOCK-STEPPED", "clock"),
    Row("clock.set", "CLOCK-SET", "clock"),
    Row("clock.synchronized", "CLOCK-SYNCHRONIZED", "clock"),
    Row("machine.refused", "MACHINE-REFUSED", "machine"),
    Row("machine.obeyed", "MACHINE-OBEYED", "machine"),
    Row("network.tried", "NETWORK-TRIED", "network"),
    Row("network.kept", "NETWORK-KEPT", "network"),
    Row("network.taken-back", "NETWORK-TAKEN-BACK", "network"),
    Row("camera.offline", "CAMERA-OFFLINE", "camera"),
    Row("camera.online", "CAMERA-ONLINE", "camera"),
    Row("camera.credentials-rejected", "CAMERA-CREDENTIALS-REJECTED", "camera"),
    Row("camera.credentials-accepted", "CAMERA-CREDENTIALS-ACCEPTED", "camera"),
    Row("camera.released", "CAMERA-RELEASED", "camera"),
    Row("camera.packet-loss", "CAMERA-PACKET-LOSS", "camera"),
    Row("camera.audio-unsupported", "CAMERA-AUDIO-UNSUPPORTED", "camera"),
    Row("camera.codec-changed", "CAMERA-CODEC-CHANGED", "camera"),
    Row("camera.motion", "CAMERA-MOTION", "camera"),
    Row("camera.motion-ended", "CAMERA-MOTION-ENDED", "camera"),
    Row("camera.tampering", "CAMERA-TAMPERING", "camera"),
    Row("camera.tampering-ended", "CAMERA-TAMPERING-ENDED", "camera"),
    Row("camera.input-active", "CAMERA-INPUT-ACTIVE", "camera"),
    Row("camera.input-inactive", "CAMERA-INPUT-INACTIVE", "camera"),
    Row("camera.control-lost", "CAMERA-CONTROL-LOST", "camera"),
    Row("camera.control-back", "CAMERA-CONTROL-BACK", "camera"),
    Row("camera.address-followed", "CAMERA-ADDRESS-FOLLOWED", "camera"),
    Row("camera.restarted", "CAMERA-RESTARTED", "camera"),
    Row("camera.moved", "CAMERA-MOVED", "camera"),
    Row("camera.preset-changed", "CAMERA-PRESET-CHANGED", "camera"),
    Row("video.frozen", "VIDEO-FROZEN", "camera"),
    Row("video.resumed", "VIDEO-RESUMED", "camera"),
    Row("recording.deleted", "RECORDING-DELETED", "recording"),
    Row("recording.created", "RECORDING-CREATED", "recording"),
    Row("recording.removed", "RECORDING-REMOVED", "recording"),
    Row("recording.configured", "RECORDING-CONFIGURED", "recording"),
    Row("recording.track-created", "RECORDING-TRACK-CREATED", "recording"),
    Row("recording.track-deleted", "RECORDING-TRACK-DELETED", "recording"),
    Row("recording.track-configured", "RECORDING-TRACK-CONFIGURED", "recording"),
    Row("recording.job-configured", "RECORDING-JOB-CONFIGURED", "recording"),
    Row("recording.job-state", "RECORDING-JOB-STATE", "recording"),
    Row("receiver.state", "RECEIVER-STATE", "receiver"),
    Row("receiver.failed", "RECEIVER-FAILED", "receiver"),
    Row("recording.gap-opened", "RECORDING-GAP-OPENED", "recording"),
    Row("recording.gap-closed", "RECORDING-GAP-CLOSED", "recording"),
    Row("recording.filled", "RECORDING-FILLED", "recording"),
    Row("recording.overload", "RECORDING-OVERLOAD", "recording"),
    Row("catalogue.failed", "CATALOGUE-FAILED", "catalogue"),
    Row("catalogue.back", "CATALOGUE-BACK", "catalogue"),
    Row("catalogue.rebuilt", "CATALOGUE-REBUILT", "catalogue"),
    Row("catalogue.recovery-problem", "CATALOGUE-RECOVERY-PROBLEM", "catalogue"),
    Row("storage.low", "STORAGE-LOW", "storage"),
    Row("storage.full", "STORAGE-FULL", "storage"),
    Row("storage.ok", "STORAGE-OK", "storage"),
    Row("storage.spool-overrun", "STORAGE-SPOOL-OVERRUN", "storage"),
    Row("retention.below-minimum", "RETENTION-BELOW-MINIMUM", "storage"),
    Row("retention.kept", "RETENTION-KEPT", "storage"),
    Row("volume.failed", "VOLUME-FAILED", "storage"),
    Row("volume.missing", "VOLUME-MISSING", "storage"),
    Row("volume.read-only", "VOLUME-READ-ONLY", "storage"),
    Row("volume.back", "VOLUME-BACK", "storage"),
    Row("volume.released", "VOLUME-RELEASED", "storage"),
    Row("settings.changed", "SETTINGS-CHANGED", "settings"),
    Row("account.created", "ACCOUNT-CREATED", "account"),
    Row("account.changed", "ACCOUNT-CHANGED", "account"),
    Row("account.deleted", "ACCOUNT-DELETED", "account"),
    Row("login.failed", "LOGIN-FAILED", "account"),
    Row("session.opened", "SESSION-OPENED", "session"),
    Row("session.closed", "SESSION-CLOSED", "session"),
    Row("evidence.locked", "EVIDENCE-LOCKED", "evidence"),
    Row("evidence.unlocked", "EVIDENCE-UNLOCKED", "evidence"),
    Row("job.started", "JOB-STARTED", "job"),
    Row("job.finished", "JOB-FINISHED", "job"),
    Row("job.failed", "JOB-FAILED", "job"),
    Row("command.received", "COMMAND-RECEIVED", "command"),
    Row("rule.active", "RULE-ACTIVE", "rule"),
    Row("rule.ended", "RULE-ENDED", "rule"),
    Row("rule.action-failed", "RULE-ACTION-FAILED", "rule"),
    Row("rule.overrun", "RULE-OVERRUN", "rule"),
    Row("rule.told", "RULE-TOLD", "rule"),
    Row("delivery.failing", "DELIVERY-FAILING", "delivery"),
    Row("delivery.back", "DELIVERY-BACK", "delivery"),
    Row("delivery.dropping", "DELIVERY-DROPPING", "delivery"),
    Row("delivery.complete", "DELIVERY-COMPLETE", "delivery"),
    Row("delivery.refused", "DELIVERY-REFUSED", "delivery"),
    Row("export.finished", "EXPORT-FINISHED", "export"),
    Row("poe.port-powered", "POE-PORT-POWERED", "poe"),
    Row("poe.port-unpowered", "POE-PORT-UNPOWERED", "poe"),
    Row("poe.port-denied", "POE-PORT-DENIED", "poe"),
    Row("poe.port-admitted", "POE-PORT-ADMITTED", "poe"),
    Row("poe.port-fault", "POE-PORT-FAULT", "poe"),
    Row("poe.port-recovered", "POE-PORT-RECOVERED", "poe"),
    Row("poe.port-cycled", "POE-PORT-CYCLED", "poe"),
    Row("poe.budget-changed", "POE-BUDGET-CHANGED", "poe"),
    Row("poe.usage-high", "POE-USAGE-HIGH", "poe"),
    Row("poe.usage-normal", "POE-USAGE-NORMAL", "poe"),
    Row("poe.unavailable", "POE-UNAVAILABLE", "poe"),
    Row("poe.available", "POE-AVAILABLE", "poe"),
    Row("port.link-up", "PORT-LINK-UP", "port"),
    Row("port.link-down", "PORT-LINK-DOWN", "port"),
    Row("chassis.temperature-high", "CHASSIS-TEMPERATURE-HIGH", "chassis"),
    Row("chassis.temperature-critical", "CHASSIS-TEMPERATURE-CRITICAL", "chassis"),
    Row("chassis.temperature-normal", "CHASSIS-TEMPERATURE-NORMAL", "chassis"),
    Row("chassis.fan-failed", "CHASSIS-FAN-FAILED", "chassis"),
    Row("chassis.fan-ok", "CHASSIS-FAN-OK", "chassis"),
    Row("chassis.supply-failed", "CHASSIS-SUPPLY-FAILED", "chassis"),
    Row("chassis.supply-ok", "CHASSIS-SUPPLY-OK", "chassis"),
    Row("chassis.buzzer-started", "CHASSIS-BUZZER-STARTED", "chassis"),
    Row("chassis.buzzer-silenced", "CHASSIS-BUZZER-SILENCED", "chassis"),
    Row("chassis.shutdown-requested", "CHASSIS-SHUTDOWN-REQUESTED", "chassis"),
    Row("chassis.connect-requested", "CHASSIS-CONNECT-REQUESTED", "chassis"),
    Row("chassis.reset-requested", "CHASSIS-RESET-REQUESTED", "chassis"),
    Row("chassis.unavailable", "CHASSIS-UNAVAILABLE", "chassis"),
    Row("chassis.available", "CHASSIS-AVAILABLE", "chassis"),
    Row("drive.inserted", "DRIVE-INSERTED", "drive"),
    Row("drive.removed", "DRIVE-REMOVED", "drive"),
    Row("drive.broken", "DRIVE-BROKEN", "drive"),
    Row("drive.well", "DRIVE-WELL", "drive"),
    Row("drive.hot", "DRIVE-HOT", "drive"),
    Row("drive.cool", "DRIVE-COOL", "drive"),
    Row("raid.degraded", "RAID-DEGRADED", "raid"),
    Row("raid.failed", "RAID-FAILED", "raid"),
    Row("raid.online", "RAID-ONLINE", "raid"),
    Row("raid.rebuild-started", "RAID-REBUILD-STARTED", "raid"),
    Row("raid.rebuild-ended", "RAID-REBUILD-ENDED", "raid"),
    Row("raid.locked", "RAID-LOCKED", "raid"),
    Row("raid.unlocked", "RAID-UNLOCKED", "raid"),
    Row("raid.mismatch", "RAID-MISMATCH", "raid"),
    Row("raid.unavailable", "RAID-UNAVAILABLE", "raid"),
    Row("raid.available", "RAID-AVAILABLE", "raid"),
)

BY_EVENT = {row.event: row for row in ROWS}
TEST = "TEST"  #: MSGID of a message that a person asks for


def origin(version: str) -> Element:
    """Who speaks (RFC 5424 s7.2)."""
    return "origin", (("enterpriseId", ENTERPRISE), ("software", "Holdfast"), ("swVersion", version[:32]))


def message(entry: Entry, receipt: Receipt | None, sequence: int, speaker: Element) -> Message:
    """An entry of the journal. `receipt`: its place in the audit trail, where it has one; `sequence`: among the
    messages to this server, from 1."""
    event = entry.event
    row = BY_EVENT[event.name]
    data: list[Element] = [
        ("timeQuality", (("tzKnown", "1"),)),
        speaker,
        ("meta", (("sequenceId", str((sequence - 1) % SEQUENCES + 1)),)),
        (f"{row.data}@{ENTERPRISE}", fields(event)),
        (
            f"event@{ENTERPRISE}",
            (("name", event.name), ("seq", str(entry.seq)), ("raised", str(entry.raised))),
        ),
    ]
    if receipt is not None:
        data.append((f"audit@{ENTERPRISE}", (("number", str(receipt.number)), ("hash", receipt.hash))))
    return Message(
        FACILITIES[log_of(event.name)],
        type(event).severity,
        entry.utc,
        entry.plane,
        row.name,
        tuple(data),
        said(event),
    )


def trial(utc: Utc, speaker: Element, name: str) -> Message:
    """What a person asks for to see whether it arrives. `name`: of the recorder."""
    text = f"This is a test message of the recorder {name}."
    return Message(FACILITIES[Log.SYSTEM], Severity.NOTICE, utc, "control", TEST, (speaker,), text)
