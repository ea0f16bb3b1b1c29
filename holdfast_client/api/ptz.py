"""PTZ. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import NotRequired, TypedDict, cast

from holdfast_client.connection import Connection, segment


class HeadCan(TypedDict):
    """What a camera's head can, and how it stands."""

    pan_tilt: bool
    zoom: bool
    relative: bool
    absolute: bool
    home: bool
    presets: list[Preset]
    most_presets: int
    at: Vector | None
    moving: bool


class HeadShown(TypedDict):
    """What moves a camera."""

    head: HeadCan | None
    detail: str


class KeptPreset(TypedDict):
    """The token of a preset."""

    token: str


class Movement(TypedDict):
    """A velocity, and how long it lasts unless it is renewed. Positive is right, up, and nearer."""

    pan: NotRequired[float]
    tilt: NotRequired[float]
    zoom: NotRequired[float]
    seconds: NotRequired[float]


class NewPreset(TypedDict):
    """A name for where the camera stands."""

    name: str
    preset: NotRequired[str]


class Place(TypedDict):
    """A position, of zoom from 0 (wide) to 1; or a way from where it stands."""

    pan: NotRequired[float]
    tilt: NotRequired[float]
    zoom: NotRequired[float]
    relative: NotRequired[bool]


class Preset(TypedDict):
    """A position that a head keeps."""

    token: str
    name: str


class Vector(TypedDict):
    """A velocity, a way or a position, each axis as a share of what the head can: -1 to 1; a position of
    zoom, 0 (wide) to 1 (near)."""

    pan: float
    tilt: float
    zoom: float


class PtzPart:
    """PTZ."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def shown(self, camera: str) -> HeadShown:
        """What moves a camera, how it stands, and the presets that it keeps."""
        return cast("HeadShown", await self._connection.ask("GET", f"/api/cameras/{segment(camera)}/ptz"))

    async def move(self, camera: str, body: Movement) -> None:
        """Move a camera, until it is told otherwise or the seconds are over: then it is stopped."""
        await self._connection.ask("POST", f"/api/cameras/{segment(camera)}/ptz/move", body=body)

    async def stop(self, camera: str) -> None:
        """Let a camera stand still."""
        await self._connection.ask("POST", f"/api/cameras/{segment(camera)}/ptz/stop")

    async def place(self, camera: str, body: Place) -> None:
        """Let a camera go to a position, or a way from where it stands."""
        await self._connection.ask("POST", f"/api/cameras/{segment(camera)}/ptz/place", body=body)

    async def home(self, camera: str) -> None:
        """Let a camera go to its position of rest."""
        await self._connection.ask("POST", f"/api/cameras/{segment(camera)}/ptz/home")

    async def keep_home(self, camera: str) -> None:
        """Let a camera rest where it stands, from now on."""
        await self._connection.ask("PUT", f"/api/cameras/{segment(camera)}/ptz/home")

    async def keep(self, camera: str, body: NewPreset) -> KeptPreset:
        """Let a camera keep where it stands as a preset."""
        return cast(
            "KeptPreset",
            await self._connection.ask("POST", f"/api/cameras/{segment(camera)}/ptz/presets", body=body),
        )

    async def recall(self, camera: str, preset: str) -> None:
        """Let a camera go to a preset, by its token or its name."""
        await self._connection.ask(
            "POST", f"/api/cameras/{segment(camera)}/ptz/presets/{segment(preset)}/recall"
        )

    async def forget(self, camera: str, preset: str) -> None:
        """Let a camera keep a preset no longer."""
        await self._connection.ask("DELETE", f"/api/cameras/{segment(camera)}/ptz/presets/{segment(preset)}")
