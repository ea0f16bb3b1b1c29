"""The archive in the control plane: what is finished is on the share, proven, once; whatever happens to the share."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from device.archive import reading as back
from device.archive.ledger import copies
from device.archive.messages import Moved, MoveSegments, SegmentsErased
from device.errors import Fault, Refused
from device.folder import DataFolder
from device.identity import identity
from device.media import Utc
from device.planes.leash import Leash
from device.planes.link import Client, Server
from device.planes.messages import Done
from device.planes.outward import ArchiveShown, AskArchive, ClaimArchive
from device.recording.catalogue import CatalogueReader, SegmentRow
from device.recording.check import check
from device.recording.export.planner import Form
from device.recording.export.writing import Exported, Order, export
from device.recording.export.writing import Target as Output
from device.recording.moving import Proven
from device.recording.playback import Playback
from device.settings.archive import Archive
from device.settings.sections import SECTIONS
from integration import archive
from integration.afar import ArchiveProofs, reading
from integration.archive import ArchivePlane, archived
from integration.plane import Plane, plane
from protocols.smb.target import IDENTITY
from tests.device.recording.export.test_writing import ABOUT, SIGNER, Silent
from tests.device.recording.store import EVER, NEVER, Store, make
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
    data: Path, recorded: Path, samba: Samba, monkeypatch: pytest.MonkeyPatch, *, link: bool = False
) -> AsyncIterator[tuple[Plane, Client]]:
    """A control plane that archives what was recorded, and nothing else. `link`: with the catalogue itself, which a
    recorder has open, and not a copy."""
    monkeypatch.setattr(archive, "EVERY", 0.05)
    monkeypatch.setattr(archive, "AGAIN", (0.1, 0.5))
    folder = DataFolder(data)
    folder.make()
    identity(folder.identity)
    if not folder.catalogue.exists():
        if link:
            folder.catalogue.symlink_to(recorded / "catalogue.db")
        else:
            shutil.copy(recorded / "catalogue.db", folder.catalogue)
    async with (
        plane("control", data, Leash(None, None), SECTIONS) as own,
        Client(folder.socket("control"), within=SECONDS) as client,
    ):
        values = {"enabled": True, "host": "127.0.0.1", "port": samba.port, "share": "video"}
        values |= {"user": samba.user, "password": PASSWORD, "bandwidth": None}
        own.settings.patch(Archive, values, by="anna")
        archiving = ArchivePlane(own, client)
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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A recorder that has recorded, and still runs."""
    store = make(tmp_path / "recorder", segment_length=10)
    camera = store.camera()
    store.run(45, camera)
    camera.disconnect()
    store.beat()
    yield store
    store.close()


def recording_plane(server: Server, store: Store) -> None:
    """Let `server` answer as the recording plane of that recorder."""

    async def move(request: MoveSegments) -> Moved:
        proven = [Proven(*each) for each in zip(request.segments, request.octets, strict=True)]
        future = store.recorder.archive(request.target, request.place, proven)
        moved = await asyncio.wrap_future(future)
        tidy(store)
        return Moved(tuple(moved))

    async def erased(request: SegmentsErased) -> Done:
        await asyncio.wrap_future(store.recorder.erased(request.segments))
        return Done()

    server.on(MoveSegments, move)
    server.on(SegmentsErased, erased)


def tidy(store: Store) -> None:
    """Let what is garbage be unlinked."""
    for _ in range(3):
        store.recorder.sweep()
        store.beat()


def listed(store: Store) -> list[SegmentRow]:
    with store.reader() as reader:
        return reader.segments("CAM1", EVER, NEVER)


def octets(reader: CatalogueReader) -> bytes:
    pieces = Playback(reader, "CAM1").fragments(EVER, None)
    return b"".join(bytes(sample.data) for piece in pieces for sample in piece.samples)


