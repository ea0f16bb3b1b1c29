"""What the control plane, which fetches from cameras' cards, asks of the recording plane, whose the catalogue is."""

from __future__ import annotations

from device.media import Utc
from device.planes.messages import Done
from device.planes.wire import Request, message


@message
class Reserved:
    """A place for a segment: its row is there, and says that it holds nothing."""

    segment: int
    run: int
    hour: int  #: YYYYMMDDHH of its folder
    volume: str  #: uuid
    path: str  #: of the volume


@message
class ReserveSegment(Request[Reserved]):
    """Somebody is about to write a segment of the past. Refused with NotFound, NotFilled."""

    token: str
    utc: Utc  #: of its first picture
    run: int  #: that of the segment before it; 0: it begins one
    epoch: int  #: of the wall clock


@message
class Adopted:
    """A span is recorded after all."""

    start: Utc
    end: Utc
    octets: int


@message
class AdoptSegment(Request[Adopted]):
    """A reserved segment is written and synced. Refused with NotFilled: then nothing was changed."""

    segment: int
    joint: int  #: segment before the gap whose last group of pictures stands in this one too; 0: none
    offset: int  #: where that group begins in its file
    source: str  #: for a person


@message
class ReleaseSegment(Request[Done]):
    """A reserved segment is not written after all."""

    segment: int
