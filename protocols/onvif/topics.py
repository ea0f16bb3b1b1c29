"""What the recorder says, as ONVIF's topics (ONVIF Core s8.9, s9): one table for all events of the catalogue. Pure.

A state of the catalogue (an event that raises it, others that clear it) is a *property* here: its topic tells `true`
and `false`, and whoever subscribes is told how it stands. An event of no state is a message. Where ONVIF has a topic,
`STATES` and `MOMENTS` name it; all others stand in a namespace of our own by one rule: `camera.offline` is
`hf:Camera/Offline`, the fields that say whom it is about are its source, the others its data. `LEFT_OUT` names what
is not told, and why. Other services add topics of their own (`Topics`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import get_args

from lxml import etree

from device.events.event import Event, FieldAbout, Instant, Unit, describe, events
from device.events.journal import Entry
from device.media import Utc
from device.recordings.names import camera_of
from protocols.onvif.names import HF, PREFIXES, TNS1, TT, WSNT, WSTOP
from protocols.onvif.xml import Element, Value, sub, write, write_instant

CONCRETE_SET = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
Path = tuple[str, ...]  #: the first name is qualified, as lxml writes it


@dataclass(frozen=True, slots=True)
class Item:
    """A simple item of a message: what it is called, and its type as it stands in the topic set."""

    name: str
    type: str  #: xs:boolean, tt:ReferenceToken ...


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, and the messages under it (ONVIF Core s9.5)."""

    path: Path
    is_property: bool
    source: tuple[Item, ...] = ()
    data: tuple[Item, ...] = ()
    elements: tuple[Item, ...] = ()  #: of the data: items that are XML

    @property
    def text(self) -> str:
        """As it stands in a message; the prefixes are those of every envelope."""
        return "/".join(map(prefixed, self.path))


@dataclass(frozen=True, slots=True)
class Notification:
    """One message."""

    topic: Topic
    utc: Utc
    source: Mapping[str, Value]
    data: Mapping[str, Value]
    operation: str = ""  #: Initialized, Changed or Deleted, of a property
    seq: int = 0  #: in the journal; 0: it does not stand there
    elements: tuple[tuple[str, Element], ...] = ()  #: items that are XML, by name
    camera: str = ""  #: whose it is: who may not see it is not told. Empty: nobody's

    @property
    def key(self) -> tuple[Path, tuple[str, ...]]:
        """Which property it is of."""
        return self.topic.path, tuple(write(value) for value in self.source.values())


def _device(*names: str) -> Path:
    return (TNS1.Device, "HardwareFailure", *names)


_TOKEN = (Item("Token", "tt:ReferenceToken"),)
_FAILED = (Item("Failed", "xs:boolean"),)
STORAGE_FAILURE = Topic(_device("StorageFailure"), True, _TOKEN, _FAILED)
FAN_FAILURE = Topic(_device("FanFailure"), True, _TOKEN, _FAILED)
SUPPLY_FAILURE = Topic(_device("PowerSupplyFailure"), True, _TOKEN, _FAILED)
TEMPERATURE_CRITICAL = Topic(_device("TemperatureCritical"), True, (), (Item("Critical", "xs:boolean"),))
_STATUS = (Item("Status", "xs:dateTime"),)
LAST_REBOOT = Topic((TNS1.Monitoring, "OperatingTime", "LastReboot"), True, (), _STATUS)
LAST_CLOCK = Topic((TNS1.Monitoring, "OperatingTime", "LastClockSynchronization"), True, (), _STATUS)
BEGIN = Topic((TNS1.EventBuffer, "Begin"), False)  #: a pull point that seeks has come to the oldest event


@dataclass(frozen=True, slots=True)
class Standard:
    """A state that ONVIF has a topic for."""

    topic: Topic
    token: str = ""  #: the value of Token, with `{field}` for a field of the event; empty: there is no source


