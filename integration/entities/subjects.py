"""Which thing an event is about, and which events each kind of thing can have. Pure."""

from __future__ import annotations

from collections.abc import Callable

from device.events import catalogue as _catalogue  # noqa: F401 - declares the events
from device.events.event import Event, events
from integration.entities.reading import RECORDER

#: Field of an event -> key of the thing that its value names. Events about anything else are the recorder's.
THINGS: dict[str, Callable[[object], str]] = {
    "port": lambda value: f"port-{value}",
    "bay": lambda value: f"drive-{value}",
    "camera": str,
    "recording": lambda value: str(value).removesuffix(".sub"),
    "volume": lambda value: storage_key(str(value)),
}
#: What events say of the array and of the box are theirs, though no field says so.
GROUPS = {"raid": "array", "chassis": "chassis"}


def storage_key(uuid: str) -> str:
    """Of a storage's thing."""
    return f"storage-{uuid[:8]}"


def subject(event: Event) -> str:
    """Key of the thing that an event is about."""
    kind = type(event)
    for name in kind.about:
        if name in THINGS:
            return THINGS[name](getattr(event, name))
    return GROUPS.get(kind.name.partition(".")[0], RECORDER)


def happening(field: str = "", group: str = "") -> tuple[str, ...]:
    """Names of the events that can happen to a kind of thing: that which a field names, or a group."""
    return tuple(name for name, kind in sorted(events().items()) if _kind(kind) == (field, group))


def _kind(kind: type[Event]) -> tuple[str, str]:
    for name in kind.about:
        if name in THINGS:
            return ("camera" if name == "recording" else name), ""
    group = kind.name.partition(".")[0]
    return "", group if group in GROUPS else ""
