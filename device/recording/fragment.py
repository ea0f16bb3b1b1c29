"""From access units to fragments: the hot path between a camera's socket and the disk.

Pure but for its memory. The source lays video down in place (`Lane`); at a cut the head is written into
the room kept free before the samples, the other tracks' samples and the trailing box behind them, and the
whole is one aligned range for one `pwrite`. Video is copied only where a unit that is not part of the
fragment stands behind it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap

from zlib_ng.zlib_ng import crc32

from device.errors import BadValue
from device.media import MICROSECONDS, Codec, Kind, Track, Utc
from device.recording import moof, trailer
from device.recording.decoding import Decoding
from device.recording.mp4 import DAMAGED, DELTA, SYNC, microseconds, ticks
from device.recording.segment import require_storable
from device.recording.trailer import ALIGN

MEMORY = 4 << 20  #: bytes of one map; only what is touched is really taken
LARGEST = 64 << 20  #: bytes; a stream never has a larger map, so no larger access unit
SPARE = 64  #: maps kept for reuse; further ones are unmapped
ORIGIN = 1  #: seconds of media time at which a run begins: B-frames are decoded before they are shown
JUMP = 5  #: seconds between neighbours beyond which media time is believed only if the wall clock agrees
BACKWARD = 0.5  #: seconds that a B-frame may step back, or a few pictures where they are slow; more is a jump
LIP_SYNC = 0.3  #: seconds that another track may drift from the lane's before it is set right
PAUSE = 2  #: seconds between neighbours that are not in one fragment: only then the ledger sees it
LONGEST = 86_400  #: seconds; the longest silence that is kept as such inside a run

_SLEW = 100  #: a clock that is off by more than one part in so many is not honest
_HEAD_ROOM = 4 * ALIGN  #: holds the largest head: MOST_SAMPLES and MOST_OTHERS in MOST_TRACKS
_MOST_SAMPLES = 512  #: of the lane in one fragment
_MOST_OTHERS = 512  #: of all other tracks together
_FREE = struct.Struct(">I4s")


class Pool:
    """Anonymous maps for fragments. `take` on the loop's thread, `give` on any."""

    def __init__(self, size: int = MEMORY, largest: int = LARGEST) -> None:
        if not 16 * ALIGN <= size <= largest or size % ALIGN:
            raise BadValue(
                "size", f"{size}: a multiple of {ALIGN} from {16 * ALIGN} to {largest} bytes is needed"
            )
        self.size = size
        self.largest = largest
        self._free: list[mmap] = []

    def take(self, least: int) -> mmap:
        """A map of at least `least` bytes; what it holds is undefined. `least` is at most `largest`."""
        if least > self.size:
            size = self.size
            while size < least:
                size *= 2
            return mmap(-1, min(size, self.largest), MAP_PRIVATE | MAP_ANONYMOUS)
        try:
            return self._free.pop()
        except IndexError:
            return mmap(-1, self.size, MAP_PRIVATE | MAP_ANONYMOUS)

    def give(self, memory: mmap) -> None:
        """Take back a map that nobody reads any more."""
        if len(memory) == self.size and len(self._free) < SPARE:
            self._free.append(memory)


@dataclass(frozen=True, slots=True)
class Cut:
    """One finished fragment: `memory[start:end]` goes to the disk as it is; then `memory` to the pool.

    Its leading track is the lane's; where it has no sample of that, the first other track that it has.
    """

    memory: mmap
    start: int  #: multiple of 4096
    end: int
    number: int  #: within the run
    utc: Utc  #: of the leading track's first sample
    utc_end: Utc  #: end of its last one: by the next one where that is known, else by the usual duration
    time: int  #: media time of its first sample, ticks since the run began (which is at ORIGIN)
    key: bool  #: begins with a key frame
    damaged: bool  #: holds damaged samples
    lead: bool  #: has samples of the lane's track, or there is no lane
    samples: int  #: of the leading track
    keys: int


class _Other:
    """What waits of one track besides the lane's."""

    __slots__ = ("data", "last", "rate", "shift", "step", "times", "utc")

    def __init__(self, track: Track) -> None:
        self.rate = track.clock_rate
        self.step = _usual_step(track)
        self.shift: int | None = None  #: from the camera's media time to the run's
        self.last = -1
        self.times: list[int] = []
        self.data: list[bytes] = []
        self.utc = Utc(0)  #: of the first that waits


def _usual_step(track: Track) -> int:
    """Ticks that one sample lasts, until two were seen."""
    if track.codec is Codec.AAC:
        return 1024
    return track.clock_rate // (25 if track.kind is Kind.VIDEO else 50 if track.kind is Kind.AUDIO else 1)


