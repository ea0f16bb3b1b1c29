"""Cameras. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict, cast

from holdfast_client.connection import Connection, segment


class CameraShown(TypedDict):
    """One camera."""

    id: str
    name: str
    enabled: bool
    mode: Mode
    streams: list[StreamShown]


class CamerasShown(TypedDict):
    """Those that the caller may see."""

    running: bool
    cameras: list[CameraShown]


Mode = Literal["off", "continuous", "schedule", "event"]


class StreamShown(TypedDict):
    """One stream of a camera."""

    stream: str
    recording: str
    well: bool
    cause: str
    detail: str
    since: str
    codec: str
    width: int
    height: int
    audio: str
    acknowledged: str | None
    packets: int
    lost: int
    octets: int
    watched: bool


class Trigger(TypedDict):
    """Something happened at a camera."""

    why: str
    seconds: NotRequired[float]


class CamerasPart:
    """Cameras."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def cameras(self) -> CamerasShown:
        """The cameras, and how their streams are."""
        return cast("CamerasShown", await self._connection.ask("GET", "/api/cameras"))

    async def trigger(self, camera: str, body: Trigger) -> None:
        """Something happened: in event mode the time around it is kept."""
        await self._connection.ask("POST", f"/api/cameras/{segment(camera)}/trigger", body=body)
