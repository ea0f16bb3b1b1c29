"""Recordings in a store, cameras in settings, and what the recording plane would say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from device.cameras.source import Cause
from device.events.event import Event
from device.media import Track, Utc
from device.planes.messages import StreamStatus
from device.recordings.archive import Archive
from device.recordings.recordings import Recordings
from device.recordings.store import Store as Kept
from device.settings.cameras import Camera as CameraSettings
from device.settings.sections import SECTIONS
from device.settings.store import Store as Settings
from device.vault import Vault
from tests.device.recording.camera import SOUND, VIDEO, payload
from tests.device.recording.store import Store, make

GATE, YARD, DOOR = "c-gate01", "c-yard01", "c-door01"
SECOND = 1_000_000


@dataclass
class Rig:
    """What stands behind the services."""

    store: Store
    settings: Settings
    kept: Kept
    folder: Path
    streams: dict[str, StreamStatus] = field(default_factory=dict)
    erased: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.catalogue = self.store.reader()
        self.open()

    def open(self) -> None:
        """Begin, as after a restart."""
        self.recordings = Recordings(self.kept, self.settings, self.statuses, self.erase, self.events.append)
        self.archive = Archive(self.recordings, lambda: self.catalogue, self.statuses, self.store.clock)

    async def statuses(self) -> list[StreamStatus]:
        """Of the recording plane."""
        return list(self.streams.values())

    async def erase(self, token: str, by: str) -> None:
        """Of the recording plane."""
        self.erased.append(token)

    def comes(self, token: str, well: bool = True, cause: str = "", detail: str = "") -> None:
        """A stream is there."""
        status = StreamStatus(
            token, "main", token, well, cause, detail, Utc(0), (), Utc(1), 0, 0, 0, 0, False
        )
        self.streams[token] = status


def record(
    store: Store,
    token: str,
    *spans: tuple[float, float],
    tracks: tuple[Track, ...] = (VIDEO, SOUND),
    told: Callable[[int], bytes] = lambda _: b"",
) -> None:
    """Seconds of pictures and sound, each span after so many seconds of nothing; ten pictures a second. `told`: what
    the last track has with a picture, by its number."""
    intake = store.intake(token)
    number, time = 0, 90_000
    for pause, seconds in spans:
        store.clock.advance(pause)
        store.beat()
        lane = intake.opened(list(tracks))
        assert lane is not None
        for n in range(round(seconds * 10)):
            nal = payload(number, 400, n % 10 == 0)
            data = len(nal).to_bytes(4, "big") + nal
            if lane.limit - lane.fill < len(data):
                assert lane.grow(lane.fill, len(data))
            end = lane.fill + len(data)
            lane.memory[lane.fill : end] = data
            lane.written = end
            lane.commit(end, time, store.clock.utc(), n % 10 == 0, False)
            if document := told(number):
                intake.sample(len(tracks) - 1, time, store.clock.utc(), document)
            number, time = number + 1, time + 9_000
            store.clock.advance(0.1)
            if n % 10 == 9:
                store.beat()
        store.beat()
        intake.closed(Cause.LINK_LOST)
        store.beat()


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """Two cameras: the gate's recording has a gap, the yard's has none; the door's was never begun."""
    store = make(folder)
    record(store, GATE, (0, 12), (30, 8))
    record(store, YARD, (0, 10), tracks=(VIDEO,))
    settings = Settings(folder / "settings.db", Vault(b"k" * 32), SECTIONS, store.clock, readonly=False)
    for key, name in ((GATE, "Gate"), (YARD, "Yard"), (DOOR, "Door")):
        settings.set(CameraSettings(name=name, main=f"rtsp://192.0.2.9/{key}"), key=key, by="test")
    kept = Kept(folder / "recordings.db", Vault(b"k" * 32))
    made = Rig(store, settings, kept, folder)
    yield made
    made.archive.close()
    made.catalogue.close()
    kept.close()
    settings.close()
    store.close()
