"""Cameras over ONVIF: found, asked, followed and heard by the control plane."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from device.cameras import keeper
from device.cameras.control import LoginRefused, Unreachable
from device.cameras.messages import (
    AddCamera,
    AskControl,
    DiscoverCameras,
    ProbeCamera,
    RestartCamera,
    TakePicture,
)
from device.cameras.source import Cause
from device.clock import SystemClock
from device.errors import BadValue
from device.events.cameras import AddressFollowed, ControlBack, ControlLost, Tampering, TamperingEnded
from device.events.catalogue import CameraId, CameraOffline
from device.events.event import Event
from device.folder import DataFolder
from device.identity import identity
from device.media import Codec
from device.planes.leash import Leash
from device.planes.link import Client, Server
from device.planes.messages import Done, TriggerEvent
from device.settings.cameras import Camera
from device.settings.sections import SECTIONS
from integration.cameras import CamerasPlane
from integration.cli import app
from integration.plane import Plane, plane
from integration.virtual_camera.camera import Login, Spec
from integration.virtual_camera.encode import Format
from integration.virtual_camera.farm import VirtualCameras
from integration.virtual_camera.faults import fault
from integration.virtual_camera.onvif.face import Face
from integration.virtual_camera.onvif.place import reserve

USER, PASSWORD = "recorder", "let-me-see-7"
WITHIN = 60.0


@asynccontextmanager
async def a_camera(*, announce: bool = False) -> AsyncIterator[Face]:
    """One with two streams, that can be moved."""
    main, sub = Format(Codec.H265, 320, 180, 10, 200_000), Format(Codec.H264, 160, 88, 5, 60_000)
    login, spec = Login(USER, PASSWORD), Spec("Gate", "street", main, sub, ptz=True)
    async with (
        VirtualCameras([spec], "127.0.0.1", 0, login, SystemClock()) as farm,
        Face(farm.cameras[0], reserve("127.0.0.1"), SystemClock(), (), announce=announce) as face,
    ):
        yield face


class Rig:
    """A control plane that talks with cameras, and what it said."""

    def __init__(self, own: Plane, control: Client, triggered: list[TriggerEvent]) -> None:
        self.own = own
        self.control = control
        self.triggered = triggered
        self.said: list[Event] = []
        own.bus.subscribe(lambda entry: self.said.append(entry.event))

    def of(self, kind: type[Event]) -> list[Event]:
        """What was said of a kind."""
        return [event for event in self.said if isinstance(event, kind)]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for it."""
        async with asyncio.timeout(WITHIN):
            while not holds():  # noqa: ASYNC110 - several things are waited for
                await asyncio.sleep(0.02)

    def camera(self, key: str) -> Camera:
        """Its settings."""
        return self.own.settings.get(Camera, key)


@asynccontextmanager
async def rig(data: Path) -> AsyncIterator[Rig]:
    """A control plane without the rest, and a recording plane that notes what it is told."""
    folder = DataFolder(data)
    folder.make()
    identity(folder.identity)
    triggered: list[TriggerEvent] = []

    async def trigger(request: TriggerEvent) -> Done:
        triggered.append(request)
        return Done()

    async with (
        Server(folder.socket("recording")) as recording,
        plane("control", data, Leash(None, None), SECTIONS) as own,
        Client(folder.socket("recording"), within=WITHIN) as asking,
        Client(folder.socket("control"), within=WITHIN) as control,
    ):
        recording.on(TriggerEvent, trigger)
        cameras = CamerasPlane(own, asking)
        cameras.answer(own.server)
        running = asyncio.create_task(cameras.run())
        try:
            yield Rig(own, control, triggered)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_a_camera_is_added_by_its_address_and_tells_what_it_sees(tmp_path: Path) -> None:
    async with a_camera() as face, rig(tmp_path) as recorder:
        order = AddCamera(face.url, "anna", USER, PASSWORD)
        key = (await recorder.control.call(order)).id
        made = recorder.camera(key)
        assert (made.main, made.sub) == (face.camera.url, face.camera.sub_url)
        assert (made.name, made.onvif) == ("Holdfast Virtual camera", face.url)
        recorder.own.settings.patch(Camera, {"mode": "event"}, key=key, by="anna")
        await recorder.until(lambda: bool(face.subscriptions))
        task = asyncio.create_task(face.camera.inflict(fault("cover", 3000)))
        await recorder.until(lambda: bool(recorder.of(Tampering)))
        await recorder.until(lambda: any(each.why == "tampering" for each in recorder.triggered))
        task.cancel()
        await recorder.until(lambda: bool(recorder.of(TamperingEnded)))
        assert recorder.of(Tampering) == [Tampering(key, "video-1")]

        shown = await recorder.control.call(AskControl(key))
        assert shown.state == "up"
        assert shown.portrait is not None
        assert (shown.portrait.main, shown.portrait.sub) == ("main", "sub")
        assert (await recorder.control.call(TakePicture(key))).jpeg.startswith(b"\xff\xd8")
        assert (await recorder.control.call(RestartCamera(key, "anna"))).text == "The camera restarts."


