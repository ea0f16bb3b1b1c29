"""The words in which a recorder is described to a home or a building: things, and what can be seen and done at each.

No wire and no product is meant: MQTT discovery is made from them, and whatever else shows the recorder as things. Names
of device classes and units are those of Home Assistant, which most others understand too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Platform(Enum):
    """What kind of thing an entity is to who looks at it."""

    SENSOR = "sensor"
    BINARY_SENSOR = "binary_sensor"
    SWITCH = "switch"
    BUTTON = "button"
    EVENT = "event"
    SELECT = "select"
    IMAGE = "image"
    UPDATE = "update"


class Category(Enum):
    """Where it is shown."""

    MAIN = ""
    DIAGNOSTIC = "diagnostic"
    CONFIG = "config"


class Permission(Enum):
    """What must be allowed before a command is obeyed."""

    POE = "poe"
    CHASSIS = "chassis"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Entity:
    """One value or command of a thing."""

    key: str  #: of its thing's; stable, part of its identity
    name: str  #: for people
    platform: Platform
    device_class: str = ""
    unit: str = ""
    state_class: str = ""
    category: Category = Category.MAIN
    enabled: bool = True  #: shown unless somebody asks for less
    options: tuple[str, ...] = ()  #: every value of an enumeration or choice, or every type of an event
    permission: Permission | None = None  #: of commands; None: it takes none
    precision: int | None = None  #: digits behind the point that make sense


Value = str | float | int | bool | None  #: None: not known


@dataclass(frozen=True, slots=True)
class Thing:
    """A device, as people count devices: a port, a drive, a camera."""

    key: str  #: such as port-3; stable
    name: str
    model: str
    entities: tuple[Entity, ...]
    values: Mapping[str, Value]  #: by the entities' keys; what has none is a button or an event
    parent: str = ""  #: key of the thing that it belongs to; empty: none
    manufacturer: str = "Holdfast"
    serial: str = ""
    version: str = ""  #: of its software
    available: bool = True  #: whether it answers


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants of an entity."""

    thing: str
    entity: str
    value: str  #: ON or OFF of a switch, PRESS of a button, one of a choice's options
