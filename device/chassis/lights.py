"""Which light is how: a pure function from the state of the box to its lights, as the manual's tables have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from device.poe.port import State
from device.raid.state import Condition


class Color(Enum):
    """Of a light."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Light:
    """How one light is. `color` None: off."""

    color: Color | None
    blinks: bool = False


OFF = Light(None)
GREEN, AMBER, RED = Light(Color.GREEN), Light(Color.AMBER), Light(Color.RED)
BLINKS_GREEN, BLINKS_AMBER = Light(Color.GREEN, True), Light(Color.AMBER, True)


class Place(Enum):
    """Where lights are."""

    PRODUCT = "product"  #: front; there is one
    DRIVE = "drive"  #: front, one for each bay
    PORT = "port"  #: front, one for each PoE port
    PORT_LEFT = "port-left"  #: rear, at the PoE port
    PORT_RIGHT = "port-right"
    NETWORK = "network"  #: rear, at the LAN, AUX and SFP ports


@dataclass(frozen=True, slots=True, order=True)
class Led:
    """One light. `number`: 1-based, as printed on the box."""

    place: str  #: value of `Place`
    number: int


class Phase(Enum):
    """What the recorder as a whole is doing."""

    STARTING = "starting"
    RUNNING = "running"
    UPGRADING = "upgrading"


class Flash(Enum):
    """What a button says with the status light while it is held."""

    NONE = "none"
    CONNECT = "connect"  #: let go now, and the recorder connects to the cloud service
    RESET = "reset"  #: let go now, and everything goes back to factory default


@dataclass(frozen=True, slots=True)
class PortView:
    """A PoE port, as far as its lights go."""

    state: State
    link: int | None  #: Mbit/s


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that shows in a light."""

    phase: Phase
    poe_exceeded: bool
    alarm: bool  #: something else is wrong that a person must see to
    bays: Sequence[Condition]
    array_failed: bool  #: nothing is recorded on it
    ports: Mapping[int, PortView]
    networks: Sequence[int | None]  #: Mbit/s of LAN, AUX and SFP; 0 or None: no link
    flash: Flash


def lights(scene: Scene) -> dict[Led, Light]:
    """All lights of the box."""
    shown = {Led(Place.PRODUCT.value, 1): _product(scene)}
    for number, bay in enumerate(scene.bays, 1):
        shown[Led(Place.DRIVE.value, number)] = DRIVES[bay]
    for number, port in scene.ports.items():
        shown[Led(Place.PORT.value, number)] = _port(port)
        shown[Led(Place.PORT_LEFT.value, number)] = _left(port)
        shown[Led(Place.PORT_RIGHT.value, number)] = _speed(port.link, green=1000)
    for number, speed in enumerate(scene.networks, 1):
        shown[Led(Place.NETWORK.value, number)] = _speed(speed, green=2500)
    return shown


def _product(scene: Scene) -> Light:
    if scene.flash is Flash.RESET:
        return BLINKS_AMBER
    if scene.flash is Flash.CONNECT:
        return BLINKS_GREEN
    if scene.phase in (Phase.STARTING, Phase.UPGRADING):
        return AMBER
    if scene.poe_exceeded or scene.alarm or scene.array_failed:
        return RED
    return GREEN


#: Of each condition of a bay. Where the array has failed all its drives are BROKEN.
DRIVES = {
    Condition.EMPTY: OFF,
    Condition.ONLINE: GREEN,
    Condition.SPARE: GREEN,
    Condition.EXPOSED: AMBER,
    Condition.REBUILDING: AMBER,
    Condition.UNUSED: AMBER,  # it is there, and good for nothing yet
    Condition.FOREIGN: AMBER,
    Condition.BROKEN: RED,
}


def _port(port: PortView) -> Light:
    match port.state:
        case State.DENIED | State.FAULT:
            return RED
        case State.POWERED | State.STARTING:
            return AMBER if port.link == 0 else GREEN  # hardware that cannot tell has no light for it either
        case State.EMPTY if port.link:
            return GREEN  # a device that has power from elsewhere
        case _:
            return OFF


def _left(port: PortView) -> Light:
    match port.state:
        case State.DENIED | State.FAULT:
            return RED
        case State.POWERED | State.STARTING:
            return GREEN
        case _:
            return OFF


def _speed(link: int | None, *, green: int) -> Light:
    if not link:
        return OFF
    return BLINKS_GREEN if link >= green else BLINKS_AMBER