#: State of the catalogue -> topic.
STATES: Mapping[str, Standard] = {
    "drive.broken": Standard(STORAGE_FAILURE, "bay-{bay}"),
    "raid.failed": Standard(STORAGE_FAILURE, "array"),
    "volume.failed": Standard(STORAGE_FAILURE, "{volume}"),
    "volume.missing": Standard(STORAGE_FAILURE, "{volume}"),
    "chassis.fan-failed": Standard(FAN_FAILURE, "{fan}"),
    "chassis.supply-failed": Standard(SUPPLY_FAILURE, "{supply}"),
    "chassis.temperature-critical": Standard(TEMPERATURE_CRITICAL),
}
#: Event -> property whose value is the event's time.
MOMENTS: Mapping[str, Topic] = {
    "recorder.started": LAST_REBOOT,
    "clock.stepped": LAST_CLOCK,
    "clock.set": LAST_CLOCK,
    "clock.synchronized": LAST_CLOCK,
}
_PERSONS = "whoever may watch may read events; who came in from where is the administrators' to know"
_ELSEWHERE = "it is told as Recording Control and Receiver say (`recordingtopics`)"
LEFT_OUT: Mapping[str, str] = {
    "recording.created": _ELSEWHERE,
    "recording.removed": _ELSEWHERE,
    "recording.configured": _ELSEWHERE,
    "recording.track-created": _ELSEWHERE,
    "recording.track-deleted": _ELSEWHERE,
    "recording.track-configured": _ELSEWHERE,
    "recording.job-configured": _ELSEWHERE,
    "recording.job-state": _ELSEWHERE,
    "recording.deleted": _ELSEWHERE,
    "receiver.state": _ELSEWHERE,
    "receiver.failed": _ELSEWHERE,
    "account.created": _PERSONS,
    "account.changed": _PERSONS,
    "account.deleted": _PERSONS,
    "login.failed": _PERSONS,
    "session.opened": _PERSONS,
    "session.closed": _PERSONS,
    "settings.changed": "values and names of settings are not for everybody who may watch",
}

_TYPES = {"int": "xs:long", "float": "xs:double", "bool": "xs:boolean"}
_INSTANT = next(part.symbol for part in get_args(Instant) if isinstance(part, Unit))
_STATE = Item("State", "xs:boolean")


def _own(name: str) -> Path:
    """`raid.rebuild-started` -> hf:Raid/RebuildStarted."""
    group, rest = name.split(".", 1)
    return HF.name(group.capitalize()), *(
        "".join(map(str.capitalize, part.split("-"))) for part in rest.split(".")
    )


def _items(kind: type[Event], *, about: bool) -> tuple[Item, ...]:
    return tuple(
        Item(
            _word(field.name),
            "xs:dateTime" if field.unit == _INSTANT else _TYPES.get(field.type, "xs:string"),
        )
        for field in _fields(kind.name)
        if (field.name in kind.about) is about
    )


@cache
def _fields(name: str) -> tuple[FieldAbout, ...]:
    return tuple(describe(events()[name]))


def _word(name: str) -> str:
    return "".join(map(str.capitalize, name.split("_")))


def _state_topic(kind: type[Event]) -> Topic:
    standard = STATES.get(kind.raises)
    if standard is not None:
        return standard.topic
    return Topic(_own(kind.raises), True, _items(kind, about=True), (_STATE, *_items(kind, about=False)))


def _moment_topic(kind: type[Event]) -> Topic:
    standard = MOMENTS.get(kind.name)
    return standard or Topic(_own(kind.name), False, _items(kind, about=True), _items(kind, about=False))


