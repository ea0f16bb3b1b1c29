"""What was recorded, for those who search it (ONVIF Recording Search s5). What is asked of the catalogue is asked in
threads; answers that are long come a page at a time, and cost no more memory than a page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import TypeVar

from device.clock import Clock
from device.errors import NotFound
from device.media import Utc
from device.planes.messages import StreamStatus
from device.recording.catalogue import CatalogueReader, Holding
from device.recordings.contents import Change, Contents, Measured, changes, contents, measured
from device.recordings.metadata import Occurrence, Wanted, occurrences
from device.recordings.model import Plan
from device.recordings.recordings import Recordings, Statuses
from device.recordings.sessions import Searches

READERS = 2
EVENTS, METADATA, RECORDINGS = "events", "metadata", "recordings"


class Status(Enum):
    """What becomes of a recording (ONVIF's words)."""

    INITIATED = "Initiated"
    RECORDING = "Recording"
    STOPPED = "Stopped"


@dataclass(frozen=True, slots=True)
class Entry:
    """A recording, and what there is of it."""

    plan: Plan
    contents: Contents
    status: Status


Match = Callable[[Entry], bool]
Known = tuple[Plan, Holding | None]  #: a recording, and what the catalogue has of it
Sees = Callable[[str], bool]  #: whether somebody may see a recording, by its token
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to search (s5.2.4): the union of both lists, then what the filter leaves."""

    recordings: frozenset[str]  #: tokens
    sources: frozenset[str]  #: ids
    match: Match | None
    sees: Sees

    def names(self, plan: Plan) -> bool:
        """Whether a recording is in one of the lists, or there are none."""
        if not self.recordings and not self.sources:
            return True
        return plan.token in self.recordings or plan.origin.id in self.sources


@dataclass(frozen=True, slots=True)
class Summary:
    """Of everything."""

    first: Utc | None
    last: Utc | None
    number: int


class Archive:
    """Searches one recorder's catalogue."""

    def __init__(
        self,
        recordings: Recordings,
        catalogue: Callable[[], CatalogueReader],
        statuses: Statuses,
        clock: Clock,
    ) -> None:
        """`catalogue` raises Fault while the recording plane has not made it; it is called in threads."""
        self._recordings = recordings
        self._catalogue = catalogue
        self._statuses = statuses
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="archive")
        self.searches: Searches[Entry | Change | Occurrence] = Searches(clock, self._threads)

    def close(self) -> None:
        """End all searches."""
        self.searches.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def known(self, token: str) -> Plan:
        """A recording that is or was recorded. Raises NotFound."""
        try:
            return self._recordings.plan(token)
        except NotFound:
            plan = next((plan for plan in await self._plans() if plan.token == token), None)
            if plan is None:
                raise
            return plan

    async def entry(self, token: str) -> Entry:
        """One recording. Raises NotFound."""
        plan, growing = await self.known(token), await self._growing()

        def ask() -> Entry:
            try:
                return self._entry(plan, self._catalogue().holding(token), growing)
            except NotFound:  # the recording plane has not made it yet
                return self._entry(plan, None, growing)

        return await self._run(ask)

    async def summary(self, sees: Sees) -> Summary:
        """s5.4."""
        plans = [plan for plan in await self._plans() if sees(plan.token)]

        def ask() -> Summary:
            rows = [
                row
                for row in self._catalogue().recordings()
                if row.first is not None and row.last is not None and sees(row.token)
            ]
            first = min((row.first for row in rows if row.first is not None), default=None)
            last = max((row.last for row in rows if row.last is not None), default=None)
            return Summary(first, last, len(plans))

        return await self._run(ask)

    async def measured(self, tokens: Sequence[str], at: Utc, sees: Sees) -> list[tuple[str, list[Measured]]]:
        """s5.6: of each recording that has something at an instant; without tokens of all. Raises NotFound."""
        for token in tokens:
            await self.known(token)
        chosen = list(tokens) or [plan.token for plan in await self._plans() if sees(plan.token)]

        def ask() -> list[tuple[str, list[Measured]]]:
            found = [(token, self._measured(token, at)) for token in chosen]
            return [(token, tracks) for token, tracks in found if tracks]

        return await self._run(ask)

    async def find_recordings(self, scope: Scope, most: int | None, keep: float) -> str:
        """s5.7: the token of a search whose results are entries. Raises NotFound, TooManySearches."""
        found = self._entries(await self._scope(scope), await self._growing(), scope.match)
        return self.searches.begin(RECORDINGS, islice(found, most), keep)

    async def find_events(
        self,
        scope: Scope,
        start: Utc,
        end: Utc | None,
        states: bool,
        wanted: Callable[[Change], bool],
        most: int | None,
        keep: float,
    ) -> str:
        """s5.9: the token of a search whose results are changes, by time; backwards where the end lies before the
        start. Raises NotFound, TooManySearches."""
        known, growing = await self._scope(scope), await self._growing()

        def found() -> Iterator[Change]:
            entries = [entry.contents for entry in self._entries(known, growing, scope.match)]
            yield from filter(wanted, changes(self._catalogue(), entries, growing, start, end, states))

        return self.searches.begin(EVENTS, islice(found(), most), keep)

    async def find_metadata(
        self, scope: Scope, start: Utc, end: Utc | None, wanted: Wanted, most: int | None, keep: float
    ) -> str:
        """s5.11: the token of a search whose results are occurrences, by time; backwards where the end lies before the
        start. Raises NotFound, TooManySearches."""
        known, growing = await self._scope(scope), await self._growing()

        def found() -> Iterator[Occurrence | None]:
            entries = [entry.contents for entry in self._entries(known, growing, scope.match)]
            yield from occurrences(self._catalogue(), entries, start, end, wanted, most)

        return self.searches.begin(METADATA, found(), keep)

    async def _scope(self, scope: Scope) -> list[Known]:
        known = [(plan, holding) for plan, holding in await self._known() if scope.sees(plan.token)]
        unknown = sorted(scope.recordings - {plan.token for plan, _ in known})
        if unknown:
            raise NotFound("recording", unknown[0])
        return [(plan, holding) for plan, holding in known if scope.names(plan)]

    async def _plans(self) -> list[Plan]:
        """All that are recorded, or of which there is something."""
        return [plan for plan, _ in await self._known()]

    async def _known(self) -> list[Known]:
        """The same, with what there is of each; None where the recording plane has not made it yet."""
        holdings = {each.row.token: each for each in await self._run(lambda: self._catalogue().holdings())}
        left = self._recordings.left([holding.row for holding in holdings.values()])
        plans = sorted((*self._recordings.plans(), *left), key=lambda plan: plan.token)
        return [(plan, holdings.get(plan.token)) for plan in plans]

    async def _growing(self) -> frozenset[str]:
        return frozenset(status.token for status in await self._statuses() if _grows(status))

    def _entries(
        self, known: Sequence[Known], growing: frozenset[str], match: Match | None
    ) -> Iterator[Entry]:
        for plan, holding in known:
            entry = self._entry(plan, holding, growing)
            if match is None or match(entry):
                yield entry

    def _entry(self, plan: Plan, holding: Holding | None, growing: frozenset[str]) -> Entry:
        found = Contents(plan.token, ()) if holding is None else contents(self._catalogue(), holding)
        status = Status.RECORDING if plan.token in growing else Status.STOPPED
        return Entry(plan, found, status if found.tracks else Status.INITIATED)

    def _measured(self, token: str, at: Utc) -> list[Measured]:
        try:
            return measured(self._catalogue(), token, at)
        except NotFound:
            return []

    async def _run(self, ask: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)


def _grows(status: StreamStatus) -> bool:
    return status.well and status.acknowledged > 0
