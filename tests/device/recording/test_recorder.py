"""What is acknowledged is on the disk; what fails is a gap; nothing waits for anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.cameras.source import Cause
from device.errors import BadValue
from device.media import MICROSECONDS, Utc
from device.recording import intake as intake_module
from device.recording.commits import Enter
from device.recording.intake import RENEWED
from device.recording.modes import Mode, Policy
from device.recording.notices import (
    OverloadDropped,
    RetentionBelowMinimum,
    RetentionKept,
    StorageFull,
    VolumeChanged,
    VolumeState,
)
from device.recording.reader import parse
from device.recording.recorder import Recorder
from device.recording.volume import Volume
from tests.device.recording.camera import SOUND, VIDEO, Camera
from tests.device.recording.store import ALWAYS, EVER, NEVER, Store, make

SECOND = MICROSECONDS


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make(tmp_path)


def read_back(store: Store, token: str = "CAM1") -> list[bytes]:
    """Every access unit that the catalogue shows, from the files."""
    units = []
    with store.reader() as reader:
        for segment in reader.segments(token, EVER, NEVER):
            data = segment.path.read_bytes()
            for row in segment.fragments:
                piece = data[row.offset : row.offset + row.length]
                units += [bytes(s.data) for s in parse(piece, segment.tracks, verify=True).samples()]
    return units


def test_what_was_sent_is_read_back_byte_by_byte(store: Store) -> None:
    camera = store.camera()
    store.run(130, camera)
    camera.disconnect()
    store.close()
    assert read_back(store) == [data for _, data in camera.sent]
    assert store.check(deep=True).problems == []


def test_a_segment_lasts_a_minute_and_begins_with_a_key_frame(store: Store) -> None:
    camera = store.camera()
    store.run(125, camera)
    store.close()
    with store.reader() as reader:
        segments = reader.segments("CAM1", EVER, NEVER)
    assert [s.duration for s in segments[:-1]] == [pytest.approx(60 * SECOND, abs=SECOND)] * (
        len(segments) - 1
    )
    assert all(s.fragments[0].key for s in segments)
    assert len({s.run for s in segments}) == 1


def test_nothing_is_acknowledged_before_the_sync(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = store.camera()
    store.run(2, camera)
    before = dict(store.acknowledged)

    def failing(self: Volume) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Volume, "sync", failing)
    store.run(2, camera)
    assert store.acknowledged == before
    (changed,) = [n for n in store.notices if isinstance(n, VolumeChanged) and n.before is not None]
    assert (changed.state, changed.before) == (VolumeState.FAILED, VolumeState.OK)
    gap = store.recorder.status()[0].gap
    assert gap is not None
    assert gap.cause is Cause.STORAGE
    monkeypatch.undo()
    store.close()
    assert store.untiled() == []
    with store.reader() as reader:
        assert reader.segments("CAM1", EVER, NEVER)[-1].end == before["CAM1"]


def test_a_failed_volume_moves_its_streams_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(tmp_path, volumes=2)
    first, second = (each.uuid for each in store.settings)
    camera = store.camera(policy=Policy(Mode.CONTINUOUS, volume=first))
    store.run(3, camera)
    real = Volume.sync

    def failing(self: Volume) -> None:
        if self.uuid == first:
            raise OSError(5, "Input/output error")
        real(self)

    monkeypatch.setattr(Volume, "sync", failing)
    store.run(1, camera)
    resumed = store.clock.utc()
    store.run(4, camera)
    monkeypatch.undo()
    store.close()
    with store.reader() as reader:
        segments = reader.segments("CAM1", EVER, NEVER)
    assert {s.path.parents[3].name for s in segments} == {"volume0", "volume1"}
    assert segments[-1].utc <= resumed + SECOND
    assert [cause for _, _, cause in store.ledger() if cause][:1] == [Cause.STORAGE]
    assert store.untiled() == []
    assert second in {v.uuid for v in store.recorder.volumes() if v.state is VolumeState.OK}


def test_a_failed_volume_is_tried_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = store.camera()
    store.run(2, camera)

    def failing(self: Volume) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Volume, "sync", failing)
    store.run(2, camera)
    monkeypatch.undo()
    assert store.recorder.volumes()[0].state is VolumeState.FAILED
    store.run(45, camera)
    assert store.recorder.volumes()[0].state is VolumeState.OK
    assert store.recorder.status()[0].gap is None
    store.close()
    assert store.untiled() == []


def test_an_empty_mount_point_is_not_a_volume(store: Store) -> None:
    camera = store.camera()
    store.run(2, camera)
    path = store.settings[0].path
    path.rename(path.with_name("elsewhere"))
    path.mkdir()
    store.run(8, camera)
    assert store.recorder.volumes()[0].state is VolumeState.MISSING
    assert list(path.iterdir()) == []
    path.rmdir()
    path.with_name("elsewhere").rename(path)
    store.run(8, camera)
    assert store.recorder.volumes()[0].state is VolumeState.OK
    assert store.recorder.status()[0].gap is None
    store.close()
    assert store.check().problems == []


def test_overload_drops_whole_groups_of_pictures_and_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "BUFFER", 200_000)
    camera = store.camera(size=20_000)
    store.run(2, camera)
    real = store.recorder._shelves[1].writer.sync
    monkeypatch.setattr(store.recorder._shelves[1].writer, "sync", lambda _: None)
    for _ in range(60):
        camera.unit()
        store.clock.advance(0.1)
        store.recorder.beat()
    assert store.recorder.status()[0].waiting <= 200_000
    gap = store.recorder.status()[0].gap
    assert gap is not None
    assert gap.cause is Cause.OVERLOAD
    assert [n for n in store.notices if isinstance(n, OverloadDropped)]
    monkeypatch.undo()
    real(store.recorder._number)
    store.run(4, camera)
    camera.disconnect()
    store.close()
    kept = read_back(store)
    keys = [n for n, (_, data) in enumerate(camera.sent) if data[4] == 0x65]
    sent = [data for _, data in camera.sent]
    first_lost = next(n for n, (a, b) in enumerate(zip(kept, sent, strict=False)) if a != b)
    assert sent.index(kept[first_lost], first_lost) in keys
    assert kept[first_lost:] == sent[len(sent) - len(kept) + first_lost :]
    assert store.untiled() == []


def test_the_next_segment_needs_no_transaction_of_its_own(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = store.camera()
    store.run(3, camera)
    urgent = []
    real = store.recorder.enter

    def enter(message: Enter) -> None:
        urgent.append(message.at_once and message.opened)
        real(message)

    monkeypatch.setattr(store.recorder, "enter", enter)
    store.run(130, camera)
    store.close()
    assert not any(urgent)


def test_a_file_is_made_only_when_its_row_is_durable(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = Volume.create

    def watched(self: Volume, file: object) -> int:
        made.append(store.query("SELECT count(*) FROM segment WHERE id = ?", int(Path(str(file)).stem)))
        return real(self, file)  # type: ignore[arg-type]  # what it is does not matter here

    monkeypatch.setattr(Volume, "create", watched)
    store.run(130, store.camera())
    store.close()
    assert len(made) >= 3
    assert set(map(tuple, made)) == {((1,),)}


def test_switching_off_and_on_applies_at_once(store: Store) -> None:
    camera = store.camera()
    store.run(3, camera)
    store.recorder.set_policy("CAM1", Policy(Mode.OFF))
    off = store.clock.utc()
    store.run(3, camera)
    store.recorder.set_policy("CAM1", ALWAYS)
    on = store.clock.utc()
    store.run(3.5, camera)
    store.close()
    idle = [row for row in store.ledger() if row[2] is Cause.DISABLED]
    assert idle == [(off, on, Cause.DISABLED)]
    with store.reader() as reader:
        assert reader.completeness("CAM1", off, on).idle == on - off
        assert reader.segments("CAM1", on, NEVER)[0].utc <= on + SECOND
    assert store.untiled() == []


def test_a_schedule_is_kept(store: Store) -> None:
    start = store.clock.utc() + 5 * SECOND
    camera = store.camera(policy=Policy(Mode.SCHEDULE, schedule=lambda t: start <= t < start + 10 * SECOND))
    store.run(30, camera)
    store.close()
    with store.reader() as reader:
        rows = reader.segments("CAM1", EVER, NEVER)
    assert rows[0].utc == pytest.approx(start, abs=2 * SECOND)
    assert rows[-1].end == pytest.approx(start + 10 * SECOND, abs=SECOND)
    assert store.untiled() == []


def test_changed_parameters_start_another_segment_of_the_same_run(store: Store) -> None:
    camera = store.camera()
    store.run(3, camera)
    larger = type(VIDEO)(VIDEO.codec, VIDEO.clock_rate, VIDEO.parameters, 1280, 720)
    camera._lane = camera.intake.parameters([larger])
    camera.key()
    store.run(3, camera)
    store.close()
    with store.reader() as reader:
        one, other = reader.segments("CAM1", EVER, NEVER)
    assert (one.tracks, other.tracks) == ((VIDEO,), (larger,))
    assert one.run == other.run
    assert one.end == other.utc


def test_the_gap_of_a_removed_camera_lasts_until_it_returns(store: Store) -> None:
    camera = store.camera()
    store.run(3, camera)
    off = store.clock.utc()
    store.recorder.remove("CAM1")
    store.clock.advance(50)
    store.beat()
    assert store.ledger()[-1] == (off, None, Cause.DISABLED)
    store.clock.advance(50)
    on = store.clock.utc()
    camera = store.camera()
    store.run(3, camera)
    store.close()
    assert [row for row in store.ledger() if row[2] is Cause.DISABLED] == [(off, on, Cause.DISABLED)]
    assert store.untiled() == []


@pytest.mark.parametrize("end", ["restart", "crash"])
def test_a_removed_camera_stays_removed_through_a_restart(store: Store, end: str) -> None:
    camera, other = store.camera(), store.camera("CAM2")
    store.run(3, camera, other)
    off = store.clock.utc()
    store.recorder.remove("CAM1")
    store.run(3, other)
    for _ in range(2):
        store.restart() if end == "restart" else store.crash()
        store.clock.advance(20)
        other = store.camera("CAM2")
        store.run(3, other)
        assert store.ledger()[-1] == (off, None, Cause.DISABLED)
        assert store.untiled() == []
    store.clock.step(-5)
    store.beat()
    *_, before, last = store.ledger()
    assert (before[0], before[2], last[1], last[2]) == (off, Cause.DISABLED, None, Cause.DISABLED)
    assert before[1] is not None
    assert last[0] == before[1] - 5 * SECOND
    store.close()


def test_a_camera_that_was_removed_while_nobody_recorded_has_a_gap_that_lasts(store: Store) -> None:
    camera = store.camera()
    store.run(3, camera)
    down = store.clock.utc()
    store.restart()
    store.clock.advance(20)
    up = store.clock.utc()
    store.beat()
    assert store.ledger()[1:] == [(down, up, Cause.RECORDER_DOWN), (up, None, Cause.DISABLED)]
    store.close()


def test_the_time_that_the_recorder_was_down_is_one_gap(store: Store) -> None:
    camera = store.camera()
    store.run(3, camera)
    down = store.clock.utc()
    store.restart()
    store.clock.advance(20)
    up = store.clock.utc()
    camera = store.camera()
    store.clock.advance(1)
    store.run(3, camera)
    store.close()
    assert [cause for _, _, cause in store.ledger()][:4] == [
        None,
        Cause.RECORDER_DOWN,
        Cause.CONNECTING,
        None,
    ]
    assert store.ledger()[1][:2] == (down, up)
    assert store.untiled() == []


def test_another_run_of_the_same_session_costs_no_time(store: Store) -> None:
    camera = store.camera()
    store.run(3.4, camera)
    camera._lane = camera.intake.renewed()
    camera.key()
    store.run(3, camera)
    camera.disconnect()
    store.close()
    with store.reader() as reader:
        one, other = reader.segments("CAM1", EVER, NEVER)
    assert one.run != other.run
    assert one.end == other.utc
    assert [cause for _, _, cause in store.ledger()][:2] == [None, None]
    assert store.query("SELECT count(*) FROM run WHERE reason = ?", RENEWED) == [(1,)]


@pytest.mark.parametrize("noticed", [False, True])
@pytest.mark.parametrize("step", [3600, -3600])
def test_a_run_that_a_source_renews_for_the_clock_has_a_gap_of_the_step_alone(
    store: Store, step: int, noticed: bool
) -> None:
    camera = store.camera()
    store.run(3.4, camera)
    end = store.clock.utc()
    store.clock.step(step)
    if noticed:
        store.beat()
    camera._lane = camera.intake.renewed()
    camera.key()
    store.run(3, camera)
    camera.disconnect()
    store.close()
    stepped = [row for row in store.ledger() if row[2] is Cause.CLOCK_STEP]
    assert stepped == ([(end, end + step * SECOND, Cause.CLOCK_STEP)] if step > 0 else [])
    with store.reader() as reader:
        one, other = reader.segments("CAM1", EVER, NEVER)
    assert (one.end, other.utc) == (end, end + step * SECOND)
    assert store.untiled() == []


def test_pictures_that_cannot_be_recorded_are_a_gap_until_the_next_key_frame(store: Store) -> None:
    """Sound goes on meanwhile: it does not end the gap, which is about the picture."""
    intake = store.intake()
    camera = Camera(store.clock, intake)
    camera._lane = intake.opened([VIDEO, SOUND])
    store.run(3.4, camera)
    blind = store.clock.utc()
    intake.missing(Cause.NO_PICTURE, "broken")
    for n in range(100):
        store.clock.advance(0.02)
        intake.sample(1, n * 160, store.clock.utc(), bytes(160))
        if n % 30 == 0:
            store.beat()
    for _ in range(20):
        camera.skip()
    camera.key()
    seen = store.clock.utc()
    store.run(3, camera)
    camera.disconnect()
    store.close()
    assert [row for row in store.ledger() if row[2] is Cause.NO_PICTURE] == [(blind, seen, Cause.NO_PICTURE)]
    assert store.untiled() == []
    assert store.check().problems == []


@pytest.mark.parametrize("token", ["", "../x", ".hidden", "a/b", "x" * 65])
def test_a_token_that_is_no_file_name_is_refused(store: Store, token: str) -> None:
    with pytest.raises(BadValue, match="token"):
        store.intake(token)
    store.close()


def test_thousands_of_streams_ids_never_come_twice(store: Store) -> None:
    camera = store.camera()
    store.run(3, camera)
    store.restart()
    camera = store.camera()
    store.run(3, camera)
    store.close()
    ids = [i for table in ("segment", "gap", "run") for (i,) in store.query(f"SELECT id FROM {table}")]
    assert len(ids) == len(set(ids))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An ext4 file system of 24 MiB, mounted."""
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        pytest.skip("mounting a file system needs root and mkfs.ext4")
    image, mount = tmp_path / "disk.img", tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(24 << 20)
    mount.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
    done = subprocess.run(["mount", "-o", "loop", image, mount], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"a loop device cannot be mounted here: {done.stderr.decode().strip()}")
    yield mount
    subprocess.run(["umount", "-l", mount], check=True)


