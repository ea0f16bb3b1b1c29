"""Events that cameras tell, and of talking with them. Part of the catalogue, which imports this module."""

from __future__ import annotations

from enum import Enum

from device.errors import Severity
from device.events.event import Event, event


class How(Enum):
    """How a camera is moved."""

    HAND = "hand"  #: as long as somebody holds on, or by a way, or to a position
    PRESET = "preset"
    HOME = "home"


class PresetChange(Enum):
    """What becomes of a position that a camera keeps."""

    KEPT = "kept"
    FORGOTTEN = "forgotten"
    HOME = "home"  #: the position of rest is another one


@event("camera.motion", severity=Severity.NOTICE, about=("camera", "source"), state="camera.motion")
class Motion(Event):
    """A camera sees that something moves."""

    camera: str  #: the key of its settings
    source: str  #: of the camera: a video source, a rule or a window of it


@event("camera.motion-ended", severity=Severity.INFO, about=("camera", "source"), clears=("camera.motion",))
class MotionEnded(Event):
    """Nothing moves before a camera any more, or it cannot be asked."""

    camera: str  #: the key of its settings
    source: str


@event("camera.tampering", severity=Severity.WARNING, about=("camera", "source"), state="camera.tampering")
class Tampering(Event):
    """A camera says that it was covered, turned away or put out of focus."""

    camera: str  #: the key of its settings
    source: str


@event(
    "camera.tampering-ended",
    severity=Severity.NOTICE,
    about=("camera", "source"),
    clears=("camera.tampering",),
)
class TamperingEnded(Event):
    """A camera sees again what it saw, or it cannot be asked."""

    camera: str  #: the key of its settings
    source: str


@event("camera.input-active", severity=Severity.NOTICE, about=("camera", "source"), state="camera.input")
class InputActive(Event):
    """A digital input of a camera is active: a door contact, a bell, a detector."""

    camera: str  #: the key of its settings
    source: str  #: the input's token


@event("camera.input-inactive", severity=Severity.INFO, about=("camera", "source"), clears=("camera.input",))
class InputInactive(Event):
    """A digital input of a camera is not active any more, or the camera cannot be asked."""

    camera: str  #: the key of its settings
    source: str  #: the input's token


@event("camera.control-lost", severity=Severity.WARNING, about=("camera",), state="camera.control-lost")
class ControlLost(Event):
    """A camera tells no events, and its addresses are not followed: it cannot be talked with. Its video may come."""

    camera: str  #: the key of its settings
    detail: str  #: why, and whose fault it is


@event("camera.control-back", severity=Severity.NOTICE, about=("camera",), clears=("camera.control-lost",))
class ControlBack(Event):
    """A camera can be talked with, or nobody wants to any more."""

    camera: str  #: the key of its settings


@event("camera.address-followed", severity=Severity.NOTICE, about=("camera", "stream"))
class AddressFollowed(Event):
    """A camera has its stream at another address than before, and is recorded from there."""

    camera: str  #: the key of its settings
    stream: str  #: main or sub
    before: str
    after: str


@event("camera.restarted", severity=Severity.NOTICE, about=("camera",))
class CameraRestarted(Event):
    """Somebody let a camera restart."""

    camera: str  #: the key of its settings
    by: str


@event("camera.moved", severity=Severity.INFO, about=("camera",))
class CameraMoved(Event):
    """Somebody moves a camera. By hand it is said at the beginning, and again after a minute of rest."""

    camera: str  #: the key of its settings
    how: How
    preset: str  #: its name; empty: it is none
    by: str


@event("camera.preset-changed", severity=Severity.NOTICE, about=("camera",))
class PresetChanged(Event):
    """Somebody let a camera keep where it stands, or forget where it stood."""

    camera: str  #: the key of its settings
    change: PresetChange
    preset: str  #: its name; empty: the position of rest
    by: str
