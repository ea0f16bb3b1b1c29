"""What a recorder refuses, and why: one exception for each kind of problem (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field at fault."""

    pointer: str  #: JSON pointer (RFC 6901) into what was sent: /name
    code: str  #: a word: too_long, out_of_range, pattern, missing, unknown, choice, type, value ...
    detail: str
    limits: Mapping[str, Any]  #: such as {"ge": 1, "le": 10}. Any: numbers and texts


class HoldfastError(Exception):
    """Root of the tree. `transient`: the same may succeed later without any change."""

    transient = False


class Unreachable(HoldfastError):
    """The recorder did not answer, or the connection broke."""

    transient = True


class Problem(HoldfastError):
    """The recorder answered that it will not."""

    def __init__(self, told: Mapping[str, Any], status: int) -> None:
        """`told`: the problem as it came. Any: JSON."""
        self.status = status
        self.title = str(told.get("title", ""))
        self.detail = str(told.get("detail", ""))
        self.hint = str(told.get("hint", ""))  #: what to do
        self.transient = bool(told.get("transient", False))
        self.retry_after: float | None = told.get("retry_after")  #: seconds
        self.errors = tuple(
            FieldError(each["pointer"], each["code"], each["detail"], each.get("ctx", {}))
            for each in told.get("errors", ())
        )
        super().__init__(self.detail or self.title or f"The recorder answered {status}.")


class NotLoggedIn(Problem):
    """401: there is no session, or the token is not known or has expired."""


class NotAllowed(Problem):
    """403: the account, its role or the token may not do this; or the recorder has no administrator yet."""


class NotFound(Problem):
    """404: there is no such thing, or the account may not see it."""


class Refused(Problem):
    """409: it may not be done now."""


class ChangedMeanwhile(Problem):
    """412: somebody else changed it first."""


class BadValue(Problem):
    """422: values are outside their limits; `errors` names each field."""


class TooManyTries(Problem):
    """429: too many wrong passwords came from this address; `retry_after` says how long to wait."""


class RecorderFault(Problem):
    """5xx: the recorder, or the machine under it, cannot."""


KINDS: Mapping[int, type[Problem]] = {
    401: NotLoggedIn,
    403: NotAllowed,
    404: NotFound,
    409: Refused,
    412: ChangedMeanwhile,
    422: BadValue,
    429: TooManyTries,
}


def problem_of(status: int, told: object) -> Problem:
    """The exception for an answer."""
    kind = RecorderFault if status >= 500 else KINDS.get(status, Problem)
    return kind(told if isinstance(told, Mapping) else {}, status)
