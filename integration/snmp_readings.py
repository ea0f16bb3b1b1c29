"""What the recording plane, the catalogue and the settings say of cameras, recordings and storages, as SNMP shows
it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from device.cameras.source import Cause
from device.errors import NotFound
from device.media import MICROSECONDS, Utc
from device.planes.messages import RecordingStatus, StreamStatus, VolumeStatus
from device.raid.messages import RaidShown
from device.recording.catalogue import CatalogueReader
from device.settings.cameras import Camera
from device.settings.storages import Storage
from protocols.snmp.kept import Kept
from protocols.snmp.projection.holdfast import (
    CAMERA_MODES,
    STORAGE_STATES,
    CameraRow,
    DriveRow,
    GapRow,
    RaidRow,
    RecordingRow,
    StorageRow,
)
from protocols.snmp.projection.recorder import Recorder

SPAN = 24 * 3600 * MICROSECONDS  #: what completeness is told of
_STATES = {Cause.REJECTED.value: "rejected", Cause.FROZEN.value: "frozen"}
_VOLUME_STATES = {
    "ok": "ok",
    "full": "full",
    "read_only": "readOnly",
    "missing": "missing",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True)
class Kept24:
    """What the catalogue says of one recording."""

    token: str
    camera: str
    stream: str
    size: int  #: bytes
    first: Utc
    last: Utc
    recorded: int  #: microseconds of the last 24 hours
    missing: int
    gaps: Mapping[Cause, tuple[int, int]]  #: microseconds and number of those that were due, by cause


def read_catalogue(path: Path, now: Utc) -> list[Kept24]:
    """Every recording. Takes some milliseconds: call it in a thread. Raises Fault where there is no catalogue yet."""
    found = []
    with CatalogueReader(path) as catalogue:
        start = Utc(now - SPAN)
        for row in catalogue.recordings():
            try:
                whole = catalogue.completeness(row.token, start, now)
                gaps = catalogue.gaps(row.token, start, now)
            except NotFound:  # it went meanwhile
                continue
            causes: dict[Cause, tuple[int, int]] = {}
            for gap in gaps:
                if gap.cause.due:
                    micros, count = causes.get(gap.cause, (0, 0))
                    end = now if gap.end is None else min(gap.end, now)
                    causes[gap.cause] = (micros + max(0, end - max(gap.start, start)), count + 1)
            found.append(
                Kept24(
                    row.token,
                    row.camera,
                    row.stream,
                    row.bytes,
                    row.first or Utc(0),
                    row.last or Utc(0),
                    whole.recorded,
                    whole.missing,
                    causes,
                )
            )
    return found


@dataclass(slots=True)
class Readings:
    """The last of each, and what is made of them together."""

    kept: Kept
    catalogue: list[Kept24]
    status: RecordingStatus | None = None
    taken: float = 0.0  #: monotonic seconds of the last status
    _octets: Mapping[str, tuple[int, float]] = field(default_factory=dict)  # of each camera, and when
    _rates: dict[str, int] = field(default_factory=dict)  # kilobits a second

    def told(self, status: RecordingStatus, now: float) -> None:
        """The recording plane has answered."""
        octets: dict[str, int] = defaultdict(int)
        for stream in status.streams:
            octets[stream.camera] += stream.octets
        for camera, total in octets.items():
            before, at = self._octets.get(camera, (total, now))
            if now - at > 0 and total >= before:
                self._rates[camera] = round((total - before) * 8 / 1000 / (now - at))
        self._octets = {camera: (total, now) for camera, total in octets.items()}
        self.status, self.taken = status, now

    def rows(
        self, cameras: Mapping[str, Camera], storages: Mapping[str, Storage], *, known: bool
    ) -> Recorder:
        """All rows. `known`: the recording plane answers now."""
        streams: dict[str, list[StreamStatus]] = defaultdict(list)
        for stream in self.status.streams if self.status is not None else ():
            streams[stream.camera].append(stream)
        numbers = {key: self.kept.number("camera", key, 0) for key in cameras}
        return Recorder(
            self.taken,
            self.status is not None,
            tuple(
                self._camera(numbers[key], key, camera, streams[key], known)
                for key, camera in cameras.items()
            ),
            tuple(self._recording(each, streams, numbers, known) for each in self.catalogue),
            tuple(
                GapRow(self.kept.number("recording", each.token, 0), cause, micros // MICROSECONDS, count)
                for each in self.catalogue
                for cause, (micros, count) in each.gaps.items()
            ),
            tuple(self._storage(key, storage) for key, storage in storages.items()),
        )

    def _camera(
        self, index: int, key: str, camera: Camera, streams: list[StreamStatus], known: bool
    ) -> CameraRow:
        main = next((stream for stream in streams if stream.stream == "main"), None)
        if not camera.enabled:
            state = "disabled"
        elif main is None or not known:
            state = "unknown"
        else:
            state = "online" if main.well else _STATES.get(main.cause, "offline")
        reason = "" if main is None or main.well else f"{main.cause} {main.detail}".strip()
        return CameraRow(
            index,
            camera.name or key,
            key,
            urlsplit(camera.main or camera.onvif or "").hostname or "",
            state,
            reason,
            Utc(0) if main is None else main.since,
            camera.mode.value if camera.mode.value in CAMERA_MODES else "off",
            sum(stream.packets for stream in streams),
            sum(stream.lost for stream in streams),
            sum(stream.octets for stream in streams),
            self._rates.get(key, 0),
        )

    def _recording(
        self,
        each: Kept24,
        streams: Mapping[str, list[StreamStatus]],
        numbers: Mapping[str, int],
        known: bool,
    ) -> RecordingRow:
        stream = next((one for one in streams.get(each.camera, ()) if one.token == each.token), None)
        last = each.last
        if stream is None:
            state = "idle" if known else "unknown"
        else:
            state = "recording" if stream.well else "gap"
            last = Utc(max(last, stream.acknowledged))
        return RecordingRow(
            self.kept.number("recording", each.token, 0),
            each.token,
            numbers.get(each.camera, 0),
            each.stream,
            state if known else "unknown",
            each.size,
            each.first,
            last,
            each.recorded // MICROSECONDS,
            each.missing // MICROSECONDS,
        )

    def _storage(self, key: str, storage: Storage) -> StorageRow:
        volumes = self.status.volumes if self.status is not None else ()
        volume = next((one for one in volumes if one.uuid == key), None)
        if volume is None:
            volume = VolumeStatus(key, storage.path, "missing", 0, 0, 0)
        state = _VOLUME_STATES.get(volume.state, "failed")
        assert state in STORAGE_STATES
        return StorageRow(
            self.kept.number("storage", key, 0),
            storage.name,
            storage.path,
            key,
            state,
            volume.total,
            volume.free,
            volume.used,
            int(volume.total * storage.reserve_percent / 100),
            volume.detail,
        )


_CONDITIONS = {
    "empty": "empty",
    "online": "online",
    "exposed": "online",
    "rebuilding": "rebuilding",
    "spare": "spare",
    "broken": "failed",
    "unused": "unused",
    "foreign": "foreign",
}  #: device.raid.state.Condition -> hfDriveState
_HEALTH = {"passed": "passed", "failing": "failed"}
_MEMBERS = ("online", "exposed", "rebuilding")
_ARRAY = 1  #: there is one array


def raid_rows(now: RaidShown) -> tuple[list[RaidRow], list[DriveRow]]:
    """The array, and the bays."""
    bays = [
        DriveRow(
            each.bay,
            _CONDITIONS[each.condition],
            each.model,
            each.serial,
            each.size,
            _HEALTH.get(each.health, "unknown"),
            -1000 if each.temperature is None else round(each.temperature),
            each.hours or 0,
            each.errors,
            _ARRAY if now.array is not None and each.condition in _MEMBERS else 0,
        )
        for each in now.bays
    ]
    array = now.array
    if array is None:
        return [], bays
    missing = max(0, array.drives - array.in_sync)
    bearable = {0: 0, 1: array.drives - 1, 6: 2}.get(array.level, 1)
    row = RaidRow(
        _ARRAY,
        array.uuid,
        f"raid{array.level}",
        array.status.lower(),
        array.done * 10_000 // array.total if array.activity and array.total else -1,
        array.drives,
        missing,
        max(0, bearable - missing),
        array.size,
        now.encrypted,
        now.files is not None and now.files.mounted,
    )
    return [row], bays
