"""What moves a camera: a head that pans, tilts and zooms. Pure.

A `Head` speaks a wire (ONVIF, in `protocols/`), or is a motor; each bears the same words. Directions are the viewer's:
positive is right, up, and nearer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from device.errors import BadValue

LONGEST_NAME = 64  #: characters of a preset's name


@dataclass(frozen=True, slots=True)
class Vector:
    """A velocity, a way or a position, each axis as a share of what the head can: -1 to 1; a position of zoom, 0 (wide)
    to 1 (near)."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.pan or self.tilt or self.zoom)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a head can."""

    pan_tilt: bool  #: turn, as long as it is told
    zoom: bool  #: the same of zooming
    relative: bool  #: go a way
    absolute: bool  #: go to a position
    home: bool  #: has a position of rest
    presets: int  #: positions that it can keep; 0: none


@dataclass(frozen=True, slots=True)
class Preset:
    """A position that a head keeps."""

    token: str  #: the head's
    name: str  #: a person's; may be empty


@dataclass(frozen=True, slots=True)
class Stand:
    """How a head stands."""

    at: Vector | None  #: None: it does not tell
    moving: bool


class Head(Protocol):
    """What moves one camera. Each call raises Lacks where the head cannot, NotFound where it has no such preset, and
    what `device.cameras.control.Control` raises."""

    async def abilities(self) -> Abilities:
        """What it can."""

    async def move(self, velocity: Vector, seconds: float) -> None:
        """Move from now on, until it is told otherwise, for at most so many seconds."""

    async def step(self, by: Vector) -> None:
        """Go a way from where it stands."""

    async def place(self, at: Vector) -> None:
        """Go to a position."""

    async def stop(self) -> None:
        """Stand still."""

    async def stand(self) -> Stand:
        """How it stands."""

    async def presets(self) -> Sequence[Preset]:
        """The positions that it keeps, in its order."""

    async def recall(self, preset: str) -> None:
        """Go to one of them, by its token."""

    async def keep(self, name: str, preset: str = "") -> str:
        """Keep where it stands, under a name, in place of a preset or as a new one; its token."""

    async def forget(self, preset: str) -> None:
        """Keep one of them no longer."""

    async def home(self) -> None:
        """Go to its position of rest."""

    async def keep_home(self) -> None:
        """Rest where it stands from now on."""


def velocity(pan: float, tilt: float, zoom: float) -> Vector:
    """One that there can be; also a way. Raises BadValue."""
    return _within(pan, tilt, zoom, -1.0)


def position(pan: float, tilt: float, zoom: float) -> Vector:
    """One that there can be. Raises BadValue."""
    return _within(pan, tilt, zoom, 0.0)


def _within(pan: float, tilt: float, zoom: float, least_zoom: float) -> Vector:
    for name, value, least in (("pan", pan, -1.0), ("tilt", tilt, -1.0), ("zoom", zoom, least_zoom)):
        if not least <= value <= 1.0:
            raise BadValue(name, f"must be from {least:g} to 1")
    return Vector(pan, tilt, zoom)


def preset_name(name: str) -> str:
    """One that a head can keep. Raises BadValue."""
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise BadValue("name", f"must have 1 to {LONGEST_NAME} characters")
    return name.strip()
