"""Settings as people type them: `recording.durability=2`, `cameras[c-7f3k2m].main=rtsp://10.0.0.7/`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel

from device.errors import BadValue
from device.settings.section import Section, about_fields, where
from device.settings.store import Changed, Store

_PLACE = re.compile(
    r"(?P<section>[a-z][a-z0-9_]*)(\[(?P<key>[^\[\]]*)\])?(\.(?P<field>[a-z][a-z0-9_]*))?", re.ASCII
)

NOTHING = ("none", "null", "unlimited", "")  #: how people say that a limit does not exist


@dataclass(frozen=True, slots=True)
class Place:
    """A section, an entry, or one of its fields."""

    kind: type[Section]
    key: str
    field: str  #: empty: all of them


@dataclass(frozen=True, slots=True)
class Assignment:
    """A field and the value that it is to have; None: its default."""

    place: Place
    value: object


def place(text: str, store: Store) -> Place:
    """`section`, `section.field`, `section[key]` or `section[key].field`. Raises BadValue saying what is
    like it."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise BadValue(text[:200], "must be section, section.field, section[key] or section[key].field")
    names = [kind.about.section for kind in store.sections]
    if found["section"] not in names:
        raise BadValue(text[:200], f"there is no such section{_like(found['section'], names)}")
    kind = store.section(found["section"])
    field = found["field"] or ""
    if field and field not in kind.model_fields:
        raise BadValue(text[:200], f"there is no such setting{_like(field, list(kind.model_fields))}")
    if field and kind.about.key and not found["key"]:
        raise BadValue(text[:200], f"say which: {kind.about.section}[KEY].{field}")
    return Place(kind, found["key"] or "", field)


def assignment(text: str, store: Store) -> Assignment:
    """`section.field=VALUE`. A list or an object is JSON; whatever else is as it is typed. Raises
    BadValue."""
    left, equals, right = text.partition("=")
    target = place(left.strip(), store)
    if not equals or not target.field:
        raise BadValue(text[:200], "must be section.field=VALUE or section[key].field=VALUE")
    return Assignment(target, _value(target, right))


def assign(texts: Iterable[str], store: Store, *, by: str) -> list[Changed]:
    """Carry out several assignments; those to one entry are one change. Raises BadValue before anything is
    changed where one of them is no assignment, and InvalidSettings at the first change whose values do not
    fit."""
    grouped: dict[tuple[type[Section], str], dict[str, object]] = {}
    for made in [assignment(text, store) for text in texts]:
        grouped.setdefault((made.place.kind, made.place.key), {})[made.place.field] = made.value
    return [store.patch(kind, values, key=key, by=by) for (kind, key), values in grouped.items()]


def _value(target: Place, text: str) -> object:
    kinds = _kinds(target.kind.model_fields[target.field].annotation)
    if NoneType in kinds and text.strip().lower() in NOTHING:
        return None
    if kinds & {list, tuple, dict, BaseModel}:
        try:
            return json.loads(text)
        except ValueError as error:
            raise BadValue(where(target.kind, target.key, target.field), f"must be JSON: {error}") from None
    if about_fields(target.kind)[target.field].secret or str in kinds:
        return text
    return text.strip()


def _kinds(annotation: object) -> set[type]:
    """The types that a value may have, without their parameters."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return set[type]().union(*(_kinds(part) for part in get_args(annotation)))
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if isinstance(origin, type):
        return {origin}
    if isinstance(annotation, type):
        return {BaseModel} if issubclass(annotation, BaseModel) else {annotation}
    return set()


def _like(word: str, words: list[str]) -> str:
    close = get_close_matches(word, words, n=1)
    return f"; do you mean {close[0]}?" if close else f": {', '.join(words)}"
