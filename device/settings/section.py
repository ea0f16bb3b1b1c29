"""The words in which settings are declared: a section is a class, a setting is a field with its meaning.

    class Recording(Section, section="recording", heading=N_("Recording"), restore=Keep.NO,
    role=Role.ADMINISTRATOR):
        durability: float = Field(1.0, title=N_("Durability"), unit="s", ge=0.5, le=10)

Forms, the command line, OpenAPI and the documents are made from what is said here, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, ClassVar, TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from device.accounts.role import Role
from device.certificates.purpose import Purpose
from device.errors import BadValue

MOST_ENTRIES = 1000  #: in one collection, unless it says otherwise

T = TypeVar("T")
S = TypeVar("S", bound="Section")


def N_(text: str) -> str:  # noqa: N802 - gettext's name for "to be translated where it is shown"
    """Mark a text for translation."""
    return text


class Keep(Enum):
    """Whether something outlives a reset."""

    NO = "no"
    YES = "yes"


class Scope(Enum):
    """How much a reset takes away."""

    RESTORE = "restore"  #: all but what keeps the recorder reachable
    FACTORY = "factory"  #: everything


class Interrupts(Enum):
    """What stops for a moment when a setting changes. Forms say so before they save."""

    NOTHING = "nothing"
    CAMERA = "camera"  #: recording of this camera: a new run begins
    RECORDING = "recording"  #: recording of all cameras
    SESSIONS = "sessions"  #: those who watch must connect again


@dataclass(frozen=True, slots=True)
class About:
    """What is said of a section as a whole."""

    section: str  #: its name, as in `section.field=value`
    heading: str
    restore: Keep
    factory: Keep
    role: Role  #: who may change it
    key: str  #: pattern of the keys of a collection; empty: there is one
    most: int  #: entries of a collection


@dataclass(frozen=True, slots=True)
class AboutField:
    """What is said of one setting."""

    name: str
    title: str
    help: str
    unit: str
    ge: float | None
    le: float | None
    when: str
    interrupts: Interrupts
    restore: Keep | None
    secret: bool
    once: bool  #: what was set cannot be changed any more, until a factory default takes it away
    box: bool  #: says what the box is made of, which no reset changes
    certificate: Purpose | None  #: it holds ids of certificates, for this


class InvalidSettings(BadValue):
    """One or several values are outside their limits. `problems`: each field and what is wrong with it."""

    def __init__(
        self, problems: Mapping[str, str], kinds: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None
    ) -> None:
        """`kinds`: of each problem pydantic's word for it and its limits, for those who translate."""
        field, message = next(iter(problems.items()))
        super().__init__(field, message)
        self.problems = dict(problems)
        self.kinds = dict(kinds) if kinds else {field: ("value_error", {}) for field in problems}
        if len(problems) > 1:
            self.args = ("; ".join(f"{field}: {message}" for field, message in problems.items()),)


def Field(  # noqa: N802 - takes the place of pydantic's
    default: T,
    *,
    title: str,
    help: str = "",  # noqa: A002 - what forms call it
    unit: str = "",
    ge: float | None = None,
    le: float | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
    when: str = "",
    interrupts: Interrupts = Interrupts.NOTHING,
    restore: Keep | None = None,
    once: bool = False,
    box: bool = False,
    certificate: Purpose | None = None,
) -> T:
    """One setting. `ge`, `le`: limits, in `unit`. `when`: an expression over the section's other fields
    that says whether it has a meaning (see `device.settings.when`). `restore`: where it differs from its
    section's. `once`: whoever sets it, sets it for ever. `box`: it says what the box is made of; no reset takes it
    away, for without it the recorder would not find its own drives, lights and buttons. `certificate`: it holds the id
    of a certificate for that, or a tuple of ids."""
    return pydantic.Field(
        default,
        title=title,
        description=help or None,
        ge=ge,
        le=le,
        max_length=max_length,
        pattern=pattern,
        json_schema_extra={
            "unit": unit,
            "when": when,
            "interrupts": interrupts.value,
            "restore": None if restore is None else restore.value,
            "once": once,
            "box": box,
            "certificate": None if certificate is None else certificate.value,
        },
    )


