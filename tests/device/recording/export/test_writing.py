"""Exports onto a disk: all there and signed, or nothing; what is missing is said with its cause."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.cameras.source import Cause
from device.errors import BadValue, NotFound
from device.media import MICROSECONDS, Utc
from device.recording.catalogue import GapRow
from device.recording.export.planner import Form
from device.recording.export.timeline import Hole
from device.recording.export.verify import verify
from device.recording.export.writing import (
    LATEST,
    About,
    Exported,
    NothingRecorded,
    Order,
    Target,
    TargetFault,
    TargetFull,
    export,
    missing,
)
from device.signature import Signer
from tests.device.recording.store import EVER, Store, make

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
ABOUT = About("id-1", "HF1", "Holdfast 9", Utc(1_800_000_000 * MICROSECONDS), "anna", "Europe/Stockholm")


class Silent:
    """Nobody watches."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.phases: list[tuple[str, int]] = []

    def phase(self, name: str, *, total: int, unit: str) -> None:
        self.phases.append((name, total))

    def step(self, done: int) -> None:
        self.steps.append(done)


def nobody(done: int, total: int) -> None:
    """Is told of progress."""


class Cancelled(Exception):
    pass


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = make(tmp_path / "recorder", durability=5, segment_length=10)
    yield made
    made.close()


def order(*tokens: str, form: Form = Form.MP4, start: Utc = EVER, end: Utc = LATEST) -> Order:
    return Order(tokens or ("CAM1",), start, end, form, None)


def write(
    store: Store, what: Order, path: Path, *, force: bool = False, watch: Silent | None = None
) -> Exported:
    folder = path.suffix == ""
    with store.reader() as reader:
        return export(reader, what, Target(path, folder, force), SIGNER, ABOUT, watch or Silent())


def span(store: Store, token: str = "CAM1") -> tuple[Utc, Utc]:
    with store.reader() as reader:
        row = reader.recording(token)
    assert row.first is not None
    assert row.last is not None
    return row.first, row.last


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


@pytest.mark.parametrize("form", [Form.MP4, Form.MATROSKA])
def test_a_file_has_a_signed_manifest_beside_it_and_nothing_else_is_left(
    store: Store, form: Form, tmp_path: Path
) -> None:
    camera = store.camera()
    store.run(25, camera)
    out = tmp_path / "out"
    out.mkdir()
    made = write(store, order(form=form), out / f"x.{form.value}")
    assert names(out) == {f"x.{form.value}", f"x.{form.value}.json"}
    said = json.loads((out / f"x.{form.value}.json").read_text())["export"]
    assert said["recorder"] == {"id": "id-1", "serial": "HF1"}
    assert (said["software"], said["by"], said["zone"]) == ("Holdfast 9", "anna", "Europe/Stockholm")
    assert said["exported"] == "2027-01-15T08:00:00.000000Z"
    assert [file["frames"] for file in said["files"]] == [len(camera.sent)]
    verdict = verify(made.path, frozenset({made.fingerprint}), nobody)
    assert verdict.intact
    assert verdict.trusted


def test_several_recordings_are_a_folder_with_one_manifest(store: Store, tmp_path: Path) -> None:
    cameras = [store.camera("CAM1"), store.camera("CAM2")]
    store.run(5, *cameras)
    made = write(store, order("CAM1", "CAM2"), tmp_path / "out")
    assert names(tmp_path / "out") == {"CAM1.mp4", "CAM2.mp4", "manifest.json"}
    assert made.manifest.whole_folder
    assert [each.recording for each in made.manifest.recordings] == ["CAM1", "CAM2"]


def test_raw_segments_are_a_folder_of_the_recorders_own_files(store: Store, tmp_path: Path) -> None:
    store.run(25, store.camera())
    made = write(store, order(form=Form.RAW), tmp_path / "out")
    assert len(made.files) == 3
    assert verify(made.path, frozenset(), nobody).intact


