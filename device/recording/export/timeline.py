"""Which samples of a span go into a file, and where they stand on its time line. Pure.

Positions are ticks of the leading track; 0 is the decode time of the file's first sample. Inside a run they
follow media time; each run, and each set of tracks, is put where the wall clock says. So a gap is a gap in
the file, too. Where the wall clock was set back, what came later stands behind what came before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device.media import MICROSECONDS, Kind, Track, Utc
from device.recording import moof
from device.recording.mp4 import microseconds, ticks

HOLE = MICROSECONDS // 5  #: less than this without a picture is not called a hole
#: A longer hole begins another file: players count a picture's ticks in 32 bits.
LONGEST_HOLE = 6 * 3600 * MICROSECONDS
#: So does what is longer than this: a file's tables are held in memory while it is written.
LONGEST = 12 * 3600 * MICROSECONDS
_MARGIN = 5  #: a fifth of a second of sound before the first picture is kept, for decoders to settle

Same = Callable[[Track, Track], bool]  #: whether samples of both tracks can stand in one track of the file


@dataclass(frozen=True, slots=True)
class Hole:
    """A span without a picture."""

    utc: Utc
    length: int  #: microseconds


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span of the file in which pictures follow one another, and when they were recorded."""

    at: int  #: on the file's time line as it is shown, microseconds
    utc: Utc
    utc_end: Utc


@dataclass(frozen=True, slots=True)
class Taken:
    """The samples `begin` to `end` of one track of a fragment; they go into one track of the file."""

    run: int  #: index into the head's runs
    begin: int
    end: int
    stream: int  #: index into the file's tracks
    track: Track  #: with the parameters that are in force
    offset: int  #: from media time to position, both in the track's ticks


@dataclass(slots=True)
class _Stream:
    """One track of the file."""

    track: Track
    last: int = -1  #: decode time of the last sample
    end: int = 0  #: its end


@dataclass(frozen=True, slots=True)
class _Lane:
    """Where the samples of one of a segment's tracks go."""

    stream: int
    offset: int


@dataclass(slots=True)
class _Shown:
    """A stretch that grows."""

    position: int
    reached: int  #: position of its end
    utc: Utc
    utc_end: Utc


def lead_of(tracks: Sequence[Track]) -> int:
    """Index of the leading track: the first of video, else the first."""
    return next((n for n, track in enumerate(tracks) if track.kind is Kind.VIDEO), 0)


