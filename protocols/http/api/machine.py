"""The machine under the recorder: its network and its clock. Both are changed by the settings."""

from __future__ import annotations

from aiohttp import web

from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.clock.messages import AskClock, SetClock
from device.network.messages import AskNetwork, NetworkShown
from device.network.trial import NotNewer, TrialShown
from protocols.http.api.answers import Answer
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.moments import Instant
from protocols.http.problem import of_error
from protocols.http.serve import Refusal
from protocols.http.table import Body, Table

TABLE = Table("Machine")


class NewTime(Body):
    """A time to set the clock to."""

    now: Instant


class ClockRead(Answer):
    """The recorder's clock."""

    keeper: str  #: who sets it: system, chrony or simulated
    fault: str  #: why it is not as the settings say; empty: it is
    now: Instant
    zone: str  #: a name of IANA's database
    posix: str  #: the same as POSIX writes it
    server: str  #: that it follows; empty: none, or it is not known


@TABLE.get("/api/network", role=Role.VIEWER)
async def network(house: House) -> NetworkShown:
    """The machine's network as it is now."""
    return await house.control.call(AskNetwork())


@TABLE.get("/api/network/trial", role=Role.ADMINISTRATOR)
async def trial(house: House) -> TrialShown:
    """A change of the network that is being tried, or how the last one ended."""
    return house.trial.shown()


@TABLE.post("/api/network/trial", role=Role.ADMINISTRATOR, scope=Scope.ALL)
async def keep(house: House, caller: Caller, request: web.Request) -> TrialShown:
    """Confirm a change of the network. By a connection from before it: 409, and the connection ends."""
    try:
        return house.trial.keep(request.protocol, by=caller.by)
    except NotNewer as error:
        raise Refusal(of_error(error), {"Connection": "close"}) from None


@TABLE.delete("/api/network/trial", role=Role.ADMINISTRATOR, scope=Scope.ALL)
async def take_back(house: House, caller: Caller) -> TrialShown:
    """Take a change of the network back that is being tried."""
    return house.trial.take_back(by=caller.by)


@TABLE.get("/api/clock", role=Role.VIEWER)
async def clock(house: House) -> ClockRead:
    """The recorder's clock, and whom it follows."""
    told = await house.control.call(AskClock())
    return ClockRead(
        keeper=told.keeper,
        fault=told.fault,
        now=told.now,
        zone=told.zone,
        posix=told.posix,
        server=told.server,
    )


@TABLE.post("/api/clock", role=Role.ADMINISTRATOR, scope=Scope.ALL)
async def set_clock(house: House, caller: Caller, body: NewTime) -> None:
    """Set the clock by hand, where it is not set by the network."""
    await house.control.call(SetClock(body.now, caller.by))