def test_what_grows_is_exported_up_to_what_is_acknowledged(store: Store, tmp_path: Path) -> None:
    camera = store.camera()
    store.run(5, camera)
    first = write(store, order(), tmp_path / "1.mp4").manifest.files[0].frames
    store.run(5, camera)
    second = write(store, order(), tmp_path / "2.mp4").manifest.files[0].frames
    assert (first, second) == (50, 100)


def test_gaps_are_said_with_the_causes_of_the_ledger(store: Store, tmp_path: Path) -> None:
    camera = store.camera()
    store.run(5, camera)
    camera.disconnect(Cause.LINK_LOST)
    store.run(3)
    camera.connect()
    store.run(5, camera)
    first, last = span(store)
    made = write(store, order(start=first, end=last), tmp_path / "x.mp4")
    (gap,) = made.manifest.recordings[0].gaps
    assert (gap.cause, gap.due) == ("link_lost", True)
    stretches = made.manifest.files[0].stretches
    assert len(stretches) == 2
    assert stretches[0].end == gap.begin
    assert stretches[1].begin == gap.end


@pytest.mark.parametrize("step", [3600.0, -1800.0])
def test_over_a_step_of_the_clock_every_picture_is_there_once(
    store: Store, step: float, tmp_path: Path
) -> None:
    camera = store.camera()
    store.run(5, camera)
    store.clock.step(step)
    store.run(10, camera)
    made = write(store, order(), tmp_path / "x.mkv")
    assert sum(file.frames for file in made.manifest.files) == len(camera.sent)
    assert sum(len(file.stretches) for file in made.manifest.files) == 2
    causes = {gap.cause for gap in made.manifest.recordings[0].gaps}
    assert ("clock_step" in causes) is (step > 0)


