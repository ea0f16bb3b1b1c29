"""A volume that does not answer for a while: patience where there is no other, none where there is."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from device.recording.modes import Mode, Policy
from device.recording.notices import VolumeChanged, VolumeState
from device.recording.volume import Volume
from tests.device.recording.camera import Camera
from tests.device.recording.store import Store, make


class Hold:
    """Syncs of one volume wait until they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, uuid: str) -> None:
        self.go = threading.Event()
        real = Volume.sync

        def sync(volume: Volume) -> None:
            if volume.uuid == uuid:
                self.go.wait(60)
            real(volume)

        monkeypatch.setattr(Volume, "sync", sync)


def send(store: Store, camera: Camera, seconds: float) -> None:
    """With beats that nobody waits for."""
    for n in range(round(seconds * camera.rate)):
        camera.unit()
        store.clock.advance(1 / camera.rate)
        if n % 7 == 6:
            store.recorder.beat()


def failures(store: Store) -> list[VolumeState]:
    changes = [notice for notice in store.notices if isinstance(notice, VolumeChanged)]
    return [notice.state for notice in changes if notice.before is not None]


def test_the_only_volume_is_waited_for_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(tmp_path)
    camera = store.camera()
    store.run(3, camera)
    hold = Hold(monkeypatch, store.settings[0].uuid)
    send(store, camera, 35)
    assert failures(store) == []
    hold.go.set()
    store.run(3, camera)
    camera.disconnect()
    store.close()
    with store.reader() as reader:
        assert reader.gaps("CAM1", camera.sent[0][0], camera.sent[-1][0]) == []
    assert store.check(deep=True).problems == []


def test_the_only_volume_has_failed_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make(tmp_path)
    camera = store.camera()
    store.run(3, camera)
    hold = Hold(monkeypatch, store.settings[0].uuid)
    send(store, camera, 60)
    assert failures(store) == [VolumeState.FAILED]
    hold.go.set()
    store.close()


def test_where_there_is_another_volume_the_stream_goes_there_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(tmp_path, volumes=2)
    first, _ = store.settings
    camera = store.camera(policy=Policy(Mode.CONTINUOUS, volume=first.uuid))
    store.run(3, camera)
    hold = Hold(monkeypatch, first.uuid)
    send(store, camera, 15)
    assert failures(store) == [VolumeState.FAILED]
    hold.go.set()
    store.run(3, camera)
    assert {each.state for each in store.recorder.volumes()} == {VolumeState.OK, VolumeState.FAILED}
    store.close()
