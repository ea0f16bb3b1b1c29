"""A suite: the cases of one protocol, registered by a decorator and run one after the other.

A suite for another protocol is a package `conformance/NAME` that defines `SUITE`: what it asks for on the
command line, how it makes the first contact with a device, and its cases.
"""

from __future__ import annotations

import asyncio
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Generic, Protocol, TypeVar

from conformance.case import (
    Case,
    Check,
    Failed,
    Need,
    NotApplicable,
    NotJudged,
    Outcome,
    Requirement,
    Result,
    group_of,
)
from conformance.transcript import Transcript

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

CASE_SECONDS = 45.0  #: for one case, then it has failed
SLOW_SECONDS = 600.0  #: for a slow one


class Unreachable(Exception):
    """Nothing can be said about the device, because there is no talking to it; the message says why."""


class Target(Protocol[T_co]):
    """The device under test, after the first contact."""

    @property
    def title(self) -> str:
        """The device and what it says of itself, for the head of a report."""

    def session(self, transcript: Transcript) -> AbstractAsyncContextManager[T_co]:
        """What one case works with; whatever the case leaves open is closed at the end."""


@dataclass(slots=True)
class Suite(Generic[T]):
    """All cases of one protocol."""

    name: str
    standard: str  #: in the words of a report's head
    groups: Mapping[str, str]  #: group -> heading, in the order in which they are run and told
    arguments: Callable[[ArgumentParser], None]  #: adds what only this suite asks for
    contact: Callable[[Namespace], Awaitable[Target[T]]]  #: raises Unreachable
    #: What all outcomes come to, where the standard has a word for it; empty: nothing is said.
    verdict: Callable[[Sequence[Outcome]], str] = lambda _outcomes: ""
    _cases: dict[str, Case[T]] = field(default_factory=dict)

    def case(
        self,
        name: str,
        title: str,
        clause: str,
        requirement: Requirement,
        *needs: Need[T],
        slow: bool = False,
        alone: int = 0,
    ) -> Callable[[Check[T]], Check[T]]:
        """Register the function below as a case."""
        if group_of(name) not in self.groups or name in self._cases:
            raise ValueError(f"{name}: no such group, or already there")

        def register(check: Check[T]) -> Check[T]:
            self._cases[name] = Case(name, title, clause, requirement, needs, slow, check, alone)
            return check

        return register

    @property
    def cases(self) -> list[Case[T]]:
        """In the order of the groups, and within a group as they were registered."""
        order = list(self.groups)
        return sorted(self._cases.values(), key=lambda case: order.index(case.group))

    def chosen(self, patterns: Sequence[str]) -> list[Case[T]]:
        """Those whose id matches one of the patterns (`replay.*`); all where there is none."""
        return [
            case
            for case in self.cases
            if not patterns or any(fnmatchcase(case.id, pattern) for pattern in patterns)
        ]


async def run(
    cases: Sequence[Case[T]], target: Target[T], at_once: int, tell: Callable[[Outcome], None]
) -> list[Outcome]:
    """Do the cases, `at_once` of them side by side, then the slow ones all together, then one by one those that would
    disturb others.

    `tell` hears of each, in the order of the cases, as soon as it and those before it have ended.
    """
    together = [case for case in cases if not case.alone]
    alone = sorted((case for case in cases if case.alone), key=lambda case: case.alone)
    quick = await _side_by_side([case for case in together if not case.slow], target, at_once, tell)
    slow = await _side_by_side([case for case in together if case.slow], target, len(cases), tell)
    last = await _side_by_side(alone, target, 1, tell)
    found = {outcome.id: outcome for outcome in (*quick, *slow, *last)}
    return [found[case.id] for case in cases]


async def _side_by_side(
    cases: Sequence[Case[T]], target: Target[T], at_once: int, tell: Callable[[Outcome], None]
) -> list[Outcome]:
    places = asyncio.Semaphore(at_once)

    async def do(case: Case[T]) -> Outcome:
        async with places:
            return await judge(case, target)

    found = []
    async with asyncio.TaskGroup() as group:
        for task in [group.create_task(do(case)) for case in cases]:
            found.append(await task)
            tell(found[-1])
    return found


async def judge(case: Case[T], target: Target[T]) -> Outcome:
    """Do one case. Whatever the device does, there is an outcome; an error of the suite itself is raised."""
    transcript = Transcript()
    began = time.monotonic()
    limit = SLOW_SECONDS if case.slow or case.alone else CASE_SECONDS
    try:
        async with asyncio.timeout(limit), target.session(transcript) as session:
            reasons = (need(session) for need in case.needs)
            reason = next((reason for reason in reasons if reason is not None), None)
            if reason is not None:
                raise NotApplicable(reason)
            result, detail = Result.PASS, await case.check(session)
    except NotApplicable as reason_why_not:
        result, detail = Result.NOT_APPLICABLE, str(reason_why_not)
    except NotJudged as reason_why_not:
        result, detail = Result.NOT_JUDGED, str(reason_why_not)
    except Failed as failure:
        result, detail = Result.FAIL, str(failure)
    except TimeoutError:
        result, detail = Result.FAIL, f"did not end within {limit:g} s"
    except OSError as error:
        result, detail = Result.FAIL, f"the connection broke: {error}"
    return Outcome(
        case.id,
        case.title,
        case.clause,
        case.requirement,
        result,
        detail,
        transcript.lines(),
        time.monotonic() - began,
    )
