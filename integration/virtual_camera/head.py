"""The head of a virtual camera: a motor whose position is a function of time, and what is seen from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.cameras.control import Lacks
from device.cameras.ptz import Abilities, Preset, Stand, Vector
from device.clock import Clock
from device.errors import NotFound
from device.media import MICROSECONDS, Utc
from integration.virtual_camera.analytics import Seen
from integration.virtual_camera.draw import Bytes, Planes

SPEED = 0.5  #: of each axis at full velocity, a second: from one end to the other takes four
NEAREST = 4.0  #: times as large as life, at the end of the zoom
REACH = 0.5  #: of the picture's width and height that it can turn to each side
MOST_PRESETS = 16
LONGEST = 60.0  #: seconds that one movement may last
REST = Vector()
ABILITIES = Abilities(pan_tilt=True, zoom=True, relative=True, absolute=True, home=True, presets=MOST_PRESETS)

_Places = dict[str, tuple[str, Vector]]  #: by token: name and position


@dataclass(frozen=True, slots=True)
class _Motion:
    """From `start` to `end` it moves by `velocity`, a second."""

    start: Utc
    end: Utc
    origin: Vector
    velocity: Vector = REST

    def at(self, utc: Utc) -> Vector:
        seconds = (min(max(utc, self.start), self.end) - self.start) / MICROSECONDS
        origin, velocity = self.origin, self.velocity
        return _held(
            origin.pan + velocity.pan * seconds,
            origin.tilt + velocity.tilt * seconds,
            origin.zoom + velocity.zoom * seconds,
        )


def _held(pan: float, tilt: float, zoom: float) -> Vector:
    """Within the ends of each axis, and in steps that no picture shows."""
    return Vector(
        round(min(max(pan, -1.0), 1.0), 4),
        round(min(max(tilt, -1.0), 1.0), 4),
        round(min(max(zoom, 0.0), 1.0), 4),
    )


class Motor:
    """`device.cameras.ptz.Head`, of a camera that is drawn."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._motion = _Motion(Utc(0), Utc(0), REST)
        self._home = REST
        self._presets: _Places = {
            "1": ("Overview", REST),
            "2": ("Left side", Vector(-0.4, -0.1, 0.35)),
            "3": ("Right side", Vector(0.4, -0.1, 0.35)),
        }

    def at(self, utc: Utc) -> Vector:
        """Where it stands at an instant."""
        return self._motion.at(utc)

    async def abilities(self) -> Abilities:
        """Head."""
        return ABILITIES

    async def move(self, velocity: Vector, seconds: float) -> None:
        """Head."""
        self._go(Vector(velocity.pan * SPEED, velocity.tilt * SPEED, velocity.zoom * SPEED), seconds)

    async def step(self, by: Vector) -> None:
        """Head."""
        here = self.at(self._clock.utc())
        await self.place(_held(here.pan + by.pan, here.tilt + by.tilt, here.zoom + by.zoom))

    async def place(self, at: Vector) -> None:
        """Head."""
        here = self.at(self._clock.utc())
        ways = (at.pan - here.pan, at.tilt - here.tilt, at.zoom - here.zoom)
        seconds = max(map(abs, ways)) / SPEED
        if seconds:
            self._go(Vector(*(way / seconds for way in ways)), seconds)

    async def stop(self) -> None:
        """Head."""
        self._go(REST, 0.0)

    async def stand(self) -> Stand:
        """Head."""
        now = self._clock.utc()
        return Stand(self.at(now), bool(self._motion.velocity) and now < self._motion.end)

    async def presets(self) -> Sequence[Preset]:
        """Head."""
        return [Preset(token, name) for token, (name, _) in self._presets.items()]

    async def recall(self, preset: str) -> None:
        """Head."""
        await self.place(self._place_of(preset))

    async def keep(self, name: str, preset: str = "") -> str:
        """Head."""
        if preset:
            self._place_of(preset)
        elif len(self._presets) >= MOST_PRESETS:
            raise Lacks(f"There is room for {MOST_PRESETS} presets, and no more.")
        token = preset or next(str(n) for n in range(1, MOST_PRESETS + 1) if str(n) not in self._presets)
        self._presets[token] = name or token, self.at(self._clock.utc())
        return token

    async def forget(self, preset: str) -> None:
        """Head."""
        self._place_of(preset)
        del self._presets[preset]

    async def home(self) -> None:
        """Head."""
        await self.place(self._home)

    async def keep_home(self) -> None:
        """Head."""
        self._home = self.at(self._clock.utc())

    def _place_of(self, preset: str) -> Vector:
        if preset not in self._presets:
            raise NotFound("preset", preset)
        return self._presets[preset][1]

    def _go(self, velocity: Vector, seconds: float) -> None:
        # Replaced as a whole: the thread that draws asks where it stands at the same time.
        now = self._clock.utc()
        end = Utc(now + round(min(seconds, LONGEST) * MICROSECONDS))
        self._motion = _Motion(now, end, self.at(now), velocity)


