"""Cameras as they are now, and as they are found and asked over ONVIF. Their settings are the section `cameras`."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field, SecretStr

from device.accounts.rights import Media
from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.cameras.messages import (
    AddCamera,
    AskControl,
    CameraMade,
    CamerasFound,
    ControlShown,
    DiscoverCameras,
    PortraitShown,
    ProbeCamera,
    RestartCamera,
    TakePicture,
    Told,
)
from device.media import MICROSECONDS, Kind, Utc
from device.planes.errors import PlaneDown
from device.planes.messages import AskRecording, RecordingStatus, StreamStatus, TriggerEvent
from device.recording.modes import Mode
from device.settings.cameras import Camera
from protocols.http.api.answers import Answer
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.moments import Instant
from protocols.http.table import Body, Table

TABLE = Table("Cameras")


class StreamShown(Answer):
    """One stream of a camera."""

    stream: str  #: main | sub
    recording: str  #: id of what is recorded of it
    well: bool  #: key frames advance
    cause: str  #: why not, as `device.cameras.source.Cause`
    detail: str
    since: Instant  #: of the last change of health
    codec: str
    width: int
    height: int
    audio: str  #: codec; empty: none
    acknowledged: Instant | None  #: end of what is safe on the disk
    packets: int
    lost: int
    octets: int
    watched: bool


class CameraShown(Answer):
    """One camera."""

    id: str
    name: str
    enabled: bool
    mode: Mode
    streams: list[StreamShown]


class CamerasShown(Answer):
    """Those that the caller may see."""

    running: bool  #: the recording plane answers; otherwise the streams are not known
    cameras: list[CameraShown]


class Trigger(Body):
    """Something happened at a camera."""

    why: Annotated[str, Field(min_length=1, max_length=200)]
    seconds: Annotated[float, Field(ge=0, le=3600)] = 0.0  #: how long it lasted, up to now


class Look(Body):
    """How long to look for cameras."""

    seconds: Annotated[float, Field(ge=1, le=8)] = 3.0


class Address(Body):
    """A camera's ONVIF, and who asks."""

    onvif: Annotated[str, Field(min_length=1, max_length=512)]
    user: Annotated[str, Field(max_length=64)] = ""
    password: Annotated[SecretStr, Field(max_length=128)] = SecretStr("")


class NewCamera(Address):
    """The same, to be recorded."""

    name: Annotated[str, Field(max_length=64)] = ""  #: empty: what the camera calls itself
    main_profile: Annotated[str, Field(max_length=64)] = ""  #: token; empty: the largest picture
    sub_profile: Annotated[str, Field(max_length=64)] = ""  #: token; empty: the smallest picture


@TABLE.post("/api/cameras/discover", role=Role.OPERATOR, scope=Scope.ALL)
async def discover(house: House, body: Look) -> CamerasFound:
    """Look for cameras on the network, with WS-Discovery."""
    return await house.control.call(DiscoverCameras(body.seconds))


@TABLE.post("/api/cameras/probe", role=Role.OPERATOR, scope=Scope.ALL)
async def probe(house: House, body: Address) -> PortraitShown:
    """Ask a camera what it is and which streams it offers. Nothing is kept."""
    return await house.control.call(ProbeCamera(body.onvif, body.user, body.password.get_secret_value()))


@TABLE.post("/api/cameras/onvif", role=Role.OPERATOR, scope=Scope.ALL)
async def add(house: House, caller: Caller, body: NewCamera) -> CameraMade:
    """Ask a camera for its streams, and record it from now on."""
    password = body.password.get_secret_value()
    order = AddCamera(
        body.onvif, caller.by, body.user, password, body.name, body.main_profile, body.sub_profile
    )
    return await house.control.call(order)


@TABLE.get("/api/cameras/{camera}/onvif", role=Role.OPERATOR)
async def control(house: House, camera: str) -> ControlShown:
    """How one talks with a camera over ONVIF, and what it says of itself."""
    return await house.control.call(AskControl(camera))


@TABLE.post("/api/cameras/{camera}/restart", role=Role.OPERATOR, scope=Scope.ALL)
async def restart(house: House, caller: Caller, camera: str) -> Told:
    """Let a camera restart."""
    return await house.control.call(RestartCamera(camera, caller.by))


@TABLE.get(
    "/api/cameras/{camera}/picture",
    role=Role.VIEWER,
    media=Media.LIVE,
    scope=Scope.VIDEO,
    produces="image/jpeg",
)
async def picture(house: House, camera: str) -> web.StreamResponse:
    """A picture that the camera takes now, over ONVIF."""
    taken = await house.control.call(TakePicture(camera))
    return web.Response(body=taken.jpeg, content_type="image/jpeg", headers={"Cache-Control": "no-store"})


@TABLE.get("/api/cameras", role=Role.VIEWER)
async def cameras(house: House, caller: Caller) -> CamerasShown:
    """The cameras, and how their streams are."""
    return await cameras_shown(house, caller)


@TABLE.post("/api/cameras/{camera}/trigger", role=Role.OPERATOR, scope=Scope.ALL)
async def trigger(house: House, caller: Caller, camera: str, body: Trigger) -> None:
    """Something happened: in event mode the time around it is kept."""
    house.settings.get(Camera, camera)
    now = house.clock.utc()
    begin = Utc(now - round(body.seconds * MICROSECONDS))
    await house.recording.call(TriggerEvent(camera, begin, now, f"{caller.by}: {body.why}"))


async def cameras_shown(house: House, caller: Caller) -> CamerasShown:
    """The cameras that somebody may see, as they are."""
    status: RecordingStatus | None
    try:
        status = await house.recording.call(AskRecording())
    except PlaneDown:
        status = None
    return CamerasShown(
        running=status is not None,
        cameras=[
            CameraShown(
                id=key,
                name=camera.name or key,
                enabled=camera.enabled,
                mode=camera.mode,
                streams=[_stream(each) for each in (status.streams if status else ()) if each.camera == key],
            )
            for key, camera in house.settings.entries(Camera).items()
            if caller.rights.may_see(key)
        ],
    )


def _stream(status: StreamStatus) -> StreamShown:
    video = next((track for track in status.tracks if track.kind is Kind.VIDEO), None)
    audio = next((track for track in status.tracks if track.kind is Kind.AUDIO), None)
    return StreamShown(
        stream=status.stream,
        recording=status.token,
        well=status.well,
        cause=status.cause,
        detail=status.detail,
        since=status.since,
        codec=video.codec.name if video else "",
        width=video.width if video else 0,
        height=video.height if video else 0,
        audio=audio.codec.name if audio else "",
        acknowledged=status.acknowledged or None,
        packets=status.packets,
        lost=status.lost,
        octets=status.octets,
        watched=status.watched,
    )
