"""What is asked of the streaming plane by whoever shows video in a browser."""

from __future__ import annotations

from device.errors import Refused
from device.media import Sample, Utc
from device.planes.wire import Blob, Subscription, message


class Unplayable(Refused):
    """No browser plays what the camera sends."""

    hint = "Set the camera's stream to H.264."


@message
class VideoStart:
    """What the fragments from here on are."""

    mime: str  #: with codecs, for `MediaSource.isTypeSupported`
    codec: str  #: of the pictures, for people
    sound: str  #: codec of the camera's sound that goes with them; empty: none does
    width: int
    height: int
    rates: tuple[int, ...]  #: ticks a second of each track, for the `prft` of the fragments
    init: Blob  #: the initialization segment


@message
class WatchLive(Subscription[VideoStart | Sample]):
    """A camera now, from the next key frame on; until that comes, the newest one that was recorded. The data of a
    sample are a media segment, its `key` says whether a browser can start there. Who does not keep up gets the next key
    frame."""

    camera: str
    stream: str  #: main | sub
    sound: bool


@message
class WatchStored(Subscription[VideoStart | Sample]):
    """What was recorded, from an instant on, as fast as it is shown and a few seconds ahead."""

    camera: str
    stream: str  #: main | sub
    start: Utc
    end: Utc | None
    speed: float  #: recorded seconds in one second; negative: backwards; 0: the one picture at `start`
    sound: bool
