"""Cameras as they are now. Their settings are the section `cameras`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from device.accounts.role import Role
from device.accounts.sessions import Scope
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
