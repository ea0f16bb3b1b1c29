"""`kill -9` at any moment: what was acknowledged is there, whole."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from device.recording.check import check
from device.recording.shelf import VolumeSettings
from tests.device.recording.store import EVER, NEVER, make

RECORD = """
import sys, time
from pathlib import Path
from device.clock import SystemClock
from device.recording.recorder import Recorder
from device.recording.shelf import VolumeSettings
from tests.device.recording.camera import Camera
from tests.device.recording.store import ALWAYS
folder, uuid = Path(sys.argv[1]), sys.argv[2]
clock = SystemClock()
recorder = Recorder(clock, folder / "catalogue.db", [VolumeSettings(folder / "volume0", uuid, reserve_bytes=0)],
    "REC", durability=0.5, segment_length=10, on_event=lambda _: None,
    acknowledged=lambda token, utc: print(token, utc, flush=True))
recorder.open()
cameras = [Camera(clock, recorder.intake(f"CAM{n}", f"CAM{n}", "main", ALWAYS), rate=50, gop=10) for n in range(4)]
for camera in cameras:
    camera.connect()
beat = 0.0
while True:
    for camera in cameras:
        camera.unit()
    recorder.deliver()
    if clock.monotonic() >= beat:
        recorder.beat()
        beat = clock.monotonic() + 0.1
    time.sleep(0.005)
"""


@pytest.mark.parametrize("after", [0.05, 0.31, 0.77])
def test_what_was_acknowledged_survives(tmp_path: Path, after: float) -> None:
    store = make(tmp_path)
    store.close()
    for path in store.folder.glob("catalogue.db*"):
        path.unlink()
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", RECORD, store.folder, store.settings[0].uuid],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
    ) as process:
        assert process.stdout is not None
        told = [process.stdout.readline()]
        time.sleep(after)
        process.kill()
        told += process.stdout.readlines()
    acknowledged = {}
    for line in told:
        words = line.split()
        if line.endswith("\n") and len(words) == 2:
            acknowledged[words[0]] = int(words[1])
    settings = [VolumeSettings(store.settings[0].path, store.settings[0].uuid, reserve_bytes=0)]
    store.clock.wall = max(acknowledged.values()) + 10_000_000
    store.open()
    store.close()
    assert check(store.catalogue, settings, deep=True, repair=False).problems == []
    with store.reader() as reader:
        for token, until in acknowledged.items():
            assert reader.segments(token, EVER, NEVER)[-1].end >= until
            assert store.untiled(token) == []
