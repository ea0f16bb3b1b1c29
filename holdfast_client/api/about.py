"""About. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import Literal, TypedDict, cast

from holdfast_client.connection import Connection


class ConnectionShown(TypedDict):
    """One TCP connection of the recorder's."""

    address: str
    port: int
    local_port: int
    protocol: str
    inward: bool
    state: TcpState
    plane: str
    pid: int


class ConnectionsShown(TypedDict):
    """All of them, by address and port."""

    connections: list[ConnectionShown]


class LicenceShown(TypedDict):
    """A program library that the recorder uses."""

    name: str
    version: str
    licence: str


class LicencesShown(TypedDict):
    """All of them, by name."""

    libraries: list[LicenceShown]


TcpState = Literal[
    "established",
    "syn-sent",
    "syn-received",
    "fin-wait-1",
    "fin-wait-2",
    "time-wait",
    "closed",
    "close-wait",
    "last-ack",
    "listen",
    "closing",
    "new-syn-received",
]


class AboutPart:
    """About."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def connections(self) -> ConnectionsShown:
        """The TCP connections of the recorder's processes as the kernel has them, and what is spoken on each."""
        return cast("ConnectionsShown", await self._connection.ask("GET", "/api/system/connections"))

    async def licences(self) -> LicencesShown:
        """The program libraries that are installed with the recorder, and their licences."""
        return cast("LicencesShown", await self._connection.ask("GET", "/api/system/licences"))
