"""Events and jobs. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, TypedDict, cast

from holdfast_client.api.exports import State
from holdfast_client.connection import Connection, segment


class EventShown(TypedDict):
    """One entry of the journal."""

    seq: int
    utc: str
    name: str
    severity: str
    plane: str
    raises: str
    clears: list[str]
    raised: int
    fields: dict[str, Any]


class EventsShown(TypedDict):
    """Newest first."""

    events: list[EventShown]
    next: int | None


class FieldShown(TypedDict):
    """One field of an event."""

    name: str
    type: str
    unit: str
    text: str


class JobShown(TypedDict):
    """One long work."""

    id: str
    kind: str
    by: str
    state: State
    phase: str
    done: int
    total: int
    unit: str
    eta: float | None
    created: str
    started: str | None
    ended: str | None
    cancellable: bool
    result: str
    error: str


class JobsShown(TypedDict):
    """Newest first."""

    jobs: list[JobShown]


class KindShown(TypedDict):
    """One event that can be said."""

    name: str
    severity: str
    about: list[str]
    raises: str
    clears: list[str]
    text: str
    fields: list[FieldShown]


class KindsShown(TypedDict):
    """All of them, by name."""

    events: list[KindShown]


class EventsPart:
    """Events and jobs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def journal(
        self,
        *,
        before: int | None = None,
        limit: int | None = None,
        name: str | None = None,
        severity: Literal[0, 1, 2, 3, 4, 5, 6, 7] | None = None,
    ) -> EventsShown:
        """What has happened, newest first."""
        return cast(
            "EventsShown",
            await self._connection.ask(
                "GET",
                "/api/events",
                query={"before": before, "limit": limit, "name": name, "severity": severity},
            ),
        )

    async def active(self) -> EventsShown:
        """What was raised and has not been cleared."""
        return cast("EventsShown", await self._connection.ask("GET", "/api/events/active"))

    async def catalogue(self) -> KindsShown:
        """Everything that can happen."""
        return cast("KindsShown", await self._connection.ask("GET", "/api/events/catalogue"))

    def follow(self, *, last: str = "") -> AsyncIterator[tuple[str, Any]]:
        """Events as they happen; with `Last-Event-ID` also those since then."""
        return self._connection.follow("/api/events/follow", last=last)

    async def jobs(self) -> JobsShown:
        """Long works that are remembered, newest first: an operator sees all, a viewer his own."""
        return cast("JobsShown", await self._connection.ask("GET", "/api/jobs"))

    def follow_jobs(self, *, last: str = "") -> AsyncIterator[tuple[str, Any]]:
        """Jobs as they are, and whenever they change."""
        return self._connection.follow("/api/jobs/follow", last=last)

    async def job(self, id_: str) -> JobShown:
        """One long work."""
        return cast("JobShown", await self._connection.ask("GET", f"/api/jobs/{segment(id_)}"))

    async def cancel(self, id_: str) -> JobShown:
        """Stop a long work, where it can be stopped."""
        return cast("JobShown", await self._connection.ask("DELETE", f"/api/jobs/{segment(id_)}"))
