"""Which topic says what. Pure.

PREFIX/SERIAL/status                         online | offline; retained, and the will
PREFIX/SERIAL/event/NAME.../ABOUT...         every event, as JSON; never retained
PREFIX/SERIAL/state/THING/ENTITY             a value, bare; retained
PREFIX/SERIAL/available/THING                online | offline; retained
PREFIX/SERIAL/happened/THING                 what happened to a thing, for Home Assistant; never retained
PREFIX/SERIAL/set/THING/ENTITY               commands to us; retained ones are ignored
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from device.entities import Command, Value
from device.events.event import Event, dump, event_values
from device.events.journal import Entry

ONLINE = b"online"
OFFLINE = b"offline"
ON, OFF, PRESS, UNKNOWN = "ON", "OFF", "PRESS", "None"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RESERVED = str.maketrans({char: f"%{ord(char):02X}" for char in "%/+#\0"})


def level(text: str) -> str:
    """A text as one level of a topic: what separates or selects topics is percent-encoded (MQTT 5 s4.7)."""
    return text.translate(_RESERVED) or "-"


def about(event: Event) -> tuple[str, ...]:
    """Whom an event is about, as levels of a topic."""
    return tuple(level(str(value)) for value in event_values(event, type(event).about))


def utc_text(micros: int) -> str:
    """A moment in ISO 8601, UTC."""
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


@dataclass(frozen=True, slots=True)
class Topics:
    """Names of one recorder's topics."""

    prefix: str
    serial: str

    @property
    def base(self) -> str:
        """What they all begin with."""
        return f"{self.prefix}/{level(self.serial)}"

    @property
    def status(self) -> str:
        """Whether the recorder is there."""
        return f"{self.base}/status"

    def event(self, event: Event) -> str:
        """Of an event."""
        return "/".join((self.base, "event", event_path(type(event)), *about(event)))

    def state(self, thing: str, entity: str) -> str:
        """Of a value."""
        return f"{self.base}/state/{level(thing)}/{level(entity)}"

    def available(self, thing: str) -> str:
        """Whether a thing answers."""
        return f"{self.base}/available/{level(thing)}"

    def happened(self, thing: str) -> str:
        """What happens to a thing."""
        return f"{self.base}/happened/{level(thing)}"

    def command(self, thing: str, entity: str) -> str:
        """Where an entity takes commands."""
        return f"{self.base}/set/{level(thing)}/{level(entity)}"

    @property
    def commands(self) -> str:
        """What we subscribe to."""
        return f"{self.base}/set/+/+"

    def parse(self, topic: str, payload: bytes) -> Command | None:
        """The command in a publication; None where it is none."""
        head = f"{self.base}/set/"
        if not topic.startswith(head) or topic.count("/") != head.count("/") + 1:
            return None
        thing, _, entity = topic.removeprefix(head).partition("/")
        return Command(thing, entity, payload[:64].decode(errors="replace").strip())


def event_path(kind: type[Event]) -> str:
    """The levels of an event's name."""
    return kind.name.replace(".", "/")


def event_payload(entry: Entry) -> bytes:
    """An event as JSON: its fields, and what is said of every event. `id` is the same whenever it is sent again."""
    kind = type(entry.event)
    said = {
        "id": f"{entry.origin}:{entry.origin_seq}",
        "utc": utc_text(entry.utc),
        "severity": kind.severity.name.lower(),
        "state": kind.raises or None,
        "clears": list(kind.clears),
        **json.loads(dump(entry.event)),
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def happened_payload(entry: Entry) -> bytes:
    """The same for an event entity: the type is what Home Assistant asks for, the rest become attributes."""
    said = {"event_type": entry.event.name, **json.loads(event_payload(entry))}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def state_payload(value: Value) -> bytes:
    """A value, bare. What is not known is None, which Home Assistant knows as well."""
    if value is None:
        return UNKNOWN.encode()
    if isinstance(value, bool):
        return (ON if value else OFF).encode()
    if isinstance(value, float):
        return f"{value:.6g}".encode() if abs(value) < 1e6 else f"{value:.0f}".encode()
    return str(value)[:255].encode()


def example(kind: type[Event]) -> str:
    """An event's topic with the names of fields in it, for a page."""
    fields: Sequence[str] = kind.about
    return "/".join(("event", event_path(kind), *(f"<{field}>" for field in fields)))
