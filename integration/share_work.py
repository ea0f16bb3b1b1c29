"""Work with a share, for ever: in a thread, told when to stop, tried again when it fails, and said when it does.

The archive and the network storages are two kinds of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from device.archive.ledger import Copy, Ledger
from device.archive.messages import SegmentsErased
from device.errors import Fault, HoldfastError
from device.events.outbox import DeliveryBack, DeliveryFailing, Destination
from device.planes.errors import PlaneDown
from device.planes.link import Client
from device.recording.catalogue import CatalogueReader, SegmentRow
from device.settings.shares import OnShare
from device.waiting import woken
from integration.afar import archive_name, folder_of, place_of
from integration.plane import Plane
from protocols.smb.share import Share
from protocols.smb.target import Pace, Target

AT_ONCE = 20  #: segments, between two words with the recording plane

T = TypeVar("T", bound=OnShare)
U = TypeVar("U")

_OCTETS = 1_000_000 / 8  # in a megabit


class ShareWork(ABC):
    """One share, and what is done with it."""

    def __init__(self, own: Plane, recording: Client, destination: str) -> None:
        """`recording`: that plane, whose the catalogue is. `destination`: what events call the share."""
        self._own = own
        self._recording = recording
        self._destination = Destination(destination)
        self._changed = asyncio.Event()
        self._stop = threading.Event()  #: the thread's
        self._down: float | None = None  #: since when the share fails, monotonic
        self._kept: tuple[OnShare, Share] | None = None  #: a connection that is kept open
        self.phase = ("off", "")

    # --- what a kind of work says ---

    @property
    @abstractmethod
    def every(self) -> float:
        """Seconds between two looks for what there is to do."""

    @abstractmethod
    def due(self) -> OnShare | tuple[str, str]:
        """Where it is to be done now; or the phase, and why it is not."""

    @abstractmethod
    async def work(self, settings: OnShare) -> None:
        """Do what there is to do. Raises HoldfastError."""

    @property
    @abstractmethod
    def again(self) -> tuple[float, float]:
        """Seconds until a share that fails is tried again, the first time and the longest."""

    def idle(self) -> tuple[str, str]:
        """The phase when all is done."""
        return "waiting", "for what is recorded next"

    # --- the loop ---

    def changed(self) -> None:
        """The settings are other ones: what goes on is given up, and begun anew."""
        self._changed.set()
        self._stop.set()

    async def run(self) -> None:
        """For ever."""
        pause = self.again[0]
        try:
            while True:
                self._changed.clear()
                self._stop.clear()
                settings = self.due()
                wait = self.every
                if not isinstance(settings, OnShare):
                    self.phase = settings
                    if settings[0] == "off":
                        self.fine()
                else:
                    try:
                        await self.work(settings)
                    except PlaneDown:
                        self.phase = ("waiting", "for the recording plane")
                    except HoldfastError as error:
                        self._fails(error)
                        wait, pause = pause, min(pause * 2, self.again[1])
                    else:
                        self.phase = self.idle()
                        self.fine()
                        pause = self.again[0]
                await woken(self._changed, wait)
        finally:
            self._stop.set()
            self._let_go()

    async def in_thread(self, do: Callable[[T], U], settings: T) -> U:
        """A thread cannot be cancelled: it is told, and waited for."""
        work = asyncio.create_task(asyncio.to_thread(do, settings))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            self._stop.set()
            await asyncio.gather(work, return_exceptions=True)
            raise

    @property
    def stopped(self) -> bool:
        """Whether the thread is told to stop."""
        return self._stop.is_set()

    def _fails(self, error: HoldfastError) -> None:
        self.phase = ("failing", str(error))
        if self._down is None:
            self._down = self._own.clock.monotonic()
            self._own.bus.publish(DeliveryFailing(self._destination, f"{error} {error.hint}".rstrip()))

    def fine(self) -> None:
        """Nothing fails, or nothing is to be brought there any more."""
        down = 0.0 if self._down is None else self._own.clock.monotonic() - self._down
        self._down = None
        self._own.bus.publish(DeliveryBack(self._destination, down, 0))

    # --- the thread ---

    @contextlib.contextmanager
    def at(
        self, settings: OnShare, *, keep: bool = False
    ) -> Iterator[tuple[CatalogueReader, Ledger, Target]]:
        """What is here, what is known to be there, and the folder there, which is ours. `keep` the connection for the
        next time, where nothing fails. Raises HoldfastError."""
        with (
            CatalogueReader(self._own.folder.catalogue) as catalogue,
            contextlib.closing(Ledger(self._own.folder.archive, settings.target)) as ledger,
            self._connected(settings, keep=keep) as share,
        ):
            rate = None if settings.bandwidth is None else settings.bandwidth * _OCTETS
            target = Target(share, folder_of(settings), settings.target, Pace(rate))
            target.check()
            yield catalogue, ledger, target

    @contextlib.contextmanager
    def _connected(self, settings: OnShare, *, keep: bool) -> Iterator[Share]:
        if self._kept is not None and self._kept[0] != settings:
            self._let_go()
        if self._kept is None:
            self._kept = settings, Share(place_of(settings))
        try:
            yield self._kept[1]
        except BaseException:
            self._let_go()
            raise
        if not keep:
            self._let_go()

    def _let_go(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept[1].close()

    def bring(self, target: Target, ledger: Ledger, token: str, segment: SegmentRow) -> Copy | None:
        """Bring a finished segment there, proven; None: told to stop. Raises HoldfastError, OSError of the source."""
        name = segment.path.name
        there = archive_name(token, segment.utc, name)
        done = target.upload(segment.path, there, lambda: not self.stopped)
        if done is None:
            return None
        now = self._own.clock.utc()
        copy = Copy(token, name, segment.utc, segment.duration, done.size, done.sha256, now)
        ledger.add(copy)
        return copy

    async def bury(self, settings: OnShare, *, keep: bool = False) -> None:
        """Delete there what retention or a person deleted here. Raises HoldfastError."""
        gone = await self.in_thread(lambda settings: self._erase(settings, keep=keep), settings)
        if gone:
            await self._recording.call(SegmentsErased(tuple(gone)))

    def _erase(self, settings: OnShare, *, keep: bool) -> list[int]:
        with CatalogueReader(self._own.folder.catalogue) as catalogue:
            if not catalogue.buried(settings.target):
                return []
        gone = []
        with self.at(settings, keep=keep) as (catalogue, ledger, target):
            for number, token, utc in catalogue.buried(settings.target):
                if self.stopped:
                    break
                name = f"{number}.mp4"
                target.remove(archive_name(token, utc, name))
                ledger.forget(token, name)
                gone.append(number)
        return gone


@contextlib.contextmanager
def of_ours(path: Path) -> Iterator[None]:
    """A file here that retention may be quicker to remove: then there is nothing to do. Raises Fault."""
    try:
        yield
    except FileNotFoundError:
        return
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from error
