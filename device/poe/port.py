"""What is said of a port: what a person wants of it, what the hardware tells, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from device.poe.budget import Denied, Priority
from device.poe.power import Milliwatts

MOST_PORTS = 48


class Mode(Enum):
    """What a port is for."""

    BOTH = "power-and-ethernet"
    POWER = "power-only"  #: the network is off, the device goes on being powered
    OFF = "off"


class Detection(Enum):
    """What the port finds at the other end of its cable (RFC 3621, pethPsePortDetectionStatus, and one more)."""

    DISABLED = "disabled"  #: power is not allowed: nothing is looked for
    SEARCHING = "searching"  #: nothing there
    DETECTED = "detected"  #: a device waits for the word to be powered; only where the hardware asks first
    DELIVERING = "delivering"
    FAULT = "fault"


class Trouble(Enum):
    """What is wrong at a port. The counters of RFC 3621 s4 are of these."""

    SIGNATURE = "invalid-signature"  #: the device is of no standard: it is not powered
    SHORT = "short"
    OVERLOAD = "overload"  #: it drew more than its class
    START = "start"  #: it drew too much, or nothing, when it was powered
    OTHER = "other"


class State(Enum):
    """What a port is doing."""

    OFF = "off"  #: by its mode
    EMPTY = "empty"
    STARTING = "starting"  #: power is granted, and not yet delivered
    POWERED = "powered"
    DENIED = "denied"
    FAULT = "fault"
    CYCLING = "cycling"  #: off for a moment, because somebody asked for it


@dataclass(frozen=True, slots=True)
class PortReading:
    """What the hardware tells of one port."""

    port: int  #: 1-based, as printed on the box
    on: bool  #: as it was last told by `set_power`
    detection: Detection
    power_class: int | None = None
    drawn: Milliwatts | None = None  #: None: the hardware does not measure it
    requested: Milliwatts | None = None  #: by LLDP, at the device; None: it asks for nothing
    trouble: Trouble | None = None  #: while `detection` is FAULT
    ethernet: bool | None = None  #: whether the network of the port is on; None: it cannot be switched
    link: int | None = None  #: Mbit/s, 0: no link; None: not known
    device: str = ""  #: how the device calls itself


@dataclass(frozen=True, slots=True)
class Reading:
    """What the hardware tells, all at one time."""

    ports: tuple[PortReading, ...]
    capacity: Milliwatts | None  #: what its own supply can give now; None: not told


class Verb(Enum):
    """What the hardware can be told."""

    POWER = "power"
    ETHERNET = "ethernet"


@dataclass(frozen=True, slots=True)
class Order:
    """Something that the hardware is to be told."""

    port: int
    verb: Verb
    on: bool


@dataclass(frozen=True, slots=True)
class PortRules:
    """What a person wants of one port."""

    mode: Mode = Mode.BOTH
    priority: Priority = Priority.LOW
    protected: bool = False  #: carries the uplink: never power-cycled
    name: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person wants of all of them. `ports`: where it is not `PortRules()`."""

    budget: Milliwatts
    preempt: bool
    lldp: bool  #: a device's own request makes its reservation smaller
    off_seconds: float  #: of a power-cycle
    cycle_seconds: float  #: from one power-cycle of a port to the next
    usage_percent: float  #: of the budget, drawn, from which on a warning is given
    ports: Mapping[int, PortRules] = field(default_factory=dict)


@dataclass(slots=True)
class Counters:
    """How often, since the control plane started."""

    powered: int = 0
    cycles: int = 0
    denied: int = 0  #: RFC 3621 pethPsePortPowerDeniedCounter
    troubles: dict[Trouble, int] = field(default_factory=lambda: dict.fromkeys(Trouble, 0))
    energy: float = 0.0  #: joules that were drawn
    most: int = 0  #: milliwatts drawn at one time


@dataclass(frozen=True, slots=True)
class PortStatus:
    """A port, now."""

    port: int
    rules: PortRules
    state: State
    reading: PortReading
    reserved: Milliwatts
    denied: Denied | None
    since: float  #: seconds that it has been in this state
    counters: Counters

    @property
    def reason(self) -> str:
        """Why it has no power though it could, for a person; empty where nothing is wrong."""
        if self.state is State.DENIED and self.denied is not None:
            return why(self.denied)
        if self.state is State.FAULT and self.reading.trouble is not None:
            return TROUBLES[self.reading.trouble]
        return ""


@dataclass(frozen=True, slots=True)
class Status:
    """All ports, now."""

    ports: tuple[PortStatus, ...]
    budget: Milliwatts  #: that can be given now
    full: Milliwatts  #: that could be given if every supply worked
    reserved: Milliwatts
    drawn: Milliwatts

    @property
    def exceeded(self) -> bool:
        """Whether a device was left without power for want of budget."""
        return any(port.state is State.DENIED for port in self.ports)


TROUBLES = {
    Trouble.SIGNATURE: "no standard PoE device",
    Trouble.SHORT: "short circuit",
    Trouble.OVERLOAD: "drew more than its class allows",
    Trouble.START: "did not start",
    Trouble.OTHER: "power failed",
}


def why(denied: Denied) -> str:
    """Why a port has no power, for a person."""
    needs = f"needs {denied.asked / 1000:g} W"
    match denied.cause.value:
        case "preempted":
            return f"{needs}, taken by port {denied.by} of higher priority"
        case "shed":
            return f"{needs}, {denied.left / 1000:g} W left: the budget became smaller"
        case _:
            return f"{needs}, {denied.left / 1000:g} W left"
