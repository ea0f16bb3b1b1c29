"""What a virtual camera says of what it sees: true, valid, and taken only by whoever wants it."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from lxml import etree
from numpy.typing import NDArray

from device.cameras.ptz import Vector
from device.cameras.source import Address
from device.clock import SystemClock
from device.media import MICROSECONDS, Codec, Kind, Utc
from device.settings.cameras import Camera
from integration.recording import kinds_of
from integration.virtual_camera.analytics import TRACK, Motion, Seen, document
from integration.virtual_camera.camera import Login, Spec
from integration.virtual_camera.draw import Planes
from integration.virtual_camera.encode import Format
from integration.virtual_camera.farm import VirtualCameras
from integration.virtual_camera.head import REST, Lens
from integration.virtual_camera.scene import Scene
from integration.virtual_camera.scenes import SCENES
from protocols.onvif.names import ENV, TT
from protocols.onvif.xml import read_instant
from protocols.rtsp.health import Patience
from protocols.rtsp.source import ALL, RtspSource
from tests.protocols.onvif.schema import judge
from tests.protocols.rtsp.kept import KeptIntake

NOON = 1_794_679_200_000_000
SIZE = (320, 180)


def _luma(scene: Scene, at: int, lens: Lens, view: Vector) -> NDArray[np.int64]:
    canvas = Planes(*SIZE)
    scene.draw(canvas, Utc(at), 0)
    lens.look(canvas, view)
    return canvas.y.astype(np.int64)


@pytest.mark.parametrize(
    ("name", "view"), [("lobby", REST), ("street", REST), ("yard", REST), ("lobby", Vector(0.3, 0.2, 0.6))]
)
def test_the_boxes_are_around_all_that_moves_and_each_thing_keeps_its_number(name: str, view: Vector) -> None:
    scene, lens = SCENES[name](*SIZE, 2), Lens(*SIZE)
    scene.grain = 0
    instants = range(NOON, NOON + 6 * scene.timetable.slot * MICROSECONDS, MICROSECONDS)
    empty = _luma(scene, next(at for at in instants if not scene.moving(Utc(at))), lens, view)
    numbers: dict[int, set[int]] = {}
    for at in instants:
        covered = np.zeros((SIZE[1], SIZE[0]), bool)
        for seen in lens.find(scene.seen(Utc(at)), view):
            episode = scene.timetable.episode(Utc(at))
            assert episode is not None
            numbers.setdefault(seen.number, set()).add(episode.start)
            # A pixel more on each side: between two of them the lens sees both.
            covered[max(0, seen.top - 1) : seen.bottom + 1, max(0, seen.left - 1) : seen.right + 1] = True
        assert not ((_luma(scene, at, lens, view) != empty) & ~covered).any()
    assert numbers
    assert all(len(episodes) == 1 for episodes in numbers.values())


@pytest.mark.parametrize("motion", [None, Motion(True, False), Motion(False, True)])
def test_a_document_is_valid_and_counts_from_the_middle_of_the_picture(motion: Motion | None) -> None:
    told = etree.fromstring(document(Utc(NOON), SIZE, [Seen(7, 0, 0, 160, 90)], motion))
    envelope = etree.Element(ENV.Envelope)
    etree.SubElement(envelope, ENV.Body).append(told)
    judge(etree.tostring(envelope))
    (box,) = told.iter(TT.BoundingBox)
    assert {key: float(value) for key, value in box.attrib.items()} == {
        "left": -1,
        "top": 1,
        "right": 0,
        "bottom": 0,
    }
    assert len(list(told.iter(TT.Message))) == (motion is not None)


async def _recorded(url: str, kinds: frozenset[Kind], until: int) -> KeptIntake:
    """What a recorder keeps of a session of so many pictures."""
    intake = KeptIntake()
    source = RtspSource(Address(url), SystemClock(), Patience(), lambda _: None, kinds=kinds)
    session = asyncio.create_task(source.run(intake))
    try:
        async with asyncio.timeout(60):
            while len(intake.units) < until:  # noqa: ASYNC110 - the source has no other way to say so
                await asyncio.sleep(0.05)
    finally:
        session.cancel()
        await asyncio.gather(session, return_exceptions=True)
    return intake


async def test_it_is_recorded_beside_picture_and_sound_and_left_where_nobody_wants_it() -> None:
    spec = Spec(
        "Gate", "lobby", Format(Codec.H264, 320, 180, 10, 100_000), None, Codec.PCMU, 0.5, 1, metadata=True
    )
    async with VirtualCameras([spec], "127.0.0.1", 0, Login("", ""), SystemClock()) as farm:
        url = farm.cameras[0].url
        every, seen = await asyncio.gather(
            _recorded(url, frozenset(ALL), 25), _recorded(url, frozenset({Kind.VIDEO}), 25)
        )
    assert [track.kind for track in seen.tracks[-1]] == [Kind.VIDEO]
    assert not seen.samples
    assert [track.kind for track in every.tracks[-1]] == [Kind.VIDEO, Kind.AUDIO, Kind.METADATA]
    assert every.tracks[-1][2] == TRACK
    documents = [etree.fromstring(data) for track, _, _, data in every.samples if track == 2]
    times = [
        read_instant("UtcTime", each.get("UtcTime") or "")
        for told in documents
        for each in told.iter(TT.Frame)
    ]
    assert times
    assert times == sorted(set(times))
    assert all((at - farm.epoch) * 10 % MICROSECONDS == 0 for at in times)  # each is the time of a frame


def test_the_settings_of_a_camera_say_what_is_recorded_of_it() -> None:
    assert kinds_of(Camera(name="Gate", main="rtsp://192.0.2.9/gate")) == ALL
    assert kinds_of(Camera(name="Gate", main="rtsp://192.0.2.9/gate", audio=False, metadata=False)) == {
        Kind.VIDEO
    }
