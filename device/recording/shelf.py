"""One volume as the recorder's loop sees it: its state, its room, and the two threads that work on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device.recording.behind import Behind
from device.recording.keeper import Inspected, Keeper
from device.recording.notices import VolumeState
from device.recording.segments import OpenSegment
from device.recording.volume import Room
from device.recording.writer import VolumeWriter, Write

INSPECT = 5.0  #: seconds between two looks at a volume
PROBE = 30.0  #: seconds between two tries of a volume that failed
HUNG = 10.0  #: seconds after which a volume that does not answer has failed, where another takes its streams
#: Where there is none, what comes waits in memory: a drive that dies may hold up its array for the kernel's command
#: timer (30 s, /sys/block/*/device/timeout), and then the array goes on without it.
HUNG_ALONE = 45.0
FLOOR = 1 << 20  #: bytes below which a volume with nothing to delete is full
_INGEST = 0.1  #: how much a new second counts in the mean of what comes in
_RESERVE_SECONDS = 600  #: of present ingest to keep free


@dataclass(frozen=True, slots=True)
class VolumeSettings:
    """A volume that the recorder may use."""

    path: Path
    uuid: str
    reserve_share: float = 0.05  #: of its size, always kept free
    reserve_bytes: int | None = None  #: instead of the larger of that share and ten minutes of ingest
    limit_bytes: int | None = None  #: that recordings may take on it; None: all there is
    behind: Behind | None = None  #: the share whose spool it is


class Shelf:
    """What the loop knows of a volume."""

    def __init__(
        self, settings: VolumeSettings, number: int, writer: VolumeWriter, keeper: Keeper, now: float
    ) -> None:
        self.settings = settings
        self.number = number  #: the catalogue's id
        self.writer = writer
        self.keeper = keeper
        self.state = VolumeState.MISSING
        self.detail = ""
        self.room = Room(0, 0)  #: of its file system
        self.held = 0  #: bytes of the files on it, as of the last sweep and what was handed over since
        # What was told of it; None: nothing yet, though a former life may have.
        self.told: VolumeState | None = None
        self.low: bool | None = None  #: whether it is short of room
        self.short: bool | None = None  #: whether nothing more on it may be deleted
        self.erasing: set[int] = set()  #: segments whose files are being unlinked
        self.freeing = 0  #: bytes of garbage whose files are still there
        self.pressed = False  #: writes wait for room
        self.dirty = False  #: something was handed to the writer since the last sync was asked for
        self.leaving = False  #: takes no new segment: it is being let go of
        self.over = False  #: its threads are ending, and are asked for nothing more
        self.ingest = 0.0  #: bytes a second
        self._fresh = 0
        self._since = now
        self._syncing: float | None = None
        self._beat = 0  #: the last whose sync was answered
        self._inspecting: float | None = None
        self._inspected = now - INSPECT
        self._probed = now
        self._probing = False

    def start(self) -> None:
        """Start its threads."""
        self.writer.start()
        self.keeper.start()
        if self.state is VolumeState.OK:
            self.writer.attach()

    def end(self, timeout: float) -> bool:
        """End its threads, each after what is queued. Blocks; False where the volume hangs."""
        return self.writer.stop(timeout) and self.keeper.stop(timeout)

    @property
    def reserve(self) -> int:
        """Bytes to keep free."""
        if self.settings.reserve_bytes is not None:
            return self.settings.reserve_bytes
        share = int(self.bounded.size * self.settings.reserve_share)
        if self.settings.limit_bytes is not None:
            return share  # the file system is not full where the limit is reached
        return max(share, int(self.ingest * _RESERVE_SECONDS))

    @property
    def warning(self) -> int:
        """Bytes below which it is said that there is little left. Of a spool that is more: what it loses is lost."""
        early = 0 if self.settings.limit_bytes is None else self.bounded.size // 4
        return max(self.reserve * 5 // 4, early)

    @property
    def bounded(self) -> Room:
        """Its room, as far as it may be used."""
        limit = self.settings.limit_bytes
        if limit is None:
            return self.room
        return Room(min(self.room.size, limit), min(self.room.free, max(0, limit - self.held)))

    @property
    def free(self) -> int:
        """Bytes that are free, or will be once what is garbage is unlinked."""
        return self.bounded.free + self.freeing

    def write(self, item: Write) -> None:
        """Hand over a fragment."""
        self.dirty = True
        self._fresh += item.claim.length
        self.held += item.claim.length
        self.writer.write(item)

    def close(self, segment: OpenSegment) -> None:
        """Nothing more comes for a segment; its row closes with the next sync."""
        self.dirty = True
        self.writer.close(segment)

    def wants_sync(self, now: float) -> bool:
        """At a beat: whether there is something to sync, and no sync under way."""
        if now > self._since:
            share = min(1.0, _INGEST * (now - self._since))
            self.ingest += (self._fresh / (now - self._since) - self.ingest) * share
            self._since, self._fresh = now, 0
        return self.dirty and self._syncing is None and not self.over

    def sync(self, number: int, now: float) -> None:
        """Ask for it."""
        self.dirty, self._syncing = False, now
        self.writer.sync(number)

    def synced(self, beat: int) -> None:
        """The writer has answered."""
        self._syncing = None
        self._beat = beat

    def has(self, beat: int) -> bool:
        """Whether all that it was given until a beat is on it; one that works no more has what it will have."""
        waits = self.dirty or self._syncing is not None
        return self._beat >= beat or not waits or self.over or self.state is not VolumeState.OK

    def look(self, now: float, patience: float) -> bool:
        """Where it is time, have the volume inspected. False where its threads have not answered for `patience`
        seconds."""
        if self.over:
            return True
        if self._inspecting is None and now - self._inspected >= INSPECT:
            probe = self.state in (VolumeState.FAILED, VolumeState.READ_ONLY) and now - self._probed >= PROBE
            if probe:
                self._probed = now
            self._probing = probe
            self._inspecting = now
            self.keeper.inspect(probe=probe, hold=self.state in (VolumeState.OK, VolumeState.FULL))
        waits = [since for since in (self._inspecting, self._syncing) if since is not None]
        return not any(now - since >= patience for since in waits)

    def inspected(self, report: Inspected, now: float) -> VolumeState:
        """Take a report in; returns the state it leads to."""
        probed, self._inspecting, self._inspected = self._probing, None, now
        if report.room is not None:
            self.room = report.room
        if (
            report.state is VolumeState.OK
            and self.state in (VolumeState.FAILED, VolumeState.READ_ONLY)
            and not probed
        ):
            return self.state
        if (
            report.state is VolumeState.OK
            and self.state is VolumeState.FULL
            and self.free < max(self.reserve // 2, 4 * FLOOR)
        ):
            return self.state
        return report.state

    @property
    def busy(self) -> bool:
        """Its threads have something to report."""
        asked = self._syncing is not None or self._inspecting is not None or bool(self.erasing)
        return asked and not self.over
