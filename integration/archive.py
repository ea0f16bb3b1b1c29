"""The archive in the control plane: finished segments go to a share, one after the other, in a thread.

The volumes are the spool: while the share is away nothing is lost but what retention takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path

from device.archive.due import due
from device.archive.ledger import Copy, Ledger
from device.errors import Fault, HoldfastError, Refused
from device.events.outbox import DeliveryBack, DeliveryFailing, Destination
from device.media import MICROSECONDS, Utc
from device.planes.link import Server
from device.planes.outward import ArchiveShown, AskArchive, ClaimArchive
from device.recording.catalogue import CatalogueReader, SegmentRow
from device.settings.archive import Archive
from device.settings.schedule import weekly
from device.settings.store import Changed
from integration.plane import Plane
from integration.zone import local_zone
from protocols.smb.share import Place, Share
from protocols.smb.target import Pace, Target

EVERY = 10.0  #: seconds between looks for what is finished
AGAIN = (5.0, 300.0)  #: seconds until the share is tried again, the first time and the longest
DESTINATION = Destination("archive")
_OCTETS = 1_000_000 / 8  # in a megabit


class NotSetUp(Refused):
    """The archive's settings do not say where it is."""

    hint = "Set archive.host, archive.share, archive.user and archive.password first."


class ArchivePlane:
    """Copies, for ever; and says how far it is."""

    def __init__(self, own: Plane) -> None:
        self._own = own
        self._changed = asyncio.Event()
        self._stop = threading.Event()  #: the thread's
        self._phase = ("off", "")
        self._down: float | None = None  #: since when the share fails, monotonic

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
        place = f"{_place(settings).unc}\\{_folder(settings)}".rstrip("\\") if settings.host else ""
        return ArchiveShown(
            settings.enabled, place, settings.target, total.copies, total.octets, *self._phase
        )

    async def run(self) -> None:
        """For ever."""
        end = self._own.settings.subscribe(self._setting_changed)
        pause = AGAIN[0]
        try:
            while True:
                self._changed.clear()
                self._stop.clear()
                settings = self._own.settings.get(Archive)
                wait = EVERY
                if not settings.enabled or not settings.target:
                    self._phase = ("off", "" if settings.target else "no folder was claimed")
                elif settings.schedule and not weekly(settings.schedule, local_zone())(self._own.clock.utc()):
                    self._phase = ("waiting", "for its schedule")
                else:
                    try:
                        await self._in_thread(settings)
                    except HoldfastError as error:
                        self._fails(error)
                        wait, pause = pause, min(pause * 2, AGAIN[1])
                    else:
                        self._works()
                        pause = AGAIN[0]
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), wait)
        finally:
            end()
            self._stop.set()

    async def _in_thread(self, settings: Archive) -> None:
        """A thread cannot be cancelled: it is told, and waited for."""
        work = asyncio.create_task(asyncio.to_thread(self._copy, settings))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self._stop.set()
            await asyncio.gather(work, return_exceptions=True)
            raise

    def _setting_changed(self, changed: Changed) -> None:
        if changed.section == Archive.about.section:
            self._changed.set()
            self._stop.set()

    def _fails(self, error: HoldfastError) -> None:
        self._phase = ("failing", str(error))
        if self._down is None:
            self._down = self._own.clock.monotonic()
            self._own.bus.publish(DeliveryFailing(DESTINATION, f"{error} {error.hint}".rstrip()))

    def _works(self) -> None:
        self._phase = ("waiting", "for what is recorded next")
        down = 0.0 if self._down is None else self._own.clock.monotonic() - self._down
        self._down = None
        self._own.bus.publish(DeliveryBack(DESTINATION, down, 0))

    # ----------------------------------------------------------------------------------------- the thread

    def _copy(self, settings: Archive) -> None:
        """All that is due, unless it is told to stop. Raises HoldfastError."""
        before = Utc(self._own.clock.utc() - round(settings.after * 3600 * MICROSECONDS))
        rate = None if settings.bandwidth is None else settings.bandwidth * _OCTETS
        with (
            CatalogueReader(self._own.folder.catalogue) as catalogue,
            contextlib.closing(Ledger(self._own.folder.archive, settings.target)) as ledger,
            Share(_place(settings)) as share,
        ):
            target = Target(share, _folder(settings), settings.target, Pace(rate))
            target.check()
            for token, segment in due(catalogue, ledger, before):
                if self._stop.is_set():
                    return
                self._phase = ("copying", f"{token} {segment.path.name}")
                with contextlib.suppress(FileNotFoundError):  # retention was quicker
                    self._one(target, ledger, token, segment)

    def _one(self, target: Target, ledger: Ledger, token: str, segment: SegmentRow) -> None:
        try:
            done = target.upload(
                segment.path, archive_name(token, segment.utc, segment.path), lambda: not self._stop.is_set()
            )
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Fault(f"{segment.path}: {error.strerror}") from error
        if done is not None:
            now = self._own.clock.utc()
            ledger.add(
                Copy(token, segment.path.name, segment.utc, segment.duration, done.size, done.sha256, now)
            )


def archive_name(token: str, utc: Utc, path: Path) -> str:
    """Where a segment lies in the archive: `c-7f3k2m\\2026-11-28\\...mp4`, by the day in UTC."""
    day = datetime.fromtimestamp(utc / MICROSECONDS, UTC).strftime("%Y-%m-%d")
    return f"{token}\\{day}\\{path.name}"


def archived(settings: Archive, copy: Copy, out: Path) -> None:
    """Fetch a segment from the archive into a file. Raises what the share raises; Fault: it is another than it was."""
    with Share(_place(settings)) as share, out.open("xb") as file:
        target = Target(share, _folder(settings), settings.target, Pace(None))
        target.check()
        name = archive_name(copy.token, copy.utc, Path(copy.name))
        if share.sha256(target.path(name), copy.size) != copy.sha256:
            raise Fault(f"{name} in the archive is another than it was.")
        for piece in target.fetch(name, 0, copy.size):
            file.write(piece)


def _claim(settings: Archive, identity: str, serial: str) -> None:
    with Share(_place(settings)) as share:
        Target(share, _folder(settings), identity, Pace(None)).claim(serial)


def _place(settings: Archive) -> Place:
    password = settings.password.get_secret_value()
    return Place(settings.host, settings.port, settings.share, settings.user, password, settings.encrypt)


def _folder(settings: Archive) -> str:
    return settings.folder.replace("/", "\\").strip("\\")
