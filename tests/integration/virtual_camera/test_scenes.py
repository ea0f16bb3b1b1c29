"""What the cameras see: the same for everybody, and moving when the timetable says so."""

from __future__ import annotations

import numpy as np
import pytest

from device.media import MICROSECONDS, Utc
from integration.virtual_camera.draw import Planes
from integration.virtual_camera.scene import Scene
from integration.virtual_camera.scenes import SCENES

NOON = 1_794_679_200_000_000
FRAME = MICROSECONDS // 10


def _picture(scene: Scene, at: int, frame: int = 0) -> Planes:
    canvas = Planes(scene.backdrop.width, scene.backdrop.height)
    scene.draw(canvas, Utc(at), frame)
    return canvas


@pytest.mark.parametrize("name", SCENES)
def test_the_same_instant_gives_the_same_picture(name: str) -> None:
    one, other = SCENES[name](320, 180, 4), SCENES[name](320, 180, 4)
    for second in (37, 5, 200, 38):
        at = NOON + second * MICROSECONDS
        assert np.array_equal(_picture(one, at, second).whole, _picture(other, at, second).whole)


@pytest.mark.parametrize("name", SCENES)
def test_the_picture_changes_while_something_moves_and_stands_still_otherwise(name: str) -> None:
    scene = SCENES[name](320, 180, 2)
    scene.grain = 0
    still = moving = 0
    for at in range(NOON, NOON + 12 * scene.timetable.slot * MICROSECONDS, 5 * FRAME):
        before, now = scene.timetable.episode(Utc(at - FRAME)), scene.timetable.episode(Utc(at))
        changed = not np.array_equal(_picture(scene, at).whole, _picture(scene, at - FRAME).whole)
        if now is None and before is None:
            still += 1
            assert not changed, f"something moves at {at}"
        # At both ends the one who moves is beyond the edge of the picture.
        elif now is not None and now == before and now.start + 4 * FRAME < at < now.end - 4 * FRAME:
            moving += 1
            assert changed, f"nothing moves at {at}"
    assert still > 20
    assert moving > 20


@pytest.mark.parametrize("name", SCENES)
def test_the_timetable_has_motion_and_rest_in_every_few_minutes(name: str) -> None:
    scene = SCENES[name](160, 88, 3)
    seconds = [scene.moving(Utc(NOON + n * MICROSECONDS)) for n in range(300)]
    assert 0.05 < sum(seconds) / 300 < 0.95


def test_scenes_of_other_seeds_move_at_other_times() -> None:
    one, other = SCENES["lobby"](160, 88, 1), SCENES["lobby"](160, 88, 2)
    times = [Utc(NOON + n * MICROSECONDS) for n in range(600)]
    assert [one.moving(at) for at in times] != [other.moving(at) for at in times]


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize(("width", "height"), [(160, 88), (480, 272), (1920, 1080)])
def test_every_scene_is_drawn_at_every_size(name: str, width: int, height: int) -> None:
    picture = _picture(SCENES[name](width, height, 1), NOON)
    assert picture.y.std() > 20, "there is something to see"
    assert picture.y.min() >= 5


def test_an_odd_size_is_refused() -> None:
    with pytest.raises(ValueError, match="161x90"):
        Planes(161, 90)
