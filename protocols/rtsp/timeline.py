"""From RTP timestamps to the recorder's wall clock. Pure.

A camera's clock may be wrong by hours, and runs up to some hundred ppm too fast or too slow. So the truth is
the recorder's clock at the moment of arrival; the timestamps only say how far apart two pictures are. What
arrives is late by a delay that varies but is never negative, so the line that maps media time to local time
is held against the *earliest* arrivals: what comes before the line says pulls it at once; when for `WINDOW`
seconds everything has come after it, the line is moved up to the earliest of those. It moves by slewing,
so that wall time within a run runs on strictly with media time; up by more than `LEAP` it moves at once, and
media time with it: timestamps stood while time went on.

Timestamps may also be wrong: they stand still, run backward, leap. Pictures travel in decoding order, so a
timestamp that is not newer is right if the picture is shown between the two newest before it (the orders that
hierarchical coding gives, whatever of them is lost, never go further back), and if the parameter sets do not
say that nothing is reordered. Every other one, and one that says a time still to come, is not used: the unit
stands where the recorder's clock says, one usual distance behind the unit before it as long as that agrees
with its arrival within `NEAR`, else at its arrival. Media time goes on by just as much. The first such unit
of an episode marks the line as `broken`, so that a new run begins at the next key frame.

Some clocks tell a speed that is not theirs: twenty pictures a second with the timestamps of twenty-five. Where
the line had to be moved by more than `HONEST` of the time in two windows alike, a tick is taken for as long as
it is; otherwise media time is the timestamps', to the tick.

Sender reports (RFC 3550 s6.4.1) tie the tracks of one camera to each other: where two tracks have reports,
the second is placed by the first one's line instead of by its own arrivals, so that sound keeps in step with
the picture.

Local time here is the recorder's monotonic clock; its distance to UTC follows the wall clock by the same
slewing as long as it moves by less than `WALL_STEP`. A greater step is a new run (see
`docs/design/recording.md`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from device.media import MICROSECONDS, Utc
from protocols.rtsp.rtcp import SenderReport
from protocols.rtsp.rtp import apart

LEAP = 0.5  #: seconds that a timestamp may say of the future before it is not believed
BURST = 5.0  #: the same in the first window: servers begin with what they had kept
REORDER = 2.0  #: seconds that a timestamp may go back: pictures that are sent in decoding order
NEAR = 0.1  #: seconds between arrival and the usual time of a unit without a timestamp that can be used
EPISODE = 10.0  #: seconds without a wrong timestamp, after which the next is the first of another episode
LATE = 0.1  #: seconds by which a whole window may be late and be followed slowly
WINDOW = 10.0  #: seconds of arrivals from which the earliest is taken
CATCH_UP = 0.5  #: of the media time between two units, by which the line moves while it is early or far off
SLEW = 0.02  #: of the same, otherwise
HONEST = 0.005  #: of its speed, by which a clock may be wrong and be followed by slewing
WALL_STEP = 0.5  #: seconds
REPORT_AGE = 60.0  #: seconds after which a sender report no longer ties
REPORT_SKEW = 1.0  #: seconds by which a report may contradict the arrivals before it is ignored
_NEVER = float("inf")


class Instant(NamedTuple):
    """Now, on both clocks of the recorder."""

    monotonic: float  #: seconds
    utc: Utc


class Wall:
    """The distance from monotonic time to UTC, followed without steps."""

    __slots__ = ("_offset", "_target", "stepped")

    def __init__(self, now: Instant) -> None:
        self._offset = self._target = now.utc - now.monotonic * MICROSECONDS
        self.stepped = False  #: the wall clock was set: end the run, then call `restart`

    def observe(self, now: Instant) -> None:
        """To be called at each arrival."""
        self._target = now.utc - now.monotonic * MICROSECONDS
        behind = self._target - self._offset
        if behind > WALL_STEP * MICROSECONDS or behind < -WALL_STEP * MICROSECONDS:
            self.stepped = True
        elif behind:
            # A fiftieth of the way at each arrival, and never more than 1 ms.
            self._offset += max(-1000.0, min(1000.0, behind / 50))

    def restart(self) -> None:
        """A new run begins: take the wall clock as it is."""
        self._offset = self._target
        self.stepped = False

    def utc(self, local: float) -> Utc:
        """UTC of a monotonic time."""
        return Utc(round(local * MICROSECONDS + self._offset))


@dataclass(slots=True)
class _Report:
    """A sender report: the camera's wall time and the media time of one instant."""

    ntp: float  #: seconds
    timestamp: int  #: 32 bits
    at: float  #: monotonic


