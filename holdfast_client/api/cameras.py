"""Cameras. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Literal, NotRequired, TypedDict, cast

from aiohttp import ClientResponse

from holdfast_client.connection import Connection, segment


class Address(TypedDict):
    """A camera's ONVIF, and who asks."""

    onvif: str
    user: NotRequired[str]
    password: NotRequired[str]


class CameraMade(TypedDict):
    """The key of a new camera."""

    id: str


class CameraShown(TypedDict):
    """One camera."""

    id: str
    name: str
    enabled: bool
    mode: Mode
    streams: list[StreamShown]


class CamerasFound(TypedDict):
    """In the order of addresses."""

    cameras: list[FoundCamera]


class CamerasShown(TypedDict):
    """Those that the caller may see."""

    running: bool
    cameras: list[CameraShown]


class ControlShown(TypedDict):
    """How one talks with a camera."""

    state: str
    detail: str
    portrait: PortraitShown | None


class FoundCamera(TypedDict):
    """A device that answers on the network."""

    id: str
    onvif: str
    name: str
    hardware: str
    known: str


class Look(TypedDict):
    """How long to look for cameras."""

    seconds: NotRequired[float]


Mode = Literal["off", "continuous", "schedule", "event"]


class NewCamera(TypedDict):
    """The same, to be recorded."""

    onvif: str
    user: NotRequired[str]
    password: NotRequired[str]
    name: NotRequired[str]
    main_profile: NotRequired[str]
    sub_profile: NotRequired[str]


class PortraitShown(TypedDict):
    """What a camera says of itself."""

    manufacturer: str
    model: str
    firmware: str
    serial: str
    mac: str
    clock_offset: float
    events: bool
    profiles: list[ProfileShown]
    main: str
    sub: str


class ProfileShown(TypedDict):
    """A stream that a camera offers."""

    token: str
    name: str
    encoding: str
    width: int
    height: int
    fps: float
    url: str


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


class Told(TypedDict):
    """What a camera says to an order."""

    text: str


class Trigger(TypedDict):
    """Something happened at a camera."""

    why: str
    seconds: NotRequired[float]


class CamerasPart:
    """Cameras."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def discover(self, body: Look) -> CamerasFound:
        """Look for cameras on the network, with WS-Discovery."""
        return cast("CamerasFound", await self._connection.ask("POST", "/api/cameras/discover", body=body))

    async def probe(self, body: Address) -> PortraitShown:
        """Ask a camera what it is and which streams it offers. Nothing is kept."""
        return cast("PortraitShown", await self._connection.ask("POST", "/api/cameras/probe", body=body))

    async def add(self, body: NewCamera) -> CameraMade:
        """Ask a camera for its streams, and record it from now on."""
        return cast("CameraMade", await self._connection.ask("POST", "/api/cameras/onvif", body=body))

    async def control(self, camera: str) -> ControlShown:
        """How one talks with a camera over ONVIF, and what it says of itself."""
        return cast(
            "ControlShown", await self._connection.ask("GET", f"/api/cameras/{segment(camera)}/onvif")
        )

    async def restart(self, camera: str) -> Told:
        """Let a camera restart."""
        return cast("Told", await self._connection.ask("POST", f"/api/cameras/{segment(camera)}/restart"))

    def picture(self, camera: str) -> AbstractAsyncContextManager[ClientResponse]:
        """A picture that the camera takes now, over ONVIF."""
        return self._connection.open("GET", f"/api/cameras/{segment(camera)}/picture")

    async def cameras(self) -> CamerasShown:
        """The cameras, and how their streams are."""
        return cast("CamerasShown", await self._connection.ask("GET", "/api/cameras"))

    async def trigger(self, camera: str, body: Trigger) -> None:
        """Something happened: in event mode the time around it is kept."""
        await self._connection.ask("POST", f"/api/cameras/{segment(camera)}/trigger", body=body)