def Required(  # noqa: N802 - as Field
    *,
    title: str,
    help: str = "",  # noqa: A002 - as above
    max_length: int,
    interrupts: Interrupts,
) -> Any:
    """One setting without a default: an entry of a collection cannot be made without it."""
    return Field(..., title=title, help=help, max_length=max_length, interrupts=interrupts)


class Section(BaseModel):
    """A group of settings that are read and changed together."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True, allow_inf_nan=False
    )
    about: ClassVar[About]

    def __init_subclass__(
        cls,
        *,
        section: str,
        heading: str,
        restore: Keep,
        role: Role,
        factory: Keep = Keep.NO,
        key: str = "",
        most: int = MOST_ENTRIES,
    ) -> None:
        """`key`: of a collection, the pattern that the keys of its entries match as a whole; `most`: how many there can
        be."""
        super().__init_subclass__()
        cls.about = About(section, heading, restore, factory, role, key, most)


@cache
def about_fields(kind: type[Section]) -> Mapping[str, AboutField]:
    """What is said of each setting of a section, in the order of declaration."""
    found = {}
    for name, info in kind.model_fields.items():
        extra = info.json_schema_extra
        if not isinstance(extra, dict):
            raise TypeError(f"{kind.__name__}.{name} is not declared with Field.")
        limits = {
            attr: getattr(rule, attr)
            for rule in info.metadata
            for attr in ("ge", "le")
            if hasattr(rule, attr)
        }
        restore = extra["restore"]
        found[name] = AboutField(
            name,
            info.title or name,
            info.description or "",
            str(extra["unit"]),
            limits.get("ge"),
            limits.get("le"),
            str(extra["when"]),
            Interrupts(extra["interrupts"]),
            None if restore is None else Keep(restore),
            info.annotation is SecretStr,
            bool(extra["once"]),
            bool(extra["box"]),
            None if extra["certificate"] is None else Purpose(extra["certificate"]),
        )
    return found


def where(kind: type[Section], key: str, field: str = "") -> str:
    """How a setting is called in messages and on the command line: `cameras[c-7f3k2m].name`."""
    return kind.about.section + (f"[{key}]" if kind.about.key else "") + (f".{field}" if field else "")


def check_key(kind: type[Section], key: str) -> None:
    """Raises BadValue where `key` cannot be the key of an entry."""
    if not kind.about.key and key:
        raise BadValue(where(kind, key), "there is only one, without a key")
    if kind.about.key and not re.fullmatch(kind.about.key, key):
        raise BadValue(f"{kind.about.section}[{key[:64]}]", f"the key must match {kind.about.key}")


def validate(kind: type[S], key: str, values: Mapping[str, object]) -> S:
    """The section with these values. Raises InvalidSettings, which names each field and its limit."""
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise InvalidSettings(*_problems(kind, key, error)) from None


def _problems(
    kind: type[Section], key: str, error: ValidationError
) -> tuple[dict[str, str], dict[str, tuple[str, Mapping[str, Any]]]]:
    """What is wrong with each field, in words; and pydantic's kind of error, with its limits."""
    about = about_fields(kind)
    problems: dict[str, str] = {}
    kinds: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for found in error.errors(include_url=False, include_input=False):
        name = str(found["loc"][0]) if found["loc"] else ""
        field = about.get(name)
        message = found["msg"].removeprefix("Value error, ")
        limited = field is not None and (field.ge, field.le) != (
            None,
            None,
        )  # else it is of the items of a list
        if (
            found["type"] in ("greater_than_equal", "less_than_equal")
            and field
            and limited
            and len(found["loc"]) <= 2
        ):
            message = _limits(field)
        elif found["type"] == "extra_forbidden":
            message = "there is no such setting"
        elif found["type"] == "missing":
            message = "is needed"
        path = ".".join(str(part) for part in found["loc"])
        place = where(kind, key, path)
        problems.setdefault(place, message)
        kinds.setdefault(place, (found["type"], found.get("ctx", {})))
    return problems, kinds


def _limits(field: AboutField) -> str:
    unit = f" {field.unit}" if field.unit else ""
    if field.ge is not None and field.le is not None:
        return f"must be {field.ge:g} to {field.le:g}{unit}"
    if field.le is not None:
        return f"must be at most {field.le:g}{unit}"
    return f"must be at least {field.ge:g}{unit}"
