"""The archive in the control plane: finished segments go to a share, one after the other, in a thread. What is old
enough lies there alone from then on.

The volumes are the spool: while the share is away nothing is lost but what retention takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from device.archive.due import due, movable
from device.archive.ledger import Copy, Ledger
from device.archive.messages import MoveSegments, SegmentsErased
from device.errors import Fault, HoldfastError, Refused
from device.events.outbox import DeliveryBack, DeliveryFailing, Destination
from device.media import MICROSECONDS, Utc
from device.planes.errors import PlaneDown
from device.planes.link import Client, Server
from device.planes.outward import ArchiveShown, AskArchive, ClaimArchive
from device.recording.catalogue import CatalogueReader, SegmentRow
from device.recording.moving import Proven
from device.settings.archive import Archive
from device.settings.schedule import weekly
from device.settings.store import Changed
from integration.afar import archive_name, folder_of, place_of
from integration.plane import Plane
from integration.zone import local_zone
from protocols.smb.share import Share
from protocols.smb.target import Pace, Target

EVERY = 10.0  #: seconds between looks for what is finished
AGAIN = (5.0, 300.0)  #: seconds until the share is tried again, the first time and the longest
MOVED_AT_ONCE = 20  #: segments, between two words with the recording plane
DESTINATION = Destination("archive")
T = TypeVar("T")

_OCTETS = 1_000_000 / 8  # in a megabit


class NotSetUp(Refused):
    """The archive's settings do not say where it is."""

    hint = "Set archive.host, archive.share, archive.user and archive.password first."


class ArchivePlane:
    """Copies, for ever; and says how far it is."""

    def __init__(self, own: Plane, recording: Client) -> None:
        """`recording`: that plane, whose the catalogue is."""
        self._own = own
        self._recording = recording
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
        place = _shown_place(settings) if settings.host else ""
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
                        await self._all(settings)
                    except PlaneDown:
                        self._phase = ("waiting", "for the recording plane")
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

    async def _all(self, settings: Archive) -> None:
        """Copy, then move, then delete what is due. Raises PlaneDown, HoldfastError."""
        await self._in_thread(self._copy, settings)
        target, place = settings.target, _shown_place(settings)
        while settings.move_after is not None and not self._stop.is_set():
            proven = await self._in_thread(self._prove, settings)
            segments, octets = tuple(each.segment for each in proven), tuple(each.octets for each in proven)
            if not (await self._recording.call(MoveSegments(target, place, segments, octets))).segments:
                break
        if gone := await self._in_thread(self._erase, settings):
            await self._recording.call(SegmentsErased(tuple(gone)))

    async def _in_thread(self, do: Callable[[Archive], T], settings: Archive) -> T:
        """A thread cannot be cancelled: it is told, and waited for."""
        work = asyncio.create_task(asyncio.to_thread(do, settings))
        try:
            return await asyncio.shield(work)
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
        with self._at(settings) as (catalogue, ledger, target):
            for token, segment in due(catalogue, ledger, before):
                if self._stop.is_set():
                    return
                self._phase = ("copying", f"{token} {segment.path.name}")
                with _of_ours(segment.path):
                    self._one(target, ledger, token, segment)

    @contextlib.contextmanager
    def _at(self, settings: Archive) -> Iterator[tuple[CatalogueReader, Ledger, Target]]:
        """What is here, what is known to be there, and the folder there, which is ours. Raises HoldfastError."""
        with (
            CatalogueReader(self._own.folder.catalogue) as catalogue,
            contextlib.closing(Ledger(self._own.folder.archive, settings.target)) as ledger,
            Share(place_of(settings)) as share,
        ):
            rate = None if settings.bandwidth is None else settings.bandwidth * _OCTETS
            target = Target(share, folder_of(settings), settings.target, Pace(rate))
            target.check()
            yield catalogue, ledger, target

    def _prove(self, settings: Archive) -> list[Proven]:
        """Some of what is old enough to lie there alone, read back and compared with what is here. Raises
        HoldfastError."""
        assert settings.move_after is not None
        before = Utc(self._own.clock.utc() - round(settings.move_after * 3600 * MICROSECONDS))
        proven: list[Proven] = []
        with self._at(settings) as (catalogue, ledger, target):
            for token, segment, copy in movable(catalogue, ledger, before):
                if len(proven) == MOVED_AT_ONCE or self._stop.is_set():
                    break
                self._phase = ("moving", f"{token} {segment.path.name}")
                with _of_ours(segment.path):
                    if self._proven(target, token, segment, copy):
                        proven.append(Proven(segment.id, copy.size))
                    else:
                        self._one(target, ledger, token, segment)  # and it is proven anew, the next time
        return proven

    def _proven(self, target: Target, token: str, segment: SegmentRow, copy: Copy) -> bool:
        """Whether the copy is what is here. Raises HoldfastError, OSError of the source."""
        with segment.path.open("rb") as file:
            here = hashlib.file_digest(file, "sha256").hexdigest()
        return here == copy.sha256 and target.holds(
            archive_name(token, copy.utc, copy.name), copy.size, copy.sha256
        )

    def _erase(self, settings: Archive) -> list[int]:
        """Delete there what retention or a person deleted. Returns the segments. Raises HoldfastError."""
        with CatalogueReader(self._own.folder.catalogue) as catalogue:
            if not catalogue.buried(settings.target):
                return []
        gone = []
        with self._at(settings) as (catalogue, ledger, target):
            for number, token, utc in catalogue.buried(settings.target):
                if self._stop.is_set():
                    break
                name = f"{number}.mp4"
                target.remove(archive_name(token, utc, name))
                ledger.forget(token, name)
                gone.append(number)
        return gone

    def _one(self, target: Target, ledger: Ledger, token: str, segment: SegmentRow) -> None:
        name = segment.path.name
        there = archive_name(token, segment.utc, name)
        done = target.upload(segment.path, there, lambda: not self._stop.is_set())
        if done is not None:
            now = self._own.clock.utc()
            ledger.add(Copy(token, name, segment.utc, segment.duration, done.size, done.sha256, now))


@contextlib.contextmanager
def _of_ours(path: Path) -> Iterator[None]:
    """A file here that retention may be quicker to remove: then there is nothing to do. Raises Fault."""
    try:
        yield
    except FileNotFoundError:
        return
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from error


def archived(settings: Archive, copy: Copy, out: Path) -> None:
    """Fetch a segment from the archive into a file. Raises what the share raises; Fault: it is another than it was."""
    with Share(place_of(settings)) as share, out.open("xb") as file:
        target = Target(share, folder_of(settings), settings.target, Pace(None))
        name = archive_name(copy.token, copy.utc, copy.name)
        if not target.holds(name, copy.size, copy.sha256):
            raise Fault(f"{name} in the archive is another than it was.")
        for piece in target.fetch(name, 0, copy.size):
            file.write(piece)


def _shown_place(settings: Archive) -> str:
    return f"{place_of(settings).unc}\\{folder_of(settings)}".rstrip("\\")


def _claim(settings: Archive, identity: str, serial: str) -> None:
    with Share(place_of(settings)) as share:
        Target(share, folder_of(settings), identity, Pace(None)).claim(serial)
