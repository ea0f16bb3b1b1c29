"""The recorder as a whole: what Status shows, who is connected, and the API's own description."""

from __future__ import annotations

import os
from typing import Any

from device.accounts.role import Role
from device.errors import HoldfastError
from device.guard import Advice, advice, ways
from device.linux.timex import in_step
from device.planes.errors import PlaneDown
from device.planes.messages import AskStreaming, Ping
from device.settings.recorder import Recorder
from device.settings.rtsp import Rtsp
from protocols.http.api.answers import Answer
from protocols.http.house import House
from protocols.http.moments import Instant
from protocols.http.table import Table

TABLE = Table("System")


class PlaneShown(Answer):
    """One process of the recorder."""

    name: str
    answers: bool
    pid: int | None
    since: Instant | None


class WayShown(Answer):
    """A way into the recorder that is open."""

    name: str
    encryption: str  #: empty: none


class Security(Answer):
    """How the recorder is guarded."""

    https: bool
    anonymous: bool  #: video without an account
    own_certificate: bool  #: self-signed: browsers warn
    accounts: int
    ways: list[WayShown]
    advice: list[Advice]  #: what would be safer, gravest first


class ClockShown(Answer):
    """Whether a time server holds the clock in step. Seconds."""

    synchronised: bool | None  #: None: the kernel does not tell
    error: float | None  #: at most


class Load(Answer):
    """The machine."""

    average: list[float]  #: of 1, 5 and 15 minutes
    processors: int


class SystemShown(Answer):
    """What Status shows of the recorder itself."""

    name: str
    serial: str
    version: str
    started: Instant  #: this plane
    now: Instant
    zone: str
    clock: ClockShown
    planes: list[PlaneShown]
    security: Security
    load: Load


class ClientShown(Answer):
    """Somebody who is connected."""

    protocol: str
    peer: str
    account: str
    what: str
    since: Instant | None
    state: str
    plane: str


class ClientsShown(Answer):
    """All of them."""

    clients: list[ClientShown]


@TABLE.get("/api/system", role=Role.VIEWER)
async def system(house: House) -> SystemShown:
    """The recorder itself."""
    planes = [PlaneShown(name="control", answers=True, pid=os.getpid(), since=house.since)]
    for name, plane in (("recording", house.recording), ("streaming", house.streaming)):
        try:
            pong = await plane.call(Ping())
            planes.append(PlaneShown(name=name, answers=True, pid=pong.pid, since=pong.since))
        except PlaneDown:
            planes.append(PlaneShown(name=name, answers=False, pid=None, since=None))
    known, own = in_step(), house.own_certificate()
    accounts = house.accounts.list()
    return SystemShown(
        name=house.settings.get(Recorder).name,
        serial=house.identity.serial,
        version=house.version,
        started=house.since,
        now=house.clock.utc(),
        zone=str(house.zone),
        clock=ClockShown(
            synchronised=known.synchronised if known else None,
            error=known.error if known and known.synchronised else None,
        ),
        planes=planes,
        security=Security(
            https=True,
            anonymous=house.settings.get(Rtsp).anonymous,
            own_certificate=own,
            accounts=len(accounts),
            ways=[WayShown(name=each.name, encryption=each.encryption) for each in ways(house.settings)],
            advice=advice(house.settings, own, [each.role for each in accounts]),
        ),
        load=Load(average=[round(each, 2) for each in os.getloadavg()], processors=os.cpu_count() or 1),
    )


@TABLE.get("/api/system/clients", role=Role.ADMINISTRATOR)
async def clients(house: House) -> ClientsShown:
    """Who is connected: who watches by RTSP, and who is logged in."""
    found = [
        ClientShown(
            protocol="https",
            peer=each.peer,
            account=each.account,
            what=each.agent,
            since=each.created,
            state="logged in",
            plane="control",
        )
        for each in house.sessions.sessions()
    ]
    try:
        watching = (await house.streaming.call(AskStreaming())).sessions
    except HoldfastError:
        watching = ()
    found += [
        ClientShown(
            protocol=each.protocol,
            peer=each.peer,
            account=each.account,
            what=each.path,
            since=None,
            state="watching",
            plane="streaming",
        )
        for each in watching
    ]
    return ClientsShown(clients=found)


@TABLE.get("/api/openapi.json", role=Role.VIEWER)
async def openapi(house: House) -> dict[str, Any]:  # Any: JSON
    """This API's description, OpenAPI 3.1."""
    return house.description()
