"""Which job records: the sequence of the annex of ONVIF Recording Control, and what becomes of tracks."""

from __future__ import annotations

import pytest

from device.recordings.jobs import Supply, states, together, winners
from device.recordings.model import RECEIVER, Job, JobMode, JobSource, JobState, Link

VIDEO, AUDIO = Link("video", "VIDEO001"), Link("audio", "AUDIO001")
ACTIVE, IDLE = JobMode.ACTIVE, JobMode.IDLE


def job(token: str, priority: int, mode: JobMode, *links: Link, made: int = 0) -> Job:
    return Job(token, "r", mode, priority, (JobSource(RECEIVER, "one", links or (VIDEO, AUDIO)),), made)


def told(*jobs: Job, supply: JobState = JobState.ACTIVE) -> dict[str, JobState]:
    return {token: state.state for token, state in states(jobs, {"r": Supply(supply)}).items()}


def test_the_sequence_of_the_annex() -> None:
    """Recording Control, annex "Recording Job Priority": three jobs that share one receiver."""
    first = job("J1", 2, ACTIVE)
    assert told(first) == {"J1": JobState.ACTIVE}
    second = job("J2", 4, IDLE)
    assert told(first, second) == {"J1": JobState.ACTIVE, "J2": JobState.IDLE}
    third = job("J3", 3, ACTIVE)
    assert told(first, second, third) == {"J1": JobState.IDLE, "J2": JobState.IDLE, "J3": JobState.ACTIVE}
    assert told(first, second) == {"J1": JobState.ACTIVE, "J2": JobState.IDLE}


def test_each_track_is_won_by_itself() -> None:
    low, high = job("low", 1, ACTIVE), job("high", 2, ACTIVE, VIDEO)
    assert winners([low, high]) == {("r", "VIDEO001"): "high", ("r", "AUDIO001"): "low"}
    assert told(low, high) == {"low": JobState.PARTIAL, "high": JobState.ACTIVE}


def test_among_equals_the_later_one_wins() -> None:
    jobs = [job("old", 1, ACTIVE, made=1), job("new", 1, ACTIVE, made=2)]
    assert told(*jobs) == told(*reversed(jobs)) == {"old": JobState.IDLE, "new": JobState.ACTIVE}


def test_a_job_whose_source_cannot_be_had_is_in_error_and_one_that_has_none_is_idle() -> None:
    assert told(job("J", 1, ACTIVE), supply=JobState.ERROR) == {"J": JobState.ERROR}
    assert states([job("J", 1, ACTIVE)], {})["J"].state is JobState.IDLE


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ((), "Idle"),
        (("Idle", "Idle"), "Idle"),
        (("Active", "Active"), "Active"),
        (("Active", "Idle"), "PartiallyActive"),
        (("PartiallyActive", "Idle"), "PartiallyActive"),
        (("Active", "Error"), "Error"),
    ],
)
def test_the_state_of_a_whole(parts: tuple[str, ...], whole: str) -> None:
    assert together(map(JobState, parts)) is JobState(whole)