class Removes(Silent):
    """Something happens when all is planned and nothing is written yet."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        self._happens = happens

    def phase(self, name: str, *, total: int, unit: str) -> None:
        super().phase(name, total=total, unit=unit)
        if name == "writing CAM1" and len(self.phases) == 2:
            self._happens()


def test_what_is_removed_while_it_is_exported_is_still_read(store: Store, tmp_path: Path) -> None:
    store.run(40, store.camera())
    first, last = span(store)
    with store.reader() as reader:
        late = reader.segments("CAM1", first, last)[2].path
    made = write(store, order(start=first, end=last), tmp_path / "x.mp4", watch=Removes(late.unlink))
    assert made.manifest.files[0].frames == 400
    assert made.manifest.recordings[0].gaps == ()


def test_what_is_removed_before_its_turn_is_a_gap_with_its_cause(store: Store, tmp_path: Path) -> None:
    store.run(200, store.camera())
    first, last = span(store)
    with store.reader() as reader:
        late = [row.path for row in reader.segments("CAM1", Utc(last - 30 * MICROSECONDS), last)][:-1]

    def delete() -> None:
        gone = store.recorder.delete("CAM1", Utc(last - 50 * MICROSECONDS), last).result(10)
        assert gone
        for _ in range(100):
            store.clock.advance(1)
            store.beat()
            time.sleep(0.01)
            if not any(path.exists() for path in late):
                return
        pytest.fail("the segments were not unlinked")

    made = write(store, order(start=first, end=last), tmp_path / "x.mp4", watch=Removes(delete))
    assert "deleted" in {gap.cause for gap in made.manifest.recordings[0].gaps}
    assert made.manifest.files[0].frames == 1600
    assert verify(made.path, frozenset(), nobody).intact


def test_what_cannot_be_read_is_left_out_and_said(store: Store, tmp_path: Path) -> None:
    store.run(40, store.camera())
    first, last = span(store)
    with store.reader() as reader:
        second = reader.segments("CAM1", first, last)[1]
    second.path.write_bytes(second.path.read_bytes()[: second.fragments[1].offset])
    made = write(store, order(start=first, end=last), tmp_path / "x.mp4")
    (gap,) = made.manifest.recordings[0].gaps
    assert (gap.cause, gap.due) == ("unreadable", True)
    assert made.manifest.files[0].frames < 400
    assert verify(made.path, frozenset(), nobody).intact


def test_what_fails_only_when_the_media_are_read_is_left_out_by_another_attempt(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.run(20, store.camera())
    first, last = span(store)
    with store.reader() as reader:
        row = reader.segments("CAM1", first, last)[0].fragments[1]
    pread = os.pread

    def failing(descriptor: int, length: int, offset: int) -> bytes:
        if offset == row.offset and length == row.length:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pread(descriptor, length, offset)

    whole = write(store, order(start=first, end=last), tmp_path / "whole.mp4").manifest.files[0].frames
    monkeypatch.setattr("device.recording.reader.os.pread", failing)
    watch = Silent()
    made = write(store, order(start=first, end=last), tmp_path / "x.mp4", watch=watch)
    assert 0 < made.manifest.files[0].frames < whole
    assert [gap.cause for gap in made.manifest.recordings[0].gaps] == ["unreadable"]
    assert watch.steps[-1] <= watch.phases[0][1]


@pytest.mark.parametrize("place", ["x.mp4", "folder"])
def test_a_cancelled_export_leaves_nothing(store: Store, place: str, tmp_path: Path) -> None:
    store.run(20, store.camera())
    out = tmp_path / "out"
    out.mkdir()
    for limit in (0, 1, 5, 20):
        watch = Silent()

        def cancel(done: int, watch: Silent = watch, limit: int = limit) -> None:
            watch.steps.append(done)
            if len(watch.steps) > limit:
                raise Cancelled

        watch.step = cancel  # type: ignore[method-assign]  # this watch cancels
        with pytest.raises(Cancelled):
            write(store, order(), out / place, watch=watch)
        assert names(out) == set()


def test_progress_runs_from_nothing_to_the_size_that_was_said(store: Store, tmp_path: Path) -> None:
    store.run(20, store.camera())
    watch = Silent()
    write(store, order(), tmp_path / "x.mp4", watch=watch)
    assert watch.steps[0] == 0
    assert watch.steps == sorted(watch.steps)
    assert watch.phases[0][1] * 0.8 < watch.steps[-1] <= watch.phases[0][1]


@contextmanager
def mounted(folder: Path, kind: str, megabytes: int) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", kind, "-o", f"size={megabytes}m", "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_target_without_room_is_named_and_left_as_it_was(store: Store, tmp_path: Path) -> None:
    camera = store.camera(size=60_000)
    store.run(60, camera)
    with mounted(tmp_path / "small", "tmpfs", 16) as small:
        with pytest.raises(TargetFull, match=r"small: has 16 MB free; the export takes 3. MB"):
            write(store, order(), small / "x.mp4")
        assert names(small) == set()

        class Fills(Silent):
            """Somebody else takes the room meanwhile."""

            def phase(self, name: str, *, total: int, unit: str) -> None:
                (small / "other").write_bytes(bytes(12_000_000))

        first, _ = span(store)
        with pytest.raises(TargetFull, match="No space left on device"):
            write(store, order(end=Utc(first + 15 * MICROSECONDS)), small / "x.mp4", watch=Fills())
        assert names(small) == {"other"}


def test_a_file_system_that_takes_no_file_as_large_is_said_with_what_helps(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.run(5, store.camera())

    def refuse(descriptor: int, data: memoryview) -> int:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))

    monkeypatch.setattr("device.recording.export.writing.os.write", refuse)
    with pytest.raises(TargetFault, match="File too large") as told:
        write(store, order(), tmp_path / "x.mp4")
    assert "--largest 4G" in told.value.hint


def test_targets_that_cannot_be_are_refused_by_name(store: Store, tmp_path: Path) -> None:
    store.run(5, store.camera())
    (tmp_path / "there.mp4").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "folder.mp4").mkdir()
    for what, path, complaint in (
        (order(), tmp_path / "there.mp4", "there.mp4: is there already; --force"),
        (order(), tmp_path / "full", "out: .*full is not empty"),
        (order(), tmp_path / "folder.mp4", "out: .*folder.mp4 is a folder"),
        (order("CAM1", "CAM2"), tmp_path / "x.mp4", "out: must be a folder"),
        (order(form=Form.RAW), tmp_path / "x.mp4", "out: must be a folder"),
        (order("CAM1", "CAM1"), tmp_path / "x", "recordings: must be 1 to 256, each once"),
        (order(), tmp_path / "a\nb.mp4", "out: must be of printable characters"),
        (order(start=Utc(5), end=Utc(5)), tmp_path / "x.mp4", "end: must be later"),
        (order(end=Utc(1 << 60)), tmp_path / "x.mp4", "span: must lie between"),
    ):
        with pytest.raises(BadValue, match=complaint):
            write(store, what, path)
    with pytest.raises(TargetFault, match=r"nowhere/x\.mp4: No such file or directory"):
        write(store, order(), tmp_path / "nowhere" / "x.mp4")
    with pytest.raises(NotFound):
        write(store, order("CAM9"), tmp_path / "x.mp4")
    with pytest.raises(NothingRecorded):
        write(store, order(end=Utc(5)), tmp_path / "x.mp4")
    assert (tmp_path / "there.mp4").read_text() == "mine"
    assert names(tmp_path / "full") == {"mine"}


def test_a_file_that_is_there_is_replaced_only_when_told_so(store: Store, tmp_path: Path) -> None:
    store.run(5, store.camera())
    write(store, order(), tmp_path / "x.mp4")
    store.run(5)
    made = write(store, order(), tmp_path / "x.mp4", force=True)
    assert verify(made.path, frozenset(), nobody).intact


def test_memory_does_not_grow_with_the_span(store: Store, tmp_path: Path) -> None:
    store.run(300, store.camera(size=20_000))
    first, _ = span(store)

    def peak(seconds: float, form: Form) -> int:
        tracemalloc.start()
        end = Utc(first + round(seconds * MICROSECONDS))
        made = write(store, order(form=form, start=first, end=end), tmp_path / f"{seconds}.{form.value}")
        assert made.manifest.files[0].size > seconds * 190_000
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    for form in (Form.MP4, Form.MATROSKA):
        peak(10, form)  # what is made once
        short, long = peak(30, form), peak(300, form)
        # Ten times the video, 54 MB more of it: nothing but its tables, some bytes a picture.
        assert long - short < 200_000


def _gap(start: int, end: int | None, cause: Cause) -> GapRow:
    return GapRow(1, Utc(start), None if end is None else Utc(end), cause, 0, "", 0)


def test_of_a_hole_only_what_the_ledger_does_not_know_is_unreadable() -> None:
    second = MICROSECONDS
    ledger = [_gap(-5 * second, 2 * second, Cause.SILENT), _gap(6 * second, None, Cause.RECORDER_DOWN)]
    found = missing(ledger, [Hole(Utc(0), 20 * second)], [Utc(3 * second)], Utc(0), Utc(20 * second))
    seconds = [(gap.begin[17:19], gap.end[17:19], gap.cause) for gap in found]
    assert seconds == [
        ("00", "02", "silent"),
        ("02", "06", "unreadable"),
        ("06", "20", "recorder_down"),
    ]
    calm = missing([], [Hole(Utc(0), 2 * second)], [], Utc(0), Utc(20 * second))
    assert calm == []  # the camera sent nothing, and nothing is lost


def test_text_of_others_in_the_ledger_does_no_harm(store: Store) -> None:
    row = GapRow(1, Utc(0), Utc(5_000_000), Cause.PROTOCOL, 0, "\x1b[2J" + "x" * 5000, 0)
    (gap,) = missing([row], [], [], Utc(0), Utc(9_000_000))
    assert gap.detail.startswith("?[2J")
    assert len(gap.detail) == 500
