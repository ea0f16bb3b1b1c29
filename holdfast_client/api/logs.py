"""Logs and reports. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, TypedDict, cast

from aiohttp import ClientResponse

from holdfast_client.api.events import EventShown
from holdfast_client.connection import Connection, segment


class DeedShown(TypedDict):
    """Somebody did something."""

    number: int
    at: str
    who: str
    peer: str
    deed: str
    what: str
    event: dict[str, Any]
    hash: str


class DeedsShown(TypedDict):
    """Newest first."""

    deeds: list[DeedShown]
    next: int | None


class LineShown(TypedDict):
    """An entry of a log, and how it reads."""

    event: EventShown
    text: str


class LinesShown(TypedDict):
    """Newest first."""

    lines: list[LineShown]
    next: int | None


class ReportShown(TypedDict):
    """The report, as text."""

    text: str


class VerdictShown(TypedDict):
    """Whether the audit trail is as it was written."""

    good: bool
    entries: int
    first: int
    last: int
    hash: str
    problem: str


class LogsPart:
    """Logs and reports."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read(
        self,
        log: Literal["system", "access", "audit"],
        *,
        before: int | None = None,
        limit: int | None = None,
        severity: Literal[0, 1, 2, 3, 4, 5, 6, 7] | None = None,
        text: str | None = None,
    ) -> LinesShown:
        """A log: what happened (`system`), who was let in or refused (`access`), who did what (`audit`); newest
        first."""
        return cast(
            "LinesShown",
            await self._connection.ask(
                "GET",
                f"/api/logs/{segment(log)}",
                query={"before": before, "limit": limit, "severity": severity, "text": text},
            ),
        )

    def download(
        self, log: Literal["system", "access", "audit"]
    ) -> AbstractAsyncContextManager[ClientResponse]:
        """The log's last 20 000 lines, oldest first."""
        return self._connection.open("GET", f"/api/logs/{segment(log)}/download")

    async def audit(
        self,
        *,
        before: int | None = None,
        limit: int | None = None,
        who: str | None = None,
        deed: Literal["viewed", "left", "exported", "locked", "unlocked", "deleted", "changed", "operated"]
        | None = None,
    ) -> DeedsShown:
        """The audit trail, newest first: who viewed, exported, deleted and changed what."""
        return cast(
            "DeedsShown",
            await self._connection.ask(
                "GET", "/api/audit", query={"before": before, "limit": limit, "who": who, "deed": deed}
            ),
        )

    async def verify_audit(self) -> VerdictShown:
        """Go through the whole trail, and say whether anything was changed or taken away."""
        return cast("VerdictShown", await self._connection.ask("GET", "/api/audit/verify"))

    def download_audit(self) -> AbstractAsyncContextManager[ClientResponse]:
        """The audit trail's last 20 000 entries with their hashes, for spreadsheets."""
        return self._connection.open("GET", "/api/audit/download")

    async def report(self) -> ReportShown:
        """The server report: how everything is and is set, and the logs. No secret is in it."""
        return cast("ReportShown", await self._connection.ask("GET", "/api/report"))

    def download_report(self) -> AbstractAsyncContextManager[ClientResponse]:
        """The server report as an archive, with a picture of each camera."""
        return self._connection.open("GET", "/api/report/download")

    def download_crash(self) -> AbstractAsyncContextManager[ClientResponse]:
        """The crash report: the server report, the whole journal, and how the processes are."""
        return self._connection.open("GET", "/api/report/crash")
