"""The thread that writes one volume: fragments as they come, and at a beat one `syncfs` for all of them.

Plain writes succeed on a dying array; only the sync tells. So what was written is reported as kept only after
the sync that came behind it, and a sync that fails forfeits everything since the one before.

Where the volume is full, writes wait in order (in the bounded memory of their streams) until room has been
made, and what was written before them is synced meanwhile. Any other failure forfeits the fragment and ends
its segment, for what follows in its group of pictures could not be decoded; the stream goes on in another
segment, perhaps elsewhere.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from mmap import mmap

from device.recording.fragment import Cut
from device.recording.notices import VolumeState
from device.recording.segments import Claim, OpenSegment
from device.recording.volume import NotAVolume, Volume
from device.recording.worker import Halt, Worker

_REGISTER = 0.25  #: seconds to wait for a segment's row before others go first


@dataclass(frozen=True, slots=True)
class Write:
    """One fragment to write, and what it claims."""

    claim: Claim
    cut: Cut
    give: Callable[[mmap], None]  #: takes the memory back; called from the writer's thread


@dataclass(frozen=True, slots=True)
class Trouble:
    """A volume took a write or a sync badly. FULL: the writes wait; any other state: it takes nothing any
    more."""

    volume: int
    state: VolumeState
    detail: str


@dataclass(slots=True)
class Synced:
    """What became of everything that a volume was given since the last report, in its order."""

    volume: int
    beat: int
    kept: list[Claim] = field(default_factory=list)  #: on the medium
    forfeited: list[Claim] = field(default_factory=list)  #: not
    closed: list[OpenSegment] = field(default_factory=list)  #: nothing more will be written to them
    waiting: bool = False  #: writes wait for room


@dataclass(frozen=True, slots=True)
class _Close:
    segment: OpenSegment


@dataclass(frozen=True, slots=True)
class _Sync:
    beat: int


@dataclass(frozen=True, slots=True)
class _Refuse:
    reason: str


@dataclass(frozen=True, slots=True)
class _Attach:
    pass


class VolumeWriter(Worker[Write | _Close | _Sync | _Refuse | _Attach]):
    """Refuses all until it is attached. Methods but the thread's are called from the loop and return at once."""

    def __init__(
        self,
        volume: Volume,
        number: int,
        *,
        synced: Callable[[Synced], None],
        trouble: Callable[[Trouble], None],
    ) -> None:
        """`volume` is for this thread alone. The callbacks are called from it."""
        super().__init__(f"writer-{number}")
        self.number = number
        self._volume = volume
        self._synced = synced
        self._trouble = trouble
        self._refusing = "not attached yet"
        self._told_full = False
        self._open: set[OpenSegment] = set()
        self._waiting: dict[OpenSegment, list[Write | _Close]] = {}
        self._written: list[Claim] = []
        self._forfeited: list[Claim] = []
        self._closed: list[OpenSegment] = []

    def attach(self) -> None:
        """The volume is there (again): take writes."""
        self._queue.put(_Attach())

    def refuse(self, reason: str) -> None:
        """Take nothing any more, forfeit what waits, and let go of the file system."""
        self._queue.put(_Refuse(reason))

    def write(self, item: Write) -> None:
        """Write a fragment behind the last one of its segment."""
        self._queue.put(item)

    def close(self, segment: OpenSegment) -> None:
        """Nothing more comes for this segment."""
        self._queue.put(_Close(segment))

    def sync(self, beat: int) -> None:
        """Make durable what was given so far, and report."""
        self._queue.put(_Sync(beat))

    # --- the thread ---

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            match item:
                case Write():
                    self._take(item)
                case _Close():
                    if item.segment in self._waiting:
                        self._waiting[item.segment].append(item)
                    else:
                        self._end(item.segment)
                case _Sync():
                    self._sync(item.beat)
                case _Refuse():
                    self._give_up(item.reason)
                    self._volume.close()
                case _Attach():
                    self._attach()
                case Halt():
                    self._give_up("stopped")
                    self._volume.close()
                    return

    def _take(self, item: Write) -> None:
        segment = item.claim.segment
        if self._refusing or segment.broken:
            segment.broken = segment.broken or self._refusing
            self._forfeit(item)
        elif segment in self._waiting:
            self._waiting[segment].append(item)
        elif not self._put(item):
            self._waiting[segment] = [item]

    def _put(self, item: Write) -> bool:
        """Write one fragment, or break its segment. False: it has to wait."""
        segment, cut = item.claim.segment, item.cut
        try:
            if segment.fd < 0:
                if not segment.registered.wait(_REGISTER):
                    return False
                self._create(segment)
            with memoryview(cut.memory) as memory:
                write_all(segment.fd, memory[cut.start : cut.end], segment.end)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                if not self._told_full:
                    self._told_full = True
                    self._trouble(Trouble(self.number, VolumeState.FULL, os.strerror(error.errno)))
                return False
            if error.errno == errno.EEXIST:
                # Somebody put a file there, or an old catalogue was restored. It is not ours to write over.
                segment.broken = f"{segment.file} exists"
            else:
                self._fail(error)
            self._forfeit(item)
            return True
        segment.end += cut.end - cut.start
        self._written.append(item.claim)
        item.give(cut.memory)
        return True

    def _create(self, segment: OpenSegment) -> None:
        segment.fd = self._volume.create(segment.file)
        self._open.add(segment)
        try:
            # A map is aligned as O_DIRECT asks; bytes are not.
            with mmap(-1, len(segment.head)) as aligned:
                aligned[:] = segment.head
                with memoryview(aligned) as memory:
                    write_all(segment.fd, memory, 0)
        except OSError:
            # It is tried again from the beginning, and O_EXCL must not find what is left of this one.
            os.close(segment.fd)
            segment.fd = -1
            self._open.discard(segment)
            self._volume.discard(segment.file)
            raise
        segment.end = len(segment.head)

    def _end(self, segment: OpenSegment) -> None:
        if segment.fd >= 0:
            os.close(segment.fd)
            segment.fd = -1
        self._open.discard(segment)
        self._closed.append(segment)

    def _forfeit(self, item: Write) -> None:
        self._forfeited.append(item.claim)
        item.give(item.cut.memory)

    def _retry(self) -> None:
        waiting, self._waiting = self._waiting, {}
        self._told_full = False
        for segment, items in waiting.items():
            for place, item in enumerate(items):
                if isinstance(item, _Close):
                    self._end(segment)
                elif self._refusing or segment.broken:
                    self._forfeit(item)
                elif not self._put(item):
                    self._waiting[segment] = items[place:]
                    break

    def _sync(self, beat: int) -> None:
        if self._waiting:
            self._retry()
        if self._written and not self._refusing:
            try:
                self._volume.sync()
            except OSError as error:
                self._fail(error)
        report = Synced(self.number, beat, self._written, self._forfeited, self._closed, bool(self._waiting))
        self._written, self._forfeited, self._closed = [], [], []
        self._synced(report)

    def _fail(self, error: OSError) -> None:
        """The volume cannot be trusted: what was not synced is forfeited, and nothing more is taken."""
        reason = os.strerror(error.errno) if error.errno else str(error)
        state = VolumeState.READ_ONLY if error.errno == errno.EROFS else VolumeState.FAILED
        self._give_up(reason)
        self._trouble(Trouble(self.number, state, reason))

    def _give_up(self, reason: str) -> None:
        self._refusing = self._refusing or reason
        self._forfeited = self._written + self._forfeited
        self._written = []
        for segment in list(self._open):
            segment.broken = reason
            self._end(segment)
        waiting, self._waiting = self._waiting, {}
        for segment, items in waiting.items():
            segment.broken = reason
            for item in items:
                if isinstance(item, Write):
                    self._forfeit(item)
                elif segment not in self._closed:
                    self._closed.append(segment)

    def _attach(self) -> None:
        self._give_up("attached anew")
        try:
            self._volume.open()
        except NotAVolume as error:
            self._trouble(Trouble(self.number, VolumeState.MISSING, str(error)))
        else:
            self._refusing = ""


def write_all(fd: int, data: memoryview, offset: int) -> None:
    """pwrite until all is written. Raises OSError."""
    views: Sequence[memoryview] = (data,)
    while views:
        done = os.pwritev(fd, views, offset)
        if done == 0:
            raise OSError(errno.EIO, "the file system wrote nothing")
        offset += done
        views = (views[0][done:],) if done < len(views[0]) else ()
