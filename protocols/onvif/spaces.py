"""The coordinates of PTZ (ONVIF PTZ s5.8): the generic spaces, and how a head is described by them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device.cameras.ptz import Abilities
from protocols.onvif.names import TT
from protocols.onvif.xml import Element, sub, write_span

LEAST, MOST = 0.1, 60.0  #: seconds that a movement may be told to last
DEFAULT = 10.0  #: the same where it is not told

_PAN_TILT = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/"
_ZOOM = "http://www.onvif.org/ver10/tptz/ZoomSpaces/"


@dataclass(frozen=True, slots=True)
class Space:
    """A row: one of the generic spaces."""

    name: str  #: of its element in tt:PTZSpaces
    default: str  #: of the element in tt:PTZConfiguration that names it; empty: of DefaultPTZSpeed
    uri: str
    least: float  #: of an axis; the most is 1
    axes: tuple[str, ...]  #: the elements of their ranges; a speed has no direction, and so one
    there: Callable[[Abilities], bool]


_LINE, _PLANE = ("XRange",), ("XRange", "YRange")


#: In the order of tt:PTZSpaces, which is that of tt:PTZConfiguration, too.
SPACES = (
    Space(
        "AbsolutePanTiltPositionSpace",
        "DefaultAbsolutePantTiltPositionSpace",  # so spelt there
        _PAN_TILT + "PositionGenericSpace",
        -1.0,
        _PLANE,
        lambda head: head.absolute and head.pan_tilt,
    ),
    Space(
        "AbsoluteZoomPositionSpace",
        "DefaultAbsoluteZoomPositionSpace",
        _ZOOM + "PositionGenericSpace",
        0.0,
        _LINE,
        lambda head: head.absolute and head.zoom,
    ),
    Space(
        "RelativePanTiltTranslationSpace",
        "DefaultRelativePanTiltTranslationSpace",
        _PAN_TILT + "TranslationGenericSpace",
        -1.0,
        _PLANE,
        lambda head: head.relative and head.pan_tilt,
    ),
    Space(
        "RelativeZoomTranslationSpace",
        "DefaultRelativeZoomTranslationSpace",
        _ZOOM + "TranslationGenericSpace",
        -1.0,
        _LINE,
        lambda head: head.relative and head.zoom,
    ),
    Space(
        "ContinuousPanTiltVelocitySpace",
        "DefaultContinuousPanTiltVelocitySpace",
        _PAN_TILT + "VelocityGenericSpace",
        -1.0,
        _PLANE,
        lambda head: head.pan_tilt,
    ),
    Space(
        "ContinuousZoomVelocitySpace",
        "DefaultContinuousZoomVelocitySpace",
        _ZOOM + "VelocityGenericSpace",
        -1.0,
        _LINE,
        lambda head: head.zoom,
    ),
    Space("PanTiltSpeedSpace", "", _PAN_TILT + "GenericSpeedSpace", 0.0, _LINE, lambda head: head.pan_tilt),
    Space("ZoomSpeedSpace", "", _ZOOM + "ZoomGenericSpeedSpace", 0.0, _LINE, lambda head: head.zoom),
)
BY_NAME = {space.name: space for space in SPACES}


def write_spaces(told: Element, head: Abilities) -> None:
    """The content of tt:PTZSpaces."""
    for space in SPACES:
        if space.there(head):
            shown = sub(told, TT.name(space.name))
            sub(shown, TT.URI, space.uri)
            for axis in space.axes:
                limits = sub(shown, TT.name(axis))
                sub(limits, TT.Min, space.least)
                sub(limits, TT.Max, 1.0)


def write_node(told: Element, name: str, head: Abilities) -> None:
    """The content of tt:PTZNode."""
    sub(told, TT.Name, name[:64])
    write_spaces(sub(told, TT.SupportedPTZSpaces), head)
    sub(told, TT.MaximumNumberOfPresets, head.presets)
    sub(told, TT.HomeSupported, head.home)


def write_configuration(told: Element, node: str, head: Abilities, uses: int) -> None:
    """The content of tt:PTZConfiguration, of which so many profiles make use. There is one for each node."""
    sub(told, TT.Name, node)
    sub(told, TT.UseCount, uses)
    sub(told, TT.NodeToken, node)
    for space in SPACES:
        if space.default and space.there(head):
            sub(told, TT.name(space.default), space.uri)
    speed = sub(told, TT.DefaultPTZSpeed)
    if head.pan_tilt:
        sub(speed, TT.PanTilt, x=1.0, y=1.0, space=BY_NAME["PanTiltSpeedSpace"].uri)
    if head.zoom:
        sub(speed, TT.Zoom, x=1.0, space=BY_NAME["ZoomSpeedSpace"].uri)
    sub(told, TT.DefaultPTZTimeout, write_span(DEFAULT))


def write_options(told: Element, head: Abilities) -> None:
    """The content of tt:PTZConfigurationOptions."""
    write_spaces(sub(told, TT.Spaces), head)
    limits = sub(told, TT.PTZTimeout)
    sub(limits, TT.Min, write_span(LEAST))
    sub(limits, TT.Max, write_span(MOST))
