"""A recorder's folder on a share: nothing is written where it should not be, and what is there was read back."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.smb.errors import NotProven, ShareFull, ShareUnreachable, WrongTarget
from protocols.smb.share import Share
from protocols.smb.target import IDENTITY, Pace, Target
from tests.protocols.smb.meddler import READ, WRITE, Meddler
from tests.protocols.smb.samba import Samba

MINE = "a2a4c1de-0000-4000-8000-000000000001"
SIZE = 9_000_001


@pytest.fixture(scope="module")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    with Samba(tmp_path_factory.mktemp("samba")) as running:
        yield running


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    """One whose answers can be meddled with: from SMB 3 on, not all signatures can be left out."""
    options = ("server signing = disabled", "server max protocol = SMB2_10")
    with Samba(tmp_path_factory.mktemp("samba"), *options) as running:
        yield running


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "segment.mp4"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def folder(samba: Samba, request: pytest.FixtureRequest) -> str:
    """An empty folder of the test's own."""
    name = request.node.name.replace("[", "-").replace("]", "")
    (samba.folder / name).mkdir(exist_ok=True)
    return str(name)


def always() -> bool:
    return True


def target(share: Share, folder: str = "", identity: str = MINE) -> Target:
    return Target(share, folder, identity, Pace(None))


def test_an_empty_folder_can_be_claimed_and_then_it_is_known(samba: Samba, folder: str) -> None:
    with Share(samba.place()) as share:
        ours = target(share, folder)
        with pytest.raises(WrongTarget, match="not the share that was set up"):
            ours.check()
        ours.claim("HF1")
        ours.check()
        ours.claim("HF1")
        with pytest.raises(WrongTarget, match="of another target"):
            target(share, folder, "another").check()
        with pytest.raises(WrongTarget, match="is not empty"):
            target(share, folder, "another").claim("HF2")


def test_a_foreign_or_empty_share_gets_nothing(samba: Samba, folder: str, source: Path) -> None:
    with Share(samba.place()) as share:
        with pytest.raises(WrongTarget):
            target(share, folder).upload(source, "x.mp4", always)
        assert list((samba.folder / folder).iterdir()) == []
        (samba.folder / folder / IDENTITY).write_text("{not json")
        with pytest.raises(WrongTarget, match="nobody's"):
            target(share, folder).upload(source, "x.mp4", always)


def test_what_is_uploaded_is_proven_and_only_then_has_its_name(
    samba: Samba, folder: str, source: Path
) -> None:
    with Share(samba.place()) as share:
        ours = target(share, folder)
        ours.claim("HF1")
        done = ours.upload(source, r"c-aaaa\2026-11-28\x.mp4", always)
        assert done is not None
        assert done.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
        there = samba.folder / folder / "c-aaaa" / "2026-11-28"
        assert [each.name for each in there.iterdir()] == ["x.mp4"]
        assert (there / "x.mp4").read_bytes() == source.read_bytes()
        assert ours.upload(source, r"c-aaaa\2026-11-28\x.mp4", always) == done  # again is as good as once


def test_what_was_changed_on_the_share_is_not_proven(samba: Samba, folder: str, source: Path) -> None:
    with Share(samba.place()) as share:
        ours = target(share, folder)
        ours.claim("HF1")
        part = samba.folder / folder / "x.mp4.part"
        part.write_bytes(b"\0" * 3_000_000)  # what a broken disk left of an attempt before
        with pytest.raises(NotProven):
            ours.upload(source, "x.mp4", always)
        assert not part.exists()
        assert ours.upload(source, "x.mp4", always) is not None


@pytest.mark.parametrize("command", [WRITE, READ])
def test_a_session_that_expires_is_begun_anew_and_goes_on_where_it_was(
    unsigned: Samba, source: Path, command: int
) -> None:
    with Meddler(unsigned.port) as meddler:
        place = dataclasses.replace(unsigned.place(), port=meddler.port)
        folder = f"expires-{command}"
        (unsigned.folder / folder).mkdir(exist_ok=True)
        with Share(place, sign=False) as share:
            ours = target(share, folder)
            ours.claim("HF1")
            meddler.expire[command] = 3
            assert ours.upload(source, "x.mp4", always) is not None
            assert meddler.expired == 1
        assert (unsigned.folder / folder / "x.mp4").read_bytes() == source.read_bytes()


