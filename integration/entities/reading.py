"""What is known of the recorder at one time, and the row that makes an entity of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from device.chassis.messages import ChassisShown
from device.entities import Category, Entity, Platform, Thing, Value
from device.events.journal import Entry
from device.media import Utc
from device.planes.messages import RecordingStatus
from device.poe.messages import PoeShown
from device.raid.messages import RaidShown
from device.settings.cameras import Camera
from device.settings.storages import Storage

RECORDER = "recorder"  #: key of the thing that all others belong to
GIGABYTE = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one camera."""

    first: Utc  #: 0: nothing
    octets: int
    missing: int  #: microseconds of the last 24 hours that should have been recorded


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the tables look at."""

    name: str
    serial: str
    version: str
    since: Utc
    now: Utc
    poe: PoeShown
    box: ChassisShown
    raid: RaidShown
    recording: RecordingStatus | None  #: None: the recording plane does not answer
    cameras: Mapping[str, Camera]
    storages: Mapping[str, Storage]
    alarms: Sequence[Entry]  #: raises whose clear has not come
    kept: Mapping[str, Kept] = field(default_factory=dict)  #: by camera
    triggers: Mapping[str, str] = field(
        default_factory=dict
    )  #: manual triggers of the rules: their names, by key


@dataclass(frozen=True, slots=True)
class Row(Generic[T]):
    """One entity of a kind of thing, and where its value comes from; None: it has none."""

    entity: Entity
    value: Callable[[T], Value] | None = None


def thing(
    key: str,
    name: str,
    model: str,
    rows: Sequence[Row[T]],
    what: T,
    *,
    more: Sequence[tuple[Entity, Value]] = (),
    available: bool = True,
    parent: str = RECORDER,
    serial: str = "",
    version: str = "",
) -> Thing:
    """A thing of the rows of its kind, and what only this one has (`more`)."""
    values = {row.entity.key: row.value(what) for row in rows if row.value is not None}
    values |= {entity.key: value for entity, value in more}
    entities = (*(row.entity for row in rows), *(entity for entity, _ in more))
    return Thing(
        key, name, model, entities, values, parent=parent, serial=serial, version=version, available=available
    )


def diagnostic(
    key: str, name: str, device_class: str = "", unit: str = "", *, enabled: bool = True
) -> Entity:
    """A measured value that is of interest to who looks for a fault."""
    return Entity(
        key,
        name,
        Platform.SENSOR,
        device_class,
        unit,
        "measurement" if unit else "",
        Category.DIAGNOSTIC,
        enabled,
    )


def problem(key: str, name: str, *, category: Category = Category.MAIN) -> Entity:
    """On while something is wrong."""
    return Entity(key, name, Platform.BINARY_SENSOR, "problem", category=category)


def choice(key: str, name: str, options: Sequence[str], *, category: Category = Category.MAIN) -> Entity:
    """One of several words, all of which are known beforehand."""
    return Entity(key, name, Platform.SENSOR, options=tuple(options), category=category)


def happenings(name: str, options: Sequence[str]) -> Entity:
    """What happens to a thing."""
    return Entity("event", name, Platform.EVENT, options=tuple(options))


def timestamp(utc: int) -> Value:
    """A moment as entities have it; 0: none."""
    if not utc:
        return None
    return (_EPOCH + timedelta(microseconds=utc)).isoformat(timespec="seconds")


def gigabytes(octets: int | None) -> Value:
    """Bytes in GB."""
    return None if octets is None else round(octets / GIGABYTE, 2)
