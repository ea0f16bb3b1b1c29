"""What is asked of the control plane about the machine's clock."""

from __future__ import annotations

from device.media import Utc
from device.planes.messages import Done
from device.planes.wire import Request, message


@message
class ClockShown:
    """The recorder's clock."""

    keeper: str  #: device.settings.clock.ClockKeeper
    fault: str  #: why the machine is not as the settings say; empty: it is
    now: Utc  #: as it is shown
    zone: str  #: a name of IANA's database
    posix: str  #: the same as POSIX writes it
    server: str  #: that it follows; empty: none, or it is not known


@message
class AskClock(Request[ClockShown]):
    """How is the clock?"""


@message
class SetClock(Request[Done]):
    """Set it by hand, where it does not follow a server."""

    utc: Utc
    by: str
