"""The archive in the control plane: what is finished is on the share, proven, once; whatever happens to the share."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from device.archive.ledger import copies
from device.errors import Fault, Refused
from device.folder import DataFolder
from device.identity import identity
from device.planes.leash import Leash
from device.planes.link import Client
from device.planes.outward import ArchiveShown, AskArchive, ClaimArchive
from device.settings.archive import Archive
from integration import archive
from integration.archive import ArchivePlane, archived
from integration.plane import Plane, plane
from protocols.smb.target import IDENTITY
from tests.device.recording.store import make
from tests.protocols.smb.samba import PASSWORD, Samba

SECONDS = 60.0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalogue and the segments of a camera."""
    store = make(tmp_path_factory.mktemp("recorded"), segment_length=10)
    camera = store.camera()
    store.run(45, camera)
    camera.disconnect()
    store.close()
    return store.folder


@pytest.fixture
def samba(tmp_path: Path) -> Iterator[Samba]:
    home = tmp_path / "samba"
    home.mkdir()
    with Samba(home) as running:
        yield running


@contextlib.asynccontextmanager
async def serving(
    data: Path, recorded: Path, samba: Samba, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Plane, Client]]:
    """A control plane that archives what was recorded, and nothing else."""
    monkeypatch.setattr(archive, "EVERY", 0.05)
    monkeypatch.setattr(archive, "AGAIN", (0.1, 0.5))
    folder = DataFolder(data)
    folder.make()
    identity(folder.identity)
    if not folder.catalogue.exists():
        shutil.copy(recorded / "catalogue.db", folder.catalogue)
    async with (
        plane("control", data, Leash(None, None)) as own,
        Client(folder.socket("control"), within=SECONDS) as client,
    ):
        values = {"enabled": True, "host": "127.0.0.1", "port": samba.port, "share": "video"}
        values |= {"user": samba.user, "password": PASSWORD, "bandwidth": None}
        own.settings.patch(Archive, values, by="anna")
        archiving = ArchivePlane(own)
        archiving.answer(own.server)
        running = asyncio.create_task(archiving.run())
        try:
            yield own, client
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def until(client: Client, holds: Callable[[ArchiveShown], bool]) -> ArchiveShown:
    async with asyncio.timeout(SECONDS):
        while not holds(told := await client.call(AskArchive())):  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(0.05)
    return told


def segments(recorded: Path) -> dict[str, Path]:
    """The segments' files, by name."""
    return {path.name: path for path in recorded.rglob("*.mp4")}


def spoil(samba: Samba, name: str) -> None:
    """A bit on the server's disk turns over."""
    (path,) = samba.folder.rglob(name)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def files(samba: Samba) -> dict[str, str]:
    """What is on the share: names and digests."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in samba.folder.rglob("*")
        if path.is_file() and path.name != IDENTITY
    }


async def test_what_is_finished_is_copied_proven_and_fetched_again(
    recorded: Path, samba: Samba, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path / "data", recorded, samba, monkeypatch) as (own, client):
        told = await until(client, lambda told: told.phase == "off")
        assert told.detail == "no folder was claimed"
        assert files(samba) == {}
        claimed = await client.call(ClaimArchive("anna"))
        assert own.settings.get(Archive).target == claimed.target != ""
        told = await until(client, lambda told: told.phase == "waiting" and told.copies > 2)
        sources = segments(recorded)
        there = list(copies(own.folder.archive, claimed.target))
        assert len(there) == told.copies
        assert {one.name: one.sha256 for one in there} == files(samba)
        for one in there:
            assert one.sha256 == hashlib.sha256(sources[one.name].read_bytes()).hexdigest()
        out = tmp_path / "back.mp4"
        await asyncio.to_thread(archived, own.settings.get(Archive), there[0], out)
        assert out.read_bytes() == sources[there[0].name].read_bytes()
        spoil(samba, there[1].name)
        with pytest.raises(Fault, match="another than it was"):
            await asyncio.to_thread(archived, own.settings.get(Archive), there[1], tmp_path / "spoilt.mp4")


async def test_another_disk_gets_nothing_and_the_right_one_goes_on(
    recorded: Path, samba: Samba, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path / "data", recorded, samba, monkeypatch) as (own, client):
        own.settings.patch(
            Archive, {"bandwidth": 0.1}, by="anna"
        )  # the first segment is under way for a while
        await client.call(ClaimArchive("anna"))
        await until(client, lambda told: told.phase == "copying")
        samba.stop()
        samba.folder.rename(tmp_path / "taken out")
        samba.folder.mkdir()
        samba.start()
        own.settings.patch(Archive, {"bandwidth": None}, by="anna")
        told = await until(client, lambda told: "not the share that was set up" in told.detail)
        assert told.phase == "failing"
        assert list(samba.folder.iterdir()) == []
        assert "archive" in {getattr(entry.event, "destination", "") for entry in own.bus.journal.active()}
        samba.stop()
        samba.folder.rmdir()
        (tmp_path / "taken out").rename(samba.folder)
        samba.start()
        told = await until(client, lambda told: told.phase == "waiting" and told.copies > 2)
        assert len(files(samba)) == told.copies
        assert own.bus.journal.active() == []


async def test_a_restart_copies_nothing_twice(
    recorded: Path, samba: Samba, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path / "data", recorded, samba, monkeypatch) as (_, client):
        await client.call(ClaimArchive("anna"))
        await until(client, lambda told: told.phase == "waiting" and told.copies > 2)
    before = {path: path.stat().st_mtime_ns for path in samba.folder.rglob("*.mp4")}
    async with serving(tmp_path / "data", recorded, samba, monkeypatch) as (_, client):
        await until(client, lambda told: told.phase == "waiting")
    assert {path: path.stat().st_mtime_ns for path in samba.folder.rglob("*.mp4")} == before


async def test_a_folder_with_somebody_elses_files_is_not_claimed(
    recorded: Path, samba: Samba, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (samba.folder / "holiday.jpg").write_bytes(b"x")
    async with serving(tmp_path / "data", recorded, samba, monkeypatch) as (own, client):
        with pytest.raises(Refused, match=r"is not empty: holiday\.jpg"):
            await client.call(ClaimArchive("anna"))
        assert own.settings.get(Archive).target == ""
