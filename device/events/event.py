"""How an event is declared: a frozen dataclass with a name, a severity, what it is about, and what state it
changes.

    @event("camera.offline", severity=Severity.ERROR, about=("camera", "stream"), state="camera.offline")
    class CameraOffline(Event):
        '''No picture comes from a camera.'''

        camera: CameraId
        stream: str  #: main | sub
        cause: Cause

    @event("camera.online", severity=Severity.NOTICE, about=("camera", "stream"), clears=("camera.offline",))

`state=` makes it the raise of a state, `clears=` the clear of one or several; a state is of the subject,
the values of the fields in `about`. An event with neither is a moment. The class is the documentation:
pages and tables are made from it.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar, TypeVar, dataclass_transform, get_args, get_origin, get_type_hints

from device.errors import Severity
from device.records import BadRecord, from_json, record, to_json


@dataclass(frozen=True, slots=True)
class Unit:
    """In `Annotated`: what a number counts."""

    symbol: str


Seconds = Annotated[float, Unit("s")]
Bytes = Annotated[int, Unit("B")]
Instant = Annotated[int, Unit("us since 1970 UTC")]  #: a `device.media.Utc`
Count = Annotated[int, Unit("1")]
Percent = Annotated[float, Unit("%")]


class Event:
    """A fact about the recorder."""

    __slots__ = ()

    name: ClassVar[str]  #: in dotted words; stable, and the name on wires that have names
    severity: ClassVar[Severity]
    about: ClassVar[tuple[str, ...]]  #: names of the fields that say whom it is about
    raises: ClassVar[str]  #: the state that begins with it; empty where none
    clears: ClassVar[tuple[str, ...]]  #: the states that end with it


E = TypeVar("E", bound=Event)

_EVENTS: dict[str, type[Event]] = {}
_TAKEN = {"event", "name", "severity", "about", "raises", "clears"}
_NAME = re.compile(r"[a-z]+(\.[a-z]+([_-][a-z]+)*)+")


@dataclass_transform(frozen_default=True)
def event(
    name: str,
    *,
    severity: Severity,
    about: tuple[str, ...] = (),
    state: str = "",
    clears: tuple[str, ...] = (),
) -> Callable[[type[E]], type[E]]:
    """Declare an event. Raises TypeError where the declaration contradicts itself or another."""

    def declare(kind: type[E]) -> type[E]:
        made = record(dataclass(frozen=True, slots=True)(kind))
        if name in _EVENTS or not _NAME.fullmatch(name):
            raise TypeError(f"{name!r} is taken, or no name for an event.")
        if missing := set(about) - {field.name for field in dataclasses.fields(made)}:  # type: ignore[arg-type]  # is one
            raise TypeError(f"{name} is about {missing}, which it does not have.")
        if taken := _TAKEN & {field.name for field in dataclasses.fields(made)}:  # type: ignore[arg-type]  # is one
            raise TypeError(f"{name} may not have fields named {taken}.")
        if state and clears:
            raise TypeError(f"{name} both raises and clears.")
        made.name, made.severity, made.about = name, severity, about
        made.raises, made.clears = state, clears
        _EVENTS[name] = made
        return made

    return declare


def events() -> dict[str, type[Event]]:
    """Every event that is declared, by name."""
    return dict(_EVENTS)


def subject(event: Event) -> str:
    """Whom the event is about, as a JSON object: what identifies a state together with its name."""
    return json.dumps({name: _plain(getattr(event, name)) for name in type(event).about})


def event_values(event: Event, names: Iterable[str]) -> list[object]:
    """Fields of an event as people and wires write them: enumerations by their value."""
    return [_plain(getattr(event, name)) for name in names]


def dump(event: Event) -> str:
    """The event as JSON, its name included."""
    fields = to_json(event).decode()[1:-1]
    return f'{{"event":"{event.name}"' + (f",{fields}" if fields else "") + "}"


def load(text: str) -> Event:
    """The event in such JSON. Raises BadRecord, also where this version does not know the event."""
    try:
        name = json.loads(text)["event"]
        kind = _EVENTS[name]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BadRecord(f"no event that is known: {text[:80]!r}") from None
    return from_json(kind, text)


@dataclass(frozen=True, slots=True)
class FieldAbout:
    """One field of an event, for pages and tables."""

    name: str
    type: str
    unit: str
    text: str


def describe(kind: type[Event]) -> list[FieldAbout]:
    """The fields of an event, with their units and the comments that stand beside them."""
    comments = dict(re.findall(r"^    (\w+): [^#\n]*#: (.*)$", _source(kind), re.MULTILINE))
    found = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if get_origin(hint) is ClassVar:
            continue
        extra = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        plain = get_args(hint)[0] if extra else hint
        unit = next((part.symbol for part in extra if isinstance(part, Unit)), "")
        found.append(FieldAbout(name, getattr(plain, "__name__", str(plain)), unit, comments.get(name, "")))
    return found


def _source(kind: type[Event]) -> str:
    """The lines of its class. `inspect.getsource` of a class parses its whole module, for each of a hundred events:
    seconds that a plane has not at its start."""
    module = _module_source(kind.__module__)
    begin = module.index(f"\nclass {kind.__name__}(")
    return module[begin : module.find("\n\n\n", begin)]


@cache
def _module_source(name: str) -> str:
    return inspect.getsource(sys.modules[name]) + "\n\n\n"


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else json.loads(to_json(value))
