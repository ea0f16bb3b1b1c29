"""An event in words, for logs and letters: its sentence, and its fields as text. Pure."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import get_args, get_type_hints

from device.events.event import Event, Unit, events

_MICROSECONDS = Unit("us since 1970 UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def sentence(kind: type[Event]) -> str:
    """What happened, in one sentence: the first of the event's documentation."""
    return " ".join((kind.__doc__ or kind.name).split()).partition(". ")[0].rstrip(".:") + "."


def fields(event: Event) -> list[tuple[str, str]]:
    """Names and values of the fields that say something, in their order. A list's values are separated by commas, a
    moment is in RFC 3339, a number has no unit: `device.events.event.describe` knows it."""
    moments = _moments(event.name)
    found = []
    for field in dataclasses.fields(event):  # type: ignore[arg-type]  # every event is a dataclass
        value = getattr(event, field.name)
        text = moment(value) if field.name in moments else plain(value)
        if text:
            found.append((field.name, text))
    return found


@cache
def _moments(name: str) -> frozenset[str]:
    """The fields of an event that are moments."""
    hints = get_type_hints(events()[name], include_extras=True)
    return frozenset(name for name, hint in hints.items() if _MICROSECONDS in get_args(hint)[1:])


def moment(utc: int) -> str:
    """Microseconds since 1970 as RFC 3339, in UTC; as they are where no calendar reaches."""
    try:
        return f"{_EPOCH + timedelta(microseconds=utc):%Y-%m-%dT%H:%M:%S.%fZ}"
    except OverflowError:
        return str(utc)


def plain(value: object) -> str:
    """A field's value as text; empty where there is none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(plain(part) for part in value)
    if isinstance(value, Enum):
        return str(value.value)
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def said(event: Event) -> str:
    """The sentence, and the fields behind it: `No picture comes from a camera. camera=c-7f3k2m stream=main`."""
    words = [f"{name}={text}" for name, text in fields(event)]
    return " ".join([sentence(type(event)), *words])