async def test_an_address_alone_is_enough_and_is_followed_when_streams_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "SOON", 0.0)
    async with a_camera() as face, rig(tmp_path) as recorder:
        host = face.url.removeprefix("http://").partition("/")[0]
        changes = {"onvif": host, "user": USER, "password": PASSWORD}
        recorder.own.settings.patch(Camera, changes, key="c-gate", by="anna")
        assert recorder.camera("c-gate").onvif == face.url
        await recorder.until(lambda: recorder.camera("c-gate").main == face.camera.url)
        assert not recorder.of(AddressFollowed), "it had none before"
        before = face.camera.url
        await face.camera.stop()
        await face.camera.start("127.0.0.1", 0)
        recorder.own.bus.publish(CameraOffline(CameraId("c-gate"), "main", Cause.UNREACHABLE, ""))
        await recorder.until(lambda: recorder.camera("c-gate").sub == face.camera.sub_url)
        assert AddressFollowed("c-gate", "main", before, face.camera.url) in recorder.of(AddressFollowed)
        recorder.own.settings.patch(Camera, {"main_profile": "sub"}, key="c-gate", by="anna")
        assert recorder.camera("c-gate").main == face.camera.sub_url


async def test_a_refused_login_is_told_and_another_one_is_tried_at_once(tmp_path: Path) -> None:
    async with a_camera() as face, rig(tmp_path) as recorder:
        changes = {"onvif": face.url, "user": USER, "password": "wrong"}
        recorder.own.settings.patch(Camera, changes, key="c-gate", by="anna")
        await recorder.until(lambda: bool(recorder.of(ControlLost)))
        lost = ControlLost("c-gate", "The camera 127.0.0.1 refuses the user 'recorder'.")
        assert recorder.of(ControlLost) == [lost]
        assert (await recorder.control.call(AskControl("c-gate"))).state == "lost"
        recorder.own.settings.patch(Camera, {"password": PASSWORD}, key="c-gate", by="anna")
        await recorder.until(lambda: recorder.camera("c-gate").main is not None)
        assert recorder.of(ControlBack) == [ControlBack("c-gate")]
        with pytest.raises(LoginRefused):
            await recorder.control.call(ProbeCamera(face.url, USER, "wrong"))
        with pytest.raises(BadValue, match="onvif: must be"):
            await recorder.control.call(ProbeCamera("ftp://x", USER, "wrong"))
    with_nobody = "127.0.0.1:1"
    async with rig(tmp_path) as recorder:
        with pytest.raises(Unreachable):
            await recorder.control.call(ProbeCamera(with_nobody))


async def test_cameras_are_found_on_the_network(tmp_path: Path) -> None:
    async with a_camera(announce=True) as face, rig(tmp_path) as recorder:
        changes = {"onvif": face.url, "user": USER, "password": PASSWORD}
        recorder.own.settings.patch(Camera, changes, key="c-gate", by="anna")
        async with asyncio.timeout(WITHIN):
            found = {}
            while face.url not in found:
                told = await recorder.control.call(DiscoverCameras(2.0))
                found = {each.onvif: each for each in told.cameras}
        one = found[face.url]
        assert (one.id, one.name, one.known) == (f"urn:uuid:{face.id}", "Gate", "c-gate")
        assert one.hardware == "Virtual camera"


async def test_the_command_finds_and_adds(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    data = str(tmp_path / "data")
    async with a_camera(announce=True) as face:
        arguments = ["cameras", "add", "--onvif", face.url, "--user", USER, "--password-file", str(secret)]
        said = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--data", data, "--json"])
        told = json.loads(said.stdout)
        assert told.pop("id").startswith("c-")
        assert told == {
            "name": "Holdfast Virtual camera",
            "onvif": face.url,
            "main": face.camera.url,
            "sub": face.camera.sub_url,
        }
        async with asyncio.timeout(WITHIN):
            found: list[dict[str, str]] = []
            while not found:
                said = await asyncio.to_thread(
                    CliRunner().invoke,
                    app,
                    ["cameras", "discover", "--seconds", "2", "--data", data, "--json"],
                )
                found = [each for each in json.loads(said.stdout)["cameras"] if each["onvif"] == face.url]
        assert found[0]["known"]
