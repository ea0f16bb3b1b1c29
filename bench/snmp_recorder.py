"""What a recorder of 16 cameras shows, for the bench of SNMP: cameras, recordings, PoE ports, an array, drives."""

from __future__ import annotations

from device.cameras.source import Cause
from device.media import Utc
from device.poe.budget import Priority
from device.poe.port import Counters, Detection, Mode, PortReading, PortRules, PortStatus, State, Status
from device.poe.power import Milliwatts
from protocols.snmp.projection.holdfast import CameraRow, DriveRow, GapRow, RaidRow, RecordingRow, StorageRow
from protocols.snmp.projection.recorder import Projection, Recorder

CAMERAS = 16
_BAYS = 4
_DAY = 86_400  # seconds
_TERABYTE = 10**12


def fill(projection: Projection, now: float, utc: Utc) -> None:
    """Show it. Two recordings of each camera, each with a gap."""
    numbers = range(1, CAMERAS + 1)
    cameras = tuple(
        CameraRow(
            n,
            f"Camera {n}",
            f"camera-{n}",
            f"192.0.2.{n}",
            "online",
            "",
            utc,
            "continuous",
            9 * n,
            n,
            5000,
            4000,
        )
        for n in numbers
    )
    recordings = tuple(
        RecordingRow(
            n + CAMERAS * number,
            f"recording-{n}-{stream}",
            n,
            stream,
            "recording",
            _TERABYTE,
            utc,
            utc,
            _DAY,
            60,
        )
        for number, stream in enumerate(("main", "sub"))
        for n in numbers
    )
    gaps = tuple(GapRow(row.index, Cause.UNREACHABLE, 60, 2) for row in recordings)
    size = 48 * _TERABYTE
    storage = StorageRow(
        1, "Array", "/srv/video", "0" * 36, "ok", size, _TERABYTE, size - _TERABYTE, _TERABYTE, ""
    )
    projection.recorder(Recorder(now, True, cameras, recordings, gaps, (storage,)))
    watts = [Milliwatts(each) for each in (305_000, 305_000, 240_000, 196_800)]
    projection.poe(Status(tuple(map(_port, numbers)), *watts), 80)
    drives = [
        DriveRow(bay, "online", "WDC WD161PURP", f"WD{bay}", 16 * _TERABYTE, "passed", 38, 1000, 0, 1)
        for bay in range(1, _BAYS + 1)
    ]
    array = RaidRow(1, "video", "raid5", "online", -1, _BAYS, 0, 1, size, True, True)
    projection.raid([array], drives)


def _port(number: int) -> PortStatus:
    reading = PortReading(
        number, True, Detection.DELIVERING, 4, Milliwatts(12_300), device=f"Camera {number}"
    )
    rules = PortRules(Mode.BOTH, Priority.HIGH, name=f"Port {number}")
    return PortStatus(number, rules, State.POWERED, reading, Milliwatts(15_000), None, 5.0, Counters())
