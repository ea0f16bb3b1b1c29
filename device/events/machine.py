"""Events of the machine's clock and network. Part of the catalogue, which imports this module."""

from __future__ import annotations

from enum import Enum

from device.errors import Severity
from device.events.event import Event, Instant, Seconds, event


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


class Why(Enum):
    """Why a change of the network was taken back."""

    EXPIRED = "expired"  #: nobody confirmed it in time
    ASKED = "asked"  #: somebody wanted it so
    REFUSED = "refused"  #: the machine did not take it
    RESTARTED = "restarted"  #: the recorder ended before anybody confirmed it


@event("network.tried", severity=Severity.WARNING, state="network.trial")
class NetworkTried(Event):
    """A change of the network holds until it is confirmed, or taken back."""

    within: Seconds  #: that there are to confirm it


@event("network.kept", severity=Severity.NOTICE, clears=("network.trial",))
class NetworkKept(Event):
    """A change of the network that was tried was confirmed."""

    by: str  #: account


@event("network.taken-back", severity=Severity.NOTICE, clears=("network.trial",))
class NetworkTakenBack(Event):
    """A change of the network that was tried was taken back: it is as it was before."""

    why: Why