def test_what_grows_is_followed_past_an_expired_session_and_then_proven(
    unsigned: Samba, source: Path
) -> None:
    with Meddler(unsigned.port) as meddler:
        place = dataclasses.replace(unsigned.place(), port=meddler.port)
        (unsigned.folder / "grows").mkdir()
        part = unsigned.folder / "grows" / "CAM1" / "x.mp4.part"
        with Share(place, sign=False) as share:
            ours = target(share, "grows")
            ours.claim("HF1")
            sent = ours.grow(source, r"CAM1\x.mp4", None, 3_000_000)
            assert part.stat().st_size == sent == 3_000_000
            meddler.expire[WRITE] = 2
            assert ours.grow(source, r"CAM1\x.mp4", sent, 8_000_000) == 8_000_000
            assert meddler.expired == 1
            assert part.read_bytes() == source.read_bytes()[:8_000_000]
            assert ours.grow(source, r"CAM1\x.mp4", None, 8_000_000) == 8_000_000
            assert ours.upload(source, r"CAM1\x.mp4", always) is not None
        assert part.with_suffix("").read_bytes() == source.read_bytes()
        assert not part.exists()


def test_a_line_that_is_cut_costs_only_what_was_under_way(samba: Samba, folder: str, source: Path) -> None:
    with Meddler(samba.port) as meddler, Share(samba.place()) as direct:
        target(direct, folder).claim("HF1")
        place = dataclasses.replace(samba.place(), port=meddler.port)
        meddler.cut = 5
        with Share(place) as share, pytest.raises(ShareUnreachable):
            target(share, folder).upload(source, "x.mp4", always)
        assert (samba.folder / folder / "x.mp4.part").stat().st_size >= 5 << 20
        sent: list[int] = []
        pace = Pace(None)
        pace.spend = sent.append  # type: ignore[assignment, method-assign]  # to see what is sent
        with Share(place) as share:
            assert Target(share, folder, MINE, pace).upload(source, "x.mp4", always) is not None
        assert 0 < sum(sent) <= SIZE - (5 << 20)
        assert (samba.folder / folder / "x.mp4").read_bytes() == source.read_bytes()


def test_a_server_killed_while_it_is_written_to(tmp_path: Path, source: Path) -> None:
    with Samba(tmp_path) as own:
        with Share(own.place()) as share:
            ours = target(share)
            ours.claim("HF1")
            seen = 0

            def killing() -> bool:
                nonlocal seen
                seen += 1
                if seen == 5:
                    own.stop()
                return True

            with pytest.raises(ShareUnreachable):
                ours.upload(source, "x.mp4", killing)
            assert not (own.folder / "x.mp4").exists()
            own.start()
            assert ours.upload(source, "x.mp4", always) is not None
        assert (own.folder / "x.mp4").read_bytes() == source.read_bytes()


def test_another_disk_in_the_server_gets_nothing(tmp_path: Path, source: Path) -> None:
    with Samba(tmp_path) as own, Share(own.place()) as share:
        ours = target(share)
        ours.claim("HF1")
        own.stop()
        own.folder.rename(tmp_path / "taken out")
        own.folder.mkdir()
        own.start()
        with pytest.raises(WrongTarget):
            ours.upload(source, "x.mp4", always)
        assert list(own.folder.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root")
def test_a_full_share_is_said_and_has_no_half_file_under_a_good_name(tmp_path: Path, source: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        (tmp_path / "samba").mkdir()
        own = Samba(tmp_path / "samba")
        own.small = small
        with own, Share(own.place("small")) as share:
            ours = target(share)
            ours.claim("HF1")
            with pytest.raises(ShareFull):
                ours.upload(source, "x.mp4", always)
            assert not (small / "x.mp4").exists()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_stopped_upload_goes_on_later(samba: Samba, folder: str, source: Path) -> None:
    left = 4

    def for_a_while() -> bool:
        nonlocal left
        left -= 1
        return left > 0

    with Share(samba.place()) as share:
        ours = target(share, folder)
        ours.claim("HF1")
        assert ours.upload(source, "x.mp4", for_a_while) is None
        assert not (samba.folder / folder / "x.mp4").exists()
        assert ours.upload(source, "x.mp4", always) is not None


def test_the_pace_is_kept() -> None:
    now = 100.0
    waits: list[float] = []

    def wait(seconds: float) -> None:
        nonlocal now
        waits.append(seconds)
        now += seconds

    pace = Pace(1_000_000, lambda: now, wait)
    for _ in range(10):
        pace.spend(500_000)
    assert now == pytest.approx(105.0)
    assert max(waits) <= 0.5 + 1e-6
