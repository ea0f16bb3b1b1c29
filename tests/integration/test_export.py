"""What an export shows, read from the pictures themselves: exactly the frames of the span, each once, in order."""

from __future__ import annotations

import signal
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from device.folder import DataFolder
from device.media import MICROSECONDS, Codec, Utc
from device.recording.catalogue import CatalogueReader
from device.recording.export.planner import Form
from device.recording.export.writing import Order, Target, export
from integration.virtual_camera import stamp
from integration.virtual_camera.draw import Planes
from integration.virtual_camera.encode import Format, VideoEncoder, track
from tests.device.recording.export.test_writing import ABOUT, SIGNER, Silent
from tests.device.recording.store import Store, make
from tests.integration.evidence import Frame, frames
from tests.integration.rig import COMMAND, Recorder, holdfast, recorded, wait_until

GAP = 2.0  #: seconds that the first camera is away
TOKENS = ("c-cam1", "c-cam2")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorder that has ended, and what it recorded: a gap in the first, another codec in the second."""

    recorder: Recorder
    kept: dict[str, list[Frame]]
    whole: dict[str, Any]  #: what the command said of an export while it was recording

    def span(self, token: str, first: int, last: int) -> tuple[str, str]:
        """As options: from when one frame is on show to when another is. On a busy machine frames come late, and
        the next one soon after."""
        found = self.kept[token]
        begin = (found[first].utc + found[first + 1].utc) // 2
        end = found[last].utc + 30_000 if last == -1 else (found[last].utc + found[last + 1].utc) // 2
        return _said(begin), _said(end)

    def near(self, token: str, number: int) -> int:
        """The frame `number`, or the next one whose time is surely between those before and after: on a busy
        machine the times of two fragments may overlap."""
        times = [frame.utc for frame in self.kept[token]]
        for at in range(number, len(times) - 1):
            if max(times[: at + 1]) + 10_000 < min(times[at + 1 :]):
                return at
        raise AssertionError("no frame has a time of its own")


def _said(utc: int) -> str:
    return datetime.fromtimestamp(utc / MICROSECONDS, UTC).isoformat(timespec="microseconds")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("evidence")
    with recorded(folder, 2, sub=False) as (cameras, recorder):
        catalogue = DataFolder(recorder.data).catalogue
        _wait(catalogue, "c-cam1", 3)
        cameras.fault(1, "refuse", GAP)
        cameras.fault(2, "codec", 60)
        early = folder / "early.mp4"
        told = recorder.command("export", "c-cam2", early, "--json")
        assert told.code == 0, told.err
        time.sleep(GAP)
        _wait(catalogue, "c-cam1", 2)
        _wait(catalogue, "c-cam2", 2)
        assert recorder.end() == 0
    with CatalogueReader(catalogue) as reader:
        kept = {token: list(frames(reader, token)) for token in TOKENS}
    return Recorded(recorder, kept, told.json)


def _wait(catalogue: Path, token: str, seconds: float) -> None:
    """Until so much more is recorded."""

    def last() -> int:
        with CatalogueReader(catalogue) as reader:
            row = next((row for row in reader.recordings() if row.token == token), None)
            return (row.last if row else None) or 0

    wait_until(f"{token} is recorded", lambda: last() > 0)
    begin = last()
    wait_until(f"{token} grows", lambda: last() > begin + seconds * MICROSECONDS)


def shown(file: Path, lead_in: float = 0.0) -> list[int]:
    """The numbers burnt into the pictures that a file shows, but those before the span."""
    complaints = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", file, "-f", "null", "-"], capture_output=True, text=True, check=True
    )
    assert complaints.stderr == ""
    found = []
    with av.open(str(file)) as container:
        for picture in container.decode(video=0):
            if (picture.time or 0.0) < lead_in - 1e-3:
                continue
            seen = stamp.read(picture)
            assert seen is not None
            found.append(seen.frame)
    return found


def _export(
    evidence: Recorded, token: str, out: Path, first: int = 0, last: int = -1
) -> tuple[list[int], dict[str, Any]]:
    """The numbers in the export of a span, all its files together, and what the command said."""
    begin, end = evidence.span(token, first, last)
    told = holdfast("export", token, out, "--from", begin, "--to", end, "--json", data=evidence.recorder.data)
    assert told.code == 0, told.err
    numbers: list[int] = []
    for part in told.json["parts"]:
        lead_in = 0.0 if out.suffix == ".mp4" else part["lead_in_seconds"]
        found = shown(Path(part["file"]), lead_in)
        assert len(found) == part["frames"]
        numbers += found
    return numbers, told.json


def _wanted(evidence: Recorded, token: str, first: int = 0, last: int = -1) -> list[int]:
    found = evidence.kept[token]
    upto = last + 1 if last >= 0 else len(found) + last + 1
    return [frame.number for frame in found[first:upto] if frame.number is not None]


@pytest.mark.proves("M-105", "M-109")
@pytest.mark.parametrize("kind", ["mp4", "mkv"])
@pytest.mark.parametrize("first", [0, 1, 7, 13])
def test_a_span_that_begins_within_a_group_of_pictures(
    evidence: Recorded, kind: str, first: int, tmp_path: Path
) -> None:
    first, last = evidence.near("c-cam1", first), evidence.near("c-cam1", first + 12)
    numbers, _ = _export(evidence, "c-cam1", tmp_path / f"x.{kind}", first, last)
    assert numbers == _wanted(evidence, "c-cam1", first, last)


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_across_a_gap(evidence: Recorded, kind: str, tmp_path: Path) -> None:
    numbers, told = _export(evidence, "c-cam1", tmp_path / f"x.{kind}", evidence.near("c-cam1", 5))
    wanted = _wanted(evidence, "c-cam1", evidence.near("c-cam1", 5))
    assert numbers == wanted
    missing = max(after - before for before, after in pairwise(wanted)) - 1
    assert missing >= (GAP - 0.5) * 10
    assert sum(gap["seconds"] for gap in told["gaps"]) == pytest.approx(missing / 10, abs=0.25)
    assert {gap["cause"] for gap in told["gaps"]} <= {"link_lost", "unreachable", "connecting"}


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_across_another_codec(evidence: Recorded, kind: str, tmp_path: Path) -> None:
    numbers, told = _export(evidence, "c-cam2", tmp_path / f"x.{kind}", evidence.near("c-cam2", 5))
    assert len(told["files"]) == 2
    assert numbers == _wanted(evidence, "c-cam2", evidence.near("c-cam2", 5))


@pytest.mark.proves("M-108")
def test_a_whole_recording_while_it_goes_on(evidence: Recorded) -> None:
    # A command that is late on a busy machine meets the other codec, and makes a second file.
    numbers = [number for part in evidence.whole["parts"] for number in shown(Path(part["file"]))]
    assert numbers == _wanted(evidence, "c-cam2")[: len(numbers)]
    assert len(numbers) == evidence.whole["frames"] >= 20


def test_the_terminal_tells_files_gaps_and_the_key(evidence: Recorded, tmp_path: Path) -> None:
    said = holdfast("export", "c-cam1", tmp_path / "x.mp4", data=evidence.recorder.data)
    assert f"{tmp_path}/x.mp4: {len(evidence.kept['c-cam1'])} frames" in said.out
    assert "c-cam1: no video for " in said.out
    key = holdfast("fingerprint", "--json", data=evidence.recorder.data).json["fingerprint"]
    assert f"signed with key {key}" in said.out
    good = holdfast("verify", tmp_path / "x.mp4", "--key", key)
    assert (good.code, good.err) == (0, "")
    assert good.out.startswith("intact")
    with (tmp_path / "x.mp4").open("r+b") as file:
        file.seek(5000)
        file.write(b"?")
    bad = holdfast("verify", tmp_path / "x.mp4")
    assert bad.code == 1
    assert "changed  x.mp4: its bytes are not those that were signed" in bad.out
    assert "NOT INTACT" in bad.out


def test_a_command_that_is_told_to_end_leaves_nothing(evidence: Recorded, tmp_path: Path) -> None:
    program = [*COMMAND, "export", *TOKENS, str(tmp_path / "out"), "--data", str(evidence.recorder.data)]
    for delay in (0.5, 0.7, 0.9, 1.1):
        with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            time.sleep(delay)
            running.send_signal(signal.SIGTERM)
            running.wait(20)
        left = {each.name for each in tmp_path.rglob("*")}
        if "manifest.json" in left:  # it was faster
            assert left == {"out", "manifest.json", *(path.name for path in (tmp_path / "out").iterdir())}
            assert holdfast("verify", tmp_path / "out").code == 0
            return
        assert left == set()


class Stamped:
    """A camera in simulated time whose pictures are real."""

    def __init__(self, store: Store) -> None:
        self._form = Format(Codec.H264, 320, 192, 10)
        self._store = store
        self._encoder = VideoEncoder(self._form)
        self._lane = store.intake().opened([track(self._form)])
        self.number = 0

    def run(self, seconds: float) -> None:
        store, lane = self._store, self._lane
        assert lane is not None
        for _ in range(round(seconds * 10)):
            picture = Planes(320, 192)
            stamp.draw(stamp.Stamp(1, self.number, Utc(store.clock.utc() // 1000 * 1000)), picture)
            unit = self._encoder.encode(picture, self.number % 10 == 0)
            if lane.limit - lane.fill < len(unit):
                assert lane.grow(lane.fill, len(unit))
            end = lane.fill + len(unit)
            lane.memory[lane.fill : end] = unit
            lane.written = end
            lane.commit(end, 9000 * self.number, store.clock.utc(), self.number % 10 == 0, False)
            self.number += 1
            store.clock.advance(0.1)
            if self.number % 7 == 0:
                store.beat()
        store.beat()


@pytest.mark.parametrize("form", [Form.MP4, Form.MATROSKA])
@pytest.mark.parametrize("step", [20.0, -15.0])
def test_across_a_step_of_the_recorders_clock(step: float, form: Form, tmp_path: Path) -> None:
    store = make(tmp_path / "recorder")
    camera = Stamped(store)
    camera.run(4)
    store.clock.step(step)
    camera.run(5)
    with store.reader() as reader:
        order = Order(("CAM1",), Utc(0), Utc(2_000_000_000 * MICROSECONDS), form, None)
        out = tmp_path / f"x.{form.value}"
        made = export(reader, order, Target(out, folder=False, force=False), SIGNER, ABOUT, Silent())
    store.close()
    assert [number for path in made.files for number in shown(path)] == list(range(camera.number))
    (file,) = made.manifest.files
    before, after = (datetime.fromisoformat(each.begin) for each in file.stretches)
    assert (after - before).total_seconds() == pytest.approx(4 + step, abs=1.1)
