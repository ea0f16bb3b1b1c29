"""The archive in the control plane: finished segments go to a share, one after the other, in a thread. What is old
enough lies there alone from then on.

The volumes are the spool: while the share is away nothing is lost but what retention takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import uuid
from pathlib import Path

from device.archive.due import due, movable
from device.archive.ledger import Copy, Ledger
from device.archive.messages import MoveSegments
from device.errors import Fault, Refused
from device.media import MICROSECONDS, Utc
from device.planes.link import Client, Server
from device.planes.outward import ArchiveShown, AskArchive, ClaimArchive
from device.recording.catalogue import SegmentRow
from device.recording.moving import Proven
from device.settings.archive import Archive
from device.settings.schedule import weekly
from device.settings.shares import NetworkStorage, OnShare
from device.settings.store import Changed
from integration.afar import archive_name, folder_of, place_of, shown_place
from integration.plane import Plane
from integration.share_work import AT_ONCE, ShareWork, of_ours
from integration.zone import local_zone
from protocols.smb.share import Share
from protocols.smb.target import Pace, Target

EVERY = 10.0  #: seconds between looks for what is finished
AGAIN = (5.0, 300.0)  #: seconds until the share is tried again, the first time and the longest


class NotSetUp(Refused):
    """The archive's settings do not say where it is."""

    hint = "Set archive.host, archive.share, archive.user and archive.password first."


class ArchivePlane(ShareWork):
    """Copies, for ever; and says how far it is."""

    def __init__(self, own: Plane, recording: Client) -> None:
        """`recording`: that plane, whose the catalogue is."""
        super().__init__(own, recording, "archive")

    def answer(self, server: Server) -> None:
        """Let `server` answer for the archive."""

        async def ask(request: AskArchive) -> ArchiveShown:
            del request
            return await asyncio.to_thread(self._shown)

        async def claim(request: ClaimArchive) -> ArchiveShown:
            settings = self._own.settings.get(Archive)
            if not settings.host or not settings.share:
                raise NotSetUp("The archive is nowhere.")
            identity = settings.target or str(uuid.uuid4())
            await asyncio.to_thread(_claim, settings, identity, self._own.identity.serial)
            self._own.settings.patch(Archive, {"target": identity}, by=request.by)
            return await asyncio.to_thread(self._shown)

        server.on(AskArchive, ask)
        server.on(ClaimArchive, claim)

    def _shown(self) -> ArchiveShown:
        settings = self._own.settings.get(Archive)
        with contextlib.closing(Ledger(self._own.folder.archive, settings.target)) as ledger:
            total = ledger.sum()
        place = shown_place(settings) if settings.host else ""
        return ArchiveShown(settings.enabled, place, settings.target, total.copies, total.octets, *self.phase)

    async def run(self) -> None:
        """For ever."""
        end = self._own.settings.subscribe(self._setting_changed)
        try:
            await super().run()
        finally:
            end()

    def _setting_changed(self, changed: Changed) -> None:
        if changed.section == Archive.about.section:
            self.changed()

    @property
    def every(self) -> float:
        """`ShareWork`."""
        return EVERY

    @property
    def again(self) -> tuple[float, float]:
        """`ShareWork`."""
        return AGAIN

    def due(self) -> Archive | tuple[str, str]:
        """`ShareWork`."""
        settings = self._own.settings.get(Archive)
        if not settings.enabled or not settings.target:
            return "off", "" if settings.target else "no folder was claimed"
        if settings.schedule and not weekly(settings.schedule, local_zone())(self._own.clock.utc()):
            return "waiting", "for its schedule"
        return settings

    async def work(self, settings: OnShare) -> None:
        """Copy, then move, then delete what is due. Raises PlaneDown, HoldfastError."""
        assert isinstance(settings, Archive)
        await self.in_thread(self._copy, settings)
        target, place = settings.target, shown_place(settings)
        while settings.move_after is not None and not self.stopped:
            proven = await self.in_thread(self._prove, settings)
            segments, octets = tuple(each.segment for each in proven), tuple(each.octets for each in proven)
            if not (await self._recording.call(MoveSegments(target, place, segments, octets))).segments:
                break
        await self.bury(settings)

    # --- the thread ---

    def _spools(self) -> frozenset[str]:
        """Storages whose recordings go to a share of their own."""
        return frozenset(self._own.settings.keys(NetworkStorage))

    def _copy(self, settings: Archive) -> None:
        """All that is due, unless it is told to stop. Raises HoldfastError."""
        before = Utc(self._own.clock.utc() - round(settings.after * 3600 * MICROSECONDS))
        spools = self._spools()
        with self.at(settings) as (catalogue, ledger, target):
            for token, segment in due(catalogue, ledger, before, spools):
                if self.stopped:
                    return
                self.phase = ("copying", f"{token} {segment.path.name}")
                with of_ours(segment.path):
                    self.bring(target, ledger, token, segment)

    def _prove(self, settings: Archive) -> list[Proven]:
        """Some of what is old enough to lie there alone, read back and compared with what is here. Raises
        HoldfastError."""
        assert settings.move_after is not None
        before = Utc(self._own.clock.utc() - round(settings.move_after * 3600 * MICROSECONDS))
        spools = self._spools()
        proven: list[Proven] = []
        with self.at(settings) as (catalogue, ledger, target):
            for token, segment, copy in movable(catalogue, ledger, before, spools):
                if len(proven) == AT_ONCE or self.stopped:
                    break
                self.phase = ("moving", f"{token} {segment.path.name}")
                with of_ours(segment.path):
                    if self._proven(target, token, segment, copy):
                        proven.append(Proven(segment.id, copy.size))
                    else:
                        self.bring(target, ledger, token, segment)  # and it is proven anew, the next time
        return proven

    def _proven(self, target: Target, token: str, segment: SegmentRow, copy: Copy) -> bool:
        """Whether the copy is what is here. Raises HoldfastError, OSError of the source."""
        with segment.path.open("rb") as file:
            here = hashlib.file_digest(file, "sha256").hexdigest()
        return here == copy.sha256 and target.holds(
            archive_name(token, copy.utc, copy.name), copy.size, copy.sha256
        )


def archived(settings: Archive, copy: Copy, out: Path) -> None:
    """Fetch a segment from the archive into a file. Raises what the share raises; Fault: it is another than it was."""
    with Share(place_of(settings)) as share, out.open("xb") as file:
        target = Target(share, folder_of(settings), settings.target, Pace(None))
        name = archive_name(copy.token, copy.utc, copy.name)
        if not target.holds(name, copy.size, copy.sha256):
            raise Fault(f"{name} in the archive is another than it was.")
        for piece in target.fetch(name, 0, copy.size):
            file.write(piece)


def _claim(settings: Archive, identity: str, serial: str) -> None:
    with Share(place_of(settings)) as share:
        Target(share, folder_of(settings), identity, Pace(None)).claim(serial)
