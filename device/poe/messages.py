"""What is asked of the control plane about the ports."""

from __future__ import annotations

from dataclasses import dataclass

from device.planes.messages import Done
from device.planes.wire import Request, message


@dataclass(frozen=True, slots=True)
class PortShown:
    """One port. Power in milliwatts."""

    port: int
    name: str
    mode: str  #: device.poe.port.Mode
    priority: str  #: critical | high | low
    protected: bool
    state: str  #: device.poe.port.State
    reason: str  #: why it has no power though it could; empty where nothing is wrong
    power_class: int | None
    reserved: int
    drawn: int | None  #: None: the hardware does not measure it
    link: int | None  #: Mbit/s, 0: none; None: not known
    device: str  #: as it calls itself
    since: float  #: seconds in this state
    powered: int  #: times that it was powered since the control plane started; and so on
    cycles: int
    denied: int
    signatures: int  #: RFC 3621 pethPsePortInvalidSignatureCounter
    shorts: int
    overloads: int
    failures: int  #: other ones
    energy: float  #: watt-hours that were drawn
    most: int  #: drawn at one time


@message
class PoeShown:
    """All ports. Power in milliwatts."""

    hardware: str  #: device.settings.ports.PoeHardware
    answers: bool  #: the hardware does; otherwise what follows is as it was last
    detail: str  #: why it does not
    budget: int  #: that can be given now
    full: int  #: that could be given if every supply worked
    reserved: int
    drawn: int
    ports: tuple[PortShown, ...]


@message
class AskPoe(Request[PoeShown]):
    """How are the ports?"""


@message
class CyclePort(Request[Done]):
    """Take the power from a port for a moment. NotFound, PortProtected, TooSoon, NothingToCycle."""

    port: int
    by: str
