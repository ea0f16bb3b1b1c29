"""Who is connected to what, and what the recorder is made of."""

from __future__ import annotations

import asyncio
import os
import tomllib
from functools import cache
from importlib import metadata

from device.accounts.role import Role
from device.linux.sockets import TcpState, owned
from device.planes.errors import PlaneDown
from device.planes.messages import AskStreaming, Ping
from device.settings.virtual_hosts import VirtualHost
from protocols.http.api.answers import Answer
from protocols.http.assets import STATIC
from protocols.http.house import House
from protocols.http.table import Table

TABLE = Table("About")

OWN = "control"


class ConnectionShown(Answer):
    """One TCP connection of the recorder's."""

    address: str  #: of the other end
    port: int  #: of the other end
    local_port: int
    protocol: str
    inward: bool  #: the other end began it
    state: TcpState
    plane: str  #: whose process it is
    pid: int


class ConnectionsShown(Answer):
    """All of them, by address and port."""

    connections: list[ConnectionShown]


class LicenceShown(Answer):
    """A program library that the recorder uses."""

    name: str
    version: str
    licence: str


class LicencesShown(Answer):
    """All of them, by name."""

    libraries: list[LicenceShown]


@TABLE.get("/api/system/connections", role=Role.ADMINISTRATOR)
async def connections(house: House) -> ConnectionsShown:
    """The TCP connections of the recorder's processes as the kernel has them, and what is spoken on each."""
    planes = {os.getpid(): OWN}
    https, http = house.ports()
    spoken = {host.port: "https" for host in house.settings.entries(VirtualHost).values() if host.enabled}
    spoken |= {https: "https", http: "http"}
    for name, plane in (("recording", house.recording), ("streaming", house.streaming)):
        try:
            planes[(await plane.call(Ping())).pid] = name
        except PlaneDown:
            continue
    try:
        streaming = await house.streaming.call(AskStreaming())
        spoken |= {streaming.rtsp: "rtsp", streaming.rtsps: "rtsps"}
    except PlaneDown:
        pass  # then nobody is connected to it
    sockets = await asyncio.to_thread(owned, planes)
    listening = {
        (each.pid, each.socket.local_port) for each in sockets if each.socket.state is TcpState.LISTEN
    }
    found = []
    for each in sockets:
        plane_, socket = planes[each.pid], each.socket
        if socket.state is TcpState.LISTEN:
            continue
        inward = (each.pid, socket.local_port) in listening
        known = spoken.get(socket.local_port, "") if inward else ""
        found.append(
            ConnectionShown(
                address=socket.remote,
                port=socket.remote_port,
                local_port=socket.local_port,
                protocol=known or ("rtsp" if plane_ == "recording" else "tcp"),
                inward=inward,
                state=socket.state,
                plane=plane_,
                pid=each.pid,
            )
        )
    return ConnectionsShown(connections=sorted(found, key=lambda each: (each.address, each.port)))


@TABLE.get("/api/system/licences", role=Role.VIEWER)
async def licences() -> LicencesShown:
    """The program libraries that are installed with the recorder, and their licences."""
    return await asyncio.to_thread(_installed)


@cache
def _installed() -> LicencesShown:
    found = {each.name: (each.version, _licence(each)) for each in metadata.distributions()}
    for about in tomllib.loads((STATIC / "vendor" / "VENDOR.toml").read_text()).values():
        found[about["package"]] = (about["version"], about["licence"])  # of the pages
    names = sorted(found, key=str.casefold)
    return LicencesShown(
        libraries=[LicenceShown(name=name, version=found[name][0], licence=found[name][1]) for name in names]
    )


def _licence(package: metadata.Distribution) -> str:
    """As it says of itself: an expression (PEP 639), classifiers, or words of its own."""
    about = package.metadata
    if "License-Expression" in about:
        return about["License-Expression"]
    classified = [
        each.rpartition(" :: ")[2]
        for each in about.get_all("Classifier") or []
        if each.startswith("License :: ") and not each.endswith("OSI Approved")
    ]
    said = about["License"].strip() if "License" in about else ""
    return ", ".join(classified) or said.partition("\n")[0][:80] or "?"