class Line:
    """The time line of one file that is being planned."""

    def __init__(self, tracks: tuple[Track, ...], head: moof.Head, start: Utc, end: Utc, same: Same) -> None:
        """`head`: of the first fragment; `start`, `end`: the span that was asked for."""
        lead = tracks[lead_of(tracks)]
        self.rate = lead.clock_rate
        self.streams = [_Stream(lead)]  # the leading track's first
        self.frames = 0
        self.holes: list[Hole] = []
        self.damaged = False
        self.reached = 0  #: end of the last picture
        self.utc_reached = start
        self.zero = Utc(head.utc - microseconds(head.time - head.runs[0].decode, self.rate))
        self._from, self._end = start, end
        self._same = same
        self._start = ticks(start - self.zero, self.rate)
        # Position and time of the picture that stands when the span begins, and of the first one after.
        self._on_show: tuple[int, Utc] | None = None
        self._earliest: tuple[int, Utc] = (1 << 62, start)
        self._shown: list[_Shown] = []
        self._stretch: tuple[int, tuple[Track, ...]] | None = None
        self._lanes: dict[int, _Lane] = {}
        self._skew = 0
        self._begun = False
        self._fresh = True  # a stretch begins with the next picture

    @property
    def empty(self) -> bool:
        """Nothing of it would be seen."""
        return not self._begun or self.utc_reached <= self._from

    @property
    def first(self) -> int:
        """Position of the first picture shown."""
        return (self._on_show or self._earliest)[0]

    @property
    def utc(self) -> Utc:
        """When it was recorded."""
        return (self._on_show or self._earliest)[1]

    @property
    def pictures(self) -> int:
        """How many are shown."""
        return self.frames + (self._on_show is not None)

    def stretches(self) -> tuple[Stretch, ...]:
        """What is shown, from hole to hole and from run to run."""
        first = self.first
        out = []
        for shown in self._shown:
            if shown.reached <= first:
                continue  # nothing but what a decoder needs
            late = max(0, first - shown.position)
            at = microseconds(shown.position + late - first, self.rate)
            out.append(Stretch(at, Utc(shown.utc + microseconds(late, self.rate)), shown.utc_end))
        return tuple(out)

    def suits(self, tracks: tuple[Track, ...], utc: Utc) -> bool:
        """Whether samples of these tracks, from `utc` on, can go on in this file."""
        if not self._same(tracks[lead_of(tracks)], self.streams[0].track):
            return False
        if utc - self.utc_reached > LONGEST_HOLE:
            return False
        placed, left = self._match(tracks)
        taken = set(placed.values())
        open_kinds = {stream.track.kind for n, stream in enumerate(self.streams) if n not in taken}
        return not any(tracks[number].kind in open_kinds for number in left)

    @property
    def long(self) -> bool:
        """It should end at the next key frame."""
        return microseconds(self.reached, self.rate) >= LONGEST

    def take(self, run: int, tracks: tuple[Track, ...], head: moof.Head) -> list[Taken]:
        """One more fragment, of a run with these tracks: what of it goes into the file."""
        lead = lead_of(tracks)
        if self._stretch != (run, tracks) or abs(self._drift(head) - self._skew) > MICROSECONDS:
            if head.runs[0].track != lead:
                return []  # sound alone cannot say where the run stands
            self._anchor(run, tracks, head)
        clock = tracks[head.runs[0].track].clock_rate
        # The span in media time, by the wall clock of this fragment.
        since, until = (head.time + ticks(utc - head.utc, clock) for utc in (self._from, self._end))
        taken = []
        for number, each in enumerate(head.runs):
            if each.track == lead:
                begin, end = self._pictures(each, head, since, until)
            else:
                begin, end = self._others(each, until * tracks[each.track].clock_rate // clock)
            if end > begin:
                taken.append(self._enter(number, each, begin, end, tracks[each.track]))
        self._begun = self._begun or bool(taken)
        return taken

    def _match(self, tracks: tuple[Track, ...]) -> tuple[dict[int, int], list[int]]:
        """Which stream each track goes on in, and which tracks have none yet."""
        placed: dict[int, int] = {}
        left = []
        lead = lead_of(tracks)
        for number in sorted(range(len(tracks)), key=lambda n: n != lead):
            free = (
                n
                for n, stream in enumerate(self.streams)
                if n not in placed.values() and self._same(stream.track, tracks[number])
            )
            stream = next(free, None)
            if stream is None:
                left.append(number)
            else:
                placed[number] = stream
        return placed, left

    def _anchor(self, run: int, tracks: tuple[Track, ...], head: moof.Head) -> None:
        self._stretch = (run, tracks)
        position = ticks(head.utc - self.zero, self.rate)
        decode = head.runs[0].decode
        offset = max(position - head.time, self.reached - head.time, self.streams[0].end - decode)
        placed, left = self._match(tracks)
        for number in left:
            placed[number] = len(self.streams)
            self.streams.append(_Stream(tracks[number]))
        self._lanes = {
            number: _Lane(stream, offset * tracks[number].clock_rate // self.rate)
            for number, stream in placed.items()
        }
        self._skew = self._drift(head)
        self._fresh = True

    def _drift(self, head: moof.Head) -> int:
        """By how much the fragment stands later than the wall clock says, microseconds."""
        lane = self._lanes.get(head.runs[0].track)
        if lane is None:
            return 0
        rate = self.streams[lane.stream].track.clock_rate
        return self.zero + microseconds(head.time + lane.offset, rate) - head.utc

    def _pictures(self, run: moof.Run, head: moof.Head, since: int, until: int) -> tuple[int, int]:
        """Which samples of the leading track are taken; keeps account of what is shown."""
        offset = self._lanes[run.track].offset
        times = run.times()
        end = max((n + 1 for n, time in enumerate(times) if time < until), default=0)
        if not end:
            return 0, 0
        begin = 0
        if not self._begun:
            keys = run.keys()
            early = (n for n in range(end) if keys[n] and times[n] <= since)
            begin = max(early, default=0)
        kept = times[begin:end]
        shown = [time for time in kept if time < until]
        for time in shown:
            found = time + offset, Utc(head.utc + microseconds(time - head.time, self.rate))
            if time <= since:
                self._on_show = found if self._on_show is None else max(self._on_show, found)
            else:
                self.frames += 1
                self._earliest = min(self._earliest, found)
        last = max(shown)
        following = min((time for time in kept if time > last), default=last + run.durations[end - 1])
        utc_end = Utc(head.utc + microseconds(following - head.time, self.rate))
        utc = Utc(head.utc + microseconds(min(shown) - head.time, self.rate))
        self._show(min(kept) + offset, utc, following + offset, utc_end)
        return begin, end

    def _show(self, position: int, utc: Utc, reached: int, utc_end: Utc) -> None:
        """Pictures from one position to another are shown."""
        hole = microseconds(position - self.reached, self.rate)
        if self.reached and hole > HOLE:
            self._fresh = True
            if position > self._start:
                self.holes.append(Hole(self.utc_reached, hole))
        if self._fresh:
            self._shown.append(_Shown(position, reached, utc, utc_end))
        self._shown[-1].reached, self._shown[-1].utc_end = reached, utc_end
        self._fresh = False
        self.reached = reached
        self.utc_reached = utc_end

    def _others(self, run: moof.Run, until: int) -> tuple[int, int]:
        """Which samples of another track are taken: those of the span, and a little before it."""
        lane = self._lanes[run.track]
        stream = self.streams[lane.stream]
        rate = stream.track.clock_rate
        least = max(0, stream.last + 1, self._start * rate // self.rate - rate // _MARGIN)
        times = run.times()
        begin = next((n for n, time in enumerate(times) if time + lane.offset >= least), len(times))
        end = next((n for n in range(begin, len(times)) if times[n] >= until), len(times))
        return begin, end

    def _enter(self, number: int, run: moof.Run, begin: int, end: int, track: Track) -> Taken:
        lane = self._lanes[run.track]
        stream = self.streams[lane.stream]
        stream.last = run.decode + sum(run.durations[: end - 1]) + lane.offset
        stream.end = stream.last + run.durations[end - 1]
        self.damaged = self.damaged or any(run.damage()[begin:end])
        return Taken(number, begin, end, lane.stream, track, lane.offset)
