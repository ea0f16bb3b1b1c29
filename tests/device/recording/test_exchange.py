"""Storages come and go while cameras are recorded: who has nothing to do with it loses nothing."""

from __future__ import annotations

import asyncio
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from device.cameras.source import Cause
from device.errors import BadValue
from device.recording import exchange, forget
from device.recording.modes import Mode, Policy
from device.recording.notices import VolumeState
from device.recording.reader import parse
from device.recording.shelf import VolumeSettings
from device.recording.volume import Volume, adopt
from tests.device.recording.camera import Camera
from tests.device.recording.store import EVER, NEVER, Store, make

LIMIT = 60.0  #: seconds after which an exchange hangs


def on(volume: VolumeSettings) -> Policy:
    return Policy(Mode.CONTINUOUS, volume=volume.uuid)


async def use(store: Store, volumes: list[VolumeSettings], *cameras: Camera) -> None:
    """Exchange the volumes while the cameras send, with beats."""
    changing = asyncio.create_task(store.recorder.set_volumes(volumes))
    async with asyncio.timeout(LIMIT):
        while not changing.done():
            store.run(0.7, *cameras)
            await asyncio.sleep(0.005)
    await changing
    store.settings = volumes


def kept(store: Store, token: str) -> dict[str, list[bytes]]:
    """The access units of a camera, by the folder of the volume that they are on."""
    units: dict[str, list[bytes]] = {}
    with store.reader() as reader:
        for segment in reader.segments(token, EVER, NEVER):
            data = segment.path.read_bytes()
            for row in segment.fragments:
                piece = data[row.offset : row.offset + row.length]
                found = parse(piece, segment.tracks, verify=True).samples()
                units.setdefault(segment.path.parents[3].name, []).extend(bytes(s.data) for s in found)
    return units


def sent(camera: Camera) -> list[bytes]:
    return [data for _, data in camera.sent]


def another(store: Store, name: str) -> VolumeSettings:
    """A storage that is new."""
    path = store.folder / name
    path.mkdir()
    return VolumeSettings(path, adopt(path, store.name).volume, reserve_bytes=0)


async def test_no_frame_is_lost_when_a_storage_is_taken_away_and_given_back(tmp_path: Path) -> None:
    store = make(tmp_path, volumes=2)
    first, second = store.settings
    stays, moves = store.camera("CAM1", on(first)), store.camera("CAM2", on(second))
    store.run(5, stays, moves)
    await use(store, [first], stays, moves)
    assert [each.uuid for each in store.recorder.volumes()] == [first.uuid]
    store.run(5, stays, moves)
    await use(store, [first, second], stays, moves)
    assert [each.state for each in store.recorder.volumes()] == [VolumeState.OK] * 2
    store.run(65, stays, moves)  # until the next segment, for which the storage is chosen anew
    for camera in (stays, moves):
        camera.disconnect()
    store.close()
    assert kept(store, "CAM1") == {"volume0": sent(stays)}
    there, here = kept(store, "CAM2")["volume1"], kept(store, "CAM2")["volume0"]
    assert sorted(there + here) == sorted(sent(moves))
    assert there[-1] == sent(moves)[-1], "it went back to the storage that it prefers"
    for token in ("CAM1", "CAM2"):
        assert Cause.STORAGE not in {cause for _, _, cause in store.ledger(token)}
        assert store.untiled(token) == []
    assert store.check(deep=True).problems == []


async def test_the_stream_that_stays_goes_on_in_the_same_segment(tmp_path: Path) -> None:
    store = make(tmp_path)
    (only,) = store.settings
    camera = store.camera("CAM1", on(only))
    store.run(3, camera)
    (before,) = (each.segment for each in store.recorder.status())
    await use(store, [only, another(store, "new")], camera)
    await use(store, [replace(only, reserve_bytes=1 << 20)], camera)
    assert [each.segment for each in store.recorder.status()] == [before]
    assert [each.reserve for each in store.recorder.volumes()] == [1 << 20]
    store.close()