async def test_what_is_moved_lies_there_alone_and_is_read_there(
    store: Store, samba: Samba, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, sources = listed(store), segments(store.folder)
    with store.reader() as reader:
        recorded = octets(reader)
    store.recorder.lock("CAM1", before[1].utc, before[1].end, until=None, who="anna", why="theft")
    data = tmp_path / "data"
    async with serving(data, store.folder, samba, monkeypatch, link=True) as (own, client):
        recording_plane(own.server, store)
        claimed = await client.call(ClaimArchive("anna"))
        await until(client, lambda told: told.copies == len(before))
        assert set(segments(store.folder)) == set(sources)  # a copy takes nothing away
        spoil(samba, before[2].path.name)
        own.settings.patch(Archive, {"move_after": 0.0}, by="anna")
        await until(
            client,
            lambda told: told.phase == "waiting" and set(segments(store.folder)) == {before[1].path.name},
        )
        now = listed(store)
        assert [(each.id, each.utc, each.bytes) for each in now] == [(e.id, e.utc, e.bytes) for e in before]
        assert [bool(each.archive) for each in now] == [each.id != before[1].id for each in before]
        assert {each.archive for each in now} == {claimed.target, ""}
        assert files(samba)[before[2].path.name]  # the one that was spoilt is whole again
        with (
            contextlib.closing(reading(own.folder, own.clock)) as far,
            CatalogueReader(store.catalogue, far) as reader,
        ):
            assert await asyncio.to_thread(octets, reader) == recorded
        with ArchiveProofs(own.folder, own.clock) as proofs:
            checked = partial(check, store.catalogue, store.settings, deep=True, repair=False, proofs=proofs)
            assert (await asyncio.to_thread(checked)).problems == []
            spoil(samba, before[3].path.name)
            (problem,) = (await asyncio.to_thread(checked)).problems
            assert (problem.invariant, problem.what) == (1, "cannot be read back: it is another than it was.")
        # What is deleted here is deleted there.
        store.recorder.delete("CAM1", before[0].utc, before[0].end)
        tidy(store)
        await until(client, lambda told: told.copies == len(before) - 1)
        assert before[0].path.name not in files(samba)


def written(reader: CatalogueReader, span: tuple[Utc, Utc], path: Path) -> Exported:
    """An export of a span."""
    order, output = Order(("CAM1",), *span, Form.MP4, None), Output(path, folder=False, force=False)
    return export(reader, order, output, SIGNER, ABOUT, Silent())


async def test_while_the_share_is_away_the_rest_is_read_and_the_export_says_what_is_missing(
    store: Store, samba: Samba, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = listed(store)
    monkeypatch.setattr(back, "RESPITE", 0.0)
    data = tmp_path / "data"
    async with serving(data, store.folder, samba, monkeypatch, link=True) as (own, client):
        recording_plane(own.server, store)
        store.recorder.lock("CAM1", before[-1].utc, before[-1].end, until=None, who="anna", why="theft")
        own.settings.patch(Archive, {"move_after": 0.0}, by="anna")
        await client.call(ClaimArchive("anna"))
        await until(client, lambda _: set(segments(store.folder)) == {before[-1].path.name})
        samba.stop()
        span = Utc(before[0].utc), before[-1].end
        with (
            contextlib.closing(reading(own.folder, own.clock)) as far,
            CatalogueReader(store.catalogue, far) as reader,
        ):
            made = await asyncio.to_thread(written, reader, span, tmp_path / "away.mp4")
            (recording,) = made.manifest.recordings
            assert "unreadable" in {gap.cause for gap in recording.gaps}
            assert sum(file.frames for file in made.manifest.files) > 0
            await until(client, lambda told: told.phase == "failing")
            assert "archive" in {
                getattr(entry.event, "destination", "") for entry in own.bus.journal.active()
            }
            samba.start()
            made = await asyncio.to_thread(written, reader, span, tmp_path / "back.mp4")
            (recording,) = made.manifest.recordings
            assert recording.gaps == ()
