"""What a virtual camera says of what it sees: ONVIF metadata (Analytics s5.1, Streaming s5.1.2.1), a document for some
of its frames. Each follows from the frame's number alone, as the picture does. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from device.media import MICROSECONDS, Codec, Track, Utc

TRACK = Track(Codec.ONVIF_METADATA, 90_000)
RATE = 5  #: documents a second while something moves; else one
SOURCE = "video-1"  #: token of the video source

_BEGIN = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"'
    ' xmlns:tns1="http://www.onvif.org/ver10/topics">'
)
_END = "</tt:MetadataStream>"
_MOTION = "tns1:VideoSource/MotionAlarm"
_CONCRETE = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that moves, and the box around it: pixels, as far as it is in the picture."""

    number: int  #: the same for as long as it is there
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Motion:
    """Whether anything moves."""

    now: bool
    changed: bool  #: with this frame; else it is told to those who did not know


def document(utc: Utc, size: tuple[int, int], seen: Sequence[Seen], motion: Motion | None) -> bytes:
    """A tt:MetadataStream: one frame of analytics, and an event where there is something to tell."""
    at = _instant(utc)
    objects = "".join(_object(each, size) for each in seen)
    frame = f'<tt:VideoAnalytics><tt:Frame UtcTime="{at}" Source="{SOURCE}">{objects}</tt:Frame></tt:VideoAnalytics>'
    return (_BEGIN + frame + (_event(at, motion) if motion is not None else "") + _END).encode()


def _object(seen: Seen, size: tuple[int, int]) -> str:
    """tt:Object, in ONVIF's coordinates: -1 to 1, x to the right and y up (Analytics s5.1.2.2)."""
    width, height = size
    left, right = (2 * x / width - 1 for x in (seen.left, seen.right))
    top, bottom = (1 - 2 * y / height for y in (seen.top, seen.bottom))
    return (
        f'<tt:Object ObjectId="{seen.number}"><tt:Appearance><tt:Shape>'
        f'<tt:BoundingBox left="{left:.4f}" top="{top:.4f}" right="{right:.4f}" bottom="{bottom:.4f}"/>'
        f'<tt:CenterOfGravity x="{(left + right) / 2:.4f}" y="{(top + bottom) / 2:.4f}"/>'
        "</tt:Shape></tt:Appearance></tt:Object>"
    )


def _event(at: str, motion: Motion) -> str:
    """tt:Event (Streaming s5.1.2.1.3), as the event service tells the same."""
    operation = "Changed" if motion.changed else "Initialized"
    return (
        f'<tt:Event><wsnt:NotificationMessage><wsnt:Topic Dialect="{_CONCRETE}">{_MOTION}</wsnt:Topic><wsnt:Message>'
        f'<tt:Message UtcTime="{at}" PropertyOperation="{operation}">'
        f'<tt:Source><tt:SimpleItem Name="Source" Value="{SOURCE}"/></tt:Source>'
        f'<tt:Data><tt:SimpleItem Name="State" Value="{str(motion.now).lower()}"/></tt:Data>'
        "</tt:Message></wsnt:Message></wsnt:NotificationMessage></tt:Event>"
    )


def _instant(utc: Utc) -> str:
    seconds, rest = divmod(utc, MICROSECONDS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"
