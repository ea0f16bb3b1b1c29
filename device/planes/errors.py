"""Errors of the house crossing between the planes: what is raised there is raised here, with its type and
fields."""

from __future__ import annotations

import json

from device.errors import Fault, HoldfastError, PeerFault
from device.planes.wire import message

MAX_TEXT = 16 << 10  #: characters of an error's text, and of its fields, that are carried


class PlaneDown(PeerFault):
    """The plane does not run, or went away before it answered: the request was perhaps done, perhaps not."""

    hint = "The supervisor restarts a plane within a second; try again."


class PlaneFault(Fault):
    """Something went wrong inside the other plane that it has no name for: a defect of ours."""


@message
class WireError:
    """An error on its way."""

    lineage: tuple[str, ...]  #: module.class, its own first, then its ancestors up to HoldfastError
    text: str
    fields: str  #: the attributes that are plain JSON values, as a JSON object


def pack(error: Exception) -> WireError:
    """The message for an error. Whatever is not of our tree becomes a PlaneFault."""
    if not isinstance(error, HoldfastError):
        error = PlaneFault(f"{type(error).__name__}: {error}")
    fields = json.dumps({name: value for name, value in vars(error).items() if _is_plain(value)})
    lineage = tuple(_name(kind) for kind in type(error).__mro__ if issubclass(kind, HoldfastError))
    return WireError(lineage, str(error)[:MAX_TEXT], fields if len(fields) <= MAX_TEXT else "{}")


def unpack(sent: WireError) -> HoldfastError:
    """The error itself, as the nearest class of its lineage that this process has imported."""
    known = _tree()
    kind = next((known[name] for name in sent.lineage if name in known), PlaneFault)
    error = kind.__new__(kind)  # not through __init__, whose parameters are each class's own
    error.args = (sent.text,)
    try:
        fields = json.loads(sent.fields)
    except ValueError:
        fields = {}
    if isinstance(fields, dict):
        vars(error).update(fields)
    return error


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(part) for part in value)
    if isinstance(value, dict):
        return all(type(key) is str and _is_plain(part) for key, part in value.items())
    return value is None or type(value) in (str, int, float, bool)


def _name(kind: type[HoldfastError]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _tree() -> dict[str, type[HoldfastError]]:
    found: dict[str, type[HoldfastError]] = {}
    todo: list[type[HoldfastError]] = [HoldfastError]
    while todo:
        kind = todo.pop()
        found[_name(kind)] = kind
        todo += kind.__subclasses__()
    return found
