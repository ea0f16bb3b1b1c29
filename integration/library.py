"""The recorder as an RTSP library: live from the recording plane's taps, recordings from the catalogue and the files.

/live/CAMERA  /live/CAMERA/sub        what the camera sends now
/replay/RECORDING  /replay/CAMERA/sub
    ?start=INSTANT&end=INSTANT        from the oldest sample, or from an instant (ISO 8601, or RFC 2326's UTC form)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

from device.accounts.rights import Media, NotAllowed, Rights
from device.clock import Clock
from device.errors import BadValue, Fault, NotFound
from device.media import MICROSECONDS, Sample, Track, Utc
from device.planes.errors import PlaneDown
from device.planes.link import Client
from device.planes.messages import AskRecording, Tap, TapLost, TapPatience, TapTracks
from device.recording.catalogue import CatalogueReader
from device.recording.playback import Piece, Place, Playback, places
from device.recording.rewind import Rewind
from device.recordings.names import token_of
from protocols.rtsp.library import Break, Edge, Listener, Live, Passage, Stored

RETRY_SECONDS = 0.5  #: between attempts to tap a recording plane that restarts
FOLLOW = 10 * MICROSECONDS  #: a recording whose newest sample is older than this does not grow
LOOK_SECONDS = 0.25  #: between looks for what was recorded meanwhile
WAIT_SECONDS = 1.0  #: the same, where the recording stopped
TOGETHER = 0.005  #: what the recording plane has taken in one go comes within so many seconds
LEAST = MICROSECONDS // 10  #: what continues by less than this is not told from the inexact end of a segment
TURN_SECONDS = 0.002  #: that a thread reads key frames for one who replays, before they are sent
READERS = 4  #: threads that read fragments for all who replay


class NotDelivering(Fault):
    """The camera sends nothing at the moment, so there is nothing to describe."""

    transient = True
    hint = "Try again when the camera is back; what was recorded can be replayed."


class RecorderLibrary:
    """Implements `protocols.rtsp.library.Library`."""

    def __init__(
        self,
        recording: Client,
        catalogue: CatalogueReader,
        clock: Clock,
        rights: Callable[[str], Rights | None],
    ) -> None:
        """`rights`: of an account, by its name; it is empty where none is asked for."""
        self._recording = recording
        self._clock = clock
        self._catalogue = catalogue
        self._rights = rights
        self._feeds: dict[str, TapFeed] = {}
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="replay")

    async def open(self, path: str, query: Mapping[str, str], account: str) -> Live | Stored:
        """Library."""
        self._check(account, path)
        match path.strip("/").split("/"):
            case ["live", camera]:
                return await self.live(token_of(camera, "main"))
            case ["live", camera, ("main" | "sub") as stream]:
                return await self.live(token_of(camera, stream))
            case ["replay", token]:
                return await self._stored(token, query)
            case ["replay", camera, ("main" | "sub") as stream]:
                return await self._stored(token_of(camera, stream), query)
        raise NotFound("stream", path)

    async def close(self) -> None:
        """Let go of the taps and threads."""
        for feed in self._feeds.values():
            await feed.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def holds(self, account: str, path: str) -> bool:
        """Whether an account may still have what it opened."""
        try:
            self._check(account, path)
        except (NotAllowed, NotFound):
            return False
        return True

    def _check(self, account: str, path: str) -> None:
        """What an account may not see is not there. Raises NotFound, NotAllowed."""
        kind, _, rest = path.strip("/").partition("/")
        if not rest:
            return
        camera = rest.partition("/")[0].partition(".")[0]
        rights = self._rights(account)
        media = Media.LIVE if kind == "live" else Media.RECORDED
        if rights is None or not rights.may_see(camera):
            raise NotFound("camera", camera)
        if not rights.may_watch(media):
            raise NotAllowed(f"This account may not watch {media.value} video.")

    async def live(self, token: str) -> Live:
        """What a camera sends now. Raises NotFound, NotDelivering."""
        try:
            status = await self._recording.call(AskRecording())
        except PlaneDown as error:
            raise NotDelivering("The recording plane is starting.") from error
        stream = next((stream for stream in status.streams if stream.token == token), None)
        if stream is None:
            raise NotFound("camera", token)
        if not stream.tracks:
            raise NotDelivering(f"{token} sends nothing: {stream.cause}.")
        feed = self._feeds.setdefault(token, TapFeed(self._recording, token, stream.tracks))
        if not feed.running:
            feed.tracks = stream.tracks
        return Live(feed, token)

    async def _stored(self, token: str, query: Mapping[str, str]) -> Stored:
        begin, end = (instant(name, query[name]) if name in query else None for name in ("start", "end"))
        return await self.stored(token, begin, end)

    async def stored(self, token: str, begin: Utc | None, end: Utc | None) -> Stored:
        """What was recorded, from `begin` (None: the oldest sample) on. Raises NotFound, BadValue."""
        if begin is not None and end is not None and end <= begin:
            raise BadValue("end", "not after start")
        loop = asyncio.get_running_loop()
        row = await loop.run_in_executor(self._threads, self._catalogue.recording, token)
        if row.first is None or row.last is None:
            raise NotFound("recording with video", token)
        store = CatalogueStore(self._catalogue, token, self._threads, self._clock)
        await store.prepare(begin if begin is not None else row.first)
        return Stored(store, begin, end, token)


def instant(name: str, text: str) -> Utc:
    """A moment as people and clients write it: ISO 8601 with a zone, or RFC 2326 s3.7 (20261122T180000.25Z)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadValue(name, f"{text[:40]!r} is not an instant such as 20261122T180000Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return Utc(round(moment.timestamp() * MICROSECONDS))


class TapFeed:
    """A live stream. Taps the recording plane while somebody listens, and again when that plane was restarted."""

    def __init__(self, recording: Client, token: str, tracks: tuple[Track, ...]) -> None:
        self.tracks = tracks
        self._recording = recording
        self._token = token
        self._listeners: dict[Listener, float] = {}  #: and how patient each is
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether somebody listens."""
        return self._task is not None

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Feed."""
        self._listeners[listener] = 0.0
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"tap {self._token}")

        def unsubscribe() -> None:
            self._listeners.pop(listener, None)
            if not self._listeners and self._task is not None:
                self._task.cancel()
                self._task = None

        return unsubscribe

    def patient(self, listener: Listener, seconds: float) -> None:
        """Feed."""
        self._listeners[listener] = seconds

    async def close(self) -> None:
        """Stop."""
        self._listeners.clear()
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            try:
                await self._tap()
            except (PlaneDown, NotFound):  # it restarts, or the camera was removed and may come back
                await asyncio.sleep(RETRY_SECONDS)

    async def _tap(self) -> None:
        begun: tuple[Track, ...] | None = None
        told = 0.0  #: to the recording plane, of our patience
        async with self._recording.stream(Tap(self._token)) as stream:
            while True:
                await stream.ready()
                patience = min(self._listeners.values(), default=0.0)
                if patience != told:
                    await self._recording.call(TapPatience(self._token, patience))
                    told = patience
                if patience:
                    await asyncio.sleep(TOGETHER)
                items = await stream.several()
                if not items:
                    return
                came: list[Sample | Break] = []
                for item in items:
                    match item:
                        case Sample():
                            if begun is not None:
                                self.tracks = begun
                                came.append(Break(item.utc, begun))
                                begun = None
                            came.append(item)
                        case TapTracks():
                            begun = item.tracks
                        case TapLost():
                            # What follows begins with a key frame; listeners start anew with it.
                            begun = self.tracks
                if came:
                    for listener in tuple(self._listeners):
                        listener(came)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a thread read for one passage before it took up another. Each turn waits for a core twice, there and back:
    on a busy machine that is what a seek waits for."""

    pieces: list[Piece]
    over: bool = False  #: there are no more now
    still: bool = False  #: then: nor will there be soon
    goes_on: bool = False  #: then: something is recorded that continues the last


class CatalogueStore:
    """A recording. Implements `protocols.rtsp.library.Store`."""

    def __init__(
        self, catalogue: CatalogueReader, token: str, threads: ThreadPoolExecutor, clock: Clock
    ) -> None:
        self.tracks: tuple[Track, ...] = ()
        self._clock = clock
        self._catalogue = catalogue
        self._token = token
        self._threads = threads

    async def prepare(self, start: Utc) -> None:
        """Find the tracks at `start`. Raises NotFound where nothing is recorded from there on."""
        loop = asyncio.get_running_loop()
        place = await loop.run_in_executor(self._threads, self._first, start)
        if place is None:
            raise NotFound("video from that instant on in recording", self._token)
        self.tracks = place.segment.tracks

    def _first(self, start: Utc) -> Place | None:
        return next(places(self._catalogue, self._token, start, None), None)

    async def span(self) -> tuple[Utc, Utc]:
        """Store."""
        loop = asyncio.get_running_loop()
        row = await loop.run_in_executor(self._threads, self._catalogue.recording, self._token)
        if row.first is None or row.last is None:
            raise NotFound("recording with video", self._token)
        return row.first, row.last

    async def read(self, passage: Passage) -> AsyncIterator[Sample | Break | Edge]:
        """Store."""
        loop = asyncio.get_running_loop()
        playback = Playback(self._catalogue, self._token)
        pieces = self._pieces(playback, passage)
        last: Piece | None = None
        edge = False  # an Edge was given for what was last
        while True:
            over = False
            while not over:
                turn = await loop.run_in_executor(self._threads, self._turn, pieces, last, passage)
                for piece in turn.pieces:
                    last, edge = piece, False
                    if piece.broken:
                        yield Break(_play_from(piece, passage), piece.tracks)
                    for sample in piece.samples:
                        if passage.reverse or passage.end is None or sample.utc < passage.end:
                            yield sample
                over = turn.over
            if last is None:
                return
            if turn.still:
                if not edge and not turn.goes_on:
                    edge = True
                    yield Edge()
                if _closed(last, passage) or not (passage.follow and passage.end is None):
                    return
            await asyncio.sleep(LOOK_SECONDS if not edge else WAIT_SECONDS)
            pieces = playback.onward()

    def _turn(self, pieces: Iterator[Piece], last: Piece | None, passage: Passage) -> Turn:
        """In a thread: the next piece; of key frames, which are small, all that come in `TURN_SECONDS`. `last` is the
        one before them."""
        found: list[Piece] = []
        until = perf_counter() + TURN_SECONDS
        while (piece := next(pieces, None)) is not None:
            found.append(piece)
            if not passage.keys or perf_counter() >= until:
                return Turn(found)
        last = found[-1] if found else last
        if last is None:
            return Turn(found, over=True)
        still = _closed(last, passage) or self._clock.utc() - last.utc_end > FOLLOW
        return Turn(found, over=True, still=still, goes_on=still and self._goes_on(last, passage))

    def _goes_on(self, last: Piece, passage: Passage) -> bool:
        """Whether what is recorded continues, in the direction of the passage, what was read of it."""
        if passage.reverse:
            at = Utc(last.utc - LEAST)
        elif passage.end is not None:
            at = Utc(passage.end + LEAST)
        else:
            return False
        rows = self._catalogue.timeline(self._token, at, Utc(at + 1))
        return any(row.cause is None for row in rows)

    def _pieces(self, playback: Playback, passage: Passage) -> Iterator[Piece]:
        if passage.reverse:
            rewind = Rewind(self._catalogue, self._token)
            if passage.keys:
                return rewind.keys(passage.start, passage.end, passage.every)
            return rewind.groups(passage.start, passage.end)
        if passage.keys:
            return playback.keys(passage.start, passage.end, passage.every)
        return playback.fragments(passage.start, passage.end)


def _closed(last: Piece, passage: Passage) -> bool:
    """Whether what comes behind the last piece is no matter of the passage, whatever is recorded yet."""
    return passage.reverse or (passage.end is not None and passage.end <= last.utc_end)


def _play_from(piece: Piece, passage: Passage) -> Utc:
    """Where a piece is played from: backwards a group of pictures from its end."""
    if passage.keys:
        return piece.samples[0].utc
    return piece.utc_end if passage.reverse else piece.utc
