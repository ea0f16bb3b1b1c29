"""Virtual cameras that pan, tilt and zoom, moved by our ONVIF client: where they look is read from their pictures."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import av
import numpy as np
import pytest

from device.cameras.control import Access, Lacks
from device.cameras.ptz import Head, Vector
from device.clock import SystemClock
from device.errors import NotFound
from device.media import Codec
from integration.virtual_camera.camera import Login, Spec
from integration.virtual_camera.draw import Planes
from integration.virtual_camera.encode import Format
from integration.virtual_camera.farm import VirtualCameras
from integration.virtual_camera.head import Lens
from integration.virtual_camera.onvif.face import Face
from integration.virtual_camera.onvif.place import reserve
from protocols.onvif.client.camera import OnvifCamera
from tests.protocols.onvif.clients import python

USER, PASSWORD = "recorder", "let-me-see-7"
PATIENCE = 60.0  #: seconds
MAIN = Format(Codec.H264, 320, 180, 10, 200_000)
TEXT = 24  #: rows at the top and at the bottom that have text and a stamp on them


@asynccontextmanager
async def head_of(*quirks: str, ptz: bool = True) -> AsyncIterator[tuple[OnvifCamera, Head]]:
    """Our client at a camera, and what moves it."""
    spec = Spec("Gate", "street", MAIN, ptz=ptz)
    clock = SystemClock()
    async with (
        VirtualCameras([spec], "127.0.0.1", 0, Login(USER, PASSWORD), clock) as farm,
        Face(farm.cameras[0], reserve("127.0.0.1"), clock, quirks, announce=False) as face,
    ):
        control = OnvifCamera(Access(face.url, USER, PASSWORD), clock)
        try:
            profile = (await control.describe()).profiles[0]
            yield control, await control.head(profile)
        finally:
            await control.close()


async def rest(head: Head) -> Vector:
    """Wait until it stands still; where."""
    async with asyncio.timeout(PATIENCE):
        while (stand := await head.stand()).moving:  # noqa: ASYNC110 - it is asked over the wire
            await asyncio.sleep(0.05)
    assert stand.at is not None
    return stand.at


async def seen(control: OnvifCamera) -> Planes:
    """What the camera sees."""
    with av.open(io.BytesIO(await control.snapshot("main")), "r", format="mjpeg") as file:
        frame = next(file.decode(video=0)).reformat(format="yuv420p")
        made = Planes(frame.width, frame.height)
        made.whole[:] = frame.to_ndarray()
    return made


def looks(before: Planes, after: Planes, places: Iterable[Vector]) -> Vector:
    """From which of these places the second picture was taken, if the first was taken at rest."""
    lens, shown = Lens(before.width, before.height), Planes(before.width, before.height)

    def off(at: Vector) -> float:
        shown.copy_from(before)
        lens.look(shown, at)
        rows = slice(TEXT, -TEXT)
        # Who walks by, and the text that turned with the first picture, are few pixels: most of them decide.
        return float(np.median(np.abs(shown.y[rows].astype(int) - after.y[rows])))

    return min(places, key=off)


def test_a_lens_shows_what_is_seen_from_there() -> None:
    picture = Planes(320, 180)
    picture.y[:] = np.arange(320) // 2
    turned, near = Planes(320, 180), Planes(320, 180)
    for shown, at in ((turned, Vector(pan=0.5)), (near, Vector(zoom=1.0))):
        shown.copy_from(picture)
        Lens(320, 180).look(shown, at)
    assert (turned.y[:, :240] == picture.y[:, 80:]).all()
    assert (turned.y[:, 240:] == picture.y[:, :239:-1]).all(), "beyond the edge it is mirrored"
    for column, source in ((0, 120), (160, 160), (319, 199)):
        assert abs(int(near.y[90, column]) - int(picture.y[90, source])) <= 1


async def test_the_picture_pans_tilts_and_zooms() -> None:
    places = [
        Vector(pan / 5, tilt, zoom) for pan in range(-2, 3) for tilt in (0.0, 0.2) for zoom in (0.0, 0.5)
    ]
    async with head_of() as (control, head):
        can = await head.abilities()
        assert (can.pan_tilt, can.zoom, can.relative, can.absolute, can.home) == (True,) * 5
        before = await seen(control)
        assert looks(before, await seen(control), places) == Vector()
        for wanted in (Vector(0.4, 0.2, 0.0), Vector(-0.2, 0.0, 0.5)):
            await head.place(wanted)
            there = await rest(head)
            assert (there.pan, there.tilt, there.zoom) == pytest.approx(
                (wanted.pan, wanted.tilt, wanted.zoom), abs=0.001
            )
            assert looks(before, await seen(control), places) == wanted
        await head.step(Vector(0.6, 0.2, -0.5))
        await rest(head)
        assert looks(before, await seen(control), places) == Vector(0.4, 0.2, 0.0)
        await head.home()
        await rest(head)
        assert looks(before, await seen(control), places) == Vector()


@pytest.mark.parametrize("quirk", ["", "no-stop", "no-nodes", "no-timeout", "always-moving"])
async def test_every_head_is_moved_stopped_and_keeps_presets(quirk: str) -> None:
    async with head_of(*filter(None, [quirk])) as (_, head):
        await head.move(Vector(pan=0.5, tilt=-0.5), 30.0)
        await head.stop()
        token = await head.keep("Räcke")
        assert {each.token: each.name for each in await head.presets()}[token] == "Räcke"
        await head.keep("Grind", token)
        assert {each.token: each.name for each in await head.presets()}[token] == "Grind"
        await head.keep_home()
        await head.recall(token)
        await head.home()
        await head.forget(token)
        with pytest.raises(NotFound, match="no preset"):
            await head.recall(token)


async def test_a_camera_that_cannot_be_moved_says_so() -> None:
    with pytest.raises(Lacks, match="cannot be moved"):
        async with head_of(ptz=False):
            pass


@pytest.mark.slow
@pytest.mark.timeout(500)
async def test_onvif_zeep_async_moves_it_as_frigate_does() -> None:
    async with head_of() as (control, _):
        url = urlsplit(control.base)
        client = await asyncio.to_thread(python, "onvif-zeep-async")
        at = str(url.hostname), str(url.port)
        found = await asyncio.to_thread(client.ask, "moves_with_zeep_async.py", *at, USER, PASSWORD)
    assert found == {
        "profile": "main",
        "spaces": ["VelocityGenericSpace"],
        "flips": False,
        "presets": ["Overview", "Left side", "Right side"],
        "moves": "MOVING",
        "stops": "IDLE",
    }