class Lens:
    """Shows of a picture what is seen from a position. It keeps the memory that this takes."""

    def __init__(self, width: int, height: int) -> None:
        self._whole = Planes(width, height)

    def look(self, on: Planes, at: Vector) -> None:
        """Draw over `on`, a picture as it is seen at rest. Beyond its edges it is seen mirrored."""
        if not at:
            return
        self._whole.copy_from(on)
        whole = self._whole
        for plane, source in ((on.y, whole.y), (on.u, whole.u), (on.v, whole.v)):
            height, width = source.shape
            _resample(plane, source, _taken(height, at.zoom, -at.tilt), _taken(width, at.zoom, at.pan))

    def find(self, seen: Sequence[Seen], at: Vector) -> list[Seen]:
        """Where that which is seen at rest is seen from a position, as far as it is in the picture then. What its edges
        mirror is nothing that moves."""
        if not at:
            return list(seen)
        width, height = self._whole.width, self._whole.height
        found: list[Seen] = []
        for each in seen:
            left, right = (_shown(x, width, at.zoom, at.pan) for x in (each.left, each.right))
            top, bottom = (_shown(y, height, at.zoom, -at.tilt) for y in (each.top, each.bottom))
            if left < right and top < bottom:
                found.append(Seen(each.number, left, top, right, bottom))
        return found


@dataclass(frozen=True, slots=True)
class _Taken:
    """Where the pixels of an axis come from: two neighbours each, and how much of the second, 0 to 256."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    share: NDArray[np.uint16]


def _taken(length: int, zoom: float, turned: float) -> _Taken:
    middle, scale = _looked_at(length, zoom, turned)
    wanted = middle + (np.arange(length) + 0.5 - length / 2) * scale - 0.5
    first = np.floor(wanted).astype(np.intp)
    share = np.rint((wanted - first) * 256).astype(np.uint16)
    return _Taken(_mirrored(first, length), _mirrored(first + 1, length), share)


def _looked_at(length: int, zoom: float, turned: float) -> tuple[float, float]:
    """Of an axis: the middle of what is shown, and the size of a shown pixel in the picture."""
    return length / 2 + turned * REACH * length, NEAREST**-zoom


def _shown(place: int, length: int, zoom: float, turned: float) -> int:
    """Where a place of the picture is shown, the nearest edge where it is not."""
    middle, scale = _looked_at(length, zoom, turned)
    return min(max(round((place - middle) / scale + length / 2), 0), length)


def _mirrored(places: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    turned = places % (2 * length)
    return np.minimum(turned, 2 * length - 1 - turned)


def _resample(plane: Bytes, source: Bytes, rows: _Taken, columns: _Taken) -> None:
    """Bilinear, one axis after the other."""
    share = rows.share[:, None]
    tall = (source[rows.first] * (256 - share) + source[rows.second] * share) >> 8
    plane[:] = (tall[:, columns.first] * (256 - columns.share) + tall[:, columns.second] * columns.share) >> 8
