"""A drive that dies under the recorder: reads, writes or flushes fail, on ext4 and on XFS.

What was acknowledged stays; what could not be made safe is a gap with its cause; the camera is recorded on the
other volume; somebody is told; and when the drive is back, so is the volume.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.blocks import formatted, mount
from bench.programs import run as do
from device.cameras.source import Cause
from device.media import MICROSECONDS
from device.recording.modes import Mode, Policy
from device.recording.notices import Notice, VolumeChanged, VolumeState
from device.recording.reader import BadFragment, SegmentFile
from tests.crash.drive import Drive, Fault
from tests.device.recording.camera import Camera
from tests.device.recording.store import EVER, NEVER, Store, make
from tests.endurance.report import Progress, Report

SYSTEMS = {"ext4": 64 << 20, "xfs": 320 << 20}  #: file system: bytes of its drive
DEATHS: tuple[tuple[Fault, ...], ...] = (
    ("flush",),
    ("write",),
    ("write", "flush"),
    ("read", "write", "flush"),
)


def run(folder: Path, say: Progress) -> Report:
    """Every death on every file system, and a drive that cannot be read. Needs root."""
    report = Report("drives that fail")
    for system in SYSTEMS:
        for faults in DEATHS:
            name = f"{system}, {' and '.join(faults)}"
            say(name)
            problems = dies(folder / name.replace(" ", ""), system, faults)
            report.problems += [f"{name}: {each}" for each in problems]
        say(f"{system}, unreadable")
        report.problems += [f"{system}: {each}" for each in unreadable(folder / f"{system}-read", system)]
    report.add("drives that died", len(SYSTEMS) * (len(DEATHS) + 1))
    return report


@contextmanager
def store_on_drive(folder: Path, system: str) -> Iterator[tuple[Store, Drive, Camera]]:
    """A store with one volume on a drive that can fail, which a camera prefers, and one on a good one."""
    folder.mkdir(parents=True)
    image, bad, good = folder / "image", folder / "bad", folder / "good"
    bad.mkdir()
    good.mkdir()
    formatted(image, system, SYSTEMS[system])
    with Drive(image, folder / "fuse") as drive:
        mount(drive.device, system, bad)
        try:
            store = make(folder, paths=[bad, good], segment_length=10)
            policy = Policy(Mode.CONTINUOUS, volume=store.settings[0].uuid)
            yield store, drive, store.camera(policy=policy, size=8000)
        finally:
            drive.fail()
            do("umount", "--lazy", bad)


def dies(folder: Path, system: str, faults: tuple[Fault, ...]) -> list[str]:
    """Let a drive die while it is recorded on, and come back; what was wrong."""
    with store_on_drive(folder, system) as (store, drive, camera):
        bad = store.settings[0].path
        store.run(12, camera)
        drive.fail(*faults)
        store.run(12, camera)
        problems = _told(store.notices, store.settings[0].uuid)
        with store.reader() as reader:
            last = reader.segments("CAM1", EVER, NEVER)[-1].path
        if bad in last.parents:
            problems.append("the camera was not recorded on the other volume")
        if not store.acknowledged["CAM1"] > store.clock.utc() - 2 * MICROSECONDS:
            problems.append("nothing was acknowledged on the other volume")
        drive.fail()
        do("umount", "--lazy", bad)
        mount(drive.device, system, bad)
        store.run(45, camera)
        if store.recorder.volumes()[0].state is not VolumeState.OK:
            problems.append("the volume does not come back with its drive")
        camera.disconnect()
        store.close()
        causes = {cause for _, _, cause in store.ledger()}
        if Cause.STORAGE not in causes:
            problems.append(f"what was lost is not in the ledger: {causes}")
        problems += _there(store, camera)
        problems += [f"check: {each.where}: {each.what}" for each in store.check().problems]
    return problems


def _told(notices: list[Notice], volume: str) -> list[str]:
    states = {each.state for each in notices if isinstance(each, VolumeChanged) and each.volume == volume}
    return [] if states & {VolumeState.FAILED, VolumeState.READ_ONLY} else [f"nobody was told: {states}"]


def _there(store: Store, camera: Camera) -> list[str]:
    """Every unit is read back as it was sent, or lies in a gap of the ledger."""
    kept = set()
    with store.reader() as reader:
        for segment in reader.segments("CAM1", EVER, NEVER):
            with SegmentFile(segment) as file:
                for row in segment.fragments:
                    kept |= {bytes(each.data) for each in file.read(row, verify=True).samples()}
        gaps = [(gap.start, gap.end or NEVER) for gap in reader.gaps("CAM1", EVER, NEVER)]
    untold = [
        at
        for at, data in camera.sent
        if data not in kept and not any(start - 100_000 <= at <= end for start, end in gaps)
    ]
    return [f"{len(untold)} units are neither recorded nor in a gap"] if untold else []


def unreadable(folder: Path, system: str) -> list[str]:
    """Let a drive fail to be read; what was wrong."""
    problems = []
    with store_on_drive(folder, system) as (store, drive, camera):
        store.run(15, camera)
        store.recorder.remove("CAM1")
        other = store.camera("CAM2", Policy(Mode.CONTINUOUS, volume=store.settings[1].uuid))
        store.run(5, other)
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
        drive.fail("read")
        with store.reader() as reader:
            bad, good = (reader.segments(token, EVER, NEVER)[0] for token in ("CAM1", "CAM2"))
        with suppress(BadFragment), SegmentFile(bad) as file:
            file.read(bad.fragments[-1], verify=True)
            problems.append("a drive that cannot be read was read")
        with SegmentFile(good) as file:
            file.read(good.fragments[-1], verify=True)
        store.run(5, other)
        named = {each.where for each in store.check(deep=True).problems}
        if not named & {str(bad.path), str(store.settings[0].path)}:
            problems.append(f"check names neither {bad.path.name} nor its volume")
        drive.fail()
        store.run(2, other)
        store.close()
        problems += [f"check: {each.where}: {each.what}" for each in store.check().problems]
    return problems
