"""Events of the outbox: what leaves the recorder, and whether it arrives. Part of the catalogue, which imports this
module."""

from __future__ import annotations

from typing import NewType

from device.errors import Severity
from device.events.event import Count, Event, Seconds, event

Destination = NewType("Destination", str)  #: such as mqtt, or syslog and the server's key


@event("delivery.failing", severity=Severity.WARNING, about=("destination",), state="delivery.failing")
class DeliveryFailing(Event):
    """What leaves for a destination does not arrive. It is kept, and tried again."""

    destination: Destination  #: such as mqtt
    detail: str


@event("delivery.back", severity=Severity.NOTICE, about=("destination",), clears=("delivery.failing",))
class DeliveryBack(Event):
    """It arrives again."""

    destination: Destination  #: such as mqtt
    down: Seconds  #: how long it did not
    waiting: Count  #: messages that are sent now


@event("delivery.dropping", severity=Severity.ERROR, about=("destination",), state="delivery.dropping")
class DeliveryDropping(Event):
    """A destination was away for too long: the oldest messages to it are thrown away."""

    destination: Destination  #: such as mqtt
    why: str  #: full or old: which limit was reached
    waiting: Count  #: messages


@event("delivery.complete", severity=Severity.NOTICE, about=("destination",), clears=("delivery.dropping",))
class DeliveryComplete(Event):
    """Nothing waits for a destination any more, and nothing is thrown away."""

    destination: Destination  #: such as mqtt
    dropped: Count  #: messages to it that were thrown away, ever


@event("delivery.refused", severity=Severity.WARNING, about=("destination",))
class DeliveryRefused(Event):
    """A destination refused a message for good. Those after it are sent."""

    destination: Destination  #: such as mqtt
    message: str  #: its topic or name
    detail: str
