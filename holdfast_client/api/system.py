"""System. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, cast

from holdfast_client.connection import Connection

Advice = Literal[
    "certificate", "anonymous", "communities", "broker", "logs", "logs-in-clear", "administrators"
]


class ClientShown(TypedDict):
    """Somebody who is connected."""

    protocol: str
    peer: str
    account: str
    what: str
    since: str | None
    state: str
    plane: str


class ClientsShown(TypedDict):
    """All of them."""

    clients: list[ClientShown]


class ClockShown(TypedDict):
    """Whether a time server holds the clock in step. Seconds."""

    synchronised: bool | None
    error: float | None


class Load(TypedDict):
    """The machine."""

    average: list[float]
    processors: int


class PlaneShown(TypedDict):
    """One process of the recorder."""

    name: str
    answers: bool
    pid: int | None
    since: str | None


class Security(TypedDict):
    """How the recorder is guarded."""

    https: bool
    anonymous: bool
    own_certificate: bool
    accounts: int
    ways: list[WayShown]
    advice: list[Advice]


class SystemShown(TypedDict):
    """What Status shows of the recorder itself."""

    name: str
    serial: str
    version: str
    started: str
    now: str
    zone: str
    clock: ClockShown
    planes: list[PlaneShown]
    security: Security
    load: Load


class WayShown(TypedDict):
    """A way into the recorder that is open."""

    name: str
    encryption: str


class SystemPart:
    """System."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def system(self) -> SystemShown:
        """The recorder itself."""
        return cast("SystemShown", await self._connection.ask("GET", "/api/system"))

    async def clients(self) -> ClientsShown:
        """Who is connected: who watches by RTSP, and who is logged in."""
        return cast("ClientsShown", await self._connection.ask("GET", "/api/system/clients"))

    async def openapi(self) -> dict[str, Any]:
        """This API's description, OpenAPI 3.1."""
        return cast("dict[str, Any]", await self._connection.ask("GET", "/api/openapi.json"))
