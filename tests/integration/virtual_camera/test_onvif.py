"""Virtual cameras as ONVIF devices, and our client, which bears what real cameras do wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from device.cameras.control import (
    Access,
    Happening,
    Kind,
    Lacks,
    LoginRefused,
    NotUnderstood,
    Portrait,
    Unreachable,
)
from device.clock import SystemClock
from device.errors import NotFound
from device.media import Codec
from integration.virtual_camera.camera import Login, Spec
from integration.virtual_camera.encode import Format
from integration.virtual_camera.farm import VirtualCameras
from integration.virtual_camera.faults import fault
from integration.virtual_camera.onvif.face import Face
from integration.virtual_camera.onvif.place import reserve
from integration.virtual_camera.onvif.quirks import QUIRKS
from protocols.onvif.client import camera as client
from protocols.onvif.client.camera import OnvifCamera

USER, PASSWORD = "recorder", "let-me-see-7"
PATIENCE = 60.0  #: seconds
MAIN, SUB = Format(Codec.H264, 320, 180, 10, 200_000), Format(Codec.H264, 160, 88, 5, 60_000)


@asynccontextmanager
async def camera() -> AsyncIterator[VirtualCameras]:
    """One camera, its ONVIF still to come."""
    spec = Spec("Gate", "street", MAIN, SUB)
    async with VirtualCameras([spec], "127.0.0.1", 0, Login(USER, PASSWORD), SystemClock()) as farm:
        yield farm


@asynccontextmanager
async def asked(face: Face, password: str = PASSWORD) -> AsyncIterator[OnvifCamera]:
    """Our client at a camera."""
    control = OnvifCamera(Access(face.url, USER, password), SystemClock())
    try:
        yield control
    finally:
        await control.close()


async def seen(control: OnvifCamera, kind: Kind, *, on: bool) -> Happening:
    """Wait until the camera tells that."""
    happenings = control.happenings()
    try:
        async with asyncio.timeout(PATIENCE):
            async for each in happenings:
                if each.kind is kind and each.on is on:
                    return each
    finally:
        await happenings.aclose()  # type: ignore[attr-defined]  # a generator
    raise AssertionError("it ended")


def right(portrait: Portrait, face: Face) -> None:
    """Whether it is what the camera is."""
    camera = face.camera
    assert portrait.serial.startswith("VC-")
    assert [each.url for each in portrait.profiles if each.url] == [camera.url, camera.sub_url]
    assert abs(portrait.clock_offset - camera.condition.clock_offset) < 30


async def bears(farm: VirtualCameras, quirk: str, room: asyncio.Semaphore) -> None:
    """Add a camera of that quirk, see what it sees, take its picture, and leave it."""
    async with (
        room,
        Face(farm.cameras[0], reserve("127.0.0.1"), SystemClock(), [quirk], announce=False) as face,
    ):
        async with asked(face) as control:
            right(await control.describe(), face)
            told = await seen(control, Kind.TAMPERING, on=True)
            assert told.source == "video-1"
            assert abs(told.utc - SystemClock().utc()) < 60_000_000, "it is told by our clock"
            if quirk == "no-snapshot":
                with pytest.raises(Lacks):
                    await control.snapshot("main")
            else:
                assert (await control.snapshot("main")).startswith(b"\xff\xd8")
        assert face.subscriptions == 0, "its place is given back"


async def test_the_client_bears_what_cameras_do_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSE", 0.1)
    room = asyncio.Semaphore(4)
    async with camera() as farm:
        farm.inflict(1, fault("cover", 3000))
        names = [each for each in QUIRKS if each != "tight-clock"]
        bearing = [asyncio.create_task(bears(farm, each, room), name=each) for each in names]
        await asyncio.wait(bearing)
        failed = {each.get_name(): each.exception() for each in bearing if each.exception() is not None}
    assert not failed


async def test_a_camera_whose_clock_is_wrong_is_talked_to_by_its_own_clock() -> None:
    async with camera() as farm:
        farm.inflict(1, fault("clock", 3000, clock_offset=7200.0))
        farm.inflict(1, fault("cover", 3000))
        await asyncio.sleep(0)
        quirks = ["tight-clock", "token-only"]
        async with (
            Face(farm.cameras[0], reserve("127.0.0.1"), SystemClock(), quirks, announce=False) as face,
            asked(face) as control,
        ):
            portrait = await control.describe()
            assert 7100 < portrait.clock_offset < 7300
            told = await seen(control, Kind.TAMPERING, on=True)
            assert abs(told.utc - SystemClock().utc()) < 60_000_000, "it is told by our clock"


async def test_wrong_passwords_are_not_tried_again_and_again() -> None:
    async with (
        camera() as farm,
        Face(farm.cameras[0], reserve("127.0.0.1"), SystemClock(), ["locks-out"], announce=False) as face,
    ):
        async with asked(face, "wrong") as control:
            for _ in range(5):
                with pytest.raises(LoginRefused, match="refuses the user 'recorder'"):
                    await control.describe()
        async with asked(face) as control:  # three wrong ones would have locked it
            right(await control.describe(), face)


async def test_each_error_says_whose_fault_it_is() -> None:
    async with camera() as farm:
        at = farm.cameras[0]
        async with Face(at, reserve("127.0.0.1"), SystemClock(), [], announce=False) as face:
            await at.power(False)
            async with asked(face) as control:
                with pytest.raises(Unreachable, match="closes the connection"):
                    await control.describe()
            await at.power(True)
        async with asked(face) as control:
            with pytest.raises(Unreachable, match="cannot be reached"):
                await control.describe()
        rtsp = OnvifCamera(Access(f"http://127.0.0.1:{at.address[1]}/", USER, PASSWORD), SystemClock())
        with pytest.raises((NotUnderstood, Unreachable)):
            await rtsp.describe()
        await rtsp.close()
        with pytest.raises(NotFound):
            Face(at, reserve("127.0.0.1"), SystemClock(), ["no-such"], announce=False)


async def until_it_ends(control: OnvifCamera) -> None:
    """Listen until the camera is gone."""
    async with asyncio.timeout(PATIENCE):
        async for _ in control.happenings():
            pass


async def test_a_camera_restarts_and_its_events_come_again() -> None:
    async with camera() as farm:
        farm.inflict(1, fault("input", 3000))
        async with Face(farm.cameras[0], reserve("127.0.0.1"), SystemClock(), [], announce=False) as face:
            async with asked(face) as control:
                assert (await seen(control, Kind.INPUT, on=True)).source == "input-1"
                assert await control.reboot() == "The camera restarts."
                with pytest.raises((Unreachable, NotUnderstood, Lacks)):
                    await until_it_ends(control)
            await face.restarted()
            async with asked(face) as control:
                assert (await seen(control, Kind.INPUT, on=True)).source == "input-1"
