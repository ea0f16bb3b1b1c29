"""A factory default: what was made from outside goes, what was recorded stays."""

from __future__ import annotations

from device.recordings.model import (
    RECEIVER,
    Job,
    JobMode,
    JobSource,
    Link,
    Origin,
    Plan,
    Receiver,
    ReceiverMode,
)
from tests.device.recordings.rig import Rig


async def test_recordings_jobs_and_receivers_are_forgotten_for_ever_and_what_is_recorded_is_not(
    made: Rig,
) -> None:
    recorded = [row.token for row in made.catalogue.recordings()]
    by_itself = (
        [plan.token for plan in made.recordings.plans()],
        [job.token for job in made.recordings.jobs()],
    )
    token = made.recordings.create(Plan("", Origin(name="Far")), "ada")
    source = made.recordings.create_receiver(Receiver("", ReceiverMode.ALWAYS, "rtsp://me:secret@192.0.2.7/"))
    links = (Link("video", "VIDEO001"),)
    job = Job("", token, JobMode.IDLE, 1, (JobSource(RECEIVER, source.token, links),))
    made.recordings.create_job(job, [False], "ada")
    assert token in [plan.token for plan in made.recordings.plans()]
    made.recordings.forget()
    for _ in range(2):
        assert await made.recordings.receivers() == []
        assert (
            [plan.token for plan in made.recordings.plans()],
            [job.token for job in made.recordings.jobs()],
        ) == by_itself
        made.open()
    assert [row.token for row in made.catalogue.recordings()] == recorded