class Line:
    """Media time of one track, unwrapped, and the local time of each of its instants."""

    __slots__ = (
        "_ahead",
        "_before",
        "_begun",
        "_earliest",
        "_guess",
        "_last",
        "_limit",
        "_moved",
        "_owed",
        "_pace",
        "_report",
        "_units",
        "_usual",
        "_window",
        "_wrong",
        "broken",
        "local",
        "rate",
        "reorders",
        "time",
    )

    def __init__(self, clock_rate: int) -> None:
        self.rate = float(clock_rate)
        self.reorders = False  #: units may come in another order than that of their instants
        self.time = 0  #: media time of the newest unit, ticks
        self.local = 0.0  #: local time of `time`, by the line
        self.broken = False  #: timestamps were wrong: begin a new run at the next key frame
        self._begun = False
        self._last = 0  # 32-bit timestamp of the newest unit
        self._ahead = 0  # ticks by which the newest unit is newer than the newest one before it
        self._before = 0.0  # local time of that one
        self._limit = BURST  # seconds of the future that a timestamp may say
        self._wrong = -_NEVER  # arrival of the last unit with a wrong timestamp
        self._pace = 1.0  # true length of a tick
        self._guess = 1.0  # the same, as the last window had it
        self._owed = 0.0  # by which the line is still to be moved
        self._moved = 0.0  # by which it was, in this window
        self._window = 0.0  # arrival of its first unit
        self._units = 0  # that arrived in it since
        self._usual = 0.0  # seconds between two units, as the last window had it; 0: not known
        self._earliest = _NEVER
        self._report: _Report | None = None

    def place(self, timestamp: int, arrival: float) -> tuple[int, float]:
        """Media time in ticks and local time in seconds of a unit with this RTP timestamp that arrived
        now.
        """
        if not self._begun:
            return self._begin(timestamp, arrival)
        self._units += 1
        step = (timestamp - self._last) & 0xFFFF_FFFF
        if step >= 0x8000_0000:
            step -= 0x1_0000_0000
        span = step / self.rate * self._pace
        if step <= 0:
            if self.reorders and -self._ahead < step < 0 and span > -REORDER:
                # Between the two newest units the line is straight; it bends at them.
                back = round(step * self._pace)
                return self.time + back, self.local + step / self._ahead * (self.local - self._before)
            step, span = self._without(arrival)
        elif self.local + span - arrival > self._limit:
            step, span = self._without(arrival)
        else:
            self._ahead = step
            if self._pace != 1.0:
                step = max(1, round(step * self._pace))
        self._last = timestamp
        self.time += step
        local = self.local + span
        late = arrival - local
        if late < self._earliest:
            self._earliest = late
        if late < 0.0:
            self._owed = late
        if arrival - self._window >= WINDOW:
            local += self._close_window(arrival)
        owed = self._owed
        if owed:
            most = span * (CATCH_UP if owed < 0.0 or owed > LATE else SLEW)
            moved = -most if owed < -most else min(owed, most)
            local += moved
            self._moved += moved
            self._owed = owed - moved
            self._earliest -= moved
        self._before, self.local = self.local, local
        return self.time, local

    def report(self, ntp: float, timestamp: int, now: float) -> None:
        """A sender report came: `ntp` in seconds of the camera's clock."""
        self._report = _Report(ntp, timestamp, now)

    def at_camera_time(self, ntp: float, now: float) -> float | None:
        """Local time of an instant that the camera's clock calls `ntp`; None without a report to tell by."""
        report = self._report
        if report is None or not self._begun or now - report.at > REPORT_AGE:
            return None
        behind = apart(report.timestamp, self._last)
        return self.local + behind / self.rate + (ntp - report.ntp)

    def camera_time(self, timestamp: int, now: float) -> float | None:
        """What the camera's clock called the instant of this RTP timestamp; None without a report."""
        report = self._report
        if report is None or now - report.at > REPORT_AGE:
            return None
        ahead = apart(timestamp, report.timestamp)
        return report.ntp + ahead / self.rate

    def guesses(self, now: float) -> bool:
        """Whether timestamps were wrong of late, so that arrivals are all that units are placed by."""
        return now - self._wrong < EPISODE

    def _begin(self, timestamp: int, arrival: float) -> tuple[int, float]:
        self._begun = True
        self.local = arrival
        self._last = self.time = timestamp
        self._begin_window(arrival)
        return self.time, self.local

    def _without(self, arrival: float) -> tuple[int, float]:
        """Ticks and seconds from the newest unit to this one, whose timestamp is wrong."""
        self._distrust(arrival)
        self._ahead = 0
        passed, usual = arrival - self.local, self._usual
        if usual and abs(passed - usual) <= NEAR:
            span = usual
        else:
            span = max(passed, min(usual, NEAR) / 2)
            self._owed = 0.0
            self._earliest = _NEVER
        ticks = max(1, round(span * self.rate))
        return ticks, ticks / self.rate

    def _distrust(self, arrival: float) -> None:
        """The timestamps were wrong."""
        if arrival - self._wrong >= EPISODE:
            self.broken = True
        self._wrong = arrival

    def _close_window(self, arrival: float) -> float:
        """Seconds by which the line moves at once: timestamps that stood while time went on."""
        elapsed = arrival - self._window
        self._usual = elapsed / self._units
        late, leap = self._earliest, 0.0
        if LEAP < late < _NEVER:
            self._distrust(arrival)
            ticks = round(late * self.rate)
            self.time += ticks
            leap = ticks / self.rate
            self._owed = 0.0
        elif 0.0 < late < _NEVER and self._owed >= 0.0:
            self._owed = late
        self._limit = LEAP
        self._learn_pace(elapsed, self._moved + leap)
        self._begin_window(arrival)
        return leap

    def _learn_pace(self, elapsed: float, moved: float) -> None:
        guess = min(max(self._pace * elapsed / max(elapsed - moved, elapsed / 4), 0.25), 4.0)
        if abs(guess - self._guess) < HONEST:
            self._pace = guess if abs(guess - 1.0) > HONEST else 1.0
        self._guess = guess

    def _begin_window(self, arrival: float) -> None:
        self._moved = 0.0
        self._window = arrival
        self._units = 0
        self._earliest = _NEVER


