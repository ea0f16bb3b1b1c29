"""What the recorder has written down: the logs, the audit trail, and the report for whoever helps."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from device.accounts.role import Role
from device.audit.logs import Deed, Log, log_of
from device.audit.spreadsheet import as_csv
from device.audit.trail import latest, verify
from device.errors import Severity
from device.events.journal import Entry
from device.events.words import said
from device.signature import Signer
from device.vault import Vault
from protocols.http.api.answers import Answer
from protocols.http.api.events import EventShown, event_shown, newest, sees
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.moments import Instant
from protocols.http.report import crash_report, log_line, server_report, text
from protocols.http.table import Body, Table

TABLE = Table("Logs and reports")

MOST_SCANNED = 100_000  #: entries that are looked at for one answer
MOST_LINES = 20_000  #: of a file


class Lines(Body):
    """Which entries of a log."""

    before: Annotated[int, Field(ge=1, le=2**53)] | None = None  #: older than this `seq`
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    severity: Severity | None = None  #: at least as grave
    text: Annotated[str, Field(max_length=100)] = ""  #: that stands in it, in whatever case


class LineShown(Answer):
    """An entry of a log, and how it reads."""

    event: EventShown
    text: str


class LinesShown(Answer):
    """Newest first."""

    lines: list[LineShown]
    next: int | None  #: to be given as `before`


class Deeds(Body):
    """Which entries of the audit trail."""

    before: Annotated[int, Field(ge=1, le=2**53)] | None = None  #: with a smaller number
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    who: Annotated[str, Field(max_length=100)] = ""
    deed: Deed | None = None


class DeedShown(Answer):
    """Somebody did something."""

    number: int
    at: Instant
    who: str
    peer: str  #: address from which he came, where it is known
    deed: str
    what: str
    event: dict[str, Any]  # Any: the event's own fields
    hash: str  #: of this entry and all before it


class DeedsShown(Answer):
    """Newest first."""

    deeds: list[DeedShown]
    next: int | None  #: to be given as `before`


class VerdictShown(Answer):
    """Whether the audit trail is as it was written."""

    good: bool
    entries: int  #: that were looked at
    first: int  #: number of the oldest that is kept
    last: int  #: number of the newest; 0: there is none
    hash: str  #: of the newest
    problem: str  #: what is wrong, and where


class ReportShown(Answer):
    """The report, as text."""

    text: str


@TABLE.get("/api/logs/{log}", role=Role.OPERATOR)
async def read(house: House, caller: Caller, log: Log, query: Lines) -> LinesShown:
    """A log: what happened (`system`), who was let in or refused (`access`), who did what (`audit`); newest first."""
    found, last = _lines(house, caller, log, query)
    lines = [LineShown(event=event_shown(each), text=said(each.event)) for each in found]
    return LinesShown(lines=lines, next=last)


@TABLE.get("/api/logs/{log}/download", role=Role.OPERATOR, produces="text/plain")
async def download(house: House, caller: Caller, log: Log) -> web.Response:
    """The log's last 20 000 lines, oldest first."""
    found, _ = _lines(house, caller, log, Lines.model_construct(limit=MOST_LINES))
    lines = "".join(f"{log_line(each)}\n" for each in reversed(found))
    return _file(house, lines.encode(), f"{log.value}.log", "text/plain")


@TABLE.get("/api/audit", role=Role.ADMINISTRATOR)
async def audit(house: House, query: Deeds) -> DeedsShown:
    """The audit trail, newest first: who viewed, exported, deleted and changed what."""
    deed = query.deed.value if query.deed else ""
    rows = await asyncio.to_thread(
        latest, house.folder.audit, query.limit, before=query.before, who=query.who, deed=deed
    )
    deeds = [DeedShown.model_validate({**row, "at": row["utc"]}) for row in reversed(rows)]
    more = len(deeds) == query.limit and deeds[-1].number > 1
    return DeedsShown(deeds=deeds, next=deeds[-1].number if more else None)


@TABLE.get("/api/audit/verify", role=Role.ADMINISTRATOR)
async def verify_audit(house: House) -> VerdictShown:
    """Go through the whole trail, and say whether anything was changed or taken away."""

    def look() -> VerdictShown:
        key = Signer.at(house.folder.signature, Vault.at(house.folder.key)).public
        told = verify(house.folder.audit, key)
        return VerdictShown(
            good=not told.problem,
            entries=told.entries,
            first=told.first,
            last=told.head.number if told.head else 0,
            hash=told.head.hash if told.head else "",
            problem=told.problem,
        )

    return await asyncio.to_thread(look)


@TABLE.get("/api/audit/download", role=Role.ADMINISTRATOR, produces="text/csv")
async def download_audit(house: House) -> web.Response:
    """The audit trail's last 20 000 entries with their hashes, for spreadsheets."""
    rows = await asyncio.to_thread(latest, house.folder.audit, MOST_LINES)
    return _file(house, as_csv(rows).encode(), "audit.csv", "text/csv")


@TABLE.get("/api/report", role=Role.ADMINISTRATOR)
async def report(house: House) -> ReportShown:
    """The server report: how everything is and is set, and the logs. No secret is in it."""
    return ReportShown(text=await text(house))


@TABLE.get("/api/report/download", role=Role.ADMINISTRATOR, produces="application/zip")
async def download_report(house: House) -> web.Response:
    """The server report as an archive, with a picture of each camera."""
    return _file(house, await server_report(house), "report.zip", "application/zip")


@TABLE.get("/api/report/crash", role=Role.ADMINISTRATOR, produces="application/zip")
async def download_crash(house: House) -> web.Response:
    """The crash report: the server report, the whole journal, and how the processes are."""
    return _file(house, await crash_report(house), "crash-report.zip", "application/zip")


def _lines(house: House, caller: Caller, log: Log, query: Lines) -> tuple[list[Entry], int | None]:
    """`newest` of a log."""
    return newest(
        house.bus.journal,
        query.before,
        MOST_SCANNED,
        query.limit,
        lambda entry: _wanted(entry, log, query) and sees(caller, entry),
    )


def _wanted(entry: Entry, log: Log, query: Lines) -> bool:
    event = entry.event
    grave = query.severity is None or event.severity <= query.severity
    return (
        grave
        and log_of(event.name) is log
        and (not query.text or query.text.casefold() in f"{event.name} {said(event)}".casefold())
    )


def _file(house: House, body: bytes, name: str, kind: str) -> web.Response:
    """A file that a browser saves, named after the recorder."""
    headers = {"Content-Disposition": f'attachment; filename="{house.identity.serial}-{name}"'}
    charset = "utf-8" if kind.startswith("text/") else None
    return web.Response(body=body, content_type=kind, charset=charset, headers=headers)
