"""Filling gaps from cameras' own cards, in the control plane: one gap of one camera after the other, within a rate.

It fetches and writes; what is recorded is the recording plane's to say.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

from device.cameras.control import Card
from device.cameras.source import Address, SessionEnded
from device.edge.bringer import Bringer, Piece
from device.edge.messages import Adopted, AdoptSegment, ReleaseSegment, Reserved, ReserveSegment
from device.edge.neighbours import Neighbours, neighbours
from device.edge.planner import AGE, Outage, Tries, outages
from device.edge.scribe import Scribe, aligned
from device.edge.sieve import Finder, Sieve
from device.errors import HoldfastError, NotFound, PeerFault, StorageFault
from device.events.edge import RecordingFilled
from device.jobs import Jobs, Progress
from device.media import MICROSECONDS, Utc
from device.planes.link import Client
from device.recording.catalogue import CatalogueReader
from device.recording.modes import Mode
from device.recording.segment import Identity, head
from device.recording.segments import file_of
from device.recording.volume import Volume
from device.recordings.names import token_of
from device.settings.cameras import Camera
from device.settings.recording import Recording
from integration.plane import Plane
from integration.recording import kinds_of
from protocols.rtsp.health import Patience
from protocols.rtsp.replaying import Clip, Replaying

P = ParamSpec("P")
T = TypeVar("T")

EVERY = 2.0  #: seconds between looks
MARGIN = 3 * MICROSECONDS  #: microseconds around a gap that are asked for: clocks are known to a second
WAITING = 8 << 20  #: octets that may wait to be written before the camera has to
MOST = 40 * MICROSECONDS // 8  #: octets a second of video that are believed: 40 Mbit/s
MORE = 64 << 20  #: octets besides
STREAM = "main"
BY = "recorder"


class CardFailed(PeerFault):
    """The camera did not send what it was asked for."""

    hint = "What it sent is kept; the rest is asked for again."


@dataclass(slots=True)
class _File:
    """A segment that is being written."""

    place: Reserved
    scribe: Scribe


@dataclass(slots=True)
class _Fill:
    """One fetch."""

    key: str
    token: str
    outage: Outage
    beside: Neighbours
    sieve: Sieve
    source: str
    progress: Progress
    pieces: asyncio.Queue[Piece | None] = field(default_factory=asyncio.Queue)
    waiting: int = 0  #: octets in the queue
    run: int = 0
    file: _File | None = None
    adopted: list[Adopted] = field(default_factory=list)


async def _in_thread(do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do it in a thread, and wait for its end whatever comes: nobody closes a file under it."""
    doing = asyncio.ensure_future(asyncio.to_thread(do, *args, **kwargs))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise


def _may_be_filled(camera: Camera) -> bool:
    """In event mode nobody knows which of it would have been kept."""
    asked = camera.enabled and camera.fill and camera.mode in (Mode.CONTINUOUS, Mode.SCHEDULE)
    return asked and camera.onvif is not None and camera.main is not None