@pytest.mark.proves("M-038")
def test_a_disk_filled_to_the_last_byte_loses_no_picture(tmp_path: Path, small_disk: Path) -> None:
    store = make(tmp_path, paths=[small_disk], segment_length=10, reserve=1 << 20)
    camera = store.camera(size=20_000)
    store.run(40, camera)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    for _ in range(30):
        store.run(1, camera)
    camera.disconnect()
    store.close()
    causes = {cause for _, _, cause in store.ledger()}
    assert causes <= {None, Cause.EXPIRED, Cause.LINK_LOST, Cause.RECORDER_DOWN}
    sent, kept = [data for _, data in camera.sent], read_back(store)
    assert kept == sent[-len(kept) :]
    assert len(kept) >= 200
    assert store.check().problems == []


def test_a_disk_full_of_locked_evidence_stops_recording(tmp_path: Path, small_disk: Path) -> None:
    store = make(tmp_path, paths=[small_disk], segment_length=10, reserve=2 << 20)
    camera = store.camera(size=40_000)
    store.recorder.lock("CAM1", EVER, NEVER, until=None, who="op", why="case 7").result(10)
    for _ in range(60):
        store.run(1, camera)
    status = store.recorder.status()[0]
    assert status.gap is not None
    assert status.gap.cause is Cause.STORAGE
    assert store.recorder.volumes()[0].state is VolumeState.FULL
    camera.disconnect()
    store.close()
    kept = read_back(store)
    assert kept == [data for _, data in camera.sent][: len(kept)]
    assert store.untiled() == []
    full = [each.cleared for each in store.notices if isinstance(each, StorageFull)]
    short = [type(each) for each in store.notices if isinstance(each, RetentionBelowMinimum | RetentionKept)]
    assert (full, short) == ([True, False], [RetentionKept, RetentionBelowMinimum])
    store.open()
    (lock,) = store.recorder.locks().result(10)
    store.recorder.unlock(lock.id).result(10)
    for _ in range(30):
        store.clock.advance(1)
        store.beat()
    assert store.recorder.volumes()[0].state is VolumeState.OK
    store.close()
    full = [each.cleared for each in store.notices if isinstance(each, StorageFull)]
    assert full[-1] is True
    assert isinstance(
        [e for e in store.notices if isinstance(e, RetentionBelowMinimum | RetentionKept)][-1], RetentionKept
    )


async def test_the_loop_runs_it(tmp_path: Path) -> None:
    import asyncio

    from device.clock import SystemClock

    store = make(tmp_path)
    store.close()
    seen: list[Utc] = []
    done = asyncio.Event()

    def acknowledged(_: str, utc: Utc) -> None:
        seen.append(utc)
        done.set()

    clock = SystemClock()
    recorder = Recorder(
        clock,
        store.catalogue,
        store.settings,
        "REC",
        durability=0.5,
        segment_length=60,
        on_event=store.notices.append,
        acknowledged=acknowledged,
    )
    await recorder.start()
    camera = Camera(clock, recorder.intake("CAM1", "CAM1", "main", ALWAYS))  # type: ignore[arg-type]  # only read
    camera.connect()
    camera.unit()
    async with asyncio.timeout(20):
        await done.wait()
    assert await recorder.stop(Cause.UPGRADE)
    with store.reader() as reader:
        assert reader.recordings()[0].last == seen[-1]
        assert reader.gaps("CAM1", EVER, NEVER)[-1].cause is Cause.UPGRADE
