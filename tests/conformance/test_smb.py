"""The suite of archives: ours passes it, read from a real Samba, and each fault fails its own case."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance.case import Result
from conformance.smb import SUITE
from conformance.smb.archive import IDENTITY, Archive, Entry, contact
from conformance.smb.boxes import Broken, boxes, fragments
from conformance.suite import Unreachable, run
from device.media import MICROSECONDS, Codec
from device.recording.segment import Identity
from protocols.smb.share import Share
from protocols.smb.target import Pace, Target
from tests.device.recording import material as m
from tests.protocols.smb.samba import PASSWORD, Samba

TARGET = "3f2a7c1e-0000-4000-8000-000000000001"
DAY = datetime.fromtimestamp(m.START / MICROSECONDS, UTC).strftime("%Y-%m-%d")
NAME = f"CAM1/{DAY}/7.mp4"
GROWING = f"CAM1/{DAY}/9.mp4.part"


def made(folder: Path, number: int, recorder: str = "REC") -> Path:
    path = folder / f"{number}.mp4"
    who = Identity(recorder, "CAM1", "CAM1", "main", 1, number, m.START)
    m.segment(path, [m.video(Codec.H264, 30)], who=who)
    return path


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A segment that every player shows."""
    return made(tmp_path_factory.mktemp("segment"), 7).read_bytes()


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Another one, of another recorder."""
    return made(tmp_path_factory.mktemp("foreign"), 8, "OTHER").read_bytes()


async def judged(
    files: dict[str, bytes], before: dict[str, bytes] | None = None, *, pattern: str = "*"
) -> dict[str, Result]:
    """How each case came out that applies."""

    def listed(what: dict[str, bytes]) -> dict[str, Entry]:
        return {name: Entry(len(data), 0.0) for name, data in what.items()}

    samples = {name: data for name, data in files.items() if name.endswith(".mp4")}
    known = files.get(IDENTITY)
    growing = {name: data for name, data in files.items() if name.endswith(".part")}
    archive = Archive(
        "here", listed(files if before is None else before), listed(files), known, samples, growing
    )
    outcomes = await run(SUITE.chosen([pattern]), archive, 1, lambda outcome: None)  # noqa: ARG005 - nobody is told
    return {each.id: each.result for each in outcomes if each.result is not Result.NOT_APPLICABLE}


def good(segment: bytes) -> dict[str, bytes]:
    return {IDENTITY: json.dumps({"target": TARGET, "recorder": "HF1"}).encode(), NAME: segment}


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What is there of a segment that is being written: it ends anywhere."""
    return made(tmp_path_factory.mktemp("growing"), 9).read_bytes()[:-100]


async def test_what_is_right_passes_everything(segment: bytes, growing: bytes) -> None:
    found = await judged({**good(segment), GROWING: growing})
    assert set(found.values()) == {Result.PASS}
    assert len(found) == len(SUITE.cases)


@pytest.mark.parametrize(
    ("files", "cases"),
    [
        ({IDENTITY: b"{}"}, ["target.form"]),
        ({IDENTITY: json.dumps({"target": "mine", "recorder": "HF1"}).encode()}, ["target.form"]),
        ({f"CAM1/{IDENTITY}": b"{}"}, ["target.there", "name.else"]),
        ({f"{NAME}.part": b"half"}, ["name.once"]),
        ({f"CAM1/{DAY}/9.mp4.part": b"half"}, []),
        ({"holiday.jpg": b"x"}, ["name.else"]),
    ],
)
async def test_each_fault_of_a_name_fails_its_case_and_no_other(
    segment: bytes, files: dict[str, bytes], cases: list[str]
) -> None:
    found = await judged({**good(segment), **files})
    assert [name for name, result in found.items() if result is Result.FAIL] == cases


