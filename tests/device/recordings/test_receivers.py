"""Receivers: what is told of whether they receive."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from device.cameras.source import Cause
from device.events.recordings import JobStateChanged, ReceiverChanged, ReceiverFailed
from device.recordings.model import (
    RECEIVER,
    Job,
    JobMode,
    JobSource,
    JobState,
    Link,
    Origin,
    Plan,
    Receiver,
    ReceiverMode,
)
from tests.device.recordings.rig import Rig

GOOD, WRONG = "rtsp://192.0.2.7/good", "rtsp://192.0.2.7/wrong"


async def test_a_failure_is_told_once_for_each_address_also_of_one_that_never_connected(made: Rig) -> None:
    recordings = made.recordings
    token = recordings.create(Plan("", Origin(name="Far")), "ada")
    receiver = recordings.create_receiver(Receiver("", ReceiverMode.AUTO, WRONG))
    source = JobSource(RECEIVER, receiver.token, (Link("video", "VIDEO001"),))
    recordings.create_job(Job("", token, JobMode.ACTIVE, 1, (source,)), [False], "ada")

    def told() -> list[str]:
        """States, and addresses that failed, in the order in which they were told."""
        return [
            event.state if isinstance(event, ReceiverChanged) else event.uri
            for event in made.events
            if isinstance(event, (ReceiverChanged, ReceiverFailed))
        ]

    async def until(expected: list[str]) -> None:
        async with asyncio.timeout(30):
            while told() != expected:  # noqa: ASYNC110 - the watcher looks, too
                await asyncio.sleep(0.01)
        await _a_few_looks()
        assert told() == expected

    watching = asyncio.create_task(recordings.watch(0.01))
    made.comes(token, well=False, cause=Cause.CONNECTING.value)
    expected = ["Connecting"]
    await until(expected)
    steps: list[tuple[Callable[[], None], list[str]]] = [
        (lambda: made.comes(token, well=False, cause=Cause.UNREACHABLE.value), ["NotConnected", WRONG]),
        (lambda: _points_to(made, receiver.token, GOOD), [GOOD]),
        (lambda: made.comes(token), ["Connected"]),
        (lambda: made.comes(token, well=False, cause=Cause.LINK_LOST.value), ["NotConnected", GOOD]),
    ]
    for step, tells in steps:
        step()
        expected += tells
        await until(expected)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching


async def test_who_was_answered_a_state_that_is_soon_over_finds_it_among_the_events(made: Rig) -> None:
    """It came and went between two looks of the watcher."""
    recordings = made.recordings
    token = recordings.create(Plan("", Origin(name="Far")), "ada")
    receiver = recordings.create_receiver(Receiver("", ReceiverMode.AUTO, GOOD))
    source = JobSource(RECEIVER, receiver.token, (Link("video", "VIDEO001"),))
    job = recordings.create_job(Job("", token, JobMode.ACTIVE, 1, (source,)), [False], "ada").token
    made.comes(token)
    assert (await recordings.states())[job].state is JobState.ACTIVE
    recordings.set_mode(job, JobMode.IDLE, "ada")
    made.streams.clear()
    await recordings.states()
    told = [event.state for event in made.events if isinstance(event, JobStateChanged) and event.job == job]
    assert told == ["Active", "Idle"]


def _points_to(made: Rig, receiver: str, uri: str) -> None:
    made.recordings.configure_receiver(receiver, Receiver("", ReceiverMode.AUTO, uri), "ada")


async def _a_few_looks() -> None:
    for _ in range(5):
        await asyncio.sleep(0.01)
