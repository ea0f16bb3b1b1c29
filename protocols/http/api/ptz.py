"""Moving cameras. Who moves one needs the right to; what it keeps is an operator's to change."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from device.accounts.rights import Media
from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.cameras.helm import LONGEST_HOLD
from device.cameras.ptz import LONGEST_NAME
from device.cameras.ptz_messages import (
    AskHead,
    ForgetPreset,
    GoHome,
    HeadShown,
    KeepHome,
    KeepPreset,
    KeptPreset,
    MoveCamera,
    PlaceCamera,
    RecallPreset,
    StopCamera,
)
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.table import Body, Table

TABLE = Table("PTZ")

Share = Annotated[float, Field(ge=-1, le=1)]


class Movement(Body):
    """A velocity, and how long it lasts unless it is renewed. Positive is right, up, and nearer."""

    pan: Share = 0.0
    tilt: Share = 0.0
    zoom: Share = 0.0
    seconds: Annotated[float, Field(gt=0, le=LONGEST_HOLD)] = 1.0


class Place(Body):
    """A position, of zoom from 0 (wide) to 1; or a way from where it stands."""

    pan: Share = 0.0
    tilt: Share = 0.0
    zoom: Share = 0.0
    relative: bool = False


class NewPreset(Body):
    """A name for where the camera stands."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    preset: Annotated[str, Field(max_length=64)] = ""  #: token of the one that it replaces; empty: a new one


@TABLE.get("/api/cameras/{camera}/ptz", role=Role.VIEWER, media=Media.LIVE, moves=True)
async def shown(house: House, camera: str) -> HeadShown:
    """What moves a camera, how it stands, and the presets that it keeps."""
    return await house.control.call(AskHead(camera))


@TABLE.post("/api/cameras/{camera}/ptz/move", role=Role.VIEWER, media=Media.LIVE, moves=True, scope=Scope.ALL)
async def move(house: House, caller: Caller, camera: str, body: Movement) -> None:
    """Move a camera, until it is told otherwise or the seconds are over: then it is stopped."""
    await house.control.call(MoveCamera(camera, caller.by, body.pan, body.tilt, body.zoom, body.seconds))


@TABLE.post("/api/cameras/{camera}/ptz/stop", role=Role.VIEWER, media=Media.LIVE, moves=True, scope=Scope.ALL)
async def stop(house: House, camera: str) -> None:
    """Let a camera stand still."""
    await house.control.call(StopCamera(camera))


@TABLE.post(
    "/api/cameras/{camera}/ptz/place", role=Role.VIEWER, media=Media.LIVE, moves=True, scope=Scope.ALL
)
async def place(house: House, caller: Caller, camera: str, body: Place) -> None:
    """Let a camera go to a position, or a way from where it stands."""
    await house.control.call(PlaceCamera(camera, caller.by, body.pan, body.tilt, body.zoom, body.relative))


@TABLE.post("/api/cameras/{camera}/ptz/home", role=Role.VIEWER, media=Media.LIVE, moves=True, scope=Scope.ALL)
async def home(house: House, caller: Caller, camera: str) -> None:
    """Let a camera go to its position of rest."""
    await house.control.call(GoHome(camera, caller.by))


@TABLE.put("/api/cameras/{camera}/ptz/home", role=Role.OPERATOR, media=Media.LIVE, scope=Scope.ALL)
async def keep_home(house: House, caller: Caller, camera: str) -> None:
    """Let a camera rest where it stands, from now on."""
    await house.control.call(KeepHome(camera, caller.by))


@TABLE.post("/api/cameras/{camera}/ptz/presets", role=Role.OPERATOR, media=Media.LIVE, scope=Scope.ALL)
async def keep(house: House, caller: Caller, camera: str, body: NewPreset) -> KeptPreset:
    """Let a camera keep where it stands as a preset."""
    return await house.control.call(KeepPreset(camera, caller.by, body.name, body.preset))


@TABLE.post(
    "/api/cameras/{camera}/ptz/presets/{preset}/recall",
    role=Role.VIEWER,
    media=Media.LIVE,
    moves=True,
    scope=Scope.ALL,
)
async def recall(house: House, caller: Caller, camera: str, preset: str) -> None:
    """Let a camera go to a preset, by its token or its name."""
    await house.control.call(RecallPreset(camera, caller.by, preset))


@TABLE.delete(
    "/api/cameras/{camera}/ptz/presets/{preset}", role=Role.OPERATOR, media=Media.LIVE, scope=Scope.ALL
)
async def forget(house: House, caller: Caller, camera: str, preset: str) -> None:
    """Let a camera keep a preset no longer."""
    await house.control.call(ForgetPreset(camera, caller.by, preset))
