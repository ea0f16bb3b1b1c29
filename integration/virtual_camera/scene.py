"""A scene: a backdrop, and actors that cross it at the times of a timetable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device.media import MICROSECONDS, Utc
from integration.virtual_camera.analytics import Seen
from integration.virtual_camera.draw import Planes, Sprite
from integration.virtual_camera.motion import Episode, Timetable


@dataclass(frozen=True, slots=True)
class Placed:
    """A sprite where it stands in the picture, pixels."""

    sprite: Sprite
    x: int
    y: int
    depth: float = 0.0  #: smaller is farther away: drawn first


class Actor(Protocol):
    """Something that moves through one episode."""

    def at(self, elapsed: float) -> Sequence[Placed]:
        """Where it is, `elapsed` seconds after the episode began. Outside the picture is allowed."""


_NUMBERS = 1 << 20  #: of episodes: the numbers of what moves in one are not those of its neighbours

Cast = Callable[[Episode], Sequence[Actor]]  #: who plays in an episode; the same for the same episode


@dataclass(slots=True)
class Scene:
    """Draws itself at any instant; the same instant gives the same picture."""

    backdrop: Planes
    timetable: Timetable
    cast: Cast
    front: Sequence[Placed] = ()  #: stands still, and before the actors of smaller depth
    rest: Sequence[Placed] = ()  #: what stands there instead while nothing moves
    grain: int = 0  #: sensor noise, levels
    _playing: tuple[Episode, Sequence[Actor]] | None = None
    _noise: NDArray[np.int8] | None = field(default=None)

    def moving(self, at: Utc) -> bool:
        """Whether anything moves."""
        return self.timetable.moving(at)

    def draw(self, on: Planes, at: Utc, frame: int) -> None:
        """Draw the instant `at` over the whole of a picture of the scene's size. `frame` seeds the sensor's
        noise.
        """
        on.copy_from(self.backdrop)
        placed = list(self.front)
        episode = self.timetable.episode(at)
        if episode is not None:
            elapsed = (at - episode.start) / MICROSECONDS
            for actor in self._actors(episode):
                placed.extend(actor.at(elapsed))
        else:
            placed.extend(self.rest)
        placed.sort(key=lambda one: one.depth)
        for one in placed:
            one.sprite.lay(on, one.x, one.y)
        if self.grain:
            self._add_grain(on, frame)

    def seen(self, at: Utc) -> list[Seen]:
        """What moves within the picture at an instant, each actor as one."""
        episode = self.timetable.episode(at)
        if episode is None:
            return []
        elapsed = (at - episode.start) / MICROSECONDS
        found: list[Seen] = []
        for place, actor in enumerate(self._actors(episode)):
            placed = actor.at(elapsed)
            if not placed:
                continue
            left = max(0, min(one.x for one in placed))
            top = max(0, min(one.y for one in placed))
            right = min(self.backdrop.width, max(one.x + one.sprite.y.shape[1] for one in placed))
            bottom = min(self.backdrop.height, max(one.y + one.sprite.y.shape[0] for one in placed))
            if left < right and top < bottom:
                found.append(Seen(episode.seed % _NUMBERS * 16 + place, left, top, right, bottom))
        return found

    def _actors(self, episode: Episode) -> Sequence[Actor]:
        if self._playing is None or self._playing[0] != episode:
            self._playing = (episode, self.cast(episode))
        return self._playing[1]

    def _add_grain(self, on: Planes, frame: int) -> None:
        """One large field of noise, seen through a window that jumps: as good as new noise, and much
        cheaper.
        """
        if self._noise is None:
            draw = np.random.default_rng(self.timetable.seed)
            noise = draw.normal(0, self.grain, (on.height + 64, on.width + 64))
            self._noise = np.clip(np.rint(noise), -15, 15).astype(np.int8)
        x, y = (frame * 29) % 64, (frame * 41 + frame // 64) % 64
        # Backdrops keep clear of black by more than the noise, so that bytes cannot wrap.
        on.y += self._noise[y : y + on.height, x : x + on.width].view(np.uint8)