class Topics:
    """The topics of a device, and how its events are told under them."""

    def __init__(self, more: Iterable[Topic] = (), *, catalogue: bool = True) -> None:
        """`more`: of other services; they tell their messages themselves. `catalogue`: the device says what a recorder
        says."""
        kinds = [kind for name, kind in events().items() if catalogue and name not in LEFT_OUT]
        self._states = {kind.raises: _state_topic(kind) for kind in kinds if kind.raises}
        self._moments = {
            kind.name: _moment_topic(kind) for kind in kinds if not kind.raises and not kind.clears
        }
        everything = [*self._states.values(), *self._moments.values(), BEGIN, *more]
        self.known: Mapping[Path, Topic] = {topic.path: topic for topic in everything}

    def notifications(self, entry: Entry) -> list[Notification]:
        """What is told of an event."""
        event = entry.event
        if event.name in LEFT_OUT:
            return []
        if event.clears:
            states = [state for state in event.clears if state in self._states]
            told = [self._state(event, state, False) for state in states]
        elif event.raises:
            told = [self._state(event, event.raises, True)]
        else:
            told = [self._moment(event, entry.utc)]
        camera = camera_in(event)
        return [replace(each, utc=entry.utc, seq=entry.seq, camera=camera) for each in told]

    def _state(self, event: Event, state: str, on: bool) -> Notification:
        topic, standard = self._states[state], STATES.get(state)
        if standard is not None:
            fields = {field.name: _plain(getattr(event, field.name)) for field in _fields(event.name)}
            token = re.sub(r"\{(\w+)\}", lambda found: write(fields[found[1]]), standard.token)
            source: dict[str, Value] = {"Token": token} if standard.token else {}
            return Notification(topic, Utc(0), source, {topic.data[0].name: on}, "Changed")
        data = {_STATE.name: on, **(_values(event, about=False) if on else {})}
        return Notification(topic, Utc(0), _values(event, about=True), data, "Changed")

    def _moment(self, event: Event, utc: Utc) -> Notification:
        topic = self._moments[event.name]
        if topic.is_property:
            return Notification(topic, utc, {}, {"Status": write_instant(utc)}, "Changed")
        return Notification(topic, utc, _values(event, about=True), _values(event, about=False))

    def topic_set(self, parent: Element) -> None:
        """Append wstop:TopicSet (ONVIF Core s9.6): below the root names stand in no namespace."""
        whole = sub(parent, WSTOP.TopicSet)
        for path, topic in sorted(self.known.items()):
            at = whole
            for name in path:
                found = at.find(name)
                at = found if found is not None else sub(at, name)
            at.set(WSTOP.topic, "true")
            told = sub(at, TT.MessageDescription, IsProperty=topic.is_property)
            for kind, items, elements in (("Source", topic.source, ()), ("Data", topic.data, topic.elements)):
                described = sub(told, TT.name(kind))
                for item in items:
                    sub(described, TT.SimpleItemDescription, Name=item.name, Type=item.type)
                for item in elements:
                    sub(described, TT.ElementItemDescription, Name=item.name, Type=item.type)


def camera_in(event: Event) -> str:
    """The camera that an event is about; empty: about none."""
    named = getattr(event, "camera", None) or getattr(event, "recording", None)
    return camera_of(named)[0] if isinstance(named, str) else ""


def message(parent: Element, told: Notification) -> None:
    """Append wsnt:NotificationMessage (ONVIF Core s9.4)."""
    outer = sub(parent, WSNT.NotificationMessage)
    sub(outer, WSNT.Topic, told.topic.text, Dialect=CONCRETE_SET)
    inner = sub(
        sub(outer, WSNT.Message),
        TT.Message,
        UtcTime=write_instant(told.utc),
        PropertyOperation=told.operation or None,
    )
    source = sub(inner, TT.Source)
    for name, value in told.source.items():
        sub(source, TT.SimpleItem, Name=name, Value=value)
    data = sub(inner, TT.Data)
    for name, value in told.data.items():
        sub(data, TT.SimpleItem, Name=name, Value=value)
    for name, element in told.elements:
        sub(data, TT.ElementItem, Name=name).append(element)


def _values(event: Event, *, about: bool) -> dict[str, Value]:
    return {
        _word(field.name): write_instant(getattr(event, field.name))
        if field.unit == _INSTANT
        else _plain(getattr(event, field.name))
        for field in _fields(event.name)
        if (field.name in event.about) is about
    }


def _plain(value: object) -> Value:
    if isinstance(value, bool | int | float | str | Enum):
        return value
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def prefixed(name: str) -> str:
    """A qualified name as it stands in a text, by the prefixes of every envelope; one of no namespace as it is."""
    if not name.startswith("{"):
        return name
    found = etree.QName(name)
    prefix = next(prefix for prefix, space in PREFIXES.items() if space == found.namespace)
    return f"{prefix}:{found.localname}"


def walk(path: Path) -> Iterator[Path]:
    """A topic and all that it lies under."""
    for length in range(1, len(path) + 1):
        yield path[:length]