async def test_without_another_storage_what_came_until_then_is_kept(tmp_path: Path) -> None:
    store = make(tmp_path)
    (only,) = store.settings
    camera = store.camera("CAM1")
    store.run(3, camera)
    camera.run(0.3)  # since the last beat
    before = sent(camera)
    await use(store, [], camera)
    gap = store.recorder.status()[0].gap
    assert gap is not None
    assert (gap.cause, gap.detail) == (Cause.STORAGE, "the storage was taken away")
    store.run(5, camera)
    await use(store, [only], camera)
    store.run(3, camera)
    camera.disconnect()
    store.close()
    units = kept(store, "CAM1")["volume0"]
    assert units[: len(before)] == before
    assert units[-1] == sent(camera)[-1]
    assert store.untiled() == []


async def test_a_storage_that_moves_to_another_folder_is_the_same_storage(tmp_path: Path) -> None:
    store = make(tmp_path)
    (only,) = store.settings
    camera = store.camera("CAM1")
    store.run(3, camera)
    await use(store, [], camera)
    moved = replace(only, path=only.path.rename(store.folder / "elsewhere"))
    await use(store, [moved], camera)
    store.run(3, camera)
    camera.disconnect()
    store.close()
    assert set(kept(store, "CAM1")) == {"elsewhere"}
    assert store.check(deep=True).problems == []


async def test_a_storage_that_hangs_is_let_go_of_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(tmp_path, volumes=2)
    first, second = store.settings
    stays, hangs = store.camera("CAM1", on(first)), store.camera("CAM2", on(second))
    store.run(3, stays, hangs)
    monkeypatch.setattr(exchange, "SYNC", 0.1)
    monkeypatch.setattr(exchange, "END", 0.1)
    go, real = threading.Event(), Volume.sync

    def hanging(self: Volume) -> None:
        if self.uuid == second.uuid:
            go.wait(LIMIT)
        real(self)

    monkeypatch.setattr(Volume, "sync", hanging)
    changing = asyncio.create_task(store.recorder.set_volumes([first]))
    async with asyncio.timeout(LIMIT):
        while not changing.done():
            stays.unit()
            hangs.unit()
            store.clock.advance(0.1)
            if stays.number % 7 == 0:
                store.recorder.beat()
            await asyncio.sleep(0.005)
    await changing
    go.set()
    store.settings = [first]
    store.run(3, stays, hangs)
    for camera in (stays, hangs):
        camera.disconnect()
    store.close()
    assert kept(store, "CAM1") == {"volume0": sent(stays)}
    assert kept(store, "CAM2")["volume0"][-1] == sent(hangs)[-1]


async def test_a_storage_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    store = make(tmp_path)
    with pytest.raises(BadValue, match="volumes"):
        await store.recorder.set_volumes(store.settings * 2)
    store.close()


async def test_what_was_on_a_file_system_that_was_made_anew_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forget, "BATCH", 2)
    store = make(tmp_path, volumes=2, segment_length=10)
    stays, erased = store.settings
    kept_one, lost_one = store.camera("CAM1", on(stays)), store.camera("CAM2", on(erased))
    store.run(35, kept_one, lost_one)
    for camera in (kept_one, lost_one):
        camera.disconnect()
    with pytest.raises(forget.InUse):
        store.recorder.forget(erased.path)
    await use(store, [stays])
    shutil.rmtree(erased.path)
    erased.path.mkdir()
    rounds = 1
    while store.recorder.forget(erased.path).result(LIMIT):
        rounds += 1
    assert rounds == 3
    new = VolumeSettings(erased.path, adopt(erased.path, store.name).volume, reserve_bytes=0)
    await use(store, [stays, new])
    store.close()
    with store.reader() as reader:
        assert reader.segments("CAM2", EVER, NEVER) == []
    assert [cause for _, _, cause in store.ledger("CAM2")][:1] == [Cause.DELETED]
    assert kept(store, "CAM1") == {"volume0": sent(kept_one)}
    for token in ("CAM1", "CAM2"):
        assert store.untiled(token) == []
    assert store.check(deep=True).problems == []
