"""Events of the machine's clock and network. Part of the catalogue, which imports this module."""

from __future__ import annotations

from device.errors import Severity
from device.events.event import Event, Instant, event


@event("clock.set", severity=Severity.NOTICE)
class ClockSet(Event):
    """Somebody set the clock."""

    to: Instant
    by: str  #: account


@event("clock.synchronized", severity=Severity.INFO)
class ClockSynchronized(Event):
    """The clock follows a server, or another one than before."""

    server: str  #: name or address


@event("machine.refused", severity=Severity.ERROR, about=("part",), state="machine.refused")
class MachineRefused(Event):
    """The machine did not take what the settings say of its network or its clock. It is tried again."""

    part: str  #: network or clock
    detail: str


@event("machine.obeyed", severity=Severity.NOTICE, about=("part",), clears=("machine.refused",))
class MachineObeyed(Event):
    """The machine is again as the settings say."""

    part: str  #: network or clock
