"""A network storage: what is recorded follows to the share, is read there, and nothing is said to be that is not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from device.archive.ledger import Ledger, copies, highest
from device.archive.messages import ShareHas
from device.archive.outward import AddShare, AskShares, RemoveStorage, ShareShown, TryShare
from device.cameras.source import Cause
from device.errors import BadValue, HoldfastError, Refused
from device.events.outbox import DeliveryFailing
from device.folder import DataFolder
from device.identity import identity
from device.planes.leash import Leash
from device.planes.link import Client
from device.planes.messages import Done
from device.recording.catalogue import CatalogueReader
from device.recording.check import check
from device.recording.notices import SpoolOverrun, StorageLow
from device.recording.reader import SegmentFile
from device.recording.rebuild import rebuild
from device.recording.volume import Room
from device.settings.sections import SECTIONS
from device.settings.shares import NetworkStorage
from device.settings.storages import Storage
from integration import shares
from integration.afar import AllOfArchive, ArchiveProofs, moved_to, place_of, reading
from integration.plane import Plane, plane
from integration.recording import volume_of
from integration.shares import SharesPlane
from protocols.smb.share import Share
from protocols.smb.target import IDENTITY, PART
from tests.device.recording.camera import Camera
from tests.device.recording.store import EVER, NEVER, Store, make
from tests.integration.test_archive import listed, octets, recording_plane, segments, tidy
from tests.protocols.smb.samba import PASSWORD, Samba

SECONDS = 60.0


class Recorder:
    """A recorder whose only storage is the spool of a share, and the control plane beside it."""

    def __init__(self, own: Plane, client: Client, store: Store, samba: Samba) -> None:
        self.own = own
        self.client = client
        self.store = store
        self.samba = samba
        self.camera: Camera

    async def shown(self) -> ShareShown:
        async with asyncio.timeout(SECONDS):
            while not (told := (await self.client.call(AskShares())).shares):  # noqa: ASYNC110 - it is being taken up
                await asyncio.sleep(0.05)
        return told[0]

    async def until(self, holds: Callable[[ShareShown], bool]) -> ShareShown:
        """Until it is so, the recorder beating meanwhile."""
        async with asyncio.timeout(SECONDS):
            while not holds(told := await self.shown()):
                tidy(self.store)
                await asyncio.sleep(0.05)
        return told

    async def use(self, **changes: object) -> None:
        """Change settings of the share, as the recording plane does it."""
        (key,) = self.own.settings.keys(NetworkStorage)
        if changes:
            self.own.settings.patch(NetworkStorage, changes, key=key, by="anna")
        share = self.own.settings.get(NetworkStorage, key)
        self.store.settings = [volume_of(key, self.own.settings.get(Storage, key), share)]
        await self.store.recorder.set_volumes(self.store.settings)

    def values(self, **more: object) -> str:
        said = {"host": "127.0.0.1", "port": self.samba.port, "share": "video", "user": self.samba.user}
        return json.dumps({**said, "password": PASSWORD, **more})

    def there(self) -> set[str]:
        """Names of the files on the share."""
        found = {each.name for each in self.samba.folder.rglob("*") if each.is_file()}
        return found - {IDENTITY}

    def here(self) -> set[str]:
        return set(segments(self.store.folder))


@contextlib.asynccontextmanager
async def recording(
    tmp_path: Path, samba: Samba, monkeypatch: pytest.MonkeyPatch, **values: object
) -> AsyncIterator[Recorder]:
    monkeypatch.setattr(shares, "EVERY", 0.05)
    monkeypatch.setattr(shares, "AGAIN", (0.1, 0.5))
    folder = DataFolder(tmp_path / "data")
    folder.make()
    store = make(tmp_path / "recorder", segment_length=10, recorder=identity(folder.identity).id)
    folder.catalogue.symlink_to(store.catalogue)
    try:
        async with (
            plane("control", folder.path, Leash(None, None), SECTIONS) as own,
            Client(folder.socket("control"), within=SECONDS) as client,
        ):
            recording_plane(own.server, store)
            own.server.on(ShareHas, _takes(store))
            following = SharesPlane(own, client)
            following.answer(own.server)
            running = asyncio.create_task(following.run())
            recorder = Recorder(own, client, store, samba)
            try:
                path = str(store.settings[0].path)
                added = await client.call(AddShare(path, "NAS", "anna", recorder.values(**values)))
                assert added.key == store.settings[0].uuid
                await recorder.use()
                recorder.camera = store.camera()
                yield recorder
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
    finally:
        store.close()


def _takes(store: Store) -> Callable[[ShareHas], Awaitable[Done]]:
    async def takes(request: ShareHas) -> Done:
        store.recorder.share_has(request.target, Room(request.size, request.free))
        return Done()

    return takes


def _anew(recorder: Recorder, tmp_path: Path, played: bytes) -> None:
    """Make a catalogue and a ledger from the share, and read by them what was read before."""
    own, store = recorder.own, recorder.store
    catalogue, kept = tmp_path / "anew.db", own.folder.archive
    (settings,) = moved_to(own.settings)
    with Share(place_of(settings)) as share:
        archive = AllOfArchive(settings, share)
        made = rebuild(catalogue, store.settings, own.identity.id, [archive])
        assert made.skipped == []
        assert made.segments == len(listed(store))
        with (
            CatalogueReader(catalogue) as reader,
            contextlib.closing(Ledger(tmp_path / "ledger.db", settings.target)) as ledger,
        ):
            archive.enter(reader, ledger, own.clock.utc())
    found = {copy.name: copy.sha256 for copy in copies(tmp_path / "ledger.db", settings.target)}
    assert found == {copy.name: copy.sha256 for copy in copies(kept, settings.target)}
    assert highest(kept) == max(row.id for row in listed(store))
    with (
        contextlib.closing(reading(own.folder, own.clock)) as far,
        CatalogueReader(catalogue, far) as reader,
    ):
        assert octets(reader) == played


@pytest.fixture
def samba(tmp_path: Path) -> Iterator[Samba]:
    home = tmp_path / "samba"
    home.mkdir()
    with Samba(home) as running:
        yield running


async def test_what_is_recorded_is_there_within_seconds_and_soon_there_alone(
    tmp_path: Path, samba: Samba, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recording(tmp_path, samba, monkeypatch, encrypt=True) as recorder:
        store = recorder.store
        store.run(3, recorder.camera)
        (growing,) = listed(store)
        assert growing.open
        # What is safe here is there, long before the segment is finished.
        await recorder.until(lambda _: recorder.there() == {growing.path.name + PART})
        (part,) = samba.folder.rglob("*" + PART)
        await recorder.until(lambda _: part.stat().st_size == growing.bytes)
        assert growing.path.read_bytes().startswith(part.read_bytes())
        store.run(32, recorder.camera)
        rows = listed(store)
        told = await recorder.until(lambda told: told.segments == len(rows) - 1 and len(recorder.here()) == 1)
        assert told.phase == "following"
        assert told.size is not None
        assert told.size >= (told.free or 0) > 0
        assert recorder.here() == {row.path.name for row in rows if row.open}
        assert {row.archive for row in listed(store)} == {told.target, ""}
        # Nobody who plays need know where it lies.
        recorder.camera.disconnect()
        store.beat()
        await recorder.until(lambda _: recorder.here() == set())
        with (
            contextlib.closing(reading(recorder.own.folder, recorder.own.clock)) as far,
            CatalogueReader(store.catalogue, far) as reader,
        ):
            played = await asyncio.to_thread(octets, reader)
            assert len(played) > 0
        with ArchiveProofs(recorder.own.folder, recorder.own.clock) as proofs:
            checked = await asyncio.to_thread(
                check, store.catalogue, store.settings, deep=True, repair=False, proofs=proofs
            )
        assert checked.problems == []
        # The catalogue and the ledger are lost: the share says all of it again.
        await asyncio.to_thread(_anew, recorder, tmp_path, played)


def spans(store: Store) -> set[Cause | None]:
    """What the ledger says of the time since the camera came: None is recorded."""
    assert store.untiled() == []
    return {cause for _, _, cause in store.ledger()} - {Cause.CONNECTING}


async def test_while_the_share_is_away_the_spool_takes_it_and_what_is_too_much_is_said(
    tmp_path: Path, samba: Samba, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recording(tmp_path, samba, monkeypatch) as recorder:
        store, own = recorder.store, recorder.own
        store.run(15, recorder.camera)
        await recorder.until(lambda told: told.segments == 1)
        await recorder.until(lambda _: any(name.endswith(PART) for name in recorder.there()))
        samba.stop()  # killed, while a segment grows there
        store.run(30, recorder.camera)
        await recorder.until(lambda told: told.phase == "failing")
        assert any(isinstance(entry.event, DeliveryFailing) for entry in own.bus.journal.active())
        assert spans(store) == {None}
        waiting = await recorder.until(lambda told: told.waiting > 0)
        samba.start()
        # Whatever was half there is set right; all of it is there, once, and proven.
        await recorder.until(lambda told: told.phase == "following" and len(recorder.here()) <= 1)
        assert own.bus.journal.active() == []
        assert {row.path.name for row in listed(store) if row.archive} == {
            name for name in recorder.there() if not name.endswith(PART)
        }
        # Away for longer than the spool holds: the oldest goes, with a word before and at that moment.
        samba.stop()
        kept = {row.path.name for row in listed(store) if row.archive}
        monkeypatch.setattr(store, "settings", [replace(store.settings[0], limit_bytes=waiting.waiting)])
        await store.recorder.set_volumes(store.settings)
        for _ in range(10):
            store.run(10, recorder.camera)
            tidy(store)
        low = [n for n in store.notices if isinstance(n, StorageLow) and not n.cleared]
        lost = [n for n in store.notices if isinstance(n, SpoolOverrun)]
        assert low
        assert lost
        assert low[0].utc <= lost[0].utc
        assert spans(store) == {None, Cause.STORAGE}
        (volume,) = store.recorder.volumes()
        assert volume.size == waiting.waiting
        assert kept <= {row.path.name for row in listed(store)}
        samba.start()
        await recorder.until(lambda told: told.phase == "following" and len(recorder.here()) <= 1)
        there = {row.path.name for row in listed(store) if row.archive}
        # What was given up while it was half there has left no file behind.
        await recorder.until(
            lambda _: (
                {name for name in recorder.there() if name.removesuffix(PART) not in there}
                == {name + PART for name in recorder.here()}
            )
        )


async def test_another_disk_gets_nothing_and_a_person_is_told(
    tmp_path: Path, samba: Samba, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recording(tmp_path, samba, monkeypatch) as recorder:
        store = recorder.store
        store.run(15, recorder.camera)
        await recorder.until(lambda told: told.segments == 1)
        samba.stop()
        samba.folder.rename(tmp_path / "taken out")
        samba.folder.mkdir()
        samba.start()
        store.run(15, recorder.camera)
        told = await recorder.until(lambda told: "not the share that was set up" in told.detail)
        assert told.phase == "failing"
        assert list(samba.folder.iterdir()) == []
        with pytest.raises(HoldfastError, match=r"not the share that was set up|cannot be read"):
            await asyncio.to_thread(_read_all, recorder)
        samba.stop()
        samba.folder.rmdir()
        (tmp_path / "taken out").rename(samba.folder)
        samba.start()
        await recorder.until(lambda told: told.phase == "following" and len(recorder.here()) <= 1)
        assert spans(store) == {None}


def _read_all(recorder: Recorder) -> None:
    with (
        contextlib.closing(reading(recorder.own.folder, recorder.own.clock)) as far,
        CatalogueReader(recorder.store.catalogue, far) as reader,
    ):
        for row in reader.segments("CAM1", EVER, NEVER):
            with SegmentFile(row) as file:
                file.bytes(0, row.bytes)


async def test_the_share_keeps_to_its_quota_and_to_its_reserve(
    tmp_path: Path, samba: Samba, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recording(tmp_path, samba, monkeypatch) as recorder:
        store = recorder.store
        store.run(55, recorder.camera)
        await recorder.until(lambda told: told.segments == 5 and len(recorder.here()) == 1)
        rows = [row for row in listed(store) if row.archive]
        assert store.settings[0].behind is not None
        behind = replace(store.settings[0].behind, quota=sum(row.bytes for row in rows[1:]))
        await store.recorder.set_volumes([replace(store.settings[0], behind=behind)])
        await recorder.until(lambda told: told.segments == 4)
        assert rows[0].path.name not in recorder.there()
        # A share that says it is nearly full: the oldest there goes, and the time is in the ledger.
        behind = replace(behind, quota=None, keep=12_000_000)
        await store.recorder.set_volumes([replace(store.settings[0], behind=behind)])
        await recorder.until(lambda told: told.segments <= 2)
        assert spans(store) == {None, Cause.EXPIRED}
        # Evidence stays, wherever it lies.
        now = [row for row in listed(store) if row.archive]
        store.recorder.lock("CAM1", now[0].utc, now[0].end, until=None, who="anna", why="theft")
        behind = replace(behind, keep=1)
        await store.recorder.set_volumes([replace(store.settings[0], behind=behind)])
        await recorder.until(lambda told: told.segments == 1)
        assert now[0].path.name in recorder.there()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Samba, Path]]:
    """A file server, and the disk of its share `small`, which has room for few segments."""
    disk, home = tmp_path / "small", tmp_path / "samba"
    disk.mkdir()
    home.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        samba = Samba(home)
        samba.small = disk
        with samba:
            yield samba, disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


async def test_a_full_share_loses_its_oldest_and_goes_on(
    tmp_path: Path, small: tuple[Samba, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    samba, disk = small
    async with recording(tmp_path, samba, monkeypatch, share="small") as recorder:
        store = recorder.store
        store.run(55, recorder.camera)
        await recorder.until(lambda told: told.segments == 5 and len(recorder.here()) == 1)
        first = listed(store)[0]
        with (disk / "somebody else's").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        store.run(25, recorder.camera)
        await recorder.until(
            lambda told: (
                told.phase == "following"
                and len(recorder.here()) <= 1
                and told.segments == len([row for row in listed(store) if row.archive])
            )
        )
        assert not list(disk.rglob(first.path.name))
        assert spans(store) == {None, Cause.EXPIRED}


async def test_a_share_is_tried_and_added_once(
    tmp_path: Path, samba: Samba, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recording(tmp_path, samba, monkeypatch) as recorder:
        call = recorder.client.call
        (key,) = recorder.own.settings.keys(NetworkStorage)
        tried = await call(TryShare(key))
        assert "this recorder's" in tried.detail
        assert tried.size >= tried.free > 0
        assert not any("probe" in name for name in recorder.there())
        with pytest.raises(HoldfastError, match="does not let us in"):
            await call(TryShare(key, json.dumps({"password": "wrong"})))
        with pytest.raises(BadValue, match="is in use already"):
            await call(AddShare(str(tmp_path / "other"), "", "anna", recorder.values()))
        (samba.folder / "photos").mkdir()
        (samba.folder / "photos" / "holiday.jpg").write_bytes(b"x")
        with pytest.raises(Refused, match=r"is not empty: holiday\.jpg"):
            await call(AddShare(str(tmp_path / "other"), "", "anna", recorder.values(folder="photos")))
        with pytest.raises(BadValue, match="host"):
            await call(AddShare(str(tmp_path / "other"), "", "anna", "{}"))
        # What lies on a share that was taken away is found again with it.
        store = recorder.store
        store.run(15, recorder.camera)
        await recorder.until(lambda told: told.segments == 1)
        target = recorder.own.settings.get(NetworkStorage, key).target
        samba.stop()
        await recorder.until(lambda told: told.phase == "failing")
        await call(RemoveStorage(key, "anna"))
        async with asyncio.timeout(SECONDS):
            while recorder.own.bus.journal.active():  # noqa: ASYNC110 - nothing else tells
                await asyncio.sleep(0.05)
        samba.start()
        assert recorder.own.settings.keys(Storage) == recorder.own.settings.keys(NetworkStorage) == []
        await call(AddShare(str(store.settings[0].path), "NAS", "anna", recorder.values()))
        assert recorder.own.settings.get(NetworkStorage, key).target == target
        await recorder.until(lambda told: told.phase == "following" and told.segments == 1)
