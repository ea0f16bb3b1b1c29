"""Reads everything that entities show."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from device.chassis.messages import ChassisShown
from device.errors import HoldfastError
from device.planes.link import Client
from device.planes.messages import AskRecording, RecordingStatus
from device.poe.messages import PoeShown
from device.raid.messages import RaidShown
from device.settings.cameras import Camera
from device.settings.recorder import Recorder
from device.settings.storages import Storage
from integration.entities.reading import Kept, Reading
from integration.plane import Plane
from integration.snmp_readings import read_catalogue
from integration.version import VERSION

CATALOGUE_EVERY = 30.0  #: seconds between two readings of the catalogue
ANSWER_SECONDS = 3.0  #: that the recording plane may take


class Collector:
    """One for all who show entities."""

    def __init__(
        self,
        own: Plane,
        recording: Client,
        poe: Callable[[], PoeShown],
        box: Callable[[], ChassisShown],
        raid: Callable[[], RaidShown],
        triggers: Callable[[], Mapping[str, str]],
    ) -> None:
        self._own = own
        self._recording = recording
        self._poe = poe
        self._box = box
        self._raid = raid
        self._triggers = triggers
        self._kept: dict[str, Kept] = {}
        self._kept_at: float | None = None

    async def read(self) -> Reading:
        """How everything is now. A plane that does not answer is said to be unknown."""
        own = self._own
        status: RecordingStatus | None = None
        with contextlib.suppress(HoldfastError, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                status = await self._recording.call(AskRecording())
        await self._read_catalogue()
        return Reading(
            own.settings.get(Recorder).name,
            own.identity.serial,
            VERSION,
            own.since,
            own.clock.utc(),
            self._poe(),
            self._box(),
            self._raid(),
            status,
            own.settings.entries(Camera),
            own.settings.entries(Storage),
            own.bus.journal.active(),
            self._kept,
            self._triggers(),
        )

    async def _read_catalogue(self) -> None:
        now = self._own.clock.monotonic()
        if self._kept_at is not None and now - self._kept_at < CATALOGUE_EVERY:
            return
        self._kept_at = now
        with contextlib.suppress(HoldfastError):  # it is not there yet
            rows = await asyncio.to_thread(read_catalogue, self._own.folder.catalogue, self._own.clock.utc())
            self._kept = {
                row.camera: Kept(row.first, row.size, row.missing) for row in rows if row.stream == "main"
            }
