"""What has happened and what holds now; and long works."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.errors import NotFound, Severity
from device.events.event import describe, dump, events
from device.events.follow import durable
from device.events.journal import Entry, Journal
from device.jobs import Job, State
from protocols.http.api.answers import Answer
from protocols.http.caller import Caller
from protocols.http.events_stream import Message, stream
from protocols.http.house import House
from protocols.http.moments import Instant
from protocols.http.table import Body, Table

TABLE = Table("Events and jobs")

SCAN = 1000  #: entries that are read at once while some are looked for
MOST_SCANNED = 20_000  #: that are looked at for one answer
WAITING = 1000  #: jobs that may wait for a slow listener


class EventShown(Answer):
    """One entry of the journal."""

    seq: int
    utc: Instant
    name: str
    severity: str
    plane: str
    raises: str  #: state that began with it
    clears: list[str]  #: states that ended with it
    raised: int  #: of an event that clears: `seq` of the raise
    fields: dict[str, Any]  # Any: the event's own


class EventsShown(Answer):
    """Newest first."""

    events: list[EventShown]
    next: int | None  #: to be given as `before`


class FieldShown(Answer):
    """One field of an event."""

    name: str
    type: str
    unit: str
    text: str


class KindShown(Answer):
    """One event that can be said."""

    name: str
    severity: str
    about: list[str]
    raises: str
    clears: list[str]
    text: str
    fields: list[FieldShown]


class KindsShown(Answer):
    """All of them, by name."""

    events: list[KindShown]


class Looked(Body):
    """Which entries."""

    before: Annotated[int, Field(ge=1, le=2**53)] | None = None  #: older than this `seq`
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    name: Annotated[str, Field(max_length=100)] = ""  #: whose name begins so
    severity: Severity | None = None  #: at least as grave


class JobShown(Answer):
    """One long work."""

    id: str
    kind: str
    by: str
    state: State
    phase: str
    done: int
    total: int  #: 0: not known
    unit: str
    eta: float | None  #: seconds
    created: Instant
    started: Instant | None
    ended: Instant | None
    cancellable: bool
    result: str
    error: str


class JobsShown(Answer):
    """Newest first."""

    jobs: list[JobShown]


@TABLE.get("/api/events", role=Role.VIEWER)
async def journal(house: House, caller: Caller, query: Looked) -> EventsShown:
    """What has happened, newest first."""
    found, more = newest(
        house.bus.journal,
        query.before,
        MOST_SCANNED,
        query.limit,
        lambda entry: _wanted(entry, query) and sees(caller, entry),
    )
    return EventsShown(events=[event_shown(each) for each in found], next=more)


@TABLE.get("/api/events/active", role=Role.VIEWER)
async def active(house: House, caller: Caller) -> EventsShown:
    """What was raised and has not been cleared."""
    held = [each for each in house.bus.journal.active() if sees(caller, each)]
    return EventsShown(events=[event_shown(each) for each in reversed(held)], next=None)


@TABLE.get("/api/events/catalogue", role=Role.VIEWER)
async def catalogue(house: House) -> KindsShown:  # noqa: ARG001 - the same in every house
    """Everything that can happen."""
    return KindsShown(
        events=[
            KindShown(
                name=name,
                severity=kind.severity.name.lower(),
                about=list(kind.about),
                raises=kind.raises,
                clears=list(kind.clears),
                text=(kind.__doc__ or "").strip(),
                fields=[
                    FieldShown(name=each.name, type=each.type, unit=each.unit, text=each.text)
                    for each in describe(kind)
                ],
            )
            for name, kind in sorted(events().items())
        ]
    )


@TABLE.get("/api/events/follow", role=Role.VIEWER, produces="text/event-stream")
async def follow(house: House, caller: Caller, request: web.Request) -> web.StreamResponse:
    """Events as they happen; with `Last-Event-ID` also those since then."""
    return await stream(request, _entries(house, caller, request.headers.get("Last-Event-ID", "")))


@TABLE.get("/api/jobs", role=Role.VIEWER)
async def jobs(house: House, caller: Caller) -> JobsShown:
    """Long works that are remembered, newest first: an operator sees all, a viewer his own."""
    return JobsShown(jobs=[job_shown(each) for each in house.jobs.list() if _sees_job(caller, each)])


@TABLE.get("/api/jobs/follow", role=Role.VIEWER, produces="text/event-stream")
async def follow_jobs(house: House, caller: Caller, request: web.Request) -> web.StreamResponse:
    """Jobs as they are, and whenever they change."""
    return await stream(request, _jobs(house, caller))


@TABLE.get("/api/jobs/{id}", role=Role.VIEWER)
async def job(house: House, caller: Caller, id: str) -> JobShown:  # noqa: A002 - as it is called in the path
    """One long work."""
    found = house.jobs.get(id)
    if not _sees_job(caller, found):
        raise NotFound("job", id)
    return job_shown(found)


@TABLE.delete("/api/jobs/{id}", role=Role.OPERATOR, scope=Scope.ALL)
async def cancel(house: House, id: str) -> JobShown:  # noqa: A002 - as it is called in the path
    """Stop a long work, where it can be stopped."""
    return job_shown(await house.jobs.cancel(id))


def newest(
    book: Journal, before: int | None, most: int, limit: int, wanted: Callable[[Entry], bool]
) -> tuple[list[Entry], int | None]:
    """The newest entries that are wanted, at most `limit` and among the `most` before a number (None: among the last);
    and the number before which there may be more."""
    found: list[Entry] = []
    upto = (before or book.last + 1) - 1
    for _ in range(0, most, SCAN):
        rows = book.before(upto, SCAN)
        if not rows:
            return found, None
        for entry in filter(wanted, rows):
            found.append(entry)
            if len(found) == limit:
                return found, entry.seq if entry.seq > 1 else None
        upto = rows[-1].seq - 1
    return found, upto + 1 if upto else None


def event_shown(entry: Entry) -> EventShown:
    """An entry as this wire shows it."""
    event = entry.event
    fields = json.loads(dump(event))
    del fields["event"]
    return EventShown(
        seq=entry.seq,
        utc=entry.utc,
        name=event.name,
        severity=event.severity.name.lower(),
        plane=entry.plane,
        raises=event.raises,
        clears=list(event.clears),
        raised=entry.raised,
        fields=fields,
    )


def job_shown(job: Job) -> JobShown:
    """A job as this wire shows it."""
    return JobShown(
        id=job.id,
        kind=job.kind,
        by=job.by,
        state=job.state,
        phase=job.phase,
        done=job.done,
        total=job.total,
        unit=job.unit,
        eta=job.eta,
        created=job.created,
        started=job.started,
        ended=job.ended,
        cancellable=job.cancellable and not job.state.ended,
        result=job.result,
        error=job.error,
    )


#: What only those may read who may change it: who came in how, and what was set.
_FOR_OPERATORS = ("account.", "login.", "settings.", "session.")


def sees(caller: Caller, entry: Entry) -> bool:
    """Whether somebody may know of it: a camera's events are for those who may see the camera."""
    event = entry.event
    camera = getattr(event, "camera", None) or str(getattr(event, "recording", "") or "").partition(".")[0]
    if isinstance(camera, str) and camera and not caller.rights.may_see(camera):
        return False
    return caller.rights.role.may(Role.OPERATOR) or not event.name.startswith(_FOR_OPERATORS)


