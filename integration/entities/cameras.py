"""The cameras."""

from __future__ import annotations

from dataclasses import dataclass

from device.entities import Category, Entity, Permission, Platform, Thing
from device.planes.messages import StreamStatus
from device.recording.modes import Mode
from device.settings.cameras import Camera
from integration.entities.reading import (
    Kept,
    Reading,
    Row,
    diagnostic,
    gigabytes,
    happenings,
    thing,
    timestamp,
)
from integration.entities.subjects import happening

_DIAGNOSTIC = Category.DIAGNOSTIC


@dataclass(frozen=True, slots=True)
class View:
    """One camera: what is wanted of it, and how its main stream is."""

    camera: Camera
    stream: StreamStatus | None
    kept: Kept | None
    gap: bool  #: it should be recorded, and is not
    now: int


CAMERA: tuple[Row[View], ...] = (
    Row(
        Entity("connection", "Connection", Platform.BINARY_SENSOR, "connectivity", category=_DIAGNOSTIC),
        lambda view: view.stream is not None and view.stream.well,
    ),
    Row(
        Entity("recording", "Recording", Platform.BINARY_SENSOR, "running"),
        lambda view: (
            view.stream is not None and view.stream.well and view.camera.mode is not Mode.OFF and not view.gap
        ),
    ),
    Row(
        Entity("gap", "Recording gap", Platform.BINARY_SENSOR, "problem"),
        lambda view: view.gap,
    ),
    Row(
        Entity(
            "enabled", "Enabled", Platform.SWITCH, category=Category.CONFIG, permission=Permission.RECORDING
        ),
        lambda view: view.camera.enabled,
    ),
    Row(
        Entity(
            "mode",
            "Recording mode",
            Platform.SELECT,
            category=Category.CONFIG,
            options=tuple(each.value for each in Mode),
            permission=Permission.RECORDING,
        ),
        lambda view: view.camera.mode.value,
    ),
    Row(
        diagnostic("missing", "Not recorded in 24 hours", "duration", "s"),
        lambda view: None if view.kept is None else round(view.kept.missing / 1e6, 1),
    ),
    Row(
        diagnostic("oldest", "Oldest recording", "timestamp"),
        lambda view: None if view.kept is None else timestamp(view.kept.first),
    ),
    Row(
        diagnostic("size", "Recorded data", "data_size", "GB", enabled=False),
        lambda view: None if view.kept is None else gigabytes(view.kept.octets),
    ),
    Row(
        diagnostic("lost", "Lost packets", "", "packets", enabled=False),
        lambda view: None if view.stream is None else view.stream.lost,
    ),
    Row(happenings("Event", happening("camera"))),
)


def camera_things(reading: Reading) -> list[Thing]:
    """One for each camera. Its address is nobody's matter here."""
    status = reading.recording.streams if reading.recording is not None else ()
    main = {stream.camera: stream for stream in status if stream.stream == "main"}
    gaps = {
        str(getattr(entry.event, "recording", ""))
        for entry in reading.alarms
        if type(entry.event).raises == "recording.gap"
    }
    return [
        thing(
            key,
            camera.name or key,
            "Camera",
            CAMERA,
            View(camera, main.get(key), reading.kept.get(key), key in gaps, reading.now),
            available=reading.recording is not None,
        )
        for key, camera in reading.cameras.items()
    ]
