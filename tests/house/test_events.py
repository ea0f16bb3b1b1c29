"""What the catalogue of events promises is told by something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import integration.control  # noqa: F401 - with it every event of the recorder is known
from device.events.event import Event, events
from tests.house.tree import PRODUCT


def _kinds() -> list[type[Event]]:
    return [kind for kind in events().values() if kind.__module__.startswith("device.")]


def _uses(path: Path) -> Iterator[str]:
    """The names that a module makes something of, or hands on; a name in a pattern or in an import is neither."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name(name) | ast.Attribute(attr=name)):
                yield name
            case ast.IfExp(body=body, orelse=other):
                yield from (_name(each) for each in (body, other))
            case ast.Dict(values=values):
                yield from (_name(each) for each in values)
            case ast.Tuple(elts=values):
                yield from (_name(each) for each in values)


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
    return ""


def test_every_event_is_told_by_something(checkout: Path) -> None:
    used: set[str] = set()
    for top in PRODUCT:
        for path in (checkout / top).rglob("*.py"):
            used.update(_uses(path))
    assert [kind.name for kind in _kinds() if kind.__name__ not in used] == []


def test_every_state_that_begins_can_end() -> None:
    kinds = _kinds()
    ended = {state for kind in kinds for state in kind.clears}
    assert [kind.name for kind in kinds if kind.raises and kind.raises not in ended] == []
