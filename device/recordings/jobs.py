"""Which job records which track (ONVIF Recording Control s5.3.3, s5.19, and the annex "Recording Job Priority"). Pure.

Decided for each track of a recording by itself, among the jobs that are active: the highest priority, and among equals
the one that was made last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from device.recordings.model import RECEIVER, Job, JobMode, JobSource, JobState, Link


@dataclass(frozen=True, slots=True)
class TrackState:
    """What becomes of one track of a source."""

    link: Link
    state: JobState
    error: str = ""


@dataclass(frozen=True, slots=True)
class SourceState:
    """What becomes of one source."""

    source: JobSource
    state: JobState
    tracks: tuple[TrackState, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What becomes of a job."""

    job: Job
    state: JobState
    sources: tuple[SourceState, ...]


@dataclass(frozen=True, slots=True)
class Supply:
    """Whether something comes in."""

    state: JobState  #: IDLE: it is not connected, and is not to be; ERROR: it cannot be
    error: str = ""


def winners(jobs: Iterable[Job]) -> dict[tuple[str, str], str]:
    """For each recording and track, the job that records it."""
    best: dict[tuple[str, str], Job] = {}
    for job in jobs:
        if job.mode is not JobMode.ACTIVE:
            continue
        for source in job.sources:
            for link in source.links:
                place = job.recording, link.destination
                other = best.get(place)
                if other is None or (job.priority, job.made) > (other.priority, other.made):
                    best[place] = job
    return {place: job.token for place, job in best.items()}


def states(jobs: Sequence[Job], supplies: Mapping[str, Supply]) -> dict[str, State]:
    """The state of every job. `supplies`: what comes in for each recording, which is what its winners have."""
    won = winners(jobs)
    found: dict[str, State] = {}
    for job in jobs:
        supply = supplies.get(job.recording, Supply(JobState.IDLE))
        sources: list[SourceState] = []
        for source in job.sources:
            tracks = tuple(
                TrackState(link, supply.state, supply.error)
                if won.get((job.recording, link.destination)) == job.token
                else TrackState(link, JobState.IDLE)
                for link in source.links
            )
            sources.append(SourceState(source, together(track.state for track in tracks), tracks))
        found[job.token] = State(job, together(source.state for source in sources), tuple(sources))
    return found


def users(jobs: Iterable[Job], receiver: str) -> list[Job]:
    """The jobs that have a receiver as a source."""
    return [
        job for job in jobs if any((each.kind, each.token) == (RECEIVER, receiver) for each in job.sources)
    ]


def together(states: Iterable[JobState]) -> JobState:
    """The state of a whole from those of its parts (s5.19)."""
    parts = set(states)
    if JobState.ERROR in parts:
        return JobState.ERROR
    if parts <= {JobState.IDLE}:
        return JobState.IDLE
    return JobState.ACTIVE if parts == {JobState.ACTIVE} else JobState.PARTIAL
