"""What is asked of the control plane about moving cameras. Each raises NotFound, Lacks, Declines, BadValue, and what
`device.cameras.messages.ProbeCamera` raises."""

from __future__ import annotations

from dataclasses import dataclass

from device.cameras.ptz import Preset, Vector
from device.planes.messages import Done
from device.planes.wire import Request, message


@dataclass(frozen=True, slots=True)
class HeadCan:
    """What a camera's head can, and how it stands."""

    pan_tilt: bool
    zoom: bool
    relative: bool  #: go a way from where it stands
    absolute: bool  #: go to a position
    home: bool  #: has a position of rest
    presets: tuple[Preset, ...]
    most_presets: int
    at: Vector | None  #: None: it does not tell
    moving: bool


@message
class HeadShown:
    """What moves a camera."""

    head: HeadCan | None  #: None: nothing does
    detail: str  #: why not


@message
class AskHead(Request[HeadShown]):
    """What moves a camera, and how does it stand?"""

    camera: str


@message
class MoveCamera(Request[Done]):
    """Move, at shares of its velocity from -1 to 1, until there is another order or the seconds are over."""

    camera: str
    by: str
    pan: float
    tilt: float
    zoom: float
    seconds: float


@message
class PlaceCamera(Request[Done]):
    """Go to a position (-1 to 1; zoom 0 to 1), or a way (-1 to 1) from where it stands."""

    camera: str
    by: str
    pan: float
    tilt: float
    zoom: float
    relative: bool


@message
class StopCamera(Request[Done]):
    """Stand still."""

    camera: str


@message
class RecallPreset(Request[Done]):
    """Go to a preset."""

    camera: str
    by: str
    preset: str  #: its token, or its name


@message
class GoHome(Request[Done]):
    """Go to the position of rest."""

    camera: str
    by: str


@message
class KeptPreset:
    """The token of a preset."""

    token: str


@message
class KeepPreset(Request[KeptPreset]):
    """Keep where it stands."""

    camera: str
    by: str
    name: str
    preset: str = ""  #: token of the one that it replaces; empty: a new one


@message
class ForgetPreset(Request[Done]):
    """Keep a preset no longer."""

    camera: str
    by: str
    preset: str  #: its token, or its name


@message
class KeepHome(Request[Done]):
    """Rest where it stands, from now on."""

    camera: str
    by: str