async def test_each_fault_of_a_file_fails_its_case_and_no_other(segment: bytes, foreign: bytes) -> None:
    async def faults(files: dict[str, bytes], before: dict[str, bytes] | None = None) -> list[str]:
        found = await judged(files, before, pattern="[nf]*.[!p]*")
        return [name for name, result in found.items() if result is Result.FAIL]

    fine = good(segment)
    assert await faults({**fine, NAME: segment[:-1000]}) == ["file.whole", "file.checksum"]
    assert await faults({**fine, f"CAM1/{DAY}/9.mp4": segment}) == ["file.identity"]
    assert await faults({**fine, "CAM1/2020-01-01/7.mp4": segment}) == ["name.number", "file.day"]
    assert await faults({**fine, f"CAM1/{DAY}/8.mp4": foreign}) == ["file.recorder"]
    assert await faults({**fine, f"CAM1/{DAY}/x.mp4": segment}) == ["name.form", "file.identity"]
    media = next(box for box in boxes(segment) if box.kind == b"mdat")
    spoilt = bytearray(segment)
    spoilt[media.end - 1] ^= 1
    assert await faults({**fine, NAME: bytes(spoilt)}) == ["file.checksum"]
    assert await faults(fine, {**fine, NAME: segment[:5000]}) == ["name.final"]
    nobody = await judged({name: data for name, data in fine.items() if name != IDENTITY}, pattern="target.*")
    assert nobody == {"target.there": Result.FAIL}


async def test_each_fault_of_what_grows_fails_its_case_and_no_other(
    segment: bytes, foreign: bytes, growing: bytes
) -> None:
    async def faults(files: dict[str, bytes], before: dict[str, bytes] | None = None) -> list[str]:
        found = await judged(files, before, pattern="part.*")
        return [name for name, result in found.items() if result is Result.FAIL]

    fine = good(segment)
    assert await faults({**fine, f"CAM1/{DAY}/x.mp4.part": b""}) == ["part.form"]
    assert await faults({**fine, GROWING: growing}, {**fine, GROWING: growing + b"x"}) == ["part.grows"]
    assert await faults({**fine, GROWING: foreign[:-100]}) == ["part.begins"]
    media = next(box for box in boxes(foreign) if box.kind == b"mdat")
    spoilt = bytearray(growing)
    spoilt[media.payload] ^= 1
    assert await faults({**fine, GROWING: bytes(spoilt)}) == ["part.begins"]


async def test_what_no_player_shows_fails(segment: bytes) -> None:
    spoilt = bytearray(segment)
    for box in boxes(segment):
        if box.kind == b"mdat":
            spoilt[box.payload : box.end] = bytes(box.end - box.payload)
    assert await judged({**good(segment), NAME: bytes(spoilt)}, pattern="file.plays") == {
        "file.plays": Result.FAIL
    }


def test_boxes_that_are_none_are_told(segment: bytes) -> None:
    for data in (segment + b"xx", segment[:4], b"\0\0\0\x04free"):
        with pytest.raises(Broken):
            list(boxes(data))
    with pytest.raises(Broken, match="not closed"):
        fragments(b"".join(segment[box.start : box.end] for box in boxes(segment) if box.kind != b"free"))


# ------------------------------------------------------------------------------------------ a real share


@pytest.fixture
def samba(tmp_path: Path) -> Iterator[Samba]:
    home = tmp_path / "samba"
    home.mkdir()
    with Samba(home) as running:
        yield running


def given(samba: Samba, **more: object) -> argparse.Namespace:
    values = {"host": "127.0.0.1", "port": samba.port, "share": "video", "folder": "", "path": None}
    values |= {"user": samba.user, "password": PASSWORD, "wait": 0.0, "files": 20}
    return argparse.Namespace(**values | more)


async def test_ours_passes_on_a_share_and_on_the_servers_own_disk(samba: Samba, tmp_path: Path) -> None:
    with Share(samba.place()) as share:
        target = Target(share, "", TARGET, Pace(None))
        target.claim("HF1")
        for number in (7, 8):
            target.upload(made(tmp_path, number), f"CAM1\\{DAY}\\{number}.mp4", lambda: True)
        grows = made(tmp_path, 9)
        target.grow(grows, f"CAM1\\{DAY}\\9.mp4", None, grows.stat().st_size - 100)
    for asked in (given(samba), given(samba, path=samba.folder, host=None)):
        archive = await contact(asked)
        assert "2 segments, 2 of them read" in archive.title
        outcomes = await run(SUITE.cases, archive, 1, lambda outcome: None)  # noqa: ARG005 - nobody is told
        assert {each.id: each.detail for each in outcomes if each.result is not Result.PASS} == {}


async def test_no_share_and_nothing_on_it_is_no_verdict(samba: Samba, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for asked, why in (
        (given(samba, password="wrong"), "video"),
        (given(samba, share="none"), "none"),
        (given(samba, path=tmp_path / "empty"), "there is nothing in"),
        (given(samba, host=None), "say where"),
    ):
        with pytest.raises(Unreachable, match=why):
            await contact(asked)