def _wanted(entry: Entry, query: Looked) -> bool:
    event = entry.event
    grave = query.severity is None or event.severity <= query.severity
    return grave and event.name.startswith(query.name)


async def _entries(house: House, caller: Caller, last: str) -> AsyncIterator[Message]:
    known = int(last) if last.isascii() and last.isdecimal() and len(last) < 16 else house.bus.journal.last
    async for entries in durable(house.bus, known):
        for entry in entries:
            if sees(caller, entry):
                yield _message(entry)


def _message(entry: Entry) -> Message:
    return Message(event_shown(entry).model_dump_json(), id=str(entry.seq), event="event")


def _sees_job(caller: Caller, job: Job) -> bool:
    return caller.rights.role.may(Role.OPERATOR) or job.by.casefold() == caller.account.casefold()


async def _jobs(house: House, caller: Caller) -> AsyncIterator[Message]:
    changed: asyncio.Queue[Job] = asyncio.Queue(WAITING)

    def take(job: Job) -> None:
        if not _sees_job(caller, job):
            return
        if changed.full():
            changed.get_nowait()  # progress of the past
        changed.put_nowait(job)

    end = house.jobs.subscribe(take)
    try:
        for job in [each for each in reversed(house.jobs.list()) if _sees_job(caller, each)]:
            yield Message(job_shown(job).model_dump_json(), event="job")
        while True:
            yield Message(job_shown(await changed.get()).model_dump_json(), event="job")
    finally:
        end()