class Fragmenter:
    """Makes the fragments of one run with one set of tracks. Is the `Lane` of its first video track, if any.

    Raises nothing on account of what a camera sends, but BadValue when it is made, for tracks that no file
    can describe. Counts what it does not take: `waiting` (before the first key frame), `refused` (too large,
    or too much at once), and `jumps` (media time that neither went on nor followed the wall clock; it is set
    right).

    `key_after`, seconds: where a fragment that begins with a key frame is older than that, the next key frame
    begins another; and always where it does not begin with one. So wherever a stream has key frames at least
    `key_after` apart, each of them begins a fragment.
    """

    __slots__ = (
        "_base",
        "_decoding",
        "_flags",
        "_head_size",
        "_high",
        "_key_after",
        "_lane",
        "_last_key",
        "_low",
        "_newest",
        "_newest_utc",
        "_on_cut",
        "_others",
        "_others_count",
        "_others_room",
        "_others_size",
        "_pace",
        "_pace_utc",
        "_pool",
        "_rate",
        "_shift",
        "_sizes",
        "_started",
        "_times",
        "_utc",
        "fill",
        "jumps",
        "limit",
        "memory",
        "number",
        "refused",
        "tracks",
        "waiting",
        "written",
    )

    def __init__(
        self,
        tracks: Sequence[Track],
        pool: Pool,
        on_cut: Callable[[Cut], None],
        *,
        first_number: int,
        key_after: float,
    ) -> None:
        require_storable(tracks)
        self.tracks = tuple(tracks)
        self.number = first_number  #: of the next fragment
        self.waiting = self.refused = self.jumps = 0
        self._pool = pool
        self._on_cut = on_cut
        self._lane = next((n for n, track in enumerate(tracks) if track.kind is Kind.VIDEO), -1)
        self._others = {n: _Other(t) for n, t in enumerate(tracks) if n != self._lane}
        self._others_count = self._others_size = 0
        self._others_room = pool.size // 8
        lead = self.tracks[max(self._lane, 0)]
        self._rate = lead.clock_rate
        self._high = JUMP * self._rate
        self._low = 0  # set with the duration of a picture
        self._key_after = round(key_after * self._rate)
        self._decoding = Decoding(_usual_step(lead))
        self._started = self._last_key = False
        self._shift = self._newest = self._pace = 0
        self._newest_utc = self._pace_utc = self._utc = Utc(0)
        self._times: list[int] = []
        self._sizes: list[int] = []
        self._flags: list[int] = []
        self._head_size = 0
        self.memory: mmap
        self.fill = self.written = self.limit = 0
        self._lay_out(pool.take(0))

    # --- the lane ---

    def commit(self, end: int, time: int, utc: Utc, key: bool, damaged: bool) -> None:
        """Lane: the bytes from `fill` to `end` are one access unit of the first video track."""
        fill = self.fill
        if end <= fill or end > self.limit:
            self.refused += 1
            self.written = fill
            return
        if not self._started:
            if not key:
                self.waiting += 1
                self.written = fill
                return
            self._start(time, utc, self._rate)
        placed = time + self._shift
        following: int | None = placed
        if not self._low <= placed - self._newest <= self._high and not self._pause(placed, utc):
            placed, following = self._newest + self._wall(utc), None
        if self._times and (following is None or self._due(key, placed)):
            self._turn(end, 0, following)
        if not self._times:
            placed = self._keep_pace(placed, utc)
            self._utc = utc
        if placed != time + self._shift:
            self._shift = placed - time
            self.jumps += 1
        if placed - self._newest > self._high or following is None:
            self._decoding.resume(placed)
        if placed == self._newest:
            placed += 1
        if placed > self._newest:
            self._newest, self._newest_utc = placed, utc
        self._times.append(placed)
        self._sizes.append(end - fill)
        self._flags.append((SYNC if key else DELTA) | (DAMAGED if damaged else 0))
        self._last_key = key
        self.fill = self.written = self.fill + end - fill

    def _due(self, key: bool, placed: int) -> bool:
        """Whether a sample at `placed` begins another fragment."""
        age = placed - self._times[0]
        seekable = self._flags[0] & SYNC == SYNC
        return (
            (key and not self._last_key and (age >= self._key_after or not seekable))
            or len(self._times) == _MOST_SAMPLES
            or self._others_count * 2 > _MOST_OTHERS
            or self._others_size * 2 > self._others_room
            or age > self._high
            or placed - self._newest > PAUSE * self._rate
        )

    def grow(self, end: int, room: int) -> bool:
        """Lane: make room for an access unit that does not fit behind what is there."""
        half = max(0, end - self.fill)
        need = half + max(0, room)
        if need + self._overhead() > self._pool.largest:
            self.refused += 1
            self.written = self.fill
            return False
        if self._times:
            self._turn(end, need, None)
        elif self.limit - self.fill < need:
            old, _ = self._swap(end, min(2 * need, self._pool.largest - self._overhead()))
            self._pool.give(old)
        return True

    # --- the other tracks ---

    def add(self, track: int, time: int, utc: Utc, data: bytes) -> None:
        """One sample of a track other than the lane's."""
        other = self._others.get(track)
        if other is None or not data or len(data) > self._others_room:
            self.refused += 1
            return
        if self._lane < 0:
            if not self._started:
                self._rate = other.rate
                self._start(time, utc, other.rate)
            if self._others_count == _MOST_OTHERS or self._others_size + len(data) > self._others_room:
                self.cut()
        elif not self._started:
            self.waiting += 1
            return
        if self._others_count == _MOST_OTHERS or self._others_size + len(data) > self._others_room:
            self.refused += 1
            return
        placed = self._place(other, time, utc)
        if placed < 0:
            self.waiting += 1
            return
        if other.last >= 0 and placed - other.last < JUMP * other.rate:
            other.step = placed - other.last
        other.last = placed
        if not other.times:
            other.utc = utc
        other.times.append(placed)
        other.data.append(data)
        self._others_count += 1
        self._others_size += len(data)

    def _place(self, other: _Other, time: int, utc: Utc) -> int:
        """Where a sample of another track stands in the run: by its own clock, set right by the wall one."""
        anchor = microseconds(self._newest, self._rate)
        apart = min(max(utc - self._newest_utc, -LONGEST * MICROSECONDS), LONGEST * MICROSECONDS)
        expected = ticks(anchor + apart, other.rate)
        if other.shift is None or abs(time + other.shift - expected) > LIP_SYNC * other.rate:
            other.shift = expected - time
        placed = time + other.shift
        return placed if placed < 0 else max(placed, other.last + 1)

    # --- cutting ---

    def cut(self) -> None:
        """At a beat, and at the end of the run: finish what is there. Calls `on_cut` if there is any."""
        if self._times or self._others_count:
            self._turn(max(self.written, self.fill), 0, None)

    def missed(self) -> None:
        """Pictures are missing behind what is there: what comes begins another fragment."""
        self.cut()
        self._decoding.missed()

    def _start(self, time: int, utc: Utc, rate: int) -> None:
        self._started = True
        self._shift = ORIGIN * rate - time
        self._pace = ORIGIN * rate
        self._newest = self._pace - 1
        self._newest_utc = self._pace_utc = utc

    def _wall(self, utc: Utc) -> int:
        """Ticks since the newest picture by the wall clock; at least one picture's, so that time goes on."""
        passed = ticks(min(max(utc - self._newest_utc, 0), LONGEST * MICROSECONDS), self._rate)
        return max(passed, self._decoding.step)

    def _pause(self, placed: int, utc: Utc) -> bool:
        """Whether a camera that was silent goes on: media time is ahead by as much as the wall clock."""
        ahead, wall = placed - self._newest, self._wall(utc)
        return 0 < ahead <= LONGEST * self._rate and abs(ahead - wall) <= self._high + wall // 20

    def _keep_pace(self, placed: int, utc: Utc) -> int:
        """Once a fragment: where media time has left the wall clock by more than JUMP, set it right.

        It stood still, or ran at another speed than it said. The drift of honest clocks is followed."""
        elapsed = ticks(min(utc - self._pace_utc, LONGEST * MICROSECONDS), self._rate)
        expected = self._pace + elapsed
        apart = placed - expected
        if elapsed < 0 or placed - self._newest > self._high:  # not for this to judge
            apart, expected = 0, placed
        elif abs(apart) > self._high:
            placed = max(expected, self._newest + self._decoding.step)
            apart, expected = 0, placed
        slew = elapsed // _SLEW
        self._pace, self._pace_utc = expected + min(max(apart, -slew), slew), utc
        return placed

    def _overhead(self) -> int:
        """Bytes of a map that are not for access units: head, other tracks, trailing box."""
        return _HEAD_ROOM + ALIGN + self._others_room + 2 * ALIGN

    def _lay_out(self, memory: mmap) -> None:
        """Begin in `memory`, so that a head like the last one will need little padding."""
        self.memory = memory
        step = max(BACKWARD * self._rate, 4 * self._decoding.step)
        self._low = -round(min(step, ORIGIN * self._rate - 1))
        self._base = _HEAD_ROOM + (self._head_size + 64) % ALIGN
        self.fill = self.written = self._base
        self.limit = len(memory) - self._others_room - 2 * ALIGN

    def _swap(self, end: int, room: int) -> tuple[mmap, int]:
        """Go on in another map, with the half access unit that stands from `fill` to `end`.

        There will be `room` bytes from its beginning. Returns the old map and where its payload began."""
        old, base, half = self.memory, self._base, slice(self.fill, end)
        self._lay_out(self._pool.take(self._overhead() + max(room, end - half.start)))
        if end > half.start:
            with memoryview(old) as source, memoryview(self.memory) as target:
                self.written = self.fill + end - half.start
                target[self.fill : self.written] = source[half]
        return old, base

    def _turn(self, end: int, room: int, following: int | None) -> None:
        """Finish the fragment and begin another. `following`: time of the lane's next sample, if known."""
        video, fill, flags = len(self._times), self.fill, self._flags
        runs = self._runs(following)
        others = [data for other in self._others.values() for data in other.data]
        lead = runs[0].track
        utc = self._utc if video else self._others[lead].utc
        head = moof.Head(self.number & 0xFFFFFFFF, utc, runs[0].times()[0], runs)
        data = moof.write(head)
        self._head_size = len(data)
        memory, base = self._swap(end, room)
        damaged = any(flag & DAMAGED for flag in flags)
        key = flags[0] & SYNC == SYNC if video else self._lane < 0
        leads = video > 0 or self._lane < 0
        marks = trailer.KEY * key | trailer.DAMAGED * damaged | trailer.LEAD * leads
        with memoryview(memory) as view:
            for sample in others:
                view[fill : fill + len(sample)] = sample
                fill += len(sample)
            start, stop = _seal(view, base, fill, data, head.number, marks)
        self._forget()
        self.number += 1
        utc_end = head.utc_end(self.tracks[lead].clock_rate)
        keys = sum(flag & SYNC == SYNC for flag in flags) if video else len(runs[0].sizes)
        self._on_cut(
            Cut(
                memory=memory,
                start=start,
                end=stop,
                number=head.number,
                utc=utc,
                utc_end=utc_end,
                time=head.time,
                key=key,
                damaged=damaged,
                lead=leads,
                samples=len(runs[0].sizes),
                keys=keys,
            )
        )

    def _runs(self, following: int | None) -> tuple[moof.Run, ...]:
        runs = []
        if self._times:
            decode = self._decoding.assign(self._times)
            last = self._decoding.step
            if following is not None and not self._decoding.depth and 0 < following - decode[-1] <= 4 * last:
                last = following - decode[-1]  # more is no picture's duration, but pictures that are missing
            shifts: list[int] = []
            if decode != self._times:
                shifts = [time - at for time, at in zip(self._times, decode, strict=True)]
            runs.append(
                moof.Run(self._lane, decode[0], _durations(decode, last), self._sizes, self._flags, shifts)
            )
        for number, other in self._others.items():
            if other.times:
                sizes = [len(data) for data in other.data]
                runs.append(
                    moof.Run(number, other.times[0], _durations(other.times, other.step), sizes, (), ())
                )
        return tuple(runs)

    def _forget(self) -> None:
        self._times, self._sizes, self._flags = [], [], []
        for other in self._others.values():
            other.times, other.data = [], []
        self._others_count = self._others_size = 0


def _durations(decode: list[int], last: int) -> list[int]:
    out = [min(after - before, 0xFFFFFFFF) for before, after in pairwise(decode)]
    out.append(min(last, 0xFFFFFFFF))
    return out


def _seal(memory: memoryview, base: int, fill: int, head: bytes, number: int, marks: int) -> tuple[int, int]:
    """Put padding and head before the payload `base`..`fill`, the trailing box behind; returns all."""
    front = base - len(head)
    start = front & -ALIGN
    if 0 < front - start < 8:
        start -= ALIGN
    stop = (fill + trailer.SIZE + ALIGN - 1) & -ALIGN
    if front > start:
        _FREE.pack_into(memory, start, front - start, b"free")
        memory[start + 8 : front] = bytes(front - start - 8)
    memory[front:base] = head
    head_crc = crc32(head, trailer.seed(number, stop - start, marks))
    with memory[base:fill] as payload:
        crc = crc32(payload, head_crc)
    trailer.write(memory, fill, stop, trailer.Trailer(number, stop - start, marks, head_crc, crc))
    return start, stop
