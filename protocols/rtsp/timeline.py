"""From RTP timestamps to the recorder's wall clock. Pure.

A camera's clock may be wrong by hours, and runs up to some hundred ppm too fast or too slow. So the truth is
the recorder's clock at the moment of arrival; the timestamps only say how far apart two pictures are. What
arrives is late by a delay that varies but is never negative, so the line that maps media time to local time
is held against the *earliest* arrivals: what comes before the line says pulls it at once; when for `WINDOW`
seconds everything has come after it, the line is moved up to the earliest of those. It moves by slewing,
never by more than `STEP` between two units, so that wall time within a run runs on strictly with media time.

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

JUMP = 5.0  #: seconds that a timestamp may run ahead of arrival before it is called a jump
REORDER = 2.0  #: seconds that a timestamp may go back: pictures that are sent in decoding order
DRIFT_LIMIT = 30.0  #: seconds between line and arrivals before the line is begun anew
WINDOW = 10.0  #: seconds of arrivals from which the earliest is taken
STEP = 0.02  #: seconds by which the line may move between two units
CATCH_UP = 0.5  #: of the media time between two units, by which the line may move while it is early
SLEW = 0.01  #: of the same, otherwise
WALL_STEP = 0.5  #: seconds
REPORT_AGE = 60.0  #: seconds after which a sender report no longer ties
REPORT_SKEW = 1.0  #: seconds by which a report may contradict the arrivals before it is ignored


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
            # A thousandth of the way at each arrival, and never more than 1 ms.
            self._offset += max(-1000.0, min(1000.0, behind / 1000))

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
        "_begun",
        "_earliest",
        "_last",
        "_last_arrival",
        "_owed",
        "_report",
        "_window_end",
        "broken",
        "local",
        "rate",
        "time",
    )

    def __init__(self, clock_rate: int) -> None:
        self.rate = float(clock_rate)
        self._begun = False
        self._last = 0  # 32-bit timestamp of the newest unit
        self._last_arrival = 0.0
        self.local = 0.0  #: local time of `time`, by the line
        self._owed = 0.0  # by which the line is still to be moved
        self._earliest = JUMP * 1000
        self._window_end = 0.0
        self._report: _Report | None = None
        self.time = 0  #: media time of the newest unit, ticks
        self.broken = (
            False  #: timestamps jumped and `place` bridged it: begin a new run at the next key frame
        )

    def place(self, timestamp: int, arrival: float) -> tuple[int, float]:
        """Media time in ticks and local time in seconds of a unit with this RTP timestamp that arrived
        now.
        """
        if not self._begun:
            self._begin(timestamp, arrival)
            return self.time, self.local
        step = (timestamp - self._last) & 0xFFFF_FFFF
        if step >= 0x8000_0000:
            step -= 0x1_0000_0000
        if step <= 0:
            return self._place_back(timestamp, step, arrival)
        span = step / self.rate
        if span > JUMP and span - (arrival - self._last_arrival) > JUMP:
            return self._bridge(timestamp, arrival)
        self._last = timestamp
        self._last_arrival = arrival
        self.time += step
        local = self.local + span
        late = arrival - local
        if late < 0.0:
            self._owed = late
        elif late < self._earliest:
            self._earliest = late
        if arrival >= self._window_end:
            self._close_window(arrival)
        owed = self._owed
        if owed:
            most = min(STEP, span * (CATCH_UP if owed < 0.0 else SLEW))
            moved = -most if owed < -most else min(owed, most)
            local += moved
            self._owed = owed - moved
            self._earliest -= moved
        self.local = local
        return self.time, local

    def report(self, ntp: float, timestamp: int, now: float) -> None:
        """A sender report came: `ntp` in seconds of the camera's clock."""
        self._report = _Report(ntp, timestamp, now)

    def at_camera_time(self, ntp: float, now: float) -> float | None:
        """Local time of an instant that the camera's clock calls `ntp`; None without a report to tell by."""
        report = self._report
        if report is None or not self._begun or now - report.at > REPORT_AGE:
            return None
        behind = ((report.timestamp - self._last + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
        return self.local + behind / self.rate + (ntp - report.ntp)

    def camera_time(self, timestamp: int, now: float) -> float | None:
        """What the camera's clock called the instant of this RTP timestamp; None without a report."""
        report = self._report
        if report is None or now - report.at > REPORT_AGE:
            return None
        ahead = ((timestamp - report.timestamp + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
        return report.ntp + ahead / self.rate

    def _begin(self, timestamp: int, arrival: float) -> None:
        self._begun = True
        self._last = self.time = timestamp
        self._last_arrival = self.local = arrival
        self._restart_window(arrival)

    def _place_back(self, timestamp: int, step: int, arrival: float) -> tuple[int, float]:
        """A timestamp that is not newer: a picture in decoding order, or a clock that stands or was set
        back.
        """
        span = step / self.rate
        if span < -REORDER:
            return self._bridge(timestamp, arrival)
        if step == 0:
            self.time += 1
            self.local += 1 / self.rate
        return self.time + step, self.local + span

    def _bridge(self, timestamp: int, arrival: float) -> tuple[int, float]:
        """The timestamps jumped: go on in media time by what went by here."""
        span = max(arrival - self._last_arrival, 1.0 / self.rate)
        self.time += max(1, round(span * self.rate))
        self.local += span
        self._last = timestamp
        self._last_arrival = arrival
        self.broken = True
        self._restart_window(arrival)
        return self.time, self.local

    def _close_window(self, arrival: float) -> None:
        late = self._earliest
        if late < JUMP * 1000:
            if late > DRIFT_LIMIT or self._owed < -DRIFT_LIMIT:
                self.local = max(self.local, arrival)
                self.broken = True
            elif late > 0.0 and self._owed >= 0.0:
                self._owed = late
        self._restart_window(arrival)

    def _restart_window(self, arrival: float) -> None:
        self._earliest = JUMP * 1000
        self._window_end = arrival + WINDOW


class Timeline:
    """The lines of all tracks of one session. `main` is the track that the others are tied to by sender
    reports.
    """

    __slots__ = ("_lines", "_main", "_shifts", "wall")

    def __init__(self, clock_rates: Sequence[int], main: int, now: Instant) -> None:
        self._lines = [Line(rate) for rate in clock_rates]
        self._shifts = [0.0] * len(clock_rates)  # seconds by which reports move a track against its own line
        self._main = main
        self.wall = Wall(now)

    @property
    def broken(self) -> bool:
        """Whether the next key frame should begin a new run: timestamps of the main track jumped, or the
        wall clock.
        """
        return self._lines[self._main].broken or self.wall.stepped

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
        most = min(STEP, span * SLEW)
        shift = self._shifts[track]
        shift += max(-most, min(most, wanted - shift))
        self._shifts[track] = shift
        return shift