class EdgePlane:
    """Looks for gaps, for ever."""

    def __init__(
        self, own: Plane, recording: Client, jobs: Jobs, card: Callable[[str], Awaitable[Card]]
    ) -> None:
        """`card`: a camera's. Raises what `Control.card` raises."""
        self._own = own
        self._recording = recording
        self._jobs = jobs
        self._card = card
        self._tries = Tries()

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(EVERY)
            cameras = {
                key: camera
                for key, camera in self._own.settings.entries(Camera).items()
                if _may_be_filled(camera)
            }
            try:
                found = await asyncio.to_thread(self._outages, list(cameras)) if cameras else {}
            except HoldfastError:
                continue  # the catalogue is being made
            for key, missing in found.items():
                await self._look(key, cameras[key], missing)

    async def _look(self, key: str, camera: Camera, found: Sequence[Outage]) -> None:
        """Fill the newest gap of a camera that is due to be asked for."""
        token, clock = token_of(key, STREAM), self._own.clock
        outage = next((each for each in found if self._tries.due(token, each, clock.monotonic())), None)
        if outage is None:
            return
        self._tries.made(token, outage, clock.monotonic())
        try:
            card = await self._card(key)
        except HoldfastError:
            return  # it has none, or does not tell now
        done = asyncio.Event()

        async def work(progress: Progress) -> str:
            try:
                return await self._fill(key, camera, outage, card, progress)
            finally:
                done.set()

        job = self._jobs.run("fill", work, by=BY, resource="fill")
        try:
            await done.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(HoldfastError):
                await self._jobs.cancel(job.id)
            raise

    def _outages(self, keys: Sequence[str]) -> dict[str, list[Outage]]:
        """Of cameras, in a thread. Raises Fault."""
        now = self._own.clock.utc()
        found: dict[str, list[Outage]] = {}
        with CatalogueReader(self._own.folder.catalogue) as catalogue:
            for key in keys:
                token = token_of(key, STREAM)
                with contextlib.suppress(NotFound):  # nothing was recorded yet
                    gaps = catalogue.gaps(token, Utc(now - AGE), now)
                    found[key] = outages(gaps, catalogue.epoch(token), now)
        return found

    def _beside(self, token: str, outage: Outage) -> Neighbours:
        """In a thread. Raises NotFound, Fault."""
        with CatalogueReader(self._own.folder.catalogue) as catalogue:
            return neighbours(catalogue, token, outage)

    async def _fill(self, key: str, camera: Camera, outage: Outage, card: Card, progress: Progress) -> str:
        """Fetch, write, and have it taken in; what came of it, for a person. Raises CardFailed, HoldfastError."""
        token = token_of(key, STREAM)
        beside = await asyncio.to_thread(self._beside, token, outage)
        ahead = await self._ahead(camera, card, beside)
        sieve = Sieve(
            outage.start, outage.end, ahead, beside.before, beside.after, joins=beside.joint is not None
        )
        seconds = (outage.end - outage.start) / MICROSECONDS
        progress.phase(f"{camera.name or key}", total=round(seconds), unit="s")
        fill = _Fill(key, token, outage, beside, sieve, f"{card.url} {card.recording}"[:500], progress)
        writing = asyncio.create_task(self._write(fill), name=f"fill {token}")
        why = ""
        try:
            why = await self._fetch(fill, camera, card)
            fill.pieces.put_nowait(None)
            await writing
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            await self._abandon(fill)
            self._tell(fill)
        came = sum(each.end - each.start for each in fill.adopted) / MICROSECONDS
        if why:
            raise CardFailed(f"{why}; {came:.1f} s of {seconds:.1f} s came from {card.url}.")
        return f"{came:.1f} s of {seconds:.1f} s from {card.url}"

    async def _ahead(self, camera: Camera, card: Card, beside: Neighbours) -> int:
        """Microseconds by which the card's clock is ahead: as the camera told, to a second, where the picture before
        the gap will tell it better on the way, or none can; else by the one behind it. Raises CardFailed."""
        if beside.before is not None or beside.after is None:
            return card.ahead
        finder = Finder(beside.after, card.ahead)
        bringer = Bringer(finder, 0, lambda _: None)
        if why := await self._replay(camera, card, finder.asks(MARGIN), bringer, lambda: False):
            raise CardFailed(f"{why}; nothing came from {card.url}.")
        return finder.ahead

    async def _fetch(self, fill: _Fill, camera: Camera, card: Card) -> str:
        """Why it ended before its time; empty where it did not."""

        def take(piece: Piece) -> None:
            fill.waiting += len(piece.data)
            fill.pieces.put_nowait(piece)

        bringer = Bringer(fill.sieve, self._own.settings.get(Recording).segment, take)
        span = fill.sieve.asks(MARGIN)
        return await self._replay(camera, card, span, bringer, lambda: fill.waiting > WAITING)

    async def _replay(
        self, camera: Camera, card: Card, span: tuple[Utc, Utc], bringer: Bringer, full: Callable[[], bool]
    ) -> str:
        """Have the card play a span, until the sieve has what it wants; `full`: it is to pause. As `_fetch`."""
        start, end = span
        most = (end - start) // MICROSECONDS * MOST + MORE
        known = camera.address(STREAM)
        assert known is not None
        address = Address(card.url, known.user, known.password, "tcp", known.verify_tls, known.fingerprint)
        clip = Clip(start, end, most, camera.fill_mbit * 1e6 / 8)
        replaying = Replaying(address, clip, self._own.clock, Patience(), kinds=kinds_of(camera))
        try:
            await replaying.run(bringer, lambda: bringer.sieve.over, full)
        except SessionEnded as ended:
            return str(ended)
        return ""

    async def _write(self, fill: _Fill) -> None:
        """What comes, file by file. Raises HoldfastError: then no more of it is taken."""
        try:
            while (piece := await fill.pieces.get()) is not None:
                if piece.begins:
                    await self._finish(fill)
                    await self._begin(fill, piece)
                assert fill.file is not None
                await _in_thread(fill.file.scribe.write, piece.data)
                fill.waiting -= len(piece.data)
                fill.progress.step(max(0, (piece.utc - fill.outage.start) // MICROSECONDS))
            await self._finish(fill)
        except BaseException:
            fill.sieve.over = True
            raise

    async def _begin(self, fill: _Fill, piece: Piece) -> None:
        """A file of its own."""
        asked = ReserveSegment(fill.token, piece.utc, fill.run, fill.outage.epoch)
        place = await self._recording.call(asked)
        fill.run = place.run
        own = self._own.identity.id
        volume = Volume(Path(place.path), place.volume, own)
        file = file_of(fill.token, place.hour, place.segment)
        try:
            scribe = await _in_thread(Scribe, volume, file)
        except StorageFault:
            await self._recording.call(ReleaseSegment(place.segment))
            raise
        fill.file = _File(place, scribe)
        who = Identity(own, fill.token, fill.key, STREAM, place.run, place.segment, piece.utc, filled=True)
        await _in_thread(scribe.write, aligned(head(piece.tracks, who)))

    async def _finish(self, fill: _Fill) -> None:
        """The file at hand is whole: let it be recorded."""
        if fill.file is None:
            return
        await _in_thread(fill.file.scribe.finish)
        joint = fill.beside.joint if fill.sieve.joined and not fill.adopted else None
        segment, fill.file = fill.file.place.segment, None
        at = (joint.segment, joint.offset) if joint is not None else (0, 0)
        fill.adopted.append(await self._recording.call(AdoptSegment(segment, *at, fill.source)))

    async def _abandon(self, fill: _Fill) -> None:
        """What was begun and not finished is not wanted."""
        if fill.file is None:
            return
        file, fill.file = fill.file, None
        with contextlib.suppress(HoldfastError):
            await asyncio.to_thread(file.scribe.discard)
        with contextlib.suppress(HoldfastError):
            await self._recording.call(ReleaseSegment(file.place.segment))

    def _tell(self, fill: _Fill) -> None:
        """What is recorded after all, neighbours as one."""
        if fill.adopted:
            octets = sum(each.octets for each in fill.adopted)
            start, end = fill.adopted[0].start, fill.adopted[-1].end
            self._own.bus.publish(RecordingFilled(fill.token, start, end, octets, fill.source))
