"""A small file system filled to its last byte, by recording and by somebody else's files, ext4 and XFS.

Retention makes room and recording goes on, without a gap; nothing that is younger than its retention is deleted for
it: then recording stops, somebody is told, and it goes on by itself when there is room again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.blocks import formatted, mounted
from device.cameras.source import Cause
from device.media import MICROSECONDS
from device.recording.modes import DAY, Mode, Policy
from device.recording.notices import RetentionBelowMinimum, VolumeChanged, VolumeState
from tests.device.recording.camera import Camera
from tests.device.recording.store import EVER, NEVER, Store, make
from tests.endurance.report import Progress, Report

SYSTEMS = {"ext4": 48 << 20, "xfs": 320 << 20}  #: file system: bytes
ROOM = 20 << 20  #: bytes that are left to the recorder
UNIT = 64_000  #: bytes; ten a second
KEEP = 20.0  #: seconds for which nothing is deleted


def run(folder: Path, say: Progress) -> Report:
    """Every case on every file system. Needs root."""
    report = Report("file systems that are full")
    for system in SYSTEMS:
        for case in (by_recording, by_another, kept):
            name = f"{system}, {case.__name__}"
            say(name)
            report.problems += [f"{name}: {each}" for each in case(folder / name.replace(", ", "-"), system)]
    report.add("file systems filled", len(SYSTEMS) * 3)
    return report


@contextmanager
def small(folder: Path, system: str, policy: Policy) -> Iterator[tuple[Store, Camera, Path]]:
    """A store with one volume on a file system that has room for half a minute, and a camera."""
    folder.mkdir(parents=True)
    formatted(folder / "image", system, SYSTEMS[system])
    with mounted(folder / "image", system, folder / "volume") as volume:
        store = make(folder, paths=[volume], segment_length=10)
        stranger = volume / "stranger"
        _fill(stranger, ROOM)
        yield store, store.camera(policy=policy, size=UNIT), stranger
        store.close()


def by_recording(folder: Path, system: str) -> list[str]:
    """It records several times what there is room for."""
    with small(folder, system, Policy(Mode.CONTINUOUS)) as (store, camera, _):
        store.run(150, camera)
        problems = _gaps(store)
        problems += _sound(store, camera)
    return problems


def by_another(folder: Path, system: str) -> list[str]:
    """Somebody takes the last byte, and gives it back."""
    with small(folder, system, Policy(Mode.CONTINUOUS)) as (store, camera, stranger):
        store.run(15, camera)
        more = stranger.with_name("more")
        _fill(more, 0)
        store.run(40, camera)
        problems = _gaps(store)
        more.unlink()
        store.run(15, camera)
        problems += _gaps(store)
        problems += _sound(store, camera)
    return problems


def kept(folder: Path, system: str) -> list[str]:
    """Nothing may be deleted, and there is no room: it stops, says so, and goes on when there is."""
    policy = Policy(Mode.CONTINUOUS, retention_min=KEEP * MICROSECONDS / DAY)
    with small(folder, system, policy) as (store, camera, stranger):
        store.run(12, camera)
        more = stranger.with_name("more")
        _fill(more, 0)
        began = store.clock.utc()
        store.run(6, camera)
        problems = []
        if not any(isinstance(each, RetentionBelowMinimum) for each in store.notices):
            problems.append("nobody was told that retention cannot be kept")
        if store.recorder.volumes()[0].state is not VolumeState.FULL:
            problems.append(f"the volume is {store.recorder.volumes()[0].state.value}, not full")
        with store.reader() as reader:
            first = reader.segments("CAM1", EVER, NEVER)[0].utc
        if first > camera.sent[0][0] + MICROSECONDS:
            problems.append("what is younger than its retention was deleted")
        more.unlink()
        store.run(12, camera)
        if store.recorder.volumes()[0].state is not VolumeState.OK:
            problems.append("the volume is not used again")
        if not any(
            isinstance(each, VolumeChanged)
            and each.before is VolumeState.FULL
            and each.state is VolumeState.OK
            for each in store.notices
        ):
            problems.append("nobody was told that there is room again")
        if not store.acknowledged["CAM1"] > store.clock.utc() - 2 * MICROSECONDS:
            problems.append("recording does not go on")
        gaps = [(start, cause) for start, _, cause in store.ledger() if cause is Cause.STORAGE]
        if not gaps or gaps[0][0] < began - 2 * MICROSECONDS:
            problems.append(f"the ledger does not say why it stopped, or when: {gaps}")
        problems += _sound(store, camera)
    return problems


def _fill(path: Path, leave: int) -> None:
    """A file that takes all room but `leave` bytes."""
    with path.open("xb", buffering=0) as file:
        fs = os.fstatvfs(file.fileno())
        size = max(0, fs.f_bavail * fs.f_frsize - leave)
        if leave:
            os.posix_fallocate(file.fileno(), 0, size)
            return
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:  # no space left; what is less than a block is taken, too
            os.fsync(file.fileno())


def _gaps(store: Store) -> list[str]:
    """What was not recorded though nothing forbade it."""
    causes = [cause for _, _, cause in store.ledger() if cause not in (None, Cause.EXPIRED, Cause.CONNECTING)]
    return [f"recording did not go on: {causes}"] if causes else []


def _sound(store: Store, camera: Camera) -> list[str]:
    store.beat()
    problems = [f"check: {each.where}: {each.what}" for each in store.check(deep=True).problems]
    with store.reader() as reader:
        last = reader.segments("CAM1", EVER, NEVER)[-1]
    if last.end < camera.sent[-1][0] - 2 * MICROSECONDS:
        problems.append("the newest video is missing")
    return problems
