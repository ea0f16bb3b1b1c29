"""How jobs and receivers stand, by what comes in, and who is told of it (Recording Control s5.19, Receiver s5)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from device.events import recordings as said
from device.events.event import Event
from device.planes.messages import StreamStatus
from device.recordings import jobs as arbitration
from device.recordings.jobs import State, Supply
from device.recordings.model import Job, JobState, Receiver, ReceiverMode, ReceiverState
from device.recordings.uri import shown

CONNECTING = "connecting"  #: the cause of a stream that is not well because it only begins


@dataclass(frozen=True, slots=True)
class Connection:
    """A receiver, and what becomes of it."""

    receiver: Receiver
    state: ReceiverState


class Standing:
    """Remembers how all stood at the last look, and tells what is another at this one."""

    def __init__(self, publish: Callable[[Event], object]) -> None:
        self._publish = publish
        self._states: dict[str, JobState] = {}
        self._connected: dict[str, ReceiverState] = {}
        self._failing: dict[str, str] = {}  #: receivers whose stream cannot be had, and its address

    def connection(self, receiver: Receiver) -> Connection:
        """As it was at the last look."""
        return Connection(receiver, self._connected[receiver.token])

    def look(
        self, jobs: Sequence[Job], receivers: Mapping[str, Receiver], statuses: Mapping[str, StreamStatus]
    ) -> dict[str, State]:
        """The state of every job. `statuses`: of what is recorded, by token of the recording."""
        supplies = {job.recording: _supply(statuses.get(job.recording)) for job in jobs}
        found = arbitration.states(jobs, supplies)
        self._tell_jobs({token: state.state for token, state in found.items()})
        won = set(arbitration.winners(jobs).values())
        streams = {
            token: _stream(receiver, [job for job in jobs if job.token in won], statuses)
            for token, receiver in receivers.items()
        }
        self._tell_connections(receivers, streams)
        return found

    def _tell_jobs(self, states: dict[str, JobState]) -> None:
        for token, state in states.items():
            if self._states.get(token) is not state:
                self._publish(said.JobStateChanged(said.JobToken(token), state.value))
        for token in self._states.keys() - states.keys():
            self._publish(said.JobStateChanged(said.JobToken(token), ""))
        self._states = states

    def _tell_connections(
        self, receivers: Mapping[str, Receiver], streams: Mapping[str, StreamStatus | None]
    ) -> None:
        connected = {token: _connection(streams[token]) for token in receivers}
        for token, connection in connected.items():
            if self._connected.get(token, ReceiverState.NOT_CONNECTED) is not connection:
                name, uri = said.ReceiverToken(token), shown(receivers[token])
                self._publish(said.ReceiverChanged(name, connection.value, uri))
        self._connected = connected
        # Not by the change of state: one that never connected has failed as well, and so has another address.
        failing = {
            token: shown(receivers[token])
            for token, status in streams.items()
            if status is not None and _fails(status)
        }
        for token, uri in failing.items():
            if self._failing.get(token) != uri:
                self._publish(said.ReceiverFailed(said.ReceiverToken(token), uri))
        self._failing = failing


def _stream(
    receiver: Receiver, winners: Collection[Job], statuses: Mapping[str, StreamStatus]
) -> StreamStatus | None:
    """What a receiver is to receive, in the hands of the job that has it; None: it is not to be connected."""
    if receiver.mode is ReceiverMode.NEVER or not receiver.uri:
        return None
    found = (statuses.get(job.recording) for job in arbitration.users(winners, receiver.token))
    return next((status for status in found if status is not None), None)


def _connection(status: StreamStatus | None) -> ReceiverState:
    if status is None or _fails(status):
        return ReceiverState.NOT_CONNECTED
    return ReceiverState.CONNECTED if status.well else ReceiverState.CONNECTING


def _fails(status: StreamStatus) -> bool:
    """Whether a stream cannot be had: not well, and not because it is just being connected."""
    return not status.well and status.cause not in ("", CONNECTING)


def _supply(status: StreamStatus | None) -> Supply:
    if status is None:
        return Supply(JobState.IDLE)
    if status.well:
        return Supply(JobState.ACTIVE)
    if _fails(status):
        return Supply(JobState.ERROR, status.detail or status.cause)
    return Supply(JobState.IDLE)
