"""Recordings, jobs, receivers and searches in the control plane: what ONVIF's recording services stand on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from threading import Lock

from device.errors import HoldfastError, NotFound
from device.media import MICROSECONDS, Utc
from device.planes.link import Client
from device.planes.messages import AskRecording, DeleteSpan, StreamStatus
from device.recording.catalogue import CatalogueReader
from device.recordings.archive import Archive
from device.recordings.recordings import Recordings
from device.recordings.store import Store
from device.settings.rtsp import Rtsp
from device.vault import Vault
from integration.afar import reading
from integration.plane import Plane
from integration.rtsp_websocket import URI as WEBSOCKET
from protocols.onvif.operations import Service
from protocols.onvif.services.receiver import Receiver
from protocols.onvif.services.recording import Recording
from protocols.onvif.services.replay import Replay
from protocols.onvif.services.search import Search

FRESH = 0.5  #: seconds that what the recording plane said is good for
ENDED_LOOK = 0.05  #: seconds between two looks whether the stream of a recording that is deleted has ended
ENDED_LOOKS = 100
AHEAD = 60 * MICROSECONDS  #: a camera's clock, and its last picture's length, may reach beyond our own time
EVERY = 1.0  #: seconds between two looks for jobs whose state is another


class RecordingsPlane:
    """The services, and what they stand on."""

    def __init__(self, own: Plane, recording: Client, ports: Callable[[], tuple[int, int]]) -> None:
        """`ports`: of RTSP and RTSPS, as they are now. Raises DatabaseFault."""
        self._own = own
        self._recording = recording
        self._ports = ports
        self._streams: Sequence[StreamStatus] = ()
        self._read = -FRESH
        self._opening = Lock()
        self._catalogue: CatalogueReader | None = None
        self._far = reading(own.folder, own.clock)
        self._store = Store(own.folder.recordings, Vault.at(own.folder.key))
        self.recordings = Recordings(self._store, own.settings, self._statuses, self._erase, own.bus.publish)
        self.archive = Archive(self.recordings, self._open, self._statuses, own.clock)

    def close(self) -> None:
        """End all searches, and let go of the databases."""
        self.archive.close()
        self._store.close()
        if self._catalogue is not None:
            self._catalogue.close()
        self._far.close()

    async def run(self) -> None:
        """Tell of jobs and receivers whose state is another, for ever."""
        await self.recordings.watch(EVERY)

    def services(self) -> list[Service]:
        """Recording Control, Recording Search, Replay Control and Receiver: in the order of GetCapabilities."""
        return [
            Recording(self.recordings).service(),
            Search(self.archive).service(),
            Replay(self.archive.known, Player(self._own, self._ports), WEBSOCKET).service(),
            Receiver(self.recordings).service(),
        ]

    def _open(self) -> CatalogueReader:
        """In a thread, when it is first asked for: at the first start the recording plane makes it meanwhile."""
        with self._opening:
            if self._catalogue is None:
                self._catalogue = CatalogueReader(self._own.folder.catalogue, self._far)
            return self._catalogue

    async def _statuses(self) -> Sequence[StreamStatus]:
        """What the recording plane says; nothing while it starts."""
        now = self._own.clock.monotonic()
        if now - self._read > FRESH:
            self._read = now
            try:
                self._streams = (await self._recording.call(AskRecording())).streams
            except HoldfastError:
                self._streams = ()
        return self._streams

    async def _erase(self, token: str, by: str) -> None:
        """Once its stream has ended: what is still being written would be there again afterwards."""
        for _ in range(ENDED_LOOKS):
            streams = (await self._recording.call(AskRecording())).streams
            if token not in {each.token for each in streams}:
                break
            await asyncio.sleep(ENDED_LOOK)
        with contextlib.suppress(NotFound):  # nothing was recorded
            end = Utc(self._own.clock.utc() + AHEAD)
            begin = await asyncio.to_thread(self._begin, token, end)
            await self._recording.call(DeleteSpan(token, begin, end, by))

    def _begin(self, token: str, end: Utc) -> Utc:
        """Where the oldest of a recording begins, whatever the clock was then; in a thread. Raises NotFound."""
        return min((segment.utc for segment in self._open().segments(token, Utc(0), end)), default=Utc(0))


class Player:
    """`protocols.onvif.services.replay.Replaying`."""

    def __init__(self, own: Plane, ports: Callable[[], tuple[int, int]]) -> None:
        self._own = own
        self._ports = ports
        limits = Rtsp.model_fields["session_timeout"].metadata
        self.timeouts = float(_limit(limits, "ge")), float(_limit(limits, "le"))

    def timeout(self) -> float:
        """Replaying."""
        return float(self._own.settings.get(Rtsp).session_timeout)

    def set_timeout(self, seconds: float, by: str) -> None:
        """Replaying."""
        self._own.settings.patch(Rtsp, {"session_timeout": round(seconds)}, by=by)

    def url(self, host: str, secure: bool, token: str) -> str:
        """Replaying."""
        port = self._ports()[secure]
        return f"rtsp{'s' * secure}://{host}:{port}/replay/{token}"


def _limit(metadata: Sequence[object], name: str) -> float:
    return next(float(getattr(each, name)) for each in metadata if hasattr(each, name))