class Timeline:
    """The lines of all tracks of one session. `main` is the track that the others are tied to by sender
    reports.

    A wall clock that was set is noticed at the next arrival. What arrives until the next key frame keeps the
    old one, for it is a part of the run that ends.
    """

    __slots__ = ("_lines", "_main", "_shifts", "wall")

    def __init__(self, clock_rates: Sequence[int], main: int, now: Instant) -> None:
        self._lines = [Line(rate) for rate in clock_rates]
        self._shifts = [0.0] * len(clock_rates)  # seconds by which reports move a track against its own line
        self._main = main
        self.wall = Wall(now)

    def observe(self, now: Instant) -> None:
        """To be called at each arrival."""
        self.wall.observe(now)

    @property
    def broken(self) -> bool:
        """Whether the next key frame should begin a new run: timestamps of the main track jumped, or the
        wall clock.
        """
        return self._lines[self._main].broken or self.wall.stepped

    def guesses(self, now: float) -> bool:
        """Whether the timestamps of the main track were wrong of late: the sooner its arrivals are seen, the better."""
        return self._lines[self._main].guesses(now)

    def restart(self) -> None:
        """A new run begins."""
        for line in self._lines:
            line.broken = False
        self.wall.restart()

    def place(self, track: int, timestamp: int, arrival: float) -> tuple[int, Utc]:
        """Media time in ticks and wall time of the unit of `track` with this RTP timestamp, arriving now.

        Within a run wall time grows strictly with media time.
        """
        line = self._lines[track]
        before = line.time
        time, local = line.place(timestamp, arrival)
        if track != self._main:
            local += self._tied(track, timestamp, arrival, local, (line.time - before) / line.rate)
        return time, self.wall.utc(local)

    def reordered(self, reorders: bool) -> None:
        """Whether units of the main track may come in another order than they are shown."""
        self._lines[self._main].reorders = reorders

    def again(self, track: int) -> Utc:
        """Wall time of the newest unit of `track`, after `restart`."""
        return self.wall.utc(self._lines[track].local)

    def report(self, track: int, report: SenderReport, arrival: float) -> None:
        """A sender report of `track` came."""
        self._lines[track].report(report.ntp / (1 << 32), report.timestamp, arrival)

    def _tied(self, track: int, timestamp: int, arrival: float, local: float, span: float) -> float:
        """By how much the reports move this unit: slewed, so that a report makes no step."""
        wanted = 0.0
        ntp = self._lines[track].camera_time(timestamp, arrival)
        if ntp is not None:
            told = self._lines[self._main].at_camera_time(ntp, arrival)
            if told is not None and abs(told - local) < REPORT_SKEW:
                wanted = told - local
        most = span * SLEW
        shift = self._shifts[track]
        shift += max(-most, min(most, wanted - shift))
        self._shifts[track] = shift
        return shift
