"""The places that the virtual cameras look at, each a function of size and seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from integration.virtual_camera.scene import Scene
from integration.virtual_camera.scenes.lobby import lobby
from integration.virtual_camera.scenes.street import street
from integration.virtual_camera.scenes.workshop import workshop
from integration.virtual_camera.scenes.yard import yard

SCENES: Mapping[str, Callable[[int, int, int], Scene]] = {
    "lobby": lobby,
    "street": street,
    "yard": yard,
    "workshop": workshop,
}
