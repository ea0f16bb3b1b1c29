"""Where one camera stream goes: from the source's calls to claims in the ledger and fragments on a volume.

All of it runs on the loop's thread and never blocks. The lane that a source writes into is one object for the
whole session; behind it the fragmenter changes wherever a new run or a new file has to begin with a key frame
of its own.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from device.cameras.source import Cause, Lane
from device.clock import Clock
from device.errors import BadValue
from device.media import MICROSECONDS, Kind, Sample, Track, Utc
from device.recording.commits import Enter, gap_op, open_op
from device.recording.fragment import Cut, Fragmenter, Pool
from device.recording.lane import StreamLane
from device.recording.ledger import JITTER, Gap, Ledger
from device.recording.modes import Mode, Policy
from device.recording.notices import CodecChanged, GapClosed, GapOpened, Notice, OverloadDropped
from device.recording.segment import Identity, head
from device.recording.segments import Claim, Flag, OpenSegment, hour_of
from device.recording.shelf import Shelf
from device.recording.writer import Write

BUFFER = 64 << 20  #: bytes of one stream that may wait for a volume
PROVISIONAL = 10.0  #: seconds of a segment in event mode
GRACE = 5.0  #: seconds until the first picture, in which nobody is told that there is none
RENEWED = "timestamps"  #: why a run ended whose session went on


class Desk(Protocol):
    """What an intake needs of the recorder."""

    clock: Clock
    recorder: str
    beat_length: float
    segment_length: float
    pool: Pool

    def next_id(self) -> int:
        """An id for a run, a segment or a gap."""

    def pick(self, policy: Policy) -> Shelf | None:
        """The volume for a new segment."""

    def tracks_id(self, tracks: Sequence[Track]) -> int:
        """The catalogue's id of a set of tracks."""

    def enter(self, message: Enter) -> None:
        """To the catalogue."""

    def tell(self, notice: Notice) -> None:
        """To whoever wants to know."""

    def check_clock(self) -> None:
        """See whether the wall clock was set; calls `stepped` on every intake if so."""


class Watcher(Protocol):
    """Somebody who watches the stream as it comes in. Called in the loop; must not block or raise."""

    def begun(self, tracks: Sequence[Track], run: int) -> None:
        """A session begins, or its tracks change. The next sample of a video track is a key frame."""

    def sample(self, sample: Sample) -> None:
        """One access unit. Its data is memory that is used again as soon as this returns."""


@dataclass(slots=True)
class Counters:
    """What one intake has seen, since the recorder started."""

    octets: int = 0  #: handed to volumes
    samples: int = 0
    lost: int = 0  #: packets
    dropped: int = 0  #: octets dropped by overload, or for want of a volume
    swallowed: int = 0  #: octets that were not due


