"""Events of the box: its ports, their power, and the chassis. Part of the catalogue, which imports this module."""

from __future__ import annotations

from typing import Annotated

from device.errors import Severity
from device.events.event import Event, Percent, Seconds, Unit, event
from device.poe.budget import Cause
from device.poe.port import Trouble

Number = Annotated[int, Unit("1")]
Port = Annotated[int, Unit("1")]  #: 1-based, as printed on the box
Watts = Annotated[float, Unit("W")]
Celsius = Annotated[float, Unit("degC")]
RevolutionsPerMinute = Annotated[int, Unit("rpm")]
MegabitsPerSecond = Annotated[int, Unit("Mbit/s")]

# ------------------------------------------------------------------------------------------ ports and power


@event("poe.port-powered", severity=Severity.INFO, about=("port",))
class PortPowered(Event):
    """A port gives power to a device."""

    port: Port  #: 1-based, as printed on the box
    power_class: Number  #: IEEE 802.3, 0 to 8; -1: the hardware does not tell
    reserved: Watts  #: of the budget
    device: str  #: how it calls itself


@event("poe.port-unpowered", severity=Severity.INFO, about=("port",))
class PortUnpowered(Event):
    """A port that gave power does not any more."""

    port: Port  #: 1-based, as printed on the box
    why: str  #: the state that the port is in now: empty, off, denied, fault or cycling


@event("poe.port-denied", severity=Severity.ERROR, about=("port",), state="poe.port-denied")
class PortDenied(Event):
    """A device is left without power: what its class reserves does not fit into the budget."""

    port: Port  #: 1-based, as printed on the box
    cause: Cause
    asked: Watts
    left: Watts  #: of the budget
    by: Port  #: the port that took the power, where it was pre-empted; else 0


@event("poe.port-admitted", severity=Severity.NOTICE, about=("port",), clears=("poe.port-denied",))
class PortAdmitted(Event):
    """A port is not left without power any more: it has it, or nothing asks for it."""

    port: Port  #: 1-based, as printed on the box


@event("poe.port-fault", severity=Severity.ERROR, about=("port",), state="poe.port-fault")
class PortFault(Event):
    """A port cannot power what is connected to it."""

    port: Port  #: 1-based, as printed on the box
    trouble: Trouble
    device: str  #: how it calls itself


@event("poe.port-recovered", severity=Severity.NOTICE, about=("port",), clears=("poe.port-fault",))
class PortRecovered(Event):
    """What was wrong at a port is over."""

    port: Port  #: 1-based, as printed on the box


@event("poe.port-cycled", severity=Severity.NOTICE, about=("port",))
class PortCycled(Event):
    """Somebody takes the power from a port for a moment, so that its device starts anew."""

    port: Port  #: 1-based, as printed on the box
    seconds: Seconds  #: without power
    by: str  #: account


@event("poe.budget-changed", severity=Severity.WARNING)
class BudgetChanged(Event):
    """There is more power to give, or less."""

    before: Watts
    now: Watts


@event("poe.usage-high", severity=Severity.WARNING, state="poe.usage-high")
class UsageHigh(Event):
    """The devices together draw nearly all that can be given (RFC 3621, pethMainPowerUsageOnNotification)."""

    drawn: Watts
    budget: Watts
    threshold: Percent


@event("poe.usage-normal", severity=Severity.NOTICE, clears=("poe.usage-high",))
class UsageNormal(Event):
    """The devices draw less again."""

    drawn: Watts
    budget: Watts


@event("poe.unavailable", severity=Severity.ERROR, state="poe.unavailable")
class PoeLost(Event):
    """The PoE hardware does not answer. The ports go on as they are."""

    driver: str
    detail: str


@event("poe.available", severity=Severity.NOTICE, clears=("poe.unavailable",))
class PoeBack(Event):
    """The PoE hardware answers again."""

    driver: str


@event("port.link-up", severity=Severity.INFO, about=("port",))
class LinkUp(Event):
    """A port has a network link."""

    port: Port  #: 1-based, as printed on the box
    speed: MegabitsPerSecond


@event("port.link-down", severity=Severity.NOTICE, about=("port",))
class LinkDown(Event):
    """A port has no network link any more."""

    port: Port  #: 1-based, as printed on the box


# -------------------------------------------------------------------------------------------------- chassis


@event(
    "chassis.temperature-high",
    severity=Severity.WARNING,
    about=("sensor",),
    state="chassis.temperature-high",
)
class TemperatureHigh(Event):
    """It is too warm in the box."""

    sensor: str
    temperature: Celsius
    limit: Celsius


@event(
    "chassis.temperature-critical",
    severity=Severity.CRITICAL,
    about=("sensor",),
    state="chassis.temperature-critical",
)
class TemperatureCritical(Event):
    """It is so warm in the box that damage is near."""

    sensor: str
    temperature: Celsius
    limit: Celsius


@event(
    "chassis.temperature-normal",
    severity=Severity.NOTICE,
    about=("sensor",),
    clears=("chassis.temperature-high", "chassis.temperature-critical"),
)
class TemperatureNormal(Event):
    """It is cool enough again."""

    sensor: str
    temperature: Celsius


@event("chassis.fan-failed", severity=Severity.ERROR, about=("fan",), state="chassis.fan-failed")
class FanFailed(Event):
    """A fan stands still, or turns too slowly."""

    fan: str
    speed: RevolutionsPerMinute


@event("chassis.fan-ok", severity=Severity.NOTICE, about=("fan",), clears=("chassis.fan-failed",))
class FanOk(Event):
    """A fan turns again."""

    fan: str


@event("chassis.supply-failed", severity=Severity.ERROR, about=("supply",), state="chassis.supply-failed")
class SupplyFailed(Event):
    """A power supply gives nothing. The PoE budget is smaller while it does not."""

    supply: str


@event("chassis.supply-ok", severity=Severity.NOTICE, about=("supply",), clears=("chassis.supply-failed",))
class SupplyOk(Event):
    """A power supply works again."""

    supply: str


@event("chassis.buzzer-started", severity=Severity.WARNING)
class BuzzerStarted(Event):
    """The buzzer sounds."""

    faults: str  #: what is wrong


@event("chassis.buzzer-silenced", severity=Severity.NOTICE)
class BuzzerSilenced(Event):
    """Somebody silenced the buzzer. What is wrong goes on being wrong; a new fault wakes it again."""

    by: str  #: account, or the power button


@event("chassis.shutdown-requested", severity=Severity.WARNING)
class ShutdownRequested(Event):
    """The power button was held until the beep: the recorder shuts down."""


@event("chassis.connect-requested", severity=Severity.NOTICE)
class ConnectRequested(Event):
    """The control button was held for three seconds: somebody asks for the one-click cloud connection."""


@event("chassis.reset-requested", severity=Severity.WARNING)
class ResetRequested(Event):
    """The control button was held from power-on for 15 to 30 seconds: somebody asks for factory default."""


@event("chassis.unavailable", severity=Severity.ERROR, state="chassis.unavailable")
class ChassisLost(Event):
    """The box's sensors and lights do not answer."""

    detail: str


@event("chassis.available", severity=Severity.NOTICE, clears=("chassis.unavailable",))
class ChassisBack(Event):
    """The box's sensors and lights answer again."""
