"""What every suite is made of: cases that state what a standard demands, and how each one came out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Requirement(StrEnum):
    """How much the standard insists."""

    MANDATORY = "mandatory"  #: of every device
    CONDITIONAL = (
        "conditional"  #: of every device that offers the feature; the case finds out whether it does
    )
    OPTIONAL = "optional"  #: recommended, left open, or what clients in the field count on


class Result(StrEnum):
    """How a case came out."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    NOT_JUDGED = "not_judged"  #: it applies, and nobody looked


class Failed(Exception):
    """The device does not do what the case demands; the message says what was seen instead."""


class NotApplicable(Exception):
    """The case says nothing about this device; the message says why."""


class NotJudged(Exception):
    """The case applies, and was not done; the message says why. It counts as neither passed nor failed."""


def expect(holds: bool, otherwise: str) -> None:
    """Go on if it holds. Raises Failed with what was seen `otherwise`."""
    if not holds:
        raise Failed(otherwise)


def provided(holds: bool, otherwise: str) -> None:
    """Go on if the case applies. Raises NotApplicable with the reason `otherwise`."""
    if not holds:
        raise NotApplicable(otherwise)


#: A precondition that can be judged before the case begins: None, or the reason why the case does not apply.
Need = Callable[[T], str | None]
#: Does the case, and returns in one sentence what was seen. Raises Failed, NotApplicable or NotJudged.
Check = Callable[[T], Awaitable[str]]


def group_of(name: str) -> str:
    """What stands before the first dot or dash of an id."""
    return name.replace("-", ".").partition(".")[0]


@dataclass(frozen=True, slots=True)
class Case(Generic[T]):
    """One point of a standard. `T` is what the cases of its suite work with."""

    id: str  #: `group.name`, for ever; official ids are `GROUP-1-2-3`
    title: str  #: what a conforming device does, as a sentence
    clause: str  #: where it is written: `RFC 2326 s12.17`
    requirement: Requirement
    needs: tuple[Need[T], ...]
    slow: bool  #: waits for minutes: done at the end, together with the other slow ones
    check: Check[T]
    alone: int = (
        0  #: disturbs the others: done behind all of them, one by one, in this order; 0: disturbs nobody
    )

    @property
    def group(self) -> str:
        """The part of the standard that it belongs to."""
        return group_of(self.id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one case came out."""

    id: str
    title: str
    clause: str
    requirement: Requirement
    result: Result
    detail: str  #: what was seen, or why the case does not apply
    exchange: tuple[str, ...]  #: what was sent and received, a line each
    seconds: float

    @property
    def group(self) -> str:
        """The part of the standard that it belongs to."""
        return group_of(self.id)