class StreamIntake:
    """Implements `device.cameras.source.Intake` for one recording."""

    def __init__(
        self, desk: Desk, recording: int, token: str, camera: str, stream: str, policy: Policy, ledger: Ledger
    ) -> None:
        self.desk = desk
        self.recording = recording
        self.token = token
        self.camera = camera
        self.stream = stream
        self.policy = policy
        self.ledger = ledger
        self.counters = Counters()
        self.watcher: Watcher | None = None
        self.lead = 0  #: index of the lane's track
        #: of the clock, that the run at hand has still to end for: by how much, into which epoch, when
        self.steps: list[tuple[int, int, Utc]] = []
        self.fresh = False  #: the next key frame begins in a fragmenter of its own
        self.segment: OpenSegment | None = None
        self.wanted_until = Utc(0)  #: event mode: what is before is not provisional
        self.acknowledged = ledger.end
        self._lane: StreamLane | None = None
        self._fragmenter: Fragmenter | None = None
        self._tracks: tuple[Track, ...] = ()
        self._shelf: Shelf | None = None
        self._ahead: tuple[OpenSegment, Shelf] | None = None  #: registered before it is needed
        self._run = 0
        self._entered = False  #: the catalogue knows the run
        self._outage = Cause.CONNECTING  #: why there is no session, or was none
        self._outage_detail = ""
        self._dropping: Cause | None = None  #: until the next key frame
        self._idle: Cause | None = policy.idle(desk.clock.utc())
        self._grace = desk.clock.monotonic() + GRACE  #: 0 once there was a picture
        self._told: Gap | None = None  #: where the outage begins that was told, and whose end is to be told
        self._lost = 0
        self._outstanding = 0
        #: the last ones opened, some not yet in the catalogue
        self.recent: deque[OpenSegment] = deque(maxlen=4)
        if ledger.gap is not None and ledger.gap.cause.due:
            # The recorder was down. Its end in order told of this, a power cut did not.
            self._told = ledger.gap
            if self._idle is None:
                self._tell_gap()
        self._miss(self._idle or Cause.CONNECTING)

    # --- the source's calls ---

    def opened(self, tracks: Sequence[Track]) -> Lane | None:
        """Intake."""
        if self._fragmenter is not None:
            self.closed(Cause.LINK_LOST)
        self.desk.check_clock()
        self._take(tracks)
        self._run = self.desk.next_id()
        self._dropping = None
        self.fresh = False
        return self._lay(1)

    def _lay(self, number: int) -> Lane | None:
        try:
            self._fragmenter = self._cutter(number)
        except BadValue as error:
            self._fragmenter = self._lane = None
            self._outage, self._outage_detail = Cause.PROTOCOL, str(error)
            self._miss(Cause.PROTOCOL, str(error))
            return None
        if self.watcher is not None:
            self.watcher.begun(self._tracks, self._run)
        video = next((track for track in self._tracks if track.kind is Kind.VIDEO), None)
        self.lead = self._tracks.index(video) if video is not None else 0
        if video is None:
            self._lane = None
        elif self._lane is None:
            self._lane = StreamLane(self, self._fragmenter, video.clock_rate)
        else:
            self._lane.replace(self._fragmenter, video.clock_rate)
        return self._lane

    def _cutter(self, number: int) -> Fragmenter:
        return Fragmenter(
            self._tracks, self.desk.pool, self._cut, first_number=number, key_after=self.desk.beat_length / 4
        )

    def sample(self, track: int, time: int, utc: Utc, data: bytes) -> None:
        """Intake."""
        if self._fragmenter is None:
            return
        if self.watcher is not None:
            self.watcher.sample(Sample(track, time, utc, True, data))
        if self._lane is None:
            self.desk.check_clock()
            if self.fresh:
                self._fragmenter.cut()
                self.begin_anew()
        self._fragmenter.add(track, time, Utc(utc - sum(step for step, _, _ in self.steps)), data)

    def parameters(self, tracks: Sequence[Track]) -> Lane | None:
        """Intake. The run goes on in another file."""
        if self._fragmenter is None:
            return self.opened(tracks)
        self._fragmenter.cut()
        self._end_segment()
        self._take(tracks)
        return self._lay(self._fragmenter.number)

    def _take(self, tracks: Sequence[Track]) -> None:
        before, self._tracks = self._tracks, tuple(tracks)
        old, new = _looks(before), _looks(self._tracks)
        if old and new and old != new:
            now = self.desk.clock.utc()
            self.desk.tell(CodecChanged(now, self.camera, self.stream, old, new))

    def renewed(self) -> Lane | None:
        """Intake. The ledger goes on without a gap."""
        if self._fragmenter is None:
            return self.opened(self._tracks)
        self.desk.check_clock()
        self._fragmenter.cut()
        self._end_segment()
        self._end_run(Cause.CLOCK_STEP.value if self.steps else RENEWED)
        self._apply_steps()
        self.fresh = False
        return self._lay(1)

    def missing(self, cause: Cause, detail: str) -> None:
        """Intake."""
        if self._fragmenter is not None:
            self._cut_now()
            self._drop(cause, detail)

    def lost(self, track: int, packets: int) -> None:
        """Intake."""
        self.counters.lost += packets
        lane = next((n for n, each in enumerate(self._tracks) if each.kind is Kind.VIDEO), track)
        if track == lane:
            if self._lane is not None:
                self._lane.loss += packets
            elif self._fragmenter is not None:
                self._fragmenter.cut()
                self._lost += packets

    def closed(self, cause: Cause, detail: str = "") -> None:
        """Intake."""
        self._outage, self._outage_detail = cause, detail
        if self._fragmenter is not None:
            self._fragmenter.cut()
        self._end_segment()
        self._end_run(cause.value)
        self._fragmenter = self._lane = None
        self._lost = 0
        self._apply_steps()
        self._miss(self._idle or cause, detail)

    # --- the recorder's calls ---

    def beat(self) -> None:
        """Cut what is there; let the policy and the schedule take effect."""
        self._cut_now()
        gap = self.ledger.gap
        if gap is not None and gap.cause.due and self._told is None and not self.waits:
            self._tell_gap()
        now = self.desk.clock.utc()
        idle = self.policy.idle(now)
        if idle is not self._idle:
            self._idle = idle
            if idle is not None:
                self._end_segment()
                self._end_run(idle.value)
                self._miss(idle)
            else:
                self._resume(self._outage if self._fragmenter is None else Cause.CONNECTING)
        self._look_ahead(now)

    def set_policy(self, policy: Policy) -> None:
        """Apply a person's change at once."""
        changed = policy.mode is not self.policy.mode
        self.policy = policy
        self.beat()
        if changed and self.segment is not None:
            # A provisional segment is not for continuous mode, nor the other way round.
            self.fresh = True
        if policy.mode is not Mode.EVENT:
            self.wanted_until = Utc(0)

    def stepped(self, step: int, epoch: int, at: Utc) -> None:
        """The wall clock was set by `step` microseconds when it said `at`."""
        self._cut_now()
        self.steps.append((step, epoch, at))
        if self.segment is None:
            self._end_run(Cause.CLOCK_STEP.value)
            self._apply_steps()
        self.fresh = self._fragmenter is not None

    def forfeited(self, segment: OpenSegment, octets: int) -> None:
        """Some of a segment did not get to the disk."""
        self._outstanding -= octets
        if segment is self.segment and segment.broken:
            self.unshelve(segment.broken)

    def landed(self, octets: int) -> None:
        """Some of what was handed over is on the disk."""
        self._outstanding -= octets

    def unshelve(self, detail: str) -> None:
        """The volume under this stream is no good any more: go on elsewhere, from the next key frame."""
        self._end_segment()
        self._drop(Cause.STORAGE, detail)

    def on(self, shelf: Shelf) -> bool:
        """Whether this stream is being written to that volume."""
        return self.segment is not None and self._shelf is shelf

    def retire(self, cause: Cause) -> None:
        """End everything: the recorder stops, or the camera is gone."""
        if self._fragmenter is not None:
            self.closed(cause)
        else:
            self._miss(self._idle or cause)

    def wanted(self, start: Utc, end: Utc) -> list[OpenSegment]:
        """Event mode: [start, end) is wanted. Returns the segments in memory that overlap it."""
        self.wanted_until = max(self.wanted_until, end)
        ends = [each.t0 for each in list(self.recent)[1:]] + [Utc(1 << 62)]
        found = [each for each, upto in zip(self.recent, ends, strict=True) if each.t0 < end and upto > start]
        return found + ([self._ahead[0]] if self._ahead is not None and self._ahead[0].t0 < end else [])

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Those of the session, empty while there is none."""
        return self._tracks if self._fragmenter is not None else ()

    @property
    def stepping(self) -> bool:
        """Session."""
        return bool(self.steps)

    @property
    def watched(self) -> bool:
        """Session."""
        return self.watcher is not None

    def show(self, sample: Sample) -> None:
        """Session."""
        if self.watcher is not None:
            self.watcher.sample(sample)

    def after_loss(self, packets: int) -> None:
        """Session."""
        self._lost += packets

    def check_clock(self) -> None:
        """Session."""
        self.desk.check_clock()

    @property
    def gap(self) -> Gap | None:
        """The gap that lasts."""
        return self.ledger.gap

    @property
    def waiting(self) -> int:
        """Bytes handed to volumes and not yet reported."""
        return self._outstanding

    # --- inside ---

    def _cut_now(self) -> None:
        if self._lane is not None:
            self._lane.cut()
        elif self._fragmenter is not None:
            self._fragmenter.cut()

    def begin_anew(self) -> Fragmenter:
        """At a key frame: another fragmenter, and another segment; another run where the clock was set."""
        old = self._fragmenter
        self.fresh = False
        if self.segment is not None:
            self._end_segment()
        number = 1 if old is None else old.number
        if self.steps:
            self._end_run(Cause.CLOCK_STEP.value)
            self._apply_steps()
            number = 1
        self._fragmenter = self._cutter(number)
        return self._fragmenter

    def _apply_steps(self) -> None:
        steps, self.steps = self.steps, []
        for step, epoch, at in steps:
            self.ledger.stepped(step, epoch, at)

    def _cut(self, cut: Cut) -> None:
        """A fragment is finished."""
        size = cut.end - cut.start
        if self._idle is not None:
            self.counters.swallowed += size
        elif self._takes(cut, size):
            self._claim(cut, size)
            return
        else:
            self.counters.dropped += size
        self.desk.pool.give(cut.memory)

    def _takes(self, cut: Cut, size: int) -> bool:
        """Whether a fragment is kept; finds or opens its segment."""
        if self._dropping is not None:
            if not cut.key or (self._dropping is Cause.OVERLOAD and self._outstanding > BUFFER // 2):
                self.fresh = True
                return False
            self._dropping = None
        if self._outstanding + size > BUFFER:
            self.desk.tell(
                OverloadDropped(
                    self.desk.clock.utc(),
                    self.token,
                    self._outstanding,
                    self._shelf.settings.uuid if self._shelf is not None else "",
                )
            )
            self._drop(Cause.OVERLOAD, "")
            return False
        segment = self.segment
        if segment is not None and cut.key and cut.utc - segment.t0 >= self._length() * MICROSECONDS:
            self._end_segment()
            segment = None
        if segment is not None:
            return True
        if not cut.key or not cut.lead:
            self.fresh = True
            return False
        return self._open_segment(cut)

    def _length(self) -> float:
        return PROVISIONAL if self.policy.mode is Mode.EVENT else self.desk.segment_length

    def _open_segment(self, cut: Cut) -> bool:
        ahead, self._ahead = self._ahead, None
        shelf = self.desk.pick(self.policy)
        if shelf is None:
            self._drop(Cause.STORAGE, "no volume")
            return False
        begin = self.ledger.end if self.ledger.gap is None else max(cut.utc, self.ledger.end)
        if not self._entered:
            sql = "INSERT INTO run(id, recording, epoch, t0) VALUES (?, ?, ?, ?)"
            self.desk.enter(Enter([(sql, (self._run, self.recording, self.ledger.epoch, begin))]))
            self._entered = True
        segment = self._make(shelf, begin)
        try:
            segment.head = self._head(segment.id, cut.utc)
        except BadValue as error:
            self._drop(Cause.PROTOCOL, str(error))
            return False
        if ahead is not None:
            if _alike(ahead[0], segment):
                ahead[0].t0, ahead[0].head = begin, self._head(ahead[0].id, cut.utc)
                segment = ahead[0]
            else:
                self._unregister(ahead[0])
        if ahead is None or segment is not ahead[0]:
            self.desk.enter(Enter([open_op(segment)], [segment], at_once=True))
        self.segment, self._shelf = segment, shelf
        self.recent.append(segment)
        self.fresh = bool(self.steps)
        return True

    def _make(self, shelf: Shelf, t0: Utc) -> OpenSegment:
        provisional = self.policy.mode is Mode.EVENT and t0 >= self.wanted_until
        return OpenSegment(
            id=self.desk.next_id(),
            recording=self.recording,
            token=self.token,
            run=self._run,
            volume=shelf.number,
            tracks=self._tracks,
            tracks_id=self.desk.tracks_id(self._tracks),
            epoch=self.ledger.epoch,
            t0=t0,
            hour=hour_of(t0),
            head=b"",
            flags=Flag.PROVISIONAL if provisional else Flag(0),
        )

    def _head(self, segment: int, utc: Utc) -> bytes:
        return head(
            self._tracks,
            Identity(self.desk.recorder, self.token, self.camera, self.stream, self._run, segment, utc),
        )

    def _look_ahead(self, now: Utc) -> None:
        """Register the next segment with a beat's transaction, so that opening it needs none of its own."""
        segment, shelf = self.segment, self._shelf
        if self._ahead is not None or segment is None or shelf is None:
            return
        due = segment.t0 + round((self._length() - 2 * self.desk.beat_length) * MICROSECONDS)
        if now >= due and not self.steps:
            ahead = self._make(shelf, Utc(segment.t0 + round(self._length() * MICROSECONDS)))
            self._ahead = ahead, shelf
            self.desk.enter(Enter([open_op(ahead)], [ahead]))

    def _unregister(self, segment: OpenSegment) -> None:
        self.desk.enter(Enter([("DELETE FROM segment WHERE id = ? AND durable = 0", (segment.id,))]))

    def _claim(self, cut: Cut, size: int) -> None:
        segment, shelf = self.segment, self._shelf
        assert segment is not None
        assert shelf is not None
        first = segment.claimed == 0
        utc_end = cut.utc_end if cut.lead else cut.utc
        if not cut.lead:
            # Sound alone is kept, but it is not what the ledger counts.
            span = dataclasses.replace(self.ledger.recorded(self.ledger.end, self.ledger.end, 0), lead=None)
        else:
            span = self.ledger.recorded(cut.utc, utc_end, self._lost)
            self._lost = 0
        inner = span.lead
        if inner is not None:
            if inner.t1 is not None and inner.t1 - inner.t0 > JITTER:
                self.desk.tell(GapOpened(inner.t0, self.token, inner.cause, inner.detail))
                self.desk.tell(GapClosed(inner.t1, self.token, inner.t0, inner.cause))
            if first:
                self.enter_gap(inner)
                inner = None
            else:
                inner = dataclasses.replace(inner, inside=segment.id)
        self._tell_end(span.t0)
        self._grace = 0.0
        if first:
            segment.t0 = span.t0
        claim = Claim(segment, span, inner, cut.utc, size, cut.key, cut.damaged)
        segment.claimed += size
        self._outstanding += size
        self.counters.octets += size
        self.counters.samples += cut.samples
        shelf.write(Write(claim, cut, self.desk.pool.give))

    def _end_segment(self) -> None:
        segment, shelf = self.segment, self._shelf
        if self._ahead is not None and (self._fragmenter is None or self._idle is not None):
            self._unregister(self._ahead[0])
            self._ahead = None
        if segment is not None and shelf is not None:
            shelf.close(segment)
        self.segment = None

    def _end_run(self, reason: str) -> None:
        if self._ahead is not None:
            self._unregister(self._ahead[0])
            self._ahead = None
        if self._entered:
            sql = "UPDATE run SET t1 = ?, reason = ? WHERE id = ?"
            self.desk.enter(Enter([(sql, (self.ledger.end, reason, self._run))]))
        self._entered = False
        self._run = self.desk.next_id()

    def _drop(self, cause: Cause, detail: str) -> None:
        """Keep nothing until a key frame comes (and there is room)."""
        self._end_segment()
        self._dropping = cause
        self.fresh = True
        self._miss(cause, detail)

    def _resume(self, cause: Cause) -> None:
        self.fresh = self._fragmenter is not None
        self._miss(cause, self._outage_detail if cause is self._outage else "")

    def _miss(self, cause: Cause, detail: str = "") -> None:
        news = self.ledger.missing(cause, self.desk.clock.utc(), detail)
        # What a camera needs for its first picture is told at a beat, where it takes too long.
        if news and not (self.waits and cause.due):
            self._tell_gap()

    @property
    def waits(self) -> bool:
        """Whether a camera has still time to send its first picture."""
        return self._grace > self.desk.clock.monotonic()

    def _tell_gap(self) -> None:
        gap = self.ledger.gap
        assert gap is not None
        if not gap.cause.due:
            self._tell_end(gap.t0)
            return
        self._told = self._told or gap
        self.desk.tell(GapOpened(gap.t0, self.token, gap.cause, gap.detail))

    def _tell_end(self, at: Utc) -> None:
        """It is recorded again, or need not be."""
        told, self._told = self._told, None
        if told is not None:
            self.desk.tell(GapClosed(at, self.token, told.t0, told.cause))

    def enter_gap(self, gap: Gap) -> None:
        """The ledger's `emit`."""
        self.desk.enter(Enter([gap_op(gap)]))


def _looks(tracks: Sequence[Track]) -> str:
    """Codec and size of the picture, "" where there is none."""
    video = next((each for each in tracks if each.kind is Kind.VIDEO), None)
    return "" if video is None else f"{video.codec.name} {video.width}x{video.height}"


def _alike(ahead: OpenSegment, wanted: OpenSegment) -> bool:
    """Whether a segment that was registered ahead can be the one that is wanted."""
    return (ahead.volume, ahead.run, ahead.tracks_id, ahead.epoch, ahead.hour, ahead.flags) == (
        wanted.volume,
        wanted.run,
        wanted.tracks_id,
        wanted.epoch,
        wanted.hour,
        wanted.flags,
    ) and ahead.registered.is_set()
