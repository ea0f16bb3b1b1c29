"""Network storages in the control plane: what is recorded into a spool follows to its share within seconds, is proven
there, and lies there alone from then on.

The recording plane knows the spool as a volume, and the share as an archive that has room of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from pathlib import Path

from device.archive.ledger import Ledger
from device.archive.messages import MoveSegments, ShareHas
from device.archive.outward import (
    AddShare,
    AskShares,
    RemoveStorage,
    ShareAdded,
    ShareShown,
    SharesShown,
    ShareTried,
    TryShare,
)
from device.cameras.source import Cause
from device.errors import BadValue, HoldfastError, NotFound
from device.media import Utc
from device.planes.link import Client, Server
from device.planes.messages import Done
from device.recording.catalogue import CatalogueReader
from device.recording.moving import Proven
from device.recording.volume import adopt
from device.settings.shares import NetworkStorage, OnShare
from device.settings.storages import Storage
from device.settings.store import Changed
from integration.afar import archive_name, folder_of, place_of, shares, shown_place
from integration.plane import Plane
from integration.share_work import AT_ONCE, ShareWork, of_ours
from protocols.smb.share import Room, Share
from protocols.smb.target import Mark, Pace, Target

EVERY = 2.0  #: seconds between two looks at what has been recorded
LOOK = 500  #: segments that are looked at, to find some whose files are there
AGAIN = (2.0, 30.0)  #: seconds until a share is tried again, the first time and the longest
_NEW = "00000000-0000-0000-0000-000000000000"  #: key of a share that is not saved yet
_GIVEN_UP = (Cause.STORAGE, Cause.EXPIRED, Cause.DELETED)  #: the gaps of segments that were deleted


class Follower(ShareWork):
    """One network storage."""

    def __init__(self, own: Plane, recording: Client, key: str) -> None:
        """`key`: of the storage, and so the uuid of the spool."""
        super().__init__(own, recording, f"share:{key}")
        self._key = key
        self._sent: dict[str, int] = {}  #: octets that are there of what still grows, by its name
        self._room: Room | None = None

    @property
    def every(self) -> float:
        """`ShareWork`."""
        return EVERY

    @property
    def again(self) -> tuple[float, float]:
        """`ShareWork`."""
        return AGAIN

    def idle(self) -> tuple[str, str]:
        """`ShareWork`."""
        return "following", ""

    def due(self) -> NetworkStorage | tuple[str, str]:
        """`ShareWork`."""
        settings = self._own.settings.get(NetworkStorage, self._key)
        if not settings.enabled or not settings.target:
            return "off", "" if settings.target else "no folder was claimed"
        return settings

    def shown(self) -> ShareShown:
        """How it is now. Blocks."""
        settings = self._own.settings.get(NetworkStorage, self._key)
        with contextlib.closing(Ledger(self._own.folder.archive, settings.target)) as ledger:
            total = ledger.sum()
        with CatalogueReader(self._own.folder.catalogue) as catalogue:
            waiting = catalogue.octets(self._key)
        size, free = (None, None) if self._room is None else (self._room.size, self._room.free)
        place = shown_place(settings)
        return ShareShown(
            self._key, place, settings.target, *self.phase, total.copies, total.octets, waiting, size, free
        )

    async def work(self, settings: OnShare) -> None:
        """`ShareWork`."""
        place = shown_place(settings)
        try:
            more = True
            while more and not self.stopped:
                # First what makes room: a share that is full takes nothing else. And what is said of its room is so
                # until more is deleted there: nothing goes twice for the same want.
                await self.bury(settings, keep=True)
                room = await self.in_thread(self._look, settings)
                await self._recording.call(ShareHas(settings.target, room.size, room.free))
                proven = await self.in_thread(self._bring, settings)
                if proven:
                    segments = tuple(each.segment for each in proven)
                    octets = tuple(each.octets for each in proven)
                    move = MoveSegments(settings.target, place, segments, octets, evidence=True)
                    await self._recording.call(move)
                await self.in_thread(self._follow, settings)
                more = len(proven) == AT_ONCE
        except HoldfastError:
            self._sent.clear()
            raise

    # --- the thread ---

    def _bring(self, settings: OnShare) -> list[Proven]:
        """Some of what is finished, in the order recorded. Raises HoldfastError."""
        proven: list[Proven] = []
        with self.at(settings, keep=True) as (catalogue, ledger, target):
            for token, segment in catalogue.spooled(self._key, LOOK):
                if self.stopped or len(proven) == AT_ONCE:
                    break
                name = segment.path.name
                with of_ours(segment.path):
                    ledger.begin(token, name, segment.utc)
                    copy = self.bring(target, ledger, token, segment)
                    if copy is not None:
                        proven.append(Proven(segment.id, copy.size))
        return proven

    def _look(self, settings: OnShare) -> Room:
        """Settle what was begun; how much room there is. Raises HoldfastError."""
        with self.at(settings, keep=True) as (catalogue, ledger, target):
            self._settle(settings, catalogue, ledger, target)
            self._room = target.room()
            return self._room

    def _follow(self, settings: OnShare) -> None:
        """What grows, as far as it is safe here. Raises HoldfastError."""
        sent: dict[str, int] = {}
        with self.at(settings, keep=True) as (catalogue, ledger, target):
            for token, segment in catalogue.spooling(self._key):
                if self.stopped:
                    break
                name = archive_name(token, segment.utc, segment.path.name)
                if name not in self._sent:
                    ledger.begin(token, segment.path.name, segment.utc)
                with of_ours(segment.path):
                    sent[name] = target.grow(segment.path, name, self._sent.get(name), segment.bytes)
            self._sent = sent

    def _settle(self, settings: OnShare, catalogue: CatalogueReader, ledger: Ledger, target: Target) -> None:
        """What was begun and lies there is settled; what was deleted here before it did goes there, too."""
        for token, name, utc in ledger.begun():
            there = archive_name(token, utc, name)
            lies = catalogue.lies_on(int(Path(name).stem))
            if lies == settings.target:
                target.drop_part(there)  # of a time that the segment was thought to begin at
                ledger.settle(token, name, utc)
            elif lies is None and _given_up(catalogue, token, utc):
                target.remove(there)
                ledger.forget(token, name)
                ledger.settle(token, name, utc)


def _given_up(catalogue: CatalogueReader, token: str, utc: Utc) -> bool:
    """Whether the ledger says that what was recorded then was deleted; a catalogue made anew does not know that."""
    try:
        gaps = catalogue.gaps(token, utc, Utc(utc + 1))
    except NotFound:
        return False
    return any(gap.cause in _GIVEN_UP for gap in gaps)


class SharesPlane:
    """All network storages of the settings."""

    def __init__(self, own: Plane, recording: Client) -> None:
        """`recording`: that plane, whose the catalogue is."""
        self._own = own
        self._recording = recording
        self._followers: dict[str, Follower] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._other = asyncio.Event()  #: there are other entries than before

    def answer(self, server: Server) -> None:
        """Let `server` answer for them."""
        server.on(AskShares, self._ask)
        server.on(TryShare, self._try)
        server.on(AddShare, self._add)
        server.on(RemoveStorage, self._remove)

    async def run(self) -> None:
        """For ever."""
        end = self._own.settings.subscribe(self._setting_changed)
        try:
            while True:
                self._other.clear()
                keys = set(self._own.settings.keys(NetworkStorage))
                for key in keys - self._followers.keys():
                    follower = self._followers[key] = Follower(self._own, self._recording, key)
                    self._running[key] = asyncio.create_task(follower.run(), name=f"share {key}")
                for key in self._followers.keys() - keys:
                    (await self._end(key)).fine()
                other = asyncio.create_task(self._other.wait())
                await asyncio.wait([other, *self._running.values()], return_when=asyncio.FIRST_COMPLETED)
                other.cancel()
                for task in self._running.values():
                    if task.done():
                        task.result()  # it ends by a defect alone
        finally:
            end()
            for key in list(self._followers):
                await self._end(key)

    async def _end(self, key: str) -> Follower:
        follower, task = self._followers.pop(key), self._running.pop(key)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return follower

    def _setting_changed(self, changed: Changed) -> None:
        if changed.section == NetworkStorage.about.section:
            follower = self._followers.get(changed.key)
            if follower is None or changed.removed:
                self._other.set()
            else:
                follower.changed()

    # --- what others ask ---

    async def _ask(self, request: AskShares) -> SharesShown:
        del request
        followers = list(self._followers.values())
        return SharesShown(tuple([await asyncio.to_thread(each.shown) for each in followers]))

    async def _try(self, request: TryShare) -> ShareTried:
        settings = self._draft(request.values, request.key or _NEW)
        found, room = await asyncio.to_thread(_tried, settings)
        if found is None:
            said = "The share can be written and read. Nobody has claimed the folder."
        elif found.target == settings.target or found.recorder == self._own.identity.serial:
            said = "The share can be written and read. The folder is this recorder's."
        else:
            said = f"The share can be written and read, but the folder is of {found.recorder or 'another target'}."
        return ShareTried(said, room.size, room.free)

    def _draft(self, values: str, key: str) -> NetworkStorage:
        """Settings with these values, not saved. Raises BadValue."""
        try:
            given = json.loads(values or "{}")
        except ValueError:
            given = None
        if not isinstance(given, dict):
            raise BadValue("values", "must be a JSON object of settings")
        settings = self._own.settings.draft(NetworkStorage, given, key=key)
        for field in ("host", "share"):
            if not getattr(settings, field):
                raise BadValue(field, "is needed")
        return settings

    async def _add(self, request: AddShare) -> ShareAdded:
        path = Path(request.path)
        if not path.is_absolute() or not request.path.isprintable():
            raise BadValue("path", "must be the absolute path of a folder")
        settings = self._draft(request.values, _NEW)
        store, identity = self._own.settings, self._own.identity
        used = {each.target for each in shares(store)}
        target = await asyncio.to_thread(_claimed, settings, used, identity.serial)
        try:
            mark = await asyncio.to_thread(adopt, path, identity.id)
        except OSError as error:
            raise BadValue("path", f"cannot be used: {error.strerror}") from None
        values = {name: getattr(settings, name) for name in settings.model_fields_set}
        values |= {"enabled": True, "target": target}
        # The share first: as soon as the storage is one, it has to be known as a spool.
        store.patch(NetworkStorage, values, key=mark.volume, by=request.by)
        store.patch(Storage, {"path": request.path, "name": request.name}, key=mark.volume, by=request.by)
        return ShareAdded(mark.volume)

    async def _remove(self, request: RemoveStorage) -> Done:
        store = self._own.settings
        store.remove(Storage, key=request.key, by=request.by)
        if request.key in store.keys(NetworkStorage):
            store.remove(NetworkStorage, key=request.key, by=request.by)
        return Done()


def _tried(settings: NetworkStorage) -> tuple[Mark | None, Room]:
    with Share(place_of(settings)) as share:
        target = Target(share, folder_of(settings), settings.target, Pace(None))
        return target.found(), target.probe()


def _claimed(settings: NetworkStorage, used: set[str], serial: str) -> str:
    """Make a folder ours, or find that it is; its identity. Raises BadValue, WrongTarget, what the share raises."""
    with Share(place_of(settings)) as share:
        found = Target(share, folder_of(settings), "", Pace(None)).found()
        identity = str(uuid.uuid4())
        if found is not None and found.recorder == serial:
            identity = found.target
            if identity in used:
                raise BadValue("folder", "is in use already: each storage has a folder of its own")
        Target(share, folder_of(settings), identity, Pace(None)).claim(serial)
        return identity
