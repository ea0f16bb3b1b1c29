"""Searches: what was found so far waits for whoever asked, until he has it all, or asks no more (ONVIF Recording
Search s5.2, s5.8). The finding itself is an iterator, read a page at a time in a thread."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from device.clock import Clock
from device.errors import Fault, NotFound

T = TypeVar("T")

SHORTEST, LONGEST = 1.0, 3600.0  #: seconds of keep-alive
SEARCHES = 128  #: at once, of all who search
PAGE = 500  #: results of one answer, at most
LONGEST_WAIT = 60.0  #: seconds
TURN = 0.1  #: seconds that one search reads in a thread before another one may
_OVER = object()


class TooManySearches(Fault):
    """Others search: theirs end, or time out."""

    transient = True
    hint = "Try again later, or end a search."


@dataclass(slots=True)
class Search(Generic[T]):
    """One, from its beginning to its last result."""

    token: str
    kind: str  #: what finds: the results of one kind are not asked for as another's
    keep: float  #: seconds that it lives after the last request that names it
    deadline: float
    results: Iterator[T | None]  #: None: nothing so far, and there is more to read
    last: T | None = None  #: the last result that was given
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    ahead: list[T] = field(default_factory=list)  #: read to know whether there is more
    over: bool = False


class Searches(Generic[T]):
    """All that run."""

    def __init__(self, clock: Clock, threads: ThreadPoolExecutor) -> None:
        """`threads` read: not more at once than there are."""
        self._clock = clock
        self._searches: dict[str, Search[T]] = {}
        self._threads = threads

    def begin(self, kind: str, results: Iterator[T | None], keep: float) -> str:
        """Take up a search; its token. Nothing is read yet. Raises TooManySearches."""
        now = self._clock.monotonic()
        self._searches = {token: each for token, each in self._searches.items() if each.deadline >= now}
        if len(self._searches) >= SEARCHES:
            raise TooManySearches(f"{SEARCHES} searches run.")
        token, keep = secrets.token_hex(8), min(max(keep, SHORTEST), LONGEST)
        self._searches[token] = Search(token, kind, keep, now + keep, results)
        return token

    async def take(self, kind: str, token: str, most: int | None, wait: float | None) -> tuple[list[T], bool]:
        """The next results, and whether they are the last: then the search is over. Reads until there are `most`, for
        `wait` seconds. Raises NotFound."""
        search = self._find(kind, token)
        async with search.busy:
            search = self._find(kind, token)
            wanted = PAGE if most is None else min(max(most, 1), PAGE)
            limit = LONGEST_WAIT if wait is None else min(max(wait, 0.0), LONGEST_WAIT)
            until = time.monotonic() + limit
            loop = asyncio.get_running_loop()
            found: list[T] = []
            # One that was ended meanwhile is not read on.
            while token in self._searches:
                turn = min(until, time.monotonic() + TURN)
                found += await loop.run_in_executor(self._threads, _page, search, wanted - len(found), turn)
                search.deadline = self._clock.monotonic() + search.keep
                if len(found) == wanted or search.over or time.monotonic() > until:
                    break
            if search.over and not search.ahead:
                self._searches.pop(token, None)
                return found, True
            return found, False

    def end(self, token: str) -> T | None:
        """End a search; the last result that was given of it. Raises NotFound."""
        search = self._find("", token)
        del self._searches[token]
        return search.last

    def close(self) -> None:
        """End all."""
        self._searches.clear()

    def _find(self, kind: str, token: str) -> Search[T]:
        search = self._searches.get(token)
        now = self._clock.monotonic()
        if (
            search is None
            or (kind and search.kind != kind)
            or (search.deadline < now and not search.busy.locked())
        ):
            raise NotFound("search", token)
        search.deadline = now + search.keep
        return search


def _page(search: Search[T], most: int, until: float) -> list[T]:
    """Read on, and one further, so that the last results say that they are."""
    while not search.over and len(search.ahead) <= most:
        item = next(search.results, _OVER)
        if item is _OVER:
            search.over = True
            break
        if item is not None:
            search.ahead.append(item)  # type: ignore[arg-type]  # it is none of ours
        if time.monotonic() > until:
            break
    given, search.ahead = search.ahead[:most], search.ahead[most:]
    if given:
        search.last = given[-1]
    return given
