"""What is asked of the control plane about talking with cameras."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.planes.wire import Blob, Request, message


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A device that answers on the network."""

    id: str  #: of its endpoint
    onvif: str  #: what `cameras add --onvif` takes
    name: str
    hardware: str
    known: str  #: key of the camera that is set up at this address; empty: none


@message
class CamerasFound:
    """In the order of addresses."""

    cameras: tuple[FoundCamera, ...]


@message
class DiscoverCameras(Request[CamerasFound]):
    """Look for cameras on the network. Fault where no interface takes multicast."""

    seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class ProfileShown:
    """A stream that a camera offers."""

    token: str
    name: str
    encoding: str
    width: int
    height: int
    fps: float
    url: str


@message
class PortraitShown:
    """What a camera says of itself."""

    manufacturer: str
    model: str
    firmware: str
    serial: str
    mac: str
    clock_offset: float  #: seconds that its clock is ahead
    events: bool
    profiles: tuple[ProfileShown, ...]
    main: str  #: token of the profile that is recorded; empty: none
    sub: str


@message
class ProbeCamera(Request[PortraitShown]):
    """Ask a camera what it is. Unreachable, LoginRefused, NotUnderstood, Lacks, BadValue."""

    onvif: str
    user: str = ""
    password: str = field(default="", repr=False)


@message
class CameraMade:
    """The key of a new camera."""

    id: str


@message
class AddCamera(Request[CameraMade]):
    """Ask a camera for its streams, and record it from now on. What `ProbeCamera` raises."""

    onvif: str
    by: str
    user: str = ""
    password: str = field(default="", repr=False)
    name: str = ""  #: empty: what the camera calls itself
    main_profile: str = ""  #: token; empty: chosen
    sub_profile: str = ""


@message
class ControlShown:
    """How one talks with a camera."""

    state: str  #: off, connecting, up or lost
    detail: str  #: why not
    portrait: PortraitShown | None  #: as it was last told


@message
class AskControl(Request[ControlShown]):
    """How does one talk with it? NotFound."""

    camera: str


@message
class Told:
    """What a camera says to an order."""

    text: str


@message
class RestartCamera(Request[Told]):
    """Let a camera restart. NotFound, Lacks, what `ProbeCamera` raises."""

    camera: str
    by: str


@message
class Picture:
    """A picture as JPEG."""

    jpeg: Blob = Blob(b"")


@message
class TakePicture(Request[Picture]):
    """A picture that the camera takes now. NotFound, Lacks, what `ProbeCamera` raises."""

    camera: str
