"""From access units to the intake: times, runs, parameter sets, losses. Pure; one for each session.

A run goes on as long as media time does. When the timestamps of the main track jump, or the recorder's wall
clock is set, units go on for the moment as if nothing had been, and the next key frame begins a new run: no
frame is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from mmap import mmap

from device.cameras.source import Cause, Intake, Lane, Reception
from device.media import Kind, Track, Utc
from protocols.rtsp.depacketise.parameters import ParameterSets
from protocols.rtsp.rtcp import SenderReport
from protocols.rtsp.stamped import Stamped
from protocols.rtsp.timeline import Instant, Timeline

WAITING_SIZE = 8 * 1024 * 1024  #: octets of the largest access unit outside the intake's lane


class WaitingLane:
    """Memory of the source's own, for units that do not go straight into the intake: those of a second video
    track, and the first one of a session, before it is known what the session consists of.
    """

    def __init__(self) -> None:
        self.memory = mmap(-1, WAITING_SIZE)
        self.fill = 0
        self.limit = WAITING_SIZE
        self.written = 0

    def commit(self, end: int, time: int, utc: Utc, key: bool, damaged: bool) -> None:
        """Takes nothing: there is no intake behind it."""

    def grow(self, end: int, room: int) -> bool:  # noqa: ARG002 - a Lane
        """There is no more."""
        return False


class Ingest:
    """What the depacketisers of one session write to. The owner calls `arrived` before it hands them
    packets.
    """

    def __init__(
        self,
        intake: Intake,
        tracks: Sequence[Track],
        reception: Reception,
        now: Instant,
        stamped: Stamped | None = None,
    ) -> None:
        """`stamped`: what is replayed says by itself when it was taken."""
        self.intake = intake
        self.opened = False
        self._tracks = list(tracks)
        self._reception = reception
        video = [index for index, track in enumerate(tracks) if track.kind is Kind.VIDEO]
        self.main = video[0] if video else 0
        self._has_video = bool(video)
        rates = [track.clock_rate for track in tracks]
        self._timeline = stamped or Timeline(rates, self.main, now)
        self._arrival = self._unit_arrival = now.monotonic
        self._lane: Lane = WaitingLane()
        self._blind = False  # the last key frame was none that a decoder could start at

    def arrived(self, now: Instant) -> None:
        """What is delivered from here on arrived now."""
        self._arrival = now.monotonic
        self._timeline.observe(now)

    def guesses(self, now: float) -> bool:
        """Whether only its arrival tells when a unit of the main track was taken."""
        return self._timeline.guesses(now)

    def open_if_known(self, sets: ParameterSets | None) -> None:
        """Announce the session now if its tracks are known in full; else the first key frame does."""
        if sets is not None and sets.complete:
            self._announce(sets)
            self.open()
        elif not self._has_video:
            self.open()

    def open(self) -> None:
        """Announce the session."""
        self.opened = True
        self._enter(self.intake.opened(tuple(self._tracks)))

    def close(self, cause: Cause, detail: str) -> None:
        """The session ended."""
        if self.opened:
            self.opened = False
            self.intake.closed(cause, detail)

    def unit_begins(self) -> None:
        """The first packet of a unit of the main track is at hand: that is when the unit arrived, however late it
        shows that it is complete.
        """
        self._unit_arrival = self._arrival

    def nal_unit_video(
        self, sets: ParameterSets, lane: Lane, end: int, timestamp: int, key: bool, damaged: bool
    ) -> Lane:
        """A unit of the main track lies in `lane` up to `end`. Returns the lane to go on with."""
        time, utc = self._timeline.place(self.main, timestamp, self._unit_arrival)
        if key:
            if not sets.at_key():
                self._turn_blind(lane)
                return lane
            self._blind = False
            if sets.changed or not self.opened or self._timeline.broken or lane is not self._lane:
                unit = lane.memory[lane.fill : end]
                utc = self._renew(sets, utc)
                lane = self._lane
                end = self._lay(unit)
                if end < 0:
                    return lane
            self._reception.keys += 1
            self._reception.last_key = self._arrival
        elif self._blind:
            return lane
        lane.commit(end, time, utc, key, damaged)
        self._reception.samples += 1
        self._reception.last_sample = self._arrival
        return lane

    def whole_video(self, timestamp: int, data: bytes, size: tuple[int, int]) -> None:
        """A picture that needs no other (MJPEG), of the main track."""
        track = self._tracks[self.main]
        if (track.width, track.height) != size:
            self._tracks[self.main] = replace(track, width=size[0], height=size[1])
            if self.opened:
                self._enter(self.intake.parameters(tuple(self._tracks)))
        if not self.opened:
            self.open()
        elif self._timeline.broken:
            self._restart()
        time, utc = self._timeline.place(self.main, timestamp, self._arrival)
        end = self._lay(data)
        if end < 0:
            return
        self._lane.commit(end, time, utc, True, False)
        self._reception.samples += 1
        self._reception.keys += 1
        self._reception.last_sample = self._reception.last_key = self._arrival

    def sample(self, track: int, timestamp: int, data: bytes) -> None:
        """A unit of another track."""
        if not self.opened:
            return
        if not self._has_video and self._timeline.broken:
            self._restart()
        time, utc = self._timeline.place(track, timestamp, self._arrival)
        self._reception.samples += 1
        if not self._has_video:
            self._reception.last_sample = self._reception.last_key = self._arrival
        self.intake.sample(track, time, utc, data)

    def lost(self, track: int, packets: int) -> None:
        """Packets of a track are missing."""
        if self.opened:
            self.intake.lost(track, packets)

    def report(self, track: int, report: SenderReport) -> None:
        """A sender report came."""
        self._timeline.report(track, report, self._arrival)

    def _renew(self, sets: ParameterSets, utc: Utc) -> Utc:
        """Before a key frame: open the session, begin another run, or announce new parameter sets.

        Returns the wall time of the unit, which a step of the clock changes.
        """
        changed = sets.changed
        if changed or not self.opened:
            self._announce(sets)
        if not self.opened:
            self.open()
        elif self._timeline.broken:
            self._restart()
            return self._timeline.again(self.main)
        elif changed:
            self._enter(self.intake.parameters(tuple(self._tracks)))
        return utc

    def _announce(self, sets: ParameterSets) -> None:
        self._tracks[self.main] = sets.announce()
        self._timeline.reordered(sets.reorders)

    def _turn_blind(self, lane: Lane) -> None:
        """A key frame came whose parameter sets are broken: it is dropped, and all that build on it."""
        self._reception.dropped += 1
        if self.opened and not self._blind:
            lane.written = lane.fill
            self.intake.missing(Cause.NO_PICTURE, "the camera sends broken parameter sets")
        self._blind = True

    def _lay(self, unit: bytes) -> int:
        """Lay a whole unit down in the lane. Returns where it ends; -1, and it is dropped, if it is too
        large.
        """
        lane = self._lane
        if lane.fill + len(unit) > lane.limit and not lane.grow(lane.fill, len(unit)):
            self._reception.dropped += 1
            return -1
        end = lane.fill + len(unit)
        lane.memory[lane.fill : end] = unit
        return end

    def _restart(self) -> None:
        """A new run inside the same session."""
        self._timeline.restart()
        if self.opened:
            self._enter(self.intake.renewed())
        else:
            self.open()

    def _enter(self, lane: Lane | None) -> None:
        if lane is not None:
            self._lane = lane
