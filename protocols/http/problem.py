"""What went wrong, for programs and pages: problem details (RFC 9457), with a JSON pointer to each field at fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from device.errors import BadValue, HoldfastError
from device.settings.section import InvalidSettings

#: pydantic's kinds of error in fewer words, which pages translate.
CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown",
    "unexpected_keyword_argument": "unknown",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "string_too_short": "too_short",
    "too_short": "too_short",
    "greater_than_equal": "out_of_range",
    "greater_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "string_pattern_mismatch": "pattern",
    "enum": "choice",
    "literal_error": "choice",
    "value_error": "value",
    "assertion_error": "value",
    "json_invalid": "json",
}
_CONTEXT = ("ge", "gt", "le", "lt", "max_length", "min_length", "pattern", "expected")


class Wrong(BaseModel):
    """One field at fault."""

    pointer: str  #: JSON pointer (RFC 6901) into the body; for a query, /name
    code: str
    detail: str
    ctx: dict[str, Any] = {}  # Any: limits as they are


class Problem(BaseModel):
    """RFC 9457 s3."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    hint: str = ""  #: what to do
    transient: bool = False  #: the same request may succeed later
    retry_after: float | None = None  #: seconds
    errors: list[Wrong] = []


def problem(status: int, detail: str, **more: Any) -> Problem:
    """A problem with the status' own title."""
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, **more)


def of_error(error: HoldfastError) -> Problem:
    """An error of the house as this wire tells it."""
    status = error.wire.http
    wrong: list[Wrong] = []
    if isinstance(error, InvalidSettings):
        wrong = [
            Wrong(
                pointer=pointer(_path(field)), code=code(kind), detail=error.problems[field], ctx=context(ctx)
            )
            for field, (kind, ctx) in error.kinds.items()
        ]
    elif isinstance(error, BadValue):
        text = str(error).removeprefix(f"{error.field}: ")
        wrong = [Wrong(pointer=pointer(_path(error.field)), code="value", detail=text)]
    return problem(status, str(error), hint=error.hint, transient=error.transient, errors=wrong)


def of_validation(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """What pydantic found in a body or query."""
    wrong = []
    for each in errors[:100]:
        place = [str(part) for part in each["loc"]]
        text = str(each["msg"]).removeprefix("Value error, ")
        wrong.append(
            Wrong(
                pointer=pointer(place), code=code(each["type"]), detail=text, ctx=context(each.get("ctx", {}))
            )
        )
    return problem(422, "; ".join(f"{each.pointer}: {each.detail}" for each in wrong[:5]), errors=wrong)


def code(kind: str) -> str:
    """The word for one of pydantic's kinds of error."""
    return CODES.get(kind, "type" if kind.endswith(("_type", "_parsing")) else "value")


def context(ctx: Mapping[str, Any]) -> dict[str, Any]:
    """The limits in an error's context; nothing that was given."""
    return {name: value for name, value in ctx.items() if name in _CONTEXT}


def pointer(parts: Sequence[str]) -> str:
    """RFC 6901 s3."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _path(field: str) -> list[str]:
    """`cameras[c-7f3k2m].main` points to `main`: the rest is in the URL. `--key` names a command's option."""
    head, dot, rest = field.rpartition("].")
    if dot:
        return rest.split(".")
    section, dot, name = head.partition(".") if head else field.partition(".")
    return (name if dot else section).split(".") if (name or section) else []
